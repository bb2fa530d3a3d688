"""docs/rules.md says what the code does: its examples run, its codes are all there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from triage.rules.fleischner import fleischner2017
from triage.rules.fleischner_tables import CELLS
from triage.rules.growth import growth
from triage.rules.lungrads import lungrads2022
from triage.rules.quantity import UNITS

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT = (REPOSITORY / "docs" / "rules.md").read_text()
EXAMPLES = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.S)]


def test_the_three_examples_give_what_the_text_says() -> None:
    screening, incidental, pair = EXAMPLES
    first: Any = lungrads2022(screening)
    assert (first["status"], first["category"], first["dominant_finding"]) == ("ok", "3", "n1")
    assert fleischner2017(incidental)["category"] == "solid_single_6to8"
    grown: Any = growth(pair)
    assert (grown["vdt_days"], grown["caution"]) == (200, False)


def test_every_review_code_of_the_code_is_explained() -> None:
    sources = [path.read_text() for path in (REPOSITORY / "triage" / "rules").glob("*.py")]
    asked = {code for text in sources for code in re.findall(r"\bask\(\s*\"(\w+)\"", text)}
    assert {"D2", "D20", "mixed", "prior_category"} <= asked
    assert not [code for code in asked if f"`{code}`" not in TEXT and f"| {code} |" not in TEXT]


@pytest.mark.parametrize("number", range(1, 22))
def test_every_disputed_point_stands_in_the_table(number: int) -> None:
    assert f"\n| D{number} | " in TEXT


@pytest.mark.parametrize("unit", list(UNITS))
def test_every_unit_is_named(unit: str) -> None:
    assert f"`{unit}`" in TEXT


def test_every_fleischner_row_is_named() -> None:
    for row in CELLS:
        assert f"`{row}`" in TEXT or row.startswith("solid_multiple_")
