"""Live changes: in order, resumable, across processes; and the server ends when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import httpx
import pytest

from tests.review.conftest import House
from tests.review.serving import start_seeded
from triage.guard.credentials import new_token
from triage.review.events import MAX_CATCH_UP, Feed, _start_of
from triage.store import account_rows, events
from triage.store.session import Store
from triage.store.tables import Credential, Study

DEADLINE_S = 120.0


@dataclass
class Server:
    """A real server process on a seeded data folder."""

    url: str
    store: Store
    process: subprocess.Popen[bytes]
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def any_study(self) -> str:
        with self.store.reading() as uow:
            return str(uow.query(Study.study_uid).filter_by(patient_name="Phantom^A").one()[0])


def start(folder: Path) -> Server:
    process, url = start_seeded(folder)
    store = Store(f"sqlite:///{(folder / 'triage.sqlite').absolute()}")
    token, digest = new_token()
    with store.unit_of_work() as uow:
        account_rows.add_credential(uow, account_rows.TOKEN, "reader", digest, expires_at=None)
    return Server(url, store, process, token)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = start(tmp_path_factory.mktemp("live"))
    yield started
    started.process.terminate()
    started.process.wait(timeout=DEADLINE_S)
    started.store.close()


class Follower:
    """Reads one event stream in a thread, as EventSource does."""

    def __init__(self, server: Server, address: str, **headers: str) -> None:
        self.lines: Queue[str | None] = Queue()
        self.client = httpx.Client(timeout=httpx.Timeout(DEADLINE_S), headers=server.headers)
        self._thread = threading.Thread(
            target=self._read, args=(server.url + address, headers), daemon=True
        )
        self._thread.start()
        assert self.line().startswith(":"), "the stream says at once that it lives"

    def _read(self, url: str, headers: dict[str, str]) -> None:
        # Closing the client under a stream is how a page leaves; only the end counts.
        with (
            contextlib.suppress(httpx.TransportError, httpx.StreamError),
            self.client.stream("GET", url, headers=headers) as answer,
        ):
            for line in answer.iter_lines():
                self.lines.put(line)
        self.lines.put(None)

    def line(self) -> str:
        found = self.lines.get(timeout=DEADLINE_S)
        assert found is not None, "the stream ended"
        return found

    def event(self) -> dict[str, Any]:
        fields: dict[str, str] = {}
        while True:
            line = self.line()
            if not line and "data" in fields:
                return {**fields, "data": json.loads(fields["data"])}
            name, _, value = line.partition(": ")
            if name in {"event", "data", "id"}:
                fields[name] = value

    def ended(self) -> bool:
        until = time.monotonic() + DEADLINE_S
        while time.monotonic() < until:
            try:
                if self.lines.get(timeout=1) is None:
                    return True
            except Empty:
                continue
        return False

    def close(self) -> None:
        self.client.close()


def write(server: Server, kind: str, study_uid: str | None) -> int:
    """Another process (receiver, worker) writes an event."""
    with server.store.unit_of_work() as uow:
        return events.append(uow, kind, study_uid=study_uid).seq


def test_changes_of_other_processes_arrive_in_order(server: Server) -> None:
    follower = Follower(server, "/api/events")
    uid = server.any_study()
    written = [write(server, f"test.{i}", uid) for i in range(5)]
    got = [follower.event() for _ in written]
    assert [int(event["id"]) for event in got] == written
    assert [event["data"]["kind"] for event in got] == [f"test.{i}" for i in range(5)]
    assert got[0]["event"] == "change" and got[0]["data"]["study_uid"] == uid
    assert "before" not in got[0]["data"] and "after" not in got[0]["data"]
    follower.close()


@pytest.mark.parametrize("how", ["header", "query"])
def test_a_follower_that_was_away_misses_nothing(server: Server, how: str) -> None:
    uid = server.any_study()
    last = write(server, "test.seen", uid)
    missed = [write(server, "test.missed", uid) for _ in range(700)]  # more than one read
    if how == "header":
        follower = Follower(server, "/api/events", **{"Last-Event-ID": str(last)})
    else:
        follower = Follower(server, f"/api/events?after={last}")
    assert [int(follower.event()["id"]) for _ in missed] == missed
    follower.close()


def test_who_signs_in_is_nobodys_news(server: Server) -> None:
    follower = Follower(server, "/api/events")
    for kind in ("login", "login.failed", "logout", "user.added"):
        write(server, kind, None)
    seq = write(server, "test.public", server.any_study())
    assert int(follower.event()["id"]) == seq
    follower.close()


def test_an_act_of_a_reader_is_news_for_the_others(server: Server) -> None:
    follower = Follower(server, "/api/events")
    uid = server.any_study()
    answer = httpx.put(
        f"{server.url}/api/studies/{uid}/context", json={"risk": "low"}, headers=server.headers
    )
    assert answer.status_code == 200
    kinds = [follower.event()["data"]["kind"] for _ in range(2)]
    assert kinds == ["context.set", "study.state"]
    follower.close()


def test_silent_clients_with_half_a_header_are_closed(server: Server) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(10)]
    for one in slow:
        one.sendall(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        one.settimeout(DEADLINE_S)
    # The server must end each of them; what it says before is its own affair.
    for one in slow:
        while one.recv(4096):
            pass
        one.close()
    assert httpx.get(f"{server.url}/api/health", timeout=DEADLINE_S).status_code == 200


def test_the_server_ends_soon_although_streams_are_open(tmp_path: Path) -> None:
    own = start(tmp_path)
    followers = [Follower(own, "/api/events") for _ in range(3)]
    own.process.send_signal(signal.SIGTERM)
    # Without our handler the server waits for open streams for ever: the deadline is the test.
    assert own.process.wait(timeout=DEADLINE_S) == 0
    assert all(follower.ended() for follower in followers)
    own.store.close()
    with pytest.raises(ProcessLookupError):
        os.kill(own.process.pid, 0)


# ---------------------------------------------------------------- without a server


@pytest.mark.parametrize(
    ("last_event_id", "after", "start_at"),
    [
        (None, None, 50),  # nothing said: begin now
        ("7", None, 7),
        (None, 7, 7),
        ("9", 7, 9),  # the browser's own memory is newer than the address
        ("x", 7, 7),
        ("999", None, 50),  # of another database: begin now
        (None, 999, 50),
    ],
)
def test_where_a_stream_begins(last_event_id: str | None, after: int | None, start_at: int) -> None:
    assert _start_of(last_event_id, after, 50) == start_at


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


def generator(house: House, **asked: Any) -> Any:
    """The endpoint itself, so that time and session can be moved under it."""
    from starlette.requests import Request

    from triage.review.events import live
    from triage.review.session import recognise

    headers = [(b"authorization", house.reader.headers["Authorization"].encode())]
    scope = {"type": "http", "method": "GET", "path": "/api/events", "headers": headers}
    request = Request({**scope, "app": house.app})
    return live(request, recognise(request), **asked)


def test_a_stream_ends_with_its_session(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.review.events.RECHECK_S", 0.05)

    async def follow() -> None:
        feed: Feed = house.app.state.feed
        await feed.start()
        stream = generator(house)
        await anext(stream)
        with house.store.unit_of_work() as uow:
            uow.query(Credential).delete()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        await feed.stop()

    run(follow())


def test_after_a_long_absence_the_page_is_told_to_start_anew(house: House) -> None:
    async def follow() -> None:
        feed: Feed = house.app.state.feed
        await feed.start()
        feed.seq = MAX_CATCH_UP + 100
        stream = generator(house, after=1)
        await anext(stream)
        reset = await anext(stream)
        assert (reset.event, reset.id) == ("reset", str(MAX_CATCH_UP + 100))
        await stream.aclose()
        await feed.stop()

    run(follow())


def test_the_follower_outlives_a_database_that_was_away(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    async def follow() -> None:
        feed: Feed = house.app.state.feed
        await feed.start()
        broken, sound = [OSError("away")], feed.last_seq

        def sometimes() -> int:
            if broken:
                raise broken.pop()
            return sound()

        feed.last_seq = sometimes  # type: ignore[method-assign]
        feed.nudge()
        uid = house.study()
        with house.store.reading() as uow:
            last = events.after(uow, 0)[-1].seq
        assert await feed.newer_than(last - 1, DEADLINE_S)
        assert not broken and uid
        await feed.stop()

    run(follow())
    assert any("interrupted" in record.getMessage() for record in caplog.records)
