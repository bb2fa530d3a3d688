"""docs/conformance.md says what the code does: classes, syntaxes, private codes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pytest
from highdicom.sr import CodedConcept

from tests.conftest import REPOSITORY
from triage.outputs import codes, sr
from triage.receive import classes

TEXT = (REPOSITORY / "docs" / "conformance.md").read_text(encoding="utf-8")


def section(title: str) -> list[list[str]]:
    """Rows of the tables between a heading and the next one."""
    body = re.split(r"^#+ ", TEXT.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [line.strip("| \n").split(" | ") for line in body.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows if not row[0].startswith("---")][1:]


def private_codes() -> Iterable[tuple[str, str]]:
    def walk(value: Any) -> Iterable[Any]:
        if isinstance(value, dict):
            for one in value.values():
                yield from walk(one)
        elif isinstance(value, tuple):
            for one in value:
                yield from walk(one)
        elif isinstance(value, CodedConcept):
            yield value

    for value in vars(codes).values():
        for concept in walk(value):
            if concept.scheme_designator == codes.PRIVATE:
                yield concept.value, concept.meaning


def test_sop_classes() -> None:
    documented = {row[0]: row[1] for row in section("2.1 SOP classes")}
    assert documented == {classes.VERIFICATION: "Verification", **classes.CLASSES}
    read = {row[0] for row in section("2.1 SOP classes") if row[-1] == "read"}
    assert read == set(classes.READ_CLASSES)


def test_transfer_syntaxes() -> None:
    documented = {row[0]: row[1] for row in section("2.2 Transfer syntaxes")}
    assert set(documented) == set(classes.SYNTAXES)
    assert classes.ENCAPSULATED_SYNTAXES.items() <= documented.items()


def test_private_codes() -> None:
    documented = {
        row[0]: row[1] for row in section("4.4 Private codes, scheme 99TRIAGE, version 1")
    }
    assert documented == dict(private_codes())
    assert len(documented) > 15


def test_no_private_code_has_two_meanings() -> None:
    found = list(private_codes())
    assert len({value for value, _ in found}) == len(set(found))


@pytest.mark.parametrize("wanted", [sr.SOP_CLASS, str(sr.SERIES_NUMBER), "RID50151", "RID50153"])
def test_what_the_text_names(wanted: str) -> None:
    assert wanted in TEXT


def test_open_lists_and_categories() -> None:
    for prefix in (*codes.GUIDELINES.values(), "MARGIN", "SHAPE", "STATUS"):
        assert f"`{prefix}_…`" in TEXT
    for guideline in codes.GUIDELINES:
        assert guideline in TEXT
