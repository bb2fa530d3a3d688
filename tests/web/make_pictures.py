"""Pictures of the page for the documents, from a running seeded server (phantom data only).

Run::

    .venv/bin/python -m tests.review.seed --data /tmp/seed --port 8010   # in another terminal
    .venv/bin/python -m tests.web.make_pictures http://127.0.0.1:8010 docs/pictures
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.conftest import CHROMIUM, CHROMIUM_FLAGS

ANSWERS = (
    ("purpose", "Screening"),
    ("prior_ct", "None"),
    ("known_lung_cancer", "No"),
    ("lungs_fully_evaluable", "Yes"),
    ("inflammatory_infectious_suspected", "No"),
)
SIZES = {"": (1440, 900), "-1024": (1024, 768)}


def take(page: Page, folder: Path, suffix: str) -> None:
    """Worklist and viewer of the phantom study that has pixels."""
    page.goto("/login")
    page.get_by_label("Name").fill("reader")
    page.get_by_label("Password", exact=True).fill("reader-password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("row").filter(has_text="Phantom^A").click()
    # The brackets come with the picture.
    expect(page.locator("img[alt='Finding 1, axial'] + svg")).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.screenshot(path=folder / f"worklist{suffix}.png")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("loaded")).to_contain_text("of slices shown", timeout=60_000)
    page.screenshot(path=folder / f"viewer{suffix}.png")
    report(page)
    page.screenshot(path=folder / f"report{suffix}.png")


def report(page: Page) -> None:
    """The report of the same study: two accepted, one of them part-solid, and two rejected."""
    for keys in ("a", "na", "nx1", "nx4"):
        for key in keys:
            page.keyboard.press(key)
        expect(page.get_by_test_id("saved")).not_to_contain_text("not sent")
    page.keyboard.press("Enter")
    questions = page.get_by_test_id("questions")
    for field, answer in ANSWERS:
        group = questions.locator(f"[data-field={field}]")
        group.get_by_text(answer, exact=True).click()
        expect(group).to_contain_text("answered by you")
    part = page.get_by_test_id("solid-2").get_by_role("textbox")
    part.first.fill("6.5")
    part.last.fill("5.0")
    part.last.press("Enter")
    page.get_by_test_id("decision-1").get_by_role("button").click()
    expect(page.get_by_test_id("assessment")).to_contain_text("Lung-RADS v2022")
    expect(page.get_by_test_id("report-text")).to_contain_text("prelim.")
    page.wait_for_load_state("networkidle")


def main() -> None:
    """Both sizes, into the folder named."""
    url, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_FLAGS)
        for suffix, (width, height) in SIZES.items():
            context = browser.new_context(base_url=url, viewport={"width": width, "height": height})
            take(context.new_page(), folder, suffix)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
