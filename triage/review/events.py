"""Live changes: one follower of the event table, many readers, resumable by number.

Other processes write events too (receiver, worker), so the table is asked, not our memory: twice a
second by one task for all readers, and at once after an act of this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
import time
from collections.abc import AsyncIterator
from types import FrameType
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from triage.errors import NotSignedIn
from triage.review.schema import LiveEvent
from triage.review.services import Services
from triage.review.session import Caller, Who, recognise, services_of
from triage.store import events, worklist_rows

POLL_S = 0.5
RECHECK_S = 15.0
RETRY_MS = 1000
# Beyond this a reader who was away is told to fetch everything anew instead.
MAX_CATCH_UP = 5000
_PRIVATE = ("login", "logout", "user.")

_log = logging.getLogger("triage.review")
router = APIRouter(tags=["live"])


class Feed:
    """Knows the number of the newest event, and wakes who waits for a newer one.

    Parameters
    ----------
    services : Services
    """

    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Condition()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._signals_tied = False
        self.closed = False
        self.seq = 0

    async def start(self) -> None:
        """Begin to follow; call once, in the loop that serves."""
        self._loop = asyncio.get_running_loop()
        self.seq = await run_in_threadpool(self.last_seq)
        self._begin()

    def _begin(self) -> None:
        self._task = asyncio.create_task(self._follow())
        self._task.add_done_callback(self._again)

    def _again(self, task: asyncio.Task[None]) -> None:
        """Follow on after the database was away: a follower that died is seen and replaced."""
        if self.closed or task.cancelled() or self._loop is None:
            return
        _log.error("live changes are interrupted", exc_info=task.exception())
        self._loop.call_later(POLL_S, self._begin)

    async def stop(self) -> None:
        """End every stream, then the follower."""
        await self._close()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def nudge(self) -> None:
        """Look at the table now; from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    async def newer_than(self, seq: int, timeout_s: float) -> bool:
        """Wait until there is an event after `seq`; False after `timeout_s` or when closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self.closed or self.seq > seq)
        return self.seq > seq and not self.closed

    def end_on_signals(self) -> None:
        """End the streams when the server is told to stop.

        The server waits for open answers before it tells the app, so a stream that only ended
        then would hold it up for ever. Its own handling stays: it is woken by the wake-up
        descriptor, and a handler of ours runs beside it.
        """
        if self._signals_tied or threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            previous = signal.getsignal(number)
            if not callable(previous):
                return  # nobody handles signals here: not under a server

            def handler(signum: int, frame: FrameType | None, previous: Any = previous) -> None:
                self.close_soon()
                previous(signum, frame)

            signal.signal(number, handler)
        self._signals_tied = True

    def close_soon(self) -> None:
        """End every stream; from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(lambda: loop.create_task(self._close()))

    async def _close(self) -> None:
        async with self._changed:
            self.closed = True
            self._changed.notify_all()

    def last_seq(self) -> int:
        """Number of the newest event in the table."""
        with self._store.reading() as uow:
            return worklist_rows.last_seq(uow)

    async def _follow(self) -> None:
        while not self.closed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_S)
            self._wake.clear()
            seq = await run_in_threadpool(self.last_seq)
            if seq > self.seq:
                async with self._changed:
                    self.seq = seq
                    self._changed.notify_all()


def _read(world: Services, seq: int) -> tuple[int, list[LiveEvent]]:
    """Events after `seq` that concern the page; who signs in is nobody's live news."""
    with world.store.reading() as uow:
        rows = events.after(uow, seq)
    shown = [row for row in rows if not row.kind.startswith(_PRIVATE)]
    return (rows[-1].seq if rows else seq), [LiveEvent.model_validate(row) for row in shown]


def _start_of(last_event_id: str | None, after: int | None, newest: int) -> int:
    if last_event_id is not None and last_event_id.isdigit():
        return min(int(last_event_id), newest)
    return newest if after is None else min(after, newest)


@router.get("/api/events", response_class=EventSourceResponse)
async def live(
    request: Request,
    who: Who,
    last_event_id: Annotated[str | None, Header()] = None,
    after: Annotated[int | None, Query(ge=0)] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Live changes as server-sent events.

    ``event`` is always ``change``, ``id`` the event's number, ``data`` a `LiveEvent`: what changed,
    not what it says. Resumes after ``Last-Event-ID`` (browsers send it by themselves) or ``after``
    (the `seq` of an answer); without either it begins now. An event ``reset`` says that too much
    happened meanwhile: fetch anew. Comments keep the line alive. Ends with the session.
    """
    world, feed = services_of(request), request.app.state.feed
    feed.end_on_signals()
    # Asked of the table: what the follower knows may be a moment old, and "now" would be before it.
    newest = max(feed.seq, await run_in_threadpool(feed.last_seq))
    seq = _start_of(last_event_id, after, newest)
    yield ServerSentEvent(comment="live", retry=RETRY_MS)
    if feed.seq - seq > MAX_CATCH_UP:
        seq = feed.seq
        yield ServerSentEvent(event="reset", id=str(seq), data={"seq": seq})
    checked_s = time.monotonic()
    while not feed.closed:
        if await feed.newer_than(seq, RECHECK_S):
            seq, changes = await run_in_threadpool(_read, world, seq)
            for change in changes:
                yield ServerSentEvent(event="change", id=str(change.seq), data=change)
        if time.monotonic() - checked_s > RECHECK_S:
            if not await run_in_threadpool(_still_there, request, who):
                return
            checked_s = time.monotonic()


def _still_there(request: Request, who: Caller) -> bool:
    try:
        return recognise(request) == who
    except NotSignedIn:
        return False
