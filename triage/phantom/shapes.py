"""Signed distances of the few shapes a chest is made of, and how they are painted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from triage.phantom.grid import FAR_MM, Box, Float32, Float64, Grid, inside


def ellipsoid(
    grid: Grid, box: Box, center_lps_mm: npt.ArrayLike, axes_mm: npt.ArrayLike, turn: Float64
) -> Float32:
    """Distance to an ellipsoid, first order.

    Parameters
    ----------
    grid, box
        Where to evaluate.
    center_lps_mm, axes_mm : array_like, shape (3,)
        Centre, and half axes along the rows of `turn`.
    turn : ndarray, shape (3, 3)
        Rows are the unit axes in LPS.

    Returns
    -------
    ndarray, float32, shape of `box`
        mm, negative inside.
    """
    z, y, x = grid.axes_mm(box)
    cx, cy, cz = np.asarray(center_lps_mm, dtype=np.float32)
    reach = np.float32(0)
    slope = np.float32(0)
    for axis, half in zip(turn.astype(np.float32), np.asarray(axes_mm, np.float32), strict=True):
        along = (axis[0] * (x - cx) + axis[1] * (y - cy) + axis[2] * (z - cz)) / half
        reach = reach + along * along
        slope = slope + (along / half) ** 2
    k = np.sqrt(reach)
    distance: Float32 = k * (k - 1) / np.maximum(np.sqrt(slope), 1e-4)
    return distance


def turned(about: str, degrees: float) -> Float64:
    """Rows of unit axes after a turn about x, y or z."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rows = {
        "x": [[1, 0, 0], [0, c, s], [0, -s, c]],
        "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        "z": [[c, s, 0], [-s, c, 0], [0, 0, 1]],
    }[about]
    return np.array(rows, dtype=float)


def around(points_lps_mm: Float64, margin_mm: float) -> tuple[Float64, Float64]:
    """Low and high corner of a box around points."""
    return points_lps_mm.min(0) - margin_mm, points_lps_mm.max(0) + margin_mm


def tube(
    grid: Grid,
    points_lps_mm: npt.ArrayLike,
    radii_mm: npt.ArrayLike,
    margin_mm: float = 12.0,
    flat: tuple[Float64, float] | None = None,
) -> tuple[Box, Float32]:
    """Distance to a bent tube of changing radius.

    Parameters
    ----------
    grid : Grid
    points_lps_mm : array_like, shape (n, 3)
        The axis.
    radii_mm : array_like, shape (n,)
    margin_mm : float
        Up to this far outside the wall the distance is right; beyond it may read as far away.
    flat : (unit vector per segment (n - 1, 3), ratio), optional
        Makes the section an ellipse: `ratio` times wider along the given vector.

    Returns
    -------
    box, distance
        The box it fills, and mm (float32, negative inside) there.
    """
    points = np.asarray(points_lps_mm, dtype=float)
    radii = np.broadcast_to(np.asarray(radii_mm, dtype=float), len(points))
    wide = flat[1] if flat else 1.0
    reach = float(radii.max()) * wide + margin_mm
    whole = grid.box(*around(points, reach))
    out = np.full([s.stop - s.start for s in whole], FAR_MM, np.float32)
    for i in range(len(points) - 1):
        box = grid.box(*around(points[i : i + 2], reach))
        part = tuple(
            slice(b.start - w.start, b.stop - w.start) for b, w in zip(box, whole, strict=True)
        )
        axis = (flat[0][i], wide) if flat else None
        piece = _segment(grid, box, points[i : i + 2], radii[i : i + 2], axis)
        out[part] = np.minimum(out[part], piece)
    return whole, out


def _segment(
    grid: Grid, box: Box, ends: Float64, radii: Float64, flat: tuple[Float64, float] | None
) -> Float32:
    z, y, x = grid.axes_mm(box)
    ax, ay, az = ends[0].astype(np.float32)
    dx, dy, dz = (ends[1] - ends[0]).astype(np.float32)
    length2 = max(float(dx * dx + dy * dy + dz * dz), 1e-6)
    t = np.clip(((x - ax) * dx + (y - ay) * dy + (z - az) * dz) / np.float32(length2), 0, 1)
    ox, oy, oz = x - ax - t * dx, y - ay - t * dy, z - az - t * dz
    square = ox * ox + oy * oy + oz * oz
    if flat:
        wx, wy, wz = flat[0].astype(np.float32)
        across = ox * wx + oy * wy + oz * wz
        square = square - np.float32(1 - 1 / flat[1] ** 2) * across * across
    distance: Float32 = np.sqrt(np.maximum(square, 0)) - (
        np.float32(radii[0]) + t * np.float32(radii[1] - radii[0])
    )
    return distance


def lay(hu: Float32, box: Box, distance: Float32, value: Float32 | float, soft_mm: float) -> None:
    """Paint a shape over what is there, its edge shared by volume (changes `hu`)."""
    share = inside(distance, soft_mm)
    here = hu[box]
    here += share * (value - here)
