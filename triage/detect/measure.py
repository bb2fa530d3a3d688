"""Long axis, short axis and proposed texture of a candidate, on the original voxels.

Axes by clinical_rules.md section 3: the longest diameter on the axial slice that shows the nodule
largest, and the longest diameter perpendicular to it on the same slice. The edge lies half way
between the nodule and the lung around it, so a ground glass nodule has a lower threshold than a
solid one; what is thinner than a part of the nodule (vessels) or wider than it could be (chest
wall) is cut off. What cannot be measured is None, never a made-up number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from triage.core.finding import Candidate, Measurement, PointLps, Solidity
from triage.core.volume import Volume

Float64Array: TypeAlias = npt.NDArray[np.float64]
Float32Array: TypeAlias = npt.NDArray[np.float32]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

#: Around the candidate: so many of its diameters, and at least so many mm beyond its edge.
REACH_DIAMETERS = 1.2
REACH_BEYOND_MM = 10.0
#: Noise is smoothed by this much in the plane; below the pixel of a chest CT (0.5 to 0.9 mm).
SMOOTH_MM = 0.6
#: Aerated lung; what is denser is not taken for the background.
LUNG_HU = (-1000.0, -600.0)
USUAL_LUNG_HU = -850.0
#: Denser than muscle counts as muscle: calcium must not push the edge inwards.
CORE_CAP_HU = 50.0
#: A candidate this little denser than the lung around it has no edge to measure.
LEAST_CONTRAST_HU = 120.0
#: What is thinner than this share of the nodule's inner radius is a vessel or a strand.
OPEN_SHARE = 0.45
OPEN_MOST_MM = 4.0
#: The nodule does not reach farther than this from its middle, in inner radii or detector radii.
FARTHEST_RADII = 2.2
FARTHEST_BEYOND_MM = 3.0
#: The detector's size and the measured one may differ by this factor; beyond, one of them is wrong.
DISAGREE = 2.5
CLOSE_DIAMETERS = 0.6
CLOSE_MORE_MM = 2.0
FINE_MM = 0.2
LEAST_MM = 2.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A nodule cut out of its surroundings.

    Attributes
    ----------
    mask : ndarray, bool, shape (z, y, x)
        Voxels of `window` that belong to it.
    smooth : ndarray, float32, shape (z, y, x)
        Smoothed HU of the window.
    threshold_hu, core_hu : float
        Edge and inner density used.
    window : Volume
        The part of the scan that was looked at.
    """

    mask: BoolArray
    smooth: Float32Array
    threshold_hu: float
    core_hu: float
    window: Volume


@dataclass(frozen=True, slots=True)
class Sizing:
    """What could be said of a candidate's size and texture."""

    measurement: Measurement | None
    solidity: Solidity | None


def measure(volume: Volume, candidate: Candidate) -> Sizing:
    """Measure one candidate.

    Parameters
    ----------
    volume : Volume
        The scan on its original voxels.
    candidate : Candidate

    Returns
    -------
    Sizing
        Either part is None when it cannot be told.
    """
    segment = segment_nodule(volume, candidate)
    if segment is None:
        return Sizing(None, None)
    found = axes(segment)
    if found is None or not _plausible(found.long_mm, candidate.diameter_mm):
        return Sizing(None, None)
    return Sizing(found, texture(segment))


def segment_nodule(volume: Volume, candidate: Candidate) -> Segment | None:
    """Cut a nodule out of its surroundings.

    Parameters
    ----------
    volume : Volume
    candidate : Candidate

    Returns
    -------
    Segment or None
        None when nothing at the place stands out from the lung.
    """
    window = _window(volume, candidate)
    if window is None:
        return None
    spacing = np.array(window.spacing_zyx_mm)
    sigma = np.array([0.0, SMOOTH_MM, SMOOTH_MM]) / spacing
    smooth = ndimage.gaussian_filter(window.hu.astype(np.float32), sigma)
    distance = _distance_to(window, candidate.center_lps_mm)
    core_hu = _core_hu(smooth, distance, candidate.diameter_mm)
    lung_hu = _lung_hu(smooth, distance, candidate.diameter_mm)
    if core_hu - lung_hu < LEAST_CONTRAST_HU:
        return None
    threshold = (min(core_hu, CORE_CAP_HU) + lung_hu) / 2.0
    mask = _cut_out(smooth > threshold, distance, spacing, candidate.diameter_mm)
    if mask is None:
        return None
    return Segment(mask, smooth, float(threshold), float(core_hu), window)


