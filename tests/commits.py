"""Commits of this process, as an event to wait for: what rows say changes with one, never alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

_told = threading.Condition()
_last = [0]  # number of the last commit


@event.listens_for(Session, "after_commit")
def _tell(_session: Session) -> None:
    with _told:
        _last[0] += 1
        _told.notify_all()


def until_committed(
    condition: Callable[[], Any],
    what: str,
    timeout_s: float = 60.0,
    *,
    between: Callable[[], object] = lambda: None,
) -> Any:
    """Wait for a condition on rows that this process writes; its first true value.

    Parameters
    ----------
    condition : callable
        Looked at once, and again after each commit.
    what : str
        For the failure.
    timeout_s : float
        Only the end of a wait that would never end.
    between : callable, optional
        Called whenever the condition does not hold yet.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        before = _last[0]
        if value := condition():
            return value
        between()
        with _told:
            while _last[0] == before:
                if not _told.wait(deadline - time.monotonic()):
                    raise AssertionError(f"not within {timeout_s:g} s: {what}")
