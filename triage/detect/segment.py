"""A candidate cut out of its surroundings, on the original voxels.

The edge lies half way between the nodule and the lung around it, so a ground glass nodule has a
lower threshold than a solid one. The chest wall is left out by a ball of air that cannot roll into
it, vessels by what is thinner than a part of the nodule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from triage.core.finding import Candidate, PointLps
from triage.core.volume import Volume
from triage.detect import balls

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
#: Ground glass around a solid part: the middle of the ring so far from it is so much denser than
#: lung. Half of the ring at least: vessels and spicules alone do not make it.
HALO_MM = (1.5, 3.5)
HALO_CONTRAST_HU = 150.0
SOLID_RING_HU = -300.0
#: Lung wall: a ball of air of this many nodule diameters, and so many mm more, cannot roll into it.
CLOSE_DIAMETERS = 0.6
CLOSE_MORE_MM = 2.0
#: What is thinner than this share of the nodule's inner radius is a vessel or a strand.
OPEN_SHARE = 0.25
OPEN_MOST_MM = 4.0
#: The nodule does not reach farther than this from its middle, in inner radii; or, when that is
#: more, so many mm beyond the detector's radius.
FARTHEST_RADII = 2.2
FARTHEST_BEYOND_MM = 3.0


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
    halo_hu : float
        How much denser than lung the ring around it is, HU; 0 when not known.
    """

    mask: BoolArray
    smooth: Float32Array
    threshold_hu: float
    core_hu: float
    window: Volume
    halo_hu: float = 0.0


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
    found = _at_level(window, smooth, distance, (core_hu, lung_hu), candidate.diameter_mm)
    if found is None:
        return None
    halo_hu = _halo_hu(found, lung_hu, spacing)
    found = replace(found, halo_hu=halo_hu - lung_hu)
    if found.halo_hu < HALO_CONTRAST_HU:
        return found
    # A solid part within ground glass: the nodule ends where the glass ends.
    levels = halo_hu, lung_hu
    return _at_level(window, smooth, distance, levels, candidate.diameter_mm) or found


def _at_level(
    window: Volume,
    smooth: Float32Array,
    distance: Float32Array,
    levels_hu: tuple[float, float],
    diameter_mm: float,
) -> Segment | None:
    """The segment whose edge lies half way between the inside and the lung of `levels_hu`."""
    core_hu, lung_hu = levels_hu
    threshold = (min(core_hu, CORE_CAP_HU) + lung_hu) / 2.0
    spacing = np.array(window.spacing_zyx_mm)
    mask = _cut_out(smooth > threshold, distance, spacing, diameter_mm)
    return None if mask is None else Segment(mask, smooth, float(threshold), core_hu, window)


def _halo_hu(segment: Segment, lung_hu: float, spacing: Float64Array) -> float:
    """Density of the ring around a segment, beyond the blur of its edge and without the wall."""
    away_mm = ndimage.distance_transform_edt(~segment.mask, sampling=spacing)
    ring = (away_mm > HALO_MM[0]) & (away_mm <= HALO_MM[1]) & (segment.smooth < SOLID_RING_HU)
    return float(np.median(segment.smooth[ring])) if ring.any() else lung_hu


def _window(volume: Volume, candidate: Candidate) -> Volume | None:
    """The part of the scan around a candidate; None when its centre lies outside."""
    center = volume.to_zyx(candidate.center_lps_mm)
    shape = np.array(volume.shape_zyx)
    if (center < -0.5).any() or (center > shape - 0.5).any():
        return None
    reach_mm = max(
        candidate.diameter_mm * REACH_DIAMETERS, candidate.diameter_mm / 2.0 + REACH_BEYOND_MM
    )
    reach = np.ceil(reach_mm / np.array(volume.spacing_zyx_mm))
    low = np.clip(np.floor(center - reach), 0, shape - 1).astype(int)
    high = np.clip(np.ceil(center + reach) + 1, 1, shape).astype(int)
    z, y, x = (int(n) for n in low)
    return volume.crop((z, y, x), (int(high[0]), int(high[1]), int(high[2])))


def _distance_to(window: Volume, point_lps_mm: PointLps) -> Float32Array:
    """Distance of every voxel centre to a point, mm."""
    center = window.to_zyx(point_lps_mm)
    away = _away(window.shape_zyx, center, np.array(window.spacing_zyx_mm))
    return away.astype(np.float32)


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
    """The dense part at the candidate without vessels and wall; None when there is none."""
    dense = dense & _inside_lung(dense, spacing, CLOSE_DIAMETERS * diameter_mm + CLOSE_MORE_MM)
    inner = _depth(dense, spacing)
    near = dense & (distance <= max(2.5, 0.5 * diameter_mm))
    if not near.any():
        return None
    # The middle: deep inside, and not far from where the detector points.
    score = np.where(near, np.minimum(inner, diameter_mm) - 0.25 * distance, -np.inf)
    middle = np.unravel_index(int(np.argmax(score)), score.shape)
    radius = float(min(inner[middle], 0.75 * diameter_mm))
    opening = min(OPEN_SHARE * radius, OPEN_MOST_MM)
    core, _ = ndimage.label(inner > opening)
    if core[middle] == 0:
        return None
    grown_mm = ndimage.distance_transform_edt(core != core[middle], sampling=spacing)
    away_mm = _away(dense.shape, np.array(middle), spacing)
    farthest_mm = max(FARTHEST_RADII * radius, 0.5 * diameter_mm + FARTHEST_BEYOND_MM)
    reached = (grown_mm <= opening + 0.5 * spacing[1:].max()) & (away_mm <= farthest_mm)
    found, _ = ndimage.label(dense & reached)
    mask: BoolArray = found == found[middle]
    return mask


def _inside_lung(dense: BoolArray, spacing: Float64Array, radius_mm: float) -> BoolArray:
    """Lung and everything in it that a ball of air cannot be kept out of; the wall is not."""
    reach = np.ceil(radius_mm / spacing).astype(int)
    air = ~np.pad(dense, [(r, r) for r in reach], mode="edge")
    closed = balls.close(air, radius_mm, spacing)
    return closed[tuple(slice(r, n - r) for r, n in zip(reach, closed.shape, strict=True))]


def _depth(dense: BoolArray, spacing: Float64Array) -> Float64Array:
    """Distance to the nearest voxel that is not dense, mm; tissue goes on beyond the window."""
    padded = np.pad(dense, 1, mode="edge")
    depth: Float64Array = ndimage.distance_transform_edt(padded, sampling=spacing)
    return depth[1:-1, 1:-1, 1:-1]


def _away(
    shape: tuple[int, ...], place: npt.NDArray[np.floating | np.integer], spacing: Float64Array
) -> Float64Array:
    """Distance of every voxel to one voxel, mm."""
    squares = [((np.arange(n) - p) * s) ** 2 for n, p, s in zip(shape, place, spacing, strict=True)]
    z, y, x = np.ix_(*squares)
    away: Float64Array = np.sqrt(z + y + x)
    return away
