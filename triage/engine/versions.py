"""Plan versions: made, superseded, ended. Each in one unit of work.

News makes a new version of a subject's plan; so does a failure (`reactions`). The version before it
is closed in the same transaction that queues the new one: there is never a plan that is not queued,
nor work for a plan that is not there.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

from triage.core.work import Facts, Goal, Json, Queue, TaskState, digest_of
from triage.engine.critic import Budget
from triage.engine.planner import plan
from triage.engine.plans import NoPlan, Past, Plan
from triage.engine.registry import SET_ASIDE, Candidate, Registry, Seen
from triage.errors import Unprocessable
from triage.store import events, work_rows
from triage.store.session import UnitOfWork
from triage.store.tables import PlanVersion, now

View: TypeAlias = tuple[Candidate, ...]
Guard: TypeAlias = Callable[[UnitOfWork], bool]
Enqueue: TypeAlias = Callable[[UnitOfWork, str, Queue, int], None]
"""Queues the run of a plan (id, queue, priority) in the caller's unit of work."""


@dataclass(frozen=True, slots=True)
class Submission:
    """News about a subject: what is wanted of it now, and what is known.

    Attributes
    ----------
    subject : str
        At most 64 characters: a Study Instance UID, or the id of a training round.
    goal : Goal
    facts : mapping of str to Json
        At hand. A fact that names something whose content may change carries its digest.
    why : str
        The news, for people: "3 more images arrived".
    guard : callable, optional
        Called in the unit of work that plans, before anything is written; False calls it off and
        rolls back whatever the guard itself wrote. The place for a conditional update.
    replaces : collection of str, optional
        Names of the goals whose running plans this one supersedes; all goals of the subject
        unless given.
    again : bool
        A person asks for another go: what failed before may be tried again.
    """

    subject: str
    goal: Goal
    facts: Facts
    why: str
    guard: Guard | None = None
    replaces: Collection[str] | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A plan version that stands in the database.

    Attributes
    ----------
    plan_id : str
        Also the id of its workflow.
    version : int
    state : str
        ``running``; ``waiting`` when there is no way to the goal.
    message : str
        Why it waits.
    superseded : tuple of str
        Plans that were closed for it; their workflows are to be cancelled.
    """

    plan_id: str
    version: int
    state: str
    message: str = ""
    superseded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Because:
    """Why a version was made, in parts; `PlanVersion.why` says it in a sentence.

    Attributes
    ----------
    kind : str
        ``news``, ``again`` (a person asked), ``mended`` (what was missing is there), or the
        reaction to a failure: ``back_track``, ``other_tool``.
    replaces : tuple of str
        Plans whose place it took.
    tool, cause, message : str
        The failure: which tool of the replaced plan, its cause and its words.
    fact : str
        That is to blame, with ``back_track``.
    giver : str
        The tool that gave it.
    set_aside : tuple of str
        Tools whose results were set aside.
    """

    kind: str
    replaces: tuple[str, ...] = ()
    tool: str = ""
    cause: str = ""
    message: str = ""
    fact: str = ""
    giver: str = ""
    set_aside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanEnd:
    """How a plan ended, for whoever keeps the subject's own state in step."""

    subject: str
    goal: str
    plan_id: str
    version: int
    state: str
    why: str


OnEnd: TypeAlias = Callable[[UnitOfWork, PlanEnd], None]


