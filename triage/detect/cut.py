"""Nodule from wall and vessels: what is cut off, and where.

The chest wall is what a ball larger than the nodule fits into. A vessel is a part thinner than the
nodule that leads away from it; a short one is a lobe of the nodule and stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from triage.detect.window import BoolArray, Float32Array, Float64Array, away

#: Denser than this is tissue that may be wall. A ball of so many nodule diameters (radius), and so
#: many mm more, fits into the wall and not into the nodule.
WALL_HU = -350.0
WALL_DIAMETERS = 0.7
WALL_MORE_MM = 2.0
#: The middle of that ball may lie so many of its radii beyond the window.
PAST_THE_WINDOW = 0.4
#: What is thinner than this share of the nodule's inner radius is a vessel, a strand or a lobe.
OPEN_SHARE = 0.4
OPEN_MOST_MM = 4.0
#: A lobe does not reach farther than this beyond the body, in inner radii.
LOBE_RADII = 0.6
#: So much more is looked at, to see whether it goes on.
SEEN_BEYOND_MM = 2.0
#: The nodule does not reach farther than this from its middle, in inner radii; or, when that is
#: more, so many mm beyond the detector's radius.
FARTHEST_RADII = 2.2
FARTHEST_BEYOND_MM = 3.0
#: Beyond any nodule.
_NEVER_MM = 1e3


@dataclass(frozen=True, slots=True)
class Place:
    """Where to cut.

    Attributes
    ----------
    distance : ndarray, float32
        Of every grid point to where the detector points, mm.
    spacing : ndarray, shape (3,)
    diameter_mm : float
        By the detector.
    wall_mm : ndarray or None
        Distance of every grid point to the wall, negative within; None when there is no wall.
    """

    distance: Float32Array
    spacing: Float64Array
    diameter_mm: float
    wall_mm: Float64Array | None


def wall_distance(hu: Float32Array, spacing: Float64Array, diameter_mm: float) -> (
    Float64Array | None
):  # fmt: skip
    """Distance to the chest wall, mediastinum or diaphragm, mm; negative within it.

    Parameters
    ----------
    hu : ndarray, float32, shape (z, y, x)
    spacing : ndarray, shape (3,)
        mm.
    diameter_mm : float
        Of the nodule, by the detector.

    Returns
    -------
    ndarray, float64, shape (z, y, x), or None
        None when nothing here is as large as a wall.
    """
    tissue = hu > WALL_HU
    radius_mm = WALL_DIAMETERS * diameter_mm + WALL_MORE_MM
    # The cube within the ball: where that does not fit, the ball does not.
    cube = np.maximum(2 * (radius_mm / np.sqrt(3) / spacing).astype(int) - 1, 1)
    if not _fits(tissue, cube):
        return None
    # Tissue goes on beyond the window.
    reach = np.ceil(PAST_THE_WINDOW * radius_mm / spacing).astype(int)
    padded = np.pad(tissue, [(r, r) for r in reach], mode="edge")
    if padded.all():
        return np.full(hu.shape, -1.0)
    deep = ndimage.distance_transform_edt(padded, sampling=spacing) > radius_mm
    if not deep.any():
        return None
    beyond = ndimage.distance_transform_edt(~deep, sampling=spacing) - radius_mm
    return np.asarray(
        beyond[tuple(slice(r, n - r) for r, n in zip(reach, deep.shape, strict=True))]
    )


def _fits(tissue: BoolArray, cube: npt.NDArray[np.int_]) -> bool:
    """Whether a cube of tissue of so many grid points is there; it goes on beyond the border."""
    filled = tissue.astype(np.float32)
    return bool(ndimage.minimum_filter(filled, size=tuple(cube), mode="nearest").any())


def body_of(dense: BoolArray, place: Place) -> BoolArray | None:
    """The dense part at the candidate without wall and vessels; None when there is none.

    Parameters
    ----------
    dense : ndarray, bool, shape (z, y, x)
    place : Place

    Returns
    -------
    ndarray, bool, shape (z, y, x), or None
    """
    spacing, diameter_mm = place.spacing, place.diameter_mm
    kept = dense if place.wall_mm is None else dense & (place.wall_mm > 0)
    inner = depth(kept, spacing)
    near = kept & (place.distance <= max(2.5, 0.5 * diameter_mm))
    if not near.any():
        return None
    # The middle: deep inside, and not far from where the detector points.
    score = np.where(near, np.minimum(inner, diameter_mm) - 0.25 * place.distance, -np.inf)
    middle = np.unravel_index(int(np.argmax(score)), score.shape)
    radius = float(min(inner[middle], 0.75 * diameter_mm))
    opening = min(OPEN_SHARE * radius, OPEN_MOST_MM)
    core, _ = ndimage.label(inner > opening)
    if core[middle] == 0:
        return None
    farthest_mm = max(FARTHEST_RADII * radius, 0.5 * diameter_mm + FARTHEST_BEYOND_MM)
    most_mm = opening + LOBE_RADII * radius
    box = box_of(core == core[middle], spacing, most_mm + SEEN_BEYOND_MM)
    around = np.array(middle) - [s.start for s in box]
    grown_mm = ndimage.distance_transform_edt(core[box] != core[middle], sampling=spacing)
    too_far = away(grown_mm.shape, around, spacing) > farthest_mm
    found, _ = ndimage.label(kept[box] & (grown_mm <= opening + 0.5 * spacing[1]) & ~too_far)
    body = found == found[tuple(around)]
    beyond_mm = np.where(too_far, np.maximum(grown_mm, most_mm + 1.0), grown_mm)
    whole = np.zeros_like(dense)
    whole[box] = body | _lobes(kept[box] & ~body, body, beyond_mm, most_mm)
    return whole


def box_of(mask: BoolArray, spacing: Float64Array, more_mm: float) -> tuple[slice, ...]:
    """The box around a mask, with a margin."""
    where = ndimage.find_objects(mask.view(np.uint8))[0]
    more = np.ceil(more_mm / spacing).astype(int)
    return tuple(
        slice(max(int(w.start - m), 0), min(int(w.stop + m), n))
        for w, m, n in zip(where, more, mask.shape, strict=True)
    )


def _lobes(rest: BoolArray, body: BoolArray, beyond_mm: Float64Array, most_mm: float) -> BoolArray:
    """Parts that touch the body and end near it."""
    parts, count = ndimage.label(rest & (beyond_mm <= most_mm + SEEN_BEYOND_MM))
    if not count:
        return np.zeros_like(body)
    reach = np.asarray(ndimage.maximum(beyond_mm, parts, np.arange(1, count + 1)))
    touching = np.unique(parts[ndimage.binary_dilation(body)])
    is_lobe = np.zeros(count + 1, dtype=bool)
    is_lobe[1:] = reach <= most_mm
    is_lobe &= np.isin(np.arange(count + 1), touching)
    lobes: BoolArray = is_lobe[parts]
    return lobes


def depth(dense: BoolArray, spacing: Float64Array) -> Float64Array:
    """Distance to the nearest point that is not dense, mm; tissue goes on beyond the window."""
    padded = np.pad(dense, 1, mode="edge")
    if padded.all():
        return np.full(dense.shape, _NEVER_MM)
    found: Float64Array = ndimage.distance_transform_edt(padded, sampling=spacing)
    return found[1:-1, 1:-1, 1:-1]
