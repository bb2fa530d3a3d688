"""Long and short axis of a segmented nodule (clinical_rules.md section 3).

The longest diameter on the axial slice that shows the nodule largest, and the longest diameter
perpendicular to it on the same slice; edges between voxels, each length to 0.1 mm.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from triage.core.finding import PointLps
from triage.detect.segment import Segment
from triage.detect.window import Float32Array, Float64Array, Window

#: Grid on which the edge is followed; half of it is the error it adds.
FINE_MM = 0.2

Ends: TypeAlias = tuple[PointLps, PointLps]


def axes(segment: Segment) -> tuple[float, float, Ends, Ends] | None:
    """Long and short axis of a segmented nodule.

    Parameters
    ----------
    segment : Segment

    Returns
    -------
    (float, float, ends, ends) or None
        Lengths in mm to 0.1 mm, and the end points of both in LPS mm. None when it is too small to
        have axes.
    """
    area = np.where(segment.window.on_slice, segment.mask.sum(axis=(1, 2)), 0)
    z = int(np.argmax(area))
    if area[z] == 0:
        return None
    points = _fine_points(segment, z)
    ends = _long_axis(points) if len(points) >= 4 else None
    if ends is None:
        return None
    short = _short_axis(points, ends)
    # A point of the fine grid stands for a square of that size.
    long_mm = float(np.linalg.norm(ends[1] - ends[0])) + FINE_MM
    short_mm = min(float(np.linalg.norm(short[1] - short[0])) + FINE_MM, long_mm)
    window = segment.window
    return (
        round(long_mm, 1),
        round(short_mm, 1),
        _in_patient(window, z, ends),
        _in_patient(window, z, short),
    )


def _fine_points(segment: Segment, z: int) -> Float64Array:
    """Points of the slice inside the edge, on a grid of `FINE_MM`; (n, 2) as y, x in mm."""
    spacing = segment.window.spacing_mm[1:]
    where = np.argwhere(segment.mask[z])
    low = np.maximum(where.min(0) - 1, 0)
    high = np.minimum(where.max(0) + 1, np.array(segment.mask.shape[1:]) - 1)
    field = _edge_field(segment, z)
    rows, columns = (
        _between(int(a), int(b), FINE_MM / s) for a, b, s in zip(low, high, spacing, strict=True)
    )
    box = field[low[0] : high[0] + 1, low[1] : high[1] + 1]
    values = rows[1] @ box @ columns[1].T
    inside, count = ndimage.label(values > segment.edge_hu)
    if count == 0:
        return np.empty((0, 2))
    largest = np.nonzero(inside == np.argmax(np.bincount(inside.ravel())[1:]) + 1)
    points: Float64Array = np.stack([rows[0][largest[0]], columns[0][largest[1]]], -1) * spacing
    return points


def _between(low: int, high: int, step: float) -> tuple[Float64Array, Float32Array]:
    """Places from `low` to `high`, and the weights of the grid points there (linear)."""
    places = np.arange(low, high + 1e-9, step)
    weights = np.clip(1.0 - np.abs(places[:, None] - np.arange(low, high + 1)), 0.0, None)
    return places, weights.astype(np.float32)


def _edge_field(segment: Segment, z: int) -> Float32Array:
    """HU of a slice where the edge is the threshold; cut surfaces lie half way between voxels."""
    mask, hu, edge = segment.mask[z], segment.window.hu[z], np.float32(segment.edge_hu)
    fall = np.float32(max(segment.inside_hu - segment.edge_hu, 1.0))
    outside = np.where(hu > edge, edge - fall, hu)
    field: Float32Array = np.where(mask, np.maximum(hu, edge), outside)
    return field


def _long_axis(points: Float64Array) -> Float64Array | None:
    """The two points farthest apart, (2, 2) mm; None when the points lie on one line."""
    try:
        hull = points[ConvexHull(points).vertices]
    except QhullError:
        return None
    apart = np.linalg.norm(hull[:, None] - hull[None], axis=-1)
    first, second = np.unravel_index(int(np.argmax(apart)), apart.shape)
    ends: Float64Array = hull[[first, second]]
    return ends


def _short_axis(points: Float64Array, ends: Float64Array) -> Float64Array:
    """The longest chord across the long axis, (2, 2) mm."""
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    across = np.array([-along[1], along[0]])
    u, v = (points - ends[0]) @ along, (points - ends[0]) @ across
    chord = np.rint(u / FINE_MM).astype(int)
    chord -= chord.min()
    top = np.full(chord.max() + 1, -np.inf)
    bottom = np.full(chord.max() + 1, np.inf)
    np.maximum.at(top, chord, v)
    np.minimum.at(bottom, chord, v)
    widest = int(np.argmax(top - bottom))
    at = ends[0] + along * float(np.median(u[chord == widest]))
    return np.stack([at + across * bottom[widest], at + across * top[widest]])


def _in_patient(window: Window, z: int, ends: Float64Array) -> Ends:
    """End points (y, x in mm of the plane) as x, y, z in LPS mm."""
    zyx = np.column_stack([np.full(2, float(z)), ends / window.spacing_mm[1:]])
    first, second = window.to_lps_mm(zyx).tolist()
    return (first[0], first[1], first[2]), (second[0], second[1], second[2])
