"""A CT volume and the only conversion between voxels and patient millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int16Array = npt.NDArray[np.int16]
Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Volume:
    """Hounsfield units on a regular grid in patient space.

    Attributes
    ----------
    hu : ndarray, int16, shape (z, y, x)
        Hounsfield units. z ascends towards the head for axial series.
    affine : ndarray, float64, shape (4, 4)
        Maps a voxel centre ``(z, y, x, 1)`` - in array index order - to DICOM patient coordinates
        ``(x, y, z, 1)`` in mm, LPS (PS3.3 C.7.6.2.1.1). Integer indices are voxel centres.
    """

    hu: Int16Array
    affine: Float64Array

    def __post_init__(self) -> None:
        if self.hu.ndim != 3 or self.hu.dtype != np.int16:
            raise ValueError(f"hu must be int16 (z, y, x), is {self.hu.dtype} {self.hu.shape}")
        if self.affine.shape != (4, 4) or not np.isfinite(self.affine).all():
            raise ValueError("affine must be a finite 4 x 4 matrix")
        if abs(np.linalg.det(self.affine[:3, :3])) < 1e-9:
            raise ValueError("affine must be invertible")

    @property
    def shape_zyx(self) -> tuple[int, int, int]:
        """Number of voxels along z, y, x."""
        z, y, x = self.hu.shape
        return z, y, x

    @property
    def spacing_zyx_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxel centres along z, y, x, in mm."""
        dz, dy, dx = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(dz), float(dy), float(dx)

    def to_lps_mm(self, zyx: npt.ArrayLike) -> Float64Array:
        """Voxel indices to patient millimetres.

        Parameters
        ----------
        zyx : array_like, shape (..., 3)
            Voxel indices, may be fractional.

        Returns
        -------
        ndarray, float64, shape (..., 3)
            x, y, z in mm, LPS.
        """
        points = np.asarray(zyx, dtype=np.float64)
        moved: Float64Array = points @ self.affine[:3, :3].T + self.affine[:3, 3]
        return moved

    def to_zyx(self, lps_mm: npt.ArrayLike) -> Float64Array:
        """Patient millimetres to (fractional) voxel indices.

        Parameters
        ----------
        lps_mm : array_like, shape (..., 3)
            x, y, z in mm, LPS.

        Returns
        -------
        ndarray, float64, shape (..., 3)
            z, y, x voxel indices.
        """
        points = np.asarray(lps_mm, dtype=np.float64) - self.affine[:3, 3]
        moved: Float64Array = points @ np.linalg.inv(self.affine[:3, :3]).T
        return moved

    def crop(self, start_zyx: tuple[int, int, int], stop_zyx: tuple[int, int, int]) -> Volume:
        """Cut a box out; patient coordinates of every voxel stay what they were.

        Parameters
        ----------
        start_zyx, stop_zyx : tuple of int
            First voxel and one past the last, per axis; must lie inside the volume.

        Returns
        -------
        Volume
            A view on the same voxels with its own affine.
        """
        window = tuple(slice(a, b) for a, b in zip(start_zyx, stop_zyx, strict=True))
        affine = self.affine.copy()
        affine[:3, 3] = self.to_lps_mm(start_zyx)
        return Volume(self.hu[window], affine)


def axial_affine(
    origin_lps_mm: tuple[float, float, float], spacing_zyx_mm: tuple[float, float, float]
) -> Float64Array:
    """Affine of an untilted axial volume: rows along +y, columns along +x, slices along +z.

    Parameters
    ----------
    origin_lps_mm : tuple of float
        Centre of voxel (0, 0, 0): x, y, z in mm.
    spacing_zyx_mm : tuple of float
        Voxel spacing along z, y, x in mm.

    Returns
    -------
    ndarray, float64, shape (4, 4)
    """
    dz, dy, dx = spacing_zyx_mm
    affine = np.eye(4, dtype=np.float64)
    affine[:3, :3] = [[0.0, 0.0, dx], [0.0, dy, 0.0], [dz, 0.0, 0.0]]
    affine[:3, 3] = origin_lps_mm
    return affine
