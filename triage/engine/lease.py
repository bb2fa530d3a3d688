"""Who takes over from whom: every worker holds a lease, by the database's clock.

A lease that ran out means that its holder is dead, or as good as dead. Its work is handed back
*first* and its lease deleted *after*: a reaper that dies in between leaves a lease that the next
one finds. A holder that was only slow finds its work taken; the workflow library fences its
records, and a task that is done already keeps its first result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from triage.store import lease_rows, outbox_rows
from triage.store.session import Store

Recover = Callable[[list[str]], None]
"""Hands the work of dead executors back to its queues; harmless when repeated."""


class Lease:
    """The lease of this process, and its eye on those of others.

    Parameters
    ----------
    store : Store
    executor : str
        Unique and stable: the same process slot has the same id after a restart.
    queues : collection of str
    lease_s : float
        Well above the longest time a tool holds the GIL.
    recover : Recover
    """

    def __init__(
        self,
        store: Store,
        executor: str,
        queues: Collection[str],
        lease_s: float,
        recover: Recover,
    ) -> None:
        self.store = store
        self.executor = executor
        self.queues = tuple(queues)
        self.lease_s = lease_s
        self._recover = recover

    def take(self) -> None:
        """Take the lease, and hand back what an earlier life of this executor was sending."""
        self.beat()
        with self.store.unit_of_work() as uow:
            outbox_rows.release_effects(uow, self.executor)

    def beat(self) -> None:
        """Renew the lease."""
        with self.store.unit_of_work() as uow:
            lease_rows.beat(uow, self.executor, self.queues, self.store.clock_s(uow))

    def reap(self) -> list[str]:
        """Take over from executors whose lease ran out; their ids."""
        with self.store.reading() as uow:
            oldest = self.store.clock_s(uow) - self.lease_s
            dead = lease_rows.dead(uow, oldest, self.executor)
        if dead:
            self._recover(sorted(dead))
            with self.store.unit_of_work() as uow:
                lease_rows.bury(uow, dead)
        return sorted(dead)

    def alive(self) -> set[str]:
        """Executors whose lease lives, this one included."""
        with self.store.reading() as uow:
            return lease_rows.alive(uow, self.store.clock_s(uow) - self.lease_s) | {self.executor}

    def let_go(self) -> None:
        """End the lease now: others need not wait for it to run out."""
        with self.store.unit_of_work() as uow:
            lease_rows.let_go(uow, self.executor)
