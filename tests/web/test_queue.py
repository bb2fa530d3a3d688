"""Decisions when the connection or another reader stands in between: nothing is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.conftest import MakeStudy, OpenPage, finding_of, open_study, saved

pytestmark = pytest.mark.browser


def _cut(page: Page) -> None:
    page.route("**/api/findings/**", lambda route: route.abort("internetdisconnected"))


def test_decisions_wait_while_offline_and_are_sent_by_themselves(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Offline")
    page = open_page()
    open_study(page, uid)
    _cut(page)
    page.keyboard.press("a")
    page.keyboard.press("n")
    page.keyboard.press("x")
    page.keyboard.press("2")
    expect(page.get_by_test_id("panel")).to_contain_text("No connection since")
    expect(page.get_by_test_id("panel")).to_contain_text("2 decisions are kept on this computer")
    expect(page.get_by_test_id("saved")).to_contain_text("2 not sent yet")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("lock")).to_have_text("Signing waits for the connection.")
    page.keyboard.press("Escape")
    assert finding_of(page, uid, 1)["state"] == "pending"
    page.unroute("**/api/findings/**")
    saved(page)
    assert finding_of(page, uid, 1)["state"] == "confirmed"
    assert finding_of(page, uid, 2)["reject_reason"] == "scar"


def test_what_was_not_sent_survives_a_reload(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Offline reload")
    page = open_page()
    open_study(page, uid)
    _cut(page)
    page.keyboard.press("a")
    expect(page.get_by_test_id("saved")).to_contain_text("1 not sent yet")
    page.unroute("**/api/findings/**")
    page.reload()
    expect(page.get_by_test_id("active-state")).to_contain_text("Accepted")
    saved(page)
    assert finding_of(page, uid, 1)["state"] == "confirmed"


def test_an_answer_that_got_lost_does_not_decide_twice(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Lost answer")
    page = open_page()
    open_study(page, uid)
    answers: list[int] = []

    def lose(route: Route) -> None:
        answer = route.fetch()
        answers.append(answer.status)
        if len(answers) == 1:
            # The server has it, the page never hears so.
            route.abort("connectionreset")
        else:
            route.fulfill(response=answer)

    page.route("**/decisions", lose)
    page.keyboard.press("a")
    saved(page)
    finding = finding_of(page, uid, 1)
    assert (answers, finding["state"], finding["version"]) == ([200, 200], "confirmed", 2)


@pytest.mark.parametrize(
    ("choice", "state"),
    [("Keep mine", "rejected"), ("Take theirs", "confirmed"), ("Leave undecided", "pending")],
)
def test_two_readers_on_one_finding_see_both_and_choose(
    open_page: OpenPage, make_study: MakeStudy, choice: str, state: str
) -> None:
    uid = make_study(f"Conflict {choice}")
    mine, theirs = open_page("reader"), open_page("second")
    open_study(mine, uid)
    open_study(theirs, uid)
    _cut(mine)
    mine.keyboard.press("x")
    mine.keyboard.press("1")
    expect(mine.get_by_test_id("saved")).to_contain_text("1 not sent yet")
    theirs.keyboard.press("a")
    saved(theirs)
    mine.unroute("**/api/findings/**")
    conflict = mine.get_by_test_id("conflict")
    expect(conflict).to_contain_text("Accepted")
    expect(conflict).to_contain_text("Rejected: vessel")
    expect(conflict).to_contain_text("second")
    assert finding_of(mine, uid, 1)["state"] == "confirmed"
    conflict.get_by_role("button", name=choice).click()
    expect(conflict).to_have_count(0)
    expect(mine.get_by_test_id("before-signing")).not_to_contain_text("not sent yet")
    assert finding_of(mine, uid, 1)["state"] == state


def test_another_readers_act_appears_by_itself(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Live")
    mine, theirs = open_page("reader"), open_page("second")
    open_study(mine, uid)
    open_study(theirs, uid)
    theirs.keyboard.press("a")
    expect(mine.get_by_test_id("active-state")).to_have_text("Accepted")


def test_two_tabs_of_one_browser_share_one_line_of_changes(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Tabs")
    first = open_page()
    open_study(first, uid)
    lines: list[str] = []
    second = first.context.new_page()
    second.on("request", lambda request: lines.append(request.url))
    open_study(second, uid)
    expect(second.get_by_text("Live", exact=True)).to_be_visible()
    assert [url for url in lines if "/api/events" in url] == []
    third = open_page("second")
    open_study(third, uid)
    third.keyboard.press("a")
    expect(second.get_by_test_id("active-state")).to_have_text("Accepted")
    # The tab that listens closes; the other takes over.
    first.close()
    third.keyboard.press("u")
    expect(second.get_by_test_id("active-state")).to_have_text("Undecided")
