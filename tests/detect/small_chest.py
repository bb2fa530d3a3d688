"""A chest so small that tests can afford it: body, two lungs, balls; as a volume and as DICOM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from triage.core.volume import Int16Array, Volume, axial_affine

SIDE, SLICES = 96, 34
SPACING_ZYX_MM = (3.0, 3.0, 3.0)
ORIGIN_LPS_MM = (-142.5, -142.5, -49.5)
LUNG_HU, BODY_HU, AIR_HU = -850, 30, -1000
STUDY_UID, SERIES_UID = "1.2.826.0.1.3680043.8.498.1", "1.2.826.0.1.3680043.8.498.1.1"
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"


@dataclass(frozen=True)
class Ball:
    """A nodule: centre x, y, z and diameter in mm, density in HU."""

    center_lps_mm: tuple[float, float, float]
    diameter_mm: float
    hu: int = 40


BALL = Ball((-55.0, 0.0, 0.0), 14.0)


def chest(balls: Sequence[Ball] = (BALL,), *, lungs: bool = True, seed: int = 5) -> Volume:
    """Lungs end 10 mm inside the first and the last slice."""
    affine = axial_affine(ORIGIN_LPS_MM, SPACING_ZYX_MM)
    z, y, x = np.meshgrid(*map(np.arange, (SLICES, SIDE, SIDE)), indexing="ij")
    lps = Volume(np.zeros((1, 1, 1), np.int16), affine).to_lps_mm(np.stack([z, y, x], -1))
    hu = np.full(z.shape, AIR_HU, np.float32)
    px, py, pz = lps[..., 0], lps[..., 1], lps[..., 2]
    hu[(px / 135) ** 2 + (py / 105) ** 2 <= 1] = BODY_HU
    if lungs:
        for side in (-60.0, 60.0):
            hu[((px - side) / 48) ** 2 + (py / 75) ** 2 + (pz / 38) ** 2 <= 1] = LUNG_HU
    for ball in balls:
        distance = np.linalg.norm(lps - np.array(ball.center_lps_mm), axis=-1)
        # A soft edge of one voxel, half way at the true radius.
        share = np.clip((ball.diameter_mm / 2 - distance) / 3.0 + 0.5, 0, 1)
        hu = hu * (1 - share) + ball.hu * share
    hu += np.random.default_rng(seed).normal(0, 12, hu.shape)
    return Volume(np.rint(hu).astype(np.int16), affine)


def sop_uid(z: int) -> str:
    return f"{SERIES_UID}.{z + 1}"


def slice_dataset(hu: Int16Array, z: int, **changes: Any) -> Dataset:
    """One slice as CT Image Storage; keyword arguments replace values, None removes them."""
    dataset = Dataset()
    x, y, bottom = ORIGIN_LPS_MM
    values: dict[str, Any] = {
        "SOPClassUID": CT_CLASS,
        "SOPInstanceUID": sop_uid(z),
        "StudyInstanceUID": STUDY_UID,
        "SeriesInstanceUID": SERIES_UID,
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "SeriesNumber": 2,
        "InstanceNumber": z + 1,
        "FrameOfReferenceUID": f"{STUDY_UID}.9",
        "ConvolutionKernel": "STANDARD",
        "SliceThickness": SPACING_ZYX_MM[0],
        "ImagePositionPatient": [x, y, bottom + z * SPACING_ZYX_MM[0]],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": list(SPACING_ZYX_MM[1:]),
        "Rows": hu.shape[0],
        "Columns": hu.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
    } | changes
    for name, value in values.items():
        if value is not None:
            setattr(dataset, name, value)
    dataset.PixelData = (hu.astype(np.int32) + 1024).astype("<i2").tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CT_CLASS)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3")
    return dataset


def datasets(volume: Volume) -> list[Dataset]:
    return [slice_dataset(plane, z) for z, plane in enumerate(volume.hu)]


def write(folder: Path, objects: Sequence[Dataset]) -> Path:
    """Write objects as files, named against their order so that names cannot help."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, dataset in enumerate(objects):
        dataset.save_as(folder / f"{len(objects) - number:04d}.dcm", enforce_file_format=True)
    return folder
