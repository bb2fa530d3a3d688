"""SIGKILL, freeze and restart of real worker processes: nothing lost, nothing double.

Every kill is made at a gate that the worker has reported, so each of them hits running work.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete

from tests.conftest import PostgresCluster
from tests.engine.processes import Crew, crew_at
from tests.engine.toys import news, registry_of, settled, submitted, tasks, versions, wait_until
from tests.engine.worker_process import Gates, tools
from triage.engine.lease import Lease
from triage.engine.runner import Runner
from triage.store import lease_rows, outbox_rows, work_rows
from triage.store.session import Store
from triage.store.tables import Executor

SUBJECT = "1.2.3"
# Gate -> calls of each tool in all, when the first worker is killed there. What was recorded is
# never called again; what was running is.
POINTS = {
    "after_load": {"load": 1, "fast": 1, "slow": 1, "publish": 1},
    "inside.load": {"load": 2, "fast": 1, "slow": 1, "publish": 1},
    "recorded.load": {"load": 1, "fast": 1, "slow": 1, "publish": 1},
    "inside.slow": {"load": 1, "fast": 1, "slow": 2, "publish": 1},
    "recorded.fast": {"load": 1, "fast": 1, "slow": 1, "publish": 1},
    "before_react": {"load": 1, "fast": 1, "slow": 1, "publish": 1},
    "after_react": {"load": 1, "fast": 1, "slow": 1, "publish": 1},
    "inside.publish": {"load": 1, "fast": 1, "slow": 1, "publish": 2},
    "recorded.publish": {"load": 1, "fast": 1, "slow": 1, "publish": 1},
    "before_finish": {"load": 1, "fast": 1, "slow": 1, "publish": 1},
    "after_finish": {"load": 1, "fast": 1, "slow": 1, "publish": 1},
}
# Another worker, which has to notice the death by itself, at every gate; the same worker started
# again, and the other database, at those where it could make a difference.
CASES = [
    *(("sqlite", gate, "other") for gate in POINTS),
    *(("sqlite", gate, "same") for gate in ("inside.slow", "recorded.publish")),
    *(
        ("postgresql", gate, "other")
        for gate in ("inside.publish", "recorded.publish", "after_react")
    ),
]
SQLITE = pytest.mark.parametrize("any_store", ["sqlite"], indirect=True)


@pytest.fixture
def planner(any_store: Store, tmp_path: Path) -> Iterator[Runner]:
    """A runner that only plans, with the tools of the workers."""
    quiet = Gates.__new__(Gates)
    runner = Runner(any_store, registry_of(*tools(tmp_path, quiet)), executor_id="test")
    runner.prepare()
    yield runner
    runner.stop()


@pytest.fixture
def crew(any_store: Store, tmp_path: Path) -> Iterator[Crew]:
    """The workers on the same database."""
    with crew_at(tmp_path, any_store.url) as crew:
        yield crew


def check_one_result(store: Store, crew: Crew) -> None:
    row = settled(store, SUBJECT)
    assert (row.state, row.version) == ("done", 2)
    assert [v.state for v in versions(store, SUBJECT)] == ["given_up", "done"]
    found = tasks(store, SUBJECT)
    assert {tool: task.state for tool, task in found.items()} == {
        "load": "done",
        "fast": "failed",
        "slow": "done",
        "publish": "done",
    }
    assert found["fast"].attempts == 1
    with store.reading() as uow:
        effects = outbox_rows.effects_of(uow, SUBJECT)
        assert [effect.key for effect in effects] == [f"sr-{SUBJECT}"]
        ends = [e.after for e in work_rows.log_of(uow, SUBJECT, ("plan.ended",))]
    assert [end["state"] for end in ends if end] == ["given_up", "done"]
    assert "database is locked" not in crew.errors()


def restart_at_once(cluster: PostgresCluster) -> None:
    """As after a crash of the server: no connection is closed in good order."""
    program, folder = str(cluster._programs / "pg_ctl"), cluster.folder
    cluster._run(
        program, "-D", str(folder / "data"), "-m", "immediate", "-w", "-l", str(folder / "log"),
        "restart",
    )  # fmt: skip


def stop(crew: Crew) -> None:
    last = crew.all[-1]
    last.tell("stop")
    last.wait_for("stopped")
    assert last.end() == 0


@pytest.mark.parametrize(("any_store", "gate", "survivor"), CASES, indirect=["any_store"])
def test_a_killed_worker_is_taken_over(
    any_store: Store, planner: Runner, crew: Crew, gate: str, survivor: str
) -> None:
    submitted(planner, news(SUBJECT, ("report",), {"images": "i1"}))
    crew.killed_at("first", gate)
    before = any_store.clock_s
    with any_store.reading() as uow:
        assert lease_rows.dead(uow, before(uow) + 60, "test").keys() == {"first"}
    crew.start("first" if survivor == "same" else "second")
    check_one_result(any_store, crew)
    assert Counter(crew.lines("calls")) == Counter(POINTS[gate])
    stop(crew)


@SQLITE
def test_five_kills_in_one_run(any_store: Store, planner: Runner, crew: Crew) -> None:
    submitted(planner, news(SUBJECT, ("report",), {"images": "i1"}))
    for number, gate in enumerate(
        ("inside.load", "recorded.load", "after_react", "inside.slow", "inside.publish")
    ):
        crew.killed_at(f"worker-{number % 2}", gate)
    crew.start("worker-2")
    check_one_result(any_store, crew)
    assert Counter(crew.lines("calls")) == {"load": 2, "fast": 1, "slow": 2, "publish": 2}
    stop(crew)


def test_a_frozen_worker_that_comes_back_changes_nothing(
    any_store: Store, planner: Runner, crew: Crew
) -> None:
    submitted(planner, news(SUBJECT, ("report",), {"images": "i1"}))
    frozen = crew.start("first", "inside.publish")
    frozen.wait_for("at inside.publish")
    frozen.signal(signal.SIGSTOP)
    second = crew.start("second")
    check_one_result(any_store, crew)
    frozen.signal(signal.SIGCONT)
    frozen.tell("go")
    frozen.tell("stop")
    frozen.wait_for("stopped")
    assert frozen.end() == 0
    check_one_result(any_store, crew)
    assert tasks(any_store, SUBJECT)["publish"].executor == second.executor
    assert Counter(crew.lines("calls")) == {"load": 1, "fast": 1, "slow": 1, "publish": 2}
    stop(crew)


@SQLITE
def test_a_task_that_kills_its_worker_does_not_do_so_for_ever(
    any_store: Store, planner: Runner, crew: Crew
) -> None:
    submitted(planner, news(SUBJECT, ("report",), {"images": "i1"}))
    for number in range(2):
        deadly = crew.start(f"worker-{number}", "die.load", take_overs=1)
        assert deadly.end() == -signal.SIGKILL
    crew.start("worker-2", "die.load", take_overs=1)
    row = settled(any_store, SUBJECT)
    assert (row.state, row.ended_why) == ("failed", "its worker died again and again while it ran")
    assert crew.lines("calls") == ["load", "load"]
    stop(crew)


@SQLITE
def test_work_whose_owner_has_no_lease_left_is_found(
    any_store: Store, planner: Runner, crew: Crew
) -> None:
    submitted(planner, news(SUBJECT, ("report",), {"images": "i1"}))
    crew.killed_at("first", "inside.slow")
    with any_store.unit_of_work() as uow:  # as a reaper leaves it that deleted first and died
        uow.execute(delete(Executor))
    crew.start("second")
    check_one_result(any_store, crew)
    stop(crew)


@SQLITE
def test_a_worker_that_stops_in_good_order_hands_its_work_on_at_once(
    any_store: Store, planner: Runner, crew: Crew
) -> None:
    submitted(planner, news(SUBJECT, ("report",), {"images": "i1"}))
    first = crew.start("first", "inside.slow", lease_s=600.0)
    first.wait_for("at inside.slow")
    first.tell("stop")
    first.wait_for("stopped")
    assert first.end() == 0
    crew.start("second", lease_s=600.0)
    check_one_result(any_store, crew)
    stop(crew)


@pytest.mark.parametrize("any_store", ["postgresql"], indirect=True)
@pytest.mark.parametrize("gate", ["inside.slow", "before_finish"])
def test_a_database_that_restarts_interrupts_nothing(
    any_store: Store, planner: Runner, crew: Crew, postgres: PostgresCluster, gate: str
) -> None:
    submitted(planner, news(SUBJECT, ("report",), {"images": "i1"}))
    worker = crew.start("first", gate)
    worker.wait_for(f"at {gate}")
    restart_at_once(postgres)
    worker.tell("go")
    check_one_result(any_store, crew)
    assert Counter(crew.lines("calls")) == {"load": 1, "fast": 1, "slow": 1, "publish": 1}
    stop(crew)


def test_a_reaper_that_dies_before_the_take_over_leaves_the_lease_to_the_next(
    any_store: Store,
) -> None:
    class Dies(Exception):
        pass

    def dies(_executors: list[str]) -> None:
        raise Dies

    recovered: list[list[str]] = []
    with any_store.unit_of_work() as uow:
        lease_rows.beat(uow, "dead", ("cpu",), any_store.clock_s(uow) - 60)
    first = Lease(any_store, "first", (), 1.0, dies)
    first.take()
    with pytest.raises(Dies):
        first.reap()
    second = Lease(any_store, "second", (), 1.0, recovered.append)
    second.take()
    assert second.reap() == ["dead"]
    assert recovered == [["dead"]]
    assert second.reap() == []
    assert second.alive() == {"first", "second"}


def test_a_lease_that_moved_while_it_was_reaped_is_not_deleted(any_store: Store) -> None:
    with any_store.unit_of_work() as uow:
        lease_rows.beat(uow, "slow", ("cpu",), any_store.clock_s(uow) - 60)
    slow = Lease(any_store, "slow", (), 5.0, lambda _ids: None)

    def recover(_executors: list[str]) -> None:
        slow.beat()

    other = Lease(any_store, "other", (), 5.0, recover)
    assert other.reap() == ["slow"]
    assert other.alive() == {"slow", "other"}


@pytest.mark.parametrize(
    ("gate", "both"), [("before_enqueue", False), ("enqueued", False), ("committed", True)]
)
def test_a_plan_and_its_run_stand_together_or_not_at_all(
    any_store: Store, planner: Runner, crew: Crew, gate: str, both: bool
) -> None:
    submitted(planner, news(SUBJECT, ("report",), {"images": "i1"}))
    crew.killed_at("submitter", gate, submit=SUBJECT)
    found = versions(any_store, SUBJECT)
    queued = planner._client().list_workflows(workflow_ids=None, status="ENQUEUED")
    assert [v.state for v in found] == (["given_up", "running"] if both else ["running"])
    assert {w.workflow_id for w in queued} >= {v.id for v in found if v.state == "running"}
    assert len(queued) == len(found)  # the superseded one was not cancelled any more; harmless
    crew.start("worker")
    row = settled(any_store, SUBJECT)
    assert row.state == "done"
    report = tasks(any_store, SUBJECT)["publish"].outputs["report"]
    assert report == f"report on findings in volume of {'i2' if both else 'i1'}"
    assert Counter(crew.lines("calls")) == {"load": 1, "fast": 1, "slow": 1, "publish": 1}
    wait_until(
        lambda: not planner._client().list_workflows(status=["ENQUEUED", "PENDING"]),
        "the superseded run ends by itself",
    )
    stop(crew)
