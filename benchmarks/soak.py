"""`make soak`: the "done when" lines at full counts. Resumable: a line with a row is not run again.

    python -m benchmarks.soak [LINE ...]      all lines that this commit has no row for, or these

Each line writes one JSON row to ``results/soak.jsonl`` with commit, seed, counts and load.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import record
from tests.way import kills
from tests.way.product import Product, until
from tests.way.studies import write_study

SEED = 1
KILLS_OF_EACH = 5
IMAGES, PAUSE_S, QUIET_S = 30, 10.0, 15.0


def kill_line(folder: Path) -> dict[str, Any]:
    """SIGKILL of each process at 5 random moments of a running study."""
    product = Product(folder / "data", TRIAGE_QUIET_S="1", TRIAGE_LEASE_S="3").start()
    try:
        tally = kills.run(product, folder / "send", KILLS_OF_EACH, SEED)
        return {**tally.as_row(), "verify": product.run("verify").returncode}
    finally:
        product.stop()


def pause_line(folder: Path) -> dict[str, Any]:
    """One association per image, a pause of 10 s before every tenth, the default quiet time."""
    product = Product(folder / "data", TRIAGE_QUIET_S=str(QUIET_S)).start()
    try:
        study_uid, files = write_study(folder / "send", 1, slices=IMAGES)
        early = 0
        for number, file in enumerate(files):
            assert kills.send(product, [file]).wait(60) == 0
            if number % 10 == 9:
                threading.Event().wait(PAUSE_S)
                early += int(_published(product, study_uid) and number < len(files) - 1)
        until("published", lambda: _published(product, study_uid), 120)
        return {"images": len(files), "pause_s": PAUSE_S, "quiet_s": QUIET_S, "early": early}
    finally:
        product.stop()


def _published(product: Product, study_uid: str) -> bool:
    sql = "SELECT published_revision FROM triage_study WHERE study_uid = ?"
    found = kills.query(product, sql, study_uid)
    return bool(found and found[0][0])


LINES: dict[str, Callable[[Path], dict[str, Any]]] = {"kills": kill_line, "pauses": pause_line}


def main() -> int:
    """Run what has no row yet; 0 when every row is as it must be."""
    wanted = sys.argv[1:] or [
        name
        for name in LINES
        if not any(
            row["line"] == name and row["commit"] == record.commit() for row in record.rows("soak")
        )
    ]
    good = True
    for name in wanted:
        print(f"{name}: {LINES[name].__doc__}")
        with tempfile.TemporaryDirectory(prefix="triage-soak-") as folder:
            row = {"line": name, "seed": SEED, **LINES[name](Path(folder))}
        record.write("soak", row)
        print(f"{name}: {row}")
        good &= not any(row.get(bad) for bad in ("lost", "doubled", "early", "verify"))
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
