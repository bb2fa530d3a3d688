"""The two pipes between a supervisor and its children.

*Ready*: the child writes one byte when it accepts work. *Life*: the child blocks on reading a pipe
whose other end only the supervisor holds; the kernel closes it when the supervisor ends, however
it ends, so a child never outlives a killed supervisor and nobody polls.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from multiprocessing import connection, parent_process

# How long a child may take to end by itself before it is cut off.
GRACE_S = 4.0


def say_ready(ready_fd: int | None) -> None:
    """Tell the supervisor, if there is one, that this part accepts work.

    Parameters
    ----------
    ready_fd : int or None
        Write end handed over by the supervisor.
    """
    if ready_fd is not None:
        os.write(ready_fd, b"1")
        os.close(ready_fd)


def end_with_supervisor(life_fd: int | None) -> None:
    """End this process by SIGTERM when the supervisor is gone, by force after `GRACE_S`.

    Parameters
    ----------
    life_fd : int or None
        Read end handed over by the supervisor; None when started by hand.
    """
    if life_fd is not None:
        _in_background("lifeline", lambda: os.read(life_fd, 1))


def end_with_parent() -> None:
    """End this process when the process that spawned it by `multiprocessing` is gone."""
    parent = parent_process()
    if parent is not None:
        _in_background("parent", lambda: connection.wait([parent.sentinel]))


def _in_background(name: str, wait: Callable[[], object]) -> None:
    def run() -> None:
        wait()
        forced = threading.Timer(GRACE_S, lambda: os._exit(1))
        forced.daemon = True
        forced.start()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=run, name=f"triage-{name}", daemon=True).start()
