"""The supervisor with real processes: ready once, restart, orderly end, no orphans."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import pytest

# A part: says who it is, then ready; waits for SIGTERM or the end of its supervisor. What it says
# goes to the pipe that it inherits from the test.
PART = """
import argparse, os, signal, sys, threading
from triage import lifeline
parser = argparse.ArgumentParser()
parser.add_argument("name")
parser.add_argument("--ready-fd", type=int); parser.add_argument("--life-fd", type=int)
a = parser.parse_args()
over = threading.Event()
signal.signal(signal.SIGTERM, signal.SIG_IGN if a.name == "stubborn" else lambda *_: over.set())
lifeline.end_with_supervisor(a.life_fd)
if a.name == "broken":
    sys.exit(7)
os.write(1, f"{a.name} {os.getpid()}\\n".encode())
lifeline.say_ready(a.ready_fd)
over.wait()
"""
BOSS = """
import os, sys
from triage.supervisor import Part, Supervisor
part = sys.argv[1]
parts = [Part(n, [sys.executable, part, n]) for n in sys.argv[2:]]
sys.exit(Supervisor(parts, lambda: os.write(1, b"all ready\\n")).run())
"""
ENDS_S = 60.0  # only the end of a wait that would never end


class Run:
    """A supervisor with parts, and what they say."""

    def __init__(self, folder: Path, *names: str) -> None:
        (folder / "part.py").write_text(PART)
        (folder / "boss.py").write_text(BOSS)
        self.said: list[str] = []
        self.parts: dict[str, list[int]] = {}  # by name: a pidfd of each that has started
        self._out, theirs = os.pipe()
        self.boss = subprocess.Popen(
            [sys.executable, folder / "boss.py", folder / "part.py", *names], stdout=theirs
        )
        os.close(theirs)

    def until(self, condition: Callable[[], bool]) -> None:
        """Read what is said until a condition holds."""
        while not condition():
            line = self._line()
            self.said.append(line)
            name, _, pid = line.partition(" ")
            if pid.isdigit():
                # It waits for its supervisor or for us: its number is its own until then.
                self.parts.setdefault(name, []).append(os.pidfd_open(int(pid)))

    def until_ready(self) -> None:
        self.until(lambda: "all ready" in self.said)

    def have_ended(self, *names: str, within_s: float = 0.0) -> bool:
        """Whether every part of these names has ended, or ends in time."""
        found = [fd for name in names for fd in self.parts[name]]
        return all(select.select([fd], [], [], within_s)[0] for fd in found)

    def close(self) -> None:
        for fd in [fd for found in self.parts.values() for fd in found]:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, signal.SIGKILL)
            os.close(fd)
        self.boss.kill()
        self.boss.wait()
        os.close(self._out)

    def _line(self) -> str:
        line = b""
        while not line.endswith(b"\n"):
            assert select.select([self._out], [], [], ENDS_S)[0], "nothing is said any more"
            one = os.read(self._out, 1)
            assert one, f"all have ended; they said {self.said}"
            line += one
        return line.decode().strip()


Start: TypeAlias = Callable[..., Run]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a supervisor; what it leaves behind is cut off at the end."""
    runs: list[Run] = []

    def started(*names: str) -> Run:
        runs.append(Run(tmp_path, *names))
        return runs[-1]

    yield started
    for one in runs:
        one.close()


def test_ready_is_said_when_every_part_is_and_sigterm_ends_all(start: Start) -> None:
    run = start("one", "two")
    run.until_ready()
    assert sorted(line.split()[0] for line in run.said[:2]) == ["one", "two"]
    run.boss.send_signal(signal.SIGTERM)
    assert run.boss.wait(ENDS_S) == 0
    assert run.have_ended("one", "two")


def test_a_killed_part_is_started_again(start: Start) -> None:
    run = start("one", "two")
    run.until_ready()
    [first] = run.parts["one"]
    signal.pidfd_send_signal(first, signal.SIGKILL)
    run.until(lambda: len(run.parts["one"]) == 2)
    assert len(run.parts["two"]) == 1
    run.boss.terminate()
    assert run.boss.wait(ENDS_S) == 0


def test_parts_end_with_a_killed_supervisor(start: Start) -> None:
    run = start("one", "stubborn")
    run.until_ready()
    run.boss.kill()
    run.boss.wait(ENDS_S)
    assert run.have_ended("one", "stubborn", within_s=ENDS_S)


def test_a_part_that_ignores_sigterm_is_cut_off(start: Start) -> None:
    run = start("stubborn")
    run.until_ready()
    run.boss.terminate()
    assert run.boss.wait(ENDS_S) == 0
    assert run.have_ended("stubborn")


def test_a_part_that_never_starts_ends_everything_with_3(start: Start) -> None:
    run = start("one", "broken")
    run.until(lambda: "one" in run.parts)
    assert run.boss.wait(ENDS_S) == 3
    assert run.have_ended("one")
    assert "all ready" not in run.said
