"""Rows of what the machine answers: series verdicts, packed pixels, results, findings, publication.

All in the caller's unit of work, and all idempotent: a step of a plan may run more than once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Select, select

from triage.core.finding import StudyState
from triage.errors import NotFound
from triage.store import events
from triage.store.session import UnitOfWork
from triage.store.tables import FindingRow, Instance, Result, Series, Study, now
from triage.store.work_rows import insert_new

Values: TypeAlias = dict[str, Any]

#: Where a study stands after its answer is published: a reader's open page is not taken away, but a
#: signed study goes back to the list, because somebody must look at what came after the signature.
_AFTER_PUBLICATION: Mapping[StudyState, StudyState] = {
    StudyState.RECEIVING: StudyState.READY,
    StudyState.INCOMPLETE: StudyState.READY,
    StudyState.RUNNING: StudyState.READY,
    StudyState.READY: StudyState.READY,
    StudyState.FAILED: StudyState.READY,
    StudyState.IN_REVIEW: StudyState.IN_REVIEW,
    StudyState.SIGNED: StudyState.READY,
}
_BEFORE_AN_ANSWER = frozenset({StudyState.RECEIVING, StudyState.INCOMPLETE, StudyState.FAILED})
#: States in which a new answer is news for a reader who has seen the old one.
_SEEN = frozenset({StudyState.IN_REVIEW, StudyState.SIGNED})


@dataclass(frozen=True, slots=True)
class StoredSlice:
    """One instance that may take part in volumes."""

    series_uid: str
    sop_uid: str
    digest: str
    sop_class: str
    header: Values


@dataclass(frozen=True, slots=True)
class Published:
    """What publication changed.

    Attributes
    ----------
    state : str
        Of the study now.
    superseded : str or None
        The result that was shown before.
    is_new : bool
        False when this result was published already.
    """

    state: str
    superseded: str | None
    is_new: bool


def stored_slices(study_uid: str) -> Select[Any]:
    """Ask for the columns of `StoredSlice`; conflicting copies are left out, order is by UID."""
    columns = (Instance.series_uid, Instance.sop_uid, Instance.digest, Instance.sop_class)
    return (
        select(*columns, Instance.header)
        .where(Instance.study_uid == study_uid, Instance.conflict.is_(False))
        .order_by(Instance.series_uid, Instance.sop_uid)
    )


def slices_of(
    uow: UnitOfWork, study_uid: str, sop_classes: Collection[str]
) -> dict[str, list[StoredSlice]]:
    """Instances of a study by series, in order of their UIDs; conflicting copies are left out.

    Parameters
    ----------
    uow : UnitOfWork
    study_uid : str
    sop_classes : collection of str
        Only instances of these.

    Returns
    -------
    dict of series UID to list of StoredSlice
    """
    query = stored_slices(study_uid).where(Instance.sop_class.in_(sorted(sop_classes)))
    found: dict[str, list[StoredSlice]] = {}
    for row in uow.execute(query):
        found.setdefault(row.series_uid, []).append(StoredSlice(*row))
    return found


def series_uids(uow: UnitOfWork, study_uid: str) -> list[str]:
    """All series of a study, read or not."""
    query = select(Series.series_uid).where(Series.study_uid == study_uid)
    return list(uow.scalars(query.order_by(Series.series_uid)))


def write_verdict(
    uow: UnitOfWork, series_uid: str, verdict: str, reasons: Sequence[Values]
) -> None:
    """Set what was judged of a series."""
    row = _series(uow, series_uid)
    row.verdict, row.verdict_reasons = verdict, list(reasons)


def write_stream(uow: UnitOfWork, series_uid: str, key: str, info: Values) -> None:
    """Set where the packed pixels of a series lie."""
    row = _series(uow, series_uid)
    row.stream_key, row.stream_info = key, info


def start_running(uow: UnitOfWork, study_uid: str) -> None:
    """Say that work on a study has begun, unless an answer is there already."""
    study = _study(uow, study_uid)
    if StudyState(study.state) in _BEFORE_AN_ANSWER:
        _set_state(uow, study, StudyState.RUNNING, "")


def add_result(uow: UnitOfWork, result: Values, findings: Sequence[Values]) -> str:
    """Insert a result with its findings; show it as provisional if nothing is published yet.

    Parameters
    ----------
    uow : UnitOfWork
    result : dict
        Column values of `Result`.
    findings : sequence of dict
        Column values of `FindingRow`, without study and result.

    Returns
    -------
    str
        Id of the row: of the one that was there first, if the same input was answered before.
    """
    study = _study(uow, result["study_uid"])
    is_new = insert_new(uow, Result, {"created_at": now(), **result})
    row = uow.scalars(
        select(Result).where(
            Result.study_uid == result["study_uid"],
            Result.model_digest == result["model_digest"],
            Result.input_digest == result["input_digest"],
        )
    ).one()
    if is_new:
        own = {"study_uid": row.study_uid, "result_id": row.id}
        uow.add_all(FindingRow(**own, **values) for values in findings)
        uow.flush()
    shown = uow.get(Result, study.result_id) if study.result_id else None
    if shown is None or (shown.published_at is None and shown.id != row.id):
        study.result_id = row.id
        after = {"result_id": row.id, "status": row.status, "findings": len(findings)}
        events.append(uow, "study.result", study_uid=study.study_uid, after=after)
    return row.id


def lock_study(uow: UnitOfWork, study_uid: str) -> None:
    """Hold a study's row until the unit of work ends.

    Raises
    ------
    NotFound
        No such study.
    """
    _study(uow, study_uid)


def publish(uow: UnitOfWork, study_uid: str, result_id: str, revision: int) -> Published:
    """Make a result the study's answer.

    Parameters
    ----------
    uow : UnitOfWork
    study_uid, result_id : str
    revision : int
        The state of the study that the result answers.

    Returns
    -------
    Published

    Raises
    ------
    NotFound
        No such study, or the result is not one of it.
    """
    study = _study(uow, study_uid)
    result = uow.get(Result, result_id)
    if result is None or result.study_uid != study_uid:
        raise NotFound("no such result of this study", code="no_such_result")
    study.published_revision = max(study.published_revision, revision)
    if result.published_at is not None and study.result_id == result_id:
        return Published(study.state, None, is_new=False)
    before = uow.get(Result, study.result_id) if study.result_id else None
    old = before if before is not None and before.id != result_id else None
    if old is not None:
        old.superseded_by = result_id
    _tell_who_has_seen(study)
    result.published_at, result.superseded_by = now(), None
    study.result_id, study.ready_at = result_id, now()
    _set_state(uow, study, _AFTER_PUBLICATION[StudyState(study.state)], _why(result))
    events.append(
        uow,
        "study.published",
        study_uid=study_uid,
        before=None if old is None else {"result_id": old.id},
        after={"result_id": result_id, "status": result.status, "revision": revision},
    )
    return Published(study.state, old.id if old else None, is_new=True)


def _why(result: Result) -> str:
    """Why a published answer is not a full one; "" when it is."""
    if result.status == "assessed":
        return ""
    return "; ".join(str(reason["message"]) for reason in result.reasons)


def _tell_who_has_seen(study: Study) -> None:
    """A flag for the reader whose findings belong to images that are no longer all there are."""
    if StudyState(study.state) not in _SEEN:
        return
    message = "images arrived after reading had begun; the machine's findings are new"
    kept = [flag for flag in study.flags if flag.get("code") != "new_result"]
    study.flags = [*kept, {"code": "new_result", "message": message}]


def _set_state(uow: UnitOfWork, study: Study, state: StudyState, reason: str) -> None:
    """Change a study's state with its event; the same state again is no event."""
    before = {"state": study.state, "reason": study.state_reason}
    after = {"state": state.value, "reason": reason}
    if before == after:
        return
    study.state, study.state_reason = state.value, reason
    events.append(uow, "study.state", study_uid=study.study_uid, before=before, after=after)


def _study(uow: UnitOfWork, study_uid: str) -> Study:
    query = select(Study).where(Study.study_uid == study_uid).with_for_update()
    row = uow.scalars(query).one_or_none()
    if row is None:
        raise NotFound("no such study", code="no_such_study")
    return row


def _series(uow: UnitOfWork, series_uid: str) -> Series:
    row = uow.get(Series, series_uid)
    if row is None:
        raise NotFound("no such series", code="no_such_series")
    return row
