"""The outbox: what leaves the house, exactly once in its effect.

An effect is a row, written with the result that wants it. A sender claims it, looks whether the
peer has it already, sends only if not, and believes nothing but what it then finds at the peer. A
sender that dies in between leaves a claim that ends with its lease; the next one looks first. No
transaction is open while the network is used, and nothing is ever given up silently: the next try
comes after 1 s, 2 s … at most 5 min, and the last error stands in the row.

What this cannot do: a process that is frozen in the middle of a send and thawed after its lease
was taken over sends the same object, with the same UID, beside the new sender.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeAlias, runtime_checkable

from triage.core.work import Facts, Json
from triage.errors import ConfigurationError, TriageError
from triage.store import events, outbox_rows
from triage.store.session import Store
from triage.store.tables import Outbox

_log = logging.getLogger(__name__)

Receipt: TypeAlias = Mapping[str, Json]
"""What was found at the peer: small, and enough for a person to find it there again."""

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 300.0


@runtime_checkable
class EffectHandler(Protocol):
    """Sends one kind of effect. Every method bounds its own time on the network."""

    @property
    def kind(self) -> str:
        """Which `core.work.Effect.kind` it sends."""
        ...

    def already_there(self, payload: Facts) -> Receipt | None:
        """Look whether the peer has it; asked before every send."""
        ...

    def send(self, payload: Facts) -> None:
        """Send it.

        Raises
        ------
        TriageError
            It could not be sent; tried again later.
        """
        ...

    def confirm(self, payload: Facts) -> Receipt | None:
        """Find it at the peer; None when it is not there (yet), which means a later look."""
        ...


@dataclass(frozen=True, slots=True)
class _Claim:
    key: str
    subject: str
    payload: dict[str, Any]
    attempt: int


def next_pause_s(attempt: int) -> float:
    """Seconds from failed try number `attempt` to the next."""
    return float(min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(attempt - 1, 16)))


class Outgoing:
    """Sends what is due.

    Parameters
    ----------
    store : Store
    handlers : collection of EffectHandler
        One for each kind that this process sends; rows of other kinds are left alone.
    executor_id : str
        The lease of this id covers the claims.
    alive : callable
        Executors whose lease lives (`Lease.alive`): their claims are respected.

    Raises
    ------
    ConfigurationError
        Two handlers for one kind.
    """

    def __init__(
        self,
        store: Store,
        handlers: Collection[EffectHandler],
        executor_id: str,
        alive: Callable[[], Collection[str]],
    ) -> None:
        self.store = store
        self.executor_id = executor_id
        self._alive = alive
        self._handlers = {handler.kind: handler for handler in handlers}
        if len(self._handlers) != len(handlers):
            raise ConfigurationError("two handlers send the same kind of effect")

    def deliver_due(self, limit: int = 100) -> int:
        """Try what is due, oldest first; how many were tried."""
        for tried in range(limit):
            claimed = self._claim()
            if claimed is None:
                return tried
            handler, claim = claimed
            receipt, error = self._deliver(handler, claim)
            self._close(claim, receipt, error)
        return limit

    def _now(self, clock_s: float) -> datetime:
        return datetime.fromtimestamp(clock_s, UTC)

    def _claim(self) -> tuple[EffectHandler, _Claim] | None:
        if not self._handlers:
            return None
        alive = self._alive()
        with self.store.unit_of_work() as uow:
            at = self._now(self.store.clock_s(uow))
            row = outbox_rows.next_effect(uow, self._handlers, self.executor_id, at, alive)
            if row is None:
                return None
            return self._handlers[row.kind], _claim_of(row)

    def _deliver(self, handler: EffectHandler, claim: _Claim) -> tuple[Receipt | None, str]:
        try:
            found = handler.already_there(claim.payload)
            if found is not None:
                return found, ""
            handler.send(claim.payload)
            return handler.confirm(claim.payload), "sent, but not found at the peer yet"
        except TriageError as error:
            return None, error.message
        except Exception as error:  # noqa: BLE001 - a defect of a sender must not stop the others
            # A handler is foreign code: what it raises nobody here knows. It is one failed try,
            # shown on the page and tried again. Its text may hold what a patient is called: the
            # type and place must do.
            _log.error("the sender of %s raised %s", handler.kind, type(error).__name__)
            return None, f"the sender raised {type(error).__name__}"

    def _close(self, claim: _Claim, receipt: Receipt | None, error: str) -> None:
        with self.store.unit_of_work() as uow:
            at = self._now(self.store.clock_s(uow))
            kept = outbox_rows.close_effect(
                uow,
                claim.key,
                self.executor_id,
                claim.attempt,
                receipt=None if receipt is None else dict(receipt),
                error="" if receipt is not None else error,
                next_at=at + timedelta(seconds=next_pause_s(claim.attempt)),
            )
            if kept and receipt is not None:
                after = {"key": claim.key, "receipt": dict(receipt)}
                events.append(uow, "effect.done", study_uid=claim.subject, after=after)


def _claim_of(row: Outbox) -> _Claim:
    return _Claim(row.key, row.subject, dict(row.payload), row.attempts)
