"""Failures followed up: tried again, another tool, a step back, and in the end a person."""

from __future__ import annotations

import threading

import pytest

from tests.engine.conftest import Live
from tests.engine.toys import (
    counts,
    fails,
    newest,
    news,
    settled,
    submitted,
    tasks,
    toy,
    versions,
    wait_until,
)
from triage.core.work import Call, Cause, Facts, Outcome
from triage.engine.calls import Calls
from triage.store import work_rows

WANTS = ("report",)


def test_a_full_disk_is_tried_again_then_works(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Outcome(cause=Cause.RESOURCE, message="disk full")
    tool = toy("write", (), WANTS, fails(full, Outcome(facts={"report": 1})))
    live.use(tool)
    paused: list[float] = []
    monkeypatch.setattr(Calls, "pause", lambda _calls, seconds: paused.append(seconds))
    submitted(live.runner, news(live.subject, WANTS))
    assert settled(live.store, live.subject).state == "done"
    assert paused == [5.0]
    row = tasks(live.store, live.subject)["write"]
    assert (row.state, row.attempts, row.cause) == ("done", 2, None)


def test_tries_are_bounded_and_the_reason_is_told(live: Live) -> None:
    tool = toy("write", (), WANTS, fails(Outcome(cause=Cause.TOOL_DOWN, message="no licence")))
    live.use(tool)
    submitted(live.runner, news(live.subject, WANTS))
    row = settled(live.store, live.subject)
    assert row.state == "waiting"
    assert row.ended_why == "Write (write): tool down. no licence. No other way is left."
    assert len(tool.calls) == tool.spec.attempts == 2
    assert [end.state for end in live.ends] == ["waiting"]


def test_what_failed_is_not_tried_again_by_later_news_with_the_same_input(live: Live) -> None:
    tool = toy("write", ("x",), WANTS, fails(Outcome(cause=Cause.REJECTED_BY_PEER, message="no")))
    live.use(tool)
    for _ in range(3):
        submitted(live.runner, news(live.subject, WANTS, {"x": 1}))
        settled(live.store, live.subject)
    assert len(tool.calls) == 1
    assert newest(live.store, live.subject).ended_why == (
        "report (for goal) is missing: write: rejected by peer: no"
    )


def test_a_person_may_ask_for_another_go(live: Live) -> None:
    refused = Outcome(cause=Cause.REJECTED_BY_PEER, message="no")
    tool = toy("write", (), WANTS, fails(refused, Outcome(facts={"report": 1})))
    live.use(tool)
    submitted(live.runner, news(live.subject, WANTS))
    assert settled(live.store, live.subject).state == "waiting"
    submitted(live.runner, news(live.subject, WANTS, why="tried again by R. Reader", again=True))
    assert settled(live.store, live.subject).state == "done"


def test_another_tool_takes_over_and_done_work_is_kept(live: Live) -> None:
    load = toy("load", ("images",), ("volume",))
    bad = toy(
        "fast", ("volume",), WANTS, fails(Outcome(cause=Cause.CONTRACT_VIOLATED, message="x"))
    )
    good = toy("slow", ("volume",), WANTS, cost_s=9.0)
    live.use(load, bad, good)
    submitted(live.runner, news(live.subject, WANTS, {"images": "i"}))
    row = settled(live.store, live.subject)
    assert (row.state, row.version) == ("done", 2)
    assert row.why == "Fast (fast): contract violated. x"
    assert counts(load, bad, good) == [1, 1, 1]
    assert tasks(live.store, live.subject)["fast"].state == "failed"
    assert [v.state for v in versions(live.store, live.subject)] == ["given_up", "done"]


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        (Outcome(facts={}), "it answered without report"),
        (Outcome(facts={"report": 1, "z": 2}), "it answered with z, which it does not declare"),
    ],
)
def test_a_violated_contract_is_the_tools_failure(live: Live, outcome: Outcome, says: str) -> None:
    live.use(toy("write", (), WANTS, lambda _f, _c: outcome))
    submitted(live.runner, news(live.subject, WANTS))
    assert settled(live.store, live.subject).state == "waiting"
    row = tasks(live.store, live.subject)["write"]
    assert (row.state, row.cause, row.message, row.outputs) == (
        "failed",
        "contract_violated",
        says,
        {},
    )


