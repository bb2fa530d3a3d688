"""Deciding with one key, correcting by hand, undoing; the server holds what the page shows."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import (
    MakeStudy,
    OpenPage,
    centre,
    drag,
    finding_of,
    open_study,
    saved,
    study_of,
)

pytestmark = pytest.mark.browser

REASONS = [
    "vessel", "scar", "atelectasis", "artefact", "node", "duplicate", "benign_pattern", "other",
]  # fmt: skip


def test_one_key_accepts_and_the_server_has_it(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Accept")
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("a")
    saved(page)
    expect(page.get_by_test_id("active-state")).to_have_text("Accepted")
    expect(page.get_by_test_id("axial").get_by_test_id("mark-1")).to_have_attribute(
        "data-state", "confirmed"
    )
    finding = finding_of(page, uid, 1)
    assert (finding["state"], finding["decided_by"]) == ("confirmed", "reader")


@pytest.mark.parametrize("digit", [1, 8])
def test_x_and_a_digit_reject_with_the_reason(
    open_page: OpenPage, make_study: MakeStudy, digit: int
) -> None:
    uid = make_study(f"Reject {digit}")
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("x")
    expect(page.get_by_role("group", name="Reject because")).to_be_visible()
    page.keyboard.press(str(digit))
    saved(page)
    finding = finding_of(page, uid, 1)
    assert (finding["state"], finding["reject_reason"]) == ("rejected", REASONS[digit - 1])
    expect(page.get_by_test_id("axial").get_by_test_id("mark-1")).to_have_count(0)
    expect(page.get_by_test_id("window")).to_contain_text("Lung 1500")


def test_digits_are_presets_again_after_escape(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Presets")
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    for key, words in {
        "1": "400 / 40",
        "3": "2500 / 480",
        "4": "350 / 50",
        "2": "1500 / −600",
    }.items():
        page.keyboard.press(key)
        expect(page.get_by_test_id("window")).to_contain_text(words)
    assert finding_of(page, uid, 1)["state"] == "pending"


def test_a_drag_of_one_end_changes_the_size_on_the_server(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Resize")
    page = open_page()
    open_study(page, uid)
    before = finding_of(page, uid, 1)
    page.keyboard.press("e")
    expect(page.get_by_test_id("axes")).to_be_visible()
    drag(page, centre(page, "handle-1"), (60.0, 0.0))
    saved(page)
    after = finding_of(page, uid, 1)
    assert after["state"] == "corrected"
    assert after["long_mm"] > before["long_mm"] + 1
    assert after["short_mm"] == pytest.approx(before["short_mm"], abs=0.1)
    expect(page.get_by_test_id("active-size")).to_contain_text(f"{after['long_mm']:.1f} ×")
    expect(page.get_by_test_id("card")).to_contain_text("Corrected")


def test_arrows_move_an_end_by_a_tenth_of_a_millimetre(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Nudge")
    page = open_page()
    open_study(page, uid)
    before = finding_of(page, uid, 1)["long_mm"]
    page.keyboard.press("e")
    page.get_by_test_id("handle-1").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    saved(page)
    assert finding_of(page, uid, 1)["long_mm"] == pytest.approx(before + 1.3, abs=0.051)


def test_bidirectional_draws_the_axes_anew(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Bidirectional")
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("b")
    x, y = centre(page, "draw")
    drag(page, (x - 40, y), (90.0, 30.0))
    page.keyboard.press("Enter")
    saved(page)
    finding = finding_of(page, uid, 1)
    assert finding["short_mm"] == pytest.approx(finding["long_mm"] * 2 / 3, abs=0.1)
    assert finding["long_mm"] != 12.0


def test_plus_and_a_click_add_what_the_model_missed(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Add")
    page = open_page()
    open_study(page, uid)
    x, y = centre(page, "axial")
    page.keyboard.press("+")
    page.mouse.click(x - 120, y + 60)
    saved(page)
    added = finding_of(page, uid, 3)
    assert (added["state"], added["probability"]) == ("added", None)
    expect(page.get_by_test_id("active-state")).to_have_text("Added")
    mark = page.get_by_test_id("axial").get_by_test_id("mark-3")
    expect(mark.locator("circle").first).to_be_attached()


def test_undo_brings_back_exactly_what_was_before(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Undo")
    page = open_page()
    open_study(page, uid)
    kept = ("state", "long_mm", "short_mm", "long_axis_lps_mm", "center_lps_mm")
    before = {name: finding_of(page, uid, 1)[name] for name in kept}
    page.keyboard.press("e")
    drag(page, centre(page, "handle-1"), (50.0, 10.0))
    page.keyboard.press("Escape")
    saved(page)
    assert finding_of(page, uid, 1)["state"] == "corrected"
    page.keyboard.press("u")
    expect(page.get_by_test_id("active-state")).to_have_text("Undecided")
    _until(page, uid, lambda finding: finding["state"] == "pending")
    assert {name: finding_of(page, uid, 1)[name] for name in kept} == before


def _until(page: Page, uid: str, holds: Any) -> None:
    """Wait for the server to have taken an act: the page says so with "Saved"."""
    saved(page)
    assert holds(finding_of(page, uid, 1))


def test_reload_loses_nothing(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Reload")
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("a")
    page.keyboard.press("n")
    page.keyboard.press("x")
    page.keyboard.press("1")
    # Reloaded at once, sent or not.
    page.reload()
    expect(page.get_by_test_id("loaded")).to_contain_text("of slices shown")
    expect(page.get_by_test_id("active-state")).to_have_text("Accepted")
    expect(page.get_by_test_id("row-2")).to_have_attribute("data-state", "rejected")
    expect(page.get_by_test_id("before-signing")).not_to_contain_text("not sent yet")
    states = [finding["state"] for finding in study_of(page, uid)["findings"]]
    assert states == ["confirmed", "rejected"]


def test_a_readers_type_is_the_readers_and_unknown_stays_unknown(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Type")
    page = open_page()
    open_study(page, uid)
    card = page.get_by_test_id("card")
    expect(card).to_contain_text("Solid proposed")
    page.keyboard.press("n")
    expect(card).to_contain_text("not known")
    card.get_by_role("button", name="not known").click()
    card.get_by_role("button", name="Ground glass").click()
    saved(page)
    assert finding_of(page, uid, 2)["solidity"] == "ground_glass"
    expect(card).to_contain_text("Ground glass")
    expect(card).not_to_contain_text("proposed")
