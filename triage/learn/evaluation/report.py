"""What an evaluation says: one document, written as JSON and shown by `terminal`, `page`, `plots`.

Where there are too few nodules or patients to speak of sensitivity, the figures are absent and
`words` says so; counts are always there. Nothing in it is ever NaN.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from triage.learn.evaluation.reliability import Reliability
from triage.learn.evaluation.resample import Estimate
from triage.learn.evaluation.runs import RunRow
from triage.learn.evaluation.twins import TwinCheck

FORMAT = 1


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """Which model, exactly.

    Attributes
    ----------
    label : str
        How it is called in this report.
    name, version, digest, runtime : str
        `digest` is the SHA-256 of the network's file.
    threshold : float
        Its operating point.
    says_what_it_learned : bool
        False: that it has seen these patients cannot be ruled out.
    """

    label: str
    name: str
    version: str
    digest: str
    runtime: str
    threshold: float
    says_what_it_learned: bool


@dataclass(frozen=True, slots=True)
class DataFacts:
    """Which data, exactly.

    Attributes
    ----------
    name, digest : str
    split_hash : str or None
        Of the frozen split; None = not told.
    looks : int or None
        How often these test patients have been looked at, this time included; None = not told.
    patients, donors, scans, nodules : int
        In the curve: owners of scans, patients whose tissue was put into others' scans, scans,
        nodules to find.
    """

    name: str
    digest: str
    split_hash: str | None
    looks: int | None
    patients: int
    donors: int
    scans: int
    nodules: int


@dataclass(frozen=True, slots=True)
class Point:
    """Sensitivity at so many false marks per scan."""

    rate: float
    sensitivity: Estimate


@dataclass(frozen=True, slots=True)
class Scores:
    """One model under one rule.

    Attributes
    ----------
    rule : str
    nodules, found, false_marks : int
        In the curve's scans, at the operating point.
    words : str
        Why there is no sensitivity; "" when there is.
    sensitivity, false_per_scan : Estimate
        At the operating point.
    points : tuple of Point
        The seven of LUNA16.
    cpm : Estimate
        Their mean.
    large_nodules : int
    large : tuple of Point
        Nodules of 6 mm and more; smaller ones neither found nor missed.
    curve : tuple of pair of float
        False marks per scan, sensitivity.
    band : tuple of triple of float
        Rate, lower, upper.
    """

    rule: str
    nodules: int
    found: int
    false_marks: int
    words: str
    sensitivity: Estimate
    false_per_scan: Estimate
    points: tuple[Point, ...]
    cpm: Estimate
    large_nodules: int
    large: tuple[Point, ...]
    curve: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One model on one stratum, LUNA16's rule.

    Attributes
    ----------
    kind, name : str
    patients, scans, nodules, found : int
        `found` at the operating point.
    at_point, at_rate : Estimate
        Sensitivity at the operating point; at one false mark per scan of the stratum's own curve.
    words : str
    """

    kind: str
    name: str
    patients: int
    scans: int
    nodules: int
    found: int
    at_point: Estimate
    at_rate: Estimate
    words: str


@dataclass(frozen=True, slots=True)
class ModelReport:
    """Everything about one model.

    Attributes
    ----------
    model : ModelFacts
    scores : tuple of Scores
        A rule each.
    strata : tuple of Part
    calibration : Reliability or None
        None when there is nothing in the curve.
    twins : TwinCheck or None
        None when nothing was put into any scan.
    """

    model: ModelFacts
    scores: tuple[Scores, ...]
    strata: tuple[Part, ...]
    calibration: Reliability | None
    twins: TwinCheck | None

    @property
    def is_void(self) -> bool:
        """Whether its score on inserted nodules does not count."""
        return self.twins is not None and self.twins.verdict == "void"


@dataclass(frozen=True, slots=True)
class Difference:
    """A model minus the first one, on the same patients and draws.

    Attributes
    ----------
    label, reference, rule, what : str
    difference : Estimate
    words : str
        Whether a difference is shown.
    """

    label: str
    reference: str
    rule: str
    what: str
    difference: Estimate
    words: str


@dataclass(frozen=True, slots=True)
class ScanRow:
    """Counts of one model on one scan at its operating point.

    Attributes
    ----------
    label, scan, patient, kind : str
    nodules : int
    found : dict
        By rule.
    false_marks : dict
        By rule; None where not all nodules are marked.
    in_curve : bool
    """

    label: str
    scan: str
    patient: str
    kind: str
    nodules: int
    found: dict[str, int]
    false_marks: dict[str, int | None]
    in_curve: bool


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A scan on which nobody is scored, because a model learned from a patient in it."""

    scan: str
    patient: str
    label: str


@dataclass(frozen=True, slots=True)
class Report:
    """The whole document.

    Attributes
    ----------
    format : int
    product : str
        Version.
    command : str
    seed, resamples : int
    level : float
        Of the intervals.
    data : DataFacts
    rules : dict
        Name to words.
    models : tuple of ModelReport
        The first is what the others are compared with.
    differences : tuple of Difference
    scans : tuple of ScanRow
    runs : tuple of RunRow
        Leave-one-patient-out models.
    left_out : tuple of LeftOut
    notes : tuple of str
    """

    format: int
    product: str
    command: str
    seed: int
    resamples: int
    level: float
    data: DataFacts
    rules: dict[str, str]
    models: tuple[ModelReport, ...]
    differences: tuple[Difference, ...]
    scans: tuple[ScanRow, ...]
    runs: tuple[RunRow, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def as_json(report: Report) -> str:
    """The document; the same report always gives the same bytes."""
    plain: dict[str, Any] = asdict(report)
    return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> Report:
    """Back from `as_json`.

    Raises
    ------
    pydantic.ValidationError
        It is no such document.
    """
    return TypeAdapter(Report).validate_json(text)


def schema() -> dict[str, Any]:
    """JSON Schema of the document."""
    return TypeAdapter(Report).json_schema()
