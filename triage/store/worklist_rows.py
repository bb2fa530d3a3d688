"""The worklist as one query: filter, search, order and keyset paging in the database.

Which study comes first is not decided here: the caller hands a table of `RankRule` over (review
room), which becomes a CASE expression, so 100,000 rows are ordered without leaving the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, literal, or_, select

from triage.core.finding import FindingState, Solidity, StudyState
from triage.store.session import UnitOfWork
from triage.store.tables import Context, Event, FindingRow, Result, Series, Study

ACTIVE = tuple(
    s.value
    for s in (
        FindingState.PENDING,
        FindingState.CONFIRMED,
        FindingState.CORRECTED,
        FindingState.ADDED,
    )
)
READABLE = (StudyState.READY.value, StudyState.IN_REVIEW.value)
SIGNED = StudyState.SIGNED.value
# Ranks after those of the rules: what cannot be read yet, and what has been.
RANK_NOT_READY, RANK_SIGNED = 90, 95

Fact = Literal[
    "solid_mm", "part_solid_mm", "ground_glass_mm", "untyped_mm", "unmeasured", "waited", "status"
]


@dataclass(frozen=True, slots=True)
class RankRule:
    """One line of the order: studies for which `fact` reaches `at_least` get `rank`.

    Attributes
    ----------
    rank : int
        0 comes first; rules are given in order, and their ranks never fall.
    code : str
        Stable name of the reason.
    fact : str
        Lengths are the longest axis (mm) of the largest finding of a type that is not rejected;
        ``unmeasured`` counts findings without a size; ``status`` compares the result's status;
        ``waited`` is true since `Page.waited_since` and takes no bound.
    at_least : float, str or None
        Bound, inclusive; with ``status`` the value; None for ``waited``.
    """

    rank: int
    code: str
    fact: Fact
    at_least: float | str | None = None


@dataclass(frozen=True, slots=True)
class After:
    """Where the last page ended: its last row's sort value, waiting-since and UID."""

    value: int | float | str | datetime
    since: datetime
    study_uid: str


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked of the worklist.

    Attributes
    ----------
    states : tuple of str
        Study states shown; empty means all.
    signed_since : datetime or None
        Only studies signed since then.
    text : str
        Part of a name, an ID or an accession number.
    sort : str
        A key of `SORTS`.
    descending : bool
    limit : int
    waited_since : datetime
        Who has waited since before this is near the promised limit.
    default_rank : int
        Rank when no rule matches.
    after : After or None
    only : tuple of str or None
        Just these studies; set inside, when a page was found without adding findings up.
    """

    states: tuple[str, ...]
    text: str
    sort: str
    descending: bool
    limit: int
    waited_since: datetime
    default_rank: int
    signed_since: datetime | None = None
    after: After | None = None
    only: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One study of the list, with what was summed up for it."""

    study: Study
    status: str | None
    reasons: tuple[dict[str, Any], ...]  # of the result
    published: bool
    rule: int  # index of the rule that matched, -1 for none
    rank: int
    value: int | float | str | datetime  # what it was sorted by
    since: datetime
    active: int
    marks: int
    largest_mm: float | None
    by_type_mm: dict[str, float]


def _largest(kind: Solidity | None, name: str) -> ColumnElement[Any]:
    wanted = FindingRow.solidity.is_(None) if kind is None else FindingRow.solidity == kind.value
    return func.max(case((and_(wanted, _is_active()), FindingRow.long_mm))).label(name)


def _is_active() -> ColumnElement[bool]:
    return FindingRow.state.in_(ACTIVE)


def _sums(page: Page) -> Subquery:
    shown = or_(FindingRow.result_id.is_(None), FindingRow.result_id == Study.result_id)
    return (
        select(
            FindingRow.study_uid,
            func.count(case((_is_active(), 1))).label("active"),
            func.count().label("marks"),
            func.count(case((and_(_is_active(), FindingRow.long_mm.is_(None)), 1))).label(
                "unmeasured"
            ),
            func.max(case((_is_active(), FindingRow.long_mm))).label("largest_mm"),
            _largest(Solidity.SOLID, "solid_mm"),
            _largest(Solidity.PART_SOLID, "part_solid_mm"),
            _largest(Solidity.GROUND_GLASS, "ground_glass_mm"),
            _largest(None, "untyped_mm"),
        )
        .join(Study, Study.study_uid == FindingRow.study_uid)
        .where(shown, *_filter(page))
        .group_by(FindingRow.study_uid)
        .subquery()
    )


