"""A phantom as CT Image Storage files (PS3.3 A.3) with its truth beside them.

Every header says that nobody was scanned: Patient's Name ``Phantom^…``, Patient ID ``PH-…``,
Quality Control Image ``YES`` (PS3.3 C.7.6.1: "a quality control or phantom image").
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from triage import __version__
from triage.phantom.chest import PhantomChest, make_chest
from triage.phantom.identity import NOT_A_PATIENT, Identity, derived_uid, identity_of
from triage.phantom.scanner import LOWEST_HU
from triage.phantom.truth import truth_of

TRUTH_NAME = "truth.json"
_IMPLEMENTATION_UID = derived_uid("implementation")

Uint16 = npt.NDArray[np.uint16]


def write_series(
    chest: PhantomChest,
    out: Path,
    *,
    seed: int,
    patient_id: str | None = None,
    patient_name: str | None = None,
    study_uid: str | None = None,
    taken: dt.datetime | None = None,
) -> list[Path]:
    """Write one file a slice, and ``truth.json``.

    Parameters
    ----------
    chest : PhantomChest
    out : Path
        Made when absent; must be empty, so that two series never mix.
    seed : int
        Names the patient and fixes date and UIDs unless given.
    patient_id, patient_name, study_uid : str, optional
    taken : datetime, optional
        Study date and time.

    Returns
    -------
    list of Path
        By Instance Number, which runs from the head down.

    Raises
    ------
    FileExistsError
        When `out` holds anything.
    """
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty; give a new folder")
    stored = (chest.volume.hu.astype(np.int32) - LOWEST_HU).astype("<u2")
    digest = hashlib.sha256(stored.tobytes()).hexdigest()
    who = identity_of(
        chest,
        digest,
        seed,
        patient_id=patient_id,
        patient_name=patient_name,
        study_uid=study_uid,
        taken=taken,
    )
    paths = []
    for number, k in enumerate(reversed(range(len(stored))), start=1):
        instance = _instance(chest, who, stored[k], k, number)
        path = out / f"CT{number:04d}.dcm"
        instance.save_as(path, enforce_file_format=True)
        paths.append(path)
    truth = truth_of(chest, who, digest, seed)
    (out / TRUTH_NAME).write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return paths


def _instance(chest: PhantomChest, who: Identity, pixels: Uint16, k: int, number: int) -> Dataset:
    instance = Dataset()
    instance.file_meta = _file_meta(who, number)
    for module in (_patient, _study, _series, _equipment):
        instance.update(module(who))
    instance.SOPInstanceUID = who.sop_uid(number)
    instance.InstanceNumber = number
    instance.update(_image(chest, who))
    instance.update(_plane(chest, k))
    instance.update(_pixels(pixels))
    return instance


def _file_meta(who: Identity, number: int) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = UID(who.sop_uid(number))
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(_IMPLEMENTATION_UID)
    meta.ImplementationVersionName = "TRIAGE_PHANTOM"
    return meta


def _of(**values: object) -> Dataset:
    """A dataset of keywords and values."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def _decimal(value: float) -> str:
    """A Decimal String of at most 16 characters (PS3.5 6.2); positions are exact to 0.1 um."""
    return f"{value:.4f}".rstrip("0").rstrip(".") or "0"


def _patient(who: Identity) -> Dataset:
    return _of(
        SpecificCharacterSet="ISO_IR 192",
        PatientName=who.patient_name,
        PatientID=who.patient_id,
        PatientBirthDate=f"{who.taken.year - who.age_years}0101",
        PatientSex=who.sex,
        PatientAge=f"{who.age_years:03d}Y",
        PatientComments=NOT_A_PATIENT,
    )


def _study(who: Identity) -> Dataset:
    return _of(
        StudyInstanceUID=who.study_uid,
        StudyDate=f"{who.taken:%Y%m%d}",
        StudyTime=f"{who.taken:%H%M%S}",
        ReferringPhysicianName="",
        StudyID=who.accession,
        AccessionNumber=who.accession,
        StudyDescription="CT chest phantom",
    )


def _series(who: Identity) -> Dataset:
    return _of(
        Modality="CT",
        SeriesInstanceUID=who.series_uid,
        SeriesNumber=2,
        SeriesDate=f"{who.taken:%Y%m%d}",
        SeriesTime=f"{who.taken:%H%M%S}",
        SeriesDescription="Phantom chest, thin",
        ProtocolName="Phantom chest",
        BodyPartExamined="CHEST",
        PatientPosition="HFS",
        FrameOfReferenceUID=who.frame_uid,
        PositionReferenceIndicator="",
    )


