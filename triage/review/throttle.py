"""How fast one caller may guess passwords: a few tries, then waits that double."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

FREE_TRIES = 5
MAX_WAIT_S = 900
_MAX_KEYS = 10_000


class Throttle:
    """Counts failures by key; forgets a key after `MAX_WAIT_S` without one.

    Parameters
    ----------
    clock_s : callable
        Monotonic seconds.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._failed: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def wait_s(self, key: Hashable) -> int:
        """Whole seconds until this key may try again; 0 = now."""
        with self._lock:
            failures, last = self._failed.get(key, (0, 0.0))
            if failures < FREE_TRIES:
                return 0
            wait = min(2 ** (failures - FREE_TRIES + 1), MAX_WAIT_S)
            left = last + wait - self._clock_s()
            return max(0, int(left) + 1) if left > 0 else 0

    def failed(self, key: Hashable) -> None:
        """Count one failure."""
        with self._lock:
            now_s = self._clock_s()
            failures, last = self._failed.pop(key, (0, now_s))
            if now_s - last > MAX_WAIT_S:
                failures = 0
            self._failed[key] = (failures + 1, now_s)
            # Bounded: an attacker with many names pushes out old keys, not our memory.
            while len(self._failed) > _MAX_KEYS:
                self._failed.popitem(last=False)

    def succeeded(self, key: Hashable) -> None:
        """Forget the failures of a key."""
        with self._lock:
            self._failed.pop(key, None)
