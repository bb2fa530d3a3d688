"""Files of DICOM (PS3.10): taken apart with bounds, written anew with an empty preamble.

What is stored is the data set byte for byte, under file meta information of our own: the 128 bytes
of the preamble may hold a program (CVE-2019-11687) and are never kept outside quarantine. The same
data set therefore gives the same file through every door.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from triage.errors import CannotUnderstand, NotDicom
from triage.receive import classes
from triage.receive.values import uid
from triage.receive.walk import LONG_VRS

_PREFIX: Final = b"\x00" * 128 + b"DICM"
_MAX_META_BYTES: Final = 64 << 10
# (0002,0012): a fixed UUID-derived UID of this product (PS3.5 B.2); changing it changes every key.
IMPLEMENTATION_CLASS_UID: Final = "2.25.308215764017402188617315418722601094273"
_CAPITALS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True, slots=True)
class FileParts:
    """A file taken apart.

    Attributes
    ----------
    transfer_syntax : str
    data_set : memoryview
    sop_class, sop_uid : str or None
        As the file meta information says; None in a file without it.
    """

    transfer_syntax: str
    data_set: memoryview
    sop_class: str | None
    sop_uid: str | None


def take_apart(data: bytes) -> FileParts:
    """Split a file into file meta information and data set.

    Parameters
    ----------
    data : bytes
        A whole file: PS3.10, or a bare data set as some archives write it.

    Returns
    -------
    FileParts

    Raises
    ------
    NotDicom
        Neither; ``empty`` for a file of 0 bytes.
    CannotUnderstand
        DICOM, but its file meta information is broken.
    """
    if not data:
        raise NotDicom("the file is empty (0 bytes)", code="empty")
    view = memoryview(data)
    if data[128:132] == b"DICM":
        return _with_meta(view[132:])
    if data[:2] == b"\x08\x00" and len(data) >= 8:
        return FileParts(_guess_syntax(data), view, None, None)
    raise NotDicom("this is not a DICOM file: the mark DICM is missing at byte 128")


def write_file(
    data_set: bytes | memoryview, transfer_syntax: str, sop_class: str, sop_uid: str
) -> tuple[bytes, bytes | memoryview]:
    """File meta information of our own, and the data set as it came.

    Returns
    -------
    tuple of bytes-like
        Head and data set; written one after the other they are the file.
    """
    meta = b"".join(
        (
            _element(0x0001, b"OB", b"\x00\x01"),
            _element(0x0002, b"UI", _even(sop_class)),
            _element(0x0003, b"UI", _even(sop_uid)),
            _element(0x0010, b"UI", _even(transfer_syntax)),
            _element(0x0012, b"UI", _even(IMPLEMENTATION_CLASS_UID)),
        )
    )
    length = _element(0x0000, b"UL", struct.pack("<I", len(meta)))
    return _PREFIX + length + meta, data_set


def _with_meta(view: memoryview) -> FileParts:
    found, end = _read_meta(view)

    def read(element: int, name: str) -> str:
        return uid(found.get(element, b""), name)

    return FileParts(
        transfer_syntax=read(0x0010, "(0002,0010) Transfer Syntax UID"),
        data_set=view[end:],
        sop_class=read(0x0002, "(0002,0002) Media Storage SOP Class UID"),
        sop_uid=read(0x0003, "(0002,0003) Media Storage SOP Instance UID"),
    )


def _read_meta(view: memoryview) -> tuple[dict[int, bytes], int]:
    """Elements of group 2, explicit VR little endian (PS3.10 7.1), and where they end.

    The group length is not believed: writers get it wrong, and the group itself tells.
    """
    found: dict[int, bytes] = {}
    at = 0
    while at + 8 <= len(view) and bytes(view[at : at + 2]) == b"\x02\x00":
        element = int.from_bytes(view[at + 2 : at + 4], "little")
        is_long = bytes(view[at + 4 : at + 6]) in LONG_VRS
        start = at + (12 if is_long else 8)
        length = int.from_bytes(view[start - 4 if is_long else start - 2 : start], "little")
        if start + length > min(len(view), _MAX_META_BYTES):
            raise CannotUnderstand(
                f"the file ends early: (0002,{element:04X}) claims {length} bytes", code="truncated"
            )
        found[element] = bytes(view[start : start + length])
        at = start + length
    return found, at


def _guess_syntax(data: bytes) -> str:
    """Encoding of a bare data set, by its first element: a VR is two capital letters."""
    explicit = _CAPITALS.issuperset(data[4:6])
    return classes.EXPLICIT_VR_LITTLE_ENDIAN if explicit else classes.IMPLICIT_VR_LITTLE_ENDIAN


def _element(element: int, vr: bytes, value: bytes) -> bytes:
    head = struct.pack("<HH2s", 0x0002, element, vr)
    if vr in LONG_VRS:
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def _even(text: str) -> bytes:
    raw = text.encode("ascii", "replace")
    return raw + b"\x00" * (len(raw) % 2)