def _since() -> ColumnElement[datetime]:
    return func.coalesce(Study.ready_at, Study.first_received_at)


def _matches(rule: RankRule, sums: Subquery, page: Page) -> ColumnElement[bool]:
    if rule.fact == "waited":
        return _since() <= page.waited_since
    if rule.fact == "status":
        return func.coalesce(Result.status, "") == str(rule.at_least)
    column: ColumnElement[bool] = func.coalesce(sums.c[rule.fact], -1) >= rule.at_least
    return column


_NEED_SUMS = frozenset({"priority", "largest", "findings"})


def _sort_value(
    sort: str, rank: ColumnElement[int], sums: Subquery
) -> tuple[ColumnElement[Any], bool]:
    """Return the column to sort by, and whether its direction is turned round."""
    if sort not in _NEED_SUMS:
        return _plain_value(sort)
    summed: dict[str, ColumnElement[Any]] = {
        "priority": rank,
        "largest": func.coalesce(sums.c.largest_mm, -1.0),
        "findings": func.coalesce(sums.c.active, -1),
    }
    return summed[sort], False


def _plain_value(sort: str) -> tuple[ColumnElement[Any], bool]:
    """Do the same for orders that need nothing but the study's own row."""
    columns: dict[str, tuple[ColumnElement[Any], bool]] = {
        "wait": (_since(), True),
        "patient": (func.lower(Study.patient_name), False),
        "study": (Study.study_date + func.substr(Study.study_time, 1, 6), False),
        "state": (Study.state + "", False),
        "reader": (Study.reader + "", False),
        "signed": (func.coalesce(Study.signed_at, Study.first_received_at), False),
    }
    return columns[sort]


SORTS = ("priority", "wait", "patient", "study", "largest", "findings", "state", "reader", "signed")
_TYPES = ("solid_mm", "part_solid_mm", "ground_glass_mm", "untyped_mm")


def _filter(page: Page) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if page.only is not None:
        conditions.append(Study.study_uid.in_(page.only))
    if page.states:
        conditions.append(Study.state.in_(page.states))
    if page.signed_since is not None:
        conditions.append(Study.signed_at >= page.signed_since)
    if page.text:
        conditions.append(
            or_(
                Study.patient_name.icontains(page.text, autoescape=True),
                Study.patient_id.icontains(page.text, autoescape=True),
                Study.accession.icontains(page.text, autoescape=True),
            )
        )
    return conditions


def _beyond(
    after: After, value: ColumnElement[Any], since: ColumnElement[datetime], falling: bool
) -> ColumnElement[bool]:
    further = value < after.value if falling else value > after.value
    later = or_(since > after.since, and_(since == after.since, Study.study_uid > after.study_uid))
    return or_(further, and_(value == after.value, later))


def page_of(uow: UnitOfWork, page: Page, rules: Sequence[RankRule]) -> list[Row]:
    """Read one page of the worklist.

    Parameters
    ----------
    uow : UnitOfWork
    page : Page
    rules : sequence of RankRule
        In falling urgency.

    Returns
    -------
    list of Row
        At most ``page.limit + 1``: one more than asked tells that there is a next page.
    """
    if page.only is None and page.sort not in _NEED_SUMS:
        # Find the page first: adding up the findings of 100,000 signed studies takes seconds.
        found = uow.execute(_ordered(page, select(Study.study_uid), *_plain_value(page.sort)))
        page = replace(page, only=tuple(found.scalars()), after=None)
    sums = _sums(page)
    held = [(Study.state == SIGNED, RANK_SIGNED), (Study.state.not_in(READABLE), RANK_NOT_READY)]
    tests = [_matches(rule, sums, page) for rule in rules]
    ranks = zip(tests, (rule.rank for rule in rules), strict=True)
    rank = case(*held, *ranks, else_=page.default_rank)
    index = case(*((test, i) for i, test in enumerate(tests)), else_=-1)
    value, turned = _sort_value(page.sort, rank, sums)
    query: Select[Any] = (
        select(
            Study,
            Result.status,
            Result.reasons,
            Result.published_at.is_not(None).label("published"),
            index.label("rule"),
            rank.label("rank"),
            value.label("value"),
            _since().label("since"),
            func.coalesce(sums.c.active, 0).label("active"),
            func.coalesce(sums.c.marks, 0).label("marks"),
            sums.c.largest_mm,
            *(sums.c[name] for name in _TYPES),
        )
        .outerjoin(Result, Result.id == Study.result_id)
        .outerjoin(sums, sums.c.study_uid == Study.study_uid)
    )
    rows = uow.execute(_ordered(page, query, value, turned))
    return [_row(found) for found in rows.mappings()]


