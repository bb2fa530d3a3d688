"""Where voxels lie, and smooth fields sampled more coarsely than the voxels.

Everything in this room lives in one frame: DICOM patient millimetres (LPS), the carina near z = 0,
the middle of the chest near x = y = 0. Signed distances are negative inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Box = tuple[slice, slice, slice]

FAR_MM = np.float32(1e3)


@dataclass(frozen=True, slots=True)
class Grid:
    """An axial grid of voxel centres.

    Attributes
    ----------
    shape_zyx : tuple of int
    spacing_zyx_mm : tuple of float
    origin_lps_mm : tuple of float
        Centre of voxel (0, 0, 0): x, y, z.
    """

    shape_zyx: tuple[int, int, int]
    spacing_zyx_mm: tuple[float, float, float]
    origin_lps_mm: tuple[float, float, float]

    @property
    def origin_zyx_mm(self) -> Float64:
        """Centre of voxel (0, 0, 0) in array order."""
        return np.array(self.origin_lps_mm[::-1])

    @property
    def voxel_mm(self) -> float:
        """Edge of a cube with the volume of one voxel."""
        return float(np.prod(self.spacing_zyx_mm) ** (1 / 3))

    def axes_mm(self, box: Box | None = None) -> tuple[Float32, Float32, Float32]:
        """Coordinates of the voxel centres of `box`, ready to broadcast.

        Returns
        -------
        z, y, x : ndarray, float32, shapes (nz, 1, 1), (1, ny, 1), (1, 1, nx)
        """
        out = []
        for axis in range(3):
            index = np.arange(self.shape_zyx[axis])[box[axis] if box else slice(None)]
            at = self.origin_zyx_mm[axis] + index * self.spacing_zyx_mm[axis]
            shape = [1, 1, 1]
            shape[axis] = -1
            out.append(at.astype(np.float32).reshape(shape))
        return out[0], out[1], out[2]

    def box(self, low_lps_mm: npt.ArrayLike, high_lps_mm: npt.ArrayLike) -> Box:
        """The voxels between two corners, cut to the grid (may be empty)."""
        low = np.asarray(low_lps_mm, dtype=float)[::-1]
        high = np.asarray(high_lps_mm, dtype=float)[::-1]
        start = np.floor((low - self.origin_zyx_mm) / self.spacing_zyx_mm).astype(int)
        stop = np.ceil((high - self.origin_zyx_mm) / self.spacing_zyx_mm).astype(int) + 1
        ends = zip(start, stop, self.shape_zyx, strict=True)
        z, y, x = (slice(int(min(max(a, 0), n)), int(min(max(b, 0), n))) for a, b, n in ends)
        return z, y, x

    def index_zyx(self, lps_mm: npt.ArrayLike) -> Float64:
        """Fractional voxel indices, shape (..., 3), of points in mm."""
        points = np.asarray(lps_mm, dtype=float)[..., ::-1]
        index: Float64 = (points - self.origin_zyx_mm) / self.spacing_zyx_mm
        return index

    def coarser(self, least_mm: float, margin: int = 3) -> Grid:
        """A grid over the same space, no finer than `least_mm`, `margin` cells wider all round."""
        spacing = tuple(max(least_mm, s) for s in self.spacing_zyx_mm)
        extent = [(n - 1) * s for n, s in zip(self.shape_zyx, self.spacing_zyx_mm, strict=True)]
        shape = [int(np.ceil(e / s)) + 1 + 2 * margin for e, s in zip(extent, spacing, strict=True)]
        origin = self.origin_zyx_mm - margin * np.array(spacing)
        x, y, z = (float(o) for o in origin[::-1])
        return Grid((shape[0], shape[1], shape[2]), (spacing[0], spacing[1], spacing[2]), (x, y, z))


def _cubic_weights(
    fine: Float64, coarse_origin: float, coarse_step: float, count: int
) -> tuple[npt.NDArray[np.intp], Float64]:
    """Catmull-Rom taps: indices and weights, each of shape (len(fine), 4)."""
    at = (fine - coarse_origin) / coarse_step
    base = np.floor(at).astype(int)
    t = (at - base)[:, None]
    weights = np.concatenate(
        [
            -0.5 * t**3 + t**2 - 0.5 * t,
            1.5 * t**3 - 2.5 * t**2 + 1,
            -1.5 * t**3 + 2 * t**2 + 0.5 * t,
            0.5 * t**3 - 0.5 * t**2,
        ],
        axis=1,
    )
    taps = np.clip(base[:, None] + np.arange(-1, 3), 0, count - 1)
    return taps, weights


@dataclass(frozen=True, slots=True)
class Planes:
    """Reads full-size axial planes out of coarse fields, one slice at a time.

    The separable interpolation is two sparse products a plane (four taps a row), so that no field
    is ever held at full size and no thread pool is woken for it.
    """

    z_taps: npt.NDArray[np.intp]
    z_weights: Float64
    along_y: sparse.csr_array
    along_x: sparse.csr_array

    @classmethod
    def between(cls, coarse: Grid, fine: Grid) -> Self:
        """Prepare the reading of fields on `coarse` at the slices of `fine`."""
        taps, weights, matrices = [], [], []
        for axis in range(3):
            count = coarse.shape_zyx[axis]
            at = (
                fine.origin_zyx_mm[axis]
                + np.arange(fine.shape_zyx[axis]) * (fine.spacing_zyx_mm[axis])
            )
            t, w = _cubic_weights(
                at, coarse.origin_zyx_mm[axis], coarse.spacing_zyx_mm[axis], count
            )
            rows = np.repeat(np.arange(len(at)), 4)
            entries = (w.ravel().astype(np.float32), (rows, t.ravel()))
            matrix = sparse.csr_array(entries, shape=(len(at), count))
            taps.append(t)
            weights.append(w)
            matrices.append(matrix)
        return cls(taps[0], weights[0], matrices[1], matrices[2])

    def read(self, field: Float32, k: int) -> Float32:
        """Slice `k` of a coarse field, shape (y, x) of the fine grid."""
        taps = zip(self.z_weights[k], self.z_taps[k], strict=True)
        flat = sum((np.float32(w) * field[t] for w, t in taps), np.float32(0))
        plane: Float32 = self.along_y @ (self.along_x @ np.ascontiguousarray(flat.T)).T
        return plane


def sample(field: Float32, grid: Grid, lps_mm: npt.ArrayLike) -> Float32:
    """Trilinear values of a coarse field at points in mm, shape (..., 3) -> (...)."""
    index = grid.index_zyx(lps_mm)
    flat = index.reshape(-1, 3).T
    values: Float32 = ndimage.map_coordinates(field, flat, order=1, mode="nearest")
    return values.reshape(index.shape[:-1])


def as_distance(field: npt.NDArray[np.floating[Any]], grid: Grid) -> Float32:
    """An implicit function turned into a first-order signed distance in mm, -40 .. 80.

    The limits keep the flat middle of a shape from ringing when a plane is read out of it.
    """
    gz, gy, gx = np.gradient(field, *grid.spacing_zyx_mm)
    steep = np.sqrt(gz * gz + gy * gy + gx * gx)
    distance: Float32 = np.clip(field / np.maximum(steep, 1e-4), -40, 80).astype(np.float32)
    return distance


def blend_max(a: Float32, b: Float32, round_mm: float) -> Float32:
    """Intersection of two signed distances with edges rounded over `round_mm`."""
    near = np.maximum(round_mm - np.abs(a - b), 0) / round_mm
    joined: Float32 = np.maximum(a, b) + near * near * np.float32(round_mm / 4)
    return joined


def blend_min(a: Float32, b: Float32, round_mm: float) -> Float32:
    """Union of two signed distances with grooves filled over `round_mm`."""
    joined: Float32 = -blend_max(-a, -b, round_mm)
    return joined


def inside(distance: Float32, soft_mm: float) -> Float32:
    """How much of a voxel lies inside, 0..1, from its signed distance."""
    share: Float32 = np.clip(np.float32(0.5) - distance / np.float32(soft_mm), 0, 1)
    return share


def texture(rng: np.random.Generator, grid: Grid, grain_mm: float) -> Float32:
    """Correlated noise of zero mean and unit variance; grains of about `grain_mm`."""
    white = rng.standard_normal(grid.shape_zyx, dtype=np.float32)
    sigma = [grain_mm / 2 / s for s in grid.spacing_zyx_mm]
    soft = ndimage.gaussian_filter(white, sigma, mode="wrap", truncate=3)
    smooth: Float32 = (soft / max(float(soft.std()), 1e-6)).astype(np.float32)
    return smooth
