"""A candidate cut out of its surroundings.

The edge lies half way between the nodule and the lung around it, so a ground glass nodule has a
lower threshold than a solid one. A solid part within ground glass belongs to the nodule, and the
nodule ends where the glass ends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from triage.core.finding import Candidate
from triage.core.volume import Volume
from triage.detect.cut import Place, body_of, box_of, depth, wall_distance
from triage.detect.window import BoolArray, Float32Array, Float64Array, Window, window_around

#: The nodule lies within so many of the detector's diameters, or so many mm beyond its radius.
WITHIN_DIAMETERS = 1.1
WITHIN_BEYOND_MM = 4.5
#: Aerated lung; what is denser is not taken for the background. It is looked for farther out than
#: this from the candidate, in its diameters.
LUNG_HU = (-1000.0, -600.0)
USUAL_LUNG_HU = -850.0
LUNG_BEYOND_DIAMETERS = 0.7
#: Denser than muscle counts as muscle: calcium must not push the edge inwards.
CORE_CAP_HU = 50.0
TISSUE_HU = 20.0
#: A candidate this little denser than the lung around it has no edge to measure.
LEAST_CONTRAST_HU = 120.0
#: Less dense than this is ground glass, and what is bright beside it a vessel.
GLASS_MOST_HU = -300.0
#: A new level that moves the edge by less is not worth a new cut.
SAME_EDGE_HU = 25.0
#: Ground glass around a solid part: a ring so far beyond its edge (mm; nearer in for small ones)
#: is so much denser than lung in 70 % of it: vessels and spicules alone do not make it.
HALO_MM = (1.2, 2.3)
SMALL_HALO_MM = (0.9, 1.7)
SMALL_RADIUS_MM = 3.2
HALO_CONTRAST_HU = 115.0
HALO_PERCENTILE = 30.0
#: Ground glass within the edge: the rim (mm deep) reaches less than this share of the inside.
RIM_MM = (0.7, 1.5)
RIM_SHARE = 0.6
RIM_MOST_HU, INSIDE_LEAST_HU = -350.0, -450.0


@dataclass(frozen=True, slots=True)
class Segment:
    """A nodule cut out of its surroundings.

    Attributes
    ----------
    mask : ndarray, bool, shape (z, y, x)
        Grid points of `window` that belong to it.
    dense : ndarray, bool, shape (z, y, x)
        All that is denser than the edge, wall and vessels too.
    window : Window
    wall_mm : ndarray or None
        Distance to the wall; None when there is none.
    lung_hu, inside_hu : float
        Density around it and inside; of the ground glass where it has a solid part within.
    edge_hu : float
        Half way between them.
    halo_hu : float
        How much denser than lung the ring around it is, HU; 0 when not known.
    has_glass : bool
        Whether it was cut as a solid part within ground glass.
    """

    mask: BoolArray
    dense: BoolArray
    window: Window
    wall_mm: Float64Array | None
    lung_hu: float
    inside_hu: float
    edge_hu: float
    halo_hu: float = 0.0
    has_glass: bool = False

    @property
    def radius_mm(self) -> float:
        """Of the sphere of as many grid points."""
        filled = float(self.mask.sum() * np.prod(self.window.spacing_mm))
        return float(np.cbrt(filled * 0.75 / np.pi))


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
    window = window_around(volume, candidate)
    if window is None:
        return None
    distance = window.distance_to(window.find(candidate.center_lps_mm))
    diameter_mm = candidate.diameter_mm
    inside_hu, lung_hu = _levels(window.hu, distance, diameter_mm)
    if inside_hu - lung_hu < LEAST_CONTRAST_HU:
        return None
    wall_mm = wall_distance(window.hu, window.spacing_mm, diameter_mm)
    # Lung and wall are seen from afar; the nodule itself is near.
    reach_mm = max(WITHIN_DIAMETERS * diameter_mm, diameter_mm / 2 + WITHIN_BEYOND_MM)
    box = window.box(window.find(candidate.center_lps_mm), reach_mm)
    window = window.crop(box)
    wall_mm = wall_mm if wall_mm is None else wall_mm[box]
    place = Place(distance[box], window.spacing_mm, diameter_mm, wall_mm)
    found = _cut(window, place, inside_hu, lung_hu)
    if found is None:
        return None
    found = _at_its_own_level(found, place)
    if found.inside_hu - lung_hu < LEAST_CONTRAST_HU:
        return None
    return _with_glass(found, place)


def _levels(hu: Float32Array, distance: Float32Array, diameter_mm: float) -> tuple[float, float]:
    """Density of the inside (upper part of what lies near the centre) and of the lung around."""
    near = distance <= max(2.0, 0.35 * diameter_mm)
    values = hu[near] if near.any() else hu[distance == distance.min()]
    around = hu[distance > LUNG_BEYOND_DIAMETERS * diameter_mm]
    lung = around[(around > LUNG_HU[0]) & (around < LUNG_HU[1])]
    lung_hu = float(np.median(lung)) if lung.size >= 50 else USUAL_LUNG_HU
    return float(np.percentile(values, 70)), lung_hu


def _cut(
    window: Window,
    place: Place,
    inside_hu: float,
    lung_hu: float,
    solid: BoolArray | None = None,
) -> Segment | None:
    """The segment with its edge half way between the inside and the lung.

    `solid`: what is known to be a solid part within ground glass of `inside_hu`.
    """
    edge_hu = (min(inside_hu, CORE_CAP_HU) + lung_hu) / 2.0
    dense = kept = window.hu > edge_hu
    if solid is not None or inside_hu < GLASS_MOST_HU:
        kept = _without_vessels(window.hu, dense, place, inside_hu, solid)
    mask = body_of(kept, place)
    if mask is None:
        return None
    return Segment(mask, dense, window, place.wall_mm, lung_hu, inside_hu, edge_hu)


def _without_vessels(
    hu: Float32Array, dense: BoolArray, place: Place, glass_hu: float, solid: BoolArray | None
) -> BoolArray:
    """Ground glass with the bright parts that lie within it; others are vessels."""
    is_bright = dense & (hu > _half_solid(glass_hu))
    kept = dense & ~is_bright
    if solid is not None:
        kept |= dense & solid
    parts, count = ndimage.label(is_bright)
    if count:
        near = place.distance < 0.55 * place.diameter_mm
        shares = np.asarray(ndimage.mean(near, parts, np.arange(1, count + 1)))
        kept |= np.concatenate([[False], shares > 0.6])[parts]
    return kept


def _half_solid(glass_hu: float) -> float:
    """Half way between ground glass and soft tissue."""
    return (min(glass_hu, CORE_CAP_HU) + TISSUE_HU) / 2.0


def _at_its_own_level(found: Segment, place: Place) -> Segment:
    """With the density of its own inside; cut again where that moves the edge."""
    box = box_of(found.mask, place.spacing, 1.0)
    inner = depth(found.mask[box], place.spacing)
    inside_hu = float(np.median(found.window.hu[box][inner > 0.5 * inner.max()]))
    edge_hu = (min(inside_hu, CORE_CAP_HU) + found.lung_hu) / 2.0
    again = None
    if abs(edge_hu - found.edge_hu) > SAME_EDGE_HU:
        again = _cut(found.window, place, inside_hu, found.lung_hu)
    return again or replace(found, inside_hu=inside_hu)


# ---------------------------------------------------------------- ground glass around a solid part


def _with_glass(found: Segment, place: Place) -> Segment:
    """With the ground glass around it, if there is some; the level is then that of the glass."""
    around_hu = _halo_hu(found)
    found = replace(found, halo_hu=around_hu - found.lung_hu)
    whole = None
    if found.inside_hu > INSIDE_LEAST_HU and found.halo_hu > HALO_CONTRAST_HU:
        whole = _cut_as_glass(found, place, around_hu)
        whole = whole if whole is not None and whole.mask.sum() > found.mask.sum() else None
    rim_hu = _rim_hu(found) if whole is None else None
    if rim_hu is not None:
        whole = _cut_as_glass(found, place, rim_hu)
    if whole is None:
        return found
    glass_hu = _glass_hu(whole)
    if glass_hu is None or glass_hu - found.lung_hu < LEAST_CONTRAST_HU:
        return whole
    return _cut_as_glass(found, place, glass_hu) or whole


def _cut_as_glass(found: Segment, place: Place, glass_hu: float) -> Segment | None:
    solid = found.mask & (found.window.hu > _half_solid(glass_hu))
    whole = _cut(found.window, place, glass_hu, found.lung_hu, solid)
    return None if whole is None else replace(whole, halo_hu=found.halo_hu, has_glass=True)


def _halo_hu(segment: Segment) -> float:
    """Density of the ring around a segment, beyond the blur of its edge and without the wall."""
    spacing = segment.window.spacing_mm
    box = box_of(segment.mask, spacing, HALO_MM[1] + 1.5)
    mask, hu = segment.mask[box], segment.window.hu[box]
    near_mm, far_mm = SMALL_HALO_MM if segment.radius_mm < SMALL_RADIUS_MM else HALO_MM
    beyond_mm = ndimage.distance_transform_edt(~mask, sampling=spacing) - 0.5 * spacing[1]
    ring = (beyond_mm > near_mm) & (beyond_mm <= far_mm) & (hu < GLASS_MOST_HU)
    # Only where it is widest: below and above, thick slices blur the edge.
    area = mask.sum(axis=(1, 2))
    ring &= (area >= 0.6 * area.max())[:, None, None]
    if ring.sum() < 8:
        return segment.lung_hu
    return float(np.percentile(hu[ring], HALO_PERCENTILE))


def _rim_hu(segment: Segment) -> float | None:
    """Density of the outermost layer, if it is glass around something denser."""
    spacing = segment.window.spacing_mm
    box = box_of(segment.mask, spacing, 1.0)
    hu = segment.window.hu[box]
    inner = depth(segment.mask[box], spacing) - 0.5 * spacing[1]
    rim = (inner > RIM_MM[0]) & (inner <= RIM_MM[1])
    if segment.wall_mm is not None:
        rim &= segment.wall_mm[box] > 2.0
    if inner.max() < 2.4 or rim.sum() < 12:
        return None
    rim_hu = float(np.median(hu[rim]))
    inside_hu = float(np.median(hu[inner > 0.6 * inner.max()]))
    contrast = rim_hu - segment.lung_hu
    is_glass = (
        contrast < RIM_SHARE * (min(inside_hu, CORE_CAP_HU) - segment.lung_hu)
        and contrast > LEAST_CONTRAST_HU
        and rim_hu < RIM_MOST_HU
        and inside_hu > INSIDE_LEAST_HU
    )
    return rim_hu if is_glass else None


def _glass_hu(segment: Segment) -> float | None:
    """Density of the glass inside, away from its edge and from the solid part."""
    spacing = segment.window.spacing_mm
    box = box_of(segment.mask, spacing, 1.0)
    mask, hu = segment.mask[box], segment.window.hu[box]
    glass = depth(mask, spacing) - 0.5 * spacing[1] > 0.8
    bright = mask & (hu > _half_solid(segment.inside_hu))
    if bright.any():
        glass &= ndimage.distance_transform_edt(~bright, sampling=spacing) > 1.0
    return float(np.median(hu[glass])) if glass.sum() >= 12 else None


def solid_part_of(segment: Segment) -> BoolArray:
    """The largest solid part within the ground glass; empty when there is none.

    Parameters
    ----------
    segment : Segment

    Returns
    -------
    ndarray, bool, shape (z, y, x)
    """
    parts, count = ndimage.label(
        segment.mask & (segment.window.hu > _half_solid(segment.inside_hu))
    )
    if not count:
        return np.zeros_like(segment.mask)
    largest: BoolArray = parts == np.argmax(np.bincount(parts.ravel())[1:]) + 1
    return largest
