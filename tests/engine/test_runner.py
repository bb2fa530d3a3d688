"""Plans that really run: results used again, failures followed up, news in the middle."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from tests.engine.conftest import Live
from tests.engine.toys import (
    Toy,
    fails,
    newest,
    news,
    renamed,
    settled,
    spec,
    submitted,
    tasks,
    toy,
    versions,
    wait_until,
)
from triage.core.work import Call, Cause, Effect, Facts, Health, Outcome
from triage.engine import runner as runner_module
from triage.engine.calls import Calls
from triage.engine.nodes import NodeRun
from triage.engine.registry import Registry
from triage.engine.runner import Runner
from triage.errors import ConfigurationError, Unprocessable
from triage.store import outbox_rows, work_rows
from triage.store.session import UnitOfWork

WANTS = ("report",)


def chain() -> tuple[Toy, Toy, Toy]:
    return (
        toy("load", ("images",), ("volume",)),
        toy("find", ("volume", "model"), ("findings",)),
        toy("write", ("findings",), ("report",)),
    )


def counts(*tools: Toy) -> list[int]:
    return [len(tool.calls) for tool in tools]


def effects(live: Live) -> dict[str, str]:
    with live.store.reading() as uow:
        return {row.key: row.state for row in outbox_rows.effects_of(uow, live.subject)}


def test_a_goal_is_reached_and_every_task_is_a_row(live: Live) -> None:
    tools = chain()
    live.use(*tools)
    made = submitted(live.runner, news(live.subject, WANTS, {"images": "i1", "model": "m1"}))
    row = settled(live.store, live.subject)
    assert (row.id, row.version, row.state, row.ended_why) == (made.plan_id, 1, "done", "")
    found = tasks(live.store, live.subject)
    assert found["write"].outputs == {
        "report": "write(findings=find(model=m1,volume=load(images=i1)))"
    }
    assert {task.state for task in found.values()} == {"done"}
    assert {task.executor for task in found.values()} == {"test:worker-1"}
    assert found["find"].inputs == {"volume": "load(images=i1)", "model": "m1"}
    assert [(end.state, end.goal, end.version) for end in live.ends] == [("done", "goal", 1)]


def test_the_same_news_again_runs_nothing(live: Live) -> None:
    tools = chain()
    live.use(*tools)
    facts: Facts = {"images": "i1", "model": "m1"}
    submitted(live.runner, news(live.subject, WANTS, facts))
    settled(live.store, live.subject)
    second = submitted(live.runner, news(live.subject, WANTS, facts, why="asked again"))
    row = settled(live.store, live.subject)
    assert (row.id, row.version, row.state) == (second.plan_id, 2, "done")
    assert [node["done_already"] for node in row.graph["nodes"]] == [True, True, True]
    assert counts(*tools) == [1, 1, 1]


def test_a_new_version_runs_only_what_changed(live: Live) -> None:
    tools = chain()
    live.use(*tools)
    for model, expected in (("m1", [1, 1, 1]), ("m2", [1, 2, 2]), ("m1", [1, 2, 2])):
        submitted(live.runner, news(live.subject, WANTS, {"images": "i1", "model": model}))
        assert settled(live.store, live.subject).state == "done"
        assert counts(*tools) == expected


def test_a_changed_input_that_gives_the_same_answer_stops_the_change_there(live: Live) -> None:
    load, find, write = chain()
    load.work = lambda _f, _c: Outcome(facts={"volume": "the same"})
    live.use(load, find, write)
    for images in ("i1", "i2"):
        submitted(live.runner, news(live.subject, WANTS, {"images": images, "model": "m1"}))
        assert settled(live.store, live.subject).state == "done"
    assert counts(load, find, write) == [2, 1, 1]


def test_a_new_tool_version_is_another_task(live: Live) -> None:
    load, find, write = chain()
    live.use(load, find, write)
    facts: Facts = {"images": "i1", "model": "m1"}
    submitted(live.runner, news(live.subject, WANTS, facts))
    settled(live.store, live.subject)
    newer = toy("find", ("volume", "model"), ("findings",), version="2")
    live.use(load, newer, write)
    submitted(live.runner, news(live.subject, WANTS, facts))
    assert settled(live.store, live.subject).state == "done"
    assert counts(load, find, newer) == [1, 1, 1]
    # Its answer is equal, so what was built on it stands.
    assert len(write.calls) == 1


def test_equal_facts_of_two_subjects_are_worked_on_twice(live: Live) -> None:
    tools = chain()
    live.use(*tools)
    other = f"{live.subject}.1"
    for subject in (live.subject, other):
        submitted(live.runner, news(subject, WANTS, {"images": "i1", "model": "m1"}))
        settled(live.store, subject)
    assert counts(*tools) == [2, 2, 2]


def test_facts_at_hand_may_be_the_goal(live: Live) -> None:
    submitted(live.runner, news(live.subject, WANTS, {"report": "r"}))
    assert settled(live.store, live.subject).state == "done"


# ---------------------------------------------------------------- failures


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


# ---------------------------------------------------------------- tools that come and go


def test_a_missing_tool_leaves_the_goal_waiting_and_its_arrival_ends_the_wait(live: Live) -> None:
    load = toy("load", ("images",), ("volume",))
    live.use(load)
    made = submitted(live.runner, news(live.subject, WANTS, {"images": "i"}))
    assert (made.state, made.message) == (
        "waiting",
        "report (for goal) is missing, and no tool here gives it",
    )
    assert load.calls == []
    live.runner.sweep()
    assert newest(live.store, live.subject).version == 1
    live.registry.add(toy("write", ("volume",), WANTS))
    live.runner.sweep()
    row = settled(live.store, live.subject)
    assert (row.state, row.version, row.why) == ("done", 2, "what was missing is here now")


def test_a_tool_removed_while_running_changes_the_next_plan_and_the_rest_of_this_one(
    live: Live,
) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow_load(_facts: Facts, _call: Call) -> Outcome:
        entered.set()
        leave.wait(60)
        return Outcome(facts={"volume": "v"})

    load = toy("load", ("images",), ("volume",), slow_load)
    live.use(load, toy("fast", ("volume",), WANTS), toy("slow", ("volume",), WANTS, cost_s=9.0))
    submitted(live.runner, news(live.subject, WANTS, {"images": "i"}))
    assert entered.wait(30)
    live.registry.remove("fast")
    leave.set()
    row = settled(live.store, live.subject)
    assert (row.state, row.version) == ("done", 2)
    assert row.why == "Fast (fast): tool down. version 1 is not installed in this worker"
    assert tasks(live.store, live.subject)["slow"].state == "done"
    assert len(load.calls) == 1


def test_a_tool_that_goes_down_is_not_planned_for(live: Live) -> None:
    fast, slow = toy("fast", (), WANTS), toy("slow", (), WANTS, cost_s=9.0)
    live.use(fast, slow)
    fast.up = Health(False, "GPU lost")
    submitted(live.runner, news(live.subject, WANTS))
    row = settled(live.store, live.subject)
    assert counts(fast, slow) == [0, 1]
    assert [(r["tool"], r["message"]) for r in row.graph["rejected"]] == [("fast", "GPU lost")]


# ---------------------------------------------------------------- news in the middle


def publishing(entered: threading.Event, leave: threading.Event, effect: bool = True) -> Toy:
    def publish(facts: Facts, _call: Call) -> Outcome:
        if facts["images"] == "i1":
            entered.set()
            leave.wait(60)
        wanted = (Effect("store_sr", f"sr:{facts['images']}:{id(entered)}"),) if effect else ()
        return Outcome(facts={"report": f"report of {facts['images']}"}, effects=wanted)

    return toy("publish", ("images",), WANTS, publish)


def test_a_superseded_plan_never_publishes(live: Live) -> None:
    entered, leave = threading.Event(), threading.Event()
    publish = publishing(entered, leave)
    live.use(publish)
    first = submitted(live.runner, news(live.subject, WANTS, {"images": "i1"}))
    assert entered.wait(30)
    second = submitted(live.runner, news(live.subject, WANTS, {"images": "i2"}, why="a late slice"))
    assert second.superseded == (first.plan_id,)
    (run,) = live.runner._client().list_workflows(workflow_ids=[first.plan_id])
    assert run.status == "CANCELLED"
    row = settled(live.store, live.subject)
    assert (row.id, row.state) == (second.plan_id, "done")
    leave.set()

    def first_task() -> str | None:
        with live.store.reading() as uow:
            rows = work_rows.tasks_of(uow, live.subject)
        return next((t.state for t in rows if t.inputs["images"] == "i1" and t.ended_at), None)

    assert wait_until(first_task, "the first publish ends") == "set_aside"
    assert effects(live) == {f"sr:i2:{id(entered)}": "waiting"}
    old = versions(live.store, live.subject)[0]
    assert (old.state, old.ended_why) == ("given_up", "superseded: a late slice")
    # Back to the first images: it was set aside for the news only, so it is made and sent now.
    submitted(
        live.runner, news(live.subject, WANTS, {"images": "i1"}, why="the late slice was wrong")
    )
    assert settled(live.store, live.subject).state == "done"
    assert set(effects(live)) == {f"sr:i1:{id(entered)}", f"sr:i2:{id(entered)}"}


def test_a_result_without_effects_is_kept_for_the_next_plan(live: Live) -> None:
    entered, leave = threading.Event(), threading.Event()
    load = publishing(entered, leave, effect=False)
    live.use(load, toy("write", ("report", "count"), ("summary",)))
    wants = ("summary",)
    submitted(live.runner, news(live.subject, wants, {"images": "i1", "count": 1}))
    assert entered.wait(30)
    submitted(live.runner, news(live.subject, wants, {"images": "i1", "count": 2}))
    leave.set()
    assert settled(live.store, live.subject).state == "done"
    assert tasks(live.store, live.subject)["publish"].outputs == {"report": "report of i1"}
    assert len(tasks(live.store, live.subject)) == 2


def test_the_same_news_while_it_runs_changes_nothing(live: Live) -> None:
    entered, leave = threading.Event(), threading.Event()
    live.use(publishing(entered, leave))
    first = submitted(live.runner, news(live.subject, WANTS, {"images": "i1"}))
    assert entered.wait(30)
    again = submitted(live.runner, news(live.subject, WANTS, {"images": "i1"}))
    leave.set()
    assert (again.plan_id, again.superseded) == (first.plan_id, ())
    assert settled(live.store, live.subject).version == 1


def test_goals_that_are_not_replaced_run_on(live: Live) -> None:
    entered, leave = threading.Event(), threading.Event()
    live.use(publishing(entered, leave), toy("sign", ("signed",), ("final",)))
    submitted(live.runner, news(live.subject, WANTS, {"images": "i1"}))
    assert entered.wait(30)
    signing = renamed(news(live.subject, ("final",), {"signed": 1}, replaces=("sign",)), "sign")
    made = submitted(live.runner, signing)
    assert made.superseded == ()
    leave.set()
    wait_until(
        lambda: [v.state for v in versions(live.store, live.subject)] == ["done", "done"],
        "both goals are reached",
    )


def test_a_tool_can_ask_whether_its_plan_may_still_publish(live: Live) -> None:
    answers: list[bool] = []

    def publish(_facts: Facts, call: Call) -> Outcome:
        with live.store.unit_of_work() as uow:
            answers.append(work_rows.is_current(uow, call.plan_id))
        return Outcome(facts={"report": 1})

    live.use(toy("publish", (), WANTS, publish))
    made = submitted(live.runner, news(live.subject, WANTS))
    settled(live.store, live.subject)
    assert answers == [True]
    with live.store.unit_of_work() as uow:
        assert not work_rows.is_current(uow, made.plan_id)
        assert not work_rows.is_current(uow, "unknown")


# ---------------------------------------------------------------- submitting


def test_a_guard_that_says_no_leaves_nothing_behind(live: Live) -> None:
    live.use(toy("write", (), WANTS))

    def no(uow: UnitOfWork) -> bool:
        work_rows.add_effect(uow, live.subject, Effect("kind", f"guard:{live.subject}"))
        return False

    assert live.runner.submit(news(live.subject, WANTS, guard=no)) is None
    assert versions(live.store, live.subject) == []
    assert effects(live) == {}


def test_a_guards_writes_are_committed_with_the_plan(live: Live) -> None:
    live.use(toy("write", (), WANTS))

    def yes(uow: UnitOfWork) -> bool:
        return work_rows.add_effect(uow, live.subject, Effect("kind", f"guard:{live.subject}"))

    assert live.runner.submit(news(live.subject, WANTS, guard=yes)) is not None
    assert live.runner.submit(news(live.subject, WANTS, guard=yes)) is None
    settled(live.store, live.subject)
    assert len(versions(live.store, live.subject)) == 1


def test_many_submitters_make_versions_without_a_gap(live: Live) -> None:
    live.use(toy("write", ("n",), WANTS))
    faults: list[BaseException] = []

    def submit(number: int) -> None:
        try:
            submitted(live.runner, news(live.subject, WANTS, {"n": number}))
        except BaseException as fault:  # noqa: BLE001 - shown below
            faults.append(fault)

    threads = [threading.Thread(target=submit, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert faults == []
    assert settled(live.store, live.subject).state == "done"
    found = versions(live.store, live.subject)
    assert [v.version for v in found] == list(range(1, 9))
    assert {v.state for v in found[:-1]} <= {"given_up", "done"}


# ---------------------------------------------------------------- what falls through


def test_a_plan_whose_run_is_lost_is_closed_and_says_so(live: Live) -> None:
    with live.store.unit_of_work() as uow:
        work_rows.add_plan(
            uow, f"lost-{live.subject[-20:]}", subject=live.subject, goal="goal", why="test",
            facts={}, graph={"nodes": [], "missing": [], "wants": []}, state="running",
        )  # fmt: skip
    live.runner.sweep()
    row = newest(live.store, live.subject)
    assert (row.state, row.ended_why) == (
        "failed",
        "its run is not in the queue",
    )


def test_a_defect_of_the_engine_ends_the_plan_visibly(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.use(toy("write", (), WANTS))

    def breaks(*_args: object) -> dict[str, object]:
        raise RuntimeError("defect")

    monkeypatch.setattr(NodeRun, "run", breaks)
    submitted(live.runner, news(live.subject, WANTS))

    def closed() -> bool:
        live.runner.sweep()
        return newest(live.store, live.subject).state == "failed"

    wait_until(closed, "the sweep closes the plan")
    assert newest(live.store, live.subject).ended_why == (
        "the engine broke while it ran; the worker's log has the trace"
    )


def test_work_that_an_older_software_queued_is_planned_anew(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.use(toy("write", (), WANTS))
    with monkeypatch.context() as older:
        older.setattr(runner_module, "APPLICATION_VERSION", "0")
        first = submitted(live.runner, news(live.subject, WANTS))
    live.runner.sweep()
    row = settled(live.store, live.subject)
    assert (row.version, row.state, row.why) == (2, "done", "the software was updated")
    old = versions(live.store, live.subject)[0]
    assert (old.id, old.state) == (first.plan_id, "given_up")


def test_a_second_runner_in_one_process_is_refused(live: Live) -> None:
    other = Runner(live.store, Registry(), executor_id="test:other")
    with pytest.raises(ConfigurationError, match="launched in this process already"):
        other.launch()
    other.stop()
    live.use(toy("write", (), WANTS))
    submitted(live.runner, news(live.subject, WANTS))
    assert settled(live.store, live.subject).state == "done"


def test_observed_runs_reach_the_next_plan(live: Live) -> None:
    live.use(Toy(spec("observed", gives=WANTS, cost_s=100.0)))
    submitted(live.runner, news(live.subject, WANTS))
    settled(live.store, live.subject)
    (seen,) = live.runner.look()
    assert seen.seen.runs == 1
    assert seen.expected_s == pytest.approx(75.0, abs=0.5)


def test_records_of_runs_that_are_long_over_are_deleted_and_the_story_stays(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.use(toy("write", (), WANTS))
    made = submitted(live.runner, news(live.subject, WANTS))
    settled(live.store, live.subject)
    client = live.runner._client()
    wait_until(
        lambda: (
            [w.status for w in client.list_workflows(workflow_ids=[made.plan_id])] == ["SUCCESS"]
        ),
        "the run is over",
    )
    live.runner.sweep()
    assert len(client.list_workflows(workflow_ids=[made.plan_id])) == 1
    monkeypatch.setattr(runner_module, "KEEP_RUNS", timedelta(days=-1))
    live.runner.sweep()
    assert client.list_workflows(workflow_ids=[made.plan_id]) == []
    live.runner.sweep()
    assert newest(live.store, live.subject).state == "done"


@pytest.mark.parametrize("subject", ["", "1" * 65])
def test_a_subject_that_does_not_fit_is_refused(live: Live, subject: str) -> None:
    with pytest.raises(Unprocessable, match="subject"):
        live.runner.submit(news(subject, WANTS))
