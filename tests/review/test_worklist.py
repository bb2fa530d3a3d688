"""The worklist: order with its reason, filters, search, counts, pages that fit."""

from __future__ import annotations

import base64
import json
import random
from datetime import timedelta
from typing import Any

import pytest

from tests.review.conftest import House
from tests.review.seed import OTHERS, Case, Mark, add_study
from triage.core.finding import ResultStatus, Solidity, StudyState
from triage.review import priority
from triage.store.worklist_rows import Row

SOLID, PART, GLASS = Solidity.SOLID, Solidity.PART_SOLID, Solidity.GROUND_GLASS


def mark(size_mm: float | None, kind: Solidity | None = SOLID) -> Mark:
    short = None if size_mm is None else round(size_mm * 0.7, 1)
    return Mark((0.0, 0.0, -250.0), size_mm, short, kind, 0.8)


def seed(house: House, *cases: Case) -> list[str]:
    files = house.services.files
    return [add_study(house.store, files, case, None, house.clock.at) for case in cases]


def listed(house: House, **asked: Any) -> dict[str, Any]:
    answer = house.reader.get("/api/worklist", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def only(house: House, case: Case) -> dict[str, Any]:
    seed(house, case)
    [item] = listed(house, state="all")["items"]
    found: dict[str, Any] = item
    return found


REASON = ({"code": "x", "message": "slices 5.0 mm, limit 3.0 mm"},)


@pytest.mark.parametrize(
    ("case", "urgency", "why"),
    [
        (Case("P", "1", marks=(mark(25.0), mark(3.0))), "now", "Solid 25.0 mm"),
        (Case("P", "1", marks=(mark(15.0),)), "now", "Solid 15.0 mm"),
        (Case("P", "1", marks=(mark(14.9),)), "next", "Solid 14.9 mm"),
        (Case("P", "1", marks=(mark(8.0),)), "next", "Solid 8.0 mm"),
        (Case("P", "1", marks=(mark(7.9),)), "soon", "Solid 7.9 mm"),
        (Case("P", "1", marks=(mark(6.0),)), "soon", "Solid 6.0 mm"),
        (Case("P", "1", marks=(mark(5.9),)), "in_turn", "Solid 5.9 mm"),
        (Case("P", "1", marks=(mark(6.0, PART),)), "next", "Part-solid 6.0 mm"),
        (Case("P", "1", marks=(mark(5.0, PART),)), "soon", "Part-solid 5.0 mm"),
        (Case("P", "1", marks=(mark(14.0, GLASS),)), "soon", "Ground glass 14.0 mm"),
        (Case("P", "1", marks=(mark(5.0, GLASS),)), "in_turn", "Ground glass 5.0 mm"),
        (Case("P", "1", marks=(mark(15.0, None),)), "now", "Type not known, 15.0 mm"),
        (Case("P", "1", marks=(mark(6.5, None),)), "soon", "Type not known, 6.5 mm"),
        (Case("P", "1", marks=(mark(None),)), "soon", "Findings without a size: 1"),
        (Case("P", "1", marks=(mark(30.0, GLASS), mark(6.1))), "soon", "Solid 6.1 mm"),
        (
            Case("P", "1", status=ResultStatus.NOT_ASSESSED, reasons=REASON),
            "next",
            "Not assessed: slices 5.0 mm, limit 3.0 mm",
        ),
        (
            Case("P", "1", status=ResultStatus.PARTLY_ASSESSED, reasons=REASON),
            "soon",
            "Partly assessed: slices 5.0 mm, limit 3.0 mm",
        ),
        (Case("P", "1", status=None), "next", "Not assessed: no result"),
        (Case("P", "1"), "in_turn", "No nodule found, whole lung assessed"),
        (
            Case("P", "1", waited=timedelta(hours=3, minutes=48)),
            "now",
            "Waited 3:48, limit 4:00",
        ),
        (
            Case("P", "1", waited=timedelta(hours=3, minutes=35)),
            "in_turn",
            "No nodule found, whole lung assessed",
        ),
        (Case("P", "1", StudyState.RUNNING, None), None, "Finding nodules"),
        (Case("P", "1", StudyState.RECEIVING, None, instances=204), None, "204 images so far"),
        (
            Case("P", "1", StudyState.INCOMPLETE, None, instances=118),
            None,
            "118 images, not complete yet",
        ),
        (
            Case("P", "1", StudyState.FAILED, None, state_reason="3 of 96 images end early"),
            None,
            "3 of 96 images end early",
        ),
        (Case("P", "1", StudyState.FAILED, None), None, "cause not recorded"),
        (Case("P", "1", StudyState.SIGNED, reader="reader"), None, "Signed"),
    ],
)  # fmt: skip
def test_priority_and_its_reason(house: House, case: Case, urgency: str | None, why: str) -> None:
    item = only(house, case)
    assert (item["priority"], item["why"]) == (urgency, why)
    # The page translates by code and values: they say the same.
    template = priority.WORDS[item["why_code"]]
    if case.state_reason == "":
        assert template.format(**item["why_values"]) == why


def test_ranks_in_the_table_never_fall_and_every_code_has_words() -> None:
    ranks = [rule.rank for rule in priority.RULES]
    assert ranks == sorted(ranks)
    assert {rule.code for rule in priority.RULES} <= set(priority.WORDS)


def test_not_assessed_never_looks_like_nothing_found(house: House) -> None:
    not_looked = only(house, Case("P", "1", status=ResultStatus.NOT_ASSESSED, reasons=REASON))
    assert not_looked["findings"] is None and not_looked["largest_mm"] is None
    seed(house, Case("Q", "2"))
    looked = next(i for i in listed(house)["items"] if i["patient_name"] == "Q")
    assert looked["findings"] == 0


def test_marks_all_rejected_is_said_not_hidden(house: House) -> None:
    uid = house.study()
    for finding in house.get(uid)["findings"]:
        house.decide(finding, "reject", reason="vessel")
    [item] = listed(house)["items"]
    assert (item["why"], item["findings"], item["priority"]) == (
        "No mark kept of 2", 0, "in_turn",
    )  # fmt: skip


def test_a_rejected_mark_no_longer_ranks(house: House) -> None:
    uid = house.study()
    assert listed(house)["items"][0]["largest_mm"] == 12.0
    house.decide(house.get(uid)["findings"][0], "reject", reason="vessel")
    [item] = listed(house)["items"]
    assert (item["largest_mm"], item["findings"]) == (6.0, 1)


def test_findings_of_a_replaced_result_do_not_count(house: House) -> None:
    from triage.store.tables import Study

    uid = house.study()
    with house.store.unit_of_work() as uow:
        row = uow.get(Study, uid)
        assert row is not None
        row.result_id = None
    [item] = listed(house)["items"]
    assert item["findings"] is None and house.get(uid)["findings"] == []


def test_order_within_a_priority_is_by_wait(house: House) -> None:
    seed(house, *(Case(f"P{m}", str(m), waited=timedelta(minutes=m)) for m in (20, 90, 45)))
    assert [i["patient_name"] for i in listed(house)["items"]] == ["P90", "P45", "P20"]


def test_the_picture_of_the_worklist(house_on_both: House) -> None:
    house = house_on_both
    seed(house, *OTHERS)
    answer = listed(house)
    ranks = [i["priority"] for i in answer["items"]]
    order = ["now", "next", "soon", "in_turn", None]
    assert ranks == sorted(ranks, key=order.index) and set(ranks) == set(order)
    assert answer["counts"] == {
        "open": 13, "to_read": 8, "in_review": 1, "not_ready": 4,
        "signed": 1, "signed_today": 1, "all": 14,
    }  # fmt: skip
    assert answer["longest_wait_s"] == 228 * 60 and answer["max_wait_s"] == 4 * 3600
    assert answer["seq"] > 0 and answer["last_received_at"] is not None


@pytest.mark.parametrize(
    ("state", "number"),
    [
        ("open", 13), ("to_read", 8), ("in_review", 1), ("not_ready", 4), ("signed", 1),
        ("signed_today", 1), ("all", 14),
    ],
)  # fmt: skip
def test_filters(house: House, state: str, number: int) -> None:
    seed(house, *OTHERS)
    answer = listed(house, state=state)
    assert len(answer["items"]) == answer["total"] == number


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("体模", ["体模^甲"]),
        ("phantom^b", ["Phantom^B"]),
        ("PH-104240", ["Phantom^G"]),
        ("26-01577", ["Phantom^F"]),
        ("  PH-104240 ", ["Phantom^G"]),
        ("%", []),
        ("_", []),
        ("'; DROP TABLE triage_study; --", []),
    ],
)
def test_search(house_on_both: House, q: str, names: list[str]) -> None:
    house = house_on_both
    seed(house, *OTHERS)
    answer = listed(house, q=q, state="all")
    assert [i["patient_name"] for i in answer["items"]] == names
    assert answer["total"] == len(names)
    assert answer["counts"]["all"] == 14


