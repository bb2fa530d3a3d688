"""What falls through is found: runs without an owner, plans without a run, goals that wait."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from triage.engine.lease import Lease
from triage.engine.registry import Candidate
from triage.engine.versions import Made, Submission, Versions, goal_of
from triage.store import work_rows
from triage.store.session import Store, UnitOfWork

KEEP_RUNS = timedelta(days=7)
_AT_ONCE = 500
_UPDATED = "the software was updated"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the run of a plan.

    Attributes
    ----------
    over : str
        Why the plan will not end by it, in words; empty while it is queued or runs.
    outdated : bool
        An older version of this software queued it, and only that would run it.
    """

    over: str = ""
    outdated: bool = False


_UNKNOWN = Fate("its run is not in the queue")


class Runs(Protocol):
    """The runner, as far as this module uses it."""

    store: Store
    versions: Versions
    lease: Lease

    def submit(self, news: Submission) -> Made | None:
        """Plan and queue."""
        ...

    def look(self) -> tuple[Candidate, ...]:
        """The tools as they are now."""
        ...

    def cancel(self, plan_ids: Iterable[str]) -> None:
        """Cancel runs."""
        ...

    def recover(self, executors: list[str]) -> None:
        """Hand the work of dead executors back."""
        ...

    def owners(self) -> set[str]:
        """Executors of the runs that are under way."""
        ...

    def fates(self, plan_ids: list[str]) -> dict[str, Fate]:
        """What became of the runs of plans."""
        ...

    def forget(self, before: datetime) -> None:
        """Delete the records of old runs."""
        ...


class Upkeep:
    """Sweeps, in every worker; two at once do no harm."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs

    def sweep(self) -> None:
        """Do everything below."""
        self.recover_orphans()
        self.close_dead_plans()
        self.reconsider()
        self.runs.forget(datetime.now(UTC) - KEEP_RUNS)

    def recover_orphans(self) -> None:
        """Take over work whose executor has no lease at all, whoever lost it and how."""
        orphans = self.runs.owners() - self.runs.lease.alive()
        if orphans:
            self.runs.recover(sorted(orphans))

    def close_dead_plans(self) -> None:
        """Close plans that run on paper only: no run will ever end them."""
        with self.runs.store.reading() as uow:
            running = work_rows.running_ids(uow)
        fates: dict[str, Fate] = {}
        for start in range(0, len(running), _AT_ONCE):
            fates |= self.runs.fates(running[start : start + _AT_ONCE])
        for plan_id in running:
            fate = fates.get(plan_id, _UNKNOWN)
            if fate.over:
                self._close(plan_id, fate.over)
            elif fate.outdated:
                self._plan_anew(plan_id)

    def _close(self, plan_id: str, why: str) -> None:
        with self.runs.store.unit_of_work() as uow:
            row = work_rows.plan(uow, plan_id, lock=True)
            if row is not None and row.state == work_rows.RUNNING:
                self.runs.versions.end(uow, row, work_rows.FAILED, why)

    def _plan_anew(self, plan_id: str) -> None:
        """Replace a plan that an older version of this software queued."""
        with self.runs.store.reading() as uow:
            row = work_rows.plan(uow, plan_id)
        if row is None:
            return

        def close_it(uow: UnitOfWork) -> bool:
            old = work_rows.plan(uow, plan_id, lock=True)
            if old is None or old.state != work_rows.RUNNING:
                return False
            work_rows.end_plan(uow, old, work_rows.GIVEN_UP, _UPDATED)
            return True

        news = Submission(row.subject, goal_of(row), row.facts, _UPDATED, guard=close_it)
        if self.runs.submit(news) is not None:
            self.runs.cancel([plan_id])

    def reconsider(self) -> None:
        """Plan again for goals that wait for a tool which may be here now."""
        with self.runs.store.reading() as uow:
            waiting = work_rows.waiting_plans(uow)
        lacking = [row.id for row in waiting if row.graph["missing"]]
        view = self.runs.look() if lacking else ()
        for plan_id in lacking:
            with self.runs.store.unit_of_work() as uow:
                self.runs.versions.reconsider(uow, view, plan_id)
