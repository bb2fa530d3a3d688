"""One JSON row a measurement, with what is needed to take it again."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).resolve().parent.parent


def commit() -> str:
    """The commit the tree stands on, with ``+`` when it was changed since."""
    named = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    changed = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=no"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return named.stdout.strip() + ("+" if changed.stdout.strip() else "")


def write(name: str, row: dict[str, Any]) -> None:
    """Append a row to ``results/NAME.jsonl``."""
    RESULTS.mkdir(exist_ok=True)
    full = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "load": round(os.getloadavg()[0], 1),
        "cores": os.cpu_count(),
        **row,
    }
    with (RESULTS / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(full, ensure_ascii=False) + "\n")


def rows(name: str) -> list[dict[str, Any]]:
    """Every row written so far under a name."""
    path = RESULTS / f"{name}.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
