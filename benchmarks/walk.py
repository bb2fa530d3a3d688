"""`triage bench walk`: a real CT from its last slice to findings on the page, stage by stage.

Sends LIDC-IDRI-0001 (or a phantom, where the real CTs are not at hand) with dcmtk's dcmsend to a
running installation on loopback, several times under new UIDs, and prints where the time goes. The
share that is not the model is what this house adds. Quiet time is set to 0.2 s, so that waiting for
a sender that may send more is not counted as work; it is printed apart.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import record
from tests.conftest import find_shared_data
from tests.way.kills import query, send
from tests.way.product import Product, truth_of, unpack, until
from tests.way.relabel import relabel
from tests.way.studies import write_study

ROUNDS = 5
QUIET_S = 0.2
CASE = "LIDC-IDRI-0001"
_EPOCH_S = "(julianday({}) - 2440587.5) * 86400.0"


def main() -> int:
    """Run, print, record; 0 when every round ended with a published result."""
    with tempfile.TemporaryDirectory(prefix="triage-bench-") as name:
        folder = Path(name)
        product = Product(folder / "data", TRIAGE_QUIET_S=str(QUIET_S)).start()
        try:
            measured = [_round(product, folder, number) for number in range(ROUNDS + 1)]
        finally:
            product.stop()
    # The first one loads the model; it is shown, but stands outside the medians.
    _print(measured[0], measured[1:])
    return 0


def _round(product: Product, folder: Path, number: int) -> dict[str, Any]:
    study_uid, files, source = _study(folder, number)
    sent = send(product, files)
    assert sent.wait(300) == 0
    until("published", lambda: _published(product, study_uid), 300)
    row = {"source": source, "slices": len(files), **_stages(product, study_uid)}
    record.write("walk", {"round": number, **row})
    return row


def _study(folder: Path, number: int) -> tuple[str, list[Path], str]:
    shared = find_shared_data()
    if shared is None:
        return *write_study(folder / f"send-{number}", number), "phantom"
    _, truth = truth_of(shared, CASE)
    original = folder / "original"
    if not original.exists():
        unpack(shared / truth["file"], original)
    return *relabel(original, folder / f"send-{number}", number), CASE


def _published(product: Product, study_uid: str) -> bool:
    sql = "SELECT 1 FROM triage_event WHERE kind = 'study.published' AND study_uid = ?"
    return bool(query(product, sql, study_uid))


def _stages(product: Product, study_uid: str) -> dict[str, Any]:
    """Seconds by stage; all clocks are this machine's."""
    (last,) = query(
        product,
        f"SELECT max({_EPOCH_S.format('received_at')}) FROM triage_instance WHERE study_uid = ?",
        study_uid,
    )[0]
    (published,) = query(
        product,
        f"SELECT {_EPOCH_S.format('at')} FROM triage_event "
        "WHERE kind = 'study.published' AND study_uid = ?",
        study_uid,
    )[0]
    tasks = dict(
        query(product, "SELECT tool, seconds FROM triage_task WHERE subject = ?", study_uid)
    )
    (inside,) = query(
        product, "SELECT timings_s FROM triage_result WHERE study_uid = ?", study_uid
    )[0]
    return {
        "last_slice_to_page_s": round(published - last, 3),
        "tasks_s": {name: round(seconds, 3) for name, seconds in tasks.items()},
        "detect_s": {name: round(float(s), 3) for name, s in json.loads(inside).items()},
    }


def _print(first: dict[str, Any], rest: list[dict[str, Any]]) -> None:
    def median(values: list[float]) -> float:
        return statistics.median(values)

    total = median([row["last_slice_to_page_s"] for row in rest])
    print(f"{first['source']}, {first['slices']} slices, {len(rest)} rounds (medians, seconds)")
    print(f"{'first round, with model start':<34}{first['last_slice_to_page_s']:8.2f}")
    print(f"{'last slice to findings on the page':<34}{total:8.2f}")
    for kind, label in (("tasks_s", "  task "), ("detect_s", "    in detection: ")):
        for name in sorted({name for row in rest for name in row[kind]}):
            seen = [row[kind][name] for row in rest if name in row[kind]]
            often = "" if len(seen) == len(rest) else f"  ({len(seen)} of {len(rest)} rounds)"
            print(f"{label + name:<34}{median(seen):8.2f}{often}")
    model = median([_model_s(row) for row in rest])
    tasks = median([sum(row["tasks_s"].values()) for row in rest])
    print(f"{'in no task (door, quiet, planning)':<34}{max(0.0, total - tasks):8.2f}")
    print(f"{'not the model':<34}{total - model:8.2f}  = {100 * (1 - model / total):.0f} %")


def _model_s(row: dict[str, Any]) -> float:
    return float(row["detect_s"].get("model", 0.0))


if __name__ == "__main__":
    raise SystemExit(main())