def random_cases(number: int) -> list[Case]:
    draw = random.Random(3)
    states = [StudyState.READY, StudyState.READY, StudyState.SIGNED, StudyState.RUNNING]
    return [
        Case(
            draw.choice(["Phantom^A", "phantom^b", "体模^甲", ""]),
            str(i),
            draw.choice(states),
            waited=timedelta(minutes=draw.randrange(0, 300, 60)),
            marks=tuple(mark(draw.choice([3.0, 6.0, 15.0])) for _ in range(draw.randrange(3))),
            reader=draw.choice(["", "reader"]),
        )
        for i in range(number)
    ]


@pytest.mark.parametrize("direction", ["", "-"])
@pytest.mark.parametrize(
    "sort",
    ["priority", "wait", "patient", "study", "largest", "findings", "state", "reader", "signed"],
)
def test_pages_fit_together_in_every_order(house: House, sort: str, direction: str) -> None:
    seed(house, *random_cases(23))
    asked = {"sort": direction + sort, "state": "all"}
    whole = [i["study_uid"] for i in listed(house, limit=200, **asked)["items"]]
    paged: list[str] = []
    cursor: str | None = None
    while True:
        answer = listed(house, limit=4, **asked, **({"cursor": cursor} if cursor else {}))
        paged += [i["study_uid"] for i in answer["items"]]
        assert answer["total"] == 23
        cursor = answer["next"]
        house.clock.forward(minutes=30)  # waits are judged as of the first page
        if cursor is None:
            break
    assert paged == whole and len(set(whole)) == 23


