"""Opening a study: the slice of finding 1 at once, few requests, nothing fetched by scrolling."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import Page, Request, expect

from tests.web.conftest import MakeStudy, OpenPage, finding_of, open_study, read, search

pytestmark = pytest.mark.browser

SLICES = 40
# The ball of the seed lies on slice 20 counted from the feet; the page counts from the head.
BALL = f"slice {SLICES - 20} of {SLICES}"


def _settled(page: Page) -> None:
    """The line of changes stands, and what it made the page ask for has been answered."""
    expect(page.get_by_test_id("saved")).to_have_text("Live")
    page.wait_for_load_state("networkidle")


def _counting(page: Page) -> list[str]:
    seen: list[str] = []

    def note(request: Request) -> None:
        if "/api/" in request.url or "/dicomweb/" in request.url:
            seen.append(request.url)

    page.on("request", note)
    return seen


_BRIGHT = """async pane => {
  await new Promise(requestAnimationFrame)
  await new Promise(requestAnimationFrame)
  const source = pane.querySelector('canvas')
  const copy = document.createElement('canvas')
  copy.width = source.width
  copy.height = source.height
  const context = copy.getContext('2d')
  context.drawImage(source, 0, 0)
  const { data } = context.getImageData(0, 0, copy.width, copy.height)
  let [x, y, n] = [0, 0, 0]
  for (let p = 0; p < data.length; p += 4) {
    if (data[p] <= 150) continue
    x += (p / 4) % copy.width
    y += Math.floor(p / 4 / copy.width)
    n += 1
  }
  const ratio = source.width / source.clientWidth
  return n ? [(x / n + 0.5) / ratio, (y / n + 0.5) / ratio] : [-1, -1]
}"""


def _bright_middle(page: Page) -> tuple[float, float]:
    """Middle of what is bright (the ball), in CSS px of the axial viewport."""
    x, y = page.get_by_test_id("axial").evaluate(_BRIGHT)
    return x, y


def _middle_of_mark(page: Page, number: int) -> tuple[float, float]:
    pane = page.get_by_test_id("axial")
    box = pane.get_by_test_id(f"mark-{number}").locator("path").last.bounding_box()
    around = pane.bounding_box()
    assert box and around
    return (
        box["x"] - around["x"] + box["width"] / 2,
        box["y"] - around["y"] + box["height"] / 2,
    )


def test_opens_on_the_slice_of_finding_1_in_lung_window(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Open")
    page = open_page()
    open_study(page, uid)
    expect(page.get_by_test_id("slice")).to_have_text(BALL)
    expect(page.get_by_test_id("window")).to_contain_text("Lung 1500 / −600")
    expect(page.get_by_test_id("axial").get_by_test_id("mark-1")).to_be_visible()
    expect(page.get_by_test_id("card")).to_contain_text("12.0 × 12.0 mm")
    expect(page.get_by_test_id("card")).to_contain_text("Very likely 0.97")
    expect(page.get_by_text("Research use only")).to_be_visible()


@pytest.mark.parametrize("renderer", ["cpu", "webgl"])
def test_pixels_and_marks_lie_on_the_same_place(
    open_page: OpenPage, make_study: MakeStudy, renderer: str
) -> None:
    uid = make_study(f"Place {renderer}")
    page = open_page()
    page.evaluate("name => localStorage.setItem('triage.render', name)", renderer)
    open_study(page, uid)
    expect(page.locator(f"[data-painter={renderer}]")).to_be_visible()
    expect(page.get_by_test_id("axial").locator("canvas:visible")).to_have_count(1)
    pixels, mark = _bright_middle(page), _middle_of_mark(page, 1)
    assert pixels[0] == pytest.approx(mark[0], abs=3)
    assert pixels[1] == pytest.approx(mark[1], abs=3)


def test_at_most_ten_requests_open_a_study(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Requests")
    page = open_page()
    search(page, "Requests")
    page.get_by_role("row").filter(has_text="Requests").click()
    asked = _counting(page)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("loaded")).to_contain_text("of slices shown")
    assert len(asked) <= 10, asked
    assert sum("/volume" in url for url in asked) == 1
    assert any(uid in url for url in asked)


def test_scrolling_fetches_nothing(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Scroll")
    page = open_page()
    open_study(page, uid)
    _settled(page)
    asked = _counting(page)
    page.keyboard.press("Home")
    expect(page.get_by_test_id("slice")).to_have_text(f"slice 1 of {SLICES}")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_test_id("slice")).to_have_text(f"slice 2 of {SLICES}")
    page.keyboard.press("PageDown")
    expect(page.get_by_test_id("slice")).to_have_text(f"slice 12 of {SLICES}")
    page.keyboard.press("End")
    expect(page.get_by_test_id("slice")).to_have_text(f"slice {SLICES} of {SLICES}")
    box = page.get_by_test_id("axial").bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 300)
    page.mouse.wheel(0, -100)
    expect(page.get_by_test_id("slice")).to_have_text(f"slice {SLICES - 1} of {SLICES}")
    assert [url for url in asked if not url.endswith("/seen")] == []


def test_n_and_p_jump_through_the_findings(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Jump")
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("n")
    second = finding_of(page, uid, 2)
    # Slices of the seed are 2.5 mm apart, the first one at z = -300.
    k = round((second["center_lps_mm"][2] + 300) / 2.5)
    expect(page.get_by_test_id("slice")).to_have_text(f"slice {SLICES - k} of {SLICES}")
    expect(page.get_by_test_id("card")).to_contain_text("6.0 × 4.5 mm")
    expect(page.get_by_test_id("axial").get_by_test_id("mark-2")).to_be_visible()
    page.keyboard.press("p")
    expect(page.get_by_test_id("slice")).to_have_text(BALL)


def test_h_hides_every_mark_while_held_and_twice_keeps_them_off(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Hide")
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("g")
    marks = page.locator("[data-testid^=mark-]")
    expect(page.get_by_test_id("crosshair").first).to_be_visible()
    page.keyboard.press("h")
    page.keyboard.press("h")
    expect(page.get_by_text("Marks hidden")).to_be_visible()
    assert marks.count() == 0
    page.keyboard.press("h")
    expect(marks.first).to_be_visible()
    page.keyboard.down("h")
    # Asked at once: the marks are gone with the key, not some time later.
    assert marks.count() == 0
    assert page.get_by_test_id("crosshair").count() == 0
    page.keyboard.up("h")
    assert marks.count() > 0


def test_orientation_letters_come_from_the_matrix(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Letters")
    page = open_page()
    open_study(page, uid)
    one_letter = re.compile("^[RLAPHF]$")
    for pane, letters in {"axial": "RLAP", "coronal": "RL", "sagittal": "AP"}.items():
        shown = page.get_by_test_id(pane).locator("[data-at]").filter(has_text=one_letter)
        assert "".join(shown.all_text_contents()) == letters


def test_what_was_shown_is_remembered(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Seen")
    page = open_page()
    open_study(page, uid)
    with page.expect_response(lambda answer: answer.url.endswith("/seen")):
        page.keyboard.press("ArrowDown")
    seen = read(page, f"/api/studies/{uid}")["seen"]
    assert seen["slices"] == [[19, 20]]


def test_an_unevenly_spaced_series_shows_its_own_images_only(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Stack", verdict="refuse")
    page = open_page()
    open_study(page, uid)
    expect(page.get_by_text("only the images as acquired are shown")).to_be_visible()
    assert page.get_by_test_id("coronal").count() == 0


def test_a_lost_gpu_context_goes_on_with_plain_canvas(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Lost context")
    page = open_page()
    page.evaluate("localStorage.setItem('triage.render', 'webgl')")
    page.add_init_script(
        """window.contexts = []
        const get = HTMLCanvasElement.prototype.getContext
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
          const context = get.call(this, kind, ...rest)
          if (kind === 'webgl2' && context) window.contexts.push(context)
          return context
        }"""
    )
    open_study(page, uid)
    expect(page.locator("[data-painter=webgl]")).to_be_visible()
    page.keyboard.press("a")
    page.evaluate(
        """for (const context of window.contexts)
             context.getExtension('WEBGL_lose_context')?.loseContext()"""
    )
    expect(page.locator("[data-painter=cpu]")).to_be_visible()
    expect(page.get_by_text("CPU rendering")).to_be_visible()
    expect(page.get_by_test_id("active-state")).to_contain_text("Accepted")
    pixels, mark = _bright_middle(page), _middle_of_mark(page, 1)
    assert pixels == pytest.approx(mark, abs=3)


def test_leaving_a_study_lets_go_of_it(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Leave")
    page = open_page()
    open_study(page, uid)
    page.keyboard.press("Escape")
    expect(page.get_by_role("grid")).to_be_visible()
    assert page.workers == []
    assert page.locator("canvas").count() == 0


def test_the_mouse_changes_window_zoom_and_place(
    open_page: OpenPage, make_study: MakeStudy
) -> None:
    uid = make_study("Mouse")
    page = open_page()
    open_study(page, uid)
    box = page.get_by_test_id("axial").bounding_box()
    assert box
    start = (box["x"] + 150, box["y"] + 250)

    def drag(button: Literal["left", "middle", "right"], dx: float, dy: float) -> None:
        page.mouse.move(*start)
        page.mouse.down(button=button)
        page.mouse.move(start[0] + dx, start[1] + dy, steps=4)
        page.mouse.up(button=button)

    before = _middle_of_mark(page, 1)
    drag("left", 50, -25)
    expect(page.get_by_test_id("window")).to_contain_text("Window 1700 / −700")
    drag("middle", 40, -30)
    panned = _middle_of_mark(page, 1)
    assert panned == pytest.approx((before[0] + 40, before[1] - 30), abs=2)
    scale = page.get_by_test_id("scale").text_content()
    drag("right", 0, -120)
    expect(page.get_by_test_id("scale")).not_to_have_text(scale or "")
    page.keyboard.press("Space")
    expect(page.get_by_test_id("scale")).to_have_text(scale or "")
    assert _middle_of_mark(page, 1) == pytest.approx(before, abs=2)


def test_m_shows_a_slab_of_the_chosen_thickness(open_page: OpenPage, make_study: MakeStudy) -> None:
    uid = make_study("Slab")
    page = open_page()
    open_study(page, uid)
    axial = page.get_by_test_id("axial")
    expect(axial).to_contain_text("Axial 2.5 mm")
    page.keyboard.press("m")
    expect(axial).to_contain_text("Axial MIP 10 mm")
    page.keyboard.press("]")
    page.keyboard.press("]")
    page.keyboard.press("[")
    expect(axial).to_contain_text("Axial MIP 11 mm")
    expect(page.get_by_test_id("mip")).to_contain_text("Axial MIP 11 mm")
    page.keyboard.press("m")
    expect(axial).to_contain_text("Axial 2.5 mm")
