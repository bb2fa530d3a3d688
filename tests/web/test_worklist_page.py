"""The worklist: sign-in, order in words, keys, states that never look like nothing found."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.web.conftest import MakeStudy, OpenPage, Server, search
from triage.guard.credentials import new_token
from triage.store import account_rows

pytestmark = pytest.mark.browser


def test_nobody_sees_a_study_without_signing_in(browser: Browser, server: Server) -> None:
    context = browser.new_context(base_url=server.url)
    page = context.new_page()
    page.goto("/")
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("Name").fill("reader")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Name or password is wrong.")
    expect(page.get_by_text("Research use only")).to_be_visible()
    context.close()


def test_a_first_login_link_sets_a_password_once(browser: Browser, server: Server) -> None:
    token, digest = new_token()
    store = server.store
    with store.unit_of_work() as uow:
        account_rows.add_user(
            uow, "newcomer", "radiologist", display_name="newcomer", password_hash="", actor="test"
        )
        account_rows.add_credential(
            uow, account_rows.FIRST_LOGIN, "newcomer", digest, expires_at=None
        )
    store.close()
    context = browser.new_context(base_url=server.url)
    page = context.new_page()
    page.goto(f"/login#first={token}")
    page.get_by_label("New password, at least").fill("a long password")
    page.get_by_label("New password again").fill("a long password")
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("grid")).to_be_visible()
    expect(page.get_by_text("newcomer")).to_be_visible()
    again = browser.new_context(base_url=server.url).new_page()
    again.goto(f"/login#first={token}")
    again.get_by_label("New password, at least").fill("another password")
    again.get_by_label("New password again").fill("another password")
    again.get_by_role("button", name="Set password").click()
    expect(again.get_by_role("alert")).to_contain_text("This link was used")
    again.context.close()
    context.close()


def test_not_assessed_and_partly_assessed_never_look_like_nothing_found(
    open_page: OpenPage,
) -> None:
    page = open_page()
    for patient_id, says in {
        "PH-104240": ["Not assessed", "Read this study as without AI"],
        "PH-102766": ["Partly assessed"],
        "PH-104101": [
            "No nodule found, whole lung assessed",
            "Whole lung assessed, no nodule found",
        ],
    }.items():
        # One at a time: a row far down a list that other tests have filled is not on the page.
        page.get_by_role("searchbox").or_(page.get_by_placeholder("Name")).first.fill(patient_id)
        row = page.get_by_role("row").filter(has_text=patient_id)
        row.click()
        expect(row).to_have_attribute("aria-selected", "true")
        for words in says:
            expect(page.locator("body")).to_contain_text(words)
        if patient_id != "PH-104101":
            expect(row).not_to_contain_text("No nodule")
            expect(page.get_by_role("complementary")).not_to_contain_text("no nodule found")


def test_keys_move_search_filter_and_open(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Keys of the list")
    page = open_page()
    search(page, "Keys")
    rows = page.get_by_role("row").filter(has_text="Keys of the list")
    expect(rows).to_have_count(1)
    expect(page.get_by_role("row").filter(has_text="Phantom^B")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("row").filter(has_text="Phantom^B")).to_have_count(1)
    chosen = page.locator("[role=row][aria-selected=true]")
    first = chosen.get_attribute("id")
    page.keyboard.press("ArrowDown")
    expect(chosen).not_to_have_attribute("id", first or "")
    page.keyboard.press("ArrowUp")
    expect(chosen).to_have_attribute("id", first or "")
    search(page, "Keys")
    rows.click()
    page.keyboard.press("c")
    expect(rows).to_contain_text("reader")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(uid)))
    expect(page.get_by_test_id("axial")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("grid")).to_be_visible()
    # Back on the row the reader came from.
    expect(page.locator(f"[id='study-{uid}']")).to_have_attribute("aria-selected", "true")


def test_new_studies_wait_until_the_next_key_and_rows_stay_under_the_selection(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    page = open_page()
    rows = page.locator("[role=row][id]")
    search(page, "Phantom^")
    chosen = page.get_by_role("row").filter(has_text="Phantom^J")
    chosen.click()
    expect(chosen).to_have_attribute("aria-selected", "true")
    ids = "rows => rows.map(row => row.id)"
    before = rows.evaluate_all(ids)
    make_study("Phantom^Z")
    expect(page.get_by_role("button", name=re.compile(r"^\d+ new$"))).to_be_visible()
    assert rows.evaluate_all(ids) == before
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("row").filter(has_text="Phantom^Z")).to_be_visible()


def test_a_list_that_cannot_be_loaded_says_so(open_page: OpenPage) -> None:
    page = open_page()
    page.route("**/api/worklist*", lambda route: route.fulfill(status=503, body=""))
    page.reload()
    expect(page.get_by_text("The list could not be loaded")).to_be_visible()
    page.unroute("**/api/worklist*")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("row").filter(has_text="Phantom^B")).to_be_visible()