def test_pages_fit_on_postgresql_too(house_on_both: House) -> None:
    house = house_on_both
    seed(house, *random_cases(9))
    for sort in ("priority", "-wait", "patient", "-largest"):
        first = listed(house, sort=sort, state="all", limit=5)
        second = listed(house, sort=sort, state="all", limit=5, cursor=first["next"])
        uids = [i["study_uid"] for i in first["items"] + second["items"]]
        assert len(set(uids)) == 9 and second["next"] is None


def test_a_study_that_arrives_between_pages_shifts_nothing(house: House) -> None:
    seed(house, *(Case(f"P{m}", str(m), waited=timedelta(minutes=m)) for m in (90, 60, 30)))
    first = listed(house, limit=2)
    seed(house, Case("new", "9", marks=(mark(25.0),)))
    second = listed(house, limit=2, cursor=first["next"])
    assert [i["patient_name"] for i in second["items"]] == ["P30"]


def test_signed_ones_come_newest_first(house: House) -> None:
    for name in ("first", "second", "third"):
        seed(house, Case(name, name, StudyState.SIGNED, reader="reader"))
        house.clock.forward(minutes=5)
    items = listed(house, state="signed")["items"]
    assert [i["patient_name"] for i in items] == ["third", "second", "first"]
    assert all(i["wait_s"] is None and i["priority"] is None for i in items)


def cursor_of(**parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


GOOD = {
    "sort": "priority", "number": 1, "since": "2026-11-24T10:00:00Z", "study_uid": "1.2",
    "judged_at": "2026-11-24T12:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "%%%", "e30", cursor_of(), cursor_of(**GOOD | {"sort": "wait"}),
        cursor_of(**GOOD | {"number": "1; --"}), cursor_of(**GOOD | {"number": float("nan")}),
        cursor_of(**GOOD | {"since": "2026-11-24T10:00:00"}), cursor_of(**GOOD | {"since": "x"}),
        cursor_of(**GOOD | {"study_uid": "../../etc"}), cursor_of(**GOOD | {"more": 1}),
        cursor_of(**{k: v for k, v in GOOD.items() if k != "number"}),
    ],
)  # fmt: skip
def test_a_foreign_cursor_is_refused(house_on_both: House, cursor: str) -> None:
    answer = house_on_both.reader.get("/api/worklist", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_cursor")


def test_a_made_up_but_well_formed_cursor_is_only_a_place(house_on_both: House) -> None:
    answer = house_on_both.reader.get("/api/worklist", params={"cursor": cursor_of(**GOOD)})
    assert answer.status_code == 200


def test_category_stands_only_where_the_reader_has_spoken(house: House) -> None:
    house.assessor.answer = {
        "guideline": "Lung-RADS v2022", "status": "ok", "category": "4A", "s_modifier": True,
    }  # fmt: skip
    uid = house.study()
    [item] = listed(house)["items"]
    assert (item["lung_rads"], item["lung_rads_preliminary"]) == (None, False)
    house.decide(house.get(uid)["findings"][0], "confirm")
    assert listed(house)["items"][0]["lung_rads"] is None  # one is still undecided
    house.decide(house.get(uid)["findings"][1], "confirm")
    [item] = listed(house)["items"]
    assert (item["lung_rads"], item["lung_rads_preliminary"]) == ("4AS", True)
    house.reader.post(f"/api/studies/{uid}/sign")
    [item] = listed(house, state="signed")["items"]
    assert (item["lung_rads"], item["lung_rads_preliminary"]) == ("4AS", False)


def test_prior_and_questions_come_from_the_context(house: House) -> None:
    uid = house.study()
    assert (listed(house)["items"][0]["questions"], listed(house)["items"][0]["prior"]) == (1, None)
    house.reader.put(
        f"/api/studies/{uid}/context", json={"purpose": "screening_ldct", "prior_ct": "available"}
    )
    [item] = listed(house)["items"]
    assert (item["questions"], item["prior"]) == (3, "available")


@pytest.mark.parametrize(("seconds", "words"), [(0, "0:00"), (59, "0:00"), (13_680, "3:48")])
def test_waits_are_hours_and_minutes(seconds: float, words: str) -> None:
    assert priority.clock_words(seconds) == words


def test_a_row_beyond_the_rules_is_named_by_what_it_is() -> None:
    from triage.store.tables import Study, now

    study = Study(study_uid="1", state="ready", state_reason="")
    row = Row(study, "assessed", (), True, -1, 3, 3, now(), 0, 0, None, {})
    assert priority.why(row, 0, "", 0)[1] == "no_nodule"