def _equipment(who: Identity) -> Dataset:
    return _of(
        Manufacturer="Triage phantom",
        ManufacturerModelName="Computed chest",
        DeviceSerialNumber=who.patient_id,
        SoftwareVersions=__version__,
        InstitutionName="No hospital (phantom)",
        StationName="PHANTOM",
    )


def _image(chest: PhantomChest, who: Identity) -> Dataset:
    """General Image and CT Image (PS3.3 C.7.6.1, C.8.2.1), the same for every slice."""
    _, _, dx = chest.volume.spacing_zyx_mm
    return _of(
        SOPClassUID=CTImageStorage,
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        AcquisitionNumber=1,
        AcquisitionDate=f"{who.taken:%Y%m%d}",
        AcquisitionTime=f"{who.taken:%H%M%S}",
        ContentDate=f"{who.taken:%Y%m%d}",
        ContentTime=f"{who.taken:%H%M%S}",
        ImageComments=NOT_A_PATIENT,
        QualityControlImage="YES",
        BurnedInAnnotation="NO",
        LossyImageCompression="00",
        KVP="120",
        XRayTubeCurrent=60,
        ExposureTime=500,
        Exposure=30,
        ScanOptions="HELICAL MODE",
        ReconstructionDiameter=_decimal(dx * chest.volume.shape_zyx[2]),
        GantryDetectorTilt="0",
        RotationDirection="CW",
        ConvolutionKernel=chest.protocol.kernel,
    )


def _plane(chest: PhantomChest, k: int) -> Dataset:
    """Image Plane (PS3.3 C.7.6.2)."""
    dz, dy, dx = chest.volume.spacing_zyx_mm
    position = chest.volume.to_lps_mm((k, 0, 0))
    return _of(
        SliceThickness=_decimal(dz),
        SpacingBetweenSlices=_decimal(dz),
        ImagePositionPatient=[_decimal(float(c)) for c in position],
        ImageOrientationPatient=["1", "0", "0", "0", "1", "0"],
        SliceLocation=_decimal(float(position[2])),
        PixelSpacing=[_decimal(dy), _decimal(dx)],
    )


def _pixels(pixels: Uint16) -> Dataset:
    """Image Pixel (PS3.3 C.7.6.3): 12 bits unsigned in 16, HU = stored - 1024, 0 is padding."""
    rows, columns = pixels.shape
    plane = _of(
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=rows,
        Columns=columns,
        BitsAllocated=16,
        BitsStored=12,
        HighBit=11,
        PixelRepresentation=0,
        RescaleIntercept=str(LOWEST_HU),
        RescaleSlope="1",
        RescaleType="HU",
        WindowCenter=["-600", "40"],
        WindowWidth=["1500", "400"],
        WindowCenterWidthExplanation=["LUNG", "MEDIASTINUM"],
    )
    plane.add_new("PixelPaddingValue", "US", 0)
    plane.add_new("PixelData", "OW", pixels.tobytes())
    return plane


def make(out: Path, seed: int, nodules: int = 4, slices: int = 240) -> dict[str, object]:
    """Make a phantom, write it, and say what was written; the verb ``triage phantom``.

    Returns
    -------
    dict
        ``phantom, seed, out, truth, patient_id, study_uid, series_uid, slices,
        spacing_zyx_mm, nodules`` (the truth's own entries); ready for JSON.

    Raises
    ------
    ValueError
        For sizes that make no chest.
    FileExistsError
        When `out` holds anything.
    """
    out = Path(out)
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty; give a new folder")
    chest = make_chest(seed, nodules, slices)
    paths = write_series(chest, out, seed=seed)
    truth = json.loads((out / TRUTH_NAME).read_text(encoding="utf-8"))
    ((series_uid, series),) = truth["series"].items()
    return {
        "phantom": True,
        "seed": seed,
        "out": str(out),
        "truth": str(out / TRUTH_NAME),
        "patient_id": series["patient"],
        "study_uid": series["study_uid"],
        "series_uid": series_uid,
        "slices": len(paths),
        "spacing_zyx_mm": series["spacing_mm"][::-1],
        "nodules": series["nodules"],
    }
