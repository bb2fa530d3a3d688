"""Objects from disk: what the short way of reading gives is what pydicom gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.multival import MultiValue
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from tests.detect import small_chest
from triage.detect import folder, objects
from triage.detect.slices import KEYWORDS, Slice, read_slice
from triage.errors import PixelsUnreadable

SYNTAXES = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "big endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
}
MOST = 1 << 20


def saved(path: Path, syntax: UID = ExplicitVRLittleEndian, **changes: Any) -> Path:
    hu = np.arange(64 * 64, dtype=np.int16).reshape(64, 64)
    dataset = small_chest.slice_dataset(hu, 3, **changes)
    dataset.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
    dataset.save_as(path, enforce_file_format=True)
    return path


def by_pydicom(path: Path) -> Slice:
    """The same slice by pydicom's own values."""

    def plain(value: object) -> Any:
        if isinstance(value, MultiValue):
            return [plain(part) for part in value]
        return value if isinstance(value, int | float) or value is None else str(value)

    dataset = dcmread(path)
    header = {folder.snake(k): plain(dataset.get(k)) for k in KEYWORDS if k in dataset}
    return read_slice(
        header,
        sop_uid=str(dataset.SOPInstanceUID),
        key=str(path),
        sop_class=str(dataset.SOPClassUID),
    )


HEADERS: dict[str, dict[str, Any]] = {
    "as ever": {},
    "odd lengths and spaces": {"ConvolutionKernel": " B30f ", "SliceThickness": "3.0 "},
    "two kernels": {"ConvolutionKernel": ["Br40d", "3"]},
    "another character set": {
        "SpecificCharacterSet": "ISO_IR 100", "SeriesDescription": "Übersicht",
    },
    "an escaping character set": {
        "SpecificCharacterSet": ["", "ISO 2022 IR 87"], "SeriesDescription": "胸部",
    },
    "empty values": {"SliceThickness": None, "ConvolutionKernel": "", "RescaleType": ""},
    "whole numbers as text": {"NumberOfFrames": "1"},
    "lossy": {"LossyImageCompression": "01"},
    "a header longer than what is read first": {"ImageComments": "x" * 9_000},
    "long private data before the pixels": {"PatientComments": "y" * 200_000},
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("name", HEADERS)
def test_a_header_reads_as_by_pydicom(name: str, syntax: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "one", SYNTAXES[syntax], **HEADERS[name])
    _, found = folder.read_header(path)
    assert found == by_pydicom(path)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_an_object_has_its_pixels_and_what_describes_them(syntax: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "one", SYNTAXES[syntax], PixelPaddingValue=-2000)
    found, whole = objects.read_object(path, 64 * 64 * 2), dcmread(path)
    assert found.file_meta.TransferSyntaxUID == SYNTAXES[syntax]
    for keyword in ("Rows", "BitsStored", "RescaleSlope", "PixelPaddingValue", "PixelData"):
        assert found[keyword].value == whole[keyword].value
    assert "PatientName" not in found and "ImagePositionPatient" not in found


def test_pixels_are_not_read_with_the_header(tmp_path: Path) -> None:
    path = saved(tmp_path / "one")
    content = path.read_bytes()
    path.write_bytes(content + bytes(4 << 20))
    assert "PixelData" not in objects.read_head(path, MOST)
    path.write_bytes(content[:-8000])  # cut off within the pixels
    assert objects.read_head(path, MOST).Rows == 64


def test_a_deflated_header_does_not_inflate_beyond_its_bound(tmp_path: Path) -> None:
    path = saved(tmp_path / "one", DeflatedExplicitVRLittleEndian)
    assert objects.read_head(path, MOST).Rows == 64
    with pytest.raises(PixelsUnreadable, match="inflates"):
        objects.read_head(path, 1000)


@pytest.mark.filterwarnings("ignore")
def test_without_a_transfer_syntax_no_pixels_are_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "one")
    content = path.read_bytes()
    start = content.index(b"\x02\x00\x10\x00UI")
    length = 8 + int.from_bytes(content[start + 6 : start + 8], "little")
    path.write_bytes(content[:start] + content[start + length :])
    with pytest.raises(PixelsUnreadable, match="no transfer syntax"):
        objects.read_object(path, 8192)


def test_every_keyword_has_its_tag() -> None:
    assert 0 not in objects.PIXEL_TAGS + objects.HEADER_TAGS