def test_an_exception_out_of_a_tool_is_recorded_and_the_worker_lives(live: Live) -> None:
    def breaks(_facts: Facts, _call: Call) -> Outcome:
        raise ZeroDivisionError

    live.use(toy("write", (), WANTS, breaks))
    submitted(live.runner, news(live.subject, WANTS))
    assert settled(live.store, live.subject).state == "waiting"
    row = tasks(live.store, live.subject)["write"]
    assert (row.cause, row.message[:32]) == (
        "contract_violated",
        "it raised ZeroDivisionError (tra",
    )
    live.use(toy("write", (), WANTS, version="2"))
    submitted(live.runner, news(live.subject, WANTS))
    assert settled(live.store, live.subject).state == "done"


def test_a_tool_over_its_time_gives_way_to_another(live: Live) -> None:
    release = threading.Event()

    def hangs(_facts: Facts, _call: Call) -> Outcome:
        release.wait(60)
        return Outcome(facts={"report": "too late"})

    slow = toy("hanging", (), WANTS, hangs, timeout_s=0.1)
    live.use(slow, toy("working", (), WANTS, cost_s=9.0))
    submitted(live.runner, news(live.subject, WANTS))
    row = settled(live.store, live.subject)
    assert row.state == "done"
    assert [node["tool"] for node in row.graph["nodes"]] == ["working"]
    release.set()
    wait_until(lambda: not live.runner._calls.hung(), "the hung call comes back")
    late = tasks(live.store, live.subject)["hanging"]
    assert (late.state, late.cause, late.outputs) == ("failed", "timeout", {})


# ---------------------------------------------------------------- back-tracking


def mask_of(facts: Facts, _call: Call) -> Outcome:
    if facts["chosen"] == "abdomen":
        message = "covers 2 % of the chest"
        return Outcome(cause=Cause.LOW_QUALITY, message=message, bad_fact="chosen")
    return Outcome(facts={"mask": f"mask of {facts['chosen']}"})


def test_back_track_sets_aside_exactly_what_was_built_on_the_bad_fact(live: Live) -> None:
    verdicts = toy("verdicts", ("images",), ("verdicts",))
    first = toy("choose", ("verdicts",), ("chosen",), lambda _f, _c: Outcome({"chosen": "abdomen"}))
    second = toy(
        "choose_next", ("verdicts",), ("chosen",), lambda _f, _c: Outcome({"chosen": "lung"}),
        cost_s=2.0,
    )  # fmt: skip
    pack = toy("pack", ("chosen",), ("stream",), cost_s=0.1)
    label = toy("label", ("stream",), ("label",), cost_s=0.1)
    mask = toy("mask", ("chosen",), ("mask",), mask_of)
    report = toy("write", ("mask", "label", "history"), WANTS)
    prior = toy("prior", ("images",), ("history",), cost_s=0.1)
    live.use(verdicts, first, second, pack, label, mask, report, prior)
    submitted(live.runner, news(live.subject, WANTS, {"images": "i"}))
    row = settled(live.store, live.subject)
    assert (row.state, row.version) == ("done", 2)
    assert row.why == (
        "Back to chosen, results set aside: 3. Mask (mask): low quality. covers 2 % of the chest"
    )
    # Dependent on the bad fact: run again. The rest: kept.
    assert counts(first, second, pack, label, mask) == [1, 1, 2, 2, 2]
    assert counts(verdicts, prior, report) == [1, 1, 1]
    with live.store.reading() as uow:
        aside = [t for t in work_rows.tasks_of(uow, live.subject) if t.state == "set_aside"]
    assert sorted(t.tool for t in aside) == ["choose", "label", "pack"]
    assert {t.tool: t.bad_fact for t in aside} == {"choose": "chosen", "pack": None, "label": None}
    chosen = tasks(live.store, live.subject)["mask"]
    assert chosen.outputs == {"mask": "mask of lung"}


