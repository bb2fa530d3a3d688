"""One tool call: promises kept, exceptions recorded, deadlines, and the order to stop."""

from __future__ import annotations

import logging
import threading

import pytest

from tests.engine.toys import DEADLINE_S, Toy, spec, toy, wait_until
from triage.core.work import Call, Cause, Effect, Facts, Json, Outcome
from triage.engine.calls import Calls, WorkerStopping
from triage.errors import RuntimeDown

CALL = Call("study", "plan", "task")


def outcome_of(tool: Toy) -> Outcome:
    return Calls().call(tool, {}, CALL).outcome


def test_a_good_outcome_passes_with_its_effects() -> None:
    effect = Effect("store_sr", "sr:1", {"sop_uid": "1.2.3"})
    good = Outcome(facts={"out": {"n": 3}}, effects=(effect,))
    assert outcome_of(toy("tool", work=lambda _f, _c: good)) == good


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({}, "without out"),
        ({"out": 1, "more": 2}, "with more, which it does not declare"),
        ({"other": 1}, "without out, with other"),
        ({"out": float("nan")}, "not JSON"),
        ({"out": object()}, "not JSON"),
    ],
)
def test_an_outcome_that_is_not_what_was_promised_violates_the_contract(
    facts: dict[str, Json], says: str
) -> None:
    effect = Effect("store_sr", "sr:1")
    bad = Outcome(facts=facts, effects=(effect,))
    found = outcome_of(toy("tool", work=lambda _f, _c: bad))
    assert found.cause is Cause.CONTRACT_VIOLATED
    assert says in found.message
    assert found.facts == {}
    assert found.effects == ()


def test_something_that_is_no_outcome_violates_the_contract() -> None:
    found = outcome_of(toy("tool", work=lambda _f, _c: None))  # type: ignore[arg-type,return-value]
    assert (found.cause, found.message) == (
        Cause.CONTRACT_VIOLATED,
        "it returned NoneType, not an Outcome",
    )


def test_facts_come_back_as_they_will_from_the_database() -> None:
    loose = Outcome(facts={"out": {"pair": (1, 2)}})  # type: ignore[dict-item]
    assert outcome_of(toy("tool", work=lambda _f, _c: loose)).facts == {"out": {"pair": [1, 2]}}


def test_a_failure_carries_neither_facts_nor_effects_nor_a_blame_for_what_it_never_had() -> None:
    failed = Outcome(
        facts={"out": 1},
        cause=Cause.LOW_QUALITY,
        message="2 % of the chest",
        bad_fact="stranger",
        effects=(Effect("k", "1"),),
    )
    found = outcome_of(toy("tool", needs=("volume",), work=lambda _f, _c: failed))
    assert found == Outcome(cause=Cause.LOW_QUALITY, message="2 % of the chest")


def test_an_error_of_our_tree_is_recorded_with_its_own_sentence() -> None:
    def work(_facts: Facts, _call: Call) -> Outcome:
        raise RuntimeDown("OpenVINO is not installed")

    found = outcome_of(toy("tool", work=work))
    assert (found.cause, found.message) == (Cause.TOOL_DOWN, "OpenVINO is not installed")


def test_a_foreign_exception_is_recorded_by_type_and_trace_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    quoted = "^".join(("Meyer", "Anna"))

    def work(_facts: Facts, _call: Call) -> Outcome:
        raise ValueError(quoted)

    with caplog.at_level(logging.ERROR):
        first = outcome_of(toy("tool", work=work))
        again = outcome_of(toy("tool", work=work))
    assert first.cause is Cause.CONTRACT_VIOLATED
    assert first.message.startswith("it raised ValueError (trace ")
    assert first == again
    assert first.message.split()[-1].rstrip(")") in caplog.text
    assert quoted not in first.message + caplog.text


def test_a_hang_is_a_timeout_then_the_tool_is_down_until_it_comes_back() -> None:
    release = threading.Event()

    def work(_facts: Facts, _call: Call) -> Outcome:
        release.wait(60)
        return Outcome(facts={"out": 1})

    calls = Calls()
    tool = Toy(spec("tool", timeout_s=0.05), work)
    first = calls.call(tool, {}, CALL)
    assert (first.outcome.cause, first.outcome.message) == (
        Cause.TIMEOUT,
        "not done after 0.05 s",
    )
    assert calls.hung() == {"tool"}
    assert calls.call(tool, {}, CALL).outcome.cause is Cause.TOOL_DOWN
    assert len(tool.calls) == 1
    release.set()
    wait_until(lambda: not calls.hung(), "the hung call comes back")
    assert calls.call(toy("tool"), {}, CALL).outcome.ok


def test_stop_lets_go_of_a_running_tool_at_once() -> None:
    calls, entered, release = Calls(), threading.Event(), threading.Event()
    left: list[type[BaseException]] = []

    def work(_facts: Facts, _call: Call) -> Outcome:
        entered.set()
        release.wait(60)
        return Outcome(facts={"out": 1})

    def caller() -> None:
        try:
            calls.call(toy("tool", work=work), {}, CALL)
        except WorkerStopping as stopping:
            left.append(type(stopping))

    thread = threading.Thread(target=caller)
    thread.start()
    assert entered.wait(DEADLINE_S)
    calls.stop()
    thread.join(DEADLINE_S)
    release.set()
    assert left == [WorkerStopping]
    with pytest.raises(WorkerStopping):
        calls.call(toy("tool"), {}, CALL)
    with pytest.raises(WorkerStopping):
        calls.pause(60)


def test_drain_waits_for_what_runs_and_begins_nothing_new() -> None:
    calls, inside, leave = Calls(), threading.Event(), threading.Event()
    order: list[str] = []

    def busy() -> None:
        with calls.busy():
            inside.set()
            leave.wait(60)
            order.append("done")

    thread = threading.Thread(target=busy)
    thread.start()
    assert inside.wait(DEADLINE_S)

    def drained() -> None:
        calls.drain(60)
        order.append("drained")

    drain = threading.Thread(target=drained)
    drain.start()

    def refused() -> bool:
        try:
            with calls.busy():
                return False
        except WorkerStopping:
            return True

    wait_until(refused, "nothing new is begun")
    leave.set()
    drain.join(DEADLINE_S)
    thread.join(DEADLINE_S)
    assert order == ["done", "drained"]
