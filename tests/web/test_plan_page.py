"""How a result was made, in a browser, on accounts that the real engine wrote."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.engine.toys import news, settled, submitted, toy, wait_until
from tests.review.seed import add_users
from tests.web.conftest import MakeStudy, OpenPage, Server, open_study, read, search
from tests.web.planned import NODE, Engine, engine_on, eventful_tools
from tests.web.test_accessibility import AXE, SIZES, violations
from triage.core.work import Health
from triage.store.learning_rows import PHANTOM
from triage.store.tables import Round

pytestmark = pytest.mark.browser
BACK = "Back-track: mask too small for a chest"


@pytest.fixture(scope="module")
def engine(server: Server) -> Iterator[Engine]:
    """The engine on the server's own store, for every test here."""
    store = server.store
    with engine_on(store) as started:
        yield started
    store.close()


@pytest.fixture
def walked(engine: Engine, make_study: MakeStudy) -> str:
    """A published study that went back once and changed its tool once; its report is not sent."""
    study_uid = make_study(f"Phantom^{uuid.uuid4().hex[:6]}")
    engine.use(*eventful_tools())
    engine.publish(study_uid)
    engine.report(study_uid)
    return study_uid



def chosen(page: Page) -> str | None:
    return page.locator("[data-node][aria-pressed=true]").get_attribute("data-node")


def show(page: Page, study_uid: str, search_params: str = "") -> None:
    page.goto(f"/study/{study_uid}/plan{search_params}")
    expect(page.get_by_role("region", name="Steps of the plan")).to_be_visible()


def test_from_the_worklist_and_back_to_the_same_row(
    walked: str, open_page: OpenPage, server: Server
) -> None:
    page = open_page()
    name = read(page, f"/api/studies/{walked}")["patient_name"]
    search(page, name)
    page.get_by_role("row").filter(has_text=name).click()
    side = page.get_by_role("complementary", name=name)
    side.get_by_role("link", name="How this was made").click()
    expect(page).to_have_url(f"{server.url}/study/{walked}/plan")
    # The address changes first, and the worklist has a heading of this name, too.
    expect(page.get_by_role("button", name="Worklist Esc")).to_be_visible()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{server.url}/")


def test_from_the_viewer_and_back(walked: str, open_page: OpenPage, server: Server) -> None:
    page = open_page()
    open_study(page, walked)
    page.get_by_test_id("panel").get_by_role("link", name="How this was made").click()
    expect(page.get_by_role("button", name="Study Esc")).to_be_visible()
    expect(page.get_by_role("region", name="Steps of the plan")).to_be_visible()
    # Steps chosen on the page are not steps of the way back.
    page.keyboard.press("n")
    page.keyboard.press("n")
    expect(page).to_have_url(f"{server.url}/study/{walked}/plan?step=3.choose_another")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("panel")).to_be_visible()


def test_a_shared_address_survives_signing_in(
    walked: str, open_page: OpenPage, server: Server
) -> None:
    page = open_page()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Name")).to_be_visible()
    page.goto(f"/study/{walked}/plan?plan=1&step=1.find_lungs")
    page.get_by_label("Name").fill("reader")
    page.get_by_label("Password", exact=True).fill("reader-password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("complementary", name="Find lungs")).to_contain_text(
        "contract violated"
    )
    expect(page.get_by_role("button", name="Plan 1, given up")).to_have_attribute(
        "aria-pressed", "true"
    )
    # Nothing lies behind a shared link: Esc goes to the worklist.
    page.keyboard.press("Escape")
    expect(page).to_have_url(f"{server.url}/")


def test_the_story_is_drawn_and_told(walked: str, open_page: OpenPage) -> None:
    page = open_page()
    show(page, walked)
    graph = page.get_by_role("region", name="Steps of the plan")
    expect(graph.get_by_text(BACK)).to_be_visible()
    expect(graph.get_by_text("Other tool: its self-test differs")).to_be_visible()
    expect(graph.get_by_text("Plan 1, given up at")).to_be_visible()
    expect(graph.get_by_role("button", name="Choose series set aside.")).to_be_visible()
    rows = page.get_by_role("region", name="What happened, in the order of time")
    back = rows.get_by_role("row").filter(has_text="Back to Choose series")
    expect(back).to_contain_text("1 result set aside")
    expect(back).to_contain_text("plan 2")
    waits = page.get_by_role("complementary").get_by_text("Read and sign: decide 2 findings")
    expect(waits).to_be_visible()


