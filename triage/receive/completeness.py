"""When has all of a study arrived? By evidence, never by hope (design decision 7).

*Speculative* work may start as soon as an association is released and some series is gap-free: a
gap-free prefix is not a complete series, so nothing of it is published. *Publication* waits for
quiet time since that sender's last association, with none of its associations open; an import is
complete when it is closed. The rules are in `triage.receive.quiet`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from triage.errors import NotFound
from triage.pathway import COMPLETENESS, INSTANCES
from triage.receive.callers import quiet_s_of
from triage.receive.classes import READ_CLASSES
from triage.receive.quiet import NOTHING_READ, Sender, Timing, is_gap_free, judge
from triage.settings import Settings
from triage.store import completeness_rows
from triage.store.completeness_rows import Carrier, SenderActivity, StoredInstance, StudyNews
from triage.store.instances import digest_of_instances
from triage.store.session import UnitOfWork

_READ: Final = frozenset(READ_CLASSES)
IMPORT: Final = "import"
#: Fewer images than this per association, and the end cannot be guessed from a release.
_IMAGES_PER_ASSOCIATION = 2


@dataclass(frozen=True, slots=True)
class SeriesInstances:
    """The instances of one series that take part in volumes."""

    digest: str
    n: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about the completeness of a study.

    Attributes
    ----------
    study_uid : str
    revision : int
        The state of the study that this is about.
    speculative_ok : bool
        Work may start; nothing of it may be published.
    publish_ok : bool
        The study counts as complete.
    publish_at : datetime or None
        When it will, if nothing more comes; None when nothing that is read has come.
    why : str
        One sentence for the page and the plan.
    instances_digest : str
        SHA-256 over SOP UID and content of every instance that takes part in volumes.
    series : mapping of series UID to SeriesInstances
    """

    study_uid: str
    revision: int
    speculative_ok: bool
    publish_ok: bool
    publish_at: datetime | None
    why: str
    instances_digest: str
    series: Mapping[str, SeriesInstances]

    def facts(self) -> dict[str, dict[str, Any]]:
        """The facts that the engine plans with, by their names in `triage.pathway`."""
        series = {uid: {"digest": one.digest, "n": one.n} for uid, one in self.series.items()}
        return {
            INSTANCES: {"digest": self.instances_digest, "series": series},
            COMPLETENESS: {
                "complete": self.publish_ok,
                "why": self.why,
                "revision": self.revision,
            },
        }


@dataclass(frozen=True, slots=True)
class DueStudy:
    """A study that the engine should look at.

    Attributes
    ----------
    news : StudyNews
        Its revisions: received, planned, published.
    evidence : Evidence
    """

    news: StudyNews
    evidence: Evidence


def evidence(uow: UnitOfWork, study_uid: str, settings: Settings, now: datetime) -> Evidence:
    """What is known about the completeness of one study.

    Parameters
    ----------
    uow : UnitOfWork
        A reading view is enough.
    study_uid : str
    settings : Settings
        For the quiet time of each sender.
    now : datetime
        Aware.

    Returns
    -------
    Evidence

    Raises
    ------
    NotFound
        No such study.
    """
    news = completeness_rows.news_of(uow, study_uid)
    if news is None:
        raise NotFound("no such study")
    carriers = completeness_rows.carriers(uow, study_uid)
    timing = judge(_senders(uow, carriers, settings), news.last_received_at, now)
    return _evidence(uow, news, timing, speculative_ok=_may_speculate(uow, news, carriers, {}))


def due_studies(
    uow: UnitOfWork,
    settings: Settings,
    now: datetime,
    *,
    known: dict[tuple[str, int], bool] | None = None,
    limit: int = 64,
) -> list[DueStudy]:
    """Studies that the engine should look at now; made to be asked several times a second.

    Parameters
    ----------
    uow : UnitOfWork
        A reading view is enough.
    settings : Settings
    now : datetime
        Aware.
    known : dict, optional
        The caller's memory of gap-free answers by study and revision; filled here, so that a study
        that only waits is not measured again each time.
    limit : int

    Returns
    -------
    list of DueStudy
        Those not published in their present revision that either may be published now, or were
        never planned in it and may be worked on speculatively. Longest silent first. One that may
        be published is told again until `published_revision` has caught up.
    """
    due: list[DueStudy] = []
    known = {} if known is None else known
    all_news = completeness_rows.news(uow, limit)
    for old in known.keys() - {(one.study_uid, one.revision) for one in all_news}:
        del known[old]
    for news in all_news:
        carriers = completeness_rows.carriers(uow, news.study_uid)
        timing = judge(_senders(uow, carriers, settings), news.last_received_at, now)
        is_new = news.revision > news.planned_revision
        speculative = is_new and _may_speculate(uow, news, carriers, known)
        if timing.publish_ok or speculative:
            due.append(DueStudy(news, _evidence(uow, news, timing, speculative_ok=speculative)))
    return due


def _senders(uow: UnitOfWork, carriers: Sequence[Carrier], settings: Settings) -> list[Sender]:
    """Who brought something to a study. All imports are one sender: people at this machine."""
    by_name: dict[tuple[str, str], list[Carrier]] = {}
    for carrier in carriers:
        by_name.setdefault((carrier.door, carrier.calling_ae), []).append(carrier)
    return [_sender(uow, door, ae, own, settings) for (door, ae), own in by_name.items()]


def _sender(
    uow: UnitOfWork, door: str, ae: str, own: Sequence[Carrier], settings: Settings
) -> Sender:
    if door == IMPORT:
        # Other imports running at the same time do not hold this study back.
        still_open = sum(c.closed_at is None for c in own)
        activity = SenderActivity(still_open, None if still_open else own[-1].closed_at)
    else:
        activity = completeness_rows.activity(uow, door, ae)
    return Sender(
        name=ae or f"the {door}",
        is_import=door == IMPORT,
        open=activity.open,
        last_closed_at=activity.last_closed_at,
        broke_off=own[-1].close_reason in ("aborted", "lost"),
        quiet_s=quiet_s_of(settings, ae),
    )


def _may_speculate(
    uow: UnitOfWork,
    news: StudyNews,
    carriers: Sequence[Carrier],
    known: dict[tuple[str, int], bool],
) -> bool:
    """Released, gap-free, and not one of the senders that open an association for each image."""
    if not carriers or carriers[-1].close_reason != "released":
        return False  # open ones come last and have no reason yet
    if news.revision < _IMAGES_PER_ASSOCIATION * len(carriers):
        return False
    key = (news.study_uid, news.revision)
    if key not in known:
        by_series = completeness_rows.headers(uow, news.study_uid, _READ)
        known[key] = any(is_gap_free(series) for series in by_series.values())
    return known[key]


def _evidence(
    uow: UnitOfWork, news: StudyNews, timing: Timing, *, speculative_ok: bool
) -> Evidence:
    stored = completeness_rows.instances(uow, news.study_uid, _READ)
    by_series: dict[str, list[StoredInstance]] = {}
    for one in stored:
        by_series.setdefault(one.series_uid, []).append(one)
    return Evidence(
        study_uid=news.study_uid,
        revision=news.revision,
        speculative_ok=speculative_ok,
        publish_ok=timing.publish_ok and news.revision > 0,
        publish_at=timing.publish_at if news.revision > 0 else None,
        why=timing.why if news.revision > 0 else NOTHING_READ,
        instances_digest=digest_of_instances(stored),
        series={
            uid: SeriesInstances(digest_of_instances(own), len(own))
            for uid, own in by_series.items()
        },
    )
