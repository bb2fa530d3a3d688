"""Thousands of short tapering strokes (vessels, airways) rasterised in batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from triage.phantom.grid import Float32, Float64, Grid

Ints = npt.NDArray[np.int_]

_CHUNK = 1_500_000


@dataclass(frozen=True, slots=True)
class Strokes:
    """Straight tapering pieces.

    Attributes
    ----------
    start, end : ndarray, float64, shape (n, 3)
        LPS mm.
    start_radius, end_radius : ndarray, float64, shape (n,)
        mm.
    """

    start: Float64
    end: Float64
    start_radius: Float64
    end_radius: Float64

    def __len__(self) -> int:
        return len(self.start)

    def thicker_than(self, radius_mm: float) -> Self:
        """Only the strokes that begin at least this thick."""
        return self.chosen(self.start_radius >= radius_mm)

    def chosen(self, keep: npt.NDArray[np.bool_] | Ints) -> Self:
        """Only these strokes, by a mask of shape (n,) or by index."""
        return type(self)(
            self.start[keep], self.end[keep], self.start_radius[keep], self.end_radius[keep]
        )

    def with_radius(self, factor: float, add_mm: float = 0.0) -> Self:
        """The same strokes, radii times `factor` plus `add_mm`."""
        return type(self)(
            self.start,
            self.end,
            self.start_radius * factor + add_mm,
            self.end_radius * factor + add_mm,
        )

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """Several sets as one."""
        if not parts:
            return cls(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros(0))
        return cls(
            np.concatenate([p.start for p in parts]),
            np.concatenate([p.end for p in parts]),
            np.concatenate([p.start_radius for p in parts]),
            np.concatenate([p.end_radius for p in parts]),
        )


def bent(
    start: Float64,
    end: Float64,
    heading: Float64,
    radii: tuple[Float64, Float64],
    step_mm: float,
) -> Strokes:
    """Branches leaving along `heading` and bending to their end, cut into short strokes.

    Parameters
    ----------
    start, end, heading : ndarray, shape (n, 3)
        Ends in mm, unit vector of leaving.
    radii : pair of ndarray, shape (n,)
        At start and end, mm.
    step_mm : float
        Longest stroke, about.
    """
    length = np.linalg.norm(end - start, axis=1)
    control = start + heading * (0.38 * length)[:, None]
    count = np.clip(np.ceil(length / step_mm), 1, 12).astype(int)
    parts = []
    for pieces in np.unique(count):
        pick = count == pieces
        t = np.linspace(0, 1, pieces + 1)[None, :, None]
        a, b, c = (p[pick][:, None] for p in (start, control, end))
        line = (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c
        r0, r1 = (r[pick][:, None] for r in radii)
        thick = r0 * (1 - t[..., 0]) + r1 * t[..., 0]
        parts.append(
            Strokes(
                line[:, :-1].reshape(-1, 3),
                line[:, 1:].reshape(-1, 3),
                thick[:, :-1].ravel(),
                thick[:, 1:].ravel(),
            )
        )
    return Strokes.joined(parts)


def draw(
    hu: Float32,
    grid: Grid,
    strokes: Strokes,
    value_hu: float,
    ground_hu: float,
) -> None:
    """Draw strokes over a ground of known density (changes `hu`).

    A voxel that a stroke fills by a share s reads ``ground + s (value - ground)``. Of all strokes
    and of what was there, the brightest wins - or the darkest, where `value_hu` is darker than
    the ground - so overlapping joints stay as thick as they are. Strokes thinner than a voxel
    fade by the area they fill.
    """
    soft = grid.voxel_mm
    reach = np.maximum(strokes.start_radius, strokes.end_radius) + 0.5 * soft
    low = np.minimum(strokes.start, strokes.end) - reach[:, None]
    high = np.maximum(strokes.start, strokes.end) + reach[:, None]
    first = np.ceil(grid.index_zyx(low)).astype(int)
    shape = np.floor(grid.index_zyx(high)).astype(int) - first + 1
    outside = (first + shape <= 0).any(1) | (first >= grid.shape_zyx).any(1) | (shape < 1).any(1)
    if outside.all():
        return
    shape = shape + (shape % 2)  # fewer different shapes, larger batches
    keys, which = np.unique(shape[~outside], axis=0, return_inverse=True)
    members = np.flatnonzero(~outside)
    order = np.argsort(which.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(which.ravel(), minlength=len(keys)))
    onto = np.maximum if value_hu > ground_hu else np.minimum
    for key, group in zip(keys, np.split(members[order], ends[:-1]), strict=True):
        step = max(1, _CHUNK // int(key.prod()))
        for i in range(0, len(group), step):
            pick = group[i : i + step]
            flat, share = _shares(grid, strokes.chosen(pick), first[pick], key)
            values = np.float32(ground_hu) + share * np.float32(value_hu - ground_hu)
            onto.at(hu.reshape(-1), flat, values)


def _shares(
    grid: Grid, strokes: Strokes, first: Ints, shape: Ints
) -> tuple[npt.NDArray[np.intp], Float32]:
    """Flat voxel indices that the strokes touch, with the share each fills.

    `first`, shape (n, 3), is each stroke's lowest voxel; `shape`, (3,), the box they all share.
    """
    index = [first[:, a][:, None] + np.arange(shape[a]) for a in range(3)]
    inside = [(i >= 0) & (i < n) for i, n in zip(index, grid.shape_zyx, strict=True)]
    away = []
    for a in range(3):
        at = grid.origin_zyx_mm[a] + index[a] * grid.spacing_zyx_mm[a]
        away.append((at - strokes.start[:, 2 - a][:, None]).astype(np.float32))
    z, y, x = _open(*away)
    share = _fill(z, y, x, strokes, grid.voxel_mm)
    iz, iy, ix = _open(*inside)
    hit = (share > 0) & iz & iy & ix
    _, ny, nx = grid.shape_zyx
    fz, fy, fx = _open(index[0] * (ny * nx), index[1] * nx, index[2])
    return (fz + fy + fx)[hit], share[hit]


def _open(z: Any, y: Any, x: Any) -> tuple[Any, Any, Any]:
    """Per-stroke axes, each (n, length), made ready to broadcast to (n, z, y, x)."""
    return z[:, :, None, None], y[:, None, :, None], x[:, None, None, :]


def _fill(z: Float32, y: Float32, x: Float32, strokes: Strokes, soft_mm: float) -> Float32:
    """Share of each voxel that its stroke fills; z, y, x are mm from the stroke's start."""
    along = (strokes.end - strokes.start).astype(np.float32)
    dx, dy, dz = (along[:, a].reshape(-1, 1, 1, 1) for a in range(3))
    length2 = np.maximum(dx * dx + dy * dy + dz * dz, np.float32(1e-6))
    t = np.clip((x * dx + y * dy + z * dz) / length2, 0, 1)
    square = (x - t * dx) ** 2 + (y - t * dy) ** 2 + (z - t * dz) ** 2
    r0, r1 = (
        r.astype(np.float32).reshape(-1, 1, 1, 1)
        for r in (strokes.start_radius, strokes.end_radius)
    )
    radius = r0 + t * (r1 - r0)
    soft = np.float32(soft_mm)
    share: Float32 = np.clip((radius - np.sqrt(square)) / soft + np.float32(0.5), 0, 1)
    return share * _thinning(radius / soft)


def _thinning(radius: Float32) -> Float32:
    """What makes the soft profile of a stroke fill pi r^2; the radius is in voxels.

    The profile falls from 1 to 0 over a voxel, so its section is a cone (below half a voxel) or
    the stump of one. Thick strokes keep their full density.
    """
    cone = 3 * radius**2 / (radius + np.float32(0.5)) ** 3
    stump = radius**2 / (radius**2 + np.clip(2 - radius, 0, 1) / 12)
    factor: Float32 = np.where(radius < 0.5, cone, stump)
    return factor
