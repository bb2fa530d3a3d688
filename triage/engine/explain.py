"""How a result was made: plan versions, tools tried and rejected, effects with their receipts.

The answer of ``GET /api/studies/{uid}/plan``, and the source of the page "How this was made".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from triage.core.work import Cause, TaskState
from triage.engine.told import Clock, effects_told, iso, trace_told
from triage.store import outbox_rows, work_rows
from triage.store.session import UnitOfWork
from triage.store.tables import Event, PlanVersion, TaskRow

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
        ``plans[]`` {plan_id, version, goal, why, because, state, ended_why, created_at, ended_at,
        at_s, ended_at_s, facts, cost_s, nodes[], rejected[], missing[]}; ``because`` is `Because`
        with plan versions instead of ids; a node is its planned form (tool, version,
        title, by, needs, gives, queue, cost_s, takes, depends_on) and what came of it in that
        version: {state, task_id, reused, attempts, seconds, cause, message, outputs, started_at_s,
        ended_at_s, set_aside: why its result was taken back later, else null}.
        ``tasks[]`` {task_id, tool, version, state, inputs, outputs, cause, message, bad_fact,
        attempts, seconds, executor, started_at, ended_at}.
        ``tools[]`` tried or rejected, by fact: {fact, tool, version, title, by, verdict: done |
        failed | set_aside | not_tried …, cause, message, lacks, seconds, cost_s}.
        ``trace[]`` in the order of time: {at_s, kind: goal | task | reuse | back | end | effect,
        tool, step, state, outcome, cause, plan_version, seconds, key, receipt}.
        ``effects[]`` {key, kind, what, tool, plan_version, state, attempts, last_error, next_at,
        receipt, created_at, done_at, created_at_s, done_at_s}; ``what`` holds ids and digests,
        ``tool`` is the one that wanted it. ``started_at`` and ``seconds`` of the whole; times in
        seconds count from there.
        All lists are empty for a subject that was never planned for.
    """
    plans = work_rows.versions_of(uow, subject)
    tasks = work_rows.tasks_of(uow, subject)
    effects = outbox_rows.effects_of(uow, subject)
    log = work_rows.log_of(uow, subject, _KINDS)
    clock = Clock(plans[0].created_at if plans else None)
    ended = [row.ended_at for row in plans if row.ended_at is not None]
    return {
        "subject": subject,
        "started_at": iso(plans[0].created_at) if plans else None,
        "seconds": clock.at(max(ended)) if ended else None,
        "plans": [_plan(row, plans, tasks, log, clock) for row in plans],
        "tasks": [_task(row) for row in tasks],
        "tools": _tools(plans, tasks),
        "trace": trace_told(plans, log, clock),
        "effects": effects_told(plans, effects, log, clock),
    }


def _plan(
    row: PlanVersion,
    plans: Sequence[PlanVersion],
    tasks: Iterable[TaskRow],
    log: Iterable[Event],
    clock: Clock,
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
        "because": _because(row, plans),
        "state": row.state,
        "ended_why": row.ended_why,
        "created_at": iso(row.created_at),
        "ended_at": iso(row.ended_at),
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


def _because(row: PlanVersion, plans: Iterable[PlanVersion]) -> dict[str, Any] | None:
    because = dict(row.graph.get("because") or {})
    if not because:
        return None  # made before reasons were kept in parts
    replaced = because.pop("replaces")
    return because | {"replaces": [one.version for one in plans if one.id in replaced]}


def _came_of(
    row: PlanVersion,
    node: Mapping[str, Any],
    said: Mapping[str, Any] | None,
    by_id: Mapping[str, TaskRow],
    clock: Clock,
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
        "set_aside": _why_set_aside(task),
    }


def _why_set_aside(task: TaskRow) -> str | None:
    if task.state != TaskState.SET_ASIDE.value:
        return None
    # A result that came too late keeps its own words: they say nothing against it.
    late = task.cause == Cause.SUPERSEDED.value
    return "a newer plan had taken over when it was done" if late else task.message


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
        "started_at": iso(row.started_at),
        "ended_at": iso(row.ended_at),
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
                "title": one.get("title", ""),
                "by": one.get("by", ""),
                "verdict": "not_tried",
                "cause": one["why"],
                "message": one["message"],
                "lacks": one.get("lacks", []),
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
                "title": gives[task.tool]["title"],
                "by": gives[task.tool].get("by", ""),
                "verdict": task.state,
                "cause": task.cause,
                "message": task.message,
                "lacks": [],
                "seconds": task.seconds,
                "cost_s": gives[task.tool]["cost_s"],
            }
    return [found[key] for key in sorted(found)]


def _givers_missing(plan: PlanVersion) -> list[dict[str, Any]]:
    return [giver for missing in plan.graph["missing"] for giver in missing["givers"]]
