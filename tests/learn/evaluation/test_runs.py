"""Rows of leave-one-patient-out runs: read as `figures series` prints them, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from triage.errors import Unprocessable
from triage.learn.evaluation.runs import RankedNodule, RunRow, read_runs

ROW = {
    "run": "without-1", "case": "P-1", "nodules": 1, "found_at_point": 1,
    "ranked": [{"diameter_mm": 23.7, "probability": 0.9996, "false_above": 0}],
    "false_positives_luna": 4, "false_positives_strict": 5,
    "top": [{"probability": 0.9996, "role": "hit"}],
}  # fmt: skip


def write(path: Path, **changes: object) -> Path:
    path.write_text(json.dumps(ROW | changes))
    return path


def test_rows_come_by_case(tmp_path: Path) -> None:
    later = write(tmp_path / "a.json", case="P-2", false_positives_luna=None)
    rows = read_runs([later, write(tmp_path / "b.json")])
    assert [row.case for row in rows] == ["P-1", "P-2"]
    assert rows[0] == RunRow("without-1", "P-1", 1, 1, (RankedNodule(23.7, 0.9996, 0),), 4, 5)
    assert rows[1].false_positives_luna is None


BAD = {
    "not there": (None, "cannot be read"),
    "no JSON": ("{", "is no row of"),
    "a count that is none": (json.dumps(ROW | {"nodules": "many"}), "nodules"),
    "a part missing": (json.dumps({k: v for k, v in ROW.items() if k != "ranked"}), "ranked"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_row_is_refused(name: str, tmp_path: Path) -> None:
    text, said = BAD[name]
    path = tmp_path / "run.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Unprocessable, match=said):
        read_runs([path])


def test_a_run_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unprocessable, match="without-1 on P-1 is there twice"):
        read_runs([write(tmp_path / "a.json"), write(tmp_path / "b.json")])
