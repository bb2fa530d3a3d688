"""Compressed frames: what can be known of them before and after a decoder has had them.

A decoder may allocate what a stream claims, and may fill up what a stream lacks; neither is let
pass unseen.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.decoders.base import Decoder

from triage.errors import PixelsUnreadable

_TAIL = b"\x55\x2a" * 32


def ends_evenly(decoded: npt.NDArray[np.integer[Any]]) -> bool:
    """Whether the last pixels are flat or a ramp: padding, or what a decoder makes up."""
    steps = np.diff(decoded[-1, -3:].astype(np.int32))
    return bool(steps.size < 2 or steps[0] == steps[1])


def check_whole(dataset: Dataset, decoder: Decoder, decoded: npt.NDArray[np.integer[Any]]) -> None:
    """Find a JPEG lossless stream that ran out of bits, which its decoder fills up in silence.

    Other bits are put behind the last ones: a whole stream never comes to read them.
    """
    frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    end = frame.rfind(b"\xff\xd9")
    longer = encapsulate([frame[:end] + _TAIL + frame[end:]], has_bot=False)
    options: dict[str, Any] = {
        "rows": decoded.shape[0],
        "columns": decoded.shape[1],
        "samples_per_pixel": 1,
        "number_of_frames": 1,
        "photometric_interpretation": "MONOCHROME2",
        "pixel_representation": int(dataset.PixelRepresentation),
        "bits_allocated": int(dataset.BitsAllocated),
        "bits_stored": int(dataset.BitsStored),
        "pixel_keyword": "PixelData",
    }
    try:
        again, _ = decoder.as_array(longer, raw=True, index=0, **options)
    except Exception as error:  # decoders raise any kind on broken bytes
        raise PixelsUnreadable("the compressed pixels end early") from error
    if not np.array_equal(again, decoded):
        raise PixelsUnreadable("the compressed pixels end early")


class Told(NamedTuple):
    """What a JPEG family codestream says of itself."""

    rows: int
    columns: int
    bits: int
    components: int


def check_frame(dataset: Dataset, rows: int, columns: int) -> tuple[bytes, Told | None]:
    """The compressed frame says the same size and has its end; checked before it is decoded.

    Returns
    -------
    frame : bytes
    told : Told or None
        None where the codestream makes no statement that is known here.

    Raises
    ------
    PixelsUnreadable
    """
    try:
        frame = next(generate_frames(dataset.PixelData, number_of_frames=1))
    except Exception as error:  # broken encapsulation raises any kind
        raise PixelsUnreadable(f"the compressed pixels cannot be taken out: {error}") from error
    told = tell(frame)
    if told is not None and told[:2] != (rows, columns):
        raise PixelsUnreadable(f"the compressed frame says {told[:2]}, promised {(rows, columns)}")
    is_jpeg = frame[:2] in {b"\xff\xd8", b"\xff\x4f"}
    if is_jpeg and b"\xff\xd9" not in frame[-4:]:
        raise PixelsUnreadable("the compressed pixels end early")
    return frame, told


def tell(frame: bytes) -> Told | None:
    """Size, bits and components a JPEG family codestream states; None where there is no statement.

    Parameters
    ----------
    frame : bytes
    """
    if frame[:4] == b"\xff\x4f\xff\x51":  # J2K: SOC, SIZ (ITU-T T.800 A.5.1)
        x1, y1, x0, y0 = (int.from_bytes(frame[8 + 4 * i : 12 + 4 * i], "big") for i in range(4))
        count, depth = frame[40:42], frame[42:43]
        bits = (int.from_bytes(depth, "big") & 0x7F) + 1
        return Told(y1 - y0, x1 - x0, bits, int.from_bytes(count, "big"))
    if frame[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 < len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        is_start = marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC})
        if is_start:  # SOFn (T.81 B.2.2) or SOF55 (T.87 C.2.2): length, bits, lines, columns, count
            lines, samples = frame[at + 5 : at + 7], frame[at + 7 : at + 9]
            rows, columns = int.from_bytes(lines, "big"), int.from_bytes(samples, "big")
            return Told(rows, columns, frame[at + 4], frame[at + 9])
        at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    return None
