"""Values of a header, decoded from bytes that the walk has bounded; bad ones are never guessed."""

from __future__ import annotations

import math
import re
import struct
import warnings
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.valuerep import PN_DELIMS, TEXT_VR_DELIMS

from triage.errors import CannotUnderstand

JsonValue: TypeAlias = str | int | float | list[str] | list[float] | list[int] | None

MAX_VALUE_BYTES: Final = 4096
MAX_UID: Final = 64

# PS3.5 9.1: components of digits without a leading zero, joined by dots.
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+\Z")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_INTEGER = re.compile(r"[+-]?[0-9]{1,12}\Z")
_DATE = re.compile(r"[0-9]{8}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Values of (0008,0005) that need no decoding beyond ASCII.
_DEFAULT_CHARSET: Final = ("ascii",)


def uid(raw: bytes, name: str, *, required: bool = True) -> str:
    """A UID that keeps PS3.5 section 9.1.

    Raises
    ------
    CannotUnderstand
        ``bad_uid``: empty (when required), longer than 64, or other characters than the rule has.
    """
    text = raw.rstrip(b"\x00 ").decode("ascii", "replace")
    if not text and not required:
        return ""
    if not text:
        raise CannotUnderstand(f"{name} is empty", code="bad_uid")
    if len(text) > MAX_UID or not _UID.match(text):
        shown = _CONTROL.sub("?", text[:80])
        raise CannotUnderstand(
            f"{name} is not a valid UID (PS3.5 section 9.1): {shown!r}", code="bad_uid"
        )
    return text


def charset(raw: bytes) -> tuple[str, ...]:
    """Python codecs of Specific Character Set (PS3.3 C.12.1.1.2).

    A missing or unknown term means ASCII: other bytes are then shown as escapes (`text`).
    """
    terms = [part.strip() for part in raw.decode("ascii", "replace").rstrip("\x00 ").split("\\")]
    if not any(terms):
        return _DEFAULT_CHARSET
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # pydicom's "iso8859" stands for ISO_IR 6, which is ASCII.
            return tuple("ascii" if c == "iso8859" else c for c in convert_encodings(list(terms)))
        except LookupError:
            return ("ascii",)


def text(raw: bytes, encodings: tuple[str, ...], *, name: bool = False) -> str:
    r"""A text value: padding cut; what its character set cannot decode stays as ``\\xd5``.

    Byte escapes keep two different identities different, and show a damaged name as damaged, never
    as another name.
    """
    raw = raw.rstrip(b"\x00 ")
    decoded = _decode_escapes(raw, encodings, name=name) if b"\x1b" in raw else None
    if decoded is None:
        try:
            decoded = raw.decode(encodings[0], "backslashreplace")
        except LookupError:
            decoded = raw.decode("ascii", "backslashreplace")
    return _CONTROL.sub("\ufffd", decoded).strip()


def _decode_escapes(raw: bytes, encodings: tuple[str, ...], *, name: bool) -> str | None:
    """Code extensions of ISO 2022 (PS3.5 6.1.2.5); None when they do not decode whole."""
    # PS3.5 6.1.2.5.3: these switch back to the first character set.
    delimiters = {*PN_DELIMS, ord("=")} if name else set(TEXT_VR_DELIMS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            decoded = decode_bytes(raw, encodings, delimiters)
        except (LookupError, UnicodeError):
            return None
    return None if "\ufffd" in decoded else decoded


def person_name(raw: bytes, encodings: tuple[str, ...]) -> str:
    """A person name (PS3.5 6.2.1), decoded whole: its delimiters occur inside two-byte codes."""
    return text(raw, encodings, name=True).rstrip("=^ ")


def _text_list(raw: bytes, encodings: tuple[str, ...]) -> list[str]:
    return [part.strip() for part in text(raw, encodings).split("\\")]


def decimals(raw: bytes) -> list[float] | None:
    """Decimal Strings (PS3.5 6.2, DS), all finite, or None."""
    parts = [part.strip() for part in raw.decode("ascii", "replace").rstrip("\x00 ").split("\\")]
    if not all(_DECIMAL.match(part) for part in parts):
        return None
    numbers = [float(part) for part in parts]
    return numbers if all(math.isfinite(n) for n in numbers) else None


def _decimal(raw: bytes, _: tuple[str, ...]) -> float | None:
    numbers = decimals(raw)
    return numbers[0] if numbers and len(numbers) == 1 else None


def _decimal_list(raw: bytes, _: tuple[str, ...]) -> list[float] | None:
    return decimals(raw)


def _integer(raw: bytes, _: tuple[str, ...]) -> int | None:
    digits = raw.decode("ascii", "replace").rstrip("\x00 ").strip()
    return int(digits) if _INTEGER.match(digits) else None


def _unsigned(raw: bytes, _: tuple[str, ...]) -> int | None:
    return int(struct.unpack("<H", raw)[0]) if len(raw) == 2 else None


def _date(raw: bytes, _: tuple[str, ...]) -> str | None:
    """YYYYMMDD; the old form with dots (PS3.5 6.2 note) is brought to it."""
    digits = raw.decode("ascii", "replace").rstrip("\x00 ").strip().replace(".", "")
    return digits if _DATE.match(digits) else None


def _plain(raw: bytes, encodings: tuple[str, ...]) -> str:
    return text(raw, encodings)


#: Kind of a value to its decoder. What cannot be decoded is None, and then missing.
DECODERS: Final[Mapping[str, Callable[[bytes, tuple[str, ...]], JsonValue]]] = {
    "text": _plain,
    "name": person_name,
    "list": _text_list,
    "date": _date,
    "decimal": _decimal,
    "decimals": _decimal_list,
    "integer": _integer,
    "unsigned": _unsigned,
}
