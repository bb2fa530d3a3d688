"""The part of a scan around a candidate, on a grid that suits its size.

Nearly isotropic: thick slices are interpolated between, large nodules get a coarser grid. The
slices of the scan, and the pixels that are kept, stay grid points, so that axes lie on an image.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from triage.core.finding import Candidate, PointLps
from triage.core.volume import Volume

Float64Array: TypeAlias = npt.NDArray[np.float64]
Float32Array: TypeAlias = npt.NDArray[np.float32]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

#: Around the candidate: so many of its diameters, and at least so many mm beyond its edge.
REACH_DIAMETERS = 1.1
REACH_BEYOND_MM = 8.0
#: Grid points a diameter, and the finest and coarsest grid, mm.
POINTS_A_DIAMETER = 18.0
GRID_MM = (0.7, 1.5)
#: Noise is smoothed by this much in the plane; below the pixel of a chest CT (0.5 to 0.9 mm).
SMOOTH_MM = 0.5
#: In-plane point spread of a body kernel (sigma): 1.2 mm full width at half maximum. It is not in
#: the header; sharper and softer ones are tried in `triage bench measure`.
POINT_SPREAD_MM = 0.5


@dataclass(frozen=True, slots=True)
class Window:
    """Smoothed HU around a candidate.

    Attributes
    ----------
    hu : ndarray, float32, shape (z, y, x)
    spacing_mm : ndarray, shape (3,)
        Between grid points along z, y, x.
    start, step : ndarray, shape (3,)
        The first grid point and the way to the next, in voxels of the scan.
    scan : Volume
    blur_mm : float
        Sigma of all blur together, mean of the three directions.
    """

    hu: Float32Array
    spacing_mm: Float64Array
    start: Float64Array
    step: Float64Array
    scan: Volume
    blur_mm: float

    def to_lps_mm(self, points: npt.ArrayLike) -> Float64Array:
        """Grid points (..., z y x) to patient millimetres."""
        return self.scan.to_lps_mm(np.asarray(points) * self.step + self.start)

    def distance_to(self, point: npt.ArrayLike) -> Float32Array:
        """Distance of every grid point to one (z, y, x in grid points), mm."""
        return away(self.hu.shape, point, self.spacing_mm)

    def find(self, point_lps_mm: PointLps) -> Float64Array:
        """Where a point lies, z y x in grid points."""
        return (self.scan.to_zyx(point_lps_mm) - self.start) / self.step

    def box(self, point: npt.ArrayLike, reach_mm: float) -> tuple[slice, slice, slice]:
        """Grid points within so many mm of one, along each axis."""
        reach = reach_mm / self.spacing_mm
        low = np.clip(np.floor(np.asarray(point) - reach), 0, np.array(self.hu.shape) - 1)
        high = np.clip(np.ceil(np.asarray(point) + reach) + 1, 1, self.hu.shape)
        z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        return z, y, x

    def crop(self, box: tuple[slice, slice, slice]) -> Window:
        """A part of it."""
        start = self.start + self.step * [s.start for s in box]
        return replace(self, hu=self.hu[box], start=start)

    @property
    def on_slice(self) -> BoolArray:
        """Which planes of the grid are slices of the scan, shape (z,)."""
        at = self.start[0] + self.step[0] * np.arange(self.hu.shape[0])
        return np.asarray(np.abs(at - np.rint(at)) < 1e-6)


def away(shape: tuple[int, ...], point: npt.ArrayLike, spacing: Float64Array) -> Float32Array:
    """Distance of every point of a grid to one of them, mm."""
    where = np.asarray(point, dtype=np.float64)
    squares = [((np.arange(n) - p) * s) ** 2 for n, p, s in zip(shape, where, spacing, strict=True)]
    z, y, x = np.ix_(*squares)
    distance: Float32Array = np.sqrt(z + y + x).astype(np.float32)
    return distance


def window_around(volume: Volume, candidate: Candidate) -> Window | None:
    """Cut out and resample what lies around a candidate.

    Parameters
    ----------
    volume : Volume
    candidate : Candidate

    Returns
    -------
    Window or None
        None when the centre lies outside the scan.
    """
    center = volume.to_zyx(candidate.center_lps_mm)
    shape = np.array(volume.shape_zyx)
    if (center < -0.5).any() or (center > shape - 0.5).any():
        return None
    diameter_mm = candidate.diameter_mm
    reach_mm = max(REACH_DIAMETERS * diameter_mm, diameter_mm / 2 + REACH_BEYOND_MM)
    grid_mm = float(np.clip(diameter_mm / POINTS_A_DIAMETER, *GRID_MM))
    lines = [
        _line(int(shape[axis]), float(center[axis]), spacing, reach_mm, grid_mm, between=axis == 0)
        for axis, spacing in enumerate(volume.spacing_zyx_mm)
    ]
    (z, pz, wz), (y, py, wy), (x, px, wx) = lines
    hu = volume.hu[z, y, x].astype(np.float32)
    # einsum: no threads are started for so little.
    hu = np.einsum("ai,ijk->ajk", wz, hu)
    hu = np.einsum("bj,ajk->abk", wy, hu)
    hu = np.einsum("ck,abk->abc", wx, hu)
    step = np.array([p[1] - p[0] if len(p) > 1 else 1.0 for p in (pz, py, px)])
    spacing = step * np.array(volume.spacing_zyx_mm)
    start = np.array([pz[0], py[0], px[0]])
    return Window(np.ascontiguousarray(hu), spacing, start, step, volume, _blur_mm(volume, step))


Line: TypeAlias = tuple[slice, Float64Array, Float32Array]


def _line(
    count: int, center: float, spacing: float, reach_mm: float, grid_mm: float, *, between: bool
) -> Line:
    """Voxels needed along one axis, places of the grid points, and weights between the two.

    `between`: slices, which may be interpolated and are not smoothed; else pixels, which are.
    """
    finer = max(1, int(np.ceil(spacing / grid_mm - 1e-6))) if between else 1
    coarser = max(1, int(grid_mm // spacing)) if finer == 1 else 1
    step = coarser / finer
    low = max(0, int(np.floor(center - reach_mm / spacing)))
    high = min(count - 1, int(np.ceil(center + reach_mm / spacing)))
    first = round(min(max(center, low), high))
    places = np.arange(first - (first - low) // coarser * coarser, high + 1e-9, step)
    voxels = np.arange(max(low - 3, 0), min(high + 4, count))
    apart_mm = (places[:, None] - voxels[None]) * spacing
    if between:
        weights = np.clip(1.0 - np.abs(apart_mm) / (max(1.0, step) * spacing), 0.0, None)
    else:
        weights = np.exp(-0.5 * (apart_mm / max(SMOOTH_MM, 0.5 * step * spacing)) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    return slice(int(voxels[0]), int(voxels[-1]) + 1), places, weights.astype(np.float32)


def _blur_mm(volume: Volume, step: Float64Array) -> float:
    """Point spread, smoothing, pixel and slice together; between slices also the interpolation."""
    dz, dy, _ = volume.spacing_zyx_mm
    plane = POINT_SPREAD_MM**2 + max(SMOOTH_MM, 0.5 * step[1] * dy) ** 2 + dy**2 / 12
    along = (0.35 * POINT_SPREAD_MM) ** 2 + dz**2 / 12 + (dz**2 / 9 if step[0] < 1 else 0.0)
    return float(np.sqrt((2 * plane + along) / 3))
