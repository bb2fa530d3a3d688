"""What happened to a subject, in the order of time: the engine's events and effects, as told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from triage.core.work import TaskState
from triage.store import work_rows
from triage.store.tables import Event, Outbox, PlanVersion


class Clock:
    """Seconds since the first plan.

    Parameters
    ----------
    start : datetime or None
        When the first plan was made; None while there is none.
    """

    def __init__(self, start: datetime | None) -> None:
        self._start = start

    def at(self, moment: datetime | None) -> float | None:
        """Seconds from the first plan to `moment`, to the millisecond; None when not known."""
        if moment is None or self._start is None:
            return None
        return round((moment - self._start).total_seconds(), 3)


def iso(moment: datetime | None) -> str | None:
    """RFC 3339, or None."""
    return moment.isoformat() if moment is not None else None


def trace_told(
    plans: Sequence[PlanVersion], log: Iterable[Event], clock: Clock
) -> list[dict[str, Any]]:
    """``trace[]`` of `explain`."""
    version = {row.id: row.version for row in plans}
    titles = {n["tool"]: n["title"] for row in plans for n in row.graph["nodes"]}
    return [_line(event, event.after or {}, version, titles, clock) for event in log]


def _line(
    event: Event,
    after: Mapping[str, Any],
    version: Mapping[str, int],
    titles: Mapping[str, str],
    clock: Clock,
) -> dict[str, Any]:
    tool = after.get("tool", "")
    shape: dict[str, tuple[str, str, str | None, str | None]] = {
        "plan.made": ("goal", after.get("goal", ""), after.get("why"), None),
        "plan.ended": ("end", after.get("goal", ""), after.get("why"), None),
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
        "key": after.get("key"),
        "receipt": after.get("receipt"),
    }


def effects_told(
    plans: Sequence[PlanVersion], effects: Iterable[Outbox], log: Iterable[Event], clock: Clock
) -> list[dict[str, Any]]:
    """``effects[]`` of `explain`, each with the tool and the plan that wanted it first."""
    version = {row.id: row.version for row in plans}
    wanted: dict[str, tuple[str, int | None]] = {}
    for event in log:
        said = event.after or {}
        if event.kind == "task.ended" and said["state"] == TaskState.DONE.value:
            for key in said.get("effects", ()):
                wanted.setdefault(key, (said["tool"], version.get(said["plan_id"])))
    return [_effect(row, wanted.get(row.key, (None, None)), clock) for row in effects]


def _effect(row: Outbox, wanted: tuple[str | None, int | None], clock: Clock) -> dict[str, Any]:
    return {
        "key": row.key,
        "kind": row.kind,
        "what": row.payload,
        "tool": wanted[0],
        "plan_version": wanted[1],
        "state": row.state,
        "attempts": row.attempts,
        "last_error": row.last_error,
        "next_at": iso(row.next_at) if row.state == "waiting" else None,
        "receipt": row.receipt,
        "created_at": iso(row.created_at),
        "done_at": iso(row.done_at),
        "created_at_s": clock.at(row.created_at),
        "done_at_s": clock.at(row.done_at),
    }
