"""Identity of facts and the shape of outcomes: what the engine rests on."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.core.work import (
    Call,
    Cause,
    Facts,
    Health,
    Json,
    Outcome,
    Queue,
    Tool,
    ToolSpec,
    canonical_json,
    digest_of,
    spec_as_json,
)

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_canonical_json_means_the_same_and_is_stable(value: Json) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


def test_order_of_keys_does_not_matter_and_values_do() -> None:
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": [1, 2], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": "1"})
    assert digest_of([1, 2]) != digest_of([2, 1])
    assert len(digest_of(None)) == 64


def test_an_outcome_without_cause_went_well() -> None:
    assert Outcome(facts={"a": 1}).ok
    assert not Outcome(cause=Cause.TIMEOUT).ok


@pytest.mark.parametrize("cause", list(Cause))
def test_causes_are_their_own_names(cause: Cause) -> None:
    assert cause.value == cause.name.lower()


class Doubler:
    """The smallest tool."""

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec("doubler", "1", "Double", ("n",), ("twice",), cost_s=0.1)

    def health(self) -> Health:
        return Health(up=True)

    def run(self, facts: Facts, call: Call) -> Outcome:
        n = facts["n"]
        assert isinstance(n, int)
        return Outcome(facts={"twice": 2 * n})


def test_a_tool_needs_no_base_class() -> None:
    tool = Doubler()
    assert isinstance(tool, Tool)
    assert tool.run({"n": 4}, Call("s", "p", "t")).facts == {"twice": 8}


def test_a_spec_is_plain_values_in_a_plan() -> None:
    shown = spec_as_json(Doubler().spec)
    assert shown["needs"] == ["n"] and shown["queue"] == Queue.CPU.value
    assert json.loads(json.dumps(shown)) == shown
