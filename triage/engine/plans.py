"""Plans as data: nodes, rejected alternatives, and what is missing when there is no plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from triage.core.work import Facts, Goal, Json, ToolSpec, digest_of

TaskKey: TypeAlias = tuple[str, str, str]
"""Identity of a task: tool, tool version, input digest."""


class WhyNot(StrEnum):
    """Why a tool was not taken for a fact."""

    COSTLIER = "costlier"
    DOWN = "down"
    SET_ASIDE = "set_aside"
    NEEDS_MISSING = "needs_missing"


@dataclass(frozen=True, slots=True)
class Past:
    """What tasks of this subject came to.

    Attributes
    ----------
    done : mapping of TaskKey to facts
        Their results are used again.
    barred : mapping of TaskKey to str
        Not to be tried again on that input, and why.
    """

    done: Mapping[TaskKey, Facts] = field(default_factory=dict)
    barred: Mapping[TaskKey, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Node:
    """One tool call of a plan; its tool's name identifies it, a tool is called once in a plan.

    Attributes
    ----------
    spec : ToolSpec
    expected_s : float
        Zero when it is done already.
    takes : mapping of str to str
        For each needed fact that is not at hand, the tool it is taken from.
    done_already : bool
        Its result on this input is there; running the plan finds it.
    """

    spec: ToolSpec
    expected_s: float
    takes: Mapping[str, str]
    done_already: bool

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The tools that must be done before."""
        return tuple(sorted(set(self.takes.values())))

    def as_json(self) -> dict[str, Json]:
        """Row form."""
        return {
            "tool": self.spec.name,
            "version": self.spec.version,
            "title": self.spec.title,
            "by": self.spec.by,
            "needs": list(self.spec.needs),
            "gives": list(self.spec.gives),
            "queue": self.spec.queue.value,
            "attempts": self.spec.attempts,
            "timeout_s": self.spec.timeout_s,
            "cost_s": round(self.expected_s, 3),
            "takes": dict(sorted(self.takes.items())),
            "depends_on": list(self.depends_on),
            "done_already": self.done_already,
        }


@dataclass(frozen=True, slots=True)
class Rejected:
    """A tool that also gives a fact, and why it was not taken.

    Attributes
    ----------
    lacks : tuple of str
        Facts it needs that cannot be had.
    title, by : str
        As in its `ToolSpec`: a tool that is gone tomorrow keeps its name in the plan.
    """

    fact: str
    tool: str
    version: str
    why: WhyNot
    message: str
    cost_s: float | None = None
    lacks: tuple[str, ...] = ()
    title: str = ""
    by: str = ""

    def as_json(self) -> dict[str, Json]:
        """Row form."""
        return {
            "fact": self.fact,
            "tool": self.tool,
            "version": self.version,
            "why": self.why.value,
            "message": self.message,
            "cost_s": None if self.cost_s is None else round(self.cost_s, 3),
            "lacks": list(self.lacks),
            "title": self.title,
            "by": self.by,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """A way from the facts at hand to the goal.

    Attributes
    ----------
    nodes : tuple of Node
        In an order that respects `Node.depends_on`.
    rejected : tuple of Rejected
        Alternatives of every fact in the plan.
    """

    goal: Goal
    nodes: tuple[Node, ...]
    rejected: tuple[Rejected, ...]

    def as_json(self) -> dict[str, Json]:
        """Row form; equal plans give equal JSON."""
        return {
            "wants": list(self.goal.wants),
            "nodes": [node.as_json() for node in self.nodes],
            "rejected": [one.as_json() for one in self.rejected],
            "cost_s": round(sum(node.expected_s for node in self.nodes), 3),
            "missing": [],
        }


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact nobody can give here and now.

    Attributes
    ----------
    fact : str
    wanted_by : str
        A tool, or the goal.
    givers : tuple of Rejected
        Who would give it, and why not now; empty when no tool does.
    """

    fact: str
    wanted_by: str
    givers: tuple[Rejected, ...]

    def as_json(self) -> dict[str, Json]:
        """Row form."""
        return {
            "fact": self.fact,
            "wanted_by": self.wanted_by,
            "givers": [one.as_json() for one in self.givers],
        }


@dataclass(frozen=True, slots=True)
class NoPlan:
    """There is no way to the goal, and what is missing."""

    goal: Goal
    missing: tuple[Missing, ...]

    @property
    def message(self) -> str:
        """One sentence for a person: the facts at the root, and what would give them."""
        roots = [m for m in self.missing if not _only_waits_for_others(m)] or list(self.missing)
        return "; ".join(_say_missing(m) for m in roots)

    def as_json(self) -> dict[str, Json]:
        """Row form."""
        return {
            "wants": list(self.goal.wants),
            "nodes": [],
            "rejected": [],
            "cost_s": None,
            "missing": [m.as_json() for m in self.missing],
        }


def input_digest(subject: str, inputs: Facts) -> str:
    """Identity of a task's input.

    The subject is part of it: two studies whose facts happen to be equal never share a task.
    """
    return digest_of({"subject": subject, "facts": dict(inputs)})


def _only_waits_for_others(missing: Missing) -> bool:
    return any(giver.why is WhyNot.NEEDS_MISSING for giver in missing.givers)


def _say_missing(missing: Missing) -> str:
    if not missing.givers:
        return f"{missing.fact} (for {missing.wanted_by}) is missing, and no tool here gives it"
    reasons = ", ".join(f"{giver.tool}: {giver.message}" for giver in missing.givers)
    return f"{missing.fact} (for {missing.wanted_by}) is missing: {reasons}"
