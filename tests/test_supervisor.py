"""The supervisor with real processes: ready once, restart, orderly end, no orphans."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

# A part: says ready, writes its process id, waits for SIGTERM or the end of its supervisor.
PART = """
import argparse, os, signal, sys, threading
from pathlib import Path
from triage import lifeline
parser = argparse.ArgumentParser()
parser.add_argument("name"); parser.add_argument("folder", type=Path)
parser.add_argument("--ready-fd", type=int); parser.add_argument("--life-fd", type=int)
a = parser.parse_args()
over = threading.Event()
signal.signal(signal.SIGTERM, signal.SIG_IGN if a.name == "stubborn" else lambda *_: over.set())
lifeline.end_with_supervisor(a.life_fd)
if a.name == "broken":
    sys.exit(7)
(a.folder / f"{a.name}.{os.getpid()}").touch()
lifeline.say_ready(a.ready_fd)
over.wait()
"""
BOSS = """
import sys
from pathlib import Path
from triage.supervisor import Part, Supervisor
folder, part = Path(sys.argv[1]), sys.argv[2]
parts = [Part(n, [sys.executable, part, n, str(folder)]) for n in sys.argv[3:]]
sys.exit(Supervisor(parts, lambda: (folder / "all-ready").touch()).run())
"""


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        os.sched_yield()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone before or while it was read
        return False


class Run:
    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        (folder / "part.py").write_text(PART)
        (folder / "boss.py").write_text(BOSS)
        self.boss = subprocess.Popen(
            [sys.executable, folder / "boss.py", folder, folder / "part.py", *names]
        )

    def pids(self, name: str) -> list[int]:
        return [int(p.suffix[1:]) for p in self.folder.glob(f"{name}.[0-9]*")]

    def all_ready(self) -> bool:
        return (self.folder / "all-ready").exists()


def test_ready_is_said_when_every_part_is_and_sigterm_ends_all(tmp_path: Path) -> None:
    run = Run(tmp_path, "one", "two")
    until(run.all_ready)
    pids = run.pids("one") + run.pids("two")
    assert len(pids) == 2
    run.boss.send_signal(signal.SIGTERM)
    assert run.boss.wait(10) == 0
    assert not any(alive(pid) for pid in pids)


def test_a_killed_part_is_started_again(tmp_path: Path) -> None:
    run = Run(tmp_path, "one", "two")
    until(run.all_ready)
    [first] = run.pids("one")
    os.kill(first, signal.SIGKILL)
    until(lambda: len(run.pids("one")) == 2)
    assert len(run.pids("two")) == 1
    run.boss.terminate()
    run.boss.wait(10)


def test_parts_end_with_a_killed_supervisor(tmp_path: Path) -> None:
    run = Run(tmp_path, "one", "stubborn")
    until(run.all_ready)
    pids = run.pids("one") + run.pids("stubborn")
    run.boss.kill()
    run.boss.wait(10)
    until(lambda: not any(alive(pid) for pid in pids), seconds=8)


@pytest.mark.timeout(60)
def test_a_part_that_ignores_sigterm_is_cut_off(tmp_path: Path) -> None:
    run = Run(tmp_path, "stubborn")
    until(run.all_ready)
    [pid] = run.pids("stubborn")
    run.boss.terminate()
    assert run.boss.wait(15) == 0
    assert not alive(pid)


def test_a_part_that_never_starts_ends_everything_with_3(tmp_path: Path) -> None:
    run = Run(tmp_path, "one", "broken")
    assert run.boss.wait(30) == 3
    assert not any(alive(pid) for pid in run.pids("one"))
    assert not run.all_ready()
