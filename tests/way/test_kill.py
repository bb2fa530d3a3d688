"""SIGKILL of each process in the middle of a study: one result, nothing lost, nothing double."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.way import kills
from tests.way.product import Product, until
from tests.way.studies import write_study


@pytest.mark.timeout(900)
def test_nothing_is_lost_or_double_when_parts_are_killed(
    product: Callable[..., Product], tmp_path: Path
) -> None:
    running = product(TRIAGE_QUIET_S="1", TRIAGE_LEASE_S="3")
    tally = kills.run(running, tmp_path / "send", kills_of_each=1)
    assert (tally.lost, tally.doubled) == (0, 0), tally.notes
    assert tally.hits >= 0.8 * tally.kills, tally.notes
    assert running.run("verify").returncode == 0


@pytest.mark.timeout(300)
def test_children_end_with_a_killed_supervisor(product: Callable[..., Product]) -> None:
    running = product()
    children = [pid for part in kills.PARTS for pid in running.pids(part)]
    assert len(children) == len(kills.PARTS)
    assert running.process is not None
    ends = [os.pidfd_open(pid) for pid in children]
    os.kill(running.process.pid, signal.SIGKILL)
    # A pidfd tells the end of a process also where nobody reaps it.
    assert all(select.select([end], [], [], 60)[0] for end in ends)
    for end in ends:
        os.close(end)
    running.process.wait()


@pytest.mark.timeout(600)
def test_one_association_per_image_with_pauses_publishes_nothing_early(
    product: Callable[..., Product], tmp_path: Path
) -> None:
    """A sender that opens an association for each image and pauses for less than the quiet time."""
    quiet_s, pause_s = 20.0, 4.0
    running = product(TRIAGE_QUIET_S=str(quiet_s))
    study_uid, files = write_study(tmp_path / "send", 77, slices=40)
    published: list[int] = []

    def is_published() -> bool:
        found = kills.query(
            running,
            "SELECT published_revision FROM triage_study WHERE study_uid = ?",
            study_uid,
        )
        return bool(found and found[0][0])

    for number, file in enumerate(files):
        assert kills.send(running, [file]).wait(60) == 0
        if number % 13 == 12:
            end = time.monotonic() + pause_s
            while time.monotonic() < end:
                published += [number] if is_published() else []
                threading.Event().wait(0.1)
    assert not published, "something was published before the last image"
    until("published after quiet time", is_published, 120)
    revisions = kills.query(
        running, "SELECT after FROM triage_event WHERE kind = 'study.published'"
    )
    assert len(revisions) == 1 and f'"revision": {len(files)}' in revisions[0][0]
