"""The report page: text from the server with its sources, its states, and the way to sign."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.web.conftest import (
    MakeStudy,
    OpenPage,
    finding_of,
    open_study,
    saved,
    study_of,
)
from tests.web.report import answer, part_solid, reopen, report_of, sign, text_of, value
from triage.core.finding import ResultStatus

pytestmark = pytest.mark.browser

# ---------------------------------------------------------------- text


def test_the_text_follows_every_decision_until_it_is_signed(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Report", marks=1)
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("Enter")
    stage = page.get_by_test_id("report-stage")
    expect(stage).to_have_text("preliminary until signed")
    expect(text_of(page)).to_contain_text("no nodule accepted so far, 1 mark undecided")
    expect(text_of(page)).to_contain_text("Purpose: not known")
    answer(page)
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    saved(page)
    page.keyboard.press("Enter")
    expect(text_of(page)).to_contain_text("Whole lung assessed: 1 nodule.")
    expect(text_of(page)).to_contain_text("category 4A prelim., from finding 1.")
    expect(page.get_by_test_id("assessment")).to_contain_text("solid 8 to < 15 mm, baseline")
    sign(page)
    reopen(page, uid)
    expect(stage).to_contain_text("signed by R. Reader")
    expect(text_of(page)).to_contain_text("category 4A, from finding 1.")
    expect(text_of(page)).not_to_contain_text("prelim.")
    expect(page.get_by_test_id("lock")).to_contain_text("A decision now makes an amendment")


def test_an_amendment_is_numbered(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Amended", marks=1)
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("a")
    saved(page)
    page.keyboard.press("Enter")
    sign(page)
    open_study(page, uid)
    page.keyboard.press("x")
    page.keyboard.press("1")
    saved(page)
    page.keyboard.press("Enter")
    stage = page.get_by_test_id("report-stage")
    expect(stage).to_have_text("preliminary, amendment 1")
    expect(text_of(page)).to_contain_text("no nodule found")
    sign(page)
    reopen(page, uid)
    expect(stage).to_contain_text("amendment 1")
    expect(stage).to_contain_text("signed by R. Reader")


@pytest.mark.parametrize("status", [ResultStatus.NOT_ASSESSED, ResultStatus.PARTLY_ASSESSED])
def test_what_was_not_looked_at_is_never_nothing_found(
    open_page: OpenPage, make_study: MakeStudy, status: ResultStatus
) -> None:
    reason = {"code": "slices_too_thick", "message": "slices 5.0 mm, limit 3.0 mm"}
    uid = make_study(f"Report {status.value}", marks=0, status=status, reasons=(reason,))
    page = open_page()
    reopen(page, uid)
    expect(text_of(page)).to_contain_text("slices 5.0 mm, limit 3.0 mm")
    expect(page.get_by_test_id("sign-panel")).not_to_contain_text("No nodule found")
    expect(text_of(page)).not_to_contain_text("no nodule found")
    words = {"not_assessed": "Not assessed", "partly_assessed": "Partly assessed"}[status.value]
    expect(page.get_by_test_id("panel").locator("[data-anchor=result]")).to_contain_text(words)
    expect(page.get_by_test_id("decisions")).to_contain_text("No marks")


def test_a_dotted_value_leads_to_its_source(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Sources")
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("a")
    page.keyboard.press("n")
    page.keyboard.press("a")
    saved(page)
    page.keyboard.press("Enter")
    first = finding_of(page, uid, 1)["finding_id"]
    expect(page.get_by_role("img", name="Finding 2, axial")).to_be_visible()
    value(page, source="finding", name=first, field="mean_mm").click()
    expect(page.get_by_role("img", name="Finding 1, axial")).to_be_visible()
    expect(page.get_by_test_id("key-axes")).to_contain_text("12.0")
    picked = page.get_by_test_id("decision-1").get_by_role("button")
    expect(picked).to_have_attribute("aria-current", "true")
    expect(picked).to_be_focused()
    value(page, source="context", name="purpose").click()
    question = page.get_by_test_id("questions").locator("[data-field=purpose]")
    expect(question).to_be_focused()
    expect(question).to_have_attribute("data-pointed", "true")
    # By keyboard: Enter on a value follows it and signs nothing.
    value(page, source="assessment").first.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("assessment")).to_be_focused()
    assert study_of(page, uid)["state"] == "in_review"


def test_the_text_is_copied_as_it_stands(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Copy", marks=1)
    page = open_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    reopen(page, uid)
    page.get_by_role("button", name="Copy text").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == report_of(page, uid)["text"]
    # A text that has changed is not the one that was copied.
    answer(page)
    expect(page.get_by_role("button", name="Copy text")).to_be_visible()


def test_a_refused_clipboard_is_said_in_place(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Clipboard", marks=1)
    page = open_page()
    reopen(page, uid)
    page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')) }"
    )
    page.get_by_role("button", name="Copy text").click()
    expect(page.get_by_test_id("copy-outcome")).to_contain_text("Not copied")


# ---------------------------------------------------------------- states


def test_a_mark_that_was_not_seen_is_one_press_away(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Unseen")
    page = open_page()
    reopen(page, uid)
    expect(page.get_by_test_id("lock")).to_contain_text("every mark was on screen")
    page.get_by_role("button", name="Look at finding 2").click()
    expect(page.get_by_test_id("axial").get_by_test_id("mark-2")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("panel")).to_contain_text("2 marks seen, not decided")
    expect(page.get_by_test_id("decision-2")).to_contain_text("Dismissed on signing")
    expect(page.get_by_test_id("lock")).to_have_text("Signed as R. Reader.")


def test_what_is_seen_on_the_report_does_not_count_as_looked_at(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Not looked at")
    page = open_page()
    reopen(page, uid)
    page.keyboard.press("n")
    expect(page.get_by_role("img", name="Finding 2, axial")).to_be_visible()
    for key in ("End", "PageUp", "ArrowUp", "a", "x", "1"):
        page.keyboard.press(key)
    expect(page.get_by_test_id("panel")).to_contain_text("Finding 2 was not on screen yet")
    page.keyboard.press("p")
    expect(page.get_by_role("img", name="Finding 1, axial")).to_be_visible()
    page.keyboard.press("Escape")
    with page.expect_response(lambda one: one.url.endswith("/seen")):
        page.keyboard.press("Escape")
    study = study_of(page, uid)
    # Slice 20 of the seed, counted from the feet: that of finding 1.
    assert study["seen"]["slices"] == [[20, 20]]
    assert {one["state"] for one in study["findings"]} == {"pending"}


def test_offline_acts_are_not_in_the_text_and_lock_the_signature(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Report offline", marks=1)
    page = open_page()
    open_study(page, uid)
    page.route("**/api/findings/**", lambda route: route.abort("internetdisconnected"))
    page.keyboard.press("a")
    page.keyboard.press("Enter")
    expect(text_of(page)).to_contain_text("1 act is not sent yet and not in this text")
    expect(page.get_by_test_id("panel")).to_contain_text("No connection since")
    expect(page.get_by_test_id("lock")).to_have_text("Signing waits for the connection.")
    expect(page.get_by_role("button", name="Sign")).to_be_disabled()
    page.unroute("**/api/findings/**")
    expect(text_of(page)).to_contain_text("Whole lung assessed: 1 nodule.")
    expect(text_of(page)).not_to_contain_text("not sent yet")


def test_a_text_that_cannot_be_loaded_says_so_and_signing_goes_on(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Report fails", marks=1)
    page = open_page()
    words = {"title": "Not Found", "detail": "no such thing", "code": "x", "type": "x"}
    problem = words | {"status": 404}

    def refuse(route: Route) -> None:
        route.fulfill(status=404, json=problem)

    page.route("**/report", refuse)
    open_study(page, uid)
    page.keyboard.press("a")
    saved(page)
    page.keyboard.press("Enter")
    expect(text_of(page)).to_contain_text("The text of the report could not be loaded")
    expect(text_of(page)).to_contain_text("signed as they stand")
    with page.expect_response("**/report"):
        page.get_by_role("button", name="Try again").click()
    page.unroute("**/report")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(text_of(page)).to_contain_text("Whole lung assessed: 1 nodule.")
    page.route("**/report", refuse)
    sign(page)
    assert study_of(page, uid)["state"] == "signed"


def test_nobody_signs_an_answer_that_another_reader_changed(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Answer changed", marks=1)
    mine, theirs = open_page("reader"), open_page("second")
    open_study(mine, uid)
    mine.keyboard.press("a")
    saved(mine)
    # The line of changes is cut for this reader: the page does not know of the other's answer.
    mine.route("**/api/events*", lambda route: route.abort())
    reopen(mine, uid)
    reopen(theirs, uid)
    theirs.get_by_test_id("questions").get_by_text("Screening", exact=True).click()
    saved(theirs)
    mine.keyboard.press("Enter")
    expect(mine.get_by_test_id("panel")).to_contain_text("An answer was changed after you looked")
    assert study_of(mine, uid)["state"] != "signed"
    # The answer is on the screen now: the next Enter signs it.
    expect(mine.get_by_test_id("questions")).to_contain_text("answered by second")
    sign(mine)


def test_the_servers_own_refusal_is_shown(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Refused", marks=1)
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("a")
    saved(page)
    page.keyboard.press("Enter")

    def two_at_once(route: Route) -> None:
        # Another reader signs in the very moment: the real server refuses the second.
        first = route.fetch()
        assert first.status == 200
        route.fulfill(response=route.fetch())

    page.route("**/sign", two_at_once)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("panel")).to_contain_text("Not signed")
    expect(page.get_by_test_id("panel")).to_contain_text("signed already by reader")


def test_who_may_not_decide_changes_nothing(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Looks only", marks=[part_solid()])
    page = open_page("admin")
    reopen(page, uid)
    expect(page.get_by_test_id("lock")).to_have_text("Your role may not sign.")
    expect(text_of(page)).to_contain_text("1 mark undecided")
    for field in page.get_by_test_id("decision-1").get_by_role("textbox").all():
        expect(field).to_be_disabled()
    for choice in page.get_by_test_id("questions").get_by_role("radio").all():
        expect(choice).to_be_disabled()


def test_keys_lead_there_and_back(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Report keys", marks=1)
    page = open_page()
    reopen(page, uid)
    report = page.get_by_test_id("sign-panel")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(report).to_be_visible()
    page.keyboard.press("e")
    expect(page.get_by_test_id("axes")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(report).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("card")).to_be_visible()
