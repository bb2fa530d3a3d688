"""The learning page: what readers taught, rounds, verdicts, and who may do what."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.learn.test_gate import BETTER, table
from tests.web.conftest import MakeStudy, OpenPage, Server
from triage.learn.gate import judge
from triage.store import events, learning_rows
from triage.store.learning_rows import PHANTOM, PHANTOM_MAKER
from triage.store.session import Store, UnitOfWork
from triage.store.tables import FindingRow, Model, Round, Series

pytestmark = pytest.mark.browser
A, B = "a" * 64, "b" * 64


@pytest.fixture
def taught(server: Server, make_study: MakeStudy) -> Iterator[Store]:
    """A signed phantom study with one decision of each kind; nothing of it stays."""
    uid = make_study("Phantom^Learn")
    store = server.store
    with store.unit_of_work() as uow:
        for series in uow.query(Series).filter(Series.study_uid == uid):
            series.manufacturer = PHANTOM_MAKER
        rows = uow.query(FindingRow).filter(FindingRow.study_uid == uid).all()
        said = [("confirmed", None), ("rejected", "vessel")]
        findings = [
            {"finding_id": row.finding_id, "number": row.number, "state": state,
             "reject_reason": reason, "center_lps_mm": row.center_lps_mm, "long_mm": 9.0,
             "short_mm": 8.0}
            for row, (state, reason) in zip(rows, said, strict=True)
        ]  # fmt: skip
        events.append(
            uow, "study.signed", actor="reader", study_uid=uid, after={"findings": findings}
        )
    yield store
    with store.unit_of_work() as uow:
        uow.query(Model).delete()
        uow.query(Round).delete()
    store.close()


def judged_round(uow: UnitOfWork) -> None:
    learning_rows.register_released(uow, A, "nodule-s", "0.1.0", {})
    row = learning_rows.start_round(uow, PHANTOM, {}, actor="admin")
    row.challenger = B
    learning_rows.register_challenger(
        uow,
        {"digest": B, "name": "nodule-s", "version": "0.1.0+round.1", "folder": f"models/{B}",
         "parent": A, "evidence": PHANTOM, "round_id": row.id, "manifest": {}},
    )  # fmt: skip
    learning_rows.take_look(uow, row.id, uuid.uuid4().hex)
    learning_rows.end_round(uow, row.id, judge(table(220, 1, BETTER)).as_json())


def visit(page: Page) -> None:
    page.get_by_role("link", name="Learning").click()
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()


def test_a_reader_sees_the_queue_and_starts_nothing(taught: Store, open_page: OpenPage) -> None:
    page = open_page()
    visit(page)
    expect(page.get_by_text("Rejected: vessel").first).to_be_visible()
    expect(page.get_by_text("No round yet.")).to_be_visible()
    expect(page.get_by_role("button", name="Start a round")).to_have_count(0)


def test_an_administrator_is_told_why_a_round_cannot_start(
    taught: Store, open_page: OpenPage
) -> None:
    page = open_page("admin")
    visit(page)
    page.get_by_role("button", name="Start a round").click()
    expect(page.get_by_role("alert")).to_contain_text("no signed decision on a real study")


def test_a_verdict_in_numbers_and_the_act_it_allows(taught: Store, open_page: OpenPage) -> None:
    with taught.unit_of_work() as uow:
        judged_round(uow)
    page = open_page("admin")
    visit(page)
    part = page.get_by_role("region", name="Round 1")
    expect(part.get_by_text("Phantom population: not clinical evidence.")).to_be_visible()
    expect(part.get_by_role("img", name="Nodules found, by false marks per scan")).to_be_visible()
    expect(part.get_by_role("row", name="Mean sensitivity")).to_contain_text("better")
    page.get_by_role("button", name="Promote 0.1.0+round.1 on phantom evidence").click()
    expect(page.get_by_role("button", name="Roll back to the one before")).to_be_visible()
    page.get_by_role("button", name="Roll back to the one before").click()
    expect(page.get_by_text("nodule-s 0.1.0", exact=True)).to_be_visible()
