"""Claiming a study, releasing it, and signing: what is signed is recorded whole."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Request, Response

from triage.core.finding import FindingState, StudyState
from triage.core.work import digest_of
from triage.errors import Conflict
from triage.review import acting, assessment
from triage.review.acting import OptionalKey
from triage.review.paths import StudyUid
from triage.review.problems import NotSignable
from triage.review.requests import ClaimIn, SignIn
from triage.review.schema import Claim, Problem, Signed
from triage.review.services import Services
from triage.review.session import Caller, Who, World
from triage.store import events, reading_rows
from triage.store.session import UnitOfWork
from triage.store.tables import Assessment, Event, FindingRow, Study

SIGNED = "study.signed"
router = APIRouter(tags=["reading"])


def _claim(uow: UnitOfWork, study: Study) -> Claim:
    return Claim(
        study_uid=study.study_uid,
        state=StudyState(study.state),
        reader=study.reader or None,
        seq=reading_rows.last_study_seq(uow, study.study_uid),
    )


@router.post("/api/studies/{study_uid}/claim")
def claim(
    study_uid: StudyUid, request: Request, who: Who, world: World, body: ClaimIn | None = None
) -> Claim:
    """Say that the caller reads this study now; another reader's claim is kept unless taken over.

    A claim is a courtesy, not a lock: decisions of two readers are both recorded.
    """
    with world.store.unit_of_work() as uow:
        study = acting.open_for_acting(uow, study_uid)
        taken = study.reader not in {"", who.name} and study.state == StudyState.IN_REVIEW.value
        if taken and not (body and body.take_over):
            raise Conflict(f"{study.reader} reads this study", code="claimed")
        signed = study.state == StudyState.SIGNED.value
        if not signed:
            acting.move(uow, study, StudyState.IN_REVIEW, who, reader=who.name)
        answer = _claim(uow, study)
    request.app.state.feed.nudge()
    return answer


@router.post("/api/studies/{study_uid}/release")
def release(study_uid: StudyUid, request: Request, who: Who, world: World) -> Claim:
    """Give a claimed study back to the list; what was decided stays."""
    with world.store.unit_of_work() as uow:
        study = acting.open_for_acting(uow, study_uid)
        if study.state == StudyState.IN_REVIEW.value:
            if study.reader not in {"", who.name}:
                raise Conflict(f"{study.reader} reads this study", code="claimed")
            signing = reading_rows.last_signing(uow, study_uid)
            if signing is None:
                acting.move(uow, study, StudyState.READY, who, reader="")
            elif not reading_rows.reader_acts_after(uow, study_uid, signing.seq):
                acting.move(uow, study, StudyState.SIGNED, who, reader=signing.actor)
            else:
                acting.move(uow, study, StudyState.IN_REVIEW, who, reader="")
        answer = _claim(uow, study)
    request.app.state.feed.nudge()
    return answer


@router.post(
    "/api/studies/{study_uid}/sign",
    responses={409: {"model": Problem, "description": "Undecided findings; `missing` in words"}},
)
def sign(
    *,
    study_uid: StudyUid,
    request: Request,
    response: Response,
    who: Who,
    world: World,
    body: SignIn | None = None,
    key: OptionalKey = None,
) -> Signed:
    """Sign a study as it stands.

    With ``rest: "dismissed"`` marks that were seen and left are closed: recorded, undoable, never
    a training negative. `as_of` (the page's `seq`) makes signing fail when another act came
    in between, so nobody signs what was not on the screen.
    """
    order = body or SignIn()
    digest = acting.request_digest(request.url.path, order.model_dump(mode="json"))
    own_key = acting.scoped(key, who)
    with world.store.unit_of_work() as uow:
        study = acting.open_for_acting(uow, study_uid)
        done = acting.earlier(uow, own_key, digest)
        if done is None:
            done = _sign(
                uow, world, study, order, who=who, idempotency={"key": own_key, "request": digest}
            )
        else:
            response.headers["Idempotent-Replay"] = "true"
        answer = _signed(done, reading_rows.last_study_seq(uow, study_uid))
    request.app.state.feed.nudge()
    return answer


def _signed(event: Event, seq: int) -> Signed:
    said = event.after or {}
    return Signed(
        study_uid=event.study_uid or "",
        state=StudyState.SIGNED,
        signed_at=event.at,
        signed_by=event.actor,
        dismissed=said["dismissed"],
        assessment=said["assessment"],
        revision=said["revision"],
        seq=seq,
    )


def _sign(
    uow: UnitOfWork,
    world: Services,
    study: Study,
    order: SignIn,
    *,
    who: Caller,
    idempotency: dict[str, Any],
) -> Event:
    if study.state == StudyState.SIGNED.value:
        raise Conflict(f"signed already by {study.reader}", code="already_signed")
    if order.as_of is not None:
        _refuse_unseen(uow, study, order.as_of)
    findings = reading_rows.findings_of(uow, study)
    undecided = [row for row in findings if row.state == FindingState.PENDING.value]
    if undecided and order.rest != "dismissed":
        raise NotSignable([f"finding {row.number} is not decided" for row in undecided])
    for row in undecided:
        _dismiss(uow, row, who)
    last = reading_rows.last_signing(uow, study.study_uid)
    said = _what_is_signed(uow, world, study, findings)
    said |= {
        "dismissed": [row.finding_id for row in undecided],
        "revision": 1 if last is None else (last.after or {}).get("revision", 0) + 1,
        "request": idempotency["request"],
    }
    event = events.append(
        uow,
        SIGNED,
        actor=who.name,
        study_uid=study.study_uid,
        before={"state": study.state, "signed_event": None if last is None else last.seq},
        after=said,
        idempotency_key=idempotency["key"],
    )
    study.signed_at = event.at
    acting.move(uow, study, StudyState.SIGNED, who, reader=who.name)
    world.after_act(uow, study.study_uid, SIGNED)
    return event


def _refuse_unseen(uow: UnitOfWork, study: Study, as_of: int) -> None:
    later = reading_rows.reader_acts_after(uow, study.study_uid, as_of)
    if later:
        actors = ", ".join(sorted({event.actor for event in later}))
        raise Conflict(
            f"{actors} changed this study after you looked; look again, then sign",
            code="changed_since",
        )


def _dismiss(uow: UnitOfWork, row: FindingRow, who: Caller) -> None:
    before = reading_rows.image(row)
    dismissed = {**before, "state": FindingState.DISMISSED.value}
    reading_rows.write_image(row, dismissed)
    events.append(
        uow,
        reading_rows.DISMISSED,
        actor=who.name,
        study_uid=row.study_uid,
        finding_id=row.finding_id,
        before={"finding": before, "version": row.version - 1},
        after={"finding": dismissed, "version": row.version, "decision": "dismiss"},
    )


def _what_is_signed(
    uow: UnitOfWork, world: Services, study: Study, findings: list[FindingRow]
) -> dict[str, Any]:
    """Collect the signed content whole, so that it can be shown for ever."""
    context = reading_rows.context(uow, study.study_uid)
    result = reading_rows.result_of(uow, study)
    inputs = assessment.inputs(
        study, result, findings, context.values,
        slice_thickness_mm=assessment.thickness_of(uow, result),
    )  # fmt: skip
    outcome = world.assess(inputs)
    if outcome is not None:
        outcome = {**outcome, "preliminary": False}
        _keep_assessment(uow, study, inputs, outcome)
    return {
        "result_id": study.result_id,
        "findings": [
            {"finding_id": row.finding_id, "number": row.number, "version": row.version,
             **reading_rows.image(row)}
            for row in findings
        ],
        "context": dict(context.values),
        "context_version": context.version,
        "assessment": outcome,
    }  # fmt: skip


def _keep_assessment(
    uow: UnitOfWork, study: Study, inputs: dict[str, Any], outcome: dict[str, Any]
) -> None:
    guideline, digest = str(outcome.get("guideline", "")), digest_of(inputs)
    if not reading_rows.has_assessment(uow, study.study_uid, guideline, digest):
        uow.add(
            Assessment(
                id=str(uuid.uuid4()),
                study_uid=study.study_uid,
                guideline=guideline,
                input_digest=digest,
                outcome=outcome,
            )
        )
