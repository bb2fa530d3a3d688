"""What an evaluation is made from: per scan a table of truths, per model a table of marks.

Nothing here knows where scans come from or what a network is. Positions are DICOM patient
millimetres (x, y, z; LPS) of the scan's own frame.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from triage.core.finding import PointLps
from triage.errors import Unprocessable


class TruthKind(StrEnum):
    """What is known of a place.

    * ``nodule``: to be found (three or four readers of four);
    * ``ignore``: one or two readers; neither a hit nor a false mark, a miss does not count;
    * ``small``: a reader's mark under 3 mm, or what readers called no nodule;
    * ``twin``: healthy tissue put in the way nodules were put in: a mark on it is false;
    * ``background``: an untouched place to compare twins with; changes no score.
    """

    NODULE = "nodule"
    IGNORE = "ignore"
    SMALL = "small"
    TWIN = "twin"
    BACKGROUND = "background"


class ScanKind(StrEnum):
    """What a scan is; only ``whole`` and ``inserted`` enter a curve.

    ``untouched`` is the lung that nodules were put into elsewhere, as it was.
    """

    WHOLE = "whole"
    LUNG_CROP = "lung_crop"
    INSERTED = "inserted"
    UNTOUCHED = "untouched"


@dataclass(frozen=True, slots=True)
class Truth:
    """A place of which something is known.

    Attributes
    ----------
    id : str
        Unique within its scan.
    kind : TruthKind
    center_lps_mm : tuple of float
    diameter_mm : float or None
        Sphere of equal volume; None where nobody measured it (small findings).
    box_lps_mm : pair of points or None
        Lowest and highest corner, where the truth is a point or boxes.
    patient : str
        Whose tissue it is, when it was put into another patient's scan; "" = the scan's own.
    texture : float or None
        Mean LIDC rating, 1 ground glass to 5 solid; None = not rated.
    hangs_on : str
        What it hangs on (vessel, wall, nothing); "" = not said.
    """

    id: str
    kind: TruthKind
    center_lps_mm: PointLps
    diameter_mm: float | None = None
    box_lps_mm: tuple[PointLps, PointLps] | None = None
    patient: str = ""
    texture: float | None = None
    hangs_on: str = ""


@dataclass(frozen=True, slots=True)
class ScanTable:
    """One scan and all that is known of it.

    Attributes
    ----------
    scan : str
        Identity, e.g. the Series Instance UID; unique in an evaluation.
    name : str
        For people.
    patient : str
        Scans of one patient are drawn together.
    kind : ScanKind
    all_marked : bool
        Whether every nodule of 3 mm and more is among the truths; only then do false marks count.
    truths : tuple of Truth
    slice_mm : float or None
        Slice thickness.
    noise_hu : float or None
        As `triage.learn.evaluation.noise` measures it.
    lung : str
        Whose lung nodules were put into; "" where nothing was put in.
    bounds_lps_mm : pair of points or None
        Lowest and highest corner of the scan; marks outside are refused.
    """

    scan: str
    name: str
    patient: str
    kind: ScanKind
    all_marked: bool
    truths: tuple[Truth, ...]
    slice_mm: float | None = None
    noise_hu: float | None = None
    lung: str = ""
    bounds_lps_mm: tuple[PointLps, PointLps] | None = None

    def of(self, kind: TruthKind) -> tuple[Truth, ...]:
        """Its truths of one kind, in their order."""
        return tuple(t for t in self.truths if t.kind is kind)

    @property
    def patients(self) -> frozenset[str]:
        """Everybody whose tissue is in it."""
        return frozenset({self.patient, *(t.patient for t in self.truths if t.patient)})

    @property
    def in_curve(self) -> bool:
        """Whether false marks per scan mean something here."""
        return self.all_marked and self.kind in {ScanKind.WHOLE, ScanKind.INSERTED}


@dataclass(frozen=True, slots=True)
class Mark:
    """A candidate of a model: where, how large it thinks, how probable."""

    center_lps_mm: PointLps
    diameter_mm: float
    probability: float


@dataclass(frozen=True, slots=True)
class ModelMarks:
    """All a model says of all scans.

    Attributes
    ----------
    label : str
        Unique in an evaluation.
    threshold : float
        Its operating point, a probability.
    marks : mapping
        Scan identity to marks; a scan without marks has an empty row, never none.
    """

    label: str
    threshold: float
    marks: Mapping[str, Sequence[Mark]] = field(default_factory=dict)


def check(scans: Sequence[ScanTable], models: Sequence[ModelMarks]) -> None:
    """Refuse tables from which no honest figure can come.

    Parameters
    ----------
    scans : sequence of ScanTable
    models : sequence of ModelMarks

    Raises
    ------
    Unprocessable
        With the name of what is wrong: no scans or models, names used twice, a truth or mark that
        is no place, a probability outside 0..1, a mark outside its scan, a scan nobody read.
    """
    if not scans:
        raise Unprocessable("there is no scan to evaluate on", code="no_scans")
    if not models:
        raise Unprocessable("there is no model to evaluate", code="no_models")
    _once("scan", (s.scan for s in scans))
    _once("model", (m.label for m in models))
    for scan in scans:
        _check_scan(scan)
    for model in models:
        _check_probability(f"{model.label}: operating point", model.threshold)
        if strange := set(model.marks) - {s.scan for s in scans}:
            raise Unprocessable(f"{model.label} has marks on {min(strange)}, which is no scan here")
        for scan in scans:
            _check_marks(model, scan)


def _once(what: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise Unprocessable(f"{what} {twice[0]} is there twice", code="not_unique")


def _check_scan(scan: ScanTable) -> None:
    _once(f"{scan.name}: truth", (t.id for t in scan.truths))
    if not scan.patient:
        raise Unprocessable(f"{scan.name}: whose scan it is is not said", code="no_patient")
    for truth in scan.truths:
        at = f"{scan.name}, truth {truth.id}"
        _check_place(at, truth.center_lps_mm)
        size = truth.diameter_mm
        if size is None and truth.kind in {TruthKind.NODULE, TruthKind.IGNORE}:
            raise Unprocessable(f"{at}: a nodule needs a diameter")
        if size is not None and not (math.isfinite(size) and size > 0.0):
            raise Unprocessable(f"{at}: the diameter is {size} mm")


def _check_marks(model: ModelMarks, scan: ScanTable) -> None:
    if scan.scan not in model.marks:
        raise Unprocessable(f"{model.label} did not read {scan.name}", code="not_read")
    for number, mark in enumerate(model.marks[scan.scan], start=1):
        at = f"{model.label}, {scan.name}, mark {number}"
        _check_place(at, mark.center_lps_mm)
        _check_probability(at, mark.probability)
        if scan.bounds_lps_mm is not None and not within(mark.center_lps_mm, scan.bounds_lps_mm):
            raise Unprocessable(f"{at}: {mark.center_lps_mm} lies outside the scan", code="outside")


def _check_place(at: str, lps_mm: PointLps) -> None:
    if not all(math.isfinite(v) for v in lps_mm):
        raise Unprocessable(f"{at}: {lps_mm} is no place")


def _check_probability(at: str, probability: float) -> None:
    if not 0.0 <= probability <= 1.0:  # also refuses NaN
        raise Unprocessable(f"{at}: {probability} is no probability", code="no_probability")


def within(lps_mm: PointLps, box: tuple[PointLps, PointLps]) -> bool:
    """Whether a place lies in a box, its faces included."""
    return all(low <= v <= high for v, low, high in zip(lps_mm, *box, strict=True))