@dataclass(frozen=True)
class Versions:
    """Makes and ends plan versions.

    Attributes
    ----------
    registry : Registry
    enqueue : Enqueue
    budget : Budget
    on_end : OnEnd, optional
        Called in the unit of work in which a plan ends as done, waiting or failed.
    """

    registry: Registry
    enqueue: Enqueue
    budget: Budget = field(default_factory=Budget)
    on_end: OnEnd | None = None

    def submit(self, uow: UnitOfWork, view: View, news: Submission) -> Made:
        """Make the version that answers to news; what runs for the same goals is superseded."""
        if not 0 < len(news.subject) <= _LONGEST_SUBJECT:
            raise Unprocessable(f"subject: 1 to {_LONGEST_SUBJECT} characters")
        work_rows.lock_subject(uow, news.subject)
        if news.again:
            work_rows.forget_failures(uow, news.subject)
        running = work_rows.running_plans(uow, news.subject, news.replaces)
        facts_digest = digest_of(dict(news.facts))
        for row in running:
            same = row.goal == news.goal.name and row.graph["facts_digest"] == facts_digest
            if same and not news.again:
                return Made(row.id, row.version, row.state)
        for row in running:
            work_rows.end_plan(uow, row, work_rows.GIVEN_UP, f"superseded: {news.why}")
            self.note(uow, "plan.ended", row)
        drawn = self.draw(uow, view, news.subject, news.goal, news.facts)
        because = Because("again" if news.again else "news", tuple(row.id for row in running))
        made = self.write(
            uow, drawn, news.subject, news.facts, why=news.why, again=news.again, because=because
        )
        superseded = tuple(row.id for row in running)
        return Made(made.id, made.version, made.state, made.ended_why, superseded)

    def finish(self, uow: UnitOfWork, plan_id: str) -> str:
        """Close a plan whose nodes are all done; its state, whether or not it was this call."""
        row = work_rows.plan(uow, plan_id, lock=True)
        if row is None:
            return work_rows.GIVEN_UP
        if row.state == work_rows.RUNNING:
            self.end(uow, row, work_rows.DONE, "")
        return row.state

    def end(self, uow: UnitOfWork, row: PlanVersion, state: str, why: str) -> None:
        """Close a plan as done, waiting or failed, and tell the keeper of the subject."""
        work_rows.end_plan(uow, row, state, why)
        self._tell(uow, row)

    def reconsider(self, uow: UnitOfWork, view: View, plan_id: str) -> Made | None:
        """Plan again for a goal that waits for a tool; None while there is still no way."""
        known = work_rows.plan(uow, plan_id)
        if known is None:
            return None
        work_rows.lock_subject(uow, known.subject)
        versions = work_rows.versions_of(uow, known.subject)
        later = [row for row in versions if row.goal == known.goal and row.version > known.version]
        if later or self.spent(uow, known):
            return None
        drawn = self.draw(uow, view, known.subject, goal_of(known), known.facts)
        if isinstance(drawn, NoPlan):
            return None
        made = self.write(
            uow,
            drawn,
            known.subject,
            known.facts,
            why="what was missing is here now",
            because=Because("mended", (known.id,)),
        )
        return Made(made.id, made.version, made.state)

    def seen(self, uow: UnitOfWork) -> dict[str, Seen]:
        """What recent runs of the present versions of the tools were like."""
        runs: dict[tuple[str, str], list[tuple[bool, float]]] = defaultdict(list)
        for said in work_rows.recent_runs(uow):
            of_tool = runs[said["tool"], said["version"]]
            if not said["reused"] and len(of_tool) < _RUNS_SEEN:
                of_tool.append((said["state"] == TaskState.FAILED.value, said["seconds"]))
        found: dict[str, Seen] = {}
        for spec in self.registry.specs():
            if mine := runs.get((spec.name, spec.version)):
                mean_s = sum(seconds for _, seconds in mine) / len(mine)
                found[spec.name] = Seen(len(mine), sum(failed for failed, _ in mine), mean_s)
        return found

    def draw(
        self, uow: UnitOfWork, view: View, subject: str, goal: Goal, facts: Facts
    ) -> Plan | NoPlan:
        """Ask the planner, with what is done and barred for the subject."""
        bad = work_rows.bad_values(uow, subject)
        known = {**facts, **engine_facts(view, bad)}
        return plan(goal, subject, known, view, Past(*work_rows.done_and_barred(uow, subject)))

    def write(
        self,
        uow: UnitOfWork,
        drawn: Plan | NoPlan,
        subject: str,
        facts: Facts,
        *,
        why: str,
        because: Because,
        again: bool = False,
    ) -> PlanVersion:
        """Write the next version, and queue it; a goal without a way waits."""
        graph: dict[str, Any] = drawn.as_json()
        graph["goal"] = {"name": drawn.goal.name, "priority": drawn.goal.priority}
        graph["facts_digest"] = digest_of(dict(facts))
        graph["set_aside"] = work_rows.bad_values(uow, subject)
        graph["again"] = again
        graph["because"] = asdict(because)
        row = work_rows.add_plan(
            uow,
            str(uuid.uuid4()),
            subject=subject,
            goal=drawn.goal.name,
            why=why,
            facts=facts,
            graph=graph,
            state=work_rows.WAITING if isinstance(drawn, NoPlan) else work_rows.RUNNING,
            ended_why=drawn.message if isinstance(drawn, NoPlan) else "",
        )
        if isinstance(drawn, Plan):
            self.enqueue(uow, row.id, queue_of(drawn), drawn.goal.priority)
            self.note(uow, "plan.made", row)
        else:
            self._tell(uow, row)
        return row

    def spent(self, uow: UnitOfWork, row: PlanVersion) -> str | None:
        """Whether the budget of a plan's subject, goal and facts is used up, in words."""
        line: list[PlanVersion] = []
        for other in work_rows.versions_of(uow, row.subject):
            if (other.goal, other.graph["facts_digest"]) == (row.goal, row.graph["facts_digest"]):
                line = [other] if other.graph["again"] else [*line, other]
        first = line[0].created_at if line else row.created_at
        return self.budget.spent(len(line), (now() - first) / timedelta(seconds=1))

    def _tell(self, uow: UnitOfWork, row: PlanVersion) -> None:
        if self.on_end is not None:
            end = PlanEnd(row.subject, row.goal, row.id, row.version, row.state, row.ended_why)
            self.on_end(uow, end)
        self.note(uow, "plan.ended", row)

    def note(self, uow: UnitOfWork, kind: str, row: PlanVersion) -> None:
        """Append ``plan.made`` or ``plan.ended`` to the list of events."""
        after = {
            "plan_id": row.id,
            "version": row.version,
            "goal": row.goal,
            "state": row.state,
            "why": row.why if kind == "plan.made" else row.ended_why,
        }
        events.append(uow, kind, study_uid=row.subject, after=after)


_RUNS_SEEN = 20
_LONGEST_SUBJECT = 64
_HEAVIEST_FIRST = (Queue.TRAIN, Queue.GPU, Queue.CPU)


def queue_of(drawn: Plan) -> Queue:
    """The queue a plan runs on: the scarcest that one of its nodes needs."""
    used = {node.spec.queue for node in drawn.nodes if not node.done_already}
    return next((queue for queue in _HEAVIEST_FIRST if queue in used), Queue.CPU)


def engine_facts(view: View, bad: Mapping[str, list[Any]]) -> dict[str, Json]:
    """The facts that the engine itself gives: what was found bad, as far as a tool asks for it."""
    asked = {need for one in view for need in one.spec.needs if need.startswith(SET_ASIDE)}
    return {name: list(bad.get(name.removeprefix(SET_ASIDE), [])) for name in sorted(asked)}


def node_of(row: PlanVersion, tool: str) -> dict[str, Any]:
    """The node of a tool in a stored plan."""
    return next(node for node in row.graph["nodes"] if node["tool"] == tool)


def goal_of(row: PlanVersion) -> Goal:
    """The goal of a stored plan."""
    return Goal(row.goal, tuple(row.graph["wants"]), row.graph["goal"]["priority"])
