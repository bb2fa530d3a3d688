"""The answers of before: a faster preparation must not see other lungs or other nodules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.detect import frozen
from triage.detect.nodule import Detector

FROZEN: dict[str, dict[str, Any]] = json.loads(frozen.FILE.read_text(encoding="utf-8"))
CENTER_MM, PROBABILITY, LENGTH_MM = 0.1, 1e-3, 0.1


@pytest.fixture(scope="module")
def looking() -> Detector:
    return frozen.detector()


def compare(now: dict[str, Any], was: dict[str, Any]) -> None:
    """Same lungs, same grid, same findings."""
    assert now["result"] == was["result"]
    assert now["report"]["end_area_mm2"] == pytest.approx(was["report"].pop("end_area_mm2"))
    assert {k: now["report"][k] for k in was["report"]} == pytest.approx(was["report"])
    assert now["shape"] == was["shape"]
    assert np.allclose(now["affine"], was["affine"], atol=1e-9)
    lungs, before = np.array(now["lung_by_slice"]), np.array(was["lung_by_slice"])
    assert np.abs(lungs - before).sum() <= 1e-3 * before.sum()
    assert np.allclose(now["tensor_by_slice"], was["tensor_by_slice"], atol=2e-3)
    same_findings(now["findings"], was["findings"])


def same_findings(now: list[dict[str, Any]], was: list[dict[str, Any]]) -> None:
    """One by one, as far as a reader could tell."""
    assert len(now) == len(was)
    for found, before in zip(now, was, strict=True):
        apart = np.subtract(found["center_lps_mm"], before["center_lps_mm"])
        assert np.linalg.norm(apart) <= CENTER_MM
        assert abs(found["probability"] - before["probability"]) <= PROBABILITY
        assert (found["solidity"], found["key_sop_uid"]) == (
            before["solidity"],
            before["key_sop_uid"],
        )
        for side in ("long_mm", "short_mm"):
            assert found[side] == pytest.approx(before[side], abs=LENGTH_MM + 1e-9)


@pytest.mark.parametrize("name", frozen.DRAWN)
def test_a_drawn_chest_is_answered_as_before(name: str, looking: Detector) -> None:
    compare(frozen.numbers(*frozen.drawn(name), looking), FROZEN[name])


@pytest.mark.real
@pytest.mark.parametrize("case", frozen.REAL)
def test_a_real_series_is_answered_as_before(
    case: str, looking: Detector, shared_data: Path
) -> None:
    now = frozen.numbers(*frozen.real(shared_data, case), looking)
    assert now["hu_sha256"] == FROZEN[case]["hu_sha256"]
    compare(now, FROZEN[case])


def test_another_answer_would_be_noticed() -> None:
    was = FROZEN["drawn"]["findings"]
    moved = [{**f, "center_lps_mm": [x + 0.2 for x in f["center_lps_mm"]]} for f in was]
    with pytest.raises(AssertionError):
        same_findings(moved, was)
    with pytest.raises(AssertionError):
        same_findings([], was)
