"""Context of the examination: what only an order, a rule or a person can know. Nothing assumed."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from fastapi import APIRouter, Request

from triage.errors import Conflict
from triage.review import acting, views
from triage.review.paths import StudyUid
from triage.review.questions import FIELDS
from triage.review.requests import ContextIn
from triage.review.schema import ContextView
from triage.review.session import Who, World
from triage.store import events, reading_rows

SET = "context.set"
router = APIRouter(tags=["context"])


@router.put("/api/studies/{study_uid}/context")
def set_context(
    study_uid: StudyUid, body: ContextIn, request: Request, who: Who, world: World
) -> ContextView:
    """Answer questions about the examination.

    A field that is not sent stays as it is; null makes it unknown again. Each value keeps its
    source, the reader and the time. With `base_version` an answer given meanwhile is a conflict.
    """
    with world.store.unit_of_work() as uow:
        study = acting.open_for_acting(uow, study_uid)
        row = reading_rows.context(uow, study_uid)
        if body.base_version is not None and body.base_version != row.version:
            raise Conflict("the context was changed meanwhile", code="context_changed")
        before = dict(row.values)
        values = dict(before)
        for field in sorted(body.model_fields_set & set(FIELDS)):
            entry = _entry(getattr(body, field), who.name, world.clock().isoformat())
            # The same answer again keeps who gave it first, and when.
            if values.get(field, {}).get("value") != entry["value"] or field not in values:
                values[field] = entry
        if values != before:
            reading_rows.write_context(uow, row, values)
            events.append(
                uow,
                SET,
                actor=who.name,
                study_uid=study_uid,
                before={"context": before, "version": row.version - 1},
                after={"context": values, "version": row.version},
            )
            acting.follow_up(uow, study, who)
            world.after_act(uow, study_uid, SET)
        view = views.context(row)
    request.app.state.feed.nudge()
    return view


def _entry(value: Any, actor: str, at: str) -> dict[str, Any]:
    plain = value.value if isinstance(value, StrEnum) else value
    return {"value": plain, "source": "reader", "by": actor, "at": at}