def test_tools_tried_stand_with_their_causes(walked: str, open_page: OpenPage) -> None:
    page = open_page()
    show(page, walked)
    page.get_by_role("button", name="Detect onnx: ONNX Runtime").click()
    side = page.get_by_role("complementary", name="Detect onnx")
    tried = side.get_by_role("listitem")
    expect(tried).to_have_count(3)
    expect(tried.nth(0)).to_contain_text("OpenVINO")
    expect(tried.nth(0)).to_contain_text("Tool down: its self-test differs by 0.21")
    expect(tried.nth(1)).to_contain_text("4 findings, whole lung assessed")
    expect(tried.nth(2)).to_contain_text("not tried")
    expect(tried.nth(2)).to_contain_text("Tool down: not installed here")
    side.get_by_role("button", name="Store findings").click()
    expect(page.get_by_role("complementary", name="Store findings")).to_be_visible()


def test_sent_is_said_only_when_the_archive_holds_it(
    engine: Engine, walked: str, open_page: OpenPage
) -> None:
    page = open_page()
    show(page, walked)
    page.locator("[data-kind=effect]").click()
    side = page.get_by_role("complementary", name="Deliver")
    expect(side).to_contain_text("not sent yet")
    engine.archive.opened = False
    engine.deliver()
    expect(side).to_contain_text("sent, but not found at the peer yet")
    expect(side).not_to_contain_text("holds it at")
    engine.archive.opened = True
    engine.archive.held.add(f"{walked}.7")
    # The next try is due a second later: the outbox decides when, the page hears of it by itself.
    def delivered() -> bool:
        engine.deliver()
        return bool(read(page, f"/api/studies/{walked}/plan")["effects"][0]["state"] == "done")

    wait_until(delivered, "the archive holds it")
    expect(side).to_contain_text("holds it at")
    expect(side.get_by_text(f"{walked}.7", exact=True)).to_be_visible()
    rows = page.get_by_role("region", name="What happened, in the order of time")
    expect(rows).to_contain_text(f"{NODE} was asked and holds it")


def test_a_new_plan_appears_without_asking(
    engine: Engine, make_study: MakeStudy, open_page: OpenPage
) -> None:
    study_uid = make_study("Phantom^Live")
    page = open_page()
    page.goto(f"/study/{study_uid}/plan")
    expect(page.get_by_role("heading", name="Never planned for")).to_be_visible()
    engine.use(*eventful_tools())
    engine.publish(study_uid)
    expect(page.get_by_role("button", name="Plan 3, used")).to_be_visible()


def test_a_version_is_chosen_and_stands_in_the_address(
    walked: str, open_page: OpenPage, server: Server
) -> None:
    page = open_page()
    show(page, walked)
    page.get_by_role("button", name="Plan 1, given up").click()
    expect(page).to_have_url(f"{server.url}/study/{walked}/plan?plan=1")
    expect(page.get_by_text("Plan 1, given up", exact=True).first).to_be_visible()
    graph = page.get_by_role("region", name="Steps of the plan")
    expect(graph.get_by_text(BACK)).to_have_count(0)
    expect(page.get_by_role("button", name="Publish result not run.")).to_be_visible()


def test_the_file_is_what_the_server_says(walked: str, open_page: OpenPage) -> None:
    page = open_page()
    show(page, walked)
    with page.expect_download() as asked:
        page.get_by_role("button", name="Save file").click()
    assert asked.value.suggested_filename == f"plan-{walked}.json"
    saved = json.loads(Path(asked.value.path()).read_text(encoding="utf-8"))
    assert saved == read(page, f"/api/studies/{walked}/plan")


def test_the_graph_is_walked_by_keys(walked: str, open_page: OpenPage) -> None:
    page = open_page()
    show(page, walked)
    page.keyboard.press("n")
    assert chosen(page) == "3.judge_series"
    expect(page.locator("[data-node]:focus")).to_have_attribute("data-node", "3.judge_series")
    for key, wanted in [
        ("ArrowRight", "3.choose_another"), ("ArrowRight", "3.find_lungs"),
        ("ArrowDown", "1.find_lungs"), ("ArrowLeft", "1.choose_series"),
        ("ArrowUp", "3.choose_another"), ("p", "3.judge_series"), ("n", "3.choose_another"),
    ]:  # fmt: skip
        page.keyboard.press(key)
        expect(page.locator("[data-node][aria-pressed=true]")).to_have_attribute(
            "data-node", wanted
        )
    # One stop for the whole graph.
    assert page.locator("[data-node][tabindex='0']").count() == 1
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next step")
    expect(page.get_by_role("dialog").locator(":focus")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("region", name="Steps of the plan")).to_be_visible()


def test_what_is_missing_is_named_with_its_mend(
    engine: Engine, make_study: MakeStudy, open_page: OpenPage
) -> None:
    study_uid = make_study("Phantom^Missing")
    torch = toy("detect_torch", ("lung",), ("detection",), by="Torch")
    torch.up = Health(False, "run `make setup-train`")
    rest = [tool for tool in eventful_tools() if not tool.spec.name.startswith("detect_")]
    engine.use(*rest, torch)
    engine.publish(study_uid)
    page = open_page()
    show(page, study_uid)
    expect(page.get_by_role("heading", name="Plan 1 waits")).to_be_visible()
    side = page.get_by_role("complementary")
    expect(side).to_contain_text("Cannot be had: marks of the model. Torch: run `make setup-train`")
    page.get_by_role("button", name="Detect torch missing.").click()
    expect(page.get_by_role("complementary", name="Detect torch")).to_contain_text(
        "Store findings"
    )


