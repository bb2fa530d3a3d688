"""Stored slices to one volume of Hounsfield units, allocated once.

Every size is checked before anything is allocated or a decoder is called; whatever does not decode
to exactly the promised pixels is `PixelsUnreadable` with the slices named. Stored values follow
PS3.3 C.7.6.3 and PS3.5 8.1.1, Hounsfield units PS3.3 C.11.1.1.2 (value * slope + intercept).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

from triage.core.geometry import stack_affine
from triage.core.volume import Int16Array, Volume
from triage.detect import jpegls
from triage.detect.frames import check_frame, check_whole, ends_evenly
from triage.detect.objects import read_object
from triage.detect.slices import Slice
from triage.detect.threads import spread, usable_threads
from triage.errors import GeometryRefused, PixelsUnreadable

StoredValues: TypeAlias = npt.NDArray[np.int32]
Decoded: TypeAlias = npt.NDArray[np.integer[Any]]

MAX_VOLUME_BYTES = 2 << 30
#: Pixels that hold no measurement (outside the scan circle) are set to this: below any tissue.
PADDING_HU = -1024
#: Which library decodes what, where there is a choice. pydicom would take gdcm first: 332 slices of
#: JPEG-LS then took 4.9 s of processor time instead of 3.5 s.
DECODERS: Mapping[str, str] = {
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
    HTJ2K: "pylibjpeg",
}
JPEG_LS = frozenset({JPEGLSLossless, JPEGLSNearLossless})
JPEG_LOSSLESS = frozenset({JPEGLossless, JPEGLosslessSV1})
INT16 = np.iinfo(np.int16)
NAMED = 3


def load_volume(slices: Sequence[Slice], path_of: Callable[[str], Path]) -> Volume:
    """Decode slices into one volume.

    Parameters
    ----------
    slices : sequence of Slice
        One even stack in stack order (`triage.detect.series.assess` gives it), at least 2.
    path_of : callable
        Where the bytes of a slice's key lie.

    Returns
    -------
    Volume
        int16 HU, z as in `slices`; values beyond int16 are cut to its ends.

    Raises
    ------
    GeometryRefused
        Positions or spacings are missing, differ, or ask for too large a volume.
    PixelsUnreadable
        Some pixels end early, do not decode, or have another size; the slices are named.
    """
    rows, columns, spacing = _common(slices)
    first, last = slices[0].position, slices[-1].position
    if first is None or last is None:
        raise GeometryRefused("a slice without position cannot be placed", code="no_position")
    affine = stack_affine(
        first.position_lps_mm, last.position_lps_mm, len(slices), first.orientation, spacing
    )
    hu = np.empty((len(slices), rows, columns), dtype=np.int16)
    paths = [path_of(one.key) for one in slices]
    said = [""] * len(slices)

    def fill_every(step: int, start: int) -> None:
        room = np.empty((rows, columns), dtype=np.int32)
        for k in range(start, len(slices), step):
            said[k] = _fill(hu[k], paths[k], room)

    threads = min(usable_threads(), len(slices))
    spread(partial(fill_every, threads), range(threads))
    broken = [(s.sop_uid, why) for s, why in zip(slices, said, strict=True) if why]
    if broken:
        raise PixelsUnreadable(_blame(broken))
    return Volume(hu, affine)


def _fill(plane: Int16Array, path: Path, room: StoredValues) -> str:
    """One slice into its place in the volume; why it cannot be read, or ""."""
    rows, columns = plane.shape
    try:
        dataset = read_object(path, rows * columns * 2)
        hounsfield(dataset, stored_values(dataset, rows, columns, room), plane)
    except PixelsUnreadable as error:
        return error.message
    return ""


def stored_values(
    dataset: Dataset, rows: int, columns: int, out: StoredValues | None = None
) -> StoredValues:
    """Stored pixel values of one frame, sign and bit position set right.

    Parameters
    ----------
    dataset : Dataset
        One single-frame image.
    rows, columns : int
        What the series promises; anything else is refused before decoding.
    out : ndarray, int32, shape (rows, columns), optional
        Room to write into: new memory for each of many slices costs more than the arithmetic.

    Returns
    -------
    ndarray, int32, shape (rows, columns)

    Raises
    ------
    PixelsUnreadable
    """
    layout = _layout(dataset, rows, columns)
    syntax: UID = dataset.file_meta.TransferSyntaxUID
    frame, told = check_frame(dataset, rows, columns) if syntax.is_encapsulated else (b"", None)
    free = jpegls.decoder() if syntax in JPEG_LS and told is not None else None
    decoded: Decoded
    if free is not None and told is not None:
        decoded = free(frame, told)
    else:
        decoded = _plain(dataset, syntax, rows, columns)
    values = np.empty((rows, columns), dtype=np.int32) if out is None else out
    return _unpack(decoded, values, *layout)


def _plain(dataset: Dataset, syntax: UID, rows: int, columns: int) -> Decoded:
    """16 bit little endian pixels as they lie in the file, without a copy; the rest by pydicom."""
    content = dataset.get("PixelData")
    is_plain = not syntax.is_encapsulated and syntax.is_little_endian
    whole = isinstance(content, bytes) and len(content) >= 2 * rows * columns
    if is_plain and whole and dataset.BitsAllocated == 16:
        kind = "<i2" if dataset.PixelRepresentation else "<u2"
        return np.frombuffer(content, kind, rows * columns).reshape(rows, columns)
    return _decoded(dataset, syntax, rows, columns)


def _decoded(dataset: Dataset, syntax: UID, rows: int, columns: int) -> Decoded:
    """One frame by pydicom's decoders."""
    try:
        decoder = get_decoder(syntax)
        # Native values are unpacked later, where High Bit is honoured too.
        options: dict[str, Any] = {} if syntax.is_encapsulated else {"correct_unused_bits": False}
        plugin = DECODERS.get(syntax, "")
        decoded, _ = decoder.as_array(dataset, raw=True, index=0, decoding_plugin=plugin, **options)
    except Exception as error:  # decoders raise any kind on broken bytes
        raise PixelsUnreadable(f"pixels do not decode: {error}") from error
    if decoded.shape != (rows, columns):
        raise PixelsUnreadable(f"decoded to {decoded.shape}, promised {(rows, columns)}")
    if syntax in JPEG_LOSSLESS and ends_evenly(decoded):
        check_whole(dataset, decoder, decoded)
    return decoded


