"""A released model scored on a data folder: counts, and never on what it learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from triage.learn.evaluate import evaluate, is_trained_on
from triage.learn.sources import Case
from triage.settings import RuntimeChoice

MODEL = Path(__file__).resolve().parents[2] / "models" / "nodule-s"

# what was trained on, scans and cube patients -> whether series "c" of patient "p" was among it
TRAINED: list[tuple[dict[str, Any], bool]] = [
    ({"scans": ["c"], "cube_patients": []}, True),
    ({"scans": [], "cube_patients": ["p"]}, True),
    ({"scans": ["d"], "cube_patients": ["q"]}, False),
]


@pytest.mark.parametrize(("training", "trained"), TRAINED)
def test_what_was_trained_on_is_known(training: dict[str, Any], trained: bool) -> None:
    case = Case("c", "p", "1.2", True, (), (), Path("c.zip"))
    assert is_trained_on(case, training) is trained


@pytest.mark.real
def test_the_released_model_is_scored_on_the_untouched_series_only(shared_data: Path) -> None:
    names = ["LIDC-IDRI-0001", "LIDC-IDRI-0050", "LIDC-IDRI-0745_lungs"]
    said = evaluate(MODEL, shared_data, names, RuntimeChoice.ONNX)
    assert said["trained_on"] == ["LIDC-IDRI-0001", "LIDC-IDRI-0745_lungs"]
    (row,) = said["series"]
    assert (row["case"], row["positive_nodules"], row["found"]) == ("LIDC-IDRI-0050", 1, 1)
    assert row["false_positives_strict"] >= row["false_positives_luna"]


@pytest.mark.real
def test_an_unknown_series_is_named(shared_data: Path) -> None:
    with pytest.raises(SystemExit, match="LIDC-IDRI-9999"):
        evaluate(MODEL, shared_data, ["LIDC-IDRI-9999"], RuntimeChoice.ONNX)
