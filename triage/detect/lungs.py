"""The lungs on a coarse grid, and what their edges say of the scan.

The lung is air (below -400 HU) that does not open to the side of the picture. Vessels and nodules
inside it are closed over; beyond that only a rim of a few millimetres is looked at, because a wide
rim lets the aortic arch, the hilum and the dome of the diaphragm answer as nodules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from triage.core.volume import Volume
from triage.detect import balls

Float32Array: TypeAlias = npt.NDArray[np.float32]
Float64Array: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

AIR_HU = -400
COARSE_MM = 3.0
CLOSE_MM = 12.0
RIM_MM = 4.0
MARGIN_MM = 12.0
#: Free air (room, stomach, trachea) lies below this median; even emphysematous lung lies above.
FREE_AIR_HU = -970.0
PART_ML = 30.0
LUNG_ML = 60.0
#: Air at a side of the picture is lung only when it is large: smaller is the foam of the table.
SIDE_PART_ML = 250.0
#: On an end slice, air this small and this empty is the windpipe, not lung.
WINDPIPE_MM2 = 700.0
WINDPIPE_HU = -930.0
END_AREA_MM2 = 100.0


@dataclass(frozen=True, slots=True)
class LungReport:
    """Plain facts about the lung mask.

    Attributes
    ----------
    found : bool
    volume_ml : float
        Air-filled lung, without the rim, in ml.
    touches_first, touches_last : bool
        Lung (not windpipe) of at least ``END_AREA_MM2`` lies on the first / last slice: the lung
        may go on where the pictures end.
    end_area_mm2 : tuple of float
        That area on the first and on the last slice.
    covered_fraction : float or None
        1.0 when the lung ends inside the scan on all sides, None when it does not: how much is
        missing is not known and not guessed.
    touches_side : bool
        Lung is cut by the left, right, front or back side of the picture (small field of view).
    oddities : tuple of (code, message)
        What is odd about the numbers of the scan (`triage.detect.plausible`).
    """

    found: bool
    volume_ml: float
    touches_first: bool
    touches_last: bool
    end_area_mm2: tuple[float, float]
    covered_fraction: float | None
    touches_side: bool = False
    oddities: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Coarse:
    """Every n-th voxel of a volume: what the lung is searched on."""

    hu: npt.NDArray[np.int16]
    step_zyx: tuple[int, int, int]
    spacing_mm: Float64Array


def coarse_of(volume: Volume) -> Coarse:
    """Take every n-th voxel, about 3 mm apart."""
    spacing = np.array(volume.spacing_zyx_mm)
    dz, dy, dx = (max(1, round(COARSE_MM / s)) for s in spacing)
    hu = np.ascontiguousarray(volume.hu[::dz, ::dy, ::dx])
    return Coarse(hu, (dz, dy, dx), spacing * (dz, dy, dx))


def lung_air(hu: npt.NDArray[np.int16], spacing_mm: Float64Array) -> tuple[BoolArray, bool]:
    """Air-filled lung on a coarse grid.

    Parameters
    ----------
    hu : ndarray, shape (z, y, x)
    spacing_mm : ndarray, shape (3,)
        Along z, y, x.

    Returns
    -------
    air : ndarray of bool, shape (z, y, x)
        All False when there is none.
    touches_side : bool
        Whether lung is cut by a side of the picture.
    """
    found, side = _lung_parts(hu, hu < AIR_HU, spacing_mm)
    if not found.any():
        # Lung may be open to the room through the mouth: close it slice by slice.
        found, side = _lung_parts(hu, _inner_air(hu < AIR_HU), spacing_mm)
    return found, side


def _lung_parts(
    hu: npt.NDArray[np.int16], air: BoolArray, spacing_mm: Float64Array
) -> tuple[BoolArray, bool]:
    """Connected air that is large enough and not free air; see `lung_air`."""
    labels, count = ndimage.label(air)
    volume_ml = np.bincount(labels.ravel(), minlength=count + 1) * float(spacing_mm.prod()) / 1e3
    at_side = np.zeros(count + 1, dtype=bool)
    for face in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        at_side[face] = True
    keep = np.zeros(count + 1, dtype=bool)
    for part in np.flatnonzero(volume_ml >= np.where(at_side, SIDE_PART_ML, PART_ML)):
        keep[part] = part > 0 and _looks_like_lung(hu[labels == part])
    side = bool((keep & at_side).any())
    mask: BoolArray = keep[labels]
    total_ml = volume_ml[keep].sum()
    return (mask, side) if total_ml >= LUNG_ML else (np.zeros_like(mask), False)


def _looks_like_lung(hu: npt.NDArray[np.int16]) -> bool:
    """Lung holds tissue and blood; free air holds next to none (a small share of edges)."""
    return bool(np.median(hu) > FREE_AIR_HU and np.mean(hu > FREE_AIR_HU) > 0.5)


def _inner_air(air: BoolArray) -> BoolArray:
    """Air that, slice by slice, does not reach a side of the picture."""
    inner = air.copy()
    for plane in inner:
        labels, _ = ndimage.label(plane)
        edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
        plane[np.isin(labels, edge[edge > 0])] = False
    return inner


def distance_to_lung(air: BoolArray, spacing_mm: Float64Array) -> Float32Array:
    """Distance of every voxel to the lung, vessels and nodules inside it closed over.

    Parameters
    ----------
    air : ndarray of bool, shape (z, y, x)
        Lung air; at least one voxel.
    spacing_mm : ndarray, shape (3,)

    Returns
    -------
    ndarray, float32, shape (z, y, x)
        mm; 0 in the lung, true as far as the margin, a larger value beyond. The lung is taken to
        go on beyond the first and last slice.
    """
    reach = np.ceil((CLOSE_MM + MARGIN_MM) / spacing_mm).astype(int)
    box = ndimage.find_objects(air.astype(np.uint8))[0]
    low = [max(0, s.start - r) for s, r in zip(box, reach, strict=True)]
    high = [min(n, s.stop + r) for s, r, n in zip(box, reach, air.shape, strict=True)]
    window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    padded = np.pad(air[window], [(r, r) for r in reach], mode="edge")
    filled = balls.fill(balls.close(padded, CLOSE_MM, spacing_mm) | padded)
    # Between voxels up to the rim, and in voxels up to the margin, the distance must be true.
    true_to_mm = max(MARGIN_MM, RIM_MM + float(np.linalg.norm(spacing_mm))) + 1.0
    outside = balls.distance(filled, spacing_mm, true_to_mm)
    full = np.full(air.shape, true_to_mm, dtype=np.float32)
    inner = tuple(slice(r, n - r) for r, n in zip(reach, outside.shape, strict=True))
    full[window] = outside[inner]
    return full


def report_on(volume: Volume, coarse: Coarse, air: BoolArray, touches_side: bool) -> LungReport:
    """Gather the facts; the end slices are read themselves, not their coarse neighbours."""
    _, dy, dx = coarse.step_zyx
    pixel_mm2 = float(coarse.spacing_mm[1] * coarse.spacing_mm[2])
    first = end_area_mm2(volume.hu[0, ::dy, ::dx], air[0], pixel_mm2)
    last = end_area_mm2(volume.hu[-1, ::dy, ::dx], air[-1], pixel_mm2)
    touches = first >= END_AREA_MM2, last >= END_AREA_MM2
    return LungReport(
        found=True,
        volume_ml=float(air.sum() * coarse.spacing_mm.prod() / 1e3),
        touches_first=touches[0],
        touches_last=touches[1],
        end_area_mm2=(first, last),
        covered_fraction=None if any(touches) or touches_side else 1.0,
        touches_side=touches_side,
    )


def end_area_mm2(hu: npt.NDArray[np.int16], lung_near: BoolArray, pixel_mm2: float) -> float:
    """Lung on an end slice, the windpipe left out.

    Parameters
    ----------
    hu : ndarray, shape (y, x)
        The end slice.
    lung_near : ndarray of bool, shape (y, x)
        Lung air on the nearest slice the lung was searched on.
    pixel_mm2 : float
        Area of one pixel.

    Returns
    -------
    float
        mm2.
    """
    labels, count = ndimage.label((hu < AIR_HU) & ndimage.binary_dilation(lung_near))
    area = 0.0
    for part in range(1, count + 1):
        inside = labels == part
        part_mm2 = float(inside.sum()) * pixel_mm2
        windpipe = part_mm2 < WINDPIPE_MM2 and np.median(hu[inside]) < WINDPIPE_HU
        area += 0.0 if windpipe else part_mm2
    return area
