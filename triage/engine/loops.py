"""Things that are done again and again beside the work: beats, sweeps, sending, watching."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from triage.errors import TriageError
from triage.store.work_rows import DATABASE_AWAY

_log = logging.getLogger(__name__)


class Loop:
    """Calls a function every so often in a thread of its own.

    A database that is away and an error of our own tree are logged, and the next round tries
    again. Anything else is a defect: it ends the loop and is raised by `check`, so that the
    process goes down visibly in place of a thread silently.

    Parameters
    ----------
    name : str
        Of the thread, and in the log.
    every_s : float
        Pause between two rounds; the first round starts at once.
    work : callable
    """

    def __init__(self, name: str, every_s: float, work: Callable[[], object]) -> None:
        self.name = name
        self.every_s = every_s
        self._work = work
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"loop-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, wait_s: float = 5.0) -> None:
        """End after the round that is under way, waiting for it at most so long."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def check(self) -> None:
        """Raise what ended the loop, if anything did."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while True:
            try:
                self._work()
            except TriageError as error:
                _log.warning("%s: %s; next try in %g s", self.name, error.message, self.every_s)
            except DATABASE_AWAY as error:
                _log.warning("%s: the database is away (%s)", self.name, type(error).__name__)
            except Exception as error:  # noqa: BLE001 - kept for check(), which raises it
                _log.exception("%s ended", self.name)
                self._error = error
                return
            if self._stop.wait(self.every_s):
                return
