"""The vocabulary of the engine: facts, tools, plans, tasks, outcomes. No radiology in here.

A *fact* is a named, small JSON value about one subject (a study): ``series_verdicts``,
``chosen_series``, ``findings``. A *tool* says which facts it needs and which it gives. A *plan* is
a graph of tool calls that leads from the facts at hand to the goal's facts. Volumes never are
facts: a fact holds their key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias, runtime_checkable

Json: TypeAlias = (
    "bool | int | float | str | list[Json] | dict[str, Json] | Mapping[str, Json] | None"
)
Facts: TypeAlias = Mapping[str, Json]


class Cause(StrEnum):
    """The type of a failure. The type, never the text, decides what happens next."""

    INPUT_MISSING = "input_missing"
    INPUT_BAD = "input_bad"
    TOOL_DOWN = "tool_down"
    RESOURCE = "resource"
    REJECTED_BY_PEER = "rejected_by_peer"
    CONTRACT_VIOLATED = "contract_violated"
    TIMEOUT = "timeout"
    LOW_QUALITY = "low_quality"
    SUPERSEDED = "superseded"


class Queue(StrEnum):
    """Where a tool runs."""

    CPU = "cpu"
    GPU = "gpu"
    TRAIN = "train"


class TaskState(StrEnum):
    """Life of a task row."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """How a tool describes itself to the planner.

    Attributes
    ----------
    name : str
        Unique, snake_case: ``detect_openvino``.
    version : str
        Raised whenever the same input may give another output; part of a task's identity.
    title : str
        For people: "Find nodules".
    needs, gives : tuple of str
        Names of facts.
    cost_s : float
        Expected seconds; the planner prefers the cheaper of two tools with the same gives.
    queue : Queue
    attempts : int
        How often the same input may be tried when the cause allows a retry.
    timeout_s : float
        After which the try counts as TIMEOUT.
    by : str
        What does the work, where several tools bear one title: "OpenVINO".
    """

    name: str
    version: str
    title: str
    needs: tuple[str, ...]
    gives: tuple[str, ...]
    cost_s: float
    queue: Queue = Queue.CPU
    attempts: int = 2
    timeout_s: float = 600.0
    by: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """Something to be done outside our database, exactly once in its effect.

    Attributes
    ----------
    kind : str
        Which sender handles it: ``store_sr``.
    key : str
        Unique for ever; the same key is the same effect.
    payload : dict
        Ids and digests, never bulk data.
    """

    kind: str
    key: str
    payload: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one tool call ended. Tools return it; they do not raise for control flow.

    Attributes
    ----------
    facts : dict of str to Json
        Exactly the names of ``spec.gives`` when it went well, empty otherwise.
    cause : Cause or None
        None when it went well.
    message : str
        One sentence for a person: what came of it, or why nothing did.
    bad_fact : str or None
        With LOW_QUALITY, CONTRACT_VIOLATED or INPUT_BAD: the needed fact that is to blame, so that
        the engine can go back to the tool that gave it.
    effects : tuple of Effect
        Written to the outbox in the transaction that records this outcome.
    """

    facts: dict[str, Json] = field(default_factory=dict)
    cause: Cause | None = None
    message: str = ""
    bad_fact: str | None = None
    effects: tuple[Effect, ...] = ()

    @property
    def ok(self) -> bool:
        """True when the tool did what it says it does."""
        return self.cause is None


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a tool can work here and now, and the mend when it cannot."""

    up: bool
    message: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """What a tool is told besides its facts.

    Attributes
    ----------
    subject : str
        What the goal is about: a Study Instance UID.
    plan_id, task_id : str
        For rows that point back; never part of the result.
    """

    subject: str
    plan_id: str
    task_id: str


@runtime_checkable
class Tool(Protocol):
    """A self-describing unit of work.

    ``run`` may be called more than once with the same facts (steps are at-least-once), so every
    write of its own must be idempotent, and everything that leaves the house must be an Effect.
    """

    @property
    def spec(self) -> ToolSpec:
        """How the tool describes itself."""
        ...

    def health(self) -> Health:
        """Whether it can work on this machine now; cheap, called before each plan."""
        ...

    def run(self, facts: Facts, call: Call) -> Outcome:
        """Do the work; `facts` holds exactly the names of ``spec.needs``."""
        ...


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted.

    Attributes
    ----------
    name : str
        ``findings`` or ``published`` ...
    wants : tuple of str
        Facts that must be there in the end.
    priority : int
        1 is first (0 would mean "unset" to the queue).
    """

    name: str
    wants: tuple[str, ...]
    priority: int = 100


def canonical_json(value: Json) -> str:
    """JSON with sorted keys and no spaces: the same value always gives the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(value: Json) -> str:
    """SHA-256 (hex) of the canonical JSON of `value`: identity of inputs, plans, contents."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def spec_as_json(spec: ToolSpec) -> dict[str, Json]:
    """A tool's self-description for plan rows and the explain page."""
    plain: dict[str, Json] = json.loads(json.dumps(asdict(spec)))
    return plain
