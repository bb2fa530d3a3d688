"""Small DICOM objects for the door's tests: a sound CT slice, and everything that can be wrong."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import UID

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
DOSE_SR = "1.2.840.10008.5.1.4.1.1.88.67"
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
JPEG_LS = "1.2.840.10008.1.2.4.80"
STUDY = "1.2.826.0.1.3680043.8.498.1"
SIZE = 16


def uid(*parts: int) -> str:
    """A valid UID under one root."""
    return ".".join([STUDY, *map(str, parts)])


def ct(number: int = 1, *, series: int = 1, study: str = STUDY, **changes: Any) -> Dataset:
    """A sound CT slice; `changes` set (or with None remove) elements by keyword."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID = CT
    ds.SOPInstanceUID = f"{study}.{series}.{number}"
    ds.StudyDate, ds.StudyTime = "20260102", "101112"
    ds.AccessionNumber = "A77"
    ds.Modality = "CT"
    ds.Manufacturer = "Test"
    ds.StudyDescription, ds.SeriesDescription = "CHEST", "LUNG 1 MM"
    ds.PatientName, ds.PatientID = "Wang^XiaoDong=王^小东", "P1"
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = "19500101", "F", "076Y"
    ds.SliceThickness = "1.0"
    ds.ConvolutionKernel = "B60f"
    ds.StudyInstanceUID = study
    ds.SeriesInstanceUID = f"{study}.{series}"
    ds.SeriesNumber, ds.InstanceNumber = series, number
    ds.ImagePositionPatient = [-10.0, -10.0, float(number)]
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.FrameOfReferenceUID = f"{study}.9"
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows = ds.Columns = SIZE
    ds.PixelSpacing = [0.7, 0.7]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.RescaleIntercept, ds.RescaleSlope = "-1024", "1"
    pixels = np.full((SIZE, SIZE), number, dtype="<i2")
    ds.add_new("PixelData", "OW", pixels.tobytes())
    for keyword, value in changes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def file_bytes(ds: Dataset, syntax: str = EXPLICIT, preamble: bytes = b"\x00" * 128) -> bytes:
    """The object as a file of DICOM (PS3.10)."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(ds.SOPClassUID)
    meta.MediaStorageSOPInstanceUID = UID(ds.SOPInstanceUID)
    meta.TransferSyntaxUID = UID(syntax)
    meta.ImplementationClassUID = UID("1.2.3.4")
    ds.file_meta = meta
    ds.preamble = preamble
    out = io.BytesIO()
    dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


def data_set(ds: Dataset, syntax: str = EXPLICIT) -> bytes:
    """The encoded data set alone, as C-STORE carries it."""
    whole = file_bytes(ds, syntax)
    length = struct.unpack_from("<I", whole, 140)[0]
    return whole[144 + length :]


def compressed(ds: Dataset) -> Dataset:
    """Pixel data in one fragment, closed by its delimiter; what is inside is never looked at."""
    ds.PixelData = encapsulate([b"\xff\xd8" + b"x" * 98])
    ds["PixelData"].is_undefined_length = True
    ds["PixelData"].VR = "OB"
    return ds


def nested(ds: Dataset, depth: int) -> Dataset:
    """A sequence in a sequence in a sequence ..."""
    inner = Dataset()
    inner.CodeValue = "x"
    for _ in range(depth):
        outer = Dataset()
        outer.ContentSequence = Sequence([inner])
        inner = outer
    ds.ContentSequence = inner.ContentSequence
    return ds


def deep_bytes(depth: int) -> bytes:
    """Explicit VR bytes of `depth` sequences of undefined length: 20 bytes each, no pydicom."""
    head = b"\x40\x00\x30\xa7SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return head * depth


def element(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    """One explicit VR element with the length it is told to claim."""
    claimed = len(value) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    if vr in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
        return head + struct.pack("<HI", 0, claimed) + value
    return head + struct.pack("<H", claimed) + value


def deflate_bomb(megabytes: int) -> bytes:
    """A deflated data set that grows a thousandfold."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    whole = engine.compress(element(0x00080008, b"CS", b"ORIGINAL"))
    whole += engine.compress(struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, megabytes << 20))
    block = bytes(1 << 20)
    for _ in range(megabytes):
        whole += engine.compress(block)
    return whole + engine.flush()


def write_series(folder: Path, count: int, **options: Any) -> list[Path]:
    """A folder of sound slices, one file each."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(1, count + 1):
        path = folder / f"{number:04d}.dcm"
        path.write_bytes(file_bytes(ct(number, **options)))
        paths.append(path)
    return paths
