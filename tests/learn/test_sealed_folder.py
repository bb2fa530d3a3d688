"""A sealed folder that is damaged ends the round with its reason, not with an exception."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from triage import wiring
from triage.core.work import Call, Cause
from triage.learn.sealed import FolderPopulation
from triage.learn.tools import Bench, seal_test_set
from triage.pathway import ROUND
from triage.settings import Settings
from triage.store import learning_rows
from triage.store.tables import Round

TRUTH = {"format": 1, "series": {}}
ROW = {"case": "a", "patient": "P", "all_nodules_marked": True, "truth_kind": "x", "nodules": []}


@pytest.mark.parametrize(
    ("truth", "why"),
    [
        (None, "truth.json is missing"),
        (TRUTH, "lists no series"),
        ({"series": {"1.2": ROW}}, "a.zip is missing"),
    ],
)
def test_a_damaged_sealed_folder_is_said(
    tmp_path: Path, truth: dict[str, object] | None, why: str
) -> None:
    sealed = tmp_path / "sealed"
    sealed.mkdir()
    if truth is not None:
        (sealed / "truth.json").write_text(json.dumps(truth))
    house = wiring.open_house(Settings(data=tmp_path / "data"))
    with house.store.unit_of_work() as uow:
        asked_for = {"id": "r1", "number": 1, "population": "real", "state": "running"}
        uow.add(Round(**asked_for, started_by="engineer"))
    population = FolderPopulation(sealed, set)
    champion = wiring.champion_of(house)
    bench = Bench(house.store, house.files, tmp_path, champion, {learning_rows.REAL: population})
    asked = {ROUND: {"population": "real", "champion": None}}
    outcome = seal_test_set(bench).run(asked, Call("r1", "p", "t"))
    house.store.close()
    assert outcome.cause is Cause.INPUT_BAD
    assert why in outcome.message