def hounsfield(dataset: Dataset, stored: StoredValues, out: Int16Array | None = None) -> Int16Array:
    """Hounsfield units of one slice.

    Parameters
    ----------
    dataset : Dataset
        Its own Rescale Slope and Intercept, and Pixel Padding, are used.
    stored : ndarray, int32, shape (y, x)
        Used up: it is calculated in.
    out : ndarray, int16, shape (y, x), optional
        The place in the volume.

    Returns
    -------
    ndarray, int16, shape (y, x)
        Padding pixels are `PADDING_HU`.

    Raises
    ------
    PixelsUnreadable
        No usable rescale: the values would be no Hounsfield units.
    """
    try:
        slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
    except (AttributeError, TypeError, ValueError) as error:
        raise PixelsUnreadable("no Rescale Slope or Intercept") from error
    if not (np.isfinite([slope, intercept]).all() and slope != 0.0):
        raise PixelsUnreadable("Rescale Slope or Intercept is no usable number")
    padding = _padding(dataset)
    empty = None if padding is None else (stored >= padding[0]) & (stored <= padding[1])
    hu = np.empty(stored.shape, dtype=np.int16) if out is None else out
    if slope == 1.0 and intercept.is_integer():
        stored += np.int32(np.clip(intercept, -(1 << 30), 1 << 30))
        np.clip(stored, INT16.min, INT16.max, out=stored)
        np.copyto(hu, stored, casting="unsafe")
    else:
        scaled = np.clip(stored * slope + intercept, INT16.min, INT16.max)
        np.copyto(hu, np.rint(scaled, out=scaled), casting="unsafe")
    if empty is not None:
        hu[empty] = PADDING_HU
    return hu


