"""A host scan as ground to lay nodules into: what is where, how thick, how noisy.

Places are looked up, not tried: the distance of every voxel to the nearest dense tissue says
where a nodule of a given size floats freely, where it meets a vessel, and where a wall.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from triage.detect.lungs import BoolArray, Float32Array, Float64Array
from triage.detect.prepare import HU_LOW, HU_RANGE
from triage.learn.insertion.pieces import DENSE_HU, Host, noise_of, thick

DENSE = (DENSE_HU - HU_LOW) / HU_RANGE
#: Places are looked for on every second voxel; dense is what holds anything dense.
STEP = 2
#: Thinner than any lung: the inside of windpipe and bronchi.
HOLLOW = (-960.0 - HU_LOW) / HU_RANGE
#: Room a free nodule keeps from everything dense.
CLEAR_MM = 2.0
#: A nodule on a vessel has its middle this deep from it, in radii.
ON_VESSEL_RADII = (0.2, 0.9)
#: A nodule on a wall has its middle so far from it, in radii: cut, not swallowed.
ON_WALL_RADII = (0.45, 0.95)


@dataclass(frozen=True, slots=True)
class Ground:
    """What the insertion engine knows of a host.

    Attributes
    ----------
    volume : ndarray, float32, shape (Z, Y, X)
        Normalised to 0..1, 1 mm; slice 0 of the grid is a slice of the scan.
    to_vessel_mm : ndarray, float32, shape (Z // 2, Y // 2, X // 2)
        From aerated lung to the nearest thin tissue; 0 outside aerated lung and in airways.
    to_wall_mm : ndarray, float32, shape (Z // 2, Y // 2, X // 2)
        To the nearest thick tissue, everywhere.
    spacing_mm, thickness_mm : float
        Between slices, and of one slice.
    noise : float
        Standard deviation of the noise in aerated lung, normalised units.
    first_plane : int
        Plane of the whole host that plane 0 here is; not 0 for a window of one.
    """

    volume: Float32Array
    to_vessel_mm: Float32Array
    to_wall_mm: Float32Array
    spacing_mm: float
    thickness_mm: float
    noise: float
    first_plane: int = 0

    def window(self, start: Sequence[int], size: int) -> Ground:
        """A cube of the host as ground of its own; its volume is a copy.

        Parameters
        ----------
        start : sequence of three int
            Lower corner, each a multiple of `STEP`.
        size : int
            Side, a multiple of `STEP`; the cube lies inside.

        Returns
        -------
        Ground
        """
        fine = tuple(slice(a, a + size) for a in start)
        coarse = tuple(slice(a // STEP, (a + size) // STEP) for a in start)
        return replace(
            self,
            volume=self.volume[fine].copy(),
            to_vessel_mm=self.to_vessel_mm[coarse],
            to_wall_mm=self.to_wall_mm[coarse],
            first_plane=self.first_plane + start[0],
        )

    def wall_in(self, start: Sequence[int], shape: Sequence[int]) -> BoolArray:
        """What is wall in a box, bool, of its shape; a step of the grid wider than it is."""
        axes = [np.arange(a, a + n) // STEP for a, n in zip(start, shape, strict=True)]
        last = np.array(self.to_wall_mm.shape) - 1
        z, y, x = (np.minimum(axis, end) for axis, end in zip(axes, last, strict=True))
        wall: BoolArray = self.to_wall_mm[np.ix_(z, y, x)] <= STEP
        return wall

    def wall_mm(self, place: npt.NDArray[np.int64]) -> float:
        """How far the nearest wall is from a place, mm."""
        z, y, x = (int(v) for v in place // STEP)
        return float(self.to_wall_mm[z, y, x])


def survey(volume: Float32Array, lung: BoolArray, spacing_mm: float, thickness_mm: float) -> Ground:
    """Look a host over once.

    Parameters
    ----------
    volume : ndarray, float32, shape (Z, Y, X)
        Normalised to 0..1, 1 mm.
    lung : ndarray, bool, shape (Z, Y, X)
        Lung and rim.
    spacing_mm, thickness_mm : float
        Between slices, and of one slice.

    Returns
    -------
    Ground
    """
    half = tuple(n // STEP for n in volume.shape)
    blocks = volume[tuple(slice(0, n * STEP) for n in half)].reshape(
        half[0], STEP, half[1], STEP, half[2], STEP
    )
    dense = blocks.max((1, 3, 5)) > DENSE
    walls = thick(dense, float(STEP))
    hollow = ndimage.gaussian_filter(blocks.mean((1, 3, 5)), 1.0) < HOLLOW
    inside = lung[::STEP, ::STEP, ::STEP][tuple(slice(0, n) for n in half)]
    to_vessel = ndimage.distance_transform_edt(~(dense & ~walls), sampling=STEP)
    to_wall = ndimage.distance_transform_edt(~walls, sampling=STEP)
    return Ground(
        volume=volume,
        to_vessel_mm=np.where(inside & ~dense & ~hollow, to_vessel, 0.0).astype(np.float32),
        to_wall_mm=to_wall.astype(np.float32),
        spacing_mm=spacing_mm,
        thickness_mm=thickness_mm,
        noise=noise_of(volume[::4], (lung & (volume < DENSE))[::4]),
    )


def places(ground: Ground, radius_mm: float, hangs_on: Host) -> npt.NDArray[np.int64]:
    """Where the middle of a nodule may lie.

    Parameters
    ----------
    ground : Ground
    radius_mm : float
    hangs_on : Host
        Free in the lung; on a vessel and clear of walls; on a wall.

    Returns
    -------
    ndarray, int64, shape (n, 3)
        Voxels z, y, x; every second one along each axis.
    """
    vessel, wall = ground.to_vessel_mm, ground.to_wall_mm
    clear = radius_mm + CLEAR_MM
    off_wall = wall >= clear
    if hangs_on is Host.LUNG:
        fit = off_wall & (vessel >= clear)
    elif hangs_on is Host.VESSEL:
        fit = off_wall & _between(vessel, radius_mm, ON_VESSEL_RADII)
    else:
        fit = (vessel > 0.0) & _between(wall, radius_mm, ON_WALL_RADII)
    return np.argwhere(fit) * STEP


def wall_direction(ground: Ground, place: npt.NDArray[np.int64], reach: int = 2) -> Float64Array:
    """Unit vector (z, y, x) from a place to the nearest wall; zeros where it cannot be told."""
    at = place // STEP
    low = np.maximum(at - reach, 0)
    window = tuple(slice(int(a), int(p) + reach + 1) for a, p in zip(low, at, strict=True))
    near = ground.to_wall_mm[window].astype(np.float64)
    if min(near.shape) < 2:
        return np.zeros(3)
    slope = np.array([float(g.mean()) for g in np.gradient(near)])
    length = float(np.linalg.norm(slope))
    down: Float64Array = -slope / length if length > 0.0 else np.zeros(3)
    return down


def _between(values: Float32Array, radius_mm: float, radii: tuple[float, float]) -> BoolArray:
    # Nearer than a step of the grid cannot be told.
    farthest_mm = max(radii[1] * radius_mm, STEP * 1.5)
    fit: BoolArray = (values > radii[0] * radius_mm) & (values < farthest_mm)
    return fit
