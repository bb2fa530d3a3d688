"""What the API answers: every response of contract.md as a model; requests are in `requests`.

Names are those of the contract. ``None`` is "not known", never a default. Lengths are mm, volumes
mm³, points ``[x, y, z]`` in mm, LPS; times are RFC 3339 in UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from triage.core.finding import (
    RejectReason,
    ResultStatus,
    SeriesVerdict,
    Solidity,
    StudyState,
)
from triage.rules.words import FindingStatus, PriorCt

Point = tuple[float, float, float]
Axis = tuple[Point, Point]
Interval = tuple[float, float]
Priority = Literal["now", "next", "soon", "in_turn"]
FindingStateName = Literal[
    "pending", "confirmed", "rejected", "corrected", "added", "dismissed", "withdrawn"
]


class Model(BaseModel):
    """Base of all answers: immutable, and nothing undeclared leaves the house."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class Problem(Model):
    """RFC 9457 problem details (``application/problem+json``).

    Attributes
    ----------
    type : str
        ``urn:triage:problem:<code>``; `code` is stable, scripts may rely on it.
    errors : list
        With 422: one entry per field, ``field`` in dots and ``message`` in words.
    missing : list of str
        With 409 on signing: what is missing, in words.
    current : FindingView or None
        With 409 on a decision: the finding as it now is.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str | None = None
    errors: list[FieldProblem] | None = None
    missing: list[str] | None = None
    current: FindingView | None = None


class FieldProblem(Model):
    """One refused field."""

    field: str
    message: str


class ReasonView(Model):
    """Why something was refused, flagged or only partly done."""

    code: str
    message: str
    series_uid: str | None = None


class Health(Model):
    """The process answers."""

    status: Literal["ok"]
    version: str


class Ready(Model):
    """Whether work is accepted: every part ok, or the mend in words."""

    ready: bool
    parts: dict[str, str]


class Me(Model):
    """Who is asking, and what this person may do.

    Attributes
    ----------
    permissions : list of str
        Names of `triage.guard.access.Action`; the page shows only what may be done.
    auth : {'on', 'off'}
        "off" must be said on every page.
    """

    name: str
    display_name: str
    roles: list[str]
    permissions: list[str]
    auth: Literal["on", "off"]
    research_use_only: bool = True


class FirstLoginView(Model):
    """For whom a first-login link is, while it is valid."""

    name: str


# ---------------------------------------------------------------- worklist


class WorklistItem(Model):
    """One row of the worklist.

    Attributes
    ----------
    priority : str or None
        None while the study is not ready to be read.
    why : str
        One sentence in English; `why_code` and `why_values` carry the same for other languages.
    wait_s : int or None
        Since the study was ready (or first arrived, until then); None once signed.
    largest_mm : float or None
        Longest axis of the largest finding that has not been rejected.
    findings : int or None
        Findings not rejected; None where nothing was assessed, 0 only where it was.
    """

    study_uid: str
    patient_name: str
    patient_id: str
    patient_sex: str
    patient_age: str
    accession: str
    study_date: str
    study_time: str
    description: str
    state: StudyState
    state_reason: str
    result_status: ResultStatus | None
    provisional: bool
    questions: int
    priority: Priority | None
    why: str
    why_code: str
    why_values: dict[str, float | int | str]
    wait_s: int | None
    lung_rads: str | None
    lung_rads_preliminary: bool
    largest_mm: float | None
    findings: int | None
    prior: PriorCt | None
    reader: str | None
    instances: int
    key_image_url: str | None


class WorklistCounts(Model):
    """Studies per filter, whatever filter is on."""

    open: int
    to_read: int
    in_review: int
    not_ready: int
    signed: int
    signed_today: int
    all: int


class Worklist(Model):
    """One page of the worklist.

    Attributes
    ----------
    next : str or None
        Cursor of the next page.
    total : int
        Rows that match filter and search, all pages together.
    seq : int
        Number of the last event this answer knows of: listen to ``/api/events`` from here.
    """

    items: list[WorklistItem]
    next: str | None
    total: int
    counts: WorklistCounts
    longest_wait_s: int | None
    max_wait_s: int
    last_signed_at: datetime | None
    last_received_at: datetime | None
    seq: int


# ---------------------------------------------------------------- one study


class VolumeView(Model):
    """How to fetch and place the pixels of a series.

    Attributes
    ----------
    url : str
        Add ``?first=k`` to get slice k first, then outward. The body holds one frame per slice in
        the order k, k+1, k-1, …: rows x cols values, row-wise delta, zigzag, low bytes then high
        bytes; ``Content-Encoding`` is removed by the browser.
    shape_zyx : tuple of int
        Slices, rows, columns; z ascends towards the head.
    affine : list of list of float
        4 x 4, maps ``(z, y, x, 1)`` voxel indices to ``(x, y, z, 1)`` mm, LPS.
    sop_uids : list of str
        SOP Instance UID of each slice, in order of z.
    """

    url: str
    shape_zyx: tuple[int, int, int]
    spacing_zyx_mm: tuple[float, float, float]
    affine: list[list[float]]
    sop_uids: list[str]
    bytes: int


class SeriesView(Model):
    """One series with the verdict on it."""

    series_uid: str
    number: int | None
    modality: str
    description: str
    kernel: str
    manufacturer: str
    instances: int
    verdict: SeriesVerdict | None
    reasons: list[ReasonView]
    chosen: bool
    volume: VolumeView | None


class ResultView(Model):
    """What was looked at. Empty findings mean "none" only with ``assessed``."""

    status: ResultStatus
    reasons: list[ReasonView]
    covered_lung_fraction: float | None
    series_uid: str | None
    published: bool


class ModelView(Model):
    """What looked."""

    name: str
    digest: str
    runtime: str


class FindingView(Model):
    """One finding in its present state.

    Attributes
    ----------
    version : int
        Send it back as ``base_version``.
    mean_mm : float or None
        Mean of both axes, to 0.1 mm, half up.
    long_interval_mm, short_interval_mm, volume_interval_mm3 : pair of float or None
        95 % interval of a size that is still the machine's own; None once a reader has changed it,
        and where none is known.
    proposed : dict
        What the machine said, whole; values of the finding equal to these are still proposals
        while `state` is ``pending``.
    decided_by, decided_at
        The last act of a reader that stands.
    can_undo : bool
        An act on this finding stands that ``retract`` would take back.
    """

    finding_id: str
    study_uid: str
    series_uid: str
    number: int
    version: int
    state: FindingStateName
    reject_reason: RejectReason | None
    center_lps_mm: Point
    long_mm: float | None
    short_mm: float | None
    mean_mm: float | None
    long_axis_lps_mm: Axis | None
    short_axis_lps_mm: Axis | None
    volume_mm3: float | None
    long_interval_mm: Interval | None
    short_interval_mm: Interval | None
    volume_interval_mm3: Interval | None
    solid_long_mm: float | None
    solid_short_mm: float | None
    solidity: Solidity | None
    calcification: str | None
    margin: str | None
    juxtapleural_shape: str | None
    lobe: str | None
    probability: float | None
    status: FindingStatus
    prior_tracking_uid: str | None
    tracking_uid: str
    model_version: str
    key_sop_uid: str | None
    proposed: dict[str, Any]
    decided_by: str | None
    decided_at: datetime | None
    can_undo: bool


class ContextValue(Model):
    """One value with its source; ``value`` null = not known."""

    value: bool | int | str | None
    source: Literal["order", "rule", "reader"]
    by: str | None = None
    at: datetime | None = None


class ContextView(Model):
    """What is known about the examination; a field that is null was never answered."""

    version: int
    purpose: ContextValue | None = None
    prior_ct: ContextValue | None = None
    lungs_fully_evaluable: ContextValue | None = None
    inflammatory_infectious_suspected: ContextValue | None = None
    known_lung_cancer: ContextValue | None = None
    age_years: ContextValue | None = None
    risk: ContextValue | None = None
    immunosuppressed: ContextValue | None = None
    known_cancer: ContextValue | None = None
    significant_other_finding: ContextValue | None = None
    significant_other_finding_known: ContextValue | None = None


class Question(Model):
    """Something only a person can answer, needed for a category."""

    field: str
    text: str


class BeforeSigning(Model):
    """One line of "Before signing"; `blocking` ones answer 409 on sign."""

    code: Literal["undecided", "questions", "provisional"]
    text: str
    count: int
    blocking: bool


class OutputView(Model):
    """An object made for another system; "sent" only with a receipt."""

    sop_uid: str
    kind: str
    status: Literal["preliminary", "final"]
    predecessor_sop_uid: str | None
    created_at: datetime
    delivery: Literal["none", "waiting", "sent", "failed"]
    receipt: dict[str, Any]
    last_error: str


class SeenView(Model):
    """Which slices the asking reader has had on screen in lung window."""

    series_uid: str | None = None
    slices: list[tuple[int, int]] = Field(default_factory=list)


class StudyView(Model):
    """Everything the reading page needs, in one answer."""

    study_uid: str
    patient_name: str
    patient_id: str
    patient_sex: str
    patient_age: str
    patient_birth_date: str
    accession: str
    study_date: str
    study_time: str
    description: str
    state: StudyState
    state_reason: str
    flags: list[ReasonView]
    provisional: bool
    amending: bool
    reader: str | None
    wait_s: int | None
    signed_at: datetime | None
    signed_by: str | None
    series: list[SeriesView]
    result: ResultView | None
    context: ContextView
    questions: list[Question]
    findings: list[FindingView]
    assessment: dict[str, Any] | None
    before_signing: list[BeforeSigning]
    timings_s: dict[str, float]
    model: ModelView | None
    outputs: list[OutputView]
    seen: SeenView
    seq: int


class Signed(Model):
    """The study after signing."""

    study_uid: str
    state: StudyState
    signed_at: datetime
    signed_by: str
    dismissed: list[str]
    assessment: dict[str, Any] | None
    revision: int
    seq: int


class Claim(Model):
    """Who reads a study."""

    study_uid: str
    state: StudyState
    reader: str | None
    seq: int


class EventView(Model):
    """One act or change, as it was recorded."""

    seq: int
    at: datetime
    kind: str
    actor: str
    study_uid: str | None
    finding_id: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    undoes: int | None


class Events(Model):
    """All recorded acts and changes of one study, oldest first."""

    items: list[EventView]


class LiveEvent(Model):
    """One line of ``/api/events``: what changed, not what it says; fetch that."""

    seq: int
    at: datetime
    kind: str
    actor: str
    study_uid: str | None
    finding_id: str | None


class QuarantineItem(Model):
    """One object that could not be understood, kept."""

    id: int
    digest: str
    size: int
    code: str
    message: str
    dimse_status: str
    source: str
    sop_uid: str
    times: int
    received_at: datetime
    last_received_at: datetime


class QuarantineList(Model):
    """The newest first."""

    items: list[QuarantineItem]
    total: int
    next: int | None


class UserView(Model):
    """An account."""

    name: str
    display_name: str
    role: str
    disabled: bool
    has_password: bool
    created_at: datetime


class Users(Model):
    """All accounts."""

    items: list[UserView]
