"""axe in the real browser, WCAG 2.2 A and AA: no violation on any page, at both sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.review.seed import REPOSITORY
from tests.web.conftest import MakeStudy, OpenPage, Server, open_study

pytestmark = pytest.mark.browser

AXE = REPOSITORY / "web" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
SIZES = [(1440, 900), (1024, 768)]


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe; it comes with the page's own packages."""
    if not AXE.is_file():
        pytest.skip("web/node_modules is not installed (make setup)")
    return Path(AXE).read_text(encoding="utf-8")


def violations(page: Page, axe: str) -> list[str]:
    # Runs in the page without a script tag, which the page's own policy would refuse.
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, { runOnly: { type: 'tag', values: tags } })", TAGS
    )
    assert found["passes"], "axe checked nothing"
    return [
        f"{rule['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def test_login(browser: Browser, server: Server, axe: str) -> None:
    context = browser.new_context(base_url=server.url)
    page = context.new_page()
    page.goto("/login")
    expect(page.get_by_label("Name")).to_be_visible()
    assert violations(page, axe) == []
    context.close()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_worklist(open_page: OpenPage, axe: str, width: int, height: int) -> None:
    page = open_page(width=width, height=height)
    expect(page.get_by_role("row").filter(has_text="Phantom^")).not_to_have_count(0)
    assert violations(page, axe) == []


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_viewer(
    open_page: OpenPage, make_study: MakeStudy, axe: str, width: int, height: int
) -> None:
    uid = make_study(f"Axe {width}")
    page = open_page(width=width, height=height)
    open_study(page, uid)
    assert violations(page, axe) == []
    page.keyboard.press("x")
    assert violations(page, axe) == []
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    assert violations(page, axe) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("sign-panel")).to_be_visible()
    assert violations(page, axe) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page, axe) == []
