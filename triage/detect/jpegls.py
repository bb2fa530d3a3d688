"""JPEG-LS frames (ITU-T T.87) decoded with the interpreter lock let go.

The wheel of pyjpegls holds the lock while CharLS decodes, so that threads take turns. CharLS' own
C function is reached here in the same file of the same wheel, and two processors decode twice as
many slices. Where that file does not offer it, `decoder` is None and pydicom's way is taken.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from triage.detect.frames import Told
from triage.errors import PixelsUnreadable

Decode: TypeAlias = Callable[[bytes, Told], npt.NDArray[np.unsignedinteger[Any]]]
_MESSAGE_BYTES = 256  # what CharLS asks for


@cache
def decoder() -> Decode | None:
    """The decoder, or None where this installation does not offer it.

    It takes a frame and what the frame says of itself, gives unsigned integers of shape (rows,
    columns), and raises `PixelsUnreadable` for what does not decode. CharLS is told how many
    bytes there are on either side and stays within them.
    """
    try:
        charls = ctypes.CDLL(str(import_module("_CharLS").__file__)).JpegLsDecode
    except (ImportError, OSError, AttributeError):
        return None
    charls.restype = ctypes.c_int
    charls.argtypes = [
        ctypes.c_void_p, ctypes.c_size_t,  # into
        ctypes.c_char_p, ctypes.c_size_t,  # from
        ctypes.c_void_p, ctypes.c_char_p,  # parameters (as the frame says), error message
    ]  # fmt: skip

    def decode(frame: bytes, told: Told) -> npt.NDArray[np.unsignedinteger[Any]]:
        if told.components != 1 or not 2 <= told.bits <= 16:
            raise PixelsUnreadable(f"{told.components} components of {told.bits} bits in JPEG-LS")
        kind = np.uint8 if told.bits <= 8 else np.uint16
        pixels = np.zeros((told.rows, told.columns), dtype=kind)
        message = ctypes.create_string_buffer(_MESSAGE_BYTES)
        code = charls(
            pixels.ctypes.data, pixels.nbytes, frame, len(frame), None, message
        )  # fmt: skip
        if code != 0:
            said = message.value.decode("ascii", errors="replace")
            raise PixelsUnreadable(f"pixels do not decode: {said or code}")
        return pixels

    return decode
