"""A seeded server as its own process, a real Chromium, and studies made for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.review.seed import REPOSITORY, Case, Mark, add_study, ball
from tests.review.serving import start_seeded
from triage.core.volume import Volume
from triage.store.files import Files
from triage.store.session import Store
from triage.store.tables import Series

# Two cores are shared with everything else; a wait ends with its event, this is only the deadline.
PATIENCE_MS = 30_000

expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Server:
    """The API and the built page, running."""

    url: str
    data: Path

    @property
    def store(self) -> Store:
        return Store(f"sqlite:///{self.data / 'triage.sqlite'}")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server in a process of its own, on an own data folder."""
    if not (REPOSITORY / "web" / "dist" / "index.html").is_file():
        pytest.skip("the page is not built (make setup)")
    data = tmp_path_factory.mktemp("web")
    process, url = start_seeded(data)
    yield Server(url, data)
    process.terminate()
    process.wait(timeout=60)


MakeStudy = Callable[..., str]


@pytest.fixture
def make_study(server: Server) -> Iterator[MakeStudy]:
    """Insert a study with a ball of 12 mm and a second mark; answers its UID."""
    store = server.store
    files = Files(server.data / "objects")

    def make(
        name: str,
        *,
        marks: int | Sequence[Mark] = 2,
        volume: Volume | None = None,
        verdict: str = "run",
        **case: Any,
    ) -> str:
        built, first = ball()
        x, y, z = first.center_lps_mm
        second = Mark((x - 20.0, y - 10.0, z + 15.0), 6.0, 4.5, None, 0.38)
        shown = tuple([first, second][:marks] if isinstance(marks, int) else marks)
        patient_id = f"PH-{sum(name.encode()) % 10**6:06d}"
        uid = add_study(store, files, Case(name, patient_id, marks=shown, **case), volume or built)
        with store.unit_of_work() as uow:
            for series in uow.query(Series).filter(Series.study_uid == uid):
                series.verdict = verdict
        return uid

    yield make
    store.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[OpenPage]:
    """Sign a user in with a fresh profile; the answer is that user's page, on the worklist."""
    contexts: list[BrowserContext] = []

    def sign_in(user: str = "reader", width: int = 1440, height: int = 900) -> Page:
        context = browser.new_context(
            base_url=server.url, viewport={"width": width, "height": height}
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.goto("/login")
        page.get_by_label("Name").fill(user)
        page.get_by_label("Password", exact=True).fill(f"{user}-password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("grid")).to_be_visible()
        return page

    yield sign_in
    for context in contexts:
        context.close()


def read(page: Page, path: str) -> Any:
    """What the server says now, asked by the page's own user."""
    return page.evaluate("path => fetch(path).then(answer => answer.json())", path)


def study_of(page: Page, uid: str) -> Any:
    return read(page, f"/api/studies/{uid}")


def finding_of(page: Page, uid: str, number: int) -> Any:
    return next(one for one in study_of(page, uid)["findings"] if one["number"] == number)


def search(page: Page, text: str) -> None:
    """Narrow the worklist, so that a row is on the screen whatever other tests made."""
    page.keyboard.press("/")
    with page.expect_response(lambda answer: f"q={quote(text)}" in answer.url):
        page.keyboard.type(text)


def open_study(page: Page, uid: str) -> None:
    """Open a study and wait until every slice is there."""
    page.goto(f"/study/{uid}")
    expect(page.get_by_test_id("loaded")).to_contain_text("of slices shown")


def saved(page: Page) -> None:
    """Wait until the server has answered every act."""
    expect(page.get_by_test_id("saved")).to_contain_text("Saved")


def centre(page: Page, testid: str) -> tuple[float, float]:
    """Middle of a part of the page, in page pixels."""
    box = page.get_by_test_id(testid).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, start: tuple[float, float], by: tuple[float, float]) -> None:
    """Press, move and let go."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + by[0], start[1] + by[1], steps=5)
    page.mouse.up()
