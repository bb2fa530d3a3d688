"""Ball-shaped dilation, closing and near distances on a voxel grid.

A ball is a set of rows: for each offset along z and y, how far it reaches along x. So a mask is
dilated by laying copies of itself, widened along x, over each other: exactly what a distance
transform of the whole array tells, at a tenth of its time.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

BoolArray: TypeAlias = npt.NDArray[np.bool_]
Float32Array: TypeAlias = npt.NDArray[np.float32]
Float64Array: TypeAlias = npt.NDArray[np.float64]


def dilate(mask: BoolArray, radius_mm: float, spacing_mm: Float64Array) -> BoolArray:
    """Every voxel whose centre lies within a radius of a voxel of the mask.

    Parameters
    ----------
    mask : ndarray of bool, shape (z, y, x)
        Nothing lies beyond the array.
    radius_mm : float
    spacing_mm : ndarray, shape (3,)
        Along z, y, x.

    Returns
    -------
    ndarray of bool, shape (z, y, x)
    """
    grown = np.zeros_like(mask)
    wide = mask.copy()
    for x, rows in enumerate(_rows(radius_mm, spacing_mm)):
        if x:
            wide[:, :, x:] |= mask[:, :, :-x]
            wide[:, :, :-x] |= mask[:, :, x:]
        for z, y in rows:
            _lay(wide, grown, z, y)
    return grown


def close(mask: BoolArray, radius_mm: float, spacing_mm: Float64Array) -> BoolArray:
    """The mask, and everywhere a ball of the radius cannot reach without touching it.

    Parameters
    ----------
    mask : ndarray of bool, shape (z, y, x)
    radius_mm : float
    spacing_mm : ndarray, shape (3,)

    Returns
    -------
    ndarray of bool, shape (z, y, x)
    """
    return ~dilate(~dilate(mask, radius_mm, spacing_mm), radius_mm, spacing_mm)


def fill(mask: BoolArray) -> BoolArray:
    """The mask with its holes: what is cut off from the outside of the array, face by face."""
    labels, count = ndimage.label(~mask)
    open_ = np.zeros(count + 1, dtype=bool)
    for axis in range(mask.ndim):
        faces = np.moveaxis(labels, axis, 0)
        open_[faces[0]] = True
        open_[faces[-1]] = True
    open_[0] = False
    filled: BoolArray = ~open_[labels]
    return filled


def distance(mask: BoolArray, spacing_mm: Float64Array, reach_mm: float) -> Float32Array:
    """Distance of every voxel to the mask, as far as asked for.

    Parameters
    ----------
    mask : ndarray of bool, shape (z, y, x)
    spacing_mm : ndarray, shape (3,)
    reach_mm : float

    Returns
    -------
    ndarray, float32, shape (z, y, x)
        mm; exact up to `reach_mm`, and `reach_mm` wherever the mask is farther away.
    """
    squares = np.where(mask, np.float32(0.0), np.float32(reach_mm**2))
    for axis in (2, 1, 0):
        before = squares
        squares = before.copy()
        source, target = np.moveaxis(before, axis, 0), np.moveaxis(squares, axis, 0)
        for step in range(1, int(reach_mm / spacing_mm[axis]) + 1):
            far = source + np.float32((step * spacing_mm[axis]) ** 2)
            np.minimum(target[step:], far[:-step], out=target[step:])
            np.minimum(target[:-step], far[step:], out=target[:-step])
    return np.sqrt(squares, out=squares)


def _rows(radius_mm: float, spacing_mm: Float64Array) -> list[list[tuple[int, int]]]:
    """By half width along x: the offsets (z, y) at which a ball is just so wide."""
    z, y, x = (np.arange(int(radius_mm / s) + 2) * s for s in spacing_mm)
    inside = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2) <= radius_mm
    widths = inside.sum(axis=2) - 1
    rows: list[list[tuple[int, int]]] = [[] for _ in range(int(widths.max()) + 1)]
    for dz, dy in np.argwhere(widths >= 0).tolist():
        signs = {(a, b) for a in (dz, -dz) for b in (dy, -dy)}
        rows[int(widths[dz, dy])].extend(sorted(signs))
    return rows


def _lay(source: BoolArray, over: BoolArray, z: int, y: int) -> None:
    """Lay `source`, moved by whole voxels along z and y, over `over`."""
    depth, height = over.shape[:2]
    if abs(z) < depth and abs(y) < height:
        to = slice(max(0, z), depth + min(0, z)), slice(max(0, y), height + min(0, y))
        come = slice(max(0, -z), depth - max(0, z)), slice(max(0, -y), height - max(0, y))
        over[to] |= source[come]
