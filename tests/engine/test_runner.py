"""Plans that really run: results used again, tools that come and go, news in the middle."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from tests.engine.conftest import Live
from tests.engine.toys import (
    Toy,
    counts,
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
from triage.core.work import Call, Effect, Facts, Health, Outcome
from triage.engine import runner as runner_module
from triage.engine import upkeep
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
    monkeypatch.setattr(upkeep, "KEEP_RUNS", timedelta(days=-1))
    live.runner.sweep()
    assert client.list_workflows(workflow_ids=[made.plan_id]) == []
    live.runner.sweep()
    assert newest(live.store, live.subject).state == "done"


@pytest.mark.parametrize("subject", ["", "1" * 65])
def test_a_subject_that_does_not_fit_is_refused(live: Live, subject: str) -> None:
    with pytest.raises(Unprocessable, match="subject"):
        live.runner.submit(news(subject, WANTS))
