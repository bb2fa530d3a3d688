"""How many processors there are to work with, and work spread over them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

MAX_THREADS = 8

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def usable_threads() -> int:
    """Processors this process may use, at most `MAX_THREADS`."""
    return max(1, min(MAX_THREADS, len(os.sched_getaffinity(0))))


def spread(work: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
    """Do the same with every item, on all usable processors.

    Pays off where the interpreter lock is let go: in numpy, in reading files, in a decoder that
    does so.

    Parameters
    ----------
    work : callable
        What it raises is raised here, once the others have ended.
    items : iterable

    Returns
    -------
    list
        Answers in the order of the items.
    """
    with ThreadPoolExecutor(usable_threads()) as pool:
        return list(pool.map(work, items))
