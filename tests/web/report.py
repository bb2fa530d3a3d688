"""What tests of the report page share: its parts, and the ways in and out."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.review.seed import Mark, ball
from tests.web.conftest import open_study, read
from triage.core.finding import Solidity

SCREENING = {
    "purpose": "Screening", "prior_ct": "None", "known_lung_cancer": "No",
    "lungs_fully_evaluable": "Yes", "inflammatory_infectious_suspected": "No",
}  # fmt: skip


def report_of(page: Page, uid: str) -> Any:
    return read(page, f"/api/studies/{uid}/report")


def text_of(page: Page) -> Locator:
    return page.get_by_test_id("report-text")


def value(page: Page, **source: str) -> Locator:
    """Dotted values of the text by their source."""
    wanted = "".join(f"[data-{name}='{said}']" for name, said in source.items())
    return text_of(page).locator(f"button{wanted}")


def answer(page: Page) -> None:
    for field, words in SCREENING.items():
        group = page.get_by_test_id("questions").locator(f"[data-field={field}]")
        group.get_by_text(words, exact=True).click()
        expect(group).to_contain_text("answered by you")


def sign(page: Page) -> None:
    with page.expect_response(lambda one: one.url.endswith("/sign")) as signed:
        page.keyboard.press("Enter")
    assert signed.value.status == 200


def reopen(page: Page, uid: str) -> None:
    """The report of a study, opened anew."""
    open_study(page, uid)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("sign-panel")).to_be_visible()


def part_solid() -> Mark:
    _, mark = ball()
    return Mark(mark.center_lps_mm, 12.0, 10.0, Solidity.PART_SOLID, 0.97, "left_lower")
