"""Sign, queue, round, challenger, verdict, promotion, next study, rollback: real parts, tiny."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.learn import tiny
from tests.learn.conftest import STUDIES, Walk
from triage.learn.sealed import FIRST_SEALED_SEED
from triage.store.tables import Event

pytestmark = pytest.mark.timeout(600)


def test_the_loop_closes(walk: Walk) -> None:
    for seed in STUDIES:
        walk.take_in(seed)
    for seed in STUDIES:
        walk.sign(seed)
    queue = walk.get("/api/learning/queue")
    assert queue["counts"]["queued"] == len(queue["items"]) >= 2 * len(STUDIES)
    assert queue["by_population"] == {"phantom": len(queue["items"])}
    walk.post("/api/learning/rounds", {"population": "real"}, status=409)  # phantoms are not people

    ended = walk.round()
    verdict = ended["verdict"]
    assert verdict["verdict"] == "promote", ended["reason"]
    assert verdict["changes"]["cpm"]["lower"] > 0
    assert (verdict["look"], verdict["cases"], verdict["population"]) == (1, 20, "phantom")
    assert ended["champion"] == walk.released
    assert {i["round"] for i in walk.get("/api/learning/queue")["items"]} == {1}
    _plan_explains(walk, ended["id"])
    _progress_was_told(walk, ended["id"])

    # Nothing has changed yet: a verdict is no promotion.
    walk.take_in(20)
    assert _model_of(walk, 20) == walk.released
    digest = ended["challenger"]
    refused = walk.post(f"/api/models/{digest}/promote", status=409)
    assert refused["code"] == "phantom_evidence"
    promoted = walk.post(f"/api/models/{digest[:12]}/promote", {"phantom": True})
    assert (promoted["state"], promoted["promoted_by"]) == ("champion", "local")
    walk.take_in(21)
    assert _model_of(walk, 21) == digest
    assert _model_of(walk, 20) == walk.released  # what was read stays as it was read

    back = walk.post(f"/api/models/{digest}/rollback")
    assert back["digest"] == walk.released
    walk.take_in(22)
    assert _model_of(walk, 22) == walk.released
    assert walk.post(f"/api/models/{digest}/rollback", status=409)["code"] == "not_champion"
    states = {m["digest"]: m["state"] for m in walk.get("/api/models")["items"]}
    assert states == {walk.released: "champion", digest: "retired"}
    with walk.inst.house.store.reading() as uow:
        kinds = [e.kind for e in uow.query(Event).order_by(Event.seq) if e.kind.startswith("model")]
    assert kinds == ["model.promoted", "model.rolled_back"]


def _model_of(walk: Walk, seed: int) -> str:
    model = walk.until_read(tiny.study_uid(seed))["model"]
    return str(model["digest"])


def _plan_explains(walk: Walk, round_id: str) -> None:
    plan = walk.get(f"/api/learning/rounds/{round_id}/plan")
    assert [task["tool"] for task in plan["tasks"]] == [
        "seal_test_set", "collect_training_set", "finetune", "export_challenger",
        "evaluate_challenger", "judge_challenger",
    ]  # fmt: skip
    assert {task["state"] for task in plan["tasks"]} == {"done"}


def _progress_was_told(walk: Walk, round_id: str) -> None:
    with walk.inst.house.store.reading() as uow:
        rows = uow.query(Event).filter(Event.study_uid == round_id, Event.kind == "round.progress")
        stages = [row.after["stage"] for row in rows if row.after]
        steps = [
            row.after["done"] for row in rows if row.after and row.after["stage"] == "training"
        ]
    assert stages[0] == "sealing the test set"
    assert steps == sorted(steps)
    assert steps[-1] == 60


def test_a_test_patient_under_another_name_is_refused_by_pixels(walk: Walk) -> None:
    walk.take_in(1)
    walk.sign(1)
    sealed = FIRST_SEALED_SEED + 3
    walk.take_in(sealed, PatientID="SOMEBODY-ELSE", PatientName="Other^Name")
    walk.sign(sealed)
    ended = walk.round()
    assert ended["state"] == "done"
    assert ended["verdict"]["verdict"] == "refuse"
    assert ended["challenger"] is None
    [named] = ended["refused"]
    assert named["study_uid"] == tiny.study_uid(sealed)
    assert named["label"] == f"phantom {sealed}"
    assert named["slices"] > 20
    plan = walk.get(f"/api/learning/rounds/{ended['id']}/plan")
    last = plan["tasks"][-1]
    assert (last["tool"], last["cause"]) == ("collect_training_set", "input_bad")
    assert f"phantom {sealed}" in last["message"]
    # From now on it is out, and says so; the other study can be learned from.
    states = {i["study_uid"]: i["state"] for i in walk.get("/api/learning/queue")["items"]}
    assert states == {tiny.study_uid(1): "queued", tiny.study_uid(sealed): "refused"}


def test_a_round_on_people_without_sealed_cases_is_not_enough_evidence(walk: Walk) -> None:
    walk.take_in(1, maker="A Maker")
    walk.sign(1)
    ended = walk.round("real", steps=2)
    assert ended["verdict"]["verdict"] == "not_enough_evidence"
    assert "0 sealed cases" in ended["reason"]
    refused = walk.post(f"/api/models/{ended['challenger']}/promote", status=409)
    assert refused["code"] == "no_promote_verdict"


def test_without_torch_the_round_waits_and_says_what_mends_it(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from triage.learn import tools

    monkeypatch.setattr(tools, "find_spec", lambda _name: None)
    walk.take_in(1)
    walk.sign(1)
    ended = walk.round()
    assert ended["state"] == "waiting"
    assert "make setup-train" in ended["reason"]
