"""From a CT volume to what the detector reads: lung found, cut out, on a 1 mm grid.

No torch here: training and the clinic prepare a volume with this one function, so that the network
never sees something in the clinic that it did not see in training.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from triage.core.volume import Volume
from triage.detect.lungs import (
    MARGIN_MM,
    RIM_MM,
    BoolArray,
    Coarse,
    Float32Array,
    Float64Array,
    LungReport,
    coarse_of,
    distance_to_lung,
    lung_air,
    report_on,
)
from triage.detect.plausible import check_lungs, oddities
from triage.detect.resample import GRID_MM, Axis, axis, each_plane

SIDE_MULTIPLE = 8
HU_LOW = -1000.0
HU_RANGE = 1400.0


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
        Code ``no_lung_found`` or ``implausible_lung``: no air that looks like lung lies in the
        volume, or more than a chest can hold.
    """
    coarse = coarse_of(volume)
    air, touches_side = lung_air(coarse.hu, coarse.spacing_mm)
    check_lungs(coarse, air)
    report = report_on(volume, coarse, air, touches_side)
    distance_mm = distance_to_lung(air, coarse.spacing_mm)
    report = replace(report, oddities=oddities(coarse, distance_mm))
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


def _box(
    distance_mm: Float32Array, coarse: Coarse, shape_zyx: tuple[int, int, int]
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
