"""From readers' outlines to nodules: size of one outline, and which outlines are one nodule.

The rule of the development data's README, found again by measuring: area within the outline
(through the pixels that were clicked), holes taken off, times the distance of the slices; outlines
belong together when their centroids are nearer than half the longer of their axial diameters (at
least 2 mm), tightened by tenths until no nodule has more than four.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.core.finding import PointLps
from triage.learn.data.cases import AGREED_READERS, MarkedNodule, SmallFinding

NEAR_AT_LEAST_MM = 2.0
MOST_READERS = 4
TIGHTEN = 0.9
#: Marks nearer than this to the first one are one finding.
ONE_FINDING_MM = 3.0
Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ring:
    """A closed outline on one slice.

    Attributes
    ----------
    points_mm : ndarray, float64, shape (n, 2)
        In the plane, in order; the first point may be repeated at the end.
    z_mm : float
    inclusion : bool
        False: a hole.
    """

    points_mm: Float64Array
    z_mm: float
    inclusion: bool


@dataclass(frozen=True, slots=True)
class Outline:
    """One reader's nodule, measured.

    Attributes
    ----------
    center_mm : tuple of float
        Area-weighted centroid: the plane's two axes, then z.
    diameter_mm, volume_mm3 : float
        Sphere of equal volume.
    max_axial_mm : float
        Longest line between two points of one ring.
    texture : float or None
    """

    center_mm: PointLps
    diameter_mm: float
    volume_mm3: float
    max_axial_mm: float
    texture: float | None = None


def measure(
    rings: Sequence[Ring], spacing_mm: float, texture: float | None = None
) -> Outline | None:
    """Measure what one reader outlined.

    Parameters
    ----------
    rings : sequence of Ring
    spacing_mm : float
        Distance of the slices.
    texture : float, optional

    Returns
    -------
    Outline or None
        None when no area is left: such a thing has no size.
    """
    parts = [(_moments(r.points_mm) * (1.0 if r.inclusion else -1.0), r.z_mm) for r in rings]
    area = sum(float(m[0]) for m, _ in parts)
    if area <= 1e-9:
        return None
    x, y = (sum(float(m[k]) for m, _ in parts) / area for k in (1, 2))
    z = sum(float(m[0]) * z for m, z in parts) / area
    volume = area * spacing_mm
    return Outline(
        center_mm=(x, y, z),
        diameter_mm=float(np.cbrt(6.0 * volume / np.pi)),
        volume_mm3=volume,
        max_axial_mm=max(_longest(r.points_mm) for r in rings if r.inclusion),
        texture=texture,
    )


def _moments(points: Float64Array) -> Float64Array:
    """Area and its first moments about both axes, whichever way round the points go."""
    if len(points) < 3:
        return np.zeros(3)
    origin = points[0]
    (x, y), (u, v) = (points - origin).T, (np.roll(points, -1, axis=0) - origin).T
    cross = x * v - u * y
    area = cross.sum() / 2.0
    if area == 0.0:
        return np.zeros(3)
    first = np.array([((x + u) * cross).sum(), ((y + v) * cross).sum()]) / 6.0
    moments: Float64Array = np.array([area, *(first + area * origin)]) * np.sign(area)
    return moments


def _longest(points: Float64Array) -> float:
    gaps = points[:, None, :] - points[None, :, :]
    return float(np.sqrt((gaps**2).sum(-1)).max())


def cluster(centers_mm: npt.ArrayLike, max_axial_mm: Sequence[float]) -> list[tuple[int, ...]]:
    """Which outlines are one nodule.

    Parameters
    ----------
    centers_mm : array_like, shape (n, 3)
    max_axial_mm : sequence of float

    Returns
    -------
    list of tuple of int
        Indices; every outline is in exactly one, and none has more than four.
    """
    centers = np.asarray(centers_mm, dtype=np.float64).reshape(-1, 3)
    radius = np.asarray(max_axial_mm, dtype=np.float64) / 2.0
    gap = np.linalg.norm(centers[:, None] - centers[None], axis=-1)
    reach = np.maximum(np.maximum(radius[:, None], radius[None]), NEAR_AT_LEAST_MM)
    return _tightened(list(range(len(centers))), gap / reach, 1.0)


def _tightened(own: list[int], ratio: Float64Array, limit: float) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    for group in _linked(own, ratio < limit):
        if len(group) <= MOST_READERS:
            found.append(tuple(group))
        elif limit < 1e-6:  # five outlines on one point: they cannot be told apart
            found += [tuple(group[k : k + MOST_READERS]) for k in range(0, len(group), 4)]
        else:
            found += _tightened(group, ratio, limit * TIGHTEN)
    return found


def _linked(own: Sequence[int], near: npt.NDArray[np.bool_]) -> list[list[int]]:
    """Groups of indices that hang together."""
    left, groups = list(own), []
    while left:
        group, edge = [left[0]], [left[0]]
        while edge:
            here = edge.pop()
            new = [k for k in left if near[here, k] and k not in group]
            group += new
            edge += new
        groups.append(sorted(group))
        left = [k for k in left if k not in group]
    return groups


def nodule_of(outlines: Sequence[Outline], center_lps_mm: PointLps) -> MarkedNodule:
    """Outlines of one nodule as one: means over the readers.

    Parameters
    ----------
    outlines : sequence of Outline
    center_lps_mm : tuple of float
        Mean of their centroids in patient coordinates.
    """
    textures = [o.texture for o in outlines if o.texture is not None]
    return MarkedNodule(
        center_lps_mm=center_lps_mm,
        diameter_mm=float(np.mean([o.diameter_mm for o in outlines])),
        positive=len(outlines) >= AGREED_READERS,
        readers=len(outlines),
        max_axial_mm=float(np.mean([o.max_axial_mm for o in outlines])),
        texture=float(np.mean(textures)) if textures else None,
    )


def small_findings(marks: Sequence[tuple[PointLps, str]]) -> list[SmallFinding]:
    """Marks of all readers, those within 3 mm of an earlier one taken as the same finding.

    Parameters
    ----------
    marks : sequence of (place, kind)
        In the order of the readers.
    """
    groups: list[tuple[PointLps, list[str]]] = []
    for place, kind in marks:
        near = next((g for g in groups if _gap_mm(g[0], place) < ONE_FINDING_MM), None)
        if near is None:
            groups.append((place, [kind]))
        else:
            near[1].append(kind)
    return [SmallFinding(p, tuple(sorted(set(kinds))), len(kinds)) for p, kinds in groups]


def _gap_mm(a: PointLps, b: PointLps) -> float:
    return float(np.linalg.norm(np.subtract(a, b)))
