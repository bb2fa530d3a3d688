"""What the API accepts: every request body. Unknown fields, NaN and nonsense sizes are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints

from triage.core.finding import RejectReason, Solidity
from triage.rules.words import (
    Calcification,
    FindingStatus,
    JuxtapleuralShape,
    Margin,
    PriorCt,
    Purpose,
    Risk,
)

MAX_LENGTH_MM = 300.0
MAX_VOLUME_MM3 = 14_000_000.0
MAX_COORDINATE_MM = 5_000.0

Coordinate = Annotated[FiniteFloat, Field(ge=-MAX_COORDINATE_MM, le=MAX_COORDINATE_MM)]
PointIn = tuple[Coordinate, Coordinate, Coordinate]
AxisIn = tuple[PointIn, PointIn]
Length = Annotated[FiniteFloat, Field(gt=0, le=MAX_LENGTH_MM)]
Uid = Annotated[str, StringConstraints(pattern=r"^[0-9.]{1,64}$")]
# An account name goes into logs and events: one word, printable.
UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]
Password = Annotated[str, StringConstraints(min_length=10, max_length=256)]

Role = Literal["radiologist", "adjudicator", "pacs_admin", "ml_engineer", "auditor", "admin"]
Lobe = Literal["right_upper", "right_middle", "right_lower", "left_upper", "lingula", "left_lower"]


class Body(BaseModel):
    """Base of all requests: what is not declared is refused, not ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Login(Body):
    """Name and password."""

    name: Annotated[str, StringConstraints(pattern=r"^[^\x00]{1,64}$")]
    password: Annotated[str, StringConstraints(min_length=1, max_length=256)]


class FirstLogin(Body):
    """The one-time token of a first-login link, and the password it is exchanged for."""

    token: Annotated[str, StringConstraints(min_length=16, max_length=128)]
    password: Password


class NewUser(Body):
    """An account made by an administrator."""

    name: UserName
    display_name: Annotated[str, StringConstraints(pattern=r"^[^\x00]{0,64}$")] = ""
    role: Role
    password: Password


class Attributes(Body):
    """What a reader may say about a nodule; a field that is not sent stays as it is.

    With end points the server computes the lengths; a length sent beside them must agree.
    """

    center_lps_mm: PointIn | None = None
    long_axis_lps_mm: AxisIn | None = None
    short_axis_lps_mm: AxisIn | None = None
    long_mm: Length | None = None
    short_mm: Length | None = None
    solid_long_mm: Length | None = None
    solid_short_mm: Length | None = None
    solidity: Solidity | None = None
    calcification: Calcification | None = None
    margin: Margin | None = None
    juxtapleural_shape: JuxtapleuralShape | None = None
    lobe: Lobe | None = None
    status: FindingStatus | None = None


class DecisionIn(Attributes):
    """What a reader says of one finding.

    ``confirm`` and ``reject`` (with `reason`) close it; ``correct`` carries the changed
    attributes; ``reopen`` makes it undecided again, exactly as it was before the first act;
    ``retract`` takes the last standing act back and restores exactly what was before it.
    """

    decision: Literal["confirm", "reject", "correct", "reopen", "retract"]
    base_version: Annotated[int, Field(ge=1)]
    reason: RejectReason | None = None


class NewFinding(Attributes):
    """A nodule the model missed."""

    series_uid: Uid
    center_lps_mm: PointIn


class ContextIn(Body):
    """Answers about the examination: a field not sent stays, null makes it unknown again.

    Beyond the contract: `known_cancer` (any primary cancer) is what Fleischner 2017 asks, and the
    two about a significant other finding make the Lung-RADS modifier S.
    """

    purpose: Purpose | None = None
    prior_ct: PriorCt | None = None
    lungs_fully_evaluable: bool | None = None
    inflammatory_infectious_suspected: bool | None = None
    known_lung_cancer: bool | None = None
    age_years: Annotated[int, Field(ge=0, le=130)] | None = None
    risk: Risk | None = None
    immunosuppressed: bool | None = None
    known_cancer: bool | None = None
    significant_other_finding: bool | None = None
    significant_other_finding_known: bool | None = None
    base_version: Annotated[int, Field(ge=0)] | None = None


class SignIn(Body):
    """Signing; `rest` closes marks that were seen and left; `as_of` is the page's `seq`."""

    rest: Literal["dismissed"] | None = None
    as_of: Annotated[int, Field(ge=0)] | None = None


class ClaimIn(Body):
    """Claiming; `take_over` takes it from another reader, recorded."""

    take_over: bool = False


class SeenIn(Body):
    """Slices that were on screen in lung window: inclusive ranges of slice index z."""

    series_uid: Uid
    slices: Annotated[
        list[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]],
        Field(max_length=2000),
    ]