def choose_other(facts: Facts, _call: Call) -> Outcome:
    bad = facts["set_aside.chosen"]
    assert isinstance(bad, list)
    left = [name for name in ("abdomen", "scout", "lung") if name not in bad]
    return Outcome(facts={"chosen": left[0]})


def test_a_tool_that_asks_what_was_set_aside_chooses_anew_itself(live: Live) -> None:
    choose = toy("choose", ("images", "set_aside.chosen"), ("chosen",), choose_other)
    mask = toy("mask", ("chosen",), WANTS, lambda facts, _call: (
        Outcome(facts={"report": "ok"}) if facts["chosen"] == "lung"
        else Outcome(cause=Cause.LOW_QUALITY, message="no lung", bad_fact="chosen")
    ))  # fmt: skip
    live.use(choose, mask)
    submitted(live.runner, news(live.subject, WANTS, {"images": "i"}))
    row = settled(live.store, live.subject)
    assert (row.state, row.version) == ("done", 3)
    assert [call["set_aside.chosen"] for call in choose.calls] == [
        [],
        ["abdomen"],
        ["abdomen", "scout"],
    ]
    assert len(mask.calls) == 3


def test_a_giver_that_insists_on_a_bad_value_is_given_up(live: Live) -> None:
    stubborn = toy(
        "choose", ("set_aside.chosen",), ("chosen",), lambda _f, _c: Outcome({"chosen": 1})
    )
    picky = toy("mask", ("chosen",), WANTS, fails(
        Outcome(cause=Cause.LOW_QUALITY, message="no lung", bad_fact="chosen")
    ))  # fmt: skip
    live.use(stubborn, picky)
    submitted(live.runner, news(live.subject, WANTS))
    row = settled(live.store, live.subject)
    assert row.state == "waiting"
    assert "it gave a chosen again that was set aside" in row.ended_why
    assert counts(stubborn, picky) == [2, 1]


def test_a_step_back_that_leads_nowhere_is_not_taken(live: Live) -> None:
    only = toy("choose", (), ("chosen",))
    blames = Outcome(cause=Cause.LOW_QUALITY, message="no lung", bad_fact="chosen")
    picky = toy("picky", ("chosen",), WANTS, fails(blames))
    other = toy("other", ("chosen",), WANTS, cost_s=9.0)
    live.use(only, picky, other)
    submitted(live.runner, news(live.subject, WANTS))
    row = settled(live.store, live.subject)
    assert (row.state, row.version) == ("done", 2)
    assert row.why == "Picky (picky): low quality. no lung"
    assert tasks(live.store, live.subject)["choose"].state == "done"
    assert counts(only, picky, other) == [1, 1, 1]


def test_the_budget_of_versions_ends_an_endless_search(live: Live) -> None:
    def another(facts: Facts, _call: Call) -> Outcome:
        bad = facts["set_aside.chosen"]
        assert isinstance(bad, list)
        return Outcome(facts={"chosen": len(bad)})

    choose = toy("choose", ("set_aside.chosen",), ("chosen",), another)
    picky = toy("mask", ("chosen",), WANTS, fails(
        Outcome(cause=Cause.LOW_QUALITY, message="no lung", bad_fact="chosen")
    ))  # fmt: skip
    live.use(choose, picky)
    submitted(live.runner, news(live.subject, WANTS))
    row = settled(live.store, live.subject)
    assert (row.state, row.version) == ("waiting", 6)
    assert row.ended_why.endswith("6 plans were made for this and none led to the goal.")
    assert counts(choose, picky) == [6, 6]
