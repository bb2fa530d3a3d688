"""What the machine proposes and what a reader decides: Finding, Measurement, Result, Context.

Field names are those of the HTTP contract. ``None`` means "not known"; it is never a default.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

PointLps = tuple[float, float, float]
Interval = tuple[float, float]  # low, high


class Solidity(StrEnum):
    """Nodule texture (Lung-RADS v2022 / Fleischner 2017 vocabulary)."""

    SOLID = "solid"
    PART_SOLID = "part_solid"
    GROUND_GLASS = "ground_glass"


class FindingState(StrEnum):
    """What a reader has said of a finding."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    CORRECTED = "corrected"
    ADDED = "added"
    DISMISSED = "dismissed"


class RejectReason(StrEnum):
    """Why a mark is not a nodule; each becomes a weighted hard-negative class."""

    VESSEL = "vessel"
    SCAR = "scar"
    ATELECTASIS = "atelectasis"
    ARTEFACT = "artefact"
    NODE = "node"
    DUPLICATE = "duplicate"
    BENIGN_PATTERN = "benign_pattern"
    OTHER = "other"


class ResultStatus(StrEnum):
    """Whether the lungs were looked at. Empty findings mean "none" only with ASSESSED."""

    ASSESSED = "assessed"
    PARTLY_ASSESSED = "partly_assessed"
    NOT_ASSESSED = "not_assessed"


class StudyState(StrEnum):
    """Where a study is on its walk."""

    RECEIVING = "receiving"
    INCOMPLETE = "incomplete"
    RUNNING = "running"
    READY = "ready"
    IN_REVIEW = "in_review"
    SIGNED = "signed"
    FAILED = "failed"


class SeriesVerdict(StrEnum):
    """Whether a series may be read as one volume."""

    RUN = "run"
    RUN_FLAGGED = "run_flagged"
    SPLIT = "split"
    MERGE = "merge"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was refused, flagged or only partly done.

    Attributes
    ----------
    code : str
        Stable, e.g. ``lung_not_covered``, ``missing_slices``.
    message : str
        One sentence for a person: cause and place.
    series_uid : str or None
        The series it speaks of.
    """

    code: str
    message: str
    series_uid: str | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """Size of one nodule: long and short axis on one image, volume, and how sure they are.

    An interval holds the mean of several readers in 19 of 20 nodules; None where that was never
    measured (`triage.detect.interval`).

    Attributes
    ----------
    long_mm, short_mm : float
        Axes in mm, perpendicular to each other in the same axial plane; short <= long.
    long_axis_lps_mm, short_axis_lps_mm : pair of points
        End points, x y z in mm, LPS.
    volume_mm3 : float or None
        Segmented in all planes, never derived from the axes.
    solid_long_mm, solid_short_mm, solid_volume_mm3 : float or None
        Of the solid part of a part-solid nodule; None without one that can be told.
    long_interval_mm, short_interval_mm, volume_interval_mm3 : (low, high) or None
    """

    long_mm: float
    short_mm: float
    long_axis_lps_mm: tuple[PointLps, PointLps]
    short_axis_lps_mm: tuple[PointLps, PointLps]
    volume_mm3: float | None = None
    solid_long_mm: float | None = None
    solid_short_mm: float | None = None
    solid_volume_mm3: float | None = None
    long_interval_mm: Interval | None = None
    short_interval_mm: Interval | None = None
    volume_interval_mm3: Interval | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place the detector points at, before it is measured.

    Attributes
    ----------
    center_lps_mm : tuple of float
        x, y, z in mm, LPS.
    diameter_mm : float
        The detector's own estimate of the equivalent diameter.
    probability : float
        0..1, as calibrated for the model; that the place is a nodule, never that it is cancer.
    """

    center_lps_mm: PointLps
    diameter_mm: float
    probability: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding as the machine proposes it.

    Attributes
    ----------
    center_lps_mm : tuple of float
        x, y, z in mm, LPS.
    probability : float
        0..1, that it is a nodule.
    diameter_mm : float
        The detector's estimate; the size that counts is `measurement`.
    measurement : Measurement or None
        None when the nodule could not be measured.
    solidity : Solidity or None
        Proposed texture, None when not known.
    key_sop_uid : str or None
        SOP Instance UID of the slice nearest the centre.
    """

    center_lps_mm: PointLps
    probability: float
    diameter_mm: float
    measurement: Measurement | None = None
    solidity: Solidity | None = None
    key_sop_uid: str | None = None


@dataclass(frozen=True, slots=True)
class Detection:
    """The answer for one series: what was looked at, and what was seen.

    Attributes
    ----------
    status : ResultStatus
    reasons : tuple of Reason
        Never empty unless `status` is ASSESSED without flags.
    covered_lung_fraction : float or None
        Share of the lung inside the scan, 0..1; None when not known.
    findings : tuple of Finding
        Sorted by falling probability.
    timings_s : dict of str to float
        Stage name to seconds.
    model_name, model_digest, runtime : str
        What looked; empty strings when nothing could look.
    """

    status: ResultStatus
    reasons: tuple[Reason, ...] = ()
    covered_lung_fraction: float | None = None
    findings: tuple[Finding, ...] = ()
    timings_s: dict[str, float] = field(default_factory=dict)
    model_name: str = ""
    model_digest: str = ""
    runtime: str = ""
