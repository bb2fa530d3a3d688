"""Thousands of short tapering strokes (vessels, airways) rasterised in batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from triage.phantom.grid import Float32, Float64, Grid

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

    def chosen(self, keep: npt.NDArray[np.bool_]) -> Self:
        """Only the strokes where `keep`, shape (n,), is true."""
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
    start: Float64, end: Float64, heading: Float64, start_radius: Float64, end_radius: Float64,
    step_mm: float,
) -> Strokes:  # fmt: skip
    """Branches leaving along `heading` and bending to their end, cut into short strokes.

    Parameters
    ----------
    start, end, heading : ndarray, shape (n, 3)
        Ends in mm, unit vector of leaving.
    start_radius, end_radius : ndarray, shape (n,)
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
        thick = start_radius[pick][:, None] * (1 - t[..., 0]) + end_radius[pick][:, None] * t[..., 0]
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
    onto: Literal["brighter", "darker"] = "brighter",
) -> None:
    """Draw strokes over a ground of known density (changes `hu`).

    A voxel that a stroke fills by a share s reads ``ground + s (value - ground)``, and the
    brightest (or darkest) of all strokes and of what was there wins, so overlapping joints stay
    as thick as they are. Strokes thinner than a voxel fade by the area they fill.
    """
    soft = grid.voxel_mm
    reach = np.maximum(strokes.start_radius, strokes.end_radius) + 0.5 * soft
    low = np.minimum(strokes.start, strokes.end) - reach[:, None]
    high = np.maximum(strokes.start, strokes.end) + reach[:, None]
    first = np.ceil(grid.index_zyx(low)).astype(int)
    shape = np.floor(grid.index_zyx(high)).astype(int) - first + 1
    outside = (first + shape <= 0).any(1) | (first >= grid.shape_zyx).any(1) | (shape < 1).any(1)
    shape = shape + (shape % 2)  # fewer different shapes, larger batches
    keys, which = np.unique(shape[~outside], axis=0, return_inverse=True)
    members = np.flatnonzero(~outside)
    order = np.argsort(which.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(which.ravel(), minlength=len(keys)))
    for key, group in zip(keys, np.split(members[order], ends[:-1]), strict=True):
        step = max(1, _CHUNK // int(key.prod()))
        for i in range(0, len(group), step):
            _batch(hu, grid, strokes, group[i : i + step], first, key, value_hu, ground_hu, onto)


def _batch(
    hu: Float32,
    grid: Grid,
    strokes: Strokes,
    pick: np.ndarray[tuple[int], np.dtype[np.intp]],
    first: np.ndarray[tuple[int, int], np.dtype[np.int_]],
    shape: np.ndarray[tuple[int], np.dtype[np.int_]],
    value_hu: float,
    ground_hu: float,
    onto: Literal["brighter", "darker"],
) -> None:
    soft = np.float32(grid.voxel_mm)
    index = [first[pick, a][:, None] + np.arange(shape[a]) for a in range(3)]
    away = []  # of voxel centres from the stroke's start, z y x
    for a in range(3):
        at = grid.origin_zyx_mm[a] + index[a] * grid.spacing_zyx_mm[a]
        full = [len(pick), 1, 1, 1]
        full[a + 1] = -1
        away.append((at - strokes.start[pick, 2 - a][:, None]).astype(np.float32).reshape(full))
    along = (strokes.end - strokes.start)[pick][:, ::-1].astype(np.float32)
    length2 = np.maximum((along**2).sum(1), np.float32(1e-6)).reshape(-1, 1, 1, 1)
    dz, dy, dx = (along[:, a].reshape(-1, 1, 1, 1) for a in range(3))
    t = np.clip((away[0] * dz + away[1] * dy + away[2] * dx) / length2, 0, 1)
    square = (away[0] - t * dz) ** 2 + (away[1] - t * dy) ** 2 + (away[2] - t * dx) ** 2
    r0 = strokes.start_radius[pick].astype(np.float32).reshape(-1, 1, 1, 1)
    r1 = strokes.end_radius[pick].astype(np.float32).reshape(-1, 1, 1, 1)
    radius = r0 + t * (r1 - r0)
    thin = np.minimum(1, (2 * radius / soft) ** 2)
    share = np.clip((radius - np.sqrt(square)) / soft + np.float32(0.5), 0, 1) * thin
    nz, ny, nx = grid.shape_zyx
    valid = [(i >= 0) & (i < n) for i, n in zip(index, (nz, ny, nx), strict=True)]
    hit = (
        (share > 0)
        & valid[0][:, :, None, None]
        & valid[1][:, None, :, None]
        & valid[2][:, None, None, :]
    )
    flat = (
        (index[0] * (ny * nx))[:, :, None, None]
        + (index[1] * nx)[:, None, :, None]
        + index[2][:, None, None, :]
    )[hit]
    values = np.float32(ground_hu) + share[hit] * np.float32(value_hu - ground_hu)
    (np.maximum if onto == "brighter" else np.minimum).at(hu.reshape(-1), flat, values)
