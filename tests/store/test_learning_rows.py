"""Queue, rounds, sealed slices and models as rows, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from triage.errors import Conflict, NotFound
from triage.store import events, learning_rows
from triage.store.learning_rows import PHANTOM, PHANTOM_MAKER, REAL
from triage.store.session import Store, UnitOfWork
from triage.store.tables import FindingRow, Series, Study

A, B = "a" * 64, "b" * 64


def study(uow: UnitOfWork, uid: str, maker: str = "A Maker") -> None:
    uow.add(Study(study_uid=uid))
    uow.flush()
    uow.add(Series(series_uid=f"{uid}.1", study_uid=uid, manufacturer=maker))
    for number in (1, 2, 3):
        uow.add(
            FindingRow(
                finding_id=f"{uid}/{number}", study_uid=uid, series_uid=f"{uid}.1", number=number,
                center_lps_mm=[1.0, 2.0, 3.0], tracking_uid="2.25.1",
            )
        )  # fmt: skip
    uow.flush()


def finding(uid: str, number: int, state: str, **more: Any) -> dict[str, Any]:
    return {
        "finding_id": f"{uid}/{number}", "number": number, "state": state, "reject_reason": None,
        "center_lps_mm": [1.0, 2.0, 3.0], "long_mm": 8.0, "short_mm": 6.0, **more,
    }  # fmt: skip


def sign(uow: UnitOfWork, uid: str, *findings: dict[str, Any], actor: str = "reader") -> None:
    after = {"findings": list(findings), "revision": 1}
    events.append(uow, "study.signed", actor=actor, study_uid=uid, after=after)


def test_only_signed_decisions_are_in_the_queue(any_store: Store) -> None:
    with any_store.unit_of_work() as uow:
        study(uow, "1.1")
        decided = {"finding": finding("1.1", 1, "confirmed")}
        events.append(uow, "finding.decision", study_uid="1.1", after=decided)
    with any_store.reading() as uow:
        assert learning_rows.signed_decisions(uow) == []


@pytest.mark.parametrize(
    ("state", "positive", "negative"),
    [
        ("confirmed", True, False),
        ("corrected", True, False),
        ("added", True, False),
        ("rejected", False, True),
        ("dismissed", False, False),
    ],
)
def test_what_a_decision_says(store: Store, state: str, positive: bool, negative: bool) -> None:
    with store.unit_of_work() as uow:
        study(uow, "1.1")
        sign(uow, "1.1", finding("1.1", 1, state, reject_reason="vessel"))
    with store.reading() as uow:
        [one] = learning_rows.signed_decisions(uow)
    assert (one.positive, one.negative) == (positive, negative)


def test_an_amendment_replaces_what_was_signed_before(any_store: Store) -> None:
    with any_store.unit_of_work() as uow:
        study(uow, "1.1")
        study(uow, "1.2")
        sign(uow, "1.1", finding("1.1", 1, "confirmed"), finding("1.1", 2, "confirmed"))
        sign(uow, "1.2", finding("1.2", 1, "added"))
        sign(uow, "1.1", finding("1.1", 1, "rejected", reject_reason="scar"), actor="second")
    with any_store.reading() as uow:
        found = learning_rows.signed_decisions(uow)
    said = [(one.study_uid, one.number, one.said, one.reader) for one in found]
    assert said == [("1.2", 1, "added", "reader"), ("1.1", 1, "rejected", "second")]


def test_what_is_signed_again_unchanged_is_the_same_item(store: Store) -> None:
    with store.unit_of_work() as uow:
        study(uow, "1.1")
        sign(uow, "1.1", finding("1.1", 1, "confirmed"))
        [before] = learning_rows.signed_decisions(uow)
        sign(uow, "1.1", finding("1.1", 1, "confirmed"), actor="second")
        [same] = learning_rows.signed_decisions(uow)
        sign(uow, "1.1", finding("1.1", 1, "corrected", long_mm=9.0))
        [other] = learning_rows.signed_decisions(uow)
    assert before.key == same.key != other.key


def test_a_frozen_round_does_not_see_what_was_signed_later(store: Store) -> None:
    with store.unit_of_work() as uow:
        study(uow, "1.1")
        sign(uow, "1.1", finding("1.1", 1, "confirmed"))
        frozen = learning_rows.start_round(uow, REAL, {}, actor="e").order["up_to"]
        sign(uow, "1.1", finding("1.1", 1, "rejected", reject_reason="node"))
        [one] = learning_rows.signed_decisions(uow, REAL, frozen)
    assert one.said == "confirmed"


def test_phantoms_never_mix_with_people(any_store: Store) -> None:
    with any_store.unit_of_work() as uow:
        study(uow, "1.1")
        study(uow, "1.2", PHANTOM_MAKER)
        sign(uow, "1.1", finding("1.1", 1, "confirmed"))
        sign(uow, "1.2", finding("1.2", 1, "confirmed"))
    with any_store.reading() as uow:
        real = learning_rows.signed_decisions(uow, REAL)
        phantom = learning_rows.signed_decisions(uow, PHANTOM)
    assert [one.study_uid for one in real] == ["1.1"]
    assert [one.study_uid for one in phantom] == ["1.2"]


def test_a_round_needs_something_to_learn_and_one_runs_at_a_time(any_store: Store) -> None:
    with any_store.unit_of_work() as uow:
        study(uow, "1.1")
        sign(uow, "1.1", finding("1.1", 1, "dismissed"))
        with pytest.raises(Conflict) as nothing:
            learning_rows.start_round(uow, REAL, {}, actor="e")
        sign(uow, "1.1", finding("1.1", 1, "confirmed"))
        assert learning_rows.start_round(uow, REAL, {}, actor="e").number == 1
        with pytest.raises(Conflict) as second:
            learning_rows.start_round(uow, REAL, {}, actor="e")
    assert (nothing.value.detail_code, second.value.detail_code) == (
        "nothing_to_learn", "round_open",
    )  # fmt: skip


def started(uow: UnitOfWork, number: int = 1) -> str:
    uid = f"1.{number}"
    study(uow, uid)
    sign(uow, uid, finding(uid, 1, "confirmed"))
    return learning_rows.start_round(uow, REAL, {}, actor="e").id


def test_looks_at_a_sealed_set_are_counted_once_per_round(any_store: Store) -> None:
    with any_store.unit_of_work() as uow:
        first = started(uow)
        assert learning_rows.take_look(uow, first, A) == 1
        assert learning_rows.take_look(uow, first, A) == 1  # a step that is run again
        learning_rows.end_round(uow, first, {"verdict": "refuse", "reason": "r"})
        second = started(uow, 2)
        assert learning_rows.take_look(uow, second, A) == 2
        learning_rows.end_round(uow, second, {"verdict": "refuse", "reason": "r"})
        assert learning_rows.take_look(uow, started(uow, 3), B) == 1


def test_the_first_verdict_stands(store: Store) -> None:
    with store.unit_of_work() as uow:
        round_id = started(uow)
        learning_rows.end_round(uow, round_id, {"verdict": "refuse", "reason": "first"})
        learning_rows.end_round(uow, round_id, {"verdict": "promote", "reason": "second"})
        learning_rows.halt_round(uow, round_id, "late")
        row = learning_rows.round_of(uow, round_id)
        assert (row.state, row.reason, row.verdict["verdict"]) == ("done", "first", "refuse")


def test_sealed_slices_are_found_by_label(any_store: Store) -> None:
    with any_store.unit_of_work() as uow:
        learning_rows.seal(uow, [A, B, A], "patient", "real")
        learning_rows.seal(uow, [A], "patient", "real")
        assert learning_rows.sealed_among(uow, ["c" * 64]) == {}
        assert learning_rows.sealed_among(uow, [A, "c" * 64]) == {"patient": [A]}


def registry(uow: UnitOfWork, verdict: str | None, evidence: str = REAL) -> None:
    learning_rows.register_released(uow, A, "nodule-s", "0.1.0", {})
    round_id = started(uow)
    learning_rows.register_challenger(
        uow,
        {"digest": B, "name": "nodule-s", "version": "0.1.0+round.1", "folder": f"models/{B}",
         "parent": A, "evidence": evidence, "round_id": round_id, "manifest": {}},
    )  # fmt: skip
    if verdict:
        learning_rows.end_round(uow, round_id, {"verdict": verdict, "reason": "r"})


@pytest.mark.parametrize(
    ("verdict", "evidence", "code"),
    [
        (None, REAL, "no_promote_verdict"),
        ("refuse", REAL, "no_promote_verdict"),
        ("not_enough_evidence", REAL, "no_promote_verdict"),
        ("promote", PHANTOM, "phantom_evidence"),
    ],
)
def test_what_may_not_be_promoted(
    store: Store, verdict: str | None, evidence: str, code: str
) -> None:
    with store.unit_of_work() as uow:
        registry(uow, verdict, evidence)
        with pytest.raises(Conflict) as refused:
            learning_rows.promote(uow, B, actor="e")
        assert refused.value.detail_code == code
        champion = learning_rows.champion(uow)
        assert champion is not None
        assert champion.digest == A


def test_promotion_rollback_and_what_comes_after(any_store: Store) -> None:
    with any_store.unit_of_work() as uow:
        registry(uow, "promote")
        assert learning_rows.promote(uow, B[:12], actor="e").digest == B
        with pytest.raises(Conflict, match="already"):
            learning_rows.promote(uow, B, actor="e")
    with any_store.unit_of_work() as uow:
        assert learning_rows.rollback(uow, B, actor="e").digest == A
        with pytest.raises(Conflict, match="no earlier"):
            learning_rows.rollback(uow, A, actor="e")
        # It was better once, and may be promoted again: its verdict against this champion stands.
        assert learning_rows.promote(uow, B, actor="e").state == "champion"


def test_a_challenger_of_a_replaced_champion_is_refused(store: Store) -> None:
    with store.unit_of_work() as uow:
        registry(uow, "promote")
        row = learning_rows.model(uow, B)
        row.parent = "c" * 64
        with pytest.raises(Conflict, match="another champion"):
            learning_rows.promote(uow, B, actor="e")


@pytest.mark.parametrize("digest", ["aaaa", "f" * 64, "%", "________"])
def test_models_are_found_by_their_digest_only(store: Store, digest: str) -> None:
    with store.unit_of_work() as uow:
        registry(uow, None)
        with pytest.raises(NotFound):
            learning_rows.model(uow, digest)
