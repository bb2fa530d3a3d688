"""What "How this was made" answers: the engine's account as a schema, with the words for people."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from triage.core.work import Cause, Queue
from triage.engine.plans import WhyNot
from triage.review.schema import Model

PlanState = Literal["running", "done", "failed", "given_up", "waiting"]
StepState = Literal["waiting", "running", "done", "failed", "set_aside", "not_run"]
Facts = dict[str, Any]


class NotTaken(Model):
    """A tool that also gives a fact, and why it was not taken; `lacks`: facts it needs in vain."""

    fact: str
    tool: str
    version: str
    title: str = ""
    by: str = ""
    why: WhyNot
    message: str
    lacks: tuple[str, ...] = ()
    cost_s: float | None


class MissingFact(Model):
    """A fact nobody can give here and now; `wanted_by` is a tool or the goal."""

    fact: str
    wanted_by: str
    givers: list[NotTaken]


class Because(Model):
    """Why a version was made; the failure in parts when a failure led to it."""

    kind: Literal["news", "again", "mended", "back_track", "other_tool"]
    replaces: list[int]
    tool: str
    cause: Cause | Literal[""]
    message: str
    fact: str
    giver: str
    set_aside: list[str]


class PlanStep(Model):
    """A tool call of a plan version and what came of it there.

    Attributes
    ----------
    by : str
        What does the work, where several tools bear one title.
    takes : dict
        Needed fact to the tool of this plan that gives it; others were at hand.
    cost_s : float
        Expected when the plan was made; 0 when it was done already.
    reused : bool
        An earlier plan's result on the same input was found and used.
    set_aside : str or None
        Why its result was taken back later.
    """

    tool: str
    version: str
    title: str
    by: str = ""
    needs: list[str]
    gives: list[str]
    queue: Queue
    timeout_s: float
    cost_s: float
    takes: dict[str, str]
    depends_on: list[str]
    done_already: bool
    state: StepState
    task_id: str | None
    reused: bool
    attempts: int
    seconds: float | None
    cause: Cause | None
    message: str
    outputs: Facts
    started_at_s: float | None
    ended_at_s: float | None
    set_aside: str | None


class PlanVersionView(Model):
    """One version of the plan; `set_aside` holds values of facts that were found bad before."""

    plan_id: str
    version: int
    goal: str
    wants: list[str]
    why: str
    because: Because | None
    state: PlanState
    ended_why: str
    created_at: datetime
    ended_at: datetime | None
    at_s: float
    ended_at_s: float | None
    facts: Facts
    set_aside: Facts
    cost_s: float | None
    nodes: list[PlanStep]
    rejected: list[NotTaken]
    missing: list[MissingFact]


class TaskView(Model):
    """One task row: a tool on one input, whatever plan asked for it."""

    task_id: str
    tool: str
    version: str
    state: StepState
    inputs: Facts
    outputs: Facts
    cause: Cause | None
    message: str
    bad_fact: str | None
    attempts: int
    seconds: float | None
    executor: str
    started_at: datetime | None
    ended_at: datetime | None


class ToolTried(Model):
    """A tool that was tried for a fact, or was not and why."""

    fact: str
    tool: str
    version: str
    title: str
    by: str
    verdict: Literal["waiting", "running", "done", "failed", "set_aside", "not_tried"]
    cause: Cause | WhyNot | None
    message: str
    lacks: list[str]
    seconds: float | None
    cost_s: float | None


class TraceLine(Model):
    """One thing that happened. `step` is a tool's title, a goal's name or an effect's key."""

    at_s: float | None
    kind: Literal["goal", "task", "reuse", "back", "end", "effect"]
    tool: str | None
    step: str
    state: str | None
    outcome: str
    cause: Cause | None
    plan_version: int | None
    seconds: float | None
    key: str | None
    receipt: Facts | None


class EffectView(Model):
    """Something that left the house, or will: done only with what was then found at the peer."""

    key: str
    kind: str
    what: Facts
    tool: str | None
    plan_version: int | None
    state: Literal["waiting", "sending", "done"]
    attempts: int
    last_error: str
    next_at: datetime | None
    receipt: Facts
    created_at: datetime
    done_at: datetime | None
    created_at_s: float | None
    done_at_s: float | None


class PersonStep(Model):
    """What only a person does: `missing` says in words what is left to do.

    Attributes
    ----------
    needs, gives : list of str
        Facts, so that it stands in the graph between the tools it waits for and those it starts.
    """

    act: Literal["read", "promote"]
    needs: list[str]
    gives: list[str]
    state: Literal["waiting", "done"]
    by: str | None
    at: datetime | None
    at_s: float | None
    missing: list[str]


class Titles(Model):
    """What facts and goals are called by people; a name that is not here is shown as it is."""

    facts: dict[str, str]
    goals: dict[str, str]


class Account(Model):
    """What the engine did for a subject, as `triage.engine.explain` tells it."""

    subject: str
    started_at: datetime | None
    seconds: float | None
    plans: list[PlanVersionView]
    tasks: list[TaskView]
    tools: list[ToolTried]
    trace: list[TraceLine]
    effects: list[EffectView]


class StudyHead(Model):
    """Which study, as the worklist says it."""

    patient_name: str
    patient_id: str
    description: str
    study_date: str
    state: str
    state_reason: str


class RoundHead(Model):
    """Which round."""

    number: int
    population: Literal["real", "phantom"]
    state: str
    reason: str


class HowMade(Account):
    """How the result of a study or the verdict of a round was made.

    Attributes
    ----------
    study, round
        What it is about; one of the two.
    people : list
        Steps of people.
    last_image_at_s, ready_at_s : float or None
        Of a study: seconds from the first plan, negative before it.
    """

    study: StudyHead | None
    round: RoundHead | None
    titles: Titles
    people: list[PersonStep]
    last_image_at_s: float | None
    ready_at_s: float | None
