"""What data to learn from and to be judged on look like, wherever they come from.

A source (`shared`, `lidc`, `luna16`, `own`) describes its data in these words once; training,
figures, the gate and the scoring rule know nothing of files. Pixels are read when they are asked
for, one scan at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from triage.core.finding import PointLps
from triage.core.volume import Volume
from triage.learn.data.dicom import read_volume
from triage.learn.data.windows import NoduleWindow

#: From so many readers on a nodule counts; below it is ignored (LUNA16's rule).
AGREED_READERS = 3
#: Kinds of small findings that may be nodules all the same: neither taught nor counted as lung.
_MAY_BE_NODULE = frozenset({"nodule_lt_3mm", "excluded", "nodule_without_size"})
_REASONS = {
    "nodule_lt_3mm": "a reader marked a nodule under 3 mm",
    "non_nodule": "a reader marked it as no nodule",
    "excluded": "on LUNA16's list of excluded places",
    "nodule_without_size": "a reader confirmed a nodule and gave no size",
    "rejected": "a reader rejected a mark here",
}


class Role(StrEnum):
    """What a patient's data may be used for; one role a patient."""

    TRAIN = "train"
    SELECT = "select"
    TEST = "test"


class Kind(StrEnum):
    """How much of a scan a case shows."""

    WHOLE = "whole"
    LUNG_CROP = "lung_crop"


@dataclass(frozen=True, slots=True)
class MarkedNodule:
    """A nodule of the truth.

    Attributes
    ----------
    center_lps_mm : tuple of float
    diameter_mm : float
        Sphere of equal volume.
    positive : bool
        Outlined by three or four readers (or the challenge's own point); False: ``ignore``.
    bbox_lps_mm : pair of points or None
        Lowest and highest corner, where the truth is a point or boxes.
    readers : int or None
        How many outlined it; None: not stated.
    max_axial_mm : float or None
        Longest line inside one outline, mean over the readers.
    texture : float or None
        1 ground glass .. 5 solid, mean over the readers.
    """

    center_lps_mm: PointLps
    diameter_mm: float
    positive: bool
    bbox_lps_mm: tuple[PointLps, PointLps] | None = None
    readers: int | None = None
    max_axial_mm: float | None = None
    texture: float | None = None


@dataclass(frozen=True, slots=True)
class SmallFinding:
    """A mark that is no measured nodule.

    Attributes
    ----------
    center_lps_mm : tuple of float
    kinds : tuple of str
        What was said of it: ``nodule_lt_3mm``, ``non_nodule``, ``excluded`` (LUNA16 does not say
        which), ``nodule_without_size``, ``rejected``.
    marks : int
        How many marks it stands for.
    """

    center_lps_mm: PointLps
    kinds: tuple[str, ...]
    marks: int = 1

    @property
    def may_be_nodule(self) -> bool:
        """Whether anybody called it a nodule, or nobody says what it was called."""
        return not _MAY_BE_NODULE.isdisjoint(self.kinds)


@dataclass(frozen=True, slots=True)
class Ignored:
    """A place where a candidate is neither right nor wrong, and why."""

    center_lps_mm: PointLps
    diameter_mm: float | None
    reason: str


#: Reads the pixels behind a path.
ReadPixels: TypeAlias = Callable[[Path], Volume]


@dataclass(frozen=True, slots=True)
class Case:
    """One series with its truth.

    Attributes
    ----------
    name, patient, series_uid : str
    all_marked : bool
        Whether every nodule of 3 mm and more is in `nodules`; only then do false positives count.
    nodules : tuple of MarkedNodule
    small : tuple of SmallFinding
    path : Path
        Where the pixels lie.
    pixels : callable
        Reads them.
    kind : Kind
    spacing_zyx_mm : tuple of float or None
    thickness_mm : float or None
        Slice thickness as the scanner says; None: not stated. A resampled crop has the thickness
        of what is shown, not of the scan.
    kernel : str
        Empty: not stated.
    source_uid : str
        Series that a crop was cut from; empty: `series_uid` itself.
    """

    name: str
    patient: str
    series_uid: str
    all_marked: bool
    nodules: tuple[MarkedNodule, ...]
    small: tuple[SmallFinding, ...]
    path: Path
    pixels: ReadPixels = read_volume
    kind: Kind = Kind.WHOLE
    spacing_zyx_mm: tuple[float, float, float] | None = None
    thickness_mm: float | None = None
    kernel: str = ""
    source_uid: str = ""

    @property
    def scan_uid(self) -> str:
        """The series as the scanner made it: the same scan in two sources has the same one."""
        return self.source_uid or self.series_uid

    @property
    def ignored(self) -> tuple[Ignored, ...]:
        """Nodules too few agree on, and small findings, each with its reason."""
        few = [
            Ignored(n.center_lps_mm, n.diameter_mm, _few(n.readers))
            for n in self.nodules
            if not n.positive
        ]
        marks = [Ignored(s.center_lps_mm, None, _why(s.kinds)) for s in self.small]
        return (*few, *marks)

    def volume(self) -> Volume:
        """Read the pixels; nothing is kept.

        Raises
        ------
        TriageError
            They are missing or damaged, or belong to a role that is not open.
        """
        return self.pixels(self.path)


