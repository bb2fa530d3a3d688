"""Signing: what is missing is said, seen marks are closed as dismissed, questions start empty."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.conftest import MakeStudy, OpenPage, open_study, saved, study_of

pytestmark = pytest.mark.browser


def test_enter_twice_signs_when_all_is_decided(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Sign", marks=1)
    page = open_page()
    open_study(page, uid)
    expect(page.get_by_test_id("before-signing")).to_contain_text("Decide 1 finding")
    page.keyboard.press("a")
    saved(page)
    expect(page.get_by_test_id("before-signing")).to_contain_text("All findings decided")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("sign-panel")).to_contain_text("Whole lung assessed")
    with page.expect_response(lambda answer: answer.url.endswith("/sign")) as signed:
        page.keyboard.press("Enter")
    assert signed.value.status == 200
    study = study_of(page, uid)
    assert (study["state"], study["signed_by"]) == ("signed", "reader")


def test_seen_marks_are_closed_as_dismissed_and_unseen_ones_lock_the_signature(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Dismiss")
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("Enter")
    panel = page.get_by_test_id("panel")
    expect(panel).to_contain_text("Finding 2 was not on screen yet")
    expect(page.get_by_test_id("lock")).to_contain_text("every mark was on screen")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    # Seen is what was on the screen, not what was asked for.
    expect(page.get_by_test_id("axial").get_by_test_id("mark-2")).to_be_visible()
    page.keyboard.press("Enter")
    expect(panel).to_contain_text("2 marks seen, not decided")
    expect(panel).to_contain_text("Signing closes them as dismissed")
    with page.expect_response(lambda answer: answer.url.endswith("/sign")):
        page.keyboard.press("Enter")
    study = study_of(page, uid)
    assert study["state"] == "signed"
    assert {finding["state"] for finding in study["findings"]} == {"dismissed"}


def test_no_answer_is_chosen_beforehand_and_an_answer_is_the_readers(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Context")
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("Enter")
    questions = page.get_by_test_id("questions")
    expect(questions).to_contain_text("Purpose")
    expect(questions.get_by_role("radio", checked=True)).to_have_count(0)
    questions.get_by_text("Screening", exact=True).click()
    saved(page)
    purpose = study_of(page, uid)["context"]["purpose"]
    assert (purpose["value"], purpose["source"], purpose["by"]) == (
        "screening_ldct", "reader", "reader",
    )  # fmt: skip
    expect(questions).to_contain_text("answered by you")
    expect(questions).to_contain_text("Prior CT")
    expect(questions.get_by_role("radio", checked=True)).to_have_count(1)


def test_nobody_signs_what_another_reader_changed_meanwhile(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Changed", marks=1)
    mine, theirs = open_page("reader"), open_page("second")
    open_study(mine, uid)
    mine.keyboard.press("a")
    saved(mine)
    # The line of changes is cut for this reader: the page does not know of the other's act.
    mine.route("**/api/events*", lambda route: route.abort())
    mine.reload()
    expect(mine.get_by_test_id("active-state")).to_have_text("Accepted")
    open_study(theirs, uid)
    theirs.keyboard.press("x")
    theirs.keyboard.press("1")
    saved(theirs)
    mine.keyboard.press("Enter")
    mine.keyboard.press("Enter")
    expect(mine.get_by_test_id("panel")).to_contain_text("A finding was changed after you looked")
    assert study_of(mine, uid)["state"] != "signed"


def test_an_administrator_may_look_but_not_decide_or_sign(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Admin")
    page = open_page("admin")
    open_study(page, uid)
    expect(page.get_by_role("button", name="Accept")).to_be_disabled()
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("lock")).to_have_text("Your role may not sign.")
    assert study_of(page, uid)["findings"][0]["state"] == "pending"