def _window(volume: Volume, candidate: Candidate) -> Volume | None:
    """The part of the scan around a candidate; None when its centre lies outside."""
    center = volume.to_zyx(candidate.center_lps_mm)
    shape = np.array(volume.shape_zyx)
    if (center < -0.5).any() or (center > shape - 0.5).any():
        return None
    reach_mm = max(candidate.diameter_mm * REACH_DIAMETERS,
                   candidate.diameter_mm / 2.0 + REACH_BEYOND_MM)
    reach = np.ceil(reach_mm / np.array(volume.spacing_zyx_mm))
    low = np.clip(np.floor(center - reach), 0, shape - 1).astype(int)
    high = np.clip(np.ceil(center + reach) + 1, 1, shape).astype(int)
    z, y, x = (int(n) for n in low)
    return volume.crop((z, y, x), (int(high[0]), int(high[1]), int(high[2])))


def _distance_to(window: Volume, point_lps_mm: PointLps) -> Float32Array:
    """Distance of every voxel centre to a point, mm."""
    center = window.to_zyx(point_lps_mm)
    axes_mm = [
        ((np.arange(n) - c) * s) ** 2
        for n, c, s in zip(window.shape_zyx, center, window.spacing_zyx_mm, strict=True)
    ]
    z, y, x = np.ix_(*axes_mm)
    return np.sqrt(z + y + x).astype(np.float32)


def _core_hu(smooth: Float32Array, distance: Float32Array, diameter_mm: float) -> float:
    """Density of the inside: the upper part of what lies near the centre."""
    near = distance <= max(2.0, 0.35 * diameter_mm)
    values = smooth[near] if near.any() else smooth[distance == distance.min()]
    return float(np.percentile(values, 70))


def _lung_hu(smooth: Float32Array, distance: Float32Array, diameter_mm: float) -> float:
    """Density of the aerated lung around; a usual one where there is too little to see."""
    around = smooth[distance > 0.5 * diameter_mm]
    lung = around[(around > LUNG_HU[0]) & (around < LUNG_HU[1])]
    return float(np.median(lung)) if lung.size >= 50 else USUAL_LUNG_HU


def _cut_out(
    dense: BoolArray, distance: Float32Array, spacing: Float64Array, diameter_mm: float
) -> BoolArray | None:
    """The dense part at the candidate without vessels and wall."""
    dense = dense & _inside_lung(dense, spacing, CLOSE_DIAMETERS * diameter_mm + CLOSE_MORE_MM)
    inner = ndimage.distance_transform_edt(np.pad(dense, 1, mode="edge"), sampling=spacing)
    inner = inner[1:-1, 1:-1, 1:-1]
    near = dense & (distance <= max(2.5, 0.5 * diameter_mm))
    if not near.any():
        return None
    # The middle: deep inside, and not far from where the detector points.
    depth = np.where(near, np.minimum(inner, diameter_mm) - 0.25 * distance, -np.inf)
    middle = np.unravel_index(int(np.argmax(depth)), depth.shape)
    radius = float(min(inner[middle], 0.75 * diameter_mm))
    opening = min(OPEN_SHARE * radius, OPEN_MOST_MM)
    core, _ = ndimage.label(inner > opening)
    if core[middle] == 0:
        return None
    grown = ndimage.distance_transform_edt(core != core[middle], sampling=spacing)
    steps = np.sqrt(sum(
        (s * (i - m).astype(float)) ** 2
        for i, m, s in zip(np.indices(dense.shape, sparse=True), middle, spacing, strict=True)
    ))
    farthest = max(FARTHEST_RADII * radius, 0.5 * diameter_mm + FARTHEST_BEYOND_MM)
    found, _ = ndimage.label(dense & (grown <= opening + 0.5 * spacing[1:].max()) & (steps <= farthest))
    mask: BoolArray = found == found[middle]
    return mask


