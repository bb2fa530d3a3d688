"""How a result was made: plan versions, tools tried and rejected, effects with their receipts.

The answer of ``GET /api/studies/{uid}/plan``, and the source of the page "How this was made".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from triage.core.work import TaskState
from triage.store import outbox_rows, work_rows
from triage.store.session import UnitOfWork
from triage.store.tables import Event, Outbox, PlanVersion, TaskRow

_KINDS = ("plan.made", "plan.ended", "task.ended", "effect.done")


def explain(uow: UnitOfWork, subject: str) -> dict[str, Any]:
    """Everything the engine did for a subject, and why.

    Parameters
    ----------
    uow : UnitOfWork
        A reading one is enough.
    subject : str
        Study Instance UID, or the id of a training round.

    Returns
    -------
    dict
        ``plans[]`` {plan_id, version, goal, why, state, ended_why, created_at, ended_at, at_s,
        ended_at_s, facts, cost_s, nodes[], rejected[], missing[]}; a node is its planned form
        (tool, version, title, needs, gives, queue, cost_s, takes, depends_on) and what came of it
        in that version: {state, task_id, reused, attempts, seconds, cause, message, outputs,
        started_at_s, ended_at_s, set_aside: why its result was taken back later, else null}.
        ``tasks[]`` {task_id, tool, version, state, inputs, outputs, cause, message, bad_fact,
        attempts, seconds, executor, started_at, ended_at}.
        ``tools[]`` tried or rejected, by fact: {fact, tool, version, verdict: done | failed |
        set_aside | not_tried, cause, message, seconds, cost_s}.
        ``trace[]`` in the order of time: {at_s, kind: goal | task | reuse | back | end | effect,
        step, outcome, cause, plan_version, seconds}.
        ``effects[]`` {key, kind, state, attempts, last_error, next_at, receipt, created_at,
        done_at}. ``started_at`` and ``seconds`` of the whole; times in seconds count from there.
        All lists are empty for a subject that was never planned for.
    """
    plans = work_rows.versions_of(uow, subject)
    tasks = work_rows.tasks_of(uow, subject)
    effects = outbox_rows.effects_of(uow, subject)
    log = work_rows.log_of(uow, subject, _KINDS)
    clock = _Clock(plans[0].created_at if plans else None)
    ended = [row.ended_at for row in plans if row.ended_at is not None]
    return {
        "subject": subject,
        "started_at": _iso(plans[0].created_at) if plans else None,
        "seconds": clock.at(max(ended)) if ended else None,
        "plans": [_plan(row, tasks, log, clock) for row in plans],
        "tasks": [_task(row) for row in tasks],
        "tools": _tools(plans, tasks),
        "trace": _trace(plans, log, clock),
        "effects": [_effect(row) for row in effects],
    }


class _Clock:
    """Seconds since the first plan."""

    def __init__(self, start: datetime | None) -> None:
        self._start = start

    def at(self, moment: datetime | None) -> float | None:
        if moment is None or self._start is None:
            return None
        return round((moment - self._start).total_seconds(), 3)


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _plan(
    row: PlanVersion, tasks: Iterable[TaskRow], log: Iterable[Event], clock: _Clock
) -> dict[str, Any]:
    said = {
        event.after["tool"]: event.after
        for event in log
        if event.kind == "task.ended" and event.after and event.after["plan_id"] == row.id
    }
    by_id = {task.id: task for task in tasks}
    return {
        "plan_id": row.id,
        "version": row.version,
        "goal": row.goal,
        "wants": row.graph["wants"],
        "why": row.why,
        "state": row.state,
        "ended_why": row.ended_why,
        "created_at": _iso(row.created_at),
        "ended_at": _iso(row.ended_at),
        "at_s": clock.at(row.created_at),
        "ended_at_s": clock.at(row.ended_at),
        "facts": row.facts,
        "set_aside": row.graph["set_aside"],
        "cost_s": row.graph["cost_s"],
        "nodes": [
            node | _came_of(row, node, said.get(node["tool"]), by_id, clock)
            for node in row.graph["nodes"]
        ],
        "rejected": row.graph["rejected"],
        "missing": row.graph["missing"],
    }


def _came_of(
    row: PlanVersion,
    node: Mapping[str, Any],
    said: Mapping[str, Any] | None,
    by_id: Mapping[str, TaskRow],
    clock: _Clock,
) -> dict[str, Any]:
    """What came of a node in one version; a task's later fate shows in ``tasks``."""
    if said is None:
        going = [
            task
            for task in by_id.values()
            if (task.tool, task.tool_version) == (node["tool"], node["version"])
            and task.state == TaskState.RUNNING.value
        ]
        state = "not_run" if row.state != work_rows.RUNNING else "waiting"
        started = going[-1].started_at if going and row.state == work_rows.RUNNING else None
        return {
            "state": "running" if started else state,
            "task_id": going[-1].id if started else None,
            "reused": False,
            "attempts": 0,
            "seconds": None,
            "cause": None,
            "message": "",
            "outputs": {},
            "started_at_s": clock.at(started),
            "ended_at_s": None,
            "set_aside": None,
        }
    task = by_id[said["task_id"]]
    return {
        "state": said["state"],
        "task_id": task.id,
        "reused": said["reused"],
        "attempts": said["attempt"],
        "seconds": said["seconds"],
        "cause": said["cause"],
        "message": said["message"],
        "outputs": task.outputs if said["state"] == TaskState.DONE.value else {},
        "started_at_s": clock.at(task.started_at),
        "ended_at_s": clock.at(task.ended_at),
        "set_aside": task.message if task.state == TaskState.SET_ASIDE.value else None,
    }


