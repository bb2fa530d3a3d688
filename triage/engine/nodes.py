"""One node of a plan: find its inputs, use what is done, else run the tool and record it.

The outcome and its effects are written in one transaction, before the workflow library notes that
the step is over. A process that dies between the two leaves a DONE task, and the step that is run
again finds it there: the tool is not called twice.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from triage.core.work import Call, Cause, Facts, Json, Outcome, TaskState
from triage.engine.calls import Calls, Ended
from triage.engine.plans import TaskKey, input_digest
from triage.engine.registry import SET_ASIDE, Registry
from triage.engine.versions import node_of
from triage.store import events, work_rows
from triage.store.session import Store, UnitOfWork
from triage.store.tables import PlanVersion, TaskRow

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

SUPERSEDED: dict[str, Json] = {"task_id": "", "ok": False, "cause": "superseded", "attempts": 0}


def patiently(calls: Calls, work: Callable[[], _T], patience_s: float = math.inf) -> _T:
    """Do a unit of work, again and again while the database cannot be reached.

    A deadlock counts as that too: PostgreSQL ends one of the two, and its next try succeeds.

    Raises
    ------
    WorkerStopping
    sqlalchemy.exc.OperationalError
        The database was away for longer than `patience_s`.
    """
    end = time.monotonic() + patience_s
    pause_s = 0.1
    while True:
        try:
            return work()
        except work_rows.DATABASE_AWAY as error:
            if time.monotonic() > end:
                raise
            _log.warning("the database is away (%s); trying again", type(error).__name__)
            calls.pause(pause_s)
            pause_s = min(5.0, pause_s * 2)


@dataclass(frozen=True)
class NodeRun:
    """Runs nodes in one process.

    Attributes
    ----------
    store : Store
    registry : Registry
    calls : Calls
    executor : str
        This process, for the task rows.
    """

    store: Store
    registry: Registry
    calls: Calls
    executor: str

    def run(
        self, plan_id: str, tool: str, done: Mapping[str, str], attempt: int
    ) -> dict[str, Json]:
        """Run one node, or find that it is done.

        Parameters
        ----------
        plan_id, tool : str
        done : mapping of str to str
            Tool to task id, of the nodes that are done.
        attempt : int
            The try that is meant, from 1: a try that was recorded is not made again.

        Returns
        -------
        dict
            ``{task_id, ok, cause, attempts}``, small enough for the workflow's own records.

        Raises
        ------
        WorkerStopping
        """
        with self.calls.busy():
            opened = patiently(self.calls, lambda: self._open(plan_id, tool, done, attempt))
            if isinstance(opened, dict):
                return opened
            row, facts, version = opened
            ended = self._call(tool, version, facts, Call(row.subject, plan_id, row.id))
            return patiently(self.calls, lambda: self._record(plan_id, row.id, ended))

    def _open(
        self, plan_id: str, tool: str, done: Mapping[str, str], attempt: int
    ) -> dict[str, Json] | tuple[TaskRow, Facts, str]:
        with self.store.unit_of_work() as uow:
            plan = work_rows.plan(uow, plan_id)
            if plan is None or plan.state != work_rows.RUNNING:
                return SUPERSEDED
            node = node_of(plan, tool)
            facts = _inputs(uow, plan, node, done)
            key: TaskKey = (tool, node["version"], input_digest(plan.subject, facts))
            row = work_rows.claim(uow, subject=plan.subject, key=key, inputs=facts, plan_id=plan_id)
            if row.state == TaskState.DONE.value:
                _note_reuse(uow, plan, row)
                return _said(row)
            if work_rows.is_barred(row) and row.attempts >= attempt:
                return _said(row)
            work_rows.start(uow, row, self.executor)
            return row, facts, node["version"]

    def _call(self, name: str, version: str, facts: Facts, call: Call) -> Ended:
        tool = self.registry.get(name, version)
        if tool is None:
            message = f"version {version} is not installed in this worker"
            return Ended(Outcome(cause=Cause.TOOL_DOWN, message=message), 0.0)
        return self.calls.call(tool, facts, call)

    def _record(self, plan_id: str, task_id: str, ended: Ended) -> dict[str, Json]:
        with self.store.unit_of_work() as uow:
            current = work_rows.is_current(uow, plan_id)
            row = work_rows.task(uow, task_id, lock=True)
            if row is None:
                return SUPERSEDED
            if row.state == TaskState.DONE.value:  # another worker was first; its result stands
                plan = work_rows.plan(uow, plan_id)
                if plan is not None and current:
                    _note_reuse(uow, plan, row)
                return _said(row)
            outcome = _not_again(uow, row.subject, ended.outcome)
            work_rows.record(uow, row, outcome, ended.seconds, current=current)
            _note(uow, plan_id, row, reused=False, effects=[e.key for e in outcome.effects])
            return _said(row) if current else SUPERSEDED


def _inputs(
    uow: UnitOfWork, plan: PlanVersion, node: Mapping[str, Any], done: Mapping[str, str]
) -> Facts:
    """The needed facts of a node: from the tools they are taken from, else those at hand."""
    facts: dict[str, Json] = {}
    for need in node["needs"]:
        giver = node["takes"].get(need)
        if giver is not None:
            task = work_rows.task(uow, done[giver])
            facts[need] = task.outputs[need] if task is not None else None
        elif need.startswith(SET_ASIDE):
            facts[need] = plan.graph["set_aside"].get(need.removeprefix(SET_ASIDE), [])
        else:
            facts[need] = plan.facts[need]
    return facts


def _not_again(uow: UnitOfWork, subject: str, outcome: Outcome) -> Outcome:
    """A value that was found bad for this subject is no better the second time."""
    bad = work_rows.bad_values(uow, subject)
    for fact, value in outcome.facts.items():
        if value in bad.get(fact, []):
            message = f"it gave a {fact} again that was set aside"
            return Outcome(cause=Cause.LOW_QUALITY, message=message)
    return outcome


def _said(row: TaskRow) -> dict[str, Json]:
    ok = row.state == TaskState.DONE.value
    return {"task_id": row.id, "ok": ok, "cause": row.cause, "attempts": row.attempts}


def _note_reuse(uow: UnitOfWork, plan: PlanVersion, row: TaskRow) -> None:
    key = f"reuse:{plan.id}:{row.tool}"
    if row.first_plan_id != plan.id and events.by_idempotency_key(uow, key) is None:
        _note(uow, plan.id, row, reused=True, key=key)


def _note(
    uow: UnitOfWork,
    plan_id: str,
    row: TaskRow,
    *,
    reused: bool,
    key: str | None = None,
    effects: Sequence[str] = (),
) -> None:
    after = {
        "plan_id": plan_id,
        "task_id": row.id,
        "tool": row.tool,
        "version": row.tool_version,
        "state": row.state,
        "cause": row.cause,
        "message": row.message,
        "bad_fact": row.bad_fact,
        "effects": list(effects),
        "attempt": row.attempts,
        "seconds": 0.0 if reused else row.seconds,
        "reused": reused,
    }
    events.append(uow, "task.ended", study_uid=row.subject, after=after, idempotency_key=key)
