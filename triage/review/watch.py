"""From publication and signature to the engine: which studies want a report now.

Everything follows from rows: the events say what happened, the plans say what was done about it.
A process that was killed anywhere finds the same answer when it starts again. The last word on a
study counts: after a signature that is the signed report, after a new publication the machine's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from triage.core.work import Facts, Goal
from triage.engine.versions import Submission
from triage.pathway import PUBLISHED, REPORT_PRELIMINARY, REPORT_SIGNED, SIGNED
from triage.store import output_rows, work_rows
from triage.store.output_rows import News
from triage.store.session import Store, UnitOfWork
from triage.store.tables import PlanVersion, now

#: A report that could not be written (a full disk, a lost file) is tried again after this long.
AGAIN_AFTER = timedelta(minutes=1)
_REPORTS = (REPORT_PRELIMINARY.name, REPORT_SIGNED.name)
_BUSY = frozenset({work_rows.RUNNING, work_rows.DONE})


class ReportWatch:
    """An engine watcher over publications and signatures.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen = 0
        self._open: dict[str, News] = {}

    def due(self) -> Iterable[Submission]:
        """What is to be planned now; cheap when there is nothing."""
        with self._store.reading() as uow:
            while fresh := output_rows.news_after(uow, self._seen):
                self._seen = fresh[-1].seq
                self._open |= {one.study_uid: one for one in fresh}
            plans = {uid: _plan_of(uow, news) for uid, news in self._open.items()}
        for uid, plan in plans.items():
            if plan is not None and plan.state == work_rows.DONE:
                del self._open[uid]
        return [
            _submission(news, plans[uid]) for uid, news in self._open.items() if _is_due(plans[uid])
        ]


def _submission(news: News, last: PlanVersion | None) -> Submission:
    goal, facts = _wanted(news)
    failed = last is not None and last.state != work_rows.GIVEN_UP

    def still_due(uow: UnitOfWork) -> bool:
        # One of the processes that saw this wins; the others find it planned.
        work_rows.lock_subject(uow, news.study_uid)
        return _is_due(_plan_of(uow, news))

    why = "the study was signed" if goal is REPORT_SIGNED else "the result was published"
    return Submission(
        news.study_uid, goal, facts, why, guard=still_due, replaces=_REPORTS, again=failed
    )


def _wanted(news: News) -> tuple[Goal, Facts]:
    key = str(news.seq)
    if news.kind == output_rows.SIGNED:
        return REPORT_SIGNED, {SIGNED: {"key": key, "event": news.seq}}
    published = {"key": key, "event": news.seq, "result_id": news.said["result_id"]}
    return REPORT_PRELIMINARY, {PUBLISHED: published}


def _plan_of(uow: UnitOfWork, news: News) -> PlanVersion | None:
    goal, facts = _wanted(news)
    [fact] = facts
    return output_rows.last_plan(uow, news.study_uid, goal.name, fact, str(news.seq))


def _is_due(plan: PlanVersion | None) -> bool:
    """Never planned, superseded on the way, or failed a while ago."""
    if plan is None or plan.state == work_rows.GIVEN_UP:
        return True
    if plan.state in _BUSY:
        return False
    return plan.ended_at is None or now() - plan.ended_at >= AGAIN_AFTER
