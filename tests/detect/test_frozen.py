"""The answers of before: a faster preparation must not see other lungs or other nodules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.detect import frozen
from triage.core.finding import Candidate
from triage.core.volume import Volume
from triage.detect.measure import measure
from triage.detect.nodule import Detector

FROZEN: dict[str, dict[str, Any]] = json.loads(frozen.FILE.read_text(encoding="utf-8"))
CENTER_MM, DIAMETER_MM, PROBABILITY = 0.1, 0.01, 1e-3


@pytest.fixture(scope="module")
def looking() -> Detector:
    return frozen.detector()


def compare(volume: Volume, now: dict[str, Any], was: dict[str, Any]) -> None:
    """Same lungs, same grid, same findings, same sizes."""
    assert now["result"] == was["result"]
    for name, value in was["report"].items():
        assert now["report"][name] == pytest.approx(value), name
    assert now["shape"] == was["shape"]
    assert np.allclose(now["affine"], was["affine"], atol=1e-9)
    lungs, before = np.array(now["lung_by_slice"]), np.array(was["lung_by_slice"])
    assert np.abs(lungs - before).sum() <= 1e-3 * before.sum()
    assert np.allclose(now["tensor_by_slice"], was["tensor_by_slice"], atol=2e-3)
    same_findings(now["findings"], was["findings"])
    same_sizes(volume, was["findings"])


def same_findings(now: list[dict[str, Any]], was: list[dict[str, Any]]) -> None:
    """One by one, as far as a reader could tell."""
    assert len(now) == len(was)
    for found, before in zip(now, was, strict=True):
        apart = np.subtract(found["center_lps_mm"], before["center_lps_mm"])
        assert np.linalg.norm(apart) <= CENTER_MM
        assert abs(found["diameter_mm"] - before["diameter_mm"]) <= DIAMETER_MM
        assert abs(found["probability"] - before["probability"]) <= PROBABILITY
        assert found["key_sop_uid"] == before["key_sop_uid"]


def same_sizes(volume: Volume, was: list[dict[str, Any]]) -> None:
    """Measured at the very candidates of before: a voxel on the threshold may tip at another."""
    for before in was:
        x, y, z = before["center_lps_mm"]
        candidate = Candidate((x, y, z), before["diameter_mm"], before["probability"])
        found = measure(volume, candidate)
        size = found.measurement
        assert (size and [size.long_mm, size.short_mm]) == before["size_mm"]
        assert (found.solidity and found.solidity.value) == before["solidity"]


@pytest.mark.parametrize("name", frozen.DRAWN)
def test_a_drawn_chest_is_answered_as_before(name: str, looking: Detector) -> None:
    volume, judged = frozen.drawn(name)
    compare(volume, frozen.numbers(volume, judged, looking), FROZEN[name])


@pytest.mark.real
@pytest.mark.parametrize("case", frozen.REAL)
def test_a_real_series_is_answered_as_before(
    case: str, looking: Detector, shared_data: Path
) -> None:
    volume, judged = frozen.real(shared_data, case)
    now = frozen.numbers(volume, judged, looking)
    assert now["hu_sha256"] == FROZEN[case]["hu_sha256"]
    compare(volume, now, FROZEN[case])


def test_another_answer_would_be_noticed() -> None:
    was = FROZEN["drawn"]["findings"]
    moved = [{**f, "center_lps_mm": [x + 0.2 for x in f["center_lps_mm"]]} for f in was]
    with pytest.raises(AssertionError):
        same_findings(moved, was)
    with pytest.raises(AssertionError):
        same_findings([], was)
