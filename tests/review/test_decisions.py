"""Decisions through the API: events, versions, idempotency, undo, two readers, nothing lost."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.review.conftest import House
from tests.review.seed import Case, ball
from tests.review.test_axes import cross
from triage.core.finding import StudyState
from triage.store import reading_rows
from triage.store.tables import FindingRow


def first(house: House, study_uid: str) -> dict[str, Any]:
    found: dict[str, Any] = house.get(study_uid)["findings"][0]
    return found


def events_of(house: House, study_uid: str, kind: str = "finding.decision") -> list[dict[str, Any]]:
    items = house.reader.get(f"/api/studies/{study_uid}/events").json()["items"]
    return [item for item in items if item["kind"] == kind]


def test_accepting_is_recorded_with_reader_time_before_and_after(house_on_both: House) -> None:
    house = house_on_both
    uid = house.study()
    finding = first(house, uid)
    answer = house.decide(finding, "confirm")
    assert answer.status_code == 200
    assert answer.json()["state"] == "confirmed" and answer.json()["version"] == 2
    [event] = events_of(house, uid)
    assert (event["actor"], event["finding_id"]) == ("a-radiologist", finding["finding_id"])
    assert event["at"] is not None
    assert event["before"]["finding"]["state"] == "pending"
    assert event["after"]["finding"]["state"] == "confirmed"
    assert event["after"]["decision"] == "confirm"
    # Nothing is lost on reload: the page's next look shows it.
    again = first(house, uid)
    assert (again["state"], again["decided_by"]) == ("confirmed", "a-radiologist")
    assert house.acts == [(uid, "finding.decision")]


def test_the_first_act_claims_the_study_and_brings_it_into_review(house: House) -> None:
    uid = house.study()
    house.decide(first(house, uid), "reject", reason="vessel")
    study = house.get(uid)
    assert (study["state"], study["reader"]) == ("in_review", "a-radiologist")
    [event] = [e for e in events_of(house, uid, "study.state") if e["actor"] != "system"]
    assert event["before"] == {"state": "ready", "reader": ""}


def test_a_stale_version_answers_the_current_finding(house: House) -> None:
    uid = house.study()
    seen = first(house, uid)
    other = house.as_("radiologist", "b-reader")
    assert house.decide(seen, "confirm", by=other).status_code == 200
    answer = house.decide(seen, "reject", reason="scar")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:triage:problem:finding_changed"
    assert problem["current"]["state"] == "confirmed"
    assert problem["current"]["decided_by"] == "b-reader"
    assert first(house, uid)["state"] == "confirmed"


def test_a_decision_that_changes_nothing_is_a_conflict_with_the_finding(house: House) -> None:
    uid = house.study()
    done = house.decide(first(house, uid), "confirm").json()
    answer = house.decide(done, "confirm")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_do")
    assert answer.json()["current"]["finding_id"] == done["finding_id"]
    assert len(events_of(house, uid)) == 1


def post(house: House, finding: dict[str, Any], key: str, **body: Any) -> Any:
    return house.reader.post(
        f"/api/findings/{finding['finding_id']}/decisions",
        json={"base_version": finding["version"], **body},
        headers={"Idempotency-Key": key},
    )


def test_the_same_key_acts_once(house_on_both: House) -> None:
    house = house_on_both
    uid = house.study()
    finding = first(house, uid)
    one = post(house, finding, "offline-queue-1", decision="confirm")
    two = post(house, finding, "offline-queue-1", decision="confirm")
    assert one.status_code == two.status_code == 200
    assert two.headers["Idempotent-Replay"] == "true" and one.json() == two.json()
    assert len(events_of(house, uid)) == 1


def test_the_same_key_for_another_act_is_refused(house: House) -> None:
    finding = first(house, house.study())
    post(house, finding, "offline-queue-1", decision="confirm")
    answer = post(house, finding, "offline-queue-1", decision="reject", reason="node")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_two_readers_may_by_chance_use_one_key(house: House) -> None:
    a, b = (first(house, house.study()) for _ in range(2))
    assert post(house, a, "the-same-key", decision="confirm").status_code == 200
    other = house.as_("radiologist", "b-reader").post(
        f"/api/findings/{b['finding_id']}/decisions",
        json={"decision": "confirm", "base_version": 1},
        headers={"Idempotency-Key": "the-same-key"},
    )
    assert other.status_code == 200 and "Idempotent-Replay" not in other.headers


@pytest.mark.parametrize("key", [None, "", "short", "x" * 129, "with space in it", "ключ-ключ"])
def test_a_decision_needs_a_usable_key(house: House, key: str | None) -> None:
    finding = first(house, house.study())
    headers = {} if key is None else {"Idempotency-Key": key.encode("utf-8")}
    answer = house.reader.post(
        f"/api/findings/{finding['finding_id']}/decisions",
        json={"decision": "confirm", "base_version": 1},
        headers=headers,
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].lower() == "idempotency-key"


def test_resizing_by_drag_is_measured_by_the_server(house: House) -> None:
    uid = house.study()
    answer = house.decide(first(house, uid), "correct", **cross(14.16, 11.04))
    assert answer.status_code == 200
    got = answer.json()
    assert (got["long_mm"], got["short_mm"], got["mean_mm"]) == (14.2, 11.0, 12.6)
    assert got["state"] == "corrected"
    assert got["proposed"]["long_mm"] == 12.0  # the machine's own words stay


def test_a_drag_leaves_no_stale_volume_and_undo_brings_it_back(house: House) -> None:
    _, mark = ball()
    uid = house.study(Case("Volume^V", "PH-2", marks=(replace(mark, volume_mm3=640.0),)))
    before = first(house, uid)
    assert (before["volume_mm3"], before["volume_interval_mm3"]) == (640.0, [320.0, 1280.0])
    dragged = house.decide(before, "correct", **cross(14.16, 11.04)).json()
    assert dragged["volume_mm3"] is None and dragged["volume_interval_mm3"] is None
    assert dragged["proposed"]["volume_mm3"] == 640.0
    undone = house.decide(dragged, "retract").json()
    assert (undone["volume_mm3"], undone["volume_interval_mm3"]) == (640.0, [320.0, 1280.0])


@pytest.mark.parametrize("decision", ["confirm", "reject", "correct"])
def test_undo_restores_exactly_what_was_before(house: House, decision: str) -> None:
    uid = house.study()
    before = first(house, uid)
    more: dict[str, Any] = {"reject": {"reason": "scar"}, "correct": cross(9.0, 5.0)}.get(
        decision, {}
    )
    done = house.decide(before, decision, **more).json()
    assert done["can_undo"]
    undone = house.decide(done, "retract").json()
    assert undone == before | {"version": 3}
    assert not undone["can_undo"] and undone["decided_by"] is None
    taken_back, event = events_of(house, uid)
    assert event["undoes"] == taken_back["seq"]


def test_undo_goes_back_one_act_at_a_time(house: House) -> None:
    finding = first(house, house.study())
    images = [finding]
    for decision, more in (
        ("confirm", {}),
        ("correct", cross(8.0, 4.0)),
        ("reject", {"reason": "scar"}),
    ):
        images.append(house.decide(images[-1], decision, **more).json())
    present = images[-1]
    for earlier in reversed(images[:-1]):
        present = house.decide(present, "retract").json()
        assert {**present, "version": 0} == {**earlier, "version": 0}
    assert house.decide(present, "retract").status_code == 409


def test_reopening_makes_it_undecided_as_proposed(house: House) -> None:
    before = first(house, house.study())
    corrected = house.decide(before, "correct", **cross(9.0, 5.0)).json()
    rejected = house.decide(corrected, "reject", reason="artefact").json()
    reopened = house.decide(rejected, "reopen").json()
    assert reopened["state"] == "pending"
    assert reopened["long_mm"] == before["long_mm"]
    assert reopened["long_axis_lps_mm"] == before["long_axis_lps_mm"]
    # Reopening is an act, too: undo brings the rejection back.
    assert house.decide(reopened, "retract").json()["state"] == "rejected"


def add(house: House, uid: str, **body: Any) -> Any:
    series = house.get(uid)["series"][0]["series_uid"]
    body = {"series_uid": series, "center_lps_mm": [-16.0, 0.0, -250.0], **body}
    return house.reader.post(f"/api/studies/{uid}/findings", json=body)


def test_a_missed_nodule_is_added_undone_and_brought_back(house: House) -> None:
    uid = house.study()
    answer = add(house, uid, solidity="solid", **cross(7.0, 5.0))
    assert answer.status_code == 201
    mark = answer.json()
    assert (mark["state"], mark["number"], mark["probability"]) == ("added", 3, None)
    assert (mark["long_mm"], mark["lobe"], mark["volume_mm3"]) == (7.0, None, None)
    assert mark["tracking_uid"].startswith("2.25.") and mark["key_sop_uid"] is not None
    assert len(house.get(uid)["findings"]) == 3
    gone = house.decide(mark, "retract").json()
    assert gone["state"] == "withdrawn"
    assert len(house.get(uid)["findings"]) == 2
    back = house.decide(gone, "reopen").json()
    assert {**back, "version": 0} == {
        **mark, "version": 0, "decided_at": back["decided_at"]
    }  # fmt: skip
    assert len(house.get(uid)["findings"]) == 3
    kinds = [e["kind"] for e in events_of(house, uid, "finding.added")]
    assert kinds == ["finding.added"] and len(events_of(house, uid)) == 2


def test_a_place_alone_is_enough_and_nothing_is_made_up(house: House) -> None:
    mark = add(house, house.study()).json()
    unknown = ("long_mm", "short_mm", "mean_mm", "solidity", "margin", "lobe", "calcification")
    assert all(mark[name] is None for name in unknown)


def test_adding_with_one_key_adds_once(house: House) -> None:
    uid = house.study()
    series = house.get(uid)["series"][0]["series_uid"]
    answers = [
        house.reader.post(
            f"/api/studies/{uid}/findings",
            json={"series_uid": series, "center_lps_mm": [-16.0, 0.0, -250.0]},
            headers={"Idempotency-Key": "added-once"},
        )
        for _ in range(2)
    ]
    assert answers[0].json()["finding_id"] == answers[1].json()["finding_id"]
    assert len(house.get(uid)["findings"]) == 3


@pytest.mark.parametrize(
    ("center", "field"),
    [([900.0, 0.0, -250.0], "center_lps_mm"), ([-16.0, 0.0, -303.0], "center_lps_mm")],
)
def test_a_mark_outside_the_volume_is_refused(
    house: House, center: list[float], field: str
) -> None:
    answer = add(house, house.study(), center_lps_mm=center)
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == field


def test_a_mark_on_a_series_of_another_study_is_refused(house: House) -> None:
    uid, other = house.study(), house.study()
    series = house.get(other)["series"][0]["series_uid"]
    answer = add(house, uid, series_uid=series)
    assert (answer.status_code, answer.json()["code"]) == (422, "other_study")


def test_a_mark_needs_pixels_to_be_placed_on(house: House) -> None:
    uid = house.study(pixels=False)
    answer = add(house, uid)
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "series_uid"


@pytest.mark.parametrize("state", [StudyState.RECEIVING, StudyState.INCOMPLETE, StudyState.RUNNING])
def test_provisional_findings_cannot_be_decided(house: House, state: StudyState) -> None:
    from tests.review.seed import ball

    _, mark = ball()
    uid = house.study(Case("Phantom^O", "PH-1", state, marks=(mark,), published=False))
    assert house.get(uid)["provisional"]
    answer = house.decide(first(house, uid), "confirm")
    assert (answer.status_code, answer.json()["code"]) == (409, "study_not_ready")


def test_two_readers_at_once_one_wins_and_the_other_is_told(house_on_both: House) -> None:
    house = house_on_both
    finding = first(house, house.study())
    clients = [house.as_("radiologist", f"reader-{i}") for i in range(4)]
    statuses: list[int] = []
    lock = threading.Lock()
    start = threading.Barrier(4)

    def act(i: int) -> None:
        start.wait(timeout=30)
        answer = clients[i].post(
            f"/api/findings/{finding['finding_id']}/decisions",
            json={"decision": "confirm", "base_version": 1},
            headers={"Idempotency-Key": f"reader-{i}-key"},
        )
        with lock:
            statuses.append(answer.status_code)

    threads = [threading.Thread(target=act, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(statuses) == [200, 409, 409, 409]


def test_an_act_whose_follower_fails_leaves_nothing_behind(house: House) -> None:
    uid = house.study()
    finding = first(house, uid)

    def broken(*_: object) -> None:
        raise RuntimeError("the outbox is full")

    object.__setattr__(house.services, "after_act", broken)
    answer = house.decide(finding, "confirm")
    assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
    assert first(house, uid) == finding and events_of(house, uid) == []


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_any_sequence_keeps_the_row_the_fold_of_its_events(house: House, data: Any) -> None:
    uid = house.study()
    orders = st.sampled_from(
        [
            ("confirm", {}), ("reject", {"reason": "vessel"}), ("reject", {"reason": "node"}),
            ("correct", cross(10.0, 7.0)), ("correct", {"solidity": "part_solid"}),
            ("reopen", {}), ("retract", {}), ("sign", {}),
        ]
    )  # fmt: skip
    finding = first(house, uid)
    start = dict(finding)
    for decision, more in data.draw(st.lists(orders, max_size=8)):
        if decision == "sign":
            house.reader.post(f"/api/studies/{uid}/sign", json={"rest": "dismissed"})
            finding = first(house, uid)
            continue
        answer = house.decide(finding, decision, **more)
        assert answer.status_code in {200, 409}, answer.text
        finding = answer.json() if answer.status_code == 200 else answer.json()["current"]
    with house.store.reading() as uow:
        row = uow.get(FindingRow, finding["finding_id"])
        assert row is not None
        acts = reading_rows.acts_on(uow, [row.finding_id])[row.finding_id]
        every = [
            e for e in reading_rows.study_events(uow, uid)
            if e.finding_id == row.finding_id and e.kind in reading_rows.ACTS
        ]  # fmt: skip
        present = reading_rows.image(row)
    # The fold: the last event's after-image is the row; versions count the events.
    assert row.version == 1 + len(every)
    if every:
        assert (every[-1].after or {})["finding"] == present
    if acts:
        assert (acts[-1].after or {})["finding"] == present
    else:
        assert present == {name: start[name] for name in reading_rows.IMAGE_FIELDS}
