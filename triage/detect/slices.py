"""One CT slice as its header tells it: the typed view of what the door stored.

The door (`triage.receive`) and the offline reader fill the same mapping: lower-snake DICOM keywords
to plain values. A key that is missing, empty or no number is None here, never a default.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from triage.core.finding import PointLps
from triage.core.geometry import Cosines, SlicePosition

#: What is read of a header, by DICOM keyword (PS3.6); the offline reader asks for the same.
KEYWORDS = (
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "ImageType",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "PixelSpacing",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "SliceThickness",
    "ConvolutionKernel",
    "SeriesDescription",
    "FrameOfReferenceUID",
    "LossyImageCompression",
)


@dataclass(frozen=True, slots=True)
class Slice:
    """What geometry and choice need of one instance.

    Attributes
    ----------
    sop_uid, key : str
        SOP Instance UID; where its bytes lie (a key of the file store, or a path).
    sop_class, modality : str
    position : SlicePosition or None
        None when position or orientation is missing.
    rows, columns : int or None
    pixel_spacing_mm : tuple of float or None
        Between rows, between columns; None when missing or not positive.
    thickness_mm : float or None
    image_type : tuple of str
        Upper case (PS3.3 C.8.2.1.1.1).
    frames, samples : int
    photometric, rescale_type, kernel, frame_of_reference, description : str
    has_rescale : bool
        Rescale Slope and Intercept are both there: without them values are no Hounsfield units.
    lossy : bool
    """

    sop_uid: str
    key: str
    sop_class: str
    modality: str
    position: SlicePosition | None
    rows: int | None
    columns: int | None
    pixel_spacing_mm: tuple[float, float] | None
    thickness_mm: float | None
    image_type: tuple[str, ...]
    frames: int
    samples: int
    photometric: str
    rescale_type: str
    has_rescale: bool
    kernel: str
    frame_of_reference: str
    description: str
    lossy: bool


def read_slice(header: Mapping[str, Any], *, sop_uid: str, key: str, sop_class: str) -> Slice:
    """Turn a stored header into a `Slice`.

    Parameters
    ----------
    header : mapping
        Lower-snake DICOM keywords to JSON values; numbers may be text (Decimal Strings).
    sop_uid, key, sop_class : str

    Returns
    -------
    Slice
    """
    spacing = _numbers(header.get("pixel_spacing"), 2)
    slope = _numbers(header.get("rescale_slope"), 1)
    intercept = _numbers(header.get("rescale_intercept"), 1)
    thickness = _numbers(header.get("slice_thickness"), 1)
    return Slice(
        sop_uid=sop_uid,
        key=key,
        sop_class=sop_class,
        modality=_text(header.get("modality")),
        position=_position(header, sop_uid),
        rows=_whole(header.get("rows")),
        columns=_whole(header.get("columns")),
        pixel_spacing_mm=(spacing[0], spacing[1]) if spacing and min(spacing) > 0 else None,
        thickness_mm=thickness[0] if thickness and thickness[0] > 0 else None,
        image_type=tuple(_text(part).upper() for part in _sequence(header.get("image_type"))),
        frames=_whole(header.get("number_of_frames")) or 1,
        samples=_whole(header.get("samples_per_pixel")) or 1,
        photometric=_text(header.get("photometric_interpretation")),
        rescale_type=_text(header.get("rescale_type")).upper(),
        has_rescale=bool(slope and slope[0] != 0 and intercept),
        kernel=_text(header.get("convolution_kernel")),
        frame_of_reference=_text(header.get("frame_of_reference_uid")),
        description=_text(header.get("series_description")),
        lossy=_text(header.get("lossy_image_compression")) == "01",
    )


def _position(header: Mapping[str, Any], sop_uid: str) -> SlicePosition | None:
    at = _numbers(header.get("image_position_patient"), 3)
    way = _numbers(header.get("image_orientation_patient"), 6)
    if at is None or way is None:
        return None
    position: PointLps = (at[0], at[1], at[2])
    orientation: Cosines = (way[0], way[1], way[2], way[3], way[4], way[5])
    return SlicePosition(sop_uid, position, orientation)


def _sequence(value: object) -> Sequence[Any]:
    if isinstance(value, str):
        return value.split("\\")
    return value if isinstance(value, (list, tuple)) else [] if value is None else [value]


def _numbers(value: object, count: int) -> list[float] | None:
    """Exactly `count` finite numbers, or None."""
    try:
        numbers = [float(part) for part in _sequence(value)]
    except (TypeError, ValueError):
        return None
    if len(numbers) != count or not all(math.isfinite(n) for n in numbers):
        return None
    return numbers


def _whole(value: object) -> int | None:
    numbers = _numbers(value, 1)
    return int(numbers[0]) if numbers and numbers[0] == int(numbers[0]) else None


def _text(value: object) -> str:
    parts = _sequence(value)
    return "\\".join(str(part).strip() for part in parts)
