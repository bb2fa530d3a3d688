"""A released model scored on a data folder: counts, and never on what it learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from triage.learn.data.cases import Case
from triage.learn.data.looks import Looks
from triage.learn.evaluate import evaluate, is_trained_on
from triage.settings import RuntimeChoice

MODEL = Path(__file__).resolve().parents[2] / "models" / "nodule-s"

# what was trained on, scans and cube patients -> whether series "c" of patient "p" was among it
TRAINED: list[tuple[dict[str, Any], bool]] = [
    ({"scans": ["c"], "cube_patients": []}, True),
    ({"scans": [], "cube_patients": ["p"]}, True),
    ({"scans": [], "cube_patients": [], "select_patients": ["p"]}, True),
    ({"scans": [], "cube_patients": [], "patients": ["p"]}, True),
    ({"scans": [], "cube_patients": [], "series_uids": ["1.2"]}, True),
    ({"scans": ["d"], "cube_patients": ["q"]}, False),
]


@pytest.mark.parametrize(("training", "trained"), TRAINED)
def test_what_was_trained_on_is_known(training: dict[str, Any], trained: bool) -> None:
    case = Case("c", "p", "1.2", True, (), (), Path("c.zip"))
    assert is_trained_on(case, training) is trained


@pytest.mark.real
def test_the_released_model_is_scored_on_the_untouched_series_only(
    shared_data: Path, tmp_path: Path
) -> None:
    names = ["LIDC-IDRI-0001", "LIDC-IDRI-0050", "LIDC-IDRI-0745_lungs"]
    looks = Looks(tmp_path / "looks.jsonl")
    said = evaluate(MODEL, [str(shared_data)], names, RuntimeChoice.ONNX, looks=looks)
    [look] = looks.all()
    assert said["looks"] == 1
    assert (look.model, look.split) == (said["digest"], said["split"])
    assert said["trained_on"] == ["LIDC-IDRI-0001", "LIDC-IDRI-0745_lungs"]
    (row,) = said["series"]
    assert (row["case"], row["positive_nodules"], row["found"]) == ("LIDC-IDRI-0050", 1, 1)
    assert row["false_positives_strict"] >= row["false_positives_luna"]


@pytest.mark.real
def test_an_unknown_series_is_named_and_nothing_is_opened(
    shared_data: Path, tmp_path: Path
) -> None:
    looks = Looks(tmp_path / "looks.jsonl")
    with pytest.raises(SystemExit, match="LIDC-IDRI-9999"):
        evaluate(MODEL, [str(shared_data)], ["LIDC-IDRI-9999"], RuntimeChoice.ONNX, looks=looks)
    assert looks.all() == []


@pytest.mark.real
def test_what_was_trained_on_costs_no_look(shared_data: Path, tmp_path: Path) -> None:
    looks = Looks(tmp_path / "looks.jsonl")
    said = evaluate(MODEL, [str(shared_data)], ["LUNGx-CT003"], RuntimeChoice.ONNX, looks=looks)
    assert (said["series"], said["looks"]) == ([], 0)
