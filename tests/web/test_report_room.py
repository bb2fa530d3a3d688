"""The report page in little room: forty findings, a long name, large text, small screens."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.review.seed import Mark, ball
from tests.web.conftest import MakeStudy, OpenPage
from tests.web.report import reopen, text_of
from triage.core.finding import Solidity

pytestmark = pytest.mark.browser
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff^Hubert"


@pytest.mark.parametrize(
    ("width", "height", "text"),
    [(1440, 900, 100), (1440, 900, 130), (1920, 1080, 100), (1024, 768, 100), (1024, 768, 130),
     (720, 450, 100)],
)  # fmt: skip
def test_nothing_is_clipped_and_sign_is_always_in_sight(
    open_page: OpenPage, make_study: MakeStudy, width: int, height: int, text: int
) -> None:
    _, mark = ball()
    x, y, z = mark.center_lps_mm
    marks = [
        Mark(
            (x - 20 + n, y - n / 2, z + n - 20), 9.0, 7.5, Solidity.SOLID, 0.9 - n / 100, "lingula"
        )
        for n in range(40)
    ]
    uid = make_study(LONG_NAME, marks=marks)
    page = open_page(width=width, height=height)
    page.add_init_script(
        f"addEventListener('DOMContentLoaded', () => "
        f"document.documentElement.style.fontSize = '{text}%')"
    )
    reopen(page, uid)
    expect(text_of(page)).to_contain_text("40 marks undecided")
    sign_button = page.get_by_role("button", name=re.compile("^Sign"))
    expect(sign_button).to_be_in_viewport(ratio=1)
    expect(page.get_by_test_id("lock")).to_be_in_viewport(ratio=1)
    # Nothing lies beyond the window, and no part is wider than its own room.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    too_wide = page.get_by_test_id("sign-panel").evaluate(
        "root => [...root.querySelectorAll('section, aside, div, header')]"
        ".filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)"
        ".map(one => one.className + ' ' + one.scrollWidth + '>' + one.clientWidth)"
    )
    assert too_wide == []
    # All forty are there, drawn as they come into sight.
    page.keyboard.press("p")
    last = page.get_by_test_id("decision-40")
    expect(last).to_be_in_viewport()
    expect(last.get_by_role("button")).to_have_attribute("aria-current", "true")