def _inside_lung(dense, spacing, radius_mm):
    """The lung with everything in it that a ball of air cannot roll around: the wall left out."""
    reach = np.ceil(radius_mm / spacing).astype(int)
    pads = [(r, r) for r in reach]
    to_air = ndimage.distance_transform_edt(np.pad(dense, pads, mode="edge"), sampling=spacing)
    closed = ndimage.distance_transform_edt(to_air <= radius_mm, sampling=spacing) > radius_mm
    return closed[tuple(slice(r, n - r) for r, n in zip(reach, closed.shape, strict=True))]


def axes(segment: Segment) -> Measurement | None:
    """Long and short axis of a segmented nodule.

    Parameters
    ----------
    segment : Segment

    Returns
    -------
    Measurement or None
        None when it is too small to have axes.
    """
    areas = segment.mask.sum(axis=(1, 2))
    z = int(np.argmax(areas))
    points = _fine_points(segment, z)
    if len(points) < 4:
        return None
    ends = _long_axis(points)
    if ends is None:
        return None
    return _measurement(segment.window, z, points, ends)


def _fine_points(segment: Segment, z: int) -> Float64Array:
    """Points of the slice inside the edge, on a grid of `FINE_MM`; (n, 2) as y, x in mm."""
    mask, hu = segment.mask[z], segment.smooth[z]
    rise = max(segment.core_hu - segment.threshold_hu, 1.0)
    # Where tissue was cut off, the edge is put half way to the first voxel that was cut.
    field = np.where(mask, np.maximum(hu, segment.threshold_hu), np.minimum(hu, segment.threshold_hu - rise))
    outside = ~mask & (hu <= segment.threshold_hu)
    field[outside] = hu[outside]
    spacing = np.array(segment.window.spacing_zyx_mm[1:])
    where = np.argwhere(mask)
    low, high = np.maximum(where.min(0) - 1, 0), np.minimum(where.max(0) + 1, np.array(mask.shape) - 1)
    grid = [np.arange(a, b + 1e-9, FINE_MM / s) for a, b, s in zip(low, high, spacing, strict=True)]
    fine = np.meshgrid(*grid, indexing="ij")
    values = ndimage.map_coordinates(field, fine, order=1)
    inside, _ = ndimage.label(values > segment.threshold_hu)
    if not inside.any():
        return np.empty((0, 2))
    keep = inside == np.argmax(np.bincount(inside.ravel())[1:]) + 1
    return np.stack([fine[0][keep] * spacing[0], fine[1][keep] * spacing[1]], axis=-1)


def _long_axis(points: Float64Array) -> Float64Array | None:
    """The two points farthest apart, (2, 2) mm."""
    try:
        hull = points[ConvexHull(points).vertices]
    except QhullError:
        return None
    apart = np.linalg.norm(hull[:, None] - hull[None], axis=-1)
    first, second = np.unravel_index(int(np.argmax(apart)), apart.shape)
    return hull[[first, second]]


def _measurement(
    window: Volume, z: int, points: Float64Array, ends: Float64Array
) -> Measurement | None:
    """Axes in mm and their ends in the patient."""
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    across = np.array([-along[1], along[0]])
    u, v = (points - ends[0]) @ along, (points - ends[0]) @ across
    chord = np.rint(u / FINE_MM).astype(int)
    chord -= chord.min()
    top = np.full(chord.max() + 1, -np.inf)
    bottom = np.full(chord.max() + 1, np.inf)
    np.maximum.at(top, chord, v)
    np.minimum.at(bottom, chord, v)
    best = int(np.argmax(top - bottom))
    at = ends[0] + along * float(np.median(u[chord == best]))
    short = np.stack([at + across * bottom[best], at + across * top[best]])
    spacing = np.array(window.spacing_zyx_mm)
    def lps(p):
        x, y, zz = window.to_lps_mm((z, p[0] / spacing[1], p[1] / spacing[2])).tolist()
        return (x, y, zz)
    long_mm = float(np.linalg.norm(ends[1] - ends[0])) + FINE_MM
    short_mm = min(float(top[best] - bottom[best]) + FINE_MM, long_mm)
    return Measurement(round(long_mm, 1), round(short_mm, 1), (lps(ends[0]), lps(ends[1])), (lps(short[0]), lps(short[1])))


def texture(segment: Segment) -> Solidity | None:
    return None


def _plausible(long_mm: float, diameter_mm: float) -> bool:
    return LEAST_MM <= long_mm and 1.0 / DISAGREE <= long_mm / diameter_mm <= DISAGREE
