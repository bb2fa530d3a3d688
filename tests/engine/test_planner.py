"""The planner's table: what it takes, what it leaves and why, and when there is no way."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.toys import spec
from triage.core.work import Facts, Goal, Health, Json, ToolSpec
from triage.engine.planner import plan
from triage.engine.plans import NoPlan, Past, Plan, WhyNot, input_digest
from triage.engine.registry import Candidate

GOAL = Goal("goal", ("report",))


def seen(*specs: ToolSpec, down: dict[str, str] | None = None) -> list[Candidate]:
    out = down or {}
    return [Candidate(s, Health(s.name not in out, out.get(s.name, "")), s.cost_s) for s in specs]


def made(*specs: ToolSpec, facts: Facts | None = None, **more: object) -> Plan:
    result = plan(GOAL, "study", facts or {}, seen(*specs, **more))  # type: ignore[arg-type]
    assert isinstance(result, Plan)
    return result


def names(result: Plan) -> list[str]:
    return [node.spec.name for node in result.nodes]


LOAD = spec("load", ("images",), ("volume",))
FIND = spec("find", ("volume",), ("findings",), cost_s=5.0)
FIND_SLOW = spec("find_slow", ("volume",), ("findings",), cost_s=20.0)
WRITE = spec("write", ("findings",), ("report",))
IMAGES: Facts = {"images": "digest-1"}


def test_chains_backwards_from_the_goal_to_the_facts_at_hand() -> None:
    result = made(WRITE, FIND, LOAD, spec("unused", ("images",), ("other",)), facts=IMAGES)
    assert names(result) == ["load", "find", "write"]
    assert [node.depends_on for node in result.nodes] == [(), ("load",), ("find",)]


def test_the_cheapest_tool_is_taken_and_the_other_is_listed_with_its_cost() -> None:
    result = made(LOAD, FIND_SLOW, FIND, WRITE, facts=IMAGES)
    assert names(result) == ["load", "find", "write"]
    (other,) = result.rejected
    assert (other.tool, other.fact, other.why) == ("find_slow", "findings", WhyNot.COSTLIER)
    assert other.message == "about 21.0 s in all, against 6.0 s with find"


def test_the_whole_way_counts_not_the_last_step() -> None:
    near = spec("near", ("images",), ("report",), cost_s=9.0)
    far = spec("far", ("rare",), ("report",), cost_s=1.0)
    rare = spec("rare_maker", ("images",), ("rare",), cost_s=50.0)
    assert names(made(near, far, rare, facts=IMAGES)) == ["near"]


def test_a_tool_that_is_down_gives_way_and_the_reason_is_its_own() -> None:
    result = made(LOAD, FIND, FIND_SLOW, WRITE, facts=IMAGES, down={"find": "not installed here"})
    assert names(result) == ["load", "find_slow", "write"]
    (other,) = result.rejected
    assert (other.tool, other.why, other.message) == ("find", WhyNot.DOWN, "not installed here")


def test_a_missing_capability_names_the_fact_and_who_would_give_it() -> None:
    view = seen(LOAD, FIND, WRITE, down={"find": "no model file"})
    result = plan(GOAL, "study", IMAGES, view)
    assert isinstance(result, NoPlan)
    assert result.message == "findings (for write) is missing: find: no model file"
    assert [m.fact for m in result.missing] == ["report", "findings"]


def test_a_fact_that_nobody_gives_is_named_at_the_root() -> None:
    result = plan(GOAL, "study", {}, seen(LOAD, FIND, WRITE))
    assert isinstance(result, NoPlan)
    assert result.message == "images (for load) is missing, and no tool here gives it"


def test_an_empty_registry_names_the_wanted_fact() -> None:
    result = plan(GOAL, "study", {}, [])
    assert isinstance(result, NoPlan)
    assert result.message == "report (for goal) is missing, and no tool here gives it"


def test_a_diamond_runs_its_shared_step_once() -> None:
    left = spec("left", ("volume",), ("l",), cost_s=2.0)
    right = spec("right", ("volume",), ("r",), cost_s=1.0)
    join = spec("join", ("l", "r"), ("report",))
    result = made(join, left, right, LOAD, facts=IMAGES)
    assert names(result) == ["load", "right", "left", "join"]
    assert result.as_json()["cost_s"] == 5.0


def test_facts_at_hand_shorten_the_plan_to_nothing() -> None:
    tools = (LOAD, FIND, WRITE)
    assert names(made(*tools, facts={"volume": 1})) == ["find", "write"]
    assert names(made(*tools, facts={"findings": 1})) == ["write"]
    assert names(made(*tools, facts={"report": 1})) == []


def test_a_cycle_between_tools_cannot_become_a_plan() -> None:
    a, b = spec("a", ("y",), ("x",)), spec("b", ("x",), ("y",))
    result = plan(Goal("goal", ("x",)), "study", {}, seen(a, b))
    assert isinstance(result, NoPlan)
    way_in = spec("c", ("images",), ("y",))
    entered = plan(Goal("goal", ("x",)), "study", IMAGES, seen(a, b, way_in))
    assert isinstance(entered, Plan)
    assert names(entered) == ["c", "a"]


def test_one_tool_with_several_facts_is_one_node() -> None:
    both = spec("both", ("images",), ("l", "r"))
    join = spec("join", ("l", "r"), ("report",))
    assert names(made(both, join, facts=IMAGES)) == ["both", "join"]


def test_the_order_of_registration_does_not_matter() -> None:
    tools = (LOAD, FIND, FIND_SLOW, WRITE, spec("find_too", ("volume",), ("findings",), cost_s=5.0))
    plans = {
        json.dumps(made(*order, facts=IMAGES).as_json(), sort_keys=True)
        for order in itertools.permutations(tools)
    }
    assert len(plans) == 1


def test_what_is_done_costs_nothing_and_wins_over_a_cheaper_tool() -> None:
    inputs: dict[str, Json] = {"volume": "v"}
    past = Past(done={("find_slow", "1", input_digest("study", inputs)): {"findings": "f"}})
    result = plan(GOAL, "study", inputs, seen(FIND, FIND_SLOW, WRITE), past)
    assert isinstance(result, Plan)
    assert [(n.spec.name, n.done_already) for n in result.nodes] == [
        ("find_slow", True),
        ("write", False),
    ]
    assert result.as_json()["cost_s"] == 1.0


def test_what_is_done_is_used_although_its_tool_is_down_now() -> None:
    past = Past(done={("find", "1", input_digest("study", {"volume": "v"})): {"findings": "f"}})
    view = seen(FIND, WRITE, down={"find": "gone"})
    result = plan(GOAL, "study", {"volume": "v"}, view, past)
    assert isinstance(result, Plan)


@pytest.mark.parametrize(
    ("version", "value", "subject", "taken"),
    [
        ("1", "v", "study", "find_slow"),  # exactly what failed
        ("2", "v", "study", "find"),  # a new version may try
        ("1", "w", "study", "find"),  # other input
        ("1", "v", "other", "find"),  # other study
    ],
)
def test_a_tool_is_barred_on_exactly_the_input_on_which_it_failed(
    version: str, value: str, subject: str, taken: str
) -> None:
    barred = {("find", "1", input_digest("study", {"volume": "v"})): "low quality: too dark"}
    tools = (
        spec("find", ("volume",), ("findings",), version=version, cost_s=5.0),
        FIND_SLOW,
        WRITE,
    )
    result = plan(GOAL, subject, {"volume": value}, seen(*tools), Past(barred=barred))
    assert isinstance(result, Plan)
    assert names(result)[0] == taken
    if taken == "find_slow":
        (other,) = result.rejected
        assert (other.why, other.message) == (WhyNot.SET_ASIDE, "low quality: too dark")


def test_barred_inputs_are_known_through_steps_that_are_done() -> None:
    past = Past(
        done={("load", "1", input_digest("study", IMAGES)): {"volume": "v"}},
        barred={("find", "1", input_digest("study", {"volume": "v"})): "timeout: slow"},
    )
    result = plan(GOAL, "study", IMAGES, seen(LOAD, FIND, FIND_SLOW, WRITE), past)
    assert isinstance(result, Plan)
    assert names(result) == ["load", "find_slow", "write"]


def test_equal_facts_of_two_subjects_are_two_identities() -> None:
    assert input_digest("study-a", {"complete": True}) != input_digest(
        "study-b", {"complete": True}
    )


FACTS = [f"f{n}" for n in range(6)]


@st.composite
def any_tools(draw: st.DrawFn) -> list[ToolSpec]:
    tools = []
    for number in range(draw(st.integers(0, 8))):
        gives = draw(st.lists(st.sampled_from(FACTS), min_size=1, max_size=2, unique=True))
        left = [fact for fact in FACTS if fact not in gives]
        needs = draw(st.lists(st.sampled_from(left), max_size=3, unique=True))
        cost_s = draw(st.sampled_from([0.1, 1.0, 3.0]))
        tools.append(spec(f"t{number}", tuple(needs), tuple(gives), cost_s=cost_s))
    return tools


@given(any_tools(), st.sets(st.sampled_from(FACTS), max_size=2))
def test_every_plan_can_be_walked_and_reaches_its_goal(
    tools: list[ToolSpec], at_hand: set[str]
) -> None:
    result = plan(Goal("goal", ("f0",)), "study", dict.fromkeys(at_hand), seen(*tools))
    have = set(at_hand)
    if isinstance(result, NoPlan):
        while True:  # no order of the tools reaches the goal either
            more = {f for s in tools if set(s.needs) <= have for f in s.gives} - have
            if not more:
                break
            have |= more
        assert "f0" not in have
        return
    ran: list[str] = []
    for node in result.nodes:
        assert set(node.spec.needs) <= have
        assert set(node.depends_on) <= set(ran)
        ran.append(node.spec.name)
        have |= set(node.spec.gives)
    assert "f0" in have
    assert len(ran) == len(set(ran))
