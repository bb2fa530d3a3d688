"""How this was made, on the whole product: a phantom sent, read, reported and found in an archive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.peers.orthanc import Orthanc
from tests.review.seed import REPOSITORY
from tests.way.product import Product, until
from tests.web.conftest import PATIENCE_MS
from tests.web.test_accessibility import AXE, violations
from triage.phantom.chest import make_chest
from triage.phantom.dicom import write_series

pytestmark = [pytest.mark.browser, pytest.mark.orthanc, pytest.mark.timeout(900)]
NAME, PASSWORD = "plan-reader", "a-long-plan-password"
WALK = [
    "Judge series", "Choose series", "Find nodules", "Store findings", "Publish result",
    "Write report", "Deliver",
]  # fmt: skip


@dataclass
class Department:
    """The product with one delivered phantom study, and a signed-in browser."""

    url: str
    study_uid: str
    context: BrowserContext

    def page(self) -> Page:
        return self.context.new_page()


@pytest.fixture(scope="module")
def department(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Department]:
    if not (REPOSITORY / "web" / "dist" / "index.html").is_file():
        pytest.skip("the page is not built (make setup)")
    folder = tmp_path_factory.mktemp("plan")
    archive = Orthanc(folder / "orthanc", {"TRIAGE": 11112})
    archive.start()
    chest = make_chest(3, nodules=2, slices=110, matrix=160)
    write_series(chest, folder / "phantom", seed=3, patient_name="Phantom^A")
    data = folder / "data"
    data.mkdir()
    (data / "triage.toml").write_text(archive.toml("PACS-ARCHIVE"))
    product = Product(data, TRIAGE_QUIET_S="1")
    try:
        product.start()
        link = first_link(product)
        assert product.run("import", str(folder / "phantom")).returncode == 0
        url = f"http://127.0.0.1:{product.http_port}"
        yield Department(url, delivered(product), signed_in(browser, url, link))
    finally:
        product.stop()
        archive.stop()


def first_link(product: Product) -> str:
    made = product.run("user", "add", NAME)
    found = re.search(r"first=([\w-]+)", made.stdout)
    assert found, made.stdout + made.stderr
    return f"/login#first={found[1]}"


def delivered(product: Product) -> str:
    """Wait until the archive was asked and holds the report; the study's UID."""
    with product.client() as client:

        def held() -> str | None:
            answer = client.get("/api/worklist", params={"state": "all"}).raise_for_status()
            for item in answer.json()["items"]:
                plan = client.get(f"/api/studies/{item['study_uid']}/plan").raise_for_status()
                if any(effect["state"] == "done" for effect in plan.json()["effects"]):
                    return str(item["study_uid"])
            return None

        return str(until("the report is in the archive", held, 400))


def signed_in(browser: Browser, url: str, link: str) -> BrowserContext:
    context = browser.new_context(base_url=url, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(link)
    for label in ("New password, at least 10 characters", "New password again"):
        page.get_by_label(label, exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Set password and sign in").click()
    expect(page.get_by_role("grid")).to_be_visible()
    page.close()
    return context


def test_from_the_worklist_every_step_is_walked_by_keys(department: Department) -> None:
    page = department.page()
    page.goto("/")
    page.get_by_role("complementary", name="Phantom^A").get_by_role(
        "link", name="How this was made"
    ).click()
    expect(page.get_by_text("from last image to found in the archive")).to_be_visible()
    page.keyboard.press("n")
    for at, title in enumerate(WALK):
        if at:
            page.keyboard.press("ArrowRight")
        expect(page.get_by_role("complementary", name=title)).to_be_visible()
    side = page.get_by_role("complementary", name="Deliver")
    expect(side).to_contain_text("PACS-ARCHIVE")
    expect(side).to_contain_text("holds it at")
    expect(side).to_contain_text("sop uid")
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{department.url}/")


def test_from_the_viewer_the_model_and_the_tools_are_named(department: Department) -> None:
    page = department.page()
    page.goto(f"/study/{department.study_uid}")
    page.get_by_test_id("panel").get_by_role("link", name="How this was made").click()
    page.get_by_role("button", name="Find nodules done.").click()
    side = page.get_by_role("complementary", name="Find nodules")
    expect(side).to_contain_text(re.compile(r"Model[0-9a-f]{16}"))
    expect(side.get_by_role("listitem")).to_have_count(2)
    expect(side).to_contain_text(re.compile(r"\d+ findings?, (whole lung|partly) assessed"))
    expect(side).to_contain_text("Waiting for a person")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("panel")).to_be_visible()


def test_the_page_of_a_real_walk_is_accessible(department: Department) -> None:
    page = department.page()
    page.goto(f"/study/{department.study_uid}/plan")
    expect(page.locator("[data-node]").first).to_be_visible()
    assert violations(page, Path(AXE).read_text(encoding="utf-8")) == []
