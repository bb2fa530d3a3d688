"""From a goal back to the facts at hand: a pure function that makes plans.

The planner chains backwards from the wanted facts. Among the tools that give a fact it takes the
one whose whole way there is cheapest (Knuth's generalisation of Dijkstra's algorithm to AND-OR
graphs, Inf. Proc. Letters 6(1), 1977): facts are settled in the order of their cost, so a cycle
cannot arise. Work that is done already costs nothing, and a tool that failed on exactly this input
is not asked again. Everything that was not taken is listed with its reason.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from triage.core.work import Facts, Goal, Json
from triage.engine.plans import (
    Missing,
    Node,
    NoPlan,
    Past,
    Plan,
    Rejected,
    WhyNot,
    input_digest,
)
from triage.engine.registry import Candidate


def plan(
    goal: Goal, subject: str, facts: Facts, view: Iterable[Candidate], past: Past | None = None
) -> Plan | NoPlan:
    """Find the cheapest way to a goal.

    Parameters
    ----------
    goal : Goal
    subject : str
        What the facts are about.
    facts : mapping of str to Json
        At hand; no tool is asked for them.
    view : iterable of Candidate
        `Registry.view`.
    past : Past, optional
        What was done and what is barred for this subject.

    Returns
    -------
    Plan or NoPlan
        The same arguments always give the same plan. Each fact is taken from one tool; when a tool
        is needed for another of its facts anyway, that does not make it the giver of this one.
    """
    search = _Search(subject, facts, sorted(view, key=lambda c: c.spec.name), past or Past())
    search.settle()
    lacking = [fact for fact in goal.wants if fact not in search.routes]
    if lacking:
        return NoPlan(goal, search.missing(lacking, goal.name))
    return search.build(goal)


@dataclass(frozen=True, slots=True)
class _Route:
    """How a settled fact is come by: at hand (`tool` None) or from a tool."""

    tool: str | None
    closure: frozenset[str]
    known: bool
    value: Json = None


@dataclass(frozen=True, slots=True)
class _Offer:
    """A tool all of whose needs are settled."""

    candidate: Candidate
    own_s: float
    total_s: float
    closure: frozenset[str]
    outputs: Facts | None


class _Search:
    def __init__(self, subject: str, facts: Facts, view: list[Candidate], past: Past) -> None:
        self.subject = subject
        self.past = past
        self.view = {c.spec.name: c for c in view}
        self.routes = {
            name: _Route(None, frozenset(), True, value) for name, value in facts.items()
        }
        self.offers: dict[str, _Offer] = {}
        self.unusable: dict[str, tuple[WhyNot, str]] = {}
        self.order: list[str] = []

    def settle(self) -> None:
        """Settle every fact that can be had, cheapest first."""
        heap: list[tuple[float, str]] = []
        waiting = dict(self.view)
        while True:
            ready = [n for n, c in waiting.items() if all(f in self.routes for f in c.spec.needs)]
            for name in ready:
                offer = self._offer(waiting.pop(name))
                if offer is not None:
                    self.offers[name] = offer
                    heapq.heappush(heap, (offer.total_s, name))
            if not heap:
                return
            self._take(self.offers[heapq.heappop(heap)[1]])

    def _take(self, offer: _Offer) -> None:
        spec = offer.candidate.spec
        self.order.append(spec.name)
        for fact in spec.gives:
            if fact not in self.routes:
                known = offer.outputs is not None and fact in offer.outputs
                value = offer.outputs[fact] if offer.outputs is not None and known else None
                self.routes[fact] = _Route(spec.name, offer.closure, known, value)

    def _offer(self, candidate: Candidate) -> _Offer | None:
        spec = candidate.spec
        routes = [self.routes[fact] for fact in spec.needs]
        outputs: Facts | None = None
        if all(route.known for route in routes):
            inputs = {f: r.value for f, r in zip(spec.needs, routes, strict=True)}
            key = (spec.name, spec.version, input_digest(self.subject, inputs))
            outputs = self.past.done.get(key)
            if key in self.past.barred:
                self.unusable[spec.name] = (WhyNot.SET_ASIDE, self.past.barred[key])
                return None
        if outputs is None and not candidate.health.up:
            self.unusable[spec.name] = (WhyNot.DOWN, candidate.health.message or "it is down")
            return None
        own_s = candidate.expected_s if outputs is None else 0.0
        closure = frozenset({spec.name}).union(*(route.closure for route in routes))
        earlier = sum(self.offers[name].own_s for name in sorted(closure - {spec.name}))
        return _Offer(candidate, own_s, own_s + earlier, closure, outputs)

    def build(self, goal: Goal) -> Plan:
        """The settled ways to the wants, as a plan."""
        chosen: set[str] = set()
        taken: dict[str, str] = {}
        open_facts = list(goal.wants)
        while open_facts:
            fact = open_facts.pop()
            tool = self.routes[fact].tool
            if tool is None or fact in taken:
                continue
            taken[fact] = tool
            if tool not in chosen:
                chosen.add(tool)
                open_facts.extend(self.view[tool].spec.needs)
        nodes = tuple(self._node(name) for name in self.order if name in chosen)
        rejected = tuple(
            self._why_not(fact, other, taken[fact])
            for fact in sorted(taken)
            for other in self._givers(fact)
            if other.spec.name != taken[fact]
        )
        return Plan(goal, nodes, rejected)

    def _node(self, name: str) -> Node:
        offer = self.offers[name]
        spec = offer.candidate.spec
        givers = {fact: self.routes[fact].tool for fact in spec.needs}
        takes = {fact: tool for fact, tool in givers.items() if tool is not None}
        return Node(spec, offer.own_s, takes, offer.outputs is not None)

    def _givers(self, fact: str) -> list[Candidate]:
        return [c for c in self.view.values() if fact in c.spec.gives]

    def _why_not(self, fact: str, candidate: Candidate, taken: str | None) -> Rejected:
        spec = candidate.spec
        lacks = tuple(need for need in spec.needs if need not in self.routes)
        total_s = self.offers[spec.name].total_s if spec.name in self.offers else None
        if spec.name in self.unusable:
            why, message = self.unusable[spec.name]
        elif total_s is None or taken is None:
            why = WhyNot.NEEDS_MISSING
            message = f"it needs {', '.join(lacks)}, which cannot be had here"
        else:
            why = WhyNot.COSTLIER
            ours = self.offers[taken].total_s
            message = f"about {total_s:.1f} s in all, against {ours:.1f} s with {taken}"
        return Rejected(
            fact, spec.name, spec.version, why, message, total_s, lacks, spec.title, spec.by
        )

    def missing(self, lacking: list[str], goal_name: str) -> tuple[Missing, ...]:
        """Follow unsettled facts down to what would give them."""
        found: dict[str, Missing] = {}
        open_facts = [(fact, goal_name) for fact in lacking]
        while open_facts:
            fact, wanted_by = open_facts.pop(0)
            if fact in found:
                continue
            givers = self._givers(fact)
            reasons = tuple(self._why_not(fact, giver, None) for giver in givers)
            found[fact] = Missing(fact, wanted_by, reasons)
            for giver in givers:
                open_facts += [
                    (n, giver.spec.name) for n in giver.spec.needs if n not in self.routes
                ]
        return tuple(found.values())
