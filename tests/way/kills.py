"""SIGKILL of each process of a running installation; what must hold afterwards.

Used by `tests/way/test_kill.py` at small counts and by the soak at full counts. A kill counts as a
hit when, at that moment, a task was running (worker), an association was open (receiver), or a
request was under way (page).
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.way.product import Product, until
from tests.way.studies import write_study

PARTS = ("receive", "work", "serve")


@dataclass
class Tally:
    """What was seen over all kills.

    Attributes
    ----------
    kills, hits : int
        How many, and how many of them met running work.
    lost, doubled : int
        Acknowledged instances not there afterwards; results or findings there twice.
    notes : list of str
        One line a kill, as the log.
    """

    kills: int = 0
    hits: int = 0
    lost: int = 0
    doubled: int = 0
    notes: list[str] = field(default_factory=list)

    def as_row(self) -> dict[str, Any]:
        """For a JSON row."""
        return asdict(self)


def query(product: Product, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Read the installation's database from outside."""
    connection = sqlite3.connect(f"file:{product.data / 'triage.sqlite'}?mode=ro", uri=True)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def send(product: Product, files: list[Path]) -> subprocess.Popen[bytes]:
    """Start dcmsend on some files, in the background."""
    command = ["/usr/bin/dcmsend", "--no-halt", "127.0.0.1", str(product.dicom_port)]
    return subprocess.Popen(
        [*command, *map(str, files)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def busy(product: Product, part: str, study_uid: str) -> bool:
    """Whether this part works on this study at this moment."""
    if part == "receive":
        return bool(
            query(
                product,
                "SELECT 1 FROM triage_association a JOIN triage_instance i "
                "ON i.association_id = a.id WHERE a.closed_at IS NULL AND i.study_uid = ?",
                study_uid,
            )
        )
    return bool(
        query(
            product,
            "SELECT 1 FROM triage_task WHERE subject = ? AND state = 'running'",
            study_uid,
        )
    )


def kill_once(product: Product, part: str, number: int, folder: Path, seed: int) -> Tally:
    """Send a study, kill a part while it runs, and look at what came out."""
    rng = random.Random(seed)
    study_uid, files = write_study(folder, number)
    sender = send(product, files)
    until(f"{part} at work", lambda: busy(product, part, study_uid), 120)
    threading.Event().wait(rng.uniform(0.0, 0.4))
    hit = busy(product, part, study_uid)
    [pid] = product.pids(part)
    os.kill(pid, signal.SIGKILL)
    sender.wait(120)
    until(f"{part} is back", lambda: product.pids(part) not in ([], [pid]), 120)
    tally = Tally(kills=1, hits=int(hit))
    _resend_until_there(product, study_uid, files)
    until("the study is ready", lambda: _state(product, study_uid) == "ready", 240)
    tally.lost = len(files) - _stored(product, study_uid)
    tally.doubled = _doubled(product, study_uid)
    tally.notes = [f"{part} pid {pid} study {number} hit={hit}"]
    return tally


def _stored(product: Product, study_uid: str) -> int:
    sql = "SELECT count(DISTINCT sop_uid) FROM triage_instance WHERE study_uid = ?"
    return int(query(product, sql, study_uid)[0][0])


def _resend_until_there(product: Product, study_uid: str, files: list[Path]) -> None:
    # As a modality does: what was not acknowledged is sent again, here simply everything.
    def sent() -> bool:
        return send(product, files).wait(120) == 0 and _stored(product, study_uid) == len(files)

    until("every image is there", sent, 180)


def _state(product: Product, study_uid: str) -> str:
    return str(query(product, "SELECT state FROM triage_study WHERE study_uid=?", study_uid)[0][0])


def _doubled(product: Product, study_uid: str) -> int:
    """Published results beyond one, findings beyond one at a place, instances twice."""
    results = query(
        product,
        "SELECT count(*) FROM triage_result WHERE study_uid = ? AND published_at IS NOT NULL "
        "AND superseded_by IS NULL",
        study_uid,
    )[0][0]
    findings = query(
        product,
        "SELECT count(*) - count(DISTINCT center_lps_mm) FROM triage_finding f JOIN triage_study s "
        "ON f.result_id = s.result_id WHERE s.study_uid = ?",
        study_uid,
    )[0][0]
    instances = query(
        product,
        "SELECT count(*) - count(DISTINCT sop_uid) FROM triage_instance WHERE study_uid = ?",
        study_uid,
    )[0][0]
    events = query(
        product,
        "SELECT count(*) - count(DISTINCT after) FROM triage_event WHERE study_uid = ? "
        "AND kind = 'study.published'",
        study_uid,
    )[0][0]
    return int(results - 1 + findings + instances + events)


def run(product: Product, folder: Path, kills_of_each: int, seed: int = 1) -> Tally:
    """Kill each part so many times; the sum of what was seen."""
    total = Tally()
    for round_number in range(kills_of_each):
        for index, part in enumerate(PARTS):
            number = 1000 * seed + 10 * round_number + index
            one = kill_once(product, part, number, folder / str(number), seed=number)
            total.kills += one.kills
            total.hits += one.hits
            total.lost += one.lost
            total.doubled += one.doubled
            total.notes += one.notes
    return total
