"""Volume by how much of each voxel a nodule fills: partial volume counts as a part.

A voxel at the edge counts by its density between lung and nodule, so that the sum does not hang on
the size of the voxels nor on how sharp the picture is. In a nodule so small that its middle does
not reach its true density, the deficit is that of a blurred sphere.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage
from scipy.special import erf

from triage.detect.cut import box_of, depth
from triage.detect.segment import (
    CORE_CAP_HU,
    TISSUE_HU,
    Segment,
    solid_part_of,
)
from triage.detect.window import Float32Array, Float64Array, away

#: So far inside and outside the edge a voxel counts by its density; farther in it counts whole.
BAND_MM = 2.0
#: Noise may lift a voxel so far above the inside; what is brighter is something else.
MOST_FILLED = 1.2
#: Below this radius the middle is looked at alone, and the blur is taken into account.
SMALL_RADIUS_MM = 6.0
#: The middle, in radii.
MIDDLE_RADII = 0.4
#: A solid part smaller than this (mean diameter) cannot be told from noise and vessels.
LEAST_SOLID_MM = 3.0


def volume_mm3(segment: Segment) -> float | None:
    """Volume of a nodule.

    Parameters
    ----------
    segment : Segment

    Returns
    -------
    float or None
        mm3; None when nothing is left of it.
    """
    spacing = segment.window.spacing_mm
    box = box_of(segment.mask, spacing, BAND_MM + 1.5)
    hu = segment.window.hu[box]
    radius_mm = segment.radius_mm
    is_small = radius_mm < SMALL_RADIUS_MM and not segment.has_glass
    inside_hu = min(segment.inside_hu, CORE_CAP_HU)
    if is_small:
        inside_hu = min(_middle_hu(segment, box, radius_mm), CORE_CAP_HU)
    share = (hu - segment.lung_hu) / max(inside_hu - segment.lung_hu, 1.0)
    filled = _filled(segment, box, share)
    volume = float(filled.sum() * np.prod(spacing))
    if volume <= 0:
        return None
    return _without_deficit(volume, segment.window.blur_mm) if is_small else volume


def _filled(segment: Segment, box: tuple[slice, ...], share: Float32Array) -> Float64Array:
    """What the nodule fills of each voxel of the box, about 0..1."""
    mask, spacing = segment.mask[box], segment.window.spacing_mm
    most = 1.0 if segment.has_glass else MOST_FILLED
    inner = depth(mask, spacing)
    filled = np.where(mask, np.where(inner > BAND_MM, 1.0, np.minimum(share, most)), 0.0)
    beyond = ndimage.distance_transform_edt(~mask, sampling=spacing)
    # Wall and vessels were cut off, and what is nearer to them is their edge.
    cut_off = segment.dense[box] & ~mask
    band = ~mask & ~cut_off & (beyond - 0.5 * spacing[1] <= BAND_MM)
    if cut_off.any():
        band &= ndimage.distance_transform_edt(~cut_off, sampling=spacing) >= beyond
    filled = np.where(band, share, filled)
    if segment.wall_mm is not None:
        filled *= np.clip(segment.wall_mm[box] / spacing[1] + 0.5, 0.0, 1.0)
    return np.asarray(filled, dtype=np.float64)


def _middle_hu(segment: Segment, box: tuple[slice, ...], radius_mm: float) -> float:
    """Density around the middle of the deepest part."""
    spacing = segment.window.spacing_mm
    mask = segment.mask[box]
    inner = depth(mask, spacing)
    middle = np.argwhere(inner > 0.5 * inner.max()).mean(axis=0)
    reach_mm = max(MIDDLE_RADII * radius_mm, 0.6 * float(spacing.max()))
    near = mask & (away(mask.shape, middle, spacing) <= reach_mm)
    return float(segment.window.hu[box][near].mean()) if near.any() else segment.inside_hu


def _without_deficit(volume: float, blur_mm: float) -> float:
    """Undo what a middle that blur has made too faint adds to the volume.

    The sum of all densities is kept by blur; divided by too faint a middle it comes out too large.
    """
    radius = float(np.cbrt(volume * 0.75 / np.pi))
    for _ in range(6):
        radius = max(float(np.cbrt(volume * _brightness(radius, blur_mm) * 0.75 / np.pi)), 0.6)
    return float(4 / 3 * np.pi * radius**3)


def _brightness(radius_mm: float, blur_mm: float) -> float:
    """Mean of the middle of a sphere blurred by a Gaussian, 1 without blur (closed form)."""
    r = np.linspace(0.02, 1.0, 12) * MIDDLE_RADII * radius_mm
    inner = (radius_mm - r) / (np.sqrt(2) * blur_mm)
    outer = (radius_mm + r) / (np.sqrt(2) * blur_mm)
    tail = blur_mm / (r * np.sqrt(2 * np.pi)) * (np.exp(-(inner**2)) - np.exp(-(outer**2)))
    profile = 0.5 * (erf(inner) + erf(outer)) - tail
    return float((profile * r * r).sum() / (r * r).sum())


def solid_part(segment: Segment) -> tuple[Segment, float] | None:
    """The solid part within ground glass, as a segment of its own, and its volume.

    Parameters
    ----------
    segment : Segment

    Returns
    -------
    (Segment, float) or None
        Volume in mm3. None when there is none large enough to be told.
    """
    mask = solid_part_of(segment)
    if not mask.any():
        return None
    glass_hu = segment.inside_hu
    part = replace(
        segment, mask=mask, dense=mask, wall_mm=None, lung_hu=glass_hu, inside_hu=TISSUE_HU,
        edge_hu=(glass_hu + TISSUE_HU) / 2.0, has_glass=False,
    )  # fmt: skip
    inner = depth(mask, segment.window.spacing_mm)
    measured = float(np.median(segment.window.hu[inner > 0.5 * inner.max()]))
    part = replace(part, inside_hu=max(min(measured, CORE_CAP_HU), TISSUE_HU - 150.0))
    volume = volume_mm3(part)
    if volume is None or np.cbrt(volume * 6 / np.pi) < LEAST_SOLID_MM:
        return None
    return part, volume