def test_many_steps_and_long_names_stay_usable(
    engine: Engine, make_study: MakeStudy, open_page: OpenPage
) -> None:
    long = "a_tool_with_a_name_of_more_than_forty_characters_in_all"
    study_uid = make_study("Phantom^" + "Longname-" * 5)
    many = [
        toy(f"step_{n:02}", (f"f{(n - 1) // 3:02}",) if n else ("images",), (f"f{n:02}",))
        for n in range(64)
    ]
    engine.use(*many, toy(long, ("f63",), ("last",)))
    wants = (*(f"f{n:02}" for n in range(64)), "last")
    submitted(engine.runner, news(study_uid, wants, {"images": 1}))
    settled(engine.store, study_uid)
    page = open_page(width=1024, height=768)
    show(page, study_uid, f"?step=1.{long}")
    boxes = page.locator("[data-node]")
    expect(boxes).to_have_count(65)
    last = page.locator(f"[data-node='1.{long}']")
    expect(last).to_be_in_viewport()
    for box in (last, page.get_by_role("button", name="Save file")):
        assert box.bounding_box()["width"] <= 140  # type: ignore[index]
    assert page.evaluate("document.documentElement.scrollWidth") <= 1024


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/study/1.2.3/plan", "No such study or round"),
        ("/study/x;y/plan", "No such study or round"),
        ("/learning/rounds/round-0123456789ab/plan", "No such study or round"),
        ("/no/such/page", "There is no page at this address"),
        ("/study/1.2.3/plan/more", "There is no page at this address"),
    ],
)
def test_what_is_not_there_is_said_with_a_way_back(
    open_page: OpenPage, server: Server, address: str, words: str
) -> None:
    page = open_page()
    page.goto(address)
    expect(page.get_by_role("heading", name=words)).to_be_visible()
    page.get_by_role("link", name="Worklist").first.click()
    expect(page).to_have_url(f"{server.url}/")


def test_a_role_that_may_not_see_it_is_told_so(
    engine: Engine, walked: str, server: Server, open_page: OpenPage
) -> None:
    add_users(engine.store, [("engineer", "ml_engineer", "")])
    page = open_page()
    page.context.clear_cookies()
    page.goto(f"/study/{walked}/plan")
    page.get_by_label("Name").fill("engineer")
    page.get_by_label("Password", exact=True).fill("engineer-password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Your role may not see this")).to_be_visible()
    assert "Phantom" not in page.locator("body").inner_text()


def test_a_server_that_is_away_is_said_and_asked_again(walked: str, open_page: OpenPage) -> None:
    page = open_page()
    page.route("**/api/studies/*/plan", lambda route: route.abort())
    page.goto(f"/study/{walked}/plan")
    expect(page.get_by_role("heading", name="This account could not be loaded")).to_be_visible()
    page.unroute("**/api/studies/*/plan")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text(BACK, exact=True)).to_be_visible()


def test_a_round_is_told_from_the_learning_page(engine: Engine, open_page: OpenPage) -> None:
    round_id = f"round-{uuid.uuid4().hex[:12]}"
    with engine.store.unit_of_work() as uow:
        uow.add(
            Round(id=round_id, number=9, population=PHANTOM, state="done", started_by="admin")
        )
    engine.use(toy("seal", ("round",), ("sealed_set",)), toy("judge", ("sealed_set",), ("verdict",)))
    submitted(engine.runner, news(round_id, ("verdict",), {"round": {"number": 9}}))
    settled(engine.store, round_id)
    page = open_page()
    page.get_by_role("link", name="Learning").click()
    page.get_by_role("region", name="Round 9").get_by_role("link", name="How this was made").click()
    expect(page.get_by_role("heading", name="Round 9")).to_contain_text("How this verdict was made")
    expect(page.locator("[data-node]")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Rounds")).to_be_visible()
    with engine.store.unit_of_work() as uow:
        uow.query(Round).delete()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_everybody_can_use_it(walked: str, open_page: OpenPage, width: int, height: int) -> None:
    axe = AXE.read_text(encoding="utf-8")
    page = open_page(width=width, height=height)
    show(page, walked)
    assert violations(page, axe) == []
    page.keyboard.press("n")
    assert violations(page, axe) == []
    page.locator("[data-kind=person]").click()
    assert violations(page, axe) == []
    page.locator("[data-kind=effect]").click()
    assert violations(page, axe) == []
    page.goto("/no/such/page")
    expect(page.get_by_role("heading", name="There is no page at this address")).to_be_visible()
    assert violations(page, axe) == []
