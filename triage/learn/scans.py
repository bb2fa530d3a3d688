"""Training scans: prepared exactly as in the clinic, with the truth on the tensor grid."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from triage.detect.lungs import BoolArray, Float32Array
from triage.detect.prepare import Prepared, prepare
from triage.learn.sources import Case, read_volume

#: Below this the 1 mm grid holds air or lung tissue, not vessel or wall: (-500 HU + 1000) / 1400.
PARENCHYMA = 500.0 / 1400.0
#: Around a reader's mark under 3 mm nothing is taught, neither nodule nor background.
SMALL_DIAMETER_MM = 3.0


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
    hard : ndarray, float64, shape (m, 3)
        Mined false positives, voxels.
    """

    name: str
    volume: Float32Array
    prepared: Prepared
    air: npt.NDArray[np.int32]
    targets: tuple[Target, ...]
    may_mine: bool
    hard: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))


def load_scan(case: Case) -> Scan:
    """Read and prepare one case.

    Parameters
    ----------
    case : Case

    Returns
    -------
    Scan
    """
    prepared = prepare(read_volume(case.path))
    volume = prepared.tensor[0, 0]
    return Scan(
        name=case.name,
        volume=volume,
        prepared=prepared,
        air=aerated_voxels(volume, prepared.lung),
        targets=targets_of(case, prepared),
        may_mine=case.all_marked,
    )


def aerated_voxels(volume: Float32Array, lung: BoolArray) -> npt.NDArray[np.int32]:
    """Voxels of the lung that hold air, every second along each axis, shape (n, 3)."""
    sparse = (lung & (volume < PARENCHYMA))[::2, ::2, ::2]
    return (np.argwhere(sparse) * 2).astype(np.int32)


def targets_of(case: Case, prepared: Prepared) -> tuple[Target, ...]:
    """The truth of a case on the tensor grid.

    Nodules of one or two readers and marks that any reader called a nodule under 3 mm are
    neither taught as nodule nor as background.
    """
    rows = [(n.center_lps_mm, n.diameter_mm, n.positive) for n in case.nodules]
    rows += [
        (s.center_lps_mm, SMALL_DIAMETER_MM, False)
        for s in case.small
        if "nodule_lt_3mm" in s.kinds
    ]
    return tuple(Target(_zyx(prepared, p), d, positive) for p, d, positive in rows)


def _zyx(prepared: Prepared, lps_mm: tuple[float, float, float]) -> tuple[float, float, float]:
    z, y, x = (float(v) for v in prepared.to_zyx(lps_mm))
    return z, y, x
