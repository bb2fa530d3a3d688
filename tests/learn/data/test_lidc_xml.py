"""Reading files: what they say, and that foreign bytes do no harm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.learn.data import lidc_shaped as shaped
from triage.errors import DataRefused
from triage.learn.data import lidc_xml

POINT = ((40, 30),)


def read(tmp_path: Path, text: str | bytes) -> lidc_xml.Reading | None:
    path = tmp_path / "069.xml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return lidc_xml.read(path)


def test_a_reading_says_who_outlined_what(tmp_path: Path) -> None:
    first = shaped.session(
        shaped.nodule(
            shaped.roi("1.1", shaped.SQUARE, z=-12.5),
            shaped.roi("1.1", shaped.HOLE, z=-12.5, inclusion="FALSE"),
            texture=4,
        ),
        shaped.nodule(shaped.roi("1.2", POINT)),
        shaped.non_nodule("1.3", 5, 6),
    )
    said = read(tmp_path, shaped.message(first, shaped.session()))
    assert said is not None
    assert said.series_uid == shaped.series_uid(1)
    assert [len(s.nodules) for s in said.sessions] == [2, 0]
    outlined, small = said.sessions[0].nodules
    assert (outlined.is_outlined, outlined.texture, small.is_outlined) == (True, 4, False)
    assert [r.inclusion for r in outlined.rois] == [True, False]
    assert outlined.rois[0].z_mm == -12.5
    assert np.array_equal(outlined.rois[0].points_px, np.array(shaped.SQUARE, float))
    assert said.sessions[0].non_nodules[0].points_px.tolist() == [[5.0, 6.0]]
    assert said.sop_uids == {"1.1", "1.2", "1.3"}


def test_a_radiograph_is_none_of_ours(tmp_path: Path) -> None:
    assert read(tmp_path, shaped.message(root="IdriReadMessage")) is None


@pytest.mark.parametrize("texture", ["0", "6", "", "solid"])
def test_a_rating_outside_the_scale_is_no_rating(tmp_path: Path, texture: str) -> None:
    marked = shaped.nodule(shaped.roi("1.1", shaped.SQUARE), texture=texture or " ")
    said = read(tmp_path, shaped.message(shaped.session(marked)))
    assert said is not None
    assert said.sessions[0].nodules[0].texture is None


GOOD = shaped.message(shaped.session(shaped.nodule(shaped.roi("1.1", shaped.SQUARE))))
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "cccccccccc"><!ENTITY d "&b;&b;&b;&b;">]>'
    "<LidcReadMessage>&d;</LidcReadMessage>"
)
OUTSIDE = (
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><LidcReadMessage>&x;</LidcReadMessage>'
)
BAD: dict[str, tuple[str | bytes, str]] = {
    "nothing": (b"", "no element"),
    "cut off": (GOOD[: len(GOOD) // 2], "cannot be read"),
    "not XML": (b"\x00\x01DICM", "cannot be read"),
    "entities": (BOMB, "document type"),
    "a file from outside": (OUTSIDE, "document type"),
    "too deep": ("<a>" * 40 + "</a>" * 40, "deeper"),
    "another root": ("<html></html>", "root is html"),
    "nobody read it": (shaped.message(), "nobody read it"),
    "a nodule without roi": (shaped.message(shaped.session(shaped.nodule())), "without roi"),
    "an outline without points": (
        shaped.message(shaped.session(shaped.nodule(shaped.roi("1.1", ())))),
        "without edgeMap",
    ),
    "a slice without UID": (
        shaped.message(shaped.session(shaped.nodule(shaped.roi("", POINT)))),
        "without imageSOP_UID",
    ),
    "a place that is no number": (
        shaped.message(shaped.session(shaped.non_nodule("1.1", float("nan"), 3))),
        "no finite number",
    ),
    "a height that is no number": (
        shaped.message(shaped.session(shaped.nodule(shaped.roi("1.1", POINT, z="high")))),
        "could not convert",
    ),
    "neither in nor out": (
        shaped.message(shaped.session(shaped.nodule(shaped.roi("1", POINT, inclusion="MAYBE")))),
        "inclusion is 'MAYBE'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    content, why = BAD[name]
    with pytest.raises(DataRefused, match=why) as refused:
        read(tmp_path, content)
    assert "069.xml" in refused.value.message


def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lidc_xml, "MAX_BYTES", len(GOOD) - 1)
    with pytest.raises(DataRefused, match="larger than"):
        read(tmp_path, GOOD)


def test_more_elements_than_a_reading_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lidc_xml, "MAX_ELEMENTS", 10)
    with pytest.raises(DataRefused, match="more or deeper"):
        read(tmp_path, GOOD)
