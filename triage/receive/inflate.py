"""Deflated data sets (PS3.5 A.5), inflated with a bound: a bomb is refused, not unpacked."""

from __future__ import annotations

import zlib
from typing import Final

from triage.errors import CannotUnderstand

MAX_INFLATED_BYTES: Final = 192 << 20
MAX_RATIO: Final = 100
#: Small objects may shrink more: an empty slice of 512 x 512 does.
RATIO_FROM_BYTES: Final = 8 << 20
_CHUNK = 1 << 20


def inflate(data: memoryview) -> bytes:
    """Inflate a raw deflate stream.

    Parameters
    ----------
    data : memoryview

    Returns
    -------
    bytes

    Raises
    ------
    CannotUnderstand
        ``deflate_bomb`` when it grows beyond the bound or the ratio, ``bad_encoding`` when the
        stream is broken, ``truncated`` when it ends early.
    """
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    whole = bytearray()
    rest = bytes(data)
    try:
        while not engine.eof:
            piece = engine.decompress(rest, _CHUNK)
            whole += piece
            rest = engine.unconsumed_tail
            _check_growth(len(whole), len(data))
            if not piece and not rest and not engine.eof:
                raise CannotUnderstand("the deflated data set ends early", code="truncated")
    except zlib.error as error:
        raise CannotUnderstand(
            f"the deflated data set cannot be inflated: {error}", code="bad_encoding"
        ) from error
    return bytes(whole)


def _check_growth(inflated: int, deflated: int) -> None:
    too_steep = inflated > RATIO_FROM_BYTES and inflated > MAX_RATIO * deflated
    if too_steep or inflated > MAX_INFLATED_BYTES:
        raise CannotUnderstand(
            f"the deflated data set grows beyond its bound: {deflated} bytes, {inflated} and more "
            "when inflated",
            code="deflate_bomb",
        )
