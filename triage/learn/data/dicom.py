"""Pixels of DICOM series, read when they are asked for: from a ZIP, or from a folder."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom

from triage.core.volume import Volume, axial_affine
from triage.detect import folder as dicom_folder
from triage.detect.pixels import load_volume
from triage.detect.series import assess
from triage.errors import DataRefused

#: What lies outside the scan circle, however low the scanner wrote it.
OUTSIDE_HU = np.int16(-1024)


def read_volume(path: Path) -> Volume:
    """Read an untilted axial series from a ZIP of DICOM files, slices by ascending z.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Volume
        Values below -1024 HU (outside the scan circle) are raised to -1024.

    Raises
    ------
    DataRefused
        The ZIP is missing or damaged, or holds fewer than two slices.
    """
    try:
        slices = sorted(_datasets(path), key=lambda d: float(d.ImagePositionPatient[2]))
        hu = np.stack([_hu(d) for d in slices])
        first, second = slices[0], slices[1]
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, IndexError, ValueError) as error:
        raise DataRefused(f"{path} cannot be read: {error}") from error
    dz = float(second.ImagePositionPatient[2]) - float(first.ImagePositionPatient[2])
    dy, dx = (float(v) for v in first.PixelSpacing)
    x, y, z = (float(v) for v in first.ImagePositionPatient)
    return Volume(hu, axial_affine((x, y, z), (dz, dy, dx)))


def _datasets(path: Path) -> Iterator[pydicom.Dataset]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not name.endswith("/"):
                yield pydicom.dcmread(io.BytesIO(archive.read(name)))


def _hu(slice_: pydicom.Dataset) -> npt.NDArray[np.int16]:
    slope, intercept = float(slice_.RescaleSlope), float(slice_.RescaleIntercept)
    values = slice_.pixel_array.astype(np.float32) * slope + intercept
    hu: npt.NDArray[np.int16] = np.clip(np.rint(values), OUTSIDE_HU, 32767).astype(np.int16)
    return hu


def read_series(series_uid: str, path: Path) -> Volume:
    """Read one series of a folder as the clinic reads it, whatever its files are called.

    Parameters
    ----------
    series_uid : str
    path : Path
        A folder; its subfolders are not looked into.

    Raises
    ------
    DataRefused
        The series is not there, or is no longer one readable stack.
    ReadingError
        Its pixels do not decode.
    """
    files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else []
    found, _ = dicom_folder.read_files(files)
    slices = found.get(series_uid)
    if not slices:
        raise DataRefused(f"{path} no longer holds series {series_uid}")
    judged = assess(series_uid, slices)
    if not judged.sop_uids:
        raise DataRefused(f"{series_uid}: {'; '.join(r.message for r in judged.reasons)}")
    by_uid = {one.sop_uid: one for one in slices}
    volume = load_volume([by_uid[uid] for uid in judged.sop_uids], Path)
    np.maximum(volume.hu, OUTSIDE_HU, out=volume.hu)
    return volume
