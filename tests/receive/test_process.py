"""Telling a dead process from a living one: wrong either way would lose or hold back a study."""

from __future__ import annotations

import subprocess
import sys

import pytest

from triage.receive.process import is_dead, process_name


def test_this_process_lives() -> None:
    assert not is_dead(process_name())
    assert process_name() == process_name()


def test_a_process_is_dead_once_it_has_ended() -> None:
    code = (
        "from triage.receive.process import process_name; print(process_name(), flush=True);input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        assert not is_dead(name)
        child.communicate("\n", timeout=60)
    assert is_dead(name)


def test_a_later_process_with_the_same_number_is_not_taken_for_it() -> None:
    host, pid, started = process_name().split("/")
    assert is_dead(f"{host}/{pid}/{int(started) + 1}")


def test_who_cannot_look_calls_nobody_dead() -> None:
    # Every descriptor is taken, so /proc cannot be read: the other one lives all the same.
    code = """
import os, resource, sys
from triage.receive.process import is_dead
name = sys.argv[1]
assert not is_dead(name)
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
sys.exit(is_dead(name))
"""
    done = subprocess.run([sys.executable, "-c", code, process_name()], timeout=60, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("name", ["", "nonsense", "a/b", "other-host/1/1", "/1/1", "x/y/z"])
def test_what_cannot_be_judged_is_never_called_dead(name: str) -> None:
    assert not is_dead(name)
