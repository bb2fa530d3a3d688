"""What every act of a reader shares: one lock, one event, one key, one state machine.

An act runs in one unit of work: the study is locked, the same Idempotency-Key is answered again
instead of acted again, the event carries the image before and after, and the study's own state
follows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Header

from triage.core.finding import StudyState
from triage.core.work import digest_of
from triage.errors import Conflict, Unprocessable
from triage.review.session import Caller
from triage.store import events, reading_rows
from triage.store.session import UnitOfWork
from triage.store.tables import Event, Study

_READABLE = frozenset(
    {StudyState.READY, StudyState.IN_REVIEW, StudyState.SIGNED, StudyState.FAILED}
)
NOT_YET: Final = "the study is still {state}; its findings are provisional and may change"

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9._:-]{8,128}$",
        description="Unique per act; the same key again does not act again.",
    ),
]
OptionalKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", pattern=r"^[A-Za-z0-9._:-]{8,128}$"),
]


def open_for_acting(uow: UnitOfWork, study_uid: str) -> Study:
    """Lock a study for one act.

    Raises
    ------
    NotFound
        No such study.
    Conflict
        It is still on its way; what would be decided may change under the reader.
    """
    study = reading_rows.study(uow, study_uid, for_change=True)
    if StudyState(study.state) not in _READABLE:
        raise Conflict(NOT_YET.format(state=study.state), code="study_not_ready")
    return study


def scoped(key: str | None, who: Caller) -> str | None:
    """One person's key: two readers may by chance send the same."""
    if key is None:
        return None
    return hashlib.sha256(f"{who.name}\n{key}".encode()).hexdigest()


def earlier(uow: UnitOfWork, key: str | None, request: str) -> Event | None:
    """Find the act that already used this key.

    Parameters
    ----------
    key : str or None
        From `scoped`.
    request : str
        Digest of address and body, from `request_digest`.

    Raises
    ------
    Unprocessable
        The key was used for something else.
    """
    found = None if key is None else events.by_idempotency_key(uow, key)
    if found is not None and (found.after or {}).get("request") != request:
        raise Unprocessable(
            "Idempotency-Key: was used for another act", code="idempotency_key_reused"
        )
    return found


def request_digest(address: str, body: Mapping[str, Any]) -> str:
    """Identity of one request, for `earlier`."""
    return digest_of({"address": address, "body": dict(body)})


def follow_up(uow: UnitOfWork, study: Study, who: Caller) -> None:
    """Bring a study into review after an act: claimed by who acts first, an amendment if signed."""
    if study.state == StudyState.IN_REVIEW.value and study.reader:
        return
    move(uow, study, StudyState.IN_REVIEW, who, reader=study.reader or who.name)


def move(
    uow: UnitOfWork, study: Study, state: StudyState, who: Caller, *, reader: str
) -> Event | None:
    """Set state and reader of a study, recorded; None when nothing changes."""
    before = {"state": study.state, "reader": study.reader}
    after = {"state": state.value, "reader": reader}
    if before == after:
        return None
    study.state, study.reader = state.value, reader
    return events.append(
        uow, "study.state", actor=who.name, study_uid=study.study_uid, before=before, after=after
    )
