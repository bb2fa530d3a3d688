"""The report of a study in words, from the very report the SR is made of."""

from __future__ import annotations

from fastapi import APIRouter

from triage.core.finding import StudyState
from triage.errors import NotFound
from triage.outputs import compose, text
from triage.outputs.report import Report, Stage
from triage.outputs.spans import Section, Source
from triage.review import assessment
from triage.review.paths import StudyUid
from triage.review.report_schema import (
    ReportLine,
    ReportSection,
    ReportSource,
    ReportSpan,
    ReportView,
)
from triage.review.services import Services
from triage.review.session import Who, World
from triage.store import reading_rows
from triage.store.session import UnitOfWork
from triage.store.tables import Study

router = APIRouter(tags=["reading"])


@router.get("/api/studies/{study_uid}/report")
def report(study_uid: StudyUid, _who: Who, world: World) -> ReportView:
    """The report in words, each value with its source; preliminary until signed.

    After the signature it is what was signed, whatever changes later; the first act after a
    signature makes it the preliminary text of an amendment.
    """
    with world.store.reading() as uow:
        row = reading_rows.study(uow, study_uid)
        made = _made(uow, world, row)
        examination = text.examination_words(row.description, row.study_date, row.study_time)
        final = made.stage is Stage.FINAL
        return ReportView(
            study_uid=study_uid,
            stage="final" if final else "preliminary",
            amendment=made.reader.revision - 1 if made.reader is not None else made.amends,
            heading=text.heading(made),
            sections=[_section(one) for one in text.sections(made, examination)],
            undecided=made.undecided,
            text=text.plain_text(made, examination),
            signed_by=made.reader.name if made.reader is not None else None,
            signed_at=made.reader.signed_at if made.reader is not None else None,
            seq=reading_rows.last_study_seq(uow, study_uid),
        )


def _made(uow: UnitOfWork, world: Services, row: Study) -> Report:
    """What was signed; else what would be signed now."""
    if row.state == StudyState.SIGNED.value:
        event = reading_rows.last_signing(uow, row.study_uid)
        if event is None:
            raise NotFound("no signature of this study is recorded", code="no_such_signature")
        return compose.signed(uow, row.study_uid, event)
    context = reading_rows.context(uow, row.study_uid)
    outcome = assessment.preliminary(uow, world, row, context.values)
    return compose.draft(uow, row.study_uid, outcome, world.clock())


def _section(one: Section) -> ReportSection:
    lines = [
        ReportLine(
            spans=[ReportSpan(text=s.text, source=_source(s.source)) for s in line.spans],
            finding_id=line.finding_id,
            number=line.number,
        )
        for line in one.lines
    ]
    return ReportSection.model_validate({"name": one.name, "title": one.title, "lines": lines})


def _source(one: Source | None) -> ReportSource | None:
    if one is None:
        return None
    return ReportSource(kind=one.kind.value, name=one.name, field=one.field)
