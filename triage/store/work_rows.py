"""Rows of the engine: plan versions and tasks. Nothing outside this room knows their SQL.

Locks are taken in one order everywhere, so that nothing waits in a circle: the subject, then the
plan, then the task, then the list of events.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection
from typing import Any, TypeAlias

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.exc import InterfaceError, OperationalError

from triage.core.work import Cause, Effect, Facts, Outcome, TaskState
from triage.store.session import UnitOfWork
from triage.store.tables import Base, Event, Outbox, PlanVersion, TaskRow, now

DATABASE_AWAY = (OperationalError, InterfaceError)
"""What a database raises that restarts or cannot be reached: worth another try, later."""

RUNNING = "running"
DONE = "done"
FAILED = "failed"  # the engine itself broke
GIVEN_UP = "given_up"  # another version has taken its place
WAITING = "waiting"  # for a person, or for a tool that is missing

TaskKey: TypeAlias = tuple[str, str, str]


def lock_subject(uow: UnitOfWork, subject: str) -> None:
    """Let one unit of work at a time plan for a subject (SQLite has one writer anyway)."""
    if uow.get_bind().dialect.name == "postgresql":
        query = text("SELECT pg_advisory_xact_lock(hashtextextended(:subject, 7341003))")
        uow.execute(query, {"subject": subject})


def insert_new(uow: UnitOfWork, table: type[Base], values: dict[str, Any]) -> bool:
    """Insert a row unless one with the same unique key is there; whether it was new."""
    dialect = uow.get_bind().dialect.name
    insert = insert_postgresql if dialect == "postgresql" else insert_sqlite
    statement = insert(table).values(**values).on_conflict_do_nothing()
    return len(uow.execute(statement.returning(text("1"))).all()) == 1


# ---------------------------------------------------------------- plan versions


def add_plan(
    uow: UnitOfWork,
    plan_id: str,
    *,
    subject: str,
    goal: str,
    why: str,
    facts: Facts,
    graph: dict[str, Any],
    state: str,
    ended_why: str = "",
) -> PlanVersion:
    """Write the next version for a subject; call `lock_subject` first."""
    query = select(func.max(PlanVersion.version)).where(PlanVersion.subject == subject)
    row = PlanVersion(
        id=plan_id,
        subject=subject,
        version=(uow.scalar(query) or 0) + 1,
        goal=goal,
        why=why,
        facts=dict(facts),
        graph=graph,
        state=state,
        workflow_id=plan_id if state == RUNNING else "",
        ended_at=None if state == RUNNING else now(),
        ended_why=ended_why,
    )
    uow.add(row)
    uow.flush()
    return row


def plan(uow: UnitOfWork, plan_id: str, *, lock: bool = False) -> PlanVersion | None:
    """One version; `lock` holds it, and with it its state, until the unit of work ends."""
    return uow.get(PlanVersion, plan_id, with_for_update=lock, populate_existing=True)


def is_current(uow: UnitOfWork, plan_id: str) -> bool:
    """Whether a plan version may still act; true until the unit of work ends.

    A tool that publishes rows of its own asks this in the unit of work that writes them: a plan
    that was superseded must not publish.
    """
    row = plan(uow, plan_id, lock=True)
    return row is not None and row.state == RUNNING


def end_plan(uow: UnitOfWork, row: PlanVersion, state: str, why: str) -> None:
    """Close a version; what it was stays as it is."""
    row.state = state
    row.ended_at = now()
    row.ended_why = why
    uow.flush()


def running_plans(
    uow: UnitOfWork, subject: str, goals: Collection[str] | None = None
) -> list[PlanVersion]:
    """Versions of a subject that run, locked; of some goals only, if so asked."""
    query = select(PlanVersion).where(PlanVersion.subject == subject, PlanVersion.state == RUNNING)
    if goals is not None:
        query = query.where(PlanVersion.goal.in_(goals))
    return list(uow.scalars(query.order_by(PlanVersion.version).with_for_update()))


def versions_of(uow: UnitOfWork, subject: str) -> list[PlanVersion]:
    """Every version of a subject, oldest first."""
    query = select(PlanVersion).where(PlanVersion.subject == subject)
    return list(uow.scalars(query.order_by(PlanVersion.version)))


def running_ids(uow: UnitOfWork) -> list[str]:
    """Ids of every version that runs or is queued, oldest first."""
    query = select(PlanVersion.id).where(PlanVersion.state == RUNNING)
    return list(uow.scalars(query.order_by(PlanVersion.created_at)))


def waiting_plans(uow: UnitOfWork, limit: int = 200) -> list[PlanVersion]:
    """The newest versions that wait for a person or a tool."""
    query = select(PlanVersion).where(PlanVersion.state == WAITING)
    return list(uow.scalars(query.order_by(PlanVersion.created_at.desc()).limit(limit)))


# ---------------------------------------------------------------- tasks


def task(uow: UnitOfWork, task_id: str, *, lock: bool = False) -> TaskRow | None:
    """One task."""
    return uow.get(TaskRow, task_id, with_for_update=lock, populate_existing=True)


def tasks_of(uow: UnitOfWork, subject: str) -> list[TaskRow]:
    """Every task of a subject, in the order in which they were first started."""
    query = select(TaskRow).where(TaskRow.subject == subject)
    return list(uow.scalars(query.order_by(TaskRow.started_at, TaskRow.id)))


def claim(
    uow: UnitOfWork,
    *,
    subject: str,
    key: TaskKey,
    inputs: Facts,
    plan_id: str,
) -> TaskRow:
    """The task of an identity, locked; made when there is none yet."""
    tool, version, digest = key
    insert_new(
        uow,
        TaskRow,
        {
            "id": str(uuid.uuid4()),
            "subject": subject,
            "tool": tool,
            "tool_version": version,
            "input_digest": digest,
            "inputs": dict(inputs),
            "state": TaskState.WAITING.value,
            "first_plan_id": plan_id,
        },
    )
    query = select(TaskRow).where(
        TaskRow.tool == tool, TaskRow.tool_version == version, TaskRow.input_digest == digest
    )
    return uow.scalars(query.with_for_update()).one()


def start(uow: UnitOfWork, row: TaskRow, executor: str) -> None:
    """Note that a try has begun."""
    row.state = TaskState.RUNNING.value
    row.executor = executor
    row.started_at = now()
    row.ended_at = None
    uow.flush()


def record(
    uow: UnitOfWork, row: TaskRow, outcome: Outcome, seconds: float, *, current: bool
) -> None:
    """Write how a try ended, and the effects it wants, in the caller's unit of work.

    Parameters
    ----------
    uow, row
        `row` locked, and not DONE.
    outcome : Outcome
    seconds : float
    current : bool
        Whether the plan may still act. If not, a result without effects is kept for the next plan;
        one with effects is set aside whole, so that the next plan makes it again and sends then; a
        failure leaves the task open.
    """
    row.attempts += 1
    row.seconds = seconds
    row.ended_at = now()
    row.cause = outcome.cause.value if outcome.cause else None
    row.message = outcome.message
    row.bad_fact = outcome.bad_fact
    row.outputs = {}
    if not outcome.ok:
        row.state = (TaskState.FAILED if current else TaskState.WAITING).value
    elif outcome.effects and not current:
        row.state = TaskState.SET_ASIDE.value
        row.cause = Cause.SUPERSEDED.value
    else:
        row.state = TaskState.DONE.value
        row.outputs = dict(outcome.facts)
        for effect in outcome.effects:
            add_effect(uow, row.subject, effect)
    uow.flush()


def add_effect(uow: UnitOfWork, subject: str, effect: Effect) -> bool:
    """Put an effect into the outbox; the same key is the same effect and is kept once."""
    values = {
        "key": effect.key,
        "kind": effect.kind,
        "subject": subject,
        "payload": dict(effect.payload),
    }
    return insert_new(uow, Outbox, values)


def set_aside(uow: UnitOfWork, row: TaskRow, cause: str, message: str, fact: str | None) -> None:
    """Take a result back: it is neither used nor made again on the same input.

    Parameters
    ----------
    fact : str or None
        The fact it gave that was found bad; None when it merely built on one.
    """
    row.state = TaskState.SET_ASIDE.value
    row.cause = cause
    row.message = message
    row.bad_fact = fact
    uow.flush()


def done_and_barred(
    uow: UnitOfWork, subject: str
) -> tuple[dict[TaskKey, dict[str, Any]], dict[TaskKey, str]]:
    """What tasks of a subject came to: results to use again, inputs not to try again and why."""
    done: dict[TaskKey, dict[str, Any]] = {}
    barred: dict[TaskKey, str] = {}
    for row in tasks_of(uow, subject):
        key = (row.tool, row.tool_version, row.input_digest)
        if row.state == TaskState.DONE.value:
            done[key] = row.outputs
        elif is_barred(row):
            barred[key] = f"{(row.cause or '').replace('_', ' ')}: {row.message}"
    return done, barred


def is_barred(row: TaskRow) -> bool:
    """Whether a task must not be tried again on its input."""
    if row.state == TaskState.SET_ASIDE.value:
        return row.cause != Cause.SUPERSEDED.value
    return row.state == TaskState.FAILED.value


def bad_values(uow: UnitOfWork, subject: str) -> dict[str, list[Any]]:
    """Values of facts that were found bad for a subject, in the order in which they were given."""
    found: dict[str, list[Any]] = defaultdict(list)
    for row in tasks_of(uow, subject):
        if row.state != TaskState.SET_ASIDE.value or row.bad_fact not in row.outputs:
            continue
        values = found[row.bad_fact]
        if row.outputs[row.bad_fact] not in values:
            values.append(row.outputs[row.bad_fact])
    return dict(found)


def forget_failures(uow: UnitOfWork, subject: str) -> int:
    """Open again what failed or was set aside: a person asked for another go; how many."""
    opened = [row for row in tasks_of(uow, subject) if is_barred(row)]
    for row in opened:
        row.state = TaskState.WAITING.value
        row.attempts = 0
        row.bad_fact = None
    uow.flush()
    return len(opened)


def reopen(uow: UnitOfWork, row: TaskRow) -> None:
    """Leave a failed task open for its next try."""
    row.state = TaskState.WAITING.value
    uow.flush()


def recent_runs(uow: UnitOfWork, limit: int = 400) -> list[dict[str, Any]]:
    """What the latest ended tries of all tools said, newest first: see `engine.nodes`."""
    query = select(Event.after).where(Event.kind == "task.ended")
    return [one for one in uow.scalars(query.order_by(Event.seq.desc()).limit(limit)) if one]


def log_of(uow: UnitOfWork, subject: str, kinds: Collection[str]) -> list[Event]:
    """The events of some kinds about a subject, oldest first."""
    query = select(Event).where(Event.study_uid == subject, Event.kind.in_(kinds))
    return list(uow.scalars(query.order_by(Event.seq)))
