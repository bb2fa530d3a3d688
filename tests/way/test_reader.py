"""A reader's morning: a real CT from the sender to a signed report in the archive, in a browser.

Real parts throughout: dcmtk sends LIDC-IDRI-0001, the product runs as `triage up`, Chromium shows
the page, Orthanc is the archive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.peers.orthanc import Orthanc
from tests.way.product import Product, truth_of, unpack, until
from tests.way.test_report import sizes_of
from tests.web.conftest import centre, drag, finding_of, read, saved, study_of

pytestmark = [
    pytest.mark.browser, pytest.mark.orthanc, pytest.mark.real, pytest.mark.timeout(900),
]  # fmt: skip
CASE = "LIDC-IDRI-0001"
PASSWORD = "a-long-reading-password"
# What a screening CT needs to be known, by the words of the page.
ANSWERS = (
    ("purpose", "Screening"),
    ("prior_ct", "None"),
    ("lungs_fully_evaluable", "Yes"),
    ("inflammatory_infectious_suspected", "No"),
    ("known_lung_cancer", "No"),
)


@dataclass
class Department:
    """The product with a real study on its worklist, and its archive."""

    product: Product
    archive: Orthanc
    study_uid: str
    first_links: dict[str, str]


@pytest.fixture(scope="module")
def department(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Department]:
    folder = tmp_path_factory.mktemp("reader")
    archive = Orthanc(folder / "orthanc", {"TRIAGE": 11112})
    archive.start()
    data = folder / "data"
    data.mkdir()
    (data / "triage.toml").write_text(archive.toml("archive"))
    # The demonstration's reader account without its phantom: a study is there before `ready`.
    product = Product(data, TRIAGE_QUIET_S="1", TRIAGE_DEMO="on")
    _, truth = truth_of(shared_data, CASE)
    series = unpack(shared_data / truth["file"], folder / "send")
    try:
        assert product.run("import", str(series)).returncode == 0
        product.start()
        links = until("the first links are printed", lambda: links_of(product))
        with product.client() as client:

            def ready() -> str | None:
                answer = client.get("/api/worklist", params={"state": "all"}).raise_for_status()
                for item in answer.json()["items"]:
                    if item["state"] == "ready":
                        return str(item["study_uid"])
                return None

            yield Department(product, archive, until("ready", ready, 300), links)
    finally:
        product.stop()
        archive.stop()


def links_of(product: Product) -> dict[str, str] | None:
    """The one-time links that `triage up` prints, by account."""
    found = dict(re.findall(r"first login as (\w+) .*: (http\S+)", "\n".join(product.lines)))
    return found if "reader" in found else None


def answer_context(page: Page) -> None:
    """Answer every question of a screening CT; nothing is chosen beforehand."""
    questions = page.get_by_test_id("questions")
    for question, answer in ANSWERS:
        group = questions.locator(f"[data-field={question}]")
        expect(group.get_by_role("radio", checked=True)).to_have_count(0)
        group.get_by_text(answer, exact=True).click()
        saved(page)


def test_a_reader_decides_signs_and_the_archive_has_it(
    department: Department, browser: Browser
) -> None:
    uid = department.study_uid
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()

    # Log in by the one-time link, and open the study from the worklist with the keyboard alone.
    page.goto(department.first_links["reader"])
    for name in ("New password, at least 10 characters", "New password again"):
        page.get_by_role("textbox", name=name).fill(PASSWORD)
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_role("grid")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/study/{uid}")
    expect(page.get_by_test_id("loaded")).to_contain_text("of slices shown")

    # The page stands on the first finding: accept it with one key.
    found = study_of(page, uid)["findings"]
    assert len(found) >= 2, "this test needs a second mark to correct"
    page.keyboard.press("a")
    saved(page)
    assert finding_of(page, uid, 1)["state"] == "confirmed"

    # Jump to the second, and resize it: the drag's size is the server's.
    page.keyboard.press("n")
    expect(page.get_by_test_id("row-1")).to_be_visible()
    page.keyboard.press("e")
    drag(page, centre(page, "handle-1"), (40.0, 0.0))
    page.keyboard.press("Escape")
    saved(page)
    corrected = finding_of(page, uid, 2)
    assert corrected["state"] == "corrected"
    assert corrected["long_mm"] != found[1]["long_mm"]

    # Add one that was missed, at the other side of the slice.
    x, y = centre(page, "axial")
    page.keyboard.press("+")
    page.mouse.click(x - 130, y + 40)
    saved(page)
    added = [one for one in study_of(page, uid)["findings"] if one["state"] == "added"]
    assert len(added) == 1

    # The rest are no nodules.
    for number in [one["number"] for one in found[2:]]:
        page.get_by_test_id(f"row-{number}").click()
        page.keyboard.press("x")
        page.keyboard.press("1")
        saved(page)
    expect(page.get_by_test_id("before-signing")).to_contain_text("All findings decided")

    # Answer what the rules need, sign.
    page.keyboard.press("Enter")
    answer_context(page)
    with page.expect_response(lambda answer: answer.url.endswith("/sign")) as signed:
        page.keyboard.press("Enter")
    assert signed.value.status == 200

    # The report lies in the archive with the reader's size, and counts as sent only then.
    def sent() -> dict[str, Any] | None:
        outputs = read(page, f"/api/studies/{uid}")["outputs"]
        final = [o for o in outputs if o["status"] == "final" and o["delivery"] == "sent"]
        return final[0] if final else None

    report = until("the final report is in the archive", sent, 240)
    [document] = [
        d for d in department.archive.instances() if d.SOPInstanceUID == report["sop_uid"]
    ]
    assert document.PreliminaryFlag == "FINAL"
    assert any(
        size == pytest.approx(corrected["long_mm"], abs=0.01)
        for size in sizes_of(document).values()
    )
    assert study_of(page, uid)["state"] == "signed"

    # The signed decisions lie in the fine-tuning queue, each with what it teaches.
    queue = read(page, "/api/learning/queue")["items"]
    mine = {one["number"]: one for one in queue if one["study_uid"] == uid}
    assert all(one["reader"] == "reader" and one["state"] == "queued" for one in mine.values())
    assert mine[1]["kind"] == mine[2]["kind"] == "positive"
    assert {mine[one["number"]]["reason"] for one in found[2:]} <= {"vessel"}
    assert mine[added[0]["number"]]["said"] == "added"
    assert len(mine) == len(found) + 1
    context.close()
