"""The bounded walk itself: limits, nesting, and where values lie."""

from __future__ import annotations

import struct
import time

import pytest
from pydicom.dataset import Dataset

from tests.receive import objects
from tests.receive.doors import peak_memory
from tests.receive.objects import ct, data_set, element
from triage.errors import CannotUnderstand
from triage.receive import walk as walking
from triage.receive.walk import Place, Value, name_of, walk

ITEM, ITEM_END, END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"
UNDEFINED = b"\xff\xff\xff\xff"
NONE: frozenset[Place] = frozenset()


def explicit(raw: bytes, wanted: frozenset[Place] = NONE) -> dict[Place, Value]:
    return walk(memoryview(raw), implicit=False, wanted=wanted)


def test_names_are_what_an_administrator_reads() -> None:
    assert name_of(0x00280030) == "(0028,0030) Pixel Spacing"
    assert name_of(0x00091001) == "(0009,1001)"


@pytest.mark.parametrize("depth", [1, 5, walking.MAX_DEPTH // 2 - 1])
@pytest.mark.parametrize("syntax", [objects.IMPLICIT, objects.EXPLICIT])
def test_nesting_within_the_limit_is_walked(depth: int, syntax: str) -> None:
    raw = data_set(objects.nested(ct(), depth), syntax)
    found = walk(
        memoryview(raw), implicit=syntax == objects.IMPLICIT, wanted=frozenset({0x00100020})
    )
    place = found[0x00100020]
    assert raw[place.start : place.start + place.length] == b"P1"


@pytest.mark.parametrize("defined", [True, False])
def test_values_inside_sequences_are_not_mistaken_for_the_patients(defined: bool) -> None:
    inner = element(0x00100020, b"LO", b"OTHER ")
    if defined:
        items = ITEM + struct.pack("<I", len(inner)) + inner
        sequence = element(0x00081140, b"SQ", items)
    else:
        items = ITEM + UNDEFINED + inner + ITEM_END + bytes(4) + END + bytes(4)
        sequence = element(0x00081140, b"SQ", items, 0xFFFFFFFF)
    raw = sequence + element(0x00100020, b"LO", b"P1")
    place = explicit(raw, frozenset({0x00100020}))[0x00100020]
    assert raw[place.start :] == b"P1"


def test_only_the_first_item_answers_for_a_sequence() -> None:
    item = [ITEM + struct.pack("<I", 10) + element(0x00080100, b"SH", c) for c in (b"A1", b"B2")]
    raw = element(0x00081032, b"SQ", b"".join(item))
    found = explicit(raw, frozenset({(0x00081032, 0x00080100)}))
    place = found[(0x00081032, 0x00080100)]
    assert raw[place.start : place.start + 2] == b"A1"


def test_icon_with_pixels_of_its_own_is_not_the_image() -> None:
    icon = Dataset()
    icon.Rows = icon.Columns = 2
    icon.add_new("PixelData", "OW", b"\x07" * 4)
    raw = data_set(ct(IconImageSequence=[icon]))
    place = explicit(raw)[0x7FE00010]
    assert place.length == objects.SIZE**2 * 2


def test_un_of_undefined_length_is_a_sequence_in_implicit_vr() -> None:
    inner = struct.pack("<HHI", 0x0010, 0x0020, 2) + b"XX"
    items = ITEM + struct.pack("<I", len(inner)) + inner + END + bytes(4)
    raw = element(0x00091010, b"UN", items, 0xFFFFFFFF) + element(0x00100020, b"LO", b"P1")
    assert explicit(raw, frozenset({0x00100020}))[0x00100020].length == 2


BROKEN: list[tuple[str, bytes, str]] = [
    (
        "item longer than its sequence",
        element(0x00081140, b"SQ", ITEM + b"\x64\0\0\0"),
        "truncated",
    ),
    ("element in a sequence", element(0x00081140, b"SQ", element(0x00100020, b"LO", b"P1")), "bad"),
    ("end without start", END + bytes(4), "bad"),
    ("never ended", element(0x00081140, b"SQ", ITEM + UNDEFINED, 0xFFFFFFFF), "truncated"),
    ("text of undefined length", element(0x00081140, b"UT", b"x", 0xFFFFFFFF), "bad"),
    ("half an element", element(0x00100020, b"LO", b"P1") + b"\x10\x00", "truncated"),
    ("half a head", b"\x10\x00\x20\x00LO", "truncated"),
    ("half a long head", b"\x10\x00\x20\x00UT\0\0\0\0", "truncated"),
    ("unknown type", b"\x10\x00\x20\x00ZZ\x02\x00P1", "bad"),
    (
        "fragment of undefined length",
        element(0x7FE00010, b"OB", ITEM + bytes(4) + ITEM + UNDEFINED, 0xFFFFFFFF),
        "bad",
    ),
]


@pytest.mark.parametrize(("raw", "code"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_broken_structure_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(CannotUnderstand) as refusal:
        explicit(raw)
    assert refusal.value.detail_code.startswith(code)


def test_too_many_elements_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MAX_ELEMENTS", 100)
    one = element(0x00091010, b"LO", b"P1")
    explicit(one * 100)
    with pytest.raises(CannotUnderstand) as refusal:
        explicit(one * 101)
    assert refusal.value.detail_code == "too_many_elements"


def test_too_many_fragments_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MAX_FRAGMENTS", 10)
    raw = element(0x7FE00010, b"OB", (ITEM + bytes(4)) * 20 + END + bytes(4), 0xFFFFFFFF)
    with pytest.raises(CannotUnderstand, match="fragments"):
        explicit(raw)


def test_a_header_of_the_largest_size_is_walked_in_bounded_memory() -> None:
    raw = element(0x00091010, b"LO", b"P1") * 100_000
    began = time.thread_time()
    with peak_memory() as peak:
        explicit(raw)
    assert peak[0] < 1 << 20
    assert time.thread_time() - began < 30  # no time of a benchmark: it must end


def test_what_came_before_a_fault_is_kept_for_the_study() -> None:
    found: dict[Place, Value] = {}
    raw = data_set(ct())[:-10]
    with pytest.raises(CannotUnderstand):
        walk(memoryview(raw), implicit=False, wanted=frozenset({0x0020000D}), found=found)
    place = found[0x0020000D]
    assert raw[place.start : place.start + place.length].rstrip(b"\0") == objects.STUDY.encode()
