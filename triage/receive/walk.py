"""The bounded walk over an encoded data set (PS3.5 section 7): nothing a length claims is believed.

Every length is compared with the bytes that are there before anything else happens; nothing is
allocated by what is claimed; nesting and the number of elements have a limit; there is no
recursion. Values are not decoded here: the walk says where they lie.
"""

from __future__ import annotations

import struct
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from pydicom._dicom_dict import DicomDictionary

from triage.errors import CannotUnderstand

MAX_DEPTH: Final = 64  # containers: a sequence and its item are two
MAX_ELEMENTS: Final = 500_000
MAX_FRAGMENTS: Final = 200_000

PIXEL_DATA: Final = frozenset({0x7FE00010, 0x7FE00008, 0x7FE00009})
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
# PS3.5 Table 7.1-1: two reserved bytes, then a 32-bit length. Other VRs have a 16-bit length.
LONG_VRS = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_SHORT_VRS = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN"}
    | {b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"}
)
_TAG = struct.Struct("<HH")
_TAG_LENGTH = struct.Struct("<HHI")
_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")

# A tag at top level, or (sequence, tag) for a value in the first item of a top-level sequence.
Place: TypeAlias = int | tuple[int, int]


@dataclass(frozen=True, slots=True)
class Value:
    """Where an element's value lies.

    Attributes
    ----------
    start, length : int
        Bytes from the start of the data set; for encapsulated pixel data from the first item to
        the end of the delimiter.
    fragments : int
        Fragments of encapsulated pixel data, the offset table not counted; 0 when not encapsulated.
    encapsulated : bool
    """

    start: int
    length: int
    fragments: int = 0
    encapsulated: bool = False


@dataclass(slots=True)
class _Container:
    end: int  # where it must end at the latest
    is_exact: bool  # its length is defined, so it ends there and not at a delimiter
    is_sequence: bool
    implicit: bool
    tag: int
    items: int = 0


@dataclass(slots=True)
class _Walk:
    data: memoryview
    wanted: AbstractSet[Place]
    found: dict[Place, Value]
    position: int = 0
    elements: int = 0
    stack: list[_Container] = field(default_factory=list)


def name_of(tag: int) -> str:
    """A tag as a PACS administrator reads it: ``(0028,0030) Pixel Spacing``."""
    entry = DicomDictionary.get(tag)
    text = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
    return f"{text} {entry[2]}" if entry else text


def walk(
    data: memoryview,
    *,
    implicit: bool,
    wanted: AbstractSet[Place],
    found: dict[Place, Value] | None = None,
) -> dict[Place, Value]:
    """Find elements, checking the structure of the whole data set.

    Parameters
    ----------
    data : memoryview
        Encoded data set, little endian, not deflated.
    implicit : bool
        Implicit VR (PS3.5 A.1); otherwise explicit (A.2).
    wanted : set of Place
        What to find. Pixel data is always found.
    found : dict, optional
        Filled and returned; after an error it holds what came before the fault.

    Returns
    -------
    dict
        Where each wanted value lies; what is not there is missing.

    Raises
    ------
    CannotUnderstand
        Codes ``truncated``, ``truncated_pixels``, ``too_deep``, ``too_many_elements``,
        ``bad_encoding``, ``duplicate_element``.
    """
    state = _Walk(data, wanted, {} if found is None else found)
    state.stack.append(_Container(len(data), True, False, implicit, 0))
    while state.stack:
        top = state.stack[-1]
        if top.is_exact and state.position == top.end:
            state.stack.pop()
        elif top.is_sequence:
            _step_sequence(state, top)
        else:
            _step_item(state, top)
    return state.found


def _step_sequence(state: _Walk, top: _Container) -> None:
    tag, length = _delimiter(state, top)
    if tag == _SEQUENCE_END and not top.is_exact:
        state.stack.pop()
        return
    if tag != _ITEM:
        raise _bad(f"{name_of(top.tag)} holds {name_of(tag)} where an item must start")
    top.items += 1
    _enter(state, top, length, is_sequence=False, implicit=top.implicit, tag=top.tag)


def _step_item(state: _Walk, top: _Container) -> None:
    _need(state, top, 4, 0)
    group, element = _TAG.unpack_from(state.data, state.position)
    tag = group << 16 | element
    if group == 0xFFFE:
        if tag == _ITEM_END and not top.is_exact:
            _delimiter(state, top)
            state.stack.pop()
            return
        raise _bad(f"{name_of(tag)} stands outside a sequence")
    if group in (0x0000, 0x0002) and len(state.stack) == 1:
        raise _bad(f"{name_of(tag)} belongs to a message or a file, not to a data set")
    state.elements += 1
    if state.elements > MAX_ELEMENTS:
        raise CannotUnderstand(
            f"the data set has more than {MAX_ELEMENTS} elements", code="too_many_elements"
        )
    vr, length = _vr_and_length(state, top, tag)
    _take(state, top, tag, vr, length)


