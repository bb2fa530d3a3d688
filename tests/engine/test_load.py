"""Four submitters, two workers with senders, and a reader on one SQLite file at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.engine.processes import crew_at
from tests.engine.toys import news, registry_of, settled, submitted
from tests.engine.worker_process import Gates, tools
from triage.engine.explain import explain
from triage.engine.runner import Runner
from triage.store.session import Store

SUBMITTERS, STUDIES_EACH = 4, 6


@pytest.mark.parametrize("any_store", ["sqlite"], indirect=True)
@pytest.mark.timeout(600)
def test_nobody_ever_finds_the_database_locked(any_store: Store, tmp_path: Path) -> None:
    registry = registry_of(*tools(tmp_path, Gates.__new__(Gates)))
    planner = Runner(any_store, registry, executor_id="test")
    planner.prepare()
    subjects = [[f"1.{s}.{n}" for n in range(STUDIES_EACH)] for s in range(SUBMITTERS)]
    faults: list[BaseException] = []
    done, reads = threading.Event(), [0]

    def submit(mine: list[str]) -> None:
        try:
            for subject in mine:
                submitted(planner, news(subject, ("report",), {"images": "i"}))
        except BaseException as fault:  # noqa: BLE001 - shown below
            faults.append(fault)

    def read() -> None:
        try:
            while not done.wait(0.05):
                with any_store.reading() as uow:
                    explain(uow, subjects[0][0])
                reads[0] += 1
        except BaseException as fault:  # noqa: BLE001 - shown below
            faults.append(fault)

    with crew_at(tmp_path, any_store.url) as crew:
        crew.start("one", send=True, lease_s=5.0)
        crew.start("two", send=True, lease_s=5.0)
        threads = [threading.Thread(target=submit, args=(m,), daemon=True) for m in subjects]
        reader = threading.Thread(target=read, daemon=True)
        for thread in (*threads, reader):
            thread.start()
        for thread in threads:
            thread.join(120)
        states = {settled(any_store, s).state for mine in subjects for s in mine}
        done.set()
        reader.join(30)
        planner.stop()
        assert faults == []
        assert states == {"done"}
        assert reads[0] > 0
        assert "locked" not in crew.errors()
        calls = crew.lines("calls")
    studies = SUBMITTERS * STUDIES_EACH
    assert {tool: calls.count(tool) for tool in set(calls)} == {
        "load": studies,
        "fast": studies,
        "slow": studies,
        "publish": studies,
    }