def _task(row: TaskRow) -> dict[str, Any]:
    return {
        "task_id": row.id,
        "tool": row.tool,
        "version": row.tool_version,
        "state": row.state,
        "inputs": row.inputs,
        "outputs": row.outputs,
        "cause": row.cause,
        "message": row.message,
        "bad_fact": row.bad_fact,
        "attempts": row.attempts,
        "seconds": row.seconds,
        "executor": row.executor,
        "started_at": _iso(row.started_at),
        "ended_at": _iso(row.ended_at),
    }


def _tools(plans: list[PlanVersion], tasks: list[TaskRow]) -> list[dict[str, Any]]:
    """Tools tried and rejected, by the fact they were asked for; the latest word on each."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for plan in plans:
        for one in (*plan.graph["rejected"], *_givers_missing(plan)):
            found[one["fact"], one["tool"]] = {
                "fact": one["fact"],
                "tool": one["tool"],
                "version": one["version"],
                "verdict": "not_tried",
                "cause": one["why"],
                "message": one["message"],
                "seconds": None,
                "cost_s": one["cost_s"],
            }
    gives = {n["tool"]: n for plan in plans for n in plan.graph["nodes"]}
    for task in tasks:
        for fact in gives[task.tool]["gives"] if task.tool in gives else ():
            found[fact, task.tool] = {
                "fact": fact,
                "tool": task.tool,
                "version": task.tool_version,
                "verdict": task.state,
                "cause": task.cause,
                "message": task.message,
                "seconds": task.seconds,
                "cost_s": gives[task.tool]["cost_s"],
            }
    return [found[key] for key in sorted(found)]


def _givers_missing(plan: PlanVersion) -> list[dict[str, Any]]:
    return [giver for missing in plan.graph["missing"] for giver in missing["givers"]]


def _trace(plans: list[PlanVersion], log: Iterable[Event], clock: _Clock) -> list[dict[str, Any]]:
    version = {row.id: row.version for row in plans}
    titles = {n["tool"]: n["title"] for row in plans for n in row.graph["nodes"]}
    return [_line(event, event.after or {}, version, titles, clock) for event in log]


def _line(
    event: Event,
    after: Mapping[str, Any],
    version: Mapping[str, int],
    titles: Mapping[str, str],
    clock: _Clock,
) -> dict[str, Any]:
    tool = after.get("tool", "")
    shape: dict[str, tuple[str, str, str | None, str | None]] = {
        "plan.made": ("goal", after.get("goal", ""), after.get("why"), None),
        "plan.ended": ("end", after.get("goal", ""), after.get("why"), after.get("state")),
        "task.ended": ("task", titles.get(tool, tool), after.get("message"), after.get("cause")),
        "effect.done": ("effect", after.get("key", ""), None, None),
    }
    kind, step, outcome, cause = shape[event.kind]
    if event.kind == "task.ended" and after["reused"]:
        kind = "reuse"
    if event.kind == "plan.ended" and after["state"] == work_rows.GIVEN_UP:
        kind = "back"
    return {
        "at_s": clock.at(event.at),
        "kind": kind,
        "tool": tool or None,
        "step": step,
        "state": after.get("state"),
        "outcome": outcome or "",
        "cause": cause,
        "plan_version": version.get(after.get("plan_id", "")),
        "seconds": after.get("seconds"),
        "receipt": after.get("receipt"),
    }


def _effect(row: Outbox) -> dict[str, Any]:
    return {
        "key": row.key,
        "kind": row.kind,
        "state": row.state,
        "attempts": row.attempts,
        "last_error": row.last_error,
        "next_at": _iso(row.next_at) if row.state == "waiting" else None,
        "receipt": row.receipt,
        "created_at": _iso(row.created_at),
        "done_at": _iso(row.done_at),
    }
