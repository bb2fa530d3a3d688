"""Which tools there are, what they need and give, how they are, and what they really cost.

A registry belongs to one process. Tools may be added and removed while work is running: a plan
that exists keeps the versions it was made with, the next plan sees the change.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from triage.core.work import Health, Tool, ToolSpec
from triage.errors import ConfigurationError

SET_ASIDE = "set_aside."
"""Prefix of the facts that the engine itself gives: ``set_aside.chosen_series`` is the list of
values of ``chosen_series`` that were found bad for this subject. A tool that needs it is told what
not to answer again."""

HANGS = "an earlier call of it has not come back; restarting the worker helps"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_DECLARED_WEIGHT = 3  # the declared cost counts like this many observed runs
_COST_BOUND = 2.0  # observed latency moves the expected cost by this factor at most
_SUCCESS_FLOOR = 0.25  # an unreliable tool looks at most four times dearer


@dataclass(frozen=True, slots=True)
class Seen:
    """What recent runs of a tool, at one version, were like."""

    runs: int = 0
    failures: int = 0
    mean_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tool as the planner sees it: pure data.

    Attributes
    ----------
    spec : ToolSpec
    health : Health
        Asked when the view was taken.
    expected_s : float
        Declared seconds, adjusted within bounds by what was observed; see `expected_cost`.
    seen : Seen
        What the adjustment rests on, for the explain page.
    """

    spec: ToolSpec
    health: Health
    expected_s: float
    seen: Seen = Seen()


def expected_cost(declared_s: float, seen: Seen) -> float:
    """Seconds a run is expected to cost, from the declared and the observed.

    Parameters
    ----------
    declared_s : float
        `ToolSpec.cost_s`.
    seen : Seen
        Recent runs; none leaves the declared cost as it is.

    Returns
    -------
    float
        Between a half and eight times the declared cost.
    """
    if seen.runs == 0:
        return declared_s
    weight = _DECLARED_WEIGHT + seen.runs
    blended = (_DECLARED_WEIGHT * declared_s + seen.runs * seen.mean_s) / weight
    bounded = min(max(blended, declared_s / _COST_BOUND), declared_s * _COST_BOUND)
    success = (_DECLARED_WEIGHT + seen.runs - seen.failures) / weight
    return bounded / max(success, _SUCCESS_FLOOR)


class Registry:
    """The tools of this process, by name and by what they give."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}
        self._lock = threading.Lock()

    def add(self, tool: Tool) -> None:
        """Register a tool; it takes part in the next plan.

        Raises
        ------
        ConfigurationError
            A tool of that name is there already, or its self-description is malformed.
        """
        spec = tool.spec
        faults = faults_of(spec)
        if faults:
            raise ConfigurationError(f"tool {spec.name!r}: {'; '.join(faults)}")
        with self._lock:
            if spec.name in self._tools:
                raise ConfigurationError(f"two tools are named {spec.name!r}")
            self._tools[spec.name] = tool

    def remove(self, name: str) -> None:
        """Take a tool away; nothing happens when it is not there."""
        with self._lock:
            self._tools.pop(name, None)

    def get(self, name: str, version: str) -> Tool | None:
        """The tool of that name and version, if this process has it."""
        with self._lock:
            tool = self._tools.get(name)
        return tool if tool is not None and tool.spec.version == version else None

    def specs(self) -> tuple[ToolSpec, ...]:
        """Every self-description, by name."""
        with self._lock:
            return tuple(self._tools[name].spec for name in sorted(self._tools))

    def giving(self, fact: str) -> tuple[ToolSpec, ...]:
        """The tools that give a fact, by name."""
        return tuple(spec for spec in self.specs() if fact in spec.gives)

    def view(
        self, seen: Mapping[str, Seen] | None = None, hung: Collection[str] = ()
    ) -> tuple[Candidate, ...]:
        """Ask every tool how it is; the planner works on the answer.

        Parameters
        ----------
        seen : mapping of tool name to Seen, optional
            Recent runs, to adjust the expected cost.
        hung : collection of str, optional
            Tools with a call in this process that has not come back: down, whatever they say.

        Returns
        -------
        tuple of Candidate
            By name, so that the same registry always gives the same plan.
        """
        with self._lock:
            tools = [self._tools[name] for name in sorted(self._tools)]
        return tuple(
            _look_at(tool, (seen or {}).get(tool.spec.name, Seen()), tool.spec.name in hung)
            for tool in tools
        )


def _look_at(tool: Tool, seen: Seen, hung: bool) -> Candidate:
    spec = tool.spec
    health = Health(False, HANGS) if hung else _health_of(tool)
    return Candidate(spec, health, expected_cost(spec.cost_s, seen), seen)


def _health_of(tool: Tool) -> Health:
    try:
        return tool.health()
    except Exception as error:  # noqa: BLE001 - a tool that cannot say how it is, is down
        # A tool is foreign code: a defect in its check must not stop the planning for all others.
        # The plan says that it is down and why.
        return Health(False, f"its health check raised {type(error).__name__}")


def faults_of(spec: ToolSpec) -> list[str]:
    """Everything that is wrong with a self-description; empty when it is sound."""
    checks = (
        (_NAME.match(spec.name) is None, "the name must be snake_case"),
        (not spec.version or len(spec.version) > 64, "the version must have 1 to 64 characters"),
        (not spec.title, "the title is empty"),
        (not spec.gives, "it gives nothing"),
        (len(set(spec.gives)) != len(spec.gives), "a fact is given twice"),
        (len(set(spec.needs)) != len(spec.needs), "a fact is needed twice"),
        (bool(set(spec.needs) & set(spec.gives)), "it needs what it gives"),
        (any(g.startswith(SET_ASIDE) for g in spec.gives), f"{SET_ASIDE}… is the engine's own"),
        (not (math.isfinite(spec.cost_s) and spec.cost_s > 0), "cost_s must be above 0"),
        (not (math.isfinite(spec.timeout_s) and spec.timeout_s > 0), "timeout_s must be above 0"),
        (spec.attempts < 1, "attempts must be at least 1"),
    )
    return [text for wrong, text in checks if wrong]
