"""What a report says, before it is an SR or a text: one frozen value, digested for its revision.

Field names are those of the HTTP contract. ``None`` is "not known" and is never written as
something else; a report without findings says "none" only when the whole lung was assessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from triage.core.context import known
from triage.core.finding import PointLps, Reason, ResultStatus
from triage.core.work import digest_of

COUNTED = frozenset({"confirmed", "corrected", "added"})
UNDECIDED = "undecided"
RESEARCH_USE = "Research use only, not a cleared medical device."
_MACHINE_SOLID = ("solid_long_mm", "solid_short_mm")
_MACHINE_MEASURED = ("long_mm", "short_mm", "long_axis_lps_mm", "short_axis_lps_mm")


class Stage(StrEnum):
    """How far a report has come."""

    PRELIMINARY = "preliminary"  # the machine's marks; no reader stands behind it
    DRAFT = "draft"  # as it would be signed now; shown to the reader, never sent
    FINAL = "final"  # signed


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What looked.

    Attributes
    ----------
    name : str
        Empty when nothing could look.
    digest : str
        SHA-256 of the model file.
    runtime : str
    """

    name: str
    digest: str
    runtime: str

    @property
    def identity(self) -> str:
        """Name and digest, for UIDs."""
        return f"{self.name}@{self.digest}"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who signed, and what exactly.

    Attributes
    ----------
    name, login : str
        As on the account; the login name when no other is given.
    signed_at : datetime
    event : int
        Number of the signature in the list of events.
    revision : int
        1 for the first signature of the study; amendments count on.
    """

    name: str
    login: str
    signed_at: datetime
    event: int
    revision: int


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    """One nodule of a report. Lengths in mm, volume in mm3, points x y z in mm, LPS."""

    finding_id: str
    number: int
    tracking_uid: str
    state: str
    series_uid: str
    center_lps_mm: PointLps
    long_mm: float | None = None
    short_mm: float | None = None
    long_axis_lps_mm: tuple[PointLps, PointLps] | None = None
    short_axis_lps_mm: tuple[PointLps, PointLps] | None = None
    volume_mm3: float | None = None
    solid_long_mm: float | None = None
    solid_short_mm: float | None = None
    solidity: str | None = None
    calcification: str | None = None
    margin: str | None = None
    juxtapleural_shape: str | None = None
    lobe: str | None = None
    status: str | None = None
    probability: float | None = None
    key_sop_uid: str | None = None
    measured_by_machine: bool = False
    """Whether both axes are the machine's own, untouched."""
    solid_by_machine: bool = False
    """Whether the size of the solid part is the machine's own, untouched."""

    @property
    def mean_mm(self) -> float | None:
        """Mean of both axes to 0.1 mm, half up, as on the reading page."""
        if self.long_mm is None or self.short_mm is None:
            return None
        total = Decimal(repr(self.long_mm)) + Decimal(repr(self.short_mm))
        return float((total / 2).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))

    @property
    def likelihood_percent(self) -> float | None:
        """That it is a nodule (never that it is cancer), in percent to 0.01."""
        if self.probability is None:
            return None
        percent = Decimal(repr(self.probability)) * 100
        return float(percent.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


@dataclass(frozen=True, slots=True)
class Report:
    """What is said of one study.

    Attributes
    ----------
    study_uid : str
    series_uid : str or None
        The series that was read; None when none could be.
    stage : Stage
    status : ResultStatus
        Of the machine's look at the lungs.
    reasons : tuple of Reason
    findings : tuple of ReportedFinding
        Those the report stands for: proposed and not rejected, or decided by the reader.
    left_out : dict of str to int
        How many were ``rejected``, how many ``dismissed`` and, in a draft, how many are still
        ``undecided``; they are counted, not described.
    algorithm : Algorithm
    input_digest : str
    written_at : datetime
        Publication or signature.
    context : mapping
        Field to ``{value, source}``; empty in a preliminary report.
    assessment : mapping or None
        The result contract of the guideline; None in a preliminary report.
    reader : Reader or None
    software : str
        Version of this product.
    provisional : bool
        More images may come (a draft only: what is published or signed never is).
    amends : int
        Which amendment this draft would make; 0 when nothing has been signed.
    """

    study_uid: str
    series_uid: str | None
    stage: Stage
    status: ResultStatus
    reasons: tuple[Reason, ...]
    findings: tuple[ReportedFinding, ...]
    algorithm: Algorithm
    input_digest: str
    written_at: datetime
    software: str
    left_out: Mapping[str, int] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    assessment: Mapping[str, Any] | None = None
    reader: Reader | None = None
    provisional: bool = False
    amends: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether the whole lung was assessed, and no reader says that it could not be."""
        looked = self.status is ResultStatus.ASSESSED and not self.provisional
        return looked and not self.says_not_evaluable

    @property
    def says_not_evaluable(self) -> bool:
        """Whether a reader says that the lungs cannot be wholly looked at."""
        return known(self.context, "lungs_fully_evaluable") is False

    @property
    def undecided(self) -> int:
        """How many marks wait for a decision; only a draft has any."""
        return self.left_out.get(UNDECIDED, 0)

    @property
    def revision(self) -> str:
        """Digest of everything this report says."""
        said = asdict(self)
        said["written_at"] = self.written_at.isoformat()
        if self.reader is not None:
            said["reader"]["signed_at"] = self.reader.signed_at.isoformat()
        return digest_of(said)


_FIELDS = frozenset(one.name for one in fields(ReportedFinding)) - {
    "measured_by_machine", "solid_by_machine",
}  # fmt: skip


def reported(row: Mapping[str, Any], prior_ct: str | None = None) -> ReportedFinding:
    """A finding of the rows or of a signed event as the report holds it.

    Parameters
    ----------
    row : mapping
        Fields of the HTTP contract, with ``proposed``: what the machine said, or nothing.
    prior_ct : str or None
        What is known of a prior: a row starts as ``baseline`` before anyone has compared it, so
        that word counts only where there is no prior.
    """
    known: dict[str, Any] = {name: row.get(name) for name in _FIELDS}
    known["center_lps_mm"] = _point(row["center_lps_mm"])
    for axis in ("long_axis_lps_mm", "short_axis_lps_mm"):
        known[axis] = _axis(row.get(axis))
    if known["status"] == "baseline" and prior_ct != "none":
        known["status"] = None
    proposed = row.get("proposed") or {}
    untouched = row.get("long_mm") is not None and all(
        row.get(name) == proposed.get(name) for name in _MACHINE_MEASURED
    )
    solid = row.get("solid_long_mm") is not None and all(
        row.get(name) == proposed.get(name) for name in _MACHINE_SOLID
    )
    return ReportedFinding(**known, measured_by_machine=untouched, solid_by_machine=solid)


def _point(values: Any) -> PointLps:
    x, y, z = values
    return float(x), float(y), float(z)


def _axis(values: Any) -> tuple[PointLps, PointLps] | None:
    if values is None:
        return None
    start, end = values
    return _point(start), _point(end)
