"""Small pictures around a place: one plane in patient space, lung window, PNG."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates

from triage.review.frames import Stream

# Lung window of the reading page: width 1500, level -600 HU.
WINDOW_WIDTH_HU, WINDOW_LEVEL_HU = 1500.0, -600.0
AIR_HU = -1024.0
_MAX_KEPT = 512

# Directions on the picture, LPS: to the right of the picture, and down. Radiological: the
# patient's right side is on the left, anterior is up (axial), the head is up (the other two).
_AXES: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "axial": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    "coronal": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
    "sagittal": ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
}


@dataclass(frozen=True, slots=True)
class View:
    """What to show.

    Attributes
    ----------
    center_lps_mm : tuple of float
    plane : {'axial', 'coronal', 'sagittal'}
    size_mm : tuple of float
        Width and height in the patient.
    size_px : tuple of int
        Width and height of the picture.
    """

    center_lps_mm: tuple[float, float, float]
    plane: Literal["axial", "coronal", "sagittal"]
    size_mm: tuple[float, float]
    size_px: tuple[int, int]


_kept: OrderedDict[str, bytes] = OrderedDict()
_lock = Lock()


def identity(key: str, view: View) -> str:
    """Digest of the picture: same pixels, same view, same picture."""
    return hashlib.sha256(f"{key} {view}".encode()).hexdigest()[:32]


def png(stream: Stream, view: View) -> bytes:
    """Render a view as an 8-bit grey PNG; the last few hundred are kept in memory."""
    name = identity(stream.key, view)
    with _lock:
        if name in _kept:
            _kept.move_to_end(name)
            return _kept[name]
    picture = encode_png(windowed(sampled(stream, view)))
    with _lock:
        _kept[name] = picture
        while len(_kept) > _MAX_KEPT:
            _kept.popitem(last=False)
    return picture


def sampled(stream: Stream, view: View) -> npt.NDArray[np.float32]:
    """Hounsfield units of a view, trilinear.

    Returns
    -------
    ndarray, float32, shape (height, width)
        Air outside the volume.
    """
    right, down = (np.array(axis) for axis in _AXES[view.plane])
    (width, height), (width_mm, height_mm) = view.size_px, view.size_mm
    u = (np.arange(width) + 0.5) / width * width_mm - width_mm / 2
    v = (np.arange(height) + 0.5) / height * height_mm - height_mm / 2
    points = np.asarray(view.center_lps_mm) + v[:, None, None] * down + u[None, :, None] * right
    inverse = np.linalg.inv(stream.affine[:3, :3])
    zyx = (points - stream.affine[:3, 3]) @ inverse.T
    start = min(max(int(np.floor(zyx[..., 0].min())), 0), stream.depth - 1)
    stop = max(min(int(np.ceil(zyx[..., 0].max())) + 1, stream.depth), start + 1)
    part = stream.volume(start, stop)
    zyx[..., 0] -= start
    found: npt.NDArray[np.float32] = map_coordinates(
        part.hu.astype(np.float32), np.moveaxis(zyx, -1, 0), order=1, cval=AIR_HU
    )
    return found


def windowed(hu: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Lung window to 0..255."""
    low = WINDOW_LEVEL_HU - WINDOW_WIDTH_HU / 2
    grey = np.clip((hu - low) / WINDOW_WIDTH_HU, 0.0, 1.0) * 255.0
    rounded: npt.NDArray[np.uint8] = np.rint(grey).astype(np.uint8)
    return rounded


def encode_png(grey: npt.NDArray[np.uint8]) -> bytes:
    """Write an 8-bit grey PNG (RFC 2083): header, one data chunk, end."""
    height, width = grey.shape
    rows = np.zeros((height, width + 1), np.uint8)  # leading 0 = no filter
    rows[:, 1:] = grey
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(rows.tobytes(), 6)
    chunks = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + chunks
