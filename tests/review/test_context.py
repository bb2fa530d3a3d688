"""Context: every value with its source, unknown stays unknown, no overwrite without an event."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.conftest import House
from triage.review import questions
from triage.store.tables import Context


def put(house: House, uid: str, **body: Any) -> Any:
    return house.reader.put(f"/api/studies/{uid}/context", json=body)


def test_nothing_is_assumed(house: House) -> None:
    study = house.get(house.study())
    assert all(study["context"][field] is None for field in questions.FIELDS)
    assert study["context"]["version"] == 0
    assert [q["field"] for q in study["questions"]] == ["purpose"]


def test_an_answer_carries_source_reader_and_time(house_on_both: House) -> None:
    house = house_on_both
    uid = house.study()
    answer = put(house, uid, purpose="screening_ldct", lungs_fully_evaluable=True)
    assert answer.status_code == 200
    context = answer.json()
    assert context["version"] == 1
    assert context["purpose"] | {"at": None} == {
        "value": "screening_ldct", "source": "reader", "by": "a-radiologist", "at": None,
    }  # fmt: skip
    assert context["purpose"]["at"].startswith("2026-11-24T12:00")
    assert context["lungs_fully_evaluable"]["value"] is True
    assert context["prior_ct"] is None
    assert house.get(uid)["context"] == context
    assert house.acts == [(uid, "context.set")]


def test_false_is_an_answer_and_null_is_not(house: House) -> None:
    uid = house.study()
    put(house, uid, purpose="screening_ldct", known_lung_cancer=False)
    assert "known_lung_cancer" not in [q["field"] for q in house.get(uid)["questions"]]
    context = put(house, uid, known_lung_cancer=None).json()
    assert context["known_lung_cancer"]["value"] is None
    assert "known_lung_cancer" in [q["field"] for q in house.get(uid)["questions"]]


@pytest.mark.parametrize(
    ("purpose", "asked"),
    [
        ("screening_ldct", 4),  # prior, known cancer, evaluable, inflammation
        ("incidental", 4),  # age, any known cancer, immunosuppressed, risk
        ("other", 0),
    ],
)
def test_the_purpose_decides_what_else_is_asked(house: House, purpose: str, asked: int) -> None:
    uid = house.study()
    put(house, uid, purpose=purpose)
    study = house.get(uid)
    assert len(study["questions"]) == asked
    assert all(q["text"] for q in study["questions"])


def test_values_from_order_and_rule_keep_their_source_until_a_reader_answers(house: House) -> None:
    uid = house.study()
    with house.store.unit_of_work() as uow:
        given = {"purpose": {"value": "screening_ldct", "source": "order"}}
        uow.add(Context(study_uid=uid, values=given, version=1))
    assert house.get(uid)["context"]["purpose"]["source"] == "order"
    same = put(house, uid, purpose="screening_ldct").json()
    assert (same["purpose"]["source"], same["version"]) == ("order", 1)  # nothing new was said
    other = put(house, uid, purpose="incidental").json()
    assert (other["purpose"]["source"], other["version"]) == ("reader", 2)


def test_a_change_is_an_event_with_before_and_after(house: House) -> None:
    uid = house.study()
    put(house, uid, risk="low")
    put(house, uid, risk="high")
    items = house.reader.get(f"/api/studies/{uid}/events").json()["items"]
    one, two = [item for item in items if item["kind"] == "context.set"]
    assert one["before"]["context"] == {}
    assert two["before"]["context"]["risk"]["value"] == "low"
    assert two["after"]["context"]["risk"]["value"] == "high"


def test_the_same_answer_again_is_no_event(house: House) -> None:
    uid = house.study()
    put(house, uid, risk="low")
    assert put(house, uid, risk="low").json()["version"] == 1
    assert put(house, uid).json()["version"] == 1


def test_an_answer_given_meanwhile_is_a_conflict_when_asked_for(house: House) -> None:
    uid = house.study()
    put(house, uid, risk="low", base_version=0)
    answer = put(house, uid, risk="high", base_version=0)
    assert (answer.status_code, answer.json()["code"]) == (409, "context_changed")
    assert put(house, uid, risk="high", base_version=1).status_code == 200


def test_context_of_a_signed_study_opens_an_amendment(house: House) -> None:
    from tests.review.seed import Case

    uid = house.study(Case("Phantom^L", "PH-104101"))
    house.reader.post(f"/api/studies/{uid}/sign")
    put(house, uid, purpose="other")
    assert house.get(uid)["amending"]
