"""Test patients: who they are, and how their slices are known whatever name they carry.

A slice is known by the SHA-256 of its Hounsfield units. Another PatientID, other UIDs, another
transfer syntax or another order change nothing about it. Slices that show one single value (an
empty picture) are no evidence of anybody and are left out.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np

from triage.core.finding import PointLps
from triage.core.volume import Volume
from triage.core.work import Json, digest_of
from triage.detect import folder as dicom_folder
from triage.detect.pixels import PADDING_HU, load_volume
from triage.detect.series import assess_study, choose
from triage.errors import GeometryRefused
from triage.learn.data.cases import Case, MarkedNodule
from triage.learn.data.shared import read_cases
from triage.phantom.chest import make_chest
from triage.store.learning_rows import PHANTOM, REAL


class Known(Protocol):
    """A nodule that is known because it was made."""

    @property
    def center_lps_mm(self) -> PointLps:
        """Its centre."""
        ...

    @property
    def diameter_mm(self) -> float:
        """Sphere of equal volume."""
        ...


class Chest(Protocol):
    """A made chest and its truth."""

    @property
    def volume(self) -> Volume:
        """As scanned."""
        ...

    @property
    def nodules(self) -> Sequence[Known]:
        """Every nodule there is."""
        ...


MakePhantom: TypeAlias = Callable[[int], Chest]
#: Seeds of the phantoms that test: nobody makes a phantom for reading with one of these.
FIRST_SEALED_SEED = 7_000_000
SEALED_PHANTOMS = 24
_SLICES, _MATRIX = 104, 96


@dataclass(frozen=True, slots=True)
class SealedCase:
    """A test patient with truth.

    Attributes
    ----------
    label : str
    case : Case
        Every nodule of it is marked.
    load : callable
        Gives the volume.
    """

    label: str
    case: Case
    load: Callable[[], Volume]


class Population(Protocol):
    """Where test patients come from."""

    @property
    def kind(self) -> str:
        """``real`` or ``phantom``."""
        ...

    def cases(self) -> list[SealedCase]:
        """All of them, in a fixed order."""
        ...


def slice_hashes(volume: Volume) -> list[str]:
    """SHA-256 of each slice's Hounsfield units (int16, little-endian), slices by ascending z.

    Values below -1024 HU count as -1024: scanners differ in what they write outside the circle.
    """
    planes = np.maximum(volume.hu, PADDING_HU).astype("<i2")
    size = f"{planes.shape[1]}x{planes.shape[2]}:".encode()
    return [
        hashlib.sha256(size + np.ascontiguousarray(plane).tobytes()).hexdigest()
        for plane in planes
        if plane.min() != plane.max()
    ]


def set_digest(hashes_by_label: dict[str, list[str]]) -> str:
    """Identity of a sealed set: of the slices of each patient."""
    rows: Json = {label: [*sorted(own)] for label, own in hashes_by_label.items()}
    return digest_of(rows)


# ---------------------------------------------------------------- people


@dataclass(frozen=True)
class FolderPopulation:
    """The sealed series of this installation: a folder with ``truth.json`` and ZIPs of DICOM.

    Attributes
    ----------
    folder : Path or None
        None: there are none.
    trained_on : callable
        Gives the case and patient names that the champion says it was trained on.
    """

    folder: Path | None
    trained_on: Callable[[], Collection[str]]
    kind: str = REAL

    def cases(self) -> list[SealedCase]:
        """Cases whose every nodule is marked and which the champion has not seen."""
        if self.folder is None:
            return []
        known = set(self.trained_on())
        found = read_cases(self.folder)
        return [
            SealedCase(name, case, _opener(case.path))
            for name, case in sorted(found.items())
            if case.all_marked and not {name, case.patient, case.scan_uid} & known
        ]


_LEARNED = ("scans", "series_uids", "patients", "cube_patients", "trained_on")


def trained_on(folder: Path) -> set[str]:
    """Case and patient names that a model or its ancestors say they were trained or tuned on."""
    return _told(folder, (*_LEARNED, "select_patients"))


def learned_from(folder: Path) -> set[str]:
    """Case and patient names that a model or its ancestors learned from; who tuned it is not in."""
    return _told(folder, _LEARNED)


def _told(folder: Path, names: Sequence[str]) -> set[str]:
    metadata = json.loads((folder / "configs" / "metadata.json").read_text())
    training = metadata.get("training") or {}
    return {one for name in names for one in training.get(name, ())}


def _opener(path: Path) -> Callable[[], Volume]:
    return lambda: read_zip(path)


def read_zip(path: Path) -> Volume:
    """The volume of a ZIP of DICOM files, read as the clinic reads it.

    Raises
    ------
    ReadingError
        It holds no series that may be read.
    """
    with tempfile.TemporaryDirectory(prefix="triage-sealed-") as scratch:
        found, _ = dicom_folder.read_files(dicom_folder.unpack(path, Path(scratch)))
        judged = assess_study(found)
        choice = choose(judged)
        if choice.series_uid is None:
            said = "; ".join(reason.message for reason in choice.reasons)
            raise GeometryRefused(f"{path.name} cannot be read: {said}", code="sealed_unreadable")
        series = next(one for one in judged if one.series_uid == choice.series_uid)
        by_uid = {one.sop_uid: one for one in found[series.series_uid]}
        return load_volume([by_uid[uid] for uid in series.sop_uids], Path)


# ---------------------------------------------------------------- phantoms


def sealed_phantom(seed: int) -> Chest:
    """A phantom on a coarse matrix: what is judged is the loop, not the picture."""
    return make_chest(seed, nodules=2 + seed % 3, slices=_SLICES, matrix=_MATRIX)


@dataclass(frozen=True)
class PhantomPopulation:
    """Phantoms of reserved seeds, made once and kept: no clinical evidence, and labelled so.

    Attributes
    ----------
    cache : Path
        Folder for the volumes.
    count : int
    make : callable
    """

    cache: Path
    count: int = SEALED_PHANTOMS
    make: MakePhantom = sealed_phantom
    kind: str = PHANTOM

    def cases(self) -> list[SealedCase]:
        """One case a seed."""
        seeds = range(FIRST_SEALED_SEED, FIRST_SEALED_SEED + self.count)
        return [self._case(seed) for seed in seeds]

    def _case(self, seed: int) -> SealedCase:
        path = self.cache / f"{seed}.npz"
        if not path.exists():
            self._keep(path, self.make(seed))
        with np.load(path, allow_pickle=False) as kept:
            rows = json.loads(str(kept["nodules"]))
        nodules = tuple(MarkedNodule((r[0], r[1], r[2]), r[3], True) for r in rows)
        label = f"phantom {seed}"
        case = Case(label, label, label, True, nodules, (), path)
        return SealedCase(label, case, lambda: read_phantom(path))

    def _keep(self, path: Path, chest: Chest) -> None:
        self.cache.mkdir(parents=True, exist_ok=True)
        nodules = json.dumps([[*n.center_lps_mm, n.diameter_mm] for n in chest.nodules])
        part = path.with_suffix(f".{os.getpid()}.part.npz")
        volume = chest.volume
        np.savez_compressed(part, hu=volume.hu, affine=volume.affine, nodules=np.array(nodules))
        part.replace(path)


def read_phantom(path: Path) -> Volume:
    """The volume of a kept phantom."""
    with np.load(path, allow_pickle=False) as kept:
        return Volume(kept["hu"], kept["affine"])


def hashes_of(cases: Sequence[SealedCase]) -> dict[str, list[str]]:
    """Slice hashes by label."""
    return {one.label: slice_hashes(one.load()) for one in cases}
