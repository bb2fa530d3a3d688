"""Pictures of "How this was made" for the documents: the product and an archive on a phantom.

The phantom comes in two sendings, so that the first plan is given up for the images of the second.

Run::

    .venv/bin/python -m tests.web.make_plan_pictures docs/pictures
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.conftest import CHROMIUM, CHROMIUM_FLAGS
from tests.peers.orthanc import Orthanc
from tests.way.product import Product, until
from tests.web.make_pictures import SIZES
from tests.web.test_plan_product import delivered, first_link, signed_in
from triage.phantom.chest import make_chest
from triage.phantom.dicom import write_series

FIRST = 120
TOOL = "detect_openvino"


def send_in_two(product: Product, folder: Path) -> None:
    """Send a part, wait until its plan is at work, send the rest."""
    chest = make_chest(7, nodules=4, slices=160, matrix=256)
    paths = write_series(
        chest, folder / "phantom", seed=7, patient_name="Phantom^A", patient_id="PH-104233"
    )
    parts = folder / "first", folder / "rest"
    for number, path in enumerate(sorted(paths)):
        part = parts[number >= FIRST]
        part.mkdir(exist_ok=True)
        shutil.copy(path, part / path.name)
    product.dcmsend(parts[0])
    with product.client() as client:

        def at_work() -> bool:
            items = client.get("/api/worklist", params={"state": "all"}).json()["items"]
            plans = [client.get(f"/api/studies/{one['study_uid']}/plan").json() for one in items]
            return any(line["kind"] == "task" for plan in plans for line in plan["trace"])

        until("the first plan is at work", at_work)
    product.dcmsend(parts[1])


def take(product: Product, folder: Path) -> None:
    """Both sizes, with the step of the model chosen."""
    link, study_uid = first_link(product), delivered(product)
    url = f"http://127.0.0.1:{product.http_port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_FLAGS)
        page = signed_in(browser, url, link).new_page()
        page.goto(f"/study/{study_uid}/plan")
        step = page.locator(f"[data-node$='.{TOOL}']").first
        step.click()
        expect(step).to_have_attribute("aria-pressed", "true")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        page.mouse.move(0, 0)
        for suffix, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=folder / f"plan{suffix}.png")
        browser.close()


def main() -> None:
    """Start everything, take the pictures into the folder named, end everything."""
    out, folder = Path(sys.argv[1]), Path(tempfile.mkdtemp(prefix="plan-pictures-"))
    archive = Orthanc(folder / "orthanc", {"TRIAGE": 11112})
    archive.start()
    (folder / "data").mkdir()
    (folder / "data" / "triage.toml").write_text(archive.toml("PACS-ARCHIVE"))
    product = Product(folder / "data", TRIAGE_QUIET_S="8")
    try:
        product.start()
        send_in_two(product, folder)
        take(product, out)
    finally:
        product.stop()
        archive.stop()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
