"""Names of processes that no later process can have, to tell the dead from the living."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def process_name() -> str:
    """Name of this process that no later one can have: host, pid, start in clock ticks."""
    return f"{socket.gethostname()[:32]}/{os.getpid()}/{_started(os.getpid())}"


def is_dead(process: str) -> bool:
    """Whether a process of that name is gone for certain.

    Neither another machine's process is judged, nor one that cannot be looked at.
    """
    host, _, rest = process.rpartition("/")[0].partition("/")
    started = process.rpartition("/")[2]
    if host != socket.gethostname()[:32] or not rest.isdigit():
        return False
    try:
        return _started(int(rest)) != started
    except OSError:  # no file descriptor left, or not allowed: that says nothing about the other
        return False


def _started(pid: int) -> str:
    """Start time of a process, in clock ticks since boot; "" when it is gone (proc(5))."""
    try:
        with Path(f"/proc/{pid}/stat").open(encoding="ascii", errors="replace") as file:
            state, *fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):  # gone before, or while, it was read
        return ""
    return "" if state == "Z" else fields[18]
