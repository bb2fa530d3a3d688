"""Training scans: prepared exactly as in the clinic, with the truth on the tensor grid."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from triage.detect.lungs import BoolArray, Float32Array
from triage.detect.prepare import Prepared, prepare
from triage.learn.data.cases import Case
from triage.learn.insertion.ground import Ground, survey

#: Below this the 1 mm grid holds air or lung tissue, not vessel or wall: (-500 HU + 1000) / 1400.
PARENCHYMA = 500.0 / 1400.0
#: Around a reader's mark under 3 mm nothing is taught, neither nodule nor background.
SMALL_DIAMETER_MM = 3.0
_Kind = TypeVar("_Kind", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Target:
    """A nodule on a tensor grid.

    Attributes
    ----------
    zyx : tuple of float
        Voxels of 1 mm.
    diameter_mm : float
    positive : bool
        False: nothing is taught here.
    """

    zyx: tuple[float, float, float]
    diameter_mm: float
    positive: bool


@dataclass(slots=True)
class Scan:
    """A prepared scan to sample from.

    Attributes
    ----------
    name : str
    volume : ndarray, float32, shape (Z, Y, X)
        Normalised to 0..1.
    prepared : Prepared
    air : ndarray, int32, shape (n, 3)
        Voxels of aerated lung: where patches are centred and nodules are put.
    targets : tuple of Target
    may_mine : bool
        Whether high answers are false for sure: every nodule of the scan is marked.
    ground : Ground
        Where nodules can be laid.
    no_nodules : ndarray, float64, shape (k, 3)
        What readers marked and nobody called a nodule, voxels.
    hard : ndarray, float64, shape (m, 3)
        Where to look hardest, voxels: those, and mined false positives.
    """

    name: str
    volume: Float32Array
    prepared: Prepared
    air: npt.NDArray[np.int32]
    targets: tuple[Target, ...]
    may_mine: bool
    ground: Ground
    no_nodules: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))
    hard: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))


def load_scan(case: Case, shelf: Path | None = None) -> Scan:
    """Read and prepare one case.

    Parameters
    ----------
    case : Case
    shelf : Path, optional
        Folder to keep the arrays in: hundreds of scans fit no memory, and a patch needs few pages
        of them. Without it they stay in memory.

    Returns
    -------
    Scan
    """
    prepared = prepare(case.volume())
    volume, lung = prepared.tensor[0, 0], prepared.lung
    air, ground = aerated_voxels(volume, lung), ground_of(case, prepared)
    if shelf is not None:
        own = shelf / hashlib.sha256(case.name.encode()).hexdigest()[:16]
        own.mkdir(parents=True, exist_ok=True)
        tensor = shelved(prepared.tensor, own / "tensor.npy")
        prepared = replace(prepared, tensor=tensor, lung=shelved(lung, own / "lung.npy"))
        air = shelved(air, own / "air.npy")
        ground = replace(
            ground,
            volume=tensor[0, 0],
            to_vessel_mm=shelved(ground.to_vessel_mm, own / "vessel.npy"),
            to_wall_mm=shelved(ground.to_wall_mm, own / "wall.npy"),
        )
    marked = no_nodules(case, prepared)
    return Scan(
        name=case.name,
        volume=prepared.tensor[0, 0],
        prepared=prepared,
        air=air,
        targets=targets_of(case, prepared),
        may_mine=case.all_marked,
        ground=ground,
        no_nodules=marked,
        hard=marked,
    )


def ground_of(case: Case, prepared: Prepared) -> Ground:
    """Ground to lay nodules into; slices of unknown thickness are taken to touch."""
    spacing_mm = case.spacing_zyx_mm[0] if case.spacing_zyx_mm else 1.0
    thickness_mm = case.thickness_mm or spacing_mm
    return survey(prepared.tensor[0, 0], prepared.lung, spacing_mm, thickness_mm)


def no_nodules(case: Case, prepared: Prepared) -> npt.NDArray[np.float64]:
    """Where readers marked something and nobody called it a nodule, voxels, shape (m, 3)."""
    points = [s.center_lps_mm for s in case.small if not s.may_be_nodule]
    return np.array([_zyx(prepared, p) for p in points]).reshape(-1, 3)


def shelved(array: npt.NDArray[_Kind], path: Path) -> npt.NDArray[_Kind]:
    """The same array, read from a file as it is needed; what is written to it stays in memory."""
    np.save(path, array, allow_pickle=False)
    kept: npt.NDArray[_Kind] = np.load(path, mmap_mode="c", allow_pickle=False)
    return kept


def aerated_voxels(volume: Float32Array, lung: BoolArray) -> npt.NDArray[np.int32]:
    """Voxels of the lung that hold air, every second along each axis, shape (n, 3)."""
    sparse = (lung & (volume < PARENCHYMA))[::2, ::2, ::2]
    return (np.argwhere(sparse) * 2).astype(np.int32)


def targets_of(case: Case, prepared: Prepared) -> tuple[Target, ...]:
    """The truth of a case on the tensor grid.

    Nodules of one or two readers and marks that any reader called a nodule under 3 mm (or of
    which nobody says what they were called) are neither taught as nodule nor as background.
    """
    rows = [(n.center_lps_mm, n.diameter_mm, n.positive) for n in case.nodules]
    rows += [(s.center_lps_mm, SMALL_DIAMETER_MM, False) for s in case.small if s.may_be_nodule]
    return tuple(Target(_zyx(prepared, p), d, positive) for p, d, positive in rows)


def _zyx(prepared: Prepared, lps_mm: tuple[float, float, float]) -> tuple[float, float, float]:
    z, y, x = (float(v) for v in prepared.to_zyx(lps_mm))
    return z, y, x
