"""Registering tools: refusals, health, expected cost."""

from __future__ import annotations

import pytest

from tests.engine.toys import Toy, registry_of, spec, toy
from triage.core.work import Health, ToolSpec
from triage.engine.registry import Registry, Seen, expected_cost
from triage.errors import ConfigurationError

MALFORMED = [
    (spec("Detect"), "snake_case"),
    (spec("9detect"), "snake_case"),
    (spec(""), "snake_case"),
    (spec("detect", version=""), "version"),
    (ToolSpec("detect", "1", "", (), ("out",), 1.0), "title"),
    (spec("detect", gives=()), "gives nothing"),
    (spec("detect", gives=("a", "a")), "given twice"),
    (spec("detect", needs=("a", "a")), "needed twice"),
    (spec("detect", needs=("a",), gives=("a",)), "needs what it gives"),
    (spec("detect", gives=("set_aside.a",)), "engine's own"),
    (spec("detect", cost_s=0.0), "cost_s"),
    (spec("detect", cost_s=float("nan")), "cost_s"),
    (spec("detect", timeout_s=0.0), "timeout_s"),
    (spec("detect", attempts=0), "attempts"),
]


@pytest.mark.parametrize(("bad", "says"), MALFORMED, ids=[says for _, says in MALFORMED])
def test_a_malformed_self_description_is_refused(bad: ToolSpec, says: str) -> None:
    registry = Registry()
    with pytest.raises(ConfigurationError, match=says):
        registry.add(Toy(bad))
    assert registry.specs() == ()


def test_two_tools_of_one_name_are_refused_and_the_first_stays() -> None:
    registry = registry_of(toy("detect", version="1"))
    with pytest.raises(ConfigurationError, match="two tools are named 'detect'"):
        registry.add(toy("detect", version="2"))
    assert [one.version for one in registry.specs()] == ["1"]


def test_tools_are_found_by_name_version_and_capability() -> None:
    slow, fast = toy("slow", gives=("out", "more")), toy("fast")
    registry = registry_of(slow, fast, toy("other", gives=("other",)))
    assert registry.get("slow", "1") is slow
    assert registry.get("slow", "2") is None
    assert registry.get("none", "1") is None
    assert [one.name for one in registry.giving("out")] == ["fast", "slow"]
    registry.remove("fast")
    registry.remove("fast")
    assert [one.name for one in registry.giving("out")] == ["slow"]


def test_health_is_asked_for_every_view() -> None:
    tool = toy("detect")
    registry = registry_of(tool)
    assert registry.view()[0].health.up
    tool.up = Health(False, "no model")
    assert registry.view()[0].health == Health(False, "no model")


def test_a_tool_whose_health_check_breaks_is_down_and_not_the_others() -> None:
    class Broken(Toy):
        def health(self) -> Health:
            raise RuntimeError("secret text")

    registry = registry_of(Broken(spec("broken")), toy("fine"))
    broken, fine = registry.view()
    assert not broken.health.up
    assert broken.health.message == "its health check raised RuntimeError"
    assert fine.health.up


def test_a_tool_that_hangs_here_is_down_whatever_it_says() -> None:
    (seen,) = registry_of(toy("detect")).view(hung={"detect"})
    assert not seen.health.up


@pytest.mark.parametrize(
    ("seen", "low", "high"),
    [
        (Seen(), 10.0, 10.0),  # nothing known: as declared
        (Seen(20, 0, 10.0), 10.0, 10.0),  # as declared
        (Seen(1, 0, 30.0), 10.0, 20.0),  # one slow run moves it a little
        (Seen(1000, 0, 900.0), 20.0, 20.0),  # never more than doubled by latency
        (Seen(1000, 0, 0.001), 5.0, 5.0),  # never less than half
        (Seen(20, 10, 10.0), 15.0, 20.0),  # half of the runs fail
        (Seen(1000, 1000, 10.0), 40.0, 40.0),  # never more than four times for failures
    ],
)
def test_expected_cost_follows_what_was_seen_within_bounds(
    seen: Seen, low: float, high: float
) -> None:
    assert low <= expected_cost(10.0, seen) <= high


def test_the_view_shows_what_the_expected_cost_rests_on() -> None:
    seen = Seen(20, 0, 40.0)
    (one,) = registry_of(toy("detect", cost_s=10.0)).view({"detect": seen})
    assert one.seen == seen
    assert one.expected_s == 20.0
    assert one.spec.cost_s == 10.0
