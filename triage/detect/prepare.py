"""From a CT volume to what the detector reads: lung found, cut out, on a 1 mm grid.

No torch here: training and the clinic prepare a volume with this one function, so that the network
never sees something in the clinic that it did not see in training.

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
from triage.detect.resample import GRID_MM, Axis, axis, each_plane
from triage.errors import GeometryRefused

Float32Array: TypeAlias = npt.NDArray[np.float32]
Float64Array: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

SIDE_MULTIPLE = 8
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
HU_LOW = -1000.0
HU_RANGE = 1400.0


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
    """

    found: bool
    volume_ml: float
    touches_first: bool
    touches_last: bool
    end_area_mm2: tuple[float, float]
    covered_fraction: float | None
    touches_side: bool = False


@dataclass(frozen=True, slots=True)
class Prepared:
    """The lungs as the network reads them.

    Attributes
    ----------
    tensor : ndarray, float32, shape (1, 1, Z, Y, X)
        ``(HU + 1000) / 1400`` clipped to 0..1, 1 mm isotropic, sides multiples of 8.
    affine : ndarray, float64, shape (4, 4)
        Tensor voxel ``(z, y, x, 1)`` to LPS mm.
    lung : ndarray, bool, shape (Z, Y, X)
        Lung and rim on the tensor grid: where a finding may lie.
    report : LungReport
    """

    tensor: Float32Array
    affine: Float64Array
    lung: BoolArray
    report: LungReport

    def to_lps_mm(self, zyx: npt.ArrayLike) -> Float64Array:
        """Tensor voxel indices (..., 3) as z, y, x to LPS mm (..., 3) as x, y, z."""
        points = np.asarray(zyx, dtype=np.float64)
        moved: Float64Array = points @ self.affine[:3, :3].T + self.affine[:3, 3]
        return moved

    def to_zyx(self, lps_mm: npt.ArrayLike) -> Float64Array:
        """LPS mm (..., 3) to fractional tensor voxel indices (..., 3) as z, y, x."""
        points = np.asarray(lps_mm, dtype=np.float64) - self.affine[:3, 3]
        moved: Float64Array = points @ np.linalg.inv(self.affine[:3, :3]).T
        return moved


@dataclass(frozen=True, slots=True)
class _Coarse:
    """Every n-th voxel of a volume: what the lung is searched on."""

    hu: npt.NDArray[np.int16]
    step_zyx: tuple[int, int, int]
    spacing_mm: Float64Array


def prepare(volume: Volume) -> Prepared:
    """Find the lungs, cut them out and lay them on the network's grid.

    Parameters
    ----------
    volume : Volume
        HU, any spacing; the axes keep their order and direction.

    Returns
    -------
    Prepared

    Raises
    ------
    GeometryRefused
        Code ``no_lung_found``: no air that looks like lung lies in the volume.
    """
    coarse = _coarse(volume)
    air, touches_side = lung_air(coarse.hu, coarse.spacing_mm)
    if not air.any():
        raise GeometryRefused(
            "no lung was found in this series; nothing was looked at", code="no_lung_found"
        )
    report = _report(volume, coarse, air, touches_side)
    distance_mm = distance_to_lung(air, coarse.spacing_mm)
    start, stop = _box(distance_mm, coarse, volume.shape_zyx)
    crop = volume.crop(start, stop)
    shape = _grid_shape(crop)
    spacing_mm = np.array(crop.spacing_zyx_mm)
    first_mm = -np.array(start) * spacing_mm
    lung = _rim(distance_mm, _axes(shape, distance_mm.shape, first_mm, coarse.spacing_mm))
    affine = crop.affine @ np.diag([*(GRID_MM / spacing_mm), 1.0])
    return Prepared(_tensor(crop, shape)[None, None], affine, lung, report)


def normalise(hu: npt.NDArray[np.floating], out: Float32Array | None = None) -> Float32Array:
    """HU to the network's 0..1: ``(HU + 1000) / 1400``, clipped; into `out` where it is given."""
    scaled: Float32Array = np.subtract(hu, np.float32(HU_LOW), out=out, dtype=np.float32)
    scaled /= np.float32(HU_RANGE)
    return scaled.clip(0.0, 1.0, out=scaled)


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


def _coarse(volume: Volume) -> _Coarse:
    """Take every n-th voxel, about 3 mm apart."""
    spacing = np.array(volume.spacing_zyx_mm)
    dz, dy, dx = (max(1, round(COARSE_MM / s)) for s in spacing)
    hu = np.ascontiguousarray(volume.hu[::dz, ::dy, ::dx])
    return _Coarse(hu, (dz, dy, dx), spacing * (dz, dy, dx))


def _report(volume: Volume, coarse: _Coarse, air: BoolArray, touches_side: bool) -> LungReport:
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


def _box(
    distance_mm: Float32Array, coarse: _Coarse, shape_zyx: tuple[int, int, int]
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Lung with a margin as first voxel and one past the last, in voxels of the volume."""
    box = ndimage.find_objects((distance_mm <= MARGIN_MM).astype(np.uint8))[0]
    step = coarse.step_zyx
    z, y, x = (s.start * n for s, n in zip(box, step, strict=True))
    stop = tuple(min(n, s.stop * k) for s, k, n in zip(box, step, shape_zyx, strict=True))
    return (z, y, x), (stop[0], stop[1], stop[2])


def _grid_shape(crop: Volume) -> tuple[int, int, int]:
    """Voxels of 1 mm that cover the crop, raised to the next multiple of 8."""
    counts = [
        int(np.floor((n - 1) * s / GRID_MM + 1e-6)) + 1
        for n, s in zip(crop.shape_zyx, crop.spacing_zyx_mm, strict=True)
    ]
    z, y, x = (-(-n // SIDE_MULTIPLE) * SIDE_MULTIPLE for n in counts)
    return z, y, x


def _axes(
    shape: tuple[int, ...],
    voxels: tuple[int, ...],
    origin_mm: Float64Array,
    spacing_mm: Float64Array,
) -> tuple[Axis, Axis, Axis]:
    """Where the grid lies among voxels, whose first one is at `origin_mm`; along z, y, x."""
    along = zip(shape, voxels, origin_mm.tolist(), spacing_mm.tolist(), strict=True)
    z, y, x = (axis(*one) for one in along)
    return z, y, x


def _tensor(crop: Volume, shape_zyx: tuple[int, int, int]) -> Float32Array:
    """The network's input: HU sampled every mm, and normalised plane by plane."""
    tensor = np.empty(shape_zyx, dtype=np.float32)

    def finish(k: int, plane: Float32Array) -> None:
        normalise(plane, out=tensor[k])

    spacing_mm = np.array(crop.spacing_zyx_mm)
    each_plane(crop.hu, _axes(shape_zyx, crop.shape_zyx, np.zeros(3), spacing_mm), finish)
    return tensor


def _rim(distance_mm: Float32Array, axes_zyx: tuple[Axis, Axis, Axis]) -> BoolArray:
    """Lung and rim on the grid."""
    lung = np.empty([len(one.low) for one in axes_zyx], dtype=np.bool_)

    def finish(k: int, plane: Float32Array) -> None:
        np.less_equal(plane, RIM_MM, out=lung[k])

    each_plane(distance_mm, axes_zyx, finish)
    return lung
