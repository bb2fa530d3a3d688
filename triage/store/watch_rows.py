"""Rows that tie studies to their plans: what was planned for, and how a plan left a study."""

from __future__ import annotations

from sqlalchemy import update

from triage.store import events
from triage.store.session import UnitOfWork
from triage.store.tables import Study


def note_planned(uow: UnitOfWork, study_uid: str, revision: int) -> None:
    """Remember that a plan was made for this revision; never goes back."""
    uow.execute(
        update(Study)
        .where(Study.study_uid == study_uid, Study.planned_revision < revision)
        .values(planned_revision=revision)
    )


def fail_study(uow: UnitOfWork, study_uid: str, reason: str, revision: int) -> None:
    """Say that a study could not be read, unless it has an answer already.

    Parameters
    ----------
    uow : UnitOfWork
    study_uid : str
    reason : str
        For people: cause and what mends it.
    revision : int
        The state of the study that this is about: it counts as dealt with.
    """
    study = uow.get(Study, study_uid, with_for_update=True)
    if study is None:
        return
    study.published_revision = max(study.published_revision, revision)
    if study.state not in ("receiving", "incomplete", "running", "failed"):
        return
    before = {"state": study.state, "reason": study.state_reason}
    study.state, study.state_reason = "failed", reason
    after = {"state": "failed", "reason": reason}
    events.append(uow, "study.state", study_uid=study_uid, before=before, after=after)
