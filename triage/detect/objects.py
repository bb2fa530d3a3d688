"""DICOM objects from disk: the header, or what describes the pixels; each file parsed once.

The bytes are read first and parsed in memory, which halves the time; a deflated object is inflated
within bounds, never to whatever it says.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset, read_preamble
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from triage.detect.slices import KEYWORDS
from triage.errors import PixelsUnreadable

#: A deflated object may not grow beyond its pixels and so much of everything else.
MAX_BESIDE_PIXELS_BYTES = 16 << 20
#: Of a header nobody knows how long it is; nearly all end before this.
HEAD_BYTES = 64 << 10
#: Pixels and what follows them (PS3.3 C.7.6.3, C.7.6.16): where a header ends.
_PIXEL_GROUP = 0x7FE0
_PIXEL_KEYWORDS = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleIntercept",
    "RescaleSlope",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "PixelData",
)


def _tags(keywords: Sequence[str]) -> list[BaseTag | int]:
    return [BaseTag(tag_for_keyword(keyword) or 0) for keyword in keywords]


HEADER_TAGS = _tags(KEYWORDS)
PIXEL_TAGS = _tags(_PIXEL_KEYWORDS)


@dataclass(slots=True)
class _Until:
    """Stops the parser at a group, and knows that it came so far."""

    group: int
    reached: bool = False

    def __call__(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        self.reached = tag.group >= self.group
        return self.reached


def read_object(path: Path, pixel_bytes: int) -> Dataset:
    """What describes the pixels of a stored object, and the pixels.

    Parameters
    ----------
    path : Path
    pixel_bytes : int
        How many bytes of pixels it promises.

    Returns
    -------
    Dataset
        With its file meta information; of the data set only what pixels need.

    Raises
    ------
    PixelsUnreadable
        It is not readable DICOM, or inflates beyond what it promises.
    """
    try:
        whole = path.read_bytes()
        dataset, _ = _parse(whole, PIXEL_TAGS, pixel_bytes + MAX_BESIDE_PIXELS_BYTES)
        if "TransferSyntaxUID" not in dataset.file_meta:
            raise PixelsUnreadable("not readable as DICOM (no transfer syntax)")
    except PixelsUnreadable:
        raise
    except Exception as error:  # pydicom's readers raise any kind on broken bytes
        raise PixelsUnreadable(f"not readable as DICOM ({type(error).__name__})") from error
    return dataset


def read_head(path: Path, most_bytes: int) -> Dataset:
    """The elements of `KEYWORDS`; pixels are not read, unless the object is deflated.

    Parameters
    ----------
    path : Path
    most_bytes : int
        How far a deflated object may inflate.

    Returns
    -------
    Dataset

    Raises
    ------
    PixelsUnreadable
        It inflates to more.
    Exception
        Whatever pydicom raises on foreign bytes.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if len(head) == HEAD_BYTES and DeflatedExplicitVRLittleEndian.encode() not in head:
            dataset, reached = _parse(head, HEADER_TAGS, most_bytes, _PIXEL_GROUP)
            if reached:
                return dataset
        return _parse(head + file.read(), HEADER_TAGS, most_bytes, _PIXEL_GROUP)[0]


def _parse(
    data: bytes, tags: list[BaseTag | int], most_bytes: int, stop_group: int = 0x10000
) -> tuple[Dataset, bool]:
    """The wanted elements, and whether the parser came to the group where it was to stop."""
    file, until = BytesIO(data), _Until(stop_group)
    read_preamble(file, force=False)
    meta = FileMetaDataset(read_dataset(file, False, True, stop_when=_Until(3)))
    syntax = meta.get("TransferSyntaxUID")
    if syntax == DeflatedExplicitVRLittleEndian:
        file = BytesIO(_inflate(data[file.tell() :], most_bytes))
    dataset = read_dataset(
        file,
        is_implicit_VR=syntax is None or syntax == ImplicitVRLittleEndian,
        is_little_endian=syntax != ExplicitVRBigEndian,
        stop_when=until,
        specific_tags=tags,
    )
    dataset.file_meta = meta
    return dataset, until.reached


def _inflate(deflated: bytes, limit: int) -> bytes:
    """Deflated Explicit VR Little Endian (PS3.5 A.5), never growing beyond `limit` bytes."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(deflated, limit)
    if inflater.unconsumed_tail:
        raise PixelsUnreadable("inflates to more than its pixels can need")
    if not inflater.eof:
        raise PixelsUnreadable("the deflated data end early")
    return inflated