def _few(readers: int | None) -> str:
    if readers is None:
        return "too few readers outlined it"
    return f"outlined by {readers} of the readers, {AGREED_READERS} are needed"


def _why(kinds: tuple[str, ...]) -> str:
    return "; ".join(_REASONS.get(kind, kind) for kind in kinds)


@dataclass(frozen=True, slots=True)
class Cube:
    """A nodule with its surroundings.

    Attributes
    ----------
    patient : str
    role : str
        ``train`` or ``val`` as the data set suggests.
    readers : int
        How many of four outlined it.
    diameter_mm : float
        Sphere of the volume of one reader's outline.
    hu : ndarray, int16, shape (51, 51, 51)
        z (towards the head), y, x at 1 mm; cut to -1200..400 HU by the source.
    mask : ndarray, bool, shape (51, 51, 51)
    series_uid : str
    thickness_mm : float or None
        Of the scan it was cut from.
    texture : int or None
        1 ground glass .. 5 solid, by the reader whose outline the mask is.
    match_cost : float
        Above 0.4 the patient is less sure.
    """

    patient: str
    role: str
    readers: int
    diameter_mm: float
    hu: npt.NDArray[np.int16]
    mask: npt.NDArray[np.bool_]
    series_uid: str = ""
    thickness_mm: float | None = None
    texture: int | None = None
    match_cost: float = 0.0


@dataclass(frozen=True, slots=True)
class ReaderOutline:
    """One reader's outline of a nodule, as numbers; in-plane position in pixels of the series."""

    patient: str
    series_uid: str
    annotation: int
    nodule: int
    readers: int
    centroid_px: tuple[float, float]
    centroid_z_mm: float
    pixel_mm: float
    diameter_mm: float
    max_axial_mm: float
    texture: int


@dataclass(frozen=True, slots=True)
class ReaderMark:
    """One reader's mark that is no outline."""

    patient: str
    series_uid: str
    kind: str
    x_px: float
    y_px: float
    z_mm: float
    reader: int
    pixel_mm: float


def _nothing() -> Mapping[str, Role]:
    return MappingProxyType({})


def _no_folds() -> Mapping[str, int]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DataSet:
    """Everything one source offers.

    Attributes
    ----------
    name : str
        ``kind:place`` as it was asked for.
    digest : str
        SHA-256; what it covers is said in docs/data.md, source by source.
    licence : str
    cases, cubes, windows
        What can be learned from.
    outlines, marks
        Single readers, as tables.
    roles : mapping of patient to Role
        Fixed by the source's own rule.
    folds : mapping of patient to int
        0..9 for patients without a fixed role.
    left_out : tuple of str
        What was there and is not used, each with its reason: could not look, not nothing found.
    """

    name: str
    digest: str
    licence: str
    cases: tuple[Case, ...] = ()
    cubes: tuple[Cube, ...] = ()
    windows: tuple[NoduleWindow, ...] = ()
    outlines: tuple[ReaderOutline, ...] = ()
    marks: tuple[ReaderMark, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=_nothing)
    folds: Mapping[str, int] = field(default_factory=_no_folds)
    left_out: tuple[str, ...] = ()

    @property
    def patients(self) -> frozenset[str]:
        """Everybody of whom there are pixels."""
        return frozenset(
            [c.patient for c in self.cases]
            + [c.patient for c in self.cubes]
            + [w.patient for w in self.windows]
        )
