"""A runner that really runs, on both databases, shared by the tests of a module."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.engine.toys import Toy
from triage.engine.critic import Budget
from triage.engine.registry import Registry
from triage.engine.runner import Runner
from triage.engine.versions import PlanEnd
from triage.store import work_rows
from triage.store.session import Store, UnitOfWork
from triage.store.tables import PlanVersion


@dataclass
class Live:
    """A launched runner and what the test may turn.

    Attributes
    ----------
    ends : list of PlanEnd
        What `on_plan_end` was told, as committed or not.
    subject : str
        New for every test.
    """

    runner: Runner
    store: Store
    registry: Registry
    ends: list[PlanEnd] = field(default_factory=list)
    subject: str = ""

    def use(self, *tools: Toy) -> None:
        """Replace every tool."""
        for one in self.registry.specs():
            self.registry.remove(one.name)
        for tool in tools:
            self.registry.add(tool)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def module_live(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """One launched runner per database for a whole module."""
    if request.param == "sqlite":
        folder: Path = tmp_path_factory.mktemp("engine")
        url = f"sqlite:///{folder / 'triage.sqlite'}"
    else:
        url = request.getfixturevalue("postgres").new_database()
    store = Store(url)
    store.upgrade()
    ends: list[PlanEnd] = []

    def on_end(_uow: UnitOfWork, end: PlanEnd) -> None:
        ends.append(end)

    registry = Registry()
    runner = Runner(
        store,
        registry,
        executor_id="test:worker-1",
        lease_s=5.0,
        budget=Budget(versions=6),
        on_plan_end=on_end,
        poll_s=0.05,
    )
    runner.prepare()
    runner.launch()
    yield Live(runner, store, registry, ends)
    runner.stop()
    store.close()


@pytest.fixture
def live(module_live: Live) -> Iterator[Live]:
    """The module's runner, with a subject of its own and no tools."""
    module_live.use()
    module_live.ends.clear()
    module_live.subject = f"1.2.{uuid.uuid4().int % 10**20}"
    yield module_live
    # What waits for a tool is planned again by the sweep when one appears: not by the next test's.
    with module_live.store.unit_of_work() as uow:
        for row in uow.scalars(select(PlanVersion).where(PlanVersion.state == work_rows.WAITING)):
            work_rows.end_plan(uow, row, work_rows.GIVEN_UP, "the test is over")
