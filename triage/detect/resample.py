"""Linear samples of a volume on a 1 mm grid, plane by plane: neither copies nor floats of it all.

A plane of the volume is sampled along y and x once, and a plane of the grid lies between two of
those. Numpy lets the interpreter lock go, so each processor walks its own part of the grid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from triage.detect.threads import spread, usable_threads

Float32Array: TypeAlias = npt.NDArray[np.float32]
Numbers: TypeAlias = npt.NDArray[np.number[Any]]
#: What is done with plane k of the grid; the plane is used again afterwards.
Finish: TypeAlias = Callable[[int, Float32Array], None]

GRID_MM = 1.0


class Axis(NamedTuple):
    """Along one axis: between which two voxels each place of the grid lies, and how far along.

    Attributes
    ----------
    low, high : ndarray of int, shape (n,)
        Past the ends both are the last voxel: the edge is repeated.
    share : ndarray, float32, shape (n,)
        0 at `low`, 1 at `high`.
    """

    low: npt.NDArray[np.intp]
    high: npt.NDArray[np.intp]
    share: Float32Array


def axis(places: int, voxels: int, origin_mm: float, spacing_mm: float) -> Axis:
    """Where 0, 1, 2 ... mm lie among voxels.

    Parameters
    ----------
    places : int
        Of the grid.
    voxels : int
    origin_mm : float
        Where the centre of voxel 0 lies on the grid.
    spacing_mm : float
        Between voxels.

    Returns
    -------
    Axis
    """
    at = (np.arange(places) * GRID_MM - origin_mm) / spacing_mm
    at = at.clip(0.0, voxels - 1.0)
    low = at.astype(np.intp)
    return Axis(low, np.minimum(low + 1, voxels - 1), (at - low).astype(np.float32))


def each_plane(values: Numbers, axes_zyx: tuple[Axis, Axis, Axis], finish: Finish) -> None:
    """Sample plane after plane of the grid.

    Parameters
    ----------
    values : ndarray, shape (z, y, x)
        Integers or float32; no copy of it is made.
    axes_zyx : tuple of Axis
    finish : callable
        Called once for each plane k with the samples, float32 (y, x), from several threads.
    """
    depth = len(axes_zyx[0].low)
    parts = np.array_split(np.arange(depth), min(usable_threads(), depth))
    spread(lambda part: _walk(values, axes_zyx, part.tolist(), finish), parts)


def _walk(
    values: Numbers, axes_zyx: tuple[Axis, Axis, Axis], planes: list[int], finish: Finish
) -> None:
    z, y, x = axes_zyx
    between = np.empty((len(y.low), len(x.low)), dtype=np.float32)
    kept: dict[int, Float32Array] = {}
    for k in planes:
        ends = (int(z.low[k]), int(z.high[k]))
        kept = {i: kept[i] if i in kept else _in_plane(values[i], y, x) for i in ends}
        low, high = (kept[i] for i in ends)
        np.subtract(high, low, out=between)
        between *= z.share[k]
        between += low
        finish(k, between)


def _in_plane(plane: Numbers, y: Axis, x: Axis) -> Float32Array:
    rows, below = (plane[at].astype(np.float32) for at in (y.low, y.high))
    below -= rows
    below *= y.share[:, None]
    rows += below
    sampled: Float32Array = rows.take(x.low, axis=1)
    right = rows.take(x.high, axis=1)
    right -= sampled
    right *= x.share
    sampled += right
    return sampled
