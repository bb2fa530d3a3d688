"""One study: everything the reading page needs, its recorded acts, its plan, what was seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter

from triage.core.finding import StudyState
from triage.review import assessment, made, questions, views
from triage.review.paths import StudyUid
from triage.review.plan_schema import HowMade
from triage.review.requests import SeenIn
from triage.review.schema import (
    BeforeSigning,
    Events,
    EventView,
    FindingView,
    Question,
    SeenView,
    StudyView,
)
from triage.review.services import Services
from triage.review.session import Caller, Who, World
from triage.store import reading_rows
from triage.store.session import UnitOfWork
from triage.store.tables import Context, Result, Study

router = APIRouter(tags=["studies"])


@router.get("/api/studies/{study_uid}")
def study(study_uid: StudyUid, who: Who, world: World) -> StudyView:
    """Everything the reading page needs, in one answer."""
    with world.store.reading() as uow:
        row = reading_rows.study(uow, study_uid)
        result = reading_rows.result_of(uow, row)
        findings = _findings(uow, row)
        context = reading_rows.context(uow, study_uid)
        asked = questions.open_questions(context.values)
        signing = reading_rows.last_signing(uow, study_uid)
        return StudyView(
            **_identity(row),
            **_progress(row, world.clock()),
            **_outcome(row, result),
            provisional=_provisional(row, result),
            signed_by=None if signing is None else signing.actor,
            series=[
                views.series(one, None if result is None else result.series_uid)
                for one in reading_rows.series_of(uow, study_uid)
            ],
            context=views.context(context),
            questions=asked,
            findings=findings,
            assessment=_assessment(uow, world, row, context),
            before_signing=_before_signing(findings, asked, row),
            outputs=[views.output(*one) for one in reading_rows.outputs_of(uow, study_uid)],
            seen=_seen(row, who),
            seq=reading_rows.last_study_seq(uow, study_uid),
        )


def _identity(row: Study) -> dict[str, Any]:
    names = (
        "study_uid", "patient_name", "patient_id", "patient_sex", "patient_age",
        "patient_birth_date", "accession", "study_date", "study_time", "description",
        "state_reason", "signed_at",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}


def _progress(row: Study, at: datetime) -> dict[str, Any]:
    signed = row.state == StudyState.SIGNED.value
    since = row.ready_at or row.first_received_at
    return {
        "state": row.state,
        "flags": views.reasons(row.flags),
        "reader": row.reader or None,
        "amending": row.signed_at is not None and not signed,
        "wait_s": None if signed else max(0, int((at - since).total_seconds())),
    }


def _outcome(row: Study, result: Result | None) -> dict[str, Any]:
    if result is None:
        return {"result": None, "model": None, "timings_s": {}}
    return {
        "result": views.result(result),
        "model": views.model(result),
        "timings_s": result.timings_s,
    }


def _provisional(row: Study, result: Result | None) -> bool:
    return result is not None and result.published_at is None


def _findings(uow: UnitOfWork, row: Study) -> list[FindingView]:
    rows = reading_rows.findings_of(uow, row)
    standing = reading_rows.acts_on(uow, [one.finding_id for one in rows])
    return [views.finding(one, standing[one.finding_id]) for one in rows]


def _assessment(
    uow: UnitOfWork, world: Services, row: Study, context: Context
) -> dict[str, Any] | None:
    """Answer what was signed; while in review a preliminary one, and none before the reader."""
    if row.state == StudyState.SIGNED.value:
        signing = reading_rows.last_signing(uow, row.study_uid)
        kept = None if signing is None else (signing.after or {}).get("assessment")
        return None if kept is None else dict(kept)
    return assessment.preliminary(uow, world, row, context.values)


def _before_signing(
    findings: list[FindingView], asked: list[Question], row: Study
) -> list[BeforeSigning]:
    lines = []
    undecided = sum(one.state == "pending" for one in findings)
    if undecided:
        text = f"Decide {undecided} finding{'s' if undecided > 1 else ''}"
        lines.append(BeforeSigning(code="undecided", text=text, count=undecided, blocking=True))
    if asked:
        text = f"Answer {len(asked)} question{'s' if len(asked) > 1 else ''}"
        lines.append(BeforeSigning(code="questions", text=text, count=len(asked), blocking=False))
    if row.state in {StudyState.RECEIVING, StudyState.INCOMPLETE, StudyState.RUNNING}:
        text = "Wait until the study is complete"
        lines.append(BeforeSigning(code="provisional", text=text, count=1, blocking=True))
    return lines


@router.get("/api/studies/{study_uid}/events")
def study_events(study_uid: StudyUid, _who: Who, world: World) -> Events:
    """Every recorded act and change, oldest first."""
    with world.store.reading() as uow:
        reading_rows.study(uow, study_uid)
        rows = reading_rows.study_events(uow, study_uid)
        return Events(items=[EventView.model_validate(row) for row in rows])


@router.get("/api/studies/{study_uid}/plan")
def plan(study_uid: StudyUid, _who: Who, world: World) -> HowMade:
    """How the result was made: plan versions, tasks, tools tried and rejected, effects.

    All lists are empty for a study that was never planned for.
    """
    with world.store.reading() as uow:
        row = reading_rows.study(uow, study_uid)
        asked = questions.open_questions(reading_rows.context(uow, study_uid).values)
        to_do = _before_signing(_findings(uow, row), asked, row)
        return made.of_study(uow, world, row, [line.text for line in to_do])


@router.put("/api/studies/{study_uid}/seen")
def set_seen(study_uid: StudyUid, body: SeenIn, who: Who, world: World) -> SeenView:
    """Add slices to what the asking reader has had on screen; never takes any away."""
    with world.store.unit_of_work() as uow:
        row = reading_rows.study(uow, study_uid, for_change=True)
        kept = _seen(row, who)
        old = kept.slices if kept.series_uid == body.series_uid else []
        slices = merged([*old, *body.slices])
        own = {"series_uid": body.series_uid, "slices": [list(pair) for pair in slices]}
        row.seen = {**row.seen, who.name: own}
        return _seen(row, who)


def _seen(row: Study, who: Caller) -> SeenView:
    return SeenView(**row.seen.get(who.name, {}))


def merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Union of inclusive ranges, ascending; touching ones become one."""
    united: list[tuple[int, int]] = []
    for low, high in sorted((min(pair), max(pair)) for pair in ranges):
        if united and low <= united[-1][1] + 1:
            united[-1] = (united[-1][0], max(united[-1][1], high))
        else:
            united.append((low, high))
    return united
