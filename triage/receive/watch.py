"""From the door to the engine: which studies have news, and what is wanted of them now.

Speculative work starts on the first gap-free series; publication waits for the evidence (design
decision 7). The facts of both goals share the digest of the instances, so a publication whose
study has not changed since the speculative plan finds its tasks done and only publishes.
"""

from __future__ import annotations

from collections.abc import Iterable

from triage.engine.versions import PlanEnd, Submission
from triage.pathway import COMPLETENESS, INSTANCES, PROVISIONAL, PUBLISH
from triage.receive.completeness import DueStudy, due_studies
from triage.settings import Settings
from triage.store import watch_rows, work_rows
from triage.store.session import Store, UnitOfWork
from triage.store.tables import now


class StudyWatch:
    """An engine watcher over the studies that arrive.

    Parameters
    ----------
    store : Store
    settings : Settings
        For quiet times.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._gap_free: dict[tuple[str, int], bool] = {}

    def due(self) -> Iterable[Submission]:
        """What is to be planned now; cheap when there is nothing."""
        with self._store.reading() as uow:
            studies = due_studies(uow, self._settings, now(), known=self._gap_free)
            return [_submission(study) for study in studies if not _is_planned(uow, study)]


def on_plan_end(uow: UnitOfWork, end: PlanEnd) -> None:
    """Keep a study's state in step with its plan, in the unit of work that ends the plan.

    A publication without a way on is a failed study with its reason: it stands on the worklist,
    and is not planned again until something new arrives or a person asks.
    """
    if end.goal != PUBLISH.name or end.state not in (work_rows.FAILED, work_rows.WAITING):
        return
    plan = work_rows.plan(uow, end.plan_id)
    revision = int(plan.facts[COMPLETENESS]["revision"]) if plan is not None else 0
    watch_rows.fail_study(uow, end.subject, end.why, revision)


def _submission(study: DueStudy) -> Submission:
    evidence, news = study.evidence, study.news
    facts = evidence.facts()
    if not evidence.publish_ok:
        facts.pop(COMPLETENESS)
    more = news.revision - news.planned_revision
    why = f"{more} new images" if more else evidence.why

    def still_news(uow: UnitOfWork) -> bool:
        # One of the processes that saw this wins; the others find it planned.
        if _is_planned(uow, study):
            return False
        watch_rows.note_planned(uow, evidence.study_uid, news.revision)
        return True

    goal = PUBLISH if evidence.publish_ok else PROVISIONAL
    return Submission(evidence.study_uid, goal, facts, why, guard=still_news)


def _is_planned(uow: UnitOfWork, study: DueStudy) -> bool:
    """Whether a plan for the same goal on the same images and revision stands already."""
    evidence = study.evidence
    goal = PUBLISH.name if evidence.publish_ok else PROVISIONAL.name
    for row in work_rows.versions_of(uow, evidence.study_uid):
        same = row.facts.get(INSTANCES, {}).get("digest") == evidence.instances_digest
        revision = row.facts.get(COMPLETENESS, {}).get("revision", evidence.revision)
        if row.goal == goal and same and revision == evidence.revision:
            return True
    return False