def _ordered(
    page: Page, query: Select[Any], value: ColumnElement[Any], turned: bool
) -> Select[Any]:
    """Filter, order and cut a query to one page."""
    falling, since = page.descending != turned, _since()
    order = (value.desc() if falling else value.asc(), since, Study.study_uid)
    query = query.where(*_filter(page)).order_by(*order).limit(page.limit + 1)
    if page.after is None:
        return query
    return query.where(_beyond(page.after, value, since, falling))


def _row(found: Any) -> Row:
    sizes = {name: found[name] for name in _TYPES if found[name] is not None}
    return Row(
        study=found["Study"],
        status=found["status"],
        reasons=tuple(found["reasons"] or ()),
        published=bool(found["published"]),
        rule=found["rule"],
        rank=found["rank"],
        value=found["value"],
        since=found["since"],
        active=found["active"],
        marks=found["marks"],
        largest_mm=found["largest_mm"],
        by_type_mm=sizes,
    )


def total_of(uow: UnitOfWork, page: Page) -> int:
    """Count the studies that match filter and search."""
    return uow.execute(select(func.count()).select_from(Study).where(*_filter(page))).scalar_one()


def counts(uow: UnitOfWork) -> dict[str, int]:
    """Studies per state."""
    query = select(Study.state, func.count()).group_by(Study.state)
    return {row[0]: row[1] for row in uow.execute(query)}


def signed_since(uow: UnitOfWork, moment: datetime) -> int:
    """Studies that are signed, and were since `moment`."""
    query = select(func.count()).where(Study.state == SIGNED, Study.signed_at >= moment)
    return uow.execute(query).scalar_one()


def waiting_since(uow: UnitOfWork) -> datetime | None:
    """Since when the longest waiting readable study waits; None when none does."""
    oldest = select(_since()).where(Study.state.in_(READABLE)).order_by(_since()).limit(1)
    return uow.execute(oldest).scalar_one_or_none()


def last_times(uow: UnitOfWork) -> tuple[datetime | None, datetime | None]:
    """When a study was last signed, and when an object last arrived."""
    signed = select(Study.signed_at).where(Study.signed_at.is_not(None))
    arrived = select(Study.last_received_at)
    return (
        uow.execute(signed.order_by(Study.signed_at.desc()).limit(1)).scalar_one_or_none(),
        uow.execute(arrived.order_by(Study.last_received_at.desc()).limit(1)).scalar_one_or_none(),
    )


def contexts(uow: UnitOfWork, study_uids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Context values of these studies, by study."""
    rows = uow.scalars(select(Context).where(Context.study_uid.in_(study_uids)))
    return {row.study_uid: row.values for row in rows}


def instance_counts(uow: UnitOfWork, study_uids: Sequence[str]) -> dict[str, int]:
    """Images that have arrived, by study."""
    query = (
        select(Series.study_uid, func.coalesce(func.sum(Series.instances), literal(0)))
        .where(Series.study_uid.in_(study_uids))
        .group_by(Series.study_uid)
    )
    return {row[0]: int(row[1]) for row in uow.execute(query)}


def last_seq(uow: UnitOfWork) -> int:
    """Number of the last event, 0 when there is none."""
    return uow.execute(select(func.coalesce(func.max(Event.seq), 0))).scalar_one()
