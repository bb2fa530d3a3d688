"""Pixel data at the door: is all of it there? Nothing is decoded."""

from __future__ import annotations

from collections.abc import Mapping

from triage.errors import CannotUnderstand
from triage.receive.classes import ENCAPSULATED_SYNTAXES
from triage.receive.values import JsonValue
from triage.receive.walk import Value


def check(values: Mapping[str, JsonValue], pixel_data: Value | None, transfer_syntax: str) -> None:
    """Compare the pixel data of an image with what its header says (PS3.3 C.7.6.3, PS3.5 8).

    Parameters
    ----------
    values : mapping
        Header values by DICOM keyword.
    pixel_data : Value or None
    transfer_syntax : str

    Raises
    ------
    CannotUnderstand
        ``no_rows``, ``no_pixel_data``, ``truncated_pixels``, ``pixel_length``,
        ``encapsulation``, ``bad_pixel_format``.
    """
    expected = _expected_bytes(values)
    if pixel_data is None:
        raise CannotUnderstand("(7FE0,0010) Pixel Data is missing", code="no_pixel_data")
    encapsulated = transfer_syntax in ENCAPSULATED_SYNTAXES
    if encapsulated != pixel_data.encapsulated:
        raise CannotUnderstand(
            "the pixel data is not encoded as the transfer syntax says", code="encapsulation"
        )
    if encapsulated:
        _check_fragments(values, pixel_data)
        return
    if pixel_data.length < expected:
        raise CannotUnderstand(
            f"the pixel data ends early: {expected} bytes belong to the image, "
            f"{pixel_data.length} are there",
            code="truncated_pixels",
        )
    if pixel_data.length > expected + expected % 2:
        raise CannotUnderstand(
            f"the pixel data has {pixel_data.length} bytes, {expected} belong to the image",
            code="pixel_length",
        )


def _frames(values: Mapping[str, JsonValue]) -> int:
    frames = values.get("NumberOfFrames", 1)
    if not isinstance(frames, int) or frames < 1:
        raise CannotUnderstand(
            "(0028,0008) Number of Frames is not above zero", code="bad_pixel_format"
        )
    return frames


def _check_fragments(values: Mapping[str, JsonValue], pixel_data: Value) -> None:
    if pixel_data.fragments < _frames(values):
        raise CannotUnderstand(
            f"the pixel data ends early: {pixel_data.fragments} fragments for "
            f"{_frames(values)} frames",
            code="truncated_pixels",
        )


def _expected_bytes(values: Mapping[str, JsonValue]) -> int:
    sizes = []
    for keyword, code in (("Rows", "no_rows"), ("Columns", "no_rows")):
        size = values.get(keyword)
        if not isinstance(size, int) or size < 1:
            raise CannotUnderstand(f"{keyword} is missing or zero: no picture", code=code)
        sizes.append(size)
    samples, bits = values.get("SamplesPerPixel", 1), values.get("BitsAllocated")
    if bits not in (8, 16, 32) or not isinstance(samples, int) or samples not in (1, 3):
        raise CannotUnderstand(
            f"pixels of {samples} samples of {bits} bits are not read", code="bad_pixel_format"
        )
    return sizes[0] * sizes[1] * samples * (int(bits) // 8) * _frames(values)
