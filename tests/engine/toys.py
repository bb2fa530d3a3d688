"""Small tools, gates and waits for the tests of the engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from triage.core.work import Call, Facts, Goal, Health, Json, Outcome, Queue, ToolSpec
from triage.engine.registry import Registry
from triage.engine.runner import Runner
from triage.engine.versions import Made, Submission
from triage.store import work_rows
from triage.store.session import Store
from triage.store.tables import PlanVersion, TaskRow

Work = Callable[[Facts, Call], Outcome]
DEADLINE_S = 150.0


def spec(
    name: str,
    needs: tuple[str, ...] = (),
    gives: tuple[str, ...] = ("out",),
    *,
    cost_s: float = 1.0,
    version: str = "1",
    attempts: int = 2,
    timeout_s: float = 60.0,
    queue: Queue = Queue.CPU,
    by: str = "",
) -> ToolSpec:
    """A self-description with the usual values."""
    return ToolSpec(
        name=name,
        version=version,
        title=name.replace("_", " ").capitalize(),
        needs=needs,
        gives=gives,
        cost_s=cost_s,
        queue=queue,
        attempts=attempts,
        timeout_s=timeout_s,
        by=by,
    )


def answer(tool: ToolSpec) -> Work:
    """Gives, for each fact, a text that tells which tool made it from what."""

    def work(facts: Facts, _call: Call) -> Outcome:
        made = ",".join(f"{name}={facts[name]}" for name in sorted(facts))
        return Outcome(facts=dict.fromkeys(tool.gives, f"{tool.name}({made})"))

    return work


@dataclass
class Toy:
    """A tool that does what the test says, and counts."""

    spec: ToolSpec
    work: Work | None = None
    up: Health = field(default_factory=lambda: Health(True))
    calls: list[dict[str, Json]] = field(default_factory=list)

    def health(self) -> Health:
        return self.up

    def run(self, facts: Facts, call: Call) -> Outcome:
        self.calls.append(dict(facts))
        return (self.work or answer(self.spec))(facts, call)


def toy(
    name: str,
    needs: tuple[str, ...] = (),
    gives: tuple[str, ...] = ("out",),
    work: Work | None = None,
    **more: Any,
) -> Toy:
    """A tool in one line."""
    return Toy(spec(name, needs, gives, **more), work)


def fails(*outcomes: Outcome) -> Work:
    """Fails with these outcomes one after the other, the last one again and again."""
    left = list(outcomes)

    def work(_facts: Facts, _call: Call) -> Outcome:
        return left.pop(0) if len(left) > 1 else left[0]

    return work


def registry_of(*tools: Toy) -> Registry:
    """A registry with these tools."""
    registry = Registry()
    for tool in tools:
        registry.add(tool)
    return registry


def wait_until(condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """Wait for a condition; its first true value."""
    end = time.monotonic() + deadline_s
    pause = threading.Event()
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        pause.wait(0.02)
    raise AssertionError(f"not within {deadline_s} s: {what}")


def newest(store: Store, subject: str) -> PlanVersion:
    """The latest plan version of a subject."""
    with store.reading() as uow:
        return work_rows.versions_of(uow, subject)[-1]


def settled(store: Store, subject: str) -> PlanVersion:
    """The latest plan version of a subject, once it neither runs nor is being replaced."""

    def ended() -> PlanVersion | None:
        row = newest(store, subject)
        return row if row.state not in (work_rows.RUNNING, work_rows.GIVEN_UP) else None

    row = wait_until(ended, f"the plan of {subject} ends")
    assert isinstance(row, PlanVersion)
    return row


def versions(store: Store, subject: str) -> list[PlanVersion]:
    """Every plan version of a subject."""
    with store.reading() as uow:
        return work_rows.versions_of(uow, subject)


def tasks(store: Store, subject: str) -> dict[str, TaskRow]:
    """The latest task of each tool."""
    with store.reading() as uow:
        return {row.tool: row for row in work_rows.tasks_of(uow, subject)}


def news(
    subject: str,
    wants: tuple[str, ...],
    facts: Mapping[str, Json] | None = None,
    why: str = "it arrived",
    **more: Any,
) -> Submission:
    """News in one line."""
    return Submission(subject, Goal("goal", wants), facts or {}, why, **more)


def submitted(runner: Runner, submission: Submission) -> Made:
    """Submit something that no guard calls off."""
    made = runner.submit(submission)
    assert made is not None
    return made


def renamed(submission: Submission, goal: str) -> Submission:
    """The same news for a goal of another name."""
    return replace(submission, goal=replace(submission.goal, name=goal))


def counts(*tools: Toy) -> list[int]:
    """How often each tool was called."""
    return [len(tool.calls) for tool in tools]
