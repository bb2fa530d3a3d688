"""An app on a seeded store, and a client for each role."""

from __future__ import annotations

import itertools
import shutil
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from tests.review.seed import Case, Mark, add_study, ball
from triage.guard.access import Role
from triage.guard.credentials import new_token
from triage.review.api import create_app
from triage.review.services import Assess, Services
from triage.settings import Settings
from triage.store import account_rows
from triage.store.files import Files
from triage.store.session import Store
from triage.store.tables import User, now

with warnings.catch_warnings():
    # The client asks for a successor of httpx that this project does not use.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

PAGE = {"X-Triage-Request": "1"}


@dataclass
class Clock:
    """Time that a test moves."""

    at: datetime = field(default_factory=now)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class Assessor:
    """Stands where the rules room will: answers what the test wants, keeps what it was asked."""

    answer: dict[str, Any] | None = None
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def __call__(self, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
        self.asked.append(inputs)
        return self.answer


@dataclass
class House:
    """Everything a test of the API works on."""

    app: FastAPI
    services: Services
    clock: Clock
    assessor: Assessor
    acts: list[tuple[str, str]]
    clients: dict[str, TestClient] = field(default_factory=dict)
    keys: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def store(self) -> Store:
        return self.services.store

    def study(self, case: Case | None = None, *, pixels: bool = True) -> str:
        """A ready study: the ball (finding 1) and a doubtful small mark (finding 2)."""
        volume, mark = ball()
        x, y, z = mark.center_lps_mm
        doubtful = Mark((x - 20.0, y - 10.0, z + 15.0), 6.0, 4.5, None, 0.38)
        case = case or Case("Phantom^A", "PH-104233", marks=(mark, doubtful))
        return add_study(
            self.store, self.services.files, case, volume if pixels else None, self.clock.at
        )

    def client(self) -> TestClient:
        """A client that nobody is signed in with."""
        return TestClient(
            self.app, "http://127.0.0.1", raise_server_exceptions=False, headers=PAGE,
            client=("127.0.0.1", 50000), follow_redirects=False,
        )  # fmt: skip

    def as_(self, role: str, name: str = "") -> TestClient:
        """A client with a bearer token of an account in `role`."""
        name = name or f"a-{role}"
        if name not in self.clients:
            token, digest = new_token()
            with self.store.unit_of_work() as uow:
                uow.add(User(name=name, role=role))
                uow.flush()
                account_rows.add_credential(uow, account_rows.TOKEN, name, digest, expires_at=None)
            client = self.client()
            client.headers["Authorization"] = f"Bearer {token}"
            self.clients[name] = client
        return self.clients[name]

    @property
    def reader(self) -> TestClient:
        return self.as_(Role.RADIOLOGIST)

    def get(self, study_uid: str) -> dict[str, Any]:
        """The study as the reader's page gets it."""
        answer = self.reader.get(f"/api/studies/{study_uid}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def decide(
        self,
        finding: Mapping[str, Any],
        decision: str,
        *,
        by: TestClient | None = None,
        **more: Any,
    ) -> Any:
        """POST one decision on a finding as it was last seen."""
        body = {"decision": decision, "base_version": finding["version"], **more}
        return (by or self.reader).post(
            f"/api/findings/{finding['finding_id']}/decisions",
            json=body,
            headers={"Idempotency-Key": f"test-key-{next(self.keys)}"},
        )


def make_house(
    folder: Path, store: Store, *, assess: Assess | None = None, **settings: Any
) -> House:
    """Put an app together as wiring does; `assess` in place of the one that tests steer."""
    clock, assessor = Clock(datetime(2026, 11, 24, 12, 0, tzinfo=UTC)), Assessor()
    acts: list[tuple[str, str]] = []
    services = Services(
        store=store,
        files=Files(folder / "objects"),
        settings=Settings(data=folder, **settings),
        assess=assess or assessor,
        after_act=lambda _uow, uid, kind: acts.append((uid, kind)),
        clock=clock,
    )
    return House(create_app(services), services, clock, assessor, acts)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema, made once and copied for each test."""
    path = tmp_path_factory.mktemp("review") / "empty.sqlite"
    made = Store(f"sqlite:///{path}")
    made.upgrade()
    made.close()  # the last connection leaves everything in the one file
    return path


@pytest.fixture
def store(tmp_path: Path, empty_database: Path) -> Iterator[Store]:
    """A store with its schema on SQLite."""
    shutil.copy(empty_database, tmp_path / "triage.sqlite")
    opened = Store(f"sqlite:///{tmp_path / 'triage.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture
def house(tmp_path: Path, store: Store) -> House:
    """An app on an empty SQLite store."""
    return make_house(tmp_path, store)


@pytest.fixture
def house_on_both(tmp_path: Path, any_store: Store) -> House:
    """An app on SQLite and on PostgreSQL."""
    return make_house(tmp_path, any_store)
