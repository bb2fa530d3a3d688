"""What a test measures on a chest, without knowing how it was made."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from triage.core.volume import Volume

Bools = npt.NDArray[np.bool_]


def lung_air(volume: Volume) -> Bools:
    """Large air spaces that do not touch the sides of the images; shape (z, y, x)."""
    air = ndimage.binary_opening(volume.hu < -500, iterations=1)
    labels, count = ndimage.label(air)
    sides = np.concatenate([labels[:, 0].ravel(), labels[:, -1].ravel(), labels[:, :, 0].ravel()])
    sizes = np.bincount(labels.ravel(), minlength=count + 1) * voxel_mm3(volume)
    keep = sizes > 3e5
    keep[np.unique(sides)] = False
    keep[0] = False
    lung: Bools = keep[labels]
    return lung


def voxel_mm3(volume: Volume) -> float:
    """Volume of one voxel."""
    return float(np.prod(volume.spacing_zyx_mm))


def value_at(volume: Volume, lps_mm: tuple[float, float, float], radius_mm: float) -> float:
    """Mean HU of the ball around a point."""
    grids = np.ogrid[tuple(slice(0, n) for n in volume.shape_zyx)]
    at = volume.to_zyx(lps_mm)
    away = sum(((g - c) * s) ** 2 for g, c, s in zip(grids, at, volume.spacing_zyx_mm, strict=True))
    ball = np.asarray(away) <= max(radius_mm**2, float(np.min(away)) + 1e-6)
    return float(volume.hu[ball].mean())
