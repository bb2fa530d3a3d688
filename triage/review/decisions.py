"""Decisions on findings, and findings the model missed: every act an event, nothing overwritten."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response

from triage.core.finding import FindingState
from triage.errors import Conflict, Unprocessable
from triage.review import acting, acts, views
from triage.review.acting import Key, OptionalKey
from triage.review.paths import FindingId, StudyUid
from triage.review.problems import FindingChanged
from triage.review.requests import DecisionIn, NewFinding
from triage.review.schema import FindingView, Problem
from triage.review.session import Who, World
from triage.store import events, reading_rows
from triage.store.session import UnitOfWork
from triage.store.tables import Event, FindingRow, Study

REPLAY_HEADER = "Idempotent-Replay"
router = APIRouter(tags=["findings"])


def _view(uow: UnitOfWork, row: FindingRow) -> FindingView:
    return views.finding(row, reading_rows.acts_on(uow, [row.finding_id])[row.finding_id])


@router.post(
    "/api/findings/{finding_id}/decisions",
    responses={409: {"model": Problem, "description": "Changed meanwhile; `current` has it"}},
)
def decide(
    *,
    finding_id: FindingId,
    body: DecisionIn,
    key: Key,
    request: Request,
    response: Response,
    who: Who,
    world: World,
) -> FindingView:
    """Accept, reject, correct, reopen a finding, or take the last act on it back.

    ``retract`` is undo: it restores exactly what was before the last standing act; on a mark of a
    reader's own with no other act it withdraws the mark (state ``withdrawn``, in no list), and
    ``reopen`` brings it back. Sent twice with one key it acts once.
    """
    digest = acting.request_digest(request.url.path, body.model_dump(mode="json"))
    own_key = acting.scoped(key, who)
    with world.store.unit_of_work() as uow:
        study_uid = reading_rows.finding(uow, finding_id).study_uid
        study = acting.open_for_acting(uow, study_uid)
        row = reading_rows.finding(uow, finding_id)
        uow.refresh(row)
        if acting.earlier(uow, own_key, digest) is not None:
            response.headers[REPLAY_HEADER] = "true"
            return _view(uow, row)
        _act(uow, row, body, who.name, {"key": own_key, "request": digest})
        acting.follow_up(uow, study, who)
        world.after_act(uow, study_uid, reading_rows.DECISION)
        view = _view(uow, row)
    request.app.state.feed.nudge()
    return view


def _act(
    uow: UnitOfWork, row: FindingRow, body: DecisionIn, actor: str, idempotency: dict[str, Any]
) -> None:
    if row.version != body.base_version:
        raise FindingChanged(
            f"finding {row.number} was {acts.PERFECT_TENSE[row.state]} meanwhile", _view(uow, row)
        )
    standing = views.standing_acts(reading_rows.acts_on(uow, [row.finding_id])[row.finding_id])
    before = reading_rows.image(row)
    place = views.place(reading_rows.series(uow, row.series_uid))
    try:
        decided = acts.decide(before, body, standing, place)
    except Conflict as error:
        raise FindingChanged(error.message, _view(uow, row), code=error.detail_code) from error
    reading_rows.write_image(row, decided.image)
    events.append(
        uow,
        reading_rows.DECISION,
        actor=actor,
        study_uid=row.study_uid,
        finding_id=row.finding_id,
        before={"finding": before, "version": row.version - 1},
        after={
            "finding": reading_rows.image(row),
            "version": row.version,
            "decision": body.decision,
            "request": idempotency["request"],
        },
        idempotency_key=idempotency["key"],
        undoes=decided.undoes,
    )


@router.post("/api/studies/{study_uid}/findings", status_code=201)
def add(
    *,
    study_uid: StudyUid,
    body: NewFinding,
    request: Request,
    response: Response,
    who: Who,
    world: World,
    key: OptionalKey = None,
) -> FindingView:
    """Add a nodule the model missed."""
    digest = acting.request_digest(request.url.path, body.model_dump(mode="json"))
    own_key = acting.scoped(key, who)
    with world.store.unit_of_work() as uow:
        study = acting.open_for_acting(uow, study_uid)
        done = acting.earlier(uow, own_key, digest)
        if done is not None:
            response.headers[REPLAY_HEADER] = "true"
            return _view(uow, reading_rows.finding(uow, done.finding_id or ""))
        row = _new_row(uow, study, body)
        _record_added(uow, row, who.name, own_key, digest)
        acting.follow_up(uow, study, who)
        world.after_act(uow, study_uid, reading_rows.ADDED)
        view = _view(uow, row)
    request.app.state.feed.nudge()
    return view


def _new_row(uow: UnitOfWork, study: Study, body: NewFinding) -> FindingRow:
    series = reading_rows.series(uow, body.series_uid)
    if series.study_uid != study.study_uid:
        raise Unprocessable("series_uid: belongs to another study", code="other_study")
    blank: dict[str, Any] = dict.fromkeys(reading_rows.IMAGE_FIELDS)
    blank |= {"state": FindingState.ADDED.value, "status": "baseline"}
    blank |= acts.changed(blank, body, views.place(series))
    row = FindingRow(
        finding_id=str(uuid.uuid4()),
        study_uid=study.study_uid,
        series_uid=series.series_uid,
        result_id=None,
        version=1,
        tracking_uid=f"2.25.{uuid.uuid4().int}",  # PS3.5 B.2: a UID from a UUID
        proposed={},
        **blank,
    )
    reading_rows.add_finding(uow, row)
    return row


def _record_added(
    uow: UnitOfWork, row: FindingRow, actor: str, key: str | None, digest: str
) -> Event:
    return events.append(
        uow,
        reading_rows.ADDED,
        actor=actor,
        study_uid=row.study_uid,
        finding_id=row.finding_id,
        after={"finding": reading_rows.image(row), "version": row.version, "request": digest},
        idempotency_key=key,
    )
