"""The viewer's volume: Hounsfield units packed once, served in any order without packing again.

Per slice: row-wise difference, zigzag, low-byte plane then high-byte plane, one zstd frame
(RFC 8878). Frames lie one after the other by ascending slice; because each stands alone, a reader
that starts at slice k is sent byte ranges in the order k, k+1, k-1, k+2 ... as they are, with
``Content-Encoding: zstd``. What a browser takes out of it is the planes, slice after slice.

Measured on synthetic noise: 2.28 times smaller at 2.4 ms a slice (notes/viewer.md section 4).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import zstandard

from triage.core.volume import Int16Array, Volume

Info: TypeAlias = Mapping[str, Any]
Range: TypeAlias = tuple[int, int]  # first byte, length

ENCODING = "row-delta zigzag byte-split int16"
FORMAT_VERSION = 1
LEVEL = 1
#: zlib: a gzip wrapper (RFC 1952), fastest level; for browsers that do not take zstd.
_GZIP_WBITS = 31


class Packed(NamedTuple):
    """A packed volume.

    Attributes
    ----------
    frames : list of bytes
        One zstd frame per slice, ascending; the stored file is their concatenation.
    info : dict
        What the viewer must know beside the bytes; plain values.
    """

    frames: list[bytes]
    info: dict[str, Any]


def pack(volume: Volume, sop_uids: Sequence[str]) -> Packed:
    """Pack a volume for the viewer.

    Parameters
    ----------
    volume : Volume
    sop_uids : sequence of str
        SOP Instance UID of every slice, in the order of the volume.

    Returns
    -------
    Packed
        `info` holds ``shape_zyx``, ``spacing_zyx_mm``, ``affine`` (rows; voxel (z, y, x, 1) to LPS
        mm), ``slice_origins_lps_mm`` (first pixel of each slice), ``sop_uids``, ``hu_range``,
        ``frame_offsets`` (one more than slices), ``encoding``, ``version``.

    Raises
    ------
    ValueError
        Not one UID per slice.
    """
    if len(sop_uids) != len(volume.hu):
        raise ValueError(f"{len(volume.hu)} slices, {len(sop_uids)} SOP Instance UIDs")
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    frames = [compressor.compress(encode_slice(plane)) for plane in volume.hu]
    corners = np.zeros((len(frames), 3))
    corners[:, 0] = np.arange(len(frames))
    info = {
        "version": FORMAT_VERSION,
        "encoding": ENCODING,
        "shape_zyx": list(volume.shape_zyx),
        "spacing_zyx_mm": list(volume.spacing_zyx_mm),
        "affine": volume.affine.tolist(),
        "slice_origins_lps_mm": volume.to_lps_mm(corners).tolist(),
        "sop_uids": list(sop_uids),
        "hu_range": [int(volume.hu.min()), int(volume.hu.max())],
        "frame_offsets": np.cumsum([0, *map(len, frames)]).tolist(),
    }
    return Packed(frames, info)


def encode_slice(plane: Int16Array) -> bytes:
    """One slice as difference planes.

    Parameters
    ----------
    plane : ndarray, int16, shape (y, x)

    Returns
    -------
    bytes
        2 * y * x bytes: all low bytes, then all high bytes. Differences wrap in 16 bits, so every
        int16 value comes back.
    """
    # uint16 arithmetic wraps without a warning and is what the browser does, too.
    values = np.ascontiguousarray(plane).view(np.uint16)
    difference = values.copy()
    difference[:, 1:] -= values[:, :-1]
    signed = difference.view(np.int16)
    zigzag = (difference << 1) ^ (signed >> 15).view(np.uint16)
    planes = zigzag.astype("<u2").view(np.uint8).reshape(-1, 2).T
    return np.ascontiguousarray(planes).tobytes()


def decode_slice(planes: bytes, rows: int, columns: int) -> Int16Array:
    """The slice back from `encode_slice`; what the browser's worker does, for tests and tools."""
    split = np.frombuffer(planes, dtype=np.uint8).reshape(2, rows, columns).astype(np.uint16)
    zigzag: npt.NDArray[np.uint16] = split[0] | (split[1] << 8)
    difference = (zigzag >> 1) ^ (0 - (zigzag & 1))
    summed = np.cumsum(difference, axis=1, dtype=np.uint16)
    return summed.view(np.int16)


def outward(first: int, count: int) -> list[int]:
    """Slice numbers in the order they are sent: first, one up, one down, two up ...

    Parameters
    ----------
    first : int
        Taken to the nearest slice there is.
    count : int

    Returns
    -------
    list of int
        Each slice once.
    """
    start = min(max(first, 0), count - 1)
    order = [start]
    for step in range(1, count):
        order += [k for k in (start + step, start - step) if 0 <= k < count]
    return order[:count]


def frames_from(first: int, info: Info) -> list[Range]:
    """Byte ranges of the stored file in sending order.

    Parameters
    ----------
    first : int
        Slice that is shown first.
    info : mapping
        Of `pack`.

    Returns
    -------
    list of (first byte, length)
    """
    offsets = info["frame_offsets"]
    return [(offsets[k], offsets[k + 1] - offsets[k]) for k in outward(first, len(offsets) - 1)]


def as_gzip(frames: Iterable[bytes]) -> Iterator[bytes]:
    """The same planes as ONE gzip stream: browsers stop after the first of several members.

    Parameters
    ----------
    frames : iterable of bytes
        zstd frames in sending order.

    Yields
    ------
    bytes
    """
    decompressor = zstandard.ZstdDecompressor()
    compressor = zlib.compressobj(1, zlib.DEFLATED, _GZIP_WBITS)
    for frame in frames:
        chunk = compressor.compress(decompressor.decompress(frame))
        if chunk:
            yield chunk
    yield compressor.flush()