def _take(state: _Walk, top: _Container, tag: int, vr: bytes, length: int) -> None:
    if length == _UNDEFINED and tag in PIXEL_DATA and vr != b"SQ":
        _fragments(state, top, tag)
    elif vr == b"SQ" or length == _UNDEFINED:
        if vr not in (b"SQ", b"UN"):
            raise _bad(f"{name_of(tag)} of type {vr.decode()} has no length")
        # PS3.5 6.2.2: a UN of undefined length is a sequence in implicit VR.
        implicit = top.implicit or vr == b"UN"
        _enter(state, top, length, is_sequence=True, implicit=implicit, tag=tag)
    else:
        _need(state, top, length, tag)
        _keep(state, tag, Value(state.position, length))
        state.position += length


def _keep(state: _Walk, tag: int, value: Value) -> None:
    depth = len(state.stack)
    place: Place
    if depth == 1:
        place = tag
    elif depth == 3 and state.stack[1].items == 1:
        place = (state.stack[1].tag, tag)
    else:
        return
    if place in state.wanted or place in PIXEL_DATA:
        if place in state.found:
            raise CannotUnderstand(f"{name_of(tag)} occurs twice", code="duplicate_element")
        state.found[place] = value


def _enter(
    state: _Walk, top: _Container, length: int, *, is_sequence: bool, implicit: bool, tag: int
) -> None:
    if len(state.stack) > MAX_DEPTH:
        raise CannotUnderstand(
            f"sequences are nested more than {MAX_DEPTH // 2} deep at {name_of(tag)}",
            code="too_deep",
        )
    if length == _UNDEFINED:
        state.stack.append(_Container(top.end, False, is_sequence, implicit, tag))
        return
    _need(state, top, length, tag)
    end = state.position + length
    state.stack.append(_Container(end, True, is_sequence, implicit, tag))


def _vr_and_length(state: _Walk, top: _Container, tag: int) -> tuple[bytes, int]:
    """Read VR and length; the position then stands at the value."""
    _need(state, top, 8, tag)
    at = state.position + 4
    if top.implicit:
        state.position += 8
        entry = DicomDictionary.get(tag)
        length: int = _U32.unpack_from(state.data, at)[0]
        is_sequence = entry is not None and entry[0] == "SQ"
        return (b"SQ" if is_sequence or length == _UNDEFINED else b"UN"), length
    vr = bytes(state.data[at : at + 2])
    if vr in _SHORT_VRS:
        state.position += 8
        return vr, _U16.unpack_from(state.data, at + 2)[0]
    if vr not in LONG_VRS:
        raise _bad(
            f"{name_of(tag)} has no known type (VR): the data set is not encoded as its transfer "
            "syntax says"
        )
    _need(state, top, 12, tag)
    state.position += 12
    return vr, _U32.unpack_from(state.data, at + 4)[0]


def _delimiter(state: _Walk, top: _Container) -> tuple[int, int]:
    _need(state, top, 8, top.tag)
    group, element, length = _TAG_LENGTH.unpack_from(state.data, state.position)
    state.position += 8
    return group << 16 | element, length


def _fragments(state: _Walk, top: _Container, tag: int) -> None:
    """Walk encapsulated pixel data to its delimiter (PS3.5 A.4)."""
    start = state.position
    count = -1  # the first item is the offset table
    while True:
        inner = _Container(top.end, False, True, True, tag)
        kind, length = _delimiter(state, inner)
        if kind == _SEQUENCE_END:
            break
        if kind != _ITEM or length == _UNDEFINED:
            raise _bad("a fragment of the pixel data does not start with an item of known length")
        _need(state, inner, length, tag)
        state.position += length
        count += 1
        if count > MAX_FRAGMENTS:
            raise CannotUnderstand(
                f"the pixel data has more than {MAX_FRAGMENTS} fragments", code="too_many_elements"
            )
    _keep(state, tag, Value(start, state.position - start, max(0, count), encapsulated=True))


def _need(state: _Walk, top: _Container, length: int, tag: int) -> None:
    """Refuse a length that goes beyond its container, before anything is done with it."""
    there = top.end - state.position
    if length <= there:
        return
    if tag in PIXEL_DATA:
        raise CannotUnderstand(
            f"the pixel data ends early: {length} bytes are claimed, {there} are there",
            code="truncated_pixels",
        )
    where = name_of(tag) if tag else "the last element"
    raise CannotUnderstand(
        f"the object ends early: {where} claims {length} bytes, {there} are there",
        code="truncated",
    )


def _bad(message: str) -> CannotUnderstand:
    return CannotUnderstand(message, code="bad_encoding")