def _common(slices: Sequence[Slice]) -> tuple[int, int, tuple[float, float]]:
    """Matrix and pixel spacing that all slices share, within bounds."""
    if len(slices) < 2:
        raise GeometryRefused("a volume needs at least two slices", code="one_slice")
    kinds = {(s.rows, s.columns, s.pixel_spacing_mm) for s in slices}
    rows, columns, spacing = next(iter(kinds))
    if rows is None or columns is None or spacing is None:
        raise GeometryRefused("no matrix or pixel spacing", code="no_pixel_spacing")
    if any((k[0], k[1]) != (rows, columns) for k in kinds):
        raise GeometryRefused("slices of different matrix", code="mixed_matrix")
    if min(rows, columns) < 1 or len(slices) * rows * columns * 2 > MAX_VOLUME_BYTES:
        raise GeometryRefused(
            f"{len(slices)} x {rows} x {columns} pixels are more than one volume may hold",
            code="volume_too_large",
        )
    return rows, columns, spacing


def _layout(dataset: Dataset, rows: int, columns: int) -> tuple[int, int, bool]:
    """Bits stored, shift to bit 0 and sign; refuses what is not one grey frame of this size."""
    try:
        size = int(dataset.Rows), int(dataset.Columns)
        allocated, stored = int(dataset.BitsAllocated), int(dataset.BitsStored)
        high = int(dataset.get("HighBit", stored - 1))
        signed = {0: False, 1: True}[int(dataset.PixelRepresentation)]
        samples = int(dataset.get("SamplesPerPixel", 1))
        frames = int(dataset.get("NumberOfFrames") or 1)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PixelsUnreadable(f"the pixel description is incomplete: {error}") from error
    if size != (rows, columns):
        raise PixelsUnreadable(f"holds {size} pixels, the series promises {(rows, columns)}")
    if dataset.get("PhotometricInterpretation") != "MONOCHROME2":
        raise PixelsUnreadable(f"grey scale is {dataset.get('PhotometricInterpretation')}")
    if (samples, frames) != (1, 1):
        raise PixelsUnreadable("more than one sample or frame")
    if allocated not in {8, 16} or not 1 <= stored <= high + 1 <= allocated:
        raise PixelsUnreadable(f"{stored} bits up to bit {high} in {allocated} are not read")
    encapsulated = dataset.file_meta.TransferSyntaxUID.is_encapsulated
    return stored, 0 if encapsulated else high + 1 - stored, signed


def _unpack(
    decoded: Decoded, values: StoredValues, bits: int, shift: int, signed: bool
) -> StoredValues:
    """Take `bits` bits from `shift` upwards; whatever lies in the other bits is no pixel value."""
    values[...] = decoded
    if shift:
        values >>= shift
    is_whole = bits == 8 * decoded.dtype.itemsize and signed == (decoded.dtype.kind == "i")
    if not is_whole:
        values &= (1 << bits) - 1
        if signed:
            half = 1 << (bits - 1)
            values ^= half
            values -= half
    return values


def _padding(dataset: Dataset) -> tuple[int, int] | None:
    """Range of stored values that mean "no pixel" (PS3.3 C.7.5.1.1.2)."""
    value, limit = dataset.get("PixelPaddingValue"), dataset.get("PixelPaddingRangeLimit")
    if not isinstance(value, int):
        return None
    ends = [value, limit if isinstance(limit, int) else value]
    # The VR is often the wrong one of US and SS: 63536 in signed pixels means -2000, and -2000 in
    # unsigned ones 63536.
    if int(dataset.PixelRepresentation) == 1:
        ends = [e - (1 << 16) if e >= 1 << 15 else e for e in ends]
    else:
        ends = [e + (1 << 16) if e < 0 else e for e in ends]
    return min(ends), max(ends)


def _blame(broken: Sequence[tuple[str, str]]) -> str:
    """One sentence: how many slices, the first few by name, and the first cause."""
    names = ", ".join(uid for uid, _ in broken[:NAMED])
    more = f" and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
    return f"pixels of {len(broken)} slices cannot be read ({names}{more}): {broken[0][1]}"
