"""`triage up`: every part on one machine, each its own process, started, watched, ended together.

Knows commands and processes, no radiology: a part is a command line that gets two pipes
(`triage.lifeline`). A part that dies is started again, with growing pauses; a part that cannot be
started at all ends everything with its own message on screen.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Literal, TypeAlias

log = logging.getLogger(__name__)

STOP_WITHIN_S = 8.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 10.0
# A part that ran this long was well; its next pause starts from the bottom again.
_WELL_AFTER_S = 30.0
# A part that dies this often without ever getting ready has a fault of its own (a taken port...).
_GIVE_UP_AFTER = 3

News: TypeAlias = tuple[Literal["ready", "exited", "start", "stop"], str]


@dataclass
class Part:
    """One process of the product.

    Attributes
    ----------
    name : str
        For log lines: ``receive``.
    command : sequence of str
        Gets ``--ready-fd N --life-fd N`` appended.
    """

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause_s: float = _FIRST_PAUSE_S
    was_ready: bool = False
    failures: int = 0
    _life_fd: int = field(default=-1, repr=False)

    def start(self, news: queue.Queue[News]) -> None:
        """Start the process; news of it arrive on `news`."""
        ready_r, ready_w = os.pipe()
        life_r, self._life_fd = os.pipe()
        command = [*self.command, "--ready-fd", str(ready_w), "--life-fd", str(life_r)]
        # Its own session: Ctrl-C reaches the supervisor alone, which then ends the parts in order.
        self.process = subprocess.Popen(command, pass_fds=(ready_w, life_r), start_new_session=True)
        os.close(ready_w)
        os.close(life_r)
        self.started_at = time.monotonic()
        threading.Thread(target=self._await_ready, args=(ready_r, news), daemon=True).start()
        threading.Thread(target=self._await_exit, args=(self.process, news), daemon=True).start()

    def _await_ready(self, ready_r: int, news: queue.Queue[News]) -> None:
        with os.fdopen(ready_r, "rb") as pipe:
            if pipe.read(1):
                news.put(("ready", self.name))

    def _await_exit(self, process: subprocess.Popen[bytes], news: queue.Queue[News]) -> None:
        process.wait()
        news.put(("exited", self.name))

    def end(self, force: bool = False) -> None:
        """Ask the process to end, or cut it off."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if force else signal.SIGTERM)

    def close(self) -> None:
        """Let go of the life pipe of an ended process."""
        if self._life_fd >= 0:
            os.close(self._life_fd)
            self._life_fd = -1


class Supervisor:
    """Starts parts, says when all are ready, restarts what dies, ends all together.

    Parameters
    ----------
    parts : sequence of Part
    on_ready : callable
        Called once, in a thread of its own, when every part accepts work.
    """

    def __init__(self, parts: Sequence[Part], on_ready: Callable[[], None]) -> None:
        self._parts = {part.name: part for part in parts}
        self._on_ready = on_ready
        self._news: queue.Queue[News] = queue.Queue()
        self._said_ready = False
        self._stopping = False

    def stop(self, _signum: int = 0, _frame: FrameType | None = None) -> None:
        """End everything; safe in a signal handler."""
        self._news.put(("stop", ""))

    def run(self) -> int:
        """Supervise until stopped.

        Returns
        -------
        int
            0 when stopped on request, 3 when a part could not be started.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        for part in self._parts.values():
            part.start(self._news)
        while True:
            kind, name = self._news.get()
            if kind == "stop":
                self._end_all()
                return 0
            if kind == "ready":
                self._note_ready(self._parts[name])
            elif kind == "start":
                self._parts[name].start(self._news)
            elif kind == "exited" and not self._note_exit(self._parts[name]):
                self._end_all()
                return 3

    def _note_ready(self, part: Part) -> None:
        part.was_ready, part.failures = True, 0
        if not self._said_ready and all(p.was_ready for p in self._parts.values()):
            self._said_ready = True
            threading.Thread(target=self._on_ready, daemon=True).start()

    def _note_exit(self, part: Part) -> bool:
        part.close()
        assert part.process is not None
        part.failures += 1
        if not part.was_ready and part.failures >= _GIVE_UP_AFTER:
            log.error("%s ends at every start; see its message above", part.name)
            return False
        ran_s = time.monotonic() - part.started_at
        part.pause_s = _FIRST_PAUSE_S if ran_s > _WELL_AFTER_S else part.pause_s
        log.warning(
            "%s ended with %s after %.1f s; starting it again in %.2g s",
            part.name, part.process.returncode, ran_s, part.pause_s,
        )  # fmt: skip
        threading.Timer(part.pause_s, self._news.put, [("start", part.name)]).start()
        part.pause_s = min(part.pause_s * 2, _LONGEST_PAUSE_S)
        return True

    def _end_all(self) -> None:
        deadline = time.monotonic() + STOP_WITHIN_S
        running = [p for p in self._parts.values() if p.process is not None]
        for part in running:
            part.end()
        for part in running:
            assert part.process is not None
            try:
                part.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("%s did not end in time and is cut off", part.name)
                part.end(force=True)
                part.process.wait()
            part.close()
