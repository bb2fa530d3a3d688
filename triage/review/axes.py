"""Lengths are what the server computes from the end points; nonsense is refused by field name.

Pure functions on points and the grid of the series. Rules: clinical_rules section 3 - long axis on
one image, short axis perpendicular to it on the same image, short <= long, each to 0.1 mm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from triage.review.requests import MAX_LENGTH_MM

MIN_LENGTH_MM = 0.1
# A hand-drawn right angle: 5 degrees, or 0.3 mm at the end of a very short axis.
MAX_SKEW = float(np.sin(np.deg2rad(5.0)))
MAX_SKEW_MM = 0.3
# The end points of both axes lie on one image: within half a slice of each other.
MAX_OFF_PLANE_VOXELS = 0.5


@dataclass(frozen=True, slots=True)
class Grid:
    """The voxel grid of a series.

    Attributes
    ----------
    shape_zyx : tuple of int
    affine : ndarray, float64, shape (4, 4)
        ``(z, y, x, 1)`` voxel indices to ``(x, y, z, 1)`` mm, LPS.
    """

    shape_zyx: tuple[int, int, int]
    affine: npt.NDArray[np.float64]

    def to_zyx(self, lps_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Patient millimetres to fractional voxel indices, shape (..., 3)."""
        moved = np.asarray(lps_mm, dtype=np.float64) - self.affine[:3, 3]
        found: npt.NDArray[np.float64] = moved @ np.linalg.inv(self.affine[:3, :3]).T
        return found

    def holds(self, lps_mm: npt.ArrayLike) -> bool:
        """Whether all points lie inside the volume, up to the faces of its outer voxels."""
        zyx = self.to_zyx(lps_mm)
        return bool(np.all(zyx >= -0.5) and np.all(zyx <= np.array(self.shape_zyx) - 0.5))

    def slice_of(self, lps_mm: npt.ArrayLike) -> int:
        """Index z of the slice nearest to a point."""
        z = round(float(self.to_zyx(lps_mm)[..., 0]))
        return min(max(z, 0), self.shape_zyx[0] - 1)


def to_tenth(value: float) -> float:
    """Round half up to 0.1, in decimal (5.95 gives 6.0; clinical_rules 1.4)."""
    return float(Decimal(repr(value)).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))


def mean_mm(long_mm: float | None, short_mm: float | None) -> float | None:
    """Mean of both axes to 0.1 mm, half up; None when one is not known."""
    if long_mm is None or short_mm is None:
        return None
    total = Decimal(repr(long_mm)) + Decimal(repr(short_mm))
    return float((total / 2).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP))


def length_mm(axis: Any) -> float:
    """Distance between two end points, mm."""
    a, b = np.asarray(axis, dtype=np.float64)
    return float(np.linalg.norm(b - a))


def measured(sent: Mapping[str, Any], grid: Grid | None) -> tuple[dict[str, Any], dict[str, str]]:
    """Turn drawn axes into lengths.

    Parameters
    ----------
    sent : mapping
        ``long_axis_lps_mm`` and ``short_axis_lps_mm`` (pairs of points); may hold ``long_mm`` and
        ``short_mm``, which then must agree to 0.1 mm.
    grid : Grid or None
        None when the series has no volume: then nothing can be drawn on it.

    Returns
    -------
    values, problems : dict
        The four fields as the server has them, and refused fields with the reason in words; when
        there are problems the values count for nothing. Axes sent the wrong way round are swapped.
    """
    pair = [sent.get("long_axis_lps_mm"), sent.get("short_axis_lps_mm")]
    names = ["long_axis_lps_mm", "short_axis_lps_mm"]
    for name, axis in zip(names, pair, strict=True):
        if axis is None:
            return {}, {name: "both axes are needed, drawn on one image"}
    problems = _nonsense(names, pair, grid)
    if problems:
        return {}, problems
    if length_mm(pair[1]) > length_mm(pair[0]):
        pair.reverse()
    values = {
        "long_axis_lps_mm": _plain(pair[0]),
        "short_axis_lps_mm": _plain(pair[1]),
        "long_mm": to_tenth(length_mm(pair[0])),
        "short_mm": to_tenth(length_mm(pair[1])),
    }
    for name in ("long_mm", "short_mm"):
        claimed = sent.get(name)
        if claimed is not None and abs(claimed - values[name]) > 0.1 + 1e-9:
            problems[name] = f"the end points are {values[name]} mm apart"
    return values, problems


def _nonsense(names: list[str], pair: Sequence[Any], grid: Grid | None) -> dict[str, str]:
    if grid is None:
        return {names[0]: "the series has no volume to draw on"}
    problems = {}
    for name, axis in zip(names, pair, strict=True):
        length = length_mm(axis)
        if not MIN_LENGTH_MM <= length <= MAX_LENGTH_MM:
            problems[name] = f"a length lies between {MIN_LENGTH_MM} and {MAX_LENGTH_MM:.0f} mm"
        elif not grid.holds(axis):
            problems[name] = "an end point lies outside the volume"
    return problems or _misplaced(names[1], pair, grid)


def _misplaced(name: str, pair: Sequence[Any], grid: Grid) -> dict[str, str]:
    points = np.asarray(pair, dtype=np.float64)  # (axis, end, xyz)
    spread = np.ptp(grid.to_zyx(points.reshape(4, 3)), axis=0)
    if np.min(spread) > MAX_OFF_PLANE_VOXELS:
        return {name: "both axes must lie on one image"}
    vectors = points[:, 1] - points[:, 0]
    along = vectors[0] / np.linalg.norm(vectors[0])
    skew_mm = abs(float(vectors[1] @ along))
    if skew_mm > max(MAX_SKEW_MM, MAX_SKEW * float(np.linalg.norm(vectors[1]))):
        return {name: "the short axis must be perpendicular to the long axis"}
    middles = points.mean(axis=1)
    if np.linalg.norm(middles[1] - middles[0]) > max(length_mm(pair[0]), length_mm(pair[1])) / 2:
        return {name: "the short axis must lie on the same nodule as the long axis"}
    return {}


def _plain(axis: Any) -> list[list[float]]:
    return [[float(value) for value in point] for point in axis]
