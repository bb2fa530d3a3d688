"""The size of the solid part: two fields, by keyboard alone, within bounds, on card and report."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.conftest import MakeStudy, OpenPage, finding_of, open_study, saved
from tests.web.report import answer, part_solid, text_of

pytestmark = pytest.mark.browser


def test_the_solid_part_is_typed_by_keyboard_alone(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Solid", marks=[part_solid()])
    page = open_page()
    open_study(page, uid)
    fields = page.get_by_test_id("card").get_by_test_id("solid-1").get_by_role("textbox")
    fields.first.focus()
    page.keyboard.type("6,5")
    page.keyboard.press("Tab")
    page.keyboard.type("5.0")
    page.keyboard.press("Enter")
    saved(page)
    finding = finding_of(page, uid, 1)
    assert (finding["solid_long_mm"], finding["solid_short_mm"]) == (6.5, 5.0)
    assert (finding["state"], finding["decided_by"]) == ("corrected", "reader")
    # Enter in a field opens nothing and signs nothing.
    expect(page.get_by_test_id("sign-panel")).to_have_count(0)


def test_the_solid_part_gives_the_category_on_the_report(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Solid report", marks=[part_solid()])
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("a")
    saved(page)
    page.keyboard.press("Enter")
    answer(page)
    expect(text_of(page)).to_contain_text("solid component not measured")
    expect(page.get_by_test_id("assessment")).to_contain_text("No category yet")
    fields = page.get_by_test_id("decision-1").get_by_role("textbox")
    fields.first.fill("7")
    fields.last.fill("6.5")
    page.get_by_test_id("report-stage").click()  # leaving both fields saves
    expect(text_of(page)).to_contain_text("solid component 7.0 × 6.5 mm")
    # Mean 6.75, rounded half up to 6.8: 6 to below 8 mm.
    expect(page.get_by_test_id("assessment")).to_contain_text("solid component 6 to < 8 mm")
    page.keyboard.press("u")
    expect(text_of(page)).to_contain_text("solid component not measured")


@pytest.mark.parametrize(
    ("long", "short", "problem"),
    [
        ("6", "", "Both axes are needed."),
        ("6.55", "5", "at most one decimal"),
        ("-6", "5", "at most one decimal"),
        ("0", "0", "0.1 to 300 mm"),
        ("301", "5", "0.1 to 300 mm"),
        ("5", "6", "The short axis is longer"),
        ("12.1", "6", "larger than the nodule"),
    ],
)
def test_a_solid_part_that_cannot_be_is_said_and_not_sent(
    open_page: OpenPage, make_study: MakeStudy, long: str, short: str, problem: str
) -> None:
    uid = make_study(f"Solid bounds {long} {short}", marks=[part_solid()])
    page = open_page()
    open_study(page, uid)
    part = page.get_by_test_id("card").get_by_test_id("solid-1")
    fields = part.get_by_role("textbox")
    fields.first.fill(long)
    fields.last.fill(short)
    fields.last.press("Enter")
    expect(part.get_by_role("alert")).to_contain_text(problem)
    # Escape takes back what was typed, and leaves the study open.
    fields.last.press("Escape")
    expect(part.get_by_role("alert")).to_have_count(0)
    expect(fields.first).to_have_value("")
    assert page.url.endswith(uid)
    assert finding_of(page, uid, 1)["state"] == "pending"
