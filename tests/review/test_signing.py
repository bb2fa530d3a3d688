"""Claim, release, sign, amend: what is signed is recorded whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.conftest import House
from tests.review.seed import Case
from triage.core.finding import ResultStatus, StudyState
from triage.store.tables import Assessment

NO_MARKS = Case("Phantom^L", "PH-104101")


def sign(house: House, uid: str, by: Any = None, **body: Any) -> Any:
    return (by or house.reader).post(f"/api/studies/{uid}/sign", json=body)


def decide_all(house: House, uid: str) -> None:
    for finding in house.get(uid)["findings"]:
        assert house.decide(finding, "confirm").status_code == 200


def signed_event(house: House, uid: str) -> dict[str, Any]:
    items = house.reader.get(f"/api/studies/{uid}/events").json()["items"]
    found: dict[str, Any] = [item for item in items if item["kind"] == "study.signed"][-1]
    return found


def test_undecided_findings_are_named_in_words(house: House) -> None:
    uid = house.study()
    answer = sign(house, uid)
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["code"] == "not_signable"
    assert problem["missing"] == ["finding 1 is not decided", "finding 2 is not decided"]
    assert house.get(uid)["state"] == "ready"


def test_before_signing_says_the_same_beforehand(house: House) -> None:
    uid = house.study()
    lines = {line["code"]: line for line in house.get(uid)["before_signing"]}
    assert lines["undecided"]["text"] == "Decide 2 findings" and lines["undecided"]["blocking"]
    assert lines["questions"]["text"] == "Answer 1 question" and not lines["questions"]["blocking"]
    decide_all(house, uid)
    assert [line["code"] for line in house.get(uid)["before_signing"]] == ["questions"]


def test_signing_records_what_was_signed_whole(house_on_both: House) -> None:
    house = house_on_both
    uid = house.study()
    decide_all(house, uid)
    house.reader.put(f"/api/studies/{uid}/context", json={"purpose": "other"})
    answer = sign(house, uid)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["state"], said["signed_by"], said["revision"]) == ("signed", "a-radiologist", 1)
    study = house.get(uid)
    assert (study["state"], study["signed_by"], study["wait_s"]) == (
        "signed", "a-radiologist", None,
    )  # fmt: skip
    after = signed_event(house, uid)["after"]
    assert [f["state"] for f in after["findings"]] == ["confirmed", "confirmed"]
    assert after["findings"][0]["long_mm"] == 12.0
    assert after["context"]["purpose"]["value"] == "other"
    assert house.acts[-1] == (uid, "study.signed")


def test_rest_dismissed_closes_what_was_left_and_is_undoable(house: House) -> None:
    uid = house.study()
    findings = house.get(uid)["findings"]
    house.decide(findings[0], "confirm")
    said = sign(house, uid, rest="dismissed").json()
    assert said["dismissed"] == [findings[1]["finding_id"]]
    left = house.get(uid)["findings"][1]
    assert (left["state"], left["can_undo"]) == ("dismissed", True)
    back = house.decide(left, "retract").json()
    assert back["state"] == "pending"


def test_rest_does_not_touch_what_is_decided(house: House) -> None:
    uid = house.study()
    decide_all(house, uid)
    assert sign(house, uid, rest="dismissed").json()["dismissed"] == []
    assert {f["state"] for f in house.get(uid)["findings"]} == {"confirmed"}


def test_a_decision_after_signing_makes_an_amendment(house: House) -> None:
    uid = house.study()
    decide_all(house, uid)
    sign(house, uid)
    other = house.as_("radiologist", "b-reader")
    rejected = house.decide(house.get(uid)["findings"][1], "reject", by=other, reason="vessel")
    assert rejected.status_code == 200
    study = house.get(uid)
    assert (study["state"], study["amending"]) == ("in_review", True)
    answer = sign(house, uid, by=other)
    assert (answer.json()["revision"], answer.json()["signed_by"]) == (2, "b-reader")
    event = signed_event(house, uid)
    assert event["before"]["signed_event"] is not None


def test_signing_twice_is_a_conflict_but_one_key_signs_once(house: House) -> None:
    uid = house.study(NO_MARKS)
    key = {"Idempotency-Key": "sign-this-one"}
    address = f"/api/studies/{uid}/sign"
    one = house.reader.post(address, json={}, headers=key)
    two = house.reader.post(address, json={}, headers=key)
    assert one.status_code == two.status_code == 200
    assert one.json()["signed_at"] == two.json()["signed_at"]
    assert two.headers["Idempotent-Replay"] == "true"
    assert sign(house, uid).json()["code"] == "already_signed"


def test_signing_needs_no_body(house: House) -> None:
    uid = house.study(NO_MARKS)
    assert house.reader.post(f"/api/studies/{uid}/sign").status_code == 200


def test_nobody_signs_what_changed_after_the_look(house: House) -> None:
    uid = house.study()
    decide_all(house, uid)
    seq = house.get(uid)["seq"]
    other = house.as_("radiologist", "b-reader")
    house.decide(house.get(uid)["findings"][0], "reject", by=other, reason="scar")
    answer = sign(house, uid, as_of=seq)
    assert (answer.status_code, answer.json()["code"]) == (409, "changed_since")
    assert "b-reader" in answer.json()["detail"]
    assert sign(house, uid, as_of=house.get(uid)["seq"]).status_code == 200


def test_a_claim_between_look_and_signature_does_not_block(house: House) -> None:
    uid = house.study(NO_MARKS)
    seq = house.get(uid)["seq"]
    house.reader.post(f"/api/studies/{uid}/claim")
    assert sign(house, uid, as_of=seq).status_code == 200


@pytest.mark.parametrize("status", [ResultStatus.NOT_ASSESSED, None])
def test_a_study_the_machine_could_not_look_at_can_be_read_and_signed(
    house: House, status: ResultStatus | None
) -> None:
    uid = house.study(Case("Phantom^G", "PH-104240", status=status))
    assert sign(house, uid).status_code == 200


def test_a_running_study_cannot_be_signed(house: House) -> None:
    uid = house.study(Case("Phantom^O", "PH-1", StudyState.RUNNING, status=None))
    assert [line["code"] for line in house.get(uid)["before_signing"]][-1] == "provisional"
    assert sign(house, uid).json()["code"] == "study_not_ready"


# ---------------------------------------------------------------- the assessment hook


def test_no_category_before_the_reader(house: House) -> None:
    house.assessor.answer = {"guideline": "Lung-RADS v2022", "status": "ok", "category": "4A"}
    uid = house.study()
    assert house.get(uid)["assessment"] is None and house.assessor.asked == []
    decide_all(house, uid)
    assert house.get(uid)["assessment"] == house.assessor.answer | {"preliminary": True}


def test_the_rules_see_only_what_the_reader_kept(house: House) -> None:
    house.assessor.answer = {"guideline": "Lung-RADS v2022", "status": "ok", "category": "2"}
    uid = house.study()
    one, two = house.get(uid)["findings"]
    house.decide(one, "reject", reason="vessel")
    house.decide(two, "correct", long_mm=7.0, short_mm=5.0, solidity="solid")
    house.reader.put(
        f"/api/studies/{uid}/context", json={"purpose": "screening_ldct", "prior_ct": "none"}
    )
    house.get(uid)
    asked = house.assessor.asked[-1]
    assert [f["finding_id"] for f in asked["findings"]] == [two["finding_id"]]
    assert (asked["findings"][0]["long_mm"], asked["findings"][0]["solidity"]) == (7.0, "solid")
    assert asked["purpose"] == "screening_ldct"
    assert asked["context"]["prior_ct"] == "none"
    assert asked["context"]["known_lung_cancer"] is None  # unknown, never a default
    assert asked["result"]["status"] == "assessed"


def test_the_signed_assessment_is_kept_and_shown_for_ever(house: House) -> None:
    house.assessor.answer = {"guideline": "Lung-RADS v2022", "status": "ok", "category": "4A"}
    uid = house.study()
    decide_all(house, uid)
    assert sign(house, uid).json()["assessment"]["preliminary"] is False
    house.assessor.answer = {"guideline": "Lung-RADS v2022", "status": "ok", "category": "2"}
    assert house.get(uid)["assessment"]["category"] == "4A"
    with house.store.reading() as uow:
        [kept] = uow.query(Assessment).all()
    assert (kept.guideline, kept.outcome["category"]) == ("Lung-RADS v2022", "4A")


def test_dismissed_marks_take_no_part_in_the_category(house: House) -> None:
    house.assessor.answer = {"guideline": "Lung-RADS v2022", "status": "ok", "category": "1"}
    uid = house.study()
    sign(house, uid, rest="dismissed")
    assert house.assessor.asked[-1]["findings"] == []


def test_signing_the_same_content_again_keeps_one_assessment(house: House) -> None:
    house.assessor.answer = {"guideline": "Lung-RADS v2022", "status": "ok", "category": "4A"}
    uid = house.study()
    decide_all(house, uid)
    sign(house, uid)
    done = house.decide(house.get(uid)["findings"][0], "reject", reason="scar").json()
    house.decide(done, "retract")
    assert sign(house, uid).json()["revision"] == 2


def test_the_real_rules_take_what_they_are_handed(house: House) -> None:
    from triage.rules import study as rules

    def assess(inputs: Any) -> Any:
        return rules.assess(inputs["context"], inputs["findings"])

    object.__setattr__(house.services, "assess", assess)
    uid = house.study()
    one, two = house.get(uid)["findings"]
    house.decide(one, "confirm")
    house.decide(two, "reject", reason="vessel")
    assert house.get(uid)["assessment"]["status"] == "cannot_categorise"
    address = f"/api/studies/{uid}/context"
    for question in ("purpose", "prior_ct", "known_lung_cancer", "lungs_fully_evaluable",
                     "inflammatory_infectious_suspected"):  # fmt: skip
        answer = {"purpose": "screening_ldct", "prior_ct": "none", "lungs_fully_evaluable": True}
        house.reader.put(address, json={question: answer.get(question, False)})
    assert house.get(uid)["questions"] == []
    outcome = house.get(uid)["assessment"]
    # 12 mm solid at baseline: 8 to below 15 mm is 4A (clinical_rules 1.2).
    assert (outcome["status"], outcome["category"], outcome["preliminary"]) == ("ok", "4A", True)
    [item] = house.reader.get("/api/worklist").json()["items"]
    assert (item["lung_rads"], item["lung_rads_preliminary"]) == ("4A", True)


def test_a_fleischner_result_is_no_lung_rads_category(house: House) -> None:
    house.assessor.answer = {"guideline": "Fleischner Society 2017", "category": "solid_single_gt8"}
    uid = house.study()
    decide_all(house, uid)
    [item] = house.reader.get("/api/worklist").json()["items"]
    assert item["lung_rads"] is None


# ---------------------------------------------------------------- claim and release


def test_claim_and_release(house: House) -> None:
    uid = house.study()
    claimed = house.reader.post(f"/api/studies/{uid}/claim").json()
    assert (claimed["state"], claimed["reader"]) == ("in_review", "a-radiologist")
    assert house.reader.post(f"/api/studies/{uid}/claim").status_code == 200
    released = house.reader.post(f"/api/studies/{uid}/release").json()
    assert (released["state"], released["reader"]) == ("ready", None)


def test_anothers_claim_is_kept_unless_taken_over(house: House) -> None:
    uid = house.study()
    house.reader.post(f"/api/studies/{uid}/claim")
    other = house.as_("radiologist", "b-reader")
    refused = other.post(f"/api/studies/{uid}/claim")
    assert (refused.status_code, refused.json()["code"]) == (409, "claimed")
    assert other.post(f"/api/studies/{uid}/release").status_code == 409
    taken = other.post(f"/api/studies/{uid}/claim", json={"take_over": True})
    assert taken.json()["reader"] == "b-reader"


def test_releasing_an_amendment(house: House) -> None:
    uid = house.study(NO_MARKS)
    sign(house, uid)
    house.reader.put(f"/api/studies/{uid}/context", json={"purpose": "other"})
    released = house.reader.post(f"/api/studies/{uid}/release").json()
    # Something changed after the signature: it must be signed again, by whoever takes it.
    assert (released["state"], released["reader"]) == ("in_review", None)


def test_claiming_a_signed_study_leaves_it_signed(house: House) -> None:
    uid = house.study(NO_MARKS)
    sign(house, uid)
    assert house.reader.post(f"/api/studies/{uid}/claim").json()["state"] == "signed"
