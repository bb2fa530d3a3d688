"""The worker's loops: watchers that win once, defects that end the process, stops in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.engine.toys import (
    DEADLINE_S,
    newest,
    news,
    registry_of,
    settled,
    toy,
    versions,
    wait_until,
)
from triage.core.work import Effect
from triage.engine.loops import Loop
from triage.engine.runner import Runner
from triage.engine.versions import Submission
from triage.engine.worker import Worker
from triage.errors import PeerUnreachable
from triage.store import work_rows
from triage.store.session import Store, UnitOfWork

SUBJECT = "1.2.3"


class Arrivals:
    """A watcher with a conditional update, as `receive` has one."""

    def due(self) -> Iterator[Submission]:
        def claim(uow: UnitOfWork) -> bool:
            return work_rows.add_effect(uow, SUBJECT, Effect("mark", "planned:1"))

        yield news(SUBJECT, ("report",), {"images": "i"}, guard=claim)


@pytest.mark.parametrize("any_store", ["sqlite"], indirect=True)
def test_watchers_plan_once_and_the_worker_stops_in_good_order(any_store: Store) -> None:
    registry = registry_of(toy("write", ("images",), ("report",)))
    runner = Runner(any_store, registry, executor_id="w", lease_s=5.0, poll_s=0.05)
    stop = threading.Event()
    worker = Worker(runner, [Arrivals(), Arrivals()], watch_s=0.01)
    thread = threading.Thread(target=worker.work, args=(stop,))
    thread.start()

    def planned() -> bool:
        with any_store.reading() as uow:
            return bool(work_rows.versions_of(uow, SUBJECT))

    wait_until(planned, "a watcher submits")
    assert settled(any_store, SUBJECT).state == "done"
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert len(versions(any_store, SUBJECT)) == 1
    with any_store.reading() as uow:
        assert any_store.clock_s(uow) > 0
    assert newest(any_store, SUBJECT).state == "done"


@pytest.mark.parametrize("any_store", ["sqlite"], indirect=True)
def test_a_defect_in_a_watcher_ends_the_worker_visibly(any_store: Store) -> None:
    class Broken:
        def due(self) -> Iterator[Submission]:
            raise ZeroDivisionError("defect")
            yield

    runner = Runner(any_store, registry_of(), executor_id="w", lease_s=5.0, poll_s=0.05)
    with pytest.raises(ZeroDivisionError, match="defect"):
        Worker(runner, [Broken()]).work(threading.Event())


def test_a_loop_goes_on_after_an_error_of_our_tree_and_checks_clean() -> None:
    rounds: list[int] = []
    third = threading.Event()

    def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 3:
            third.set()
        raise PeerUnreachable("no route")

    loop = Loop("test", 0.001, work)
    loop.start()
    assert third.wait(DEADLINE_S)
    loop.stop()
    loop.check()


def test_a_loop_that_a_defect_ended_raises_it_on_check() -> None:
    ended = threading.Event()

    def work() -> None:
        ended.set()
        raise KeyError("defect")

    loop = Loop("test", 0.001, work)
    loop.start()
    assert ended.wait(DEADLINE_S)
    loop.stop()
    with pytest.raises(KeyError):
        loop.check()
