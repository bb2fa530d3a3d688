"""Time between two exams, from their dates (by the calendar) or as typed."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from triage.rules.quantity import (
    DAYS_PER_MONTH,
    TENTH,
    Dimension,
    Quantity,
    QuantityError,
    check_range,
    half_up,
)
from triage.rules.result import Refusal

# Typed "6 months" beside two dates: they may differ by a month before they contradict.
AGREEMENT_DAYS = 31


@dataclass(frozen=True, slots=True)
class Interval:
    """Time between two exams.

    Attributes
    ----------
    days : Decimal
        Whole calendar days when it comes from dates; else converted (1 month = 30.4375 days).
    start, end : date or None
        The exam dates, when both are known; month arithmetic is then by the calendar.
    """

    days: Decimal
    start: date | None = None
    end: date | None = None

    @classmethod
    def between(cls, start: date, end: date) -> Interval:
        """Interval of two exam dates; ``value_not_positive`` unless `start` is before `end`."""
        if start >= end:
            message = f"the prior date {start} is not before the exam date {end} (interval <= 0)"
            raise QuantityError("value_not_positive", message)
        check_range(Decimal((end - start).days), Dimension.TIME)
        return cls(Decimal((end - start).days), start, end)

    def reaches(self, months: int, tolerance_days: int = 0) -> bool:
        """True when it is at least `months` months long, give or take the tolerance."""
        if self.start and self.end:
            due = add_months(self.start, months) - timedelta(days=tolerance_days)
            return self.end >= due
        return self.days >= months * DAYS_PER_MONTH - tolerance_days

    def within(self, months: int, tolerance_days: int = 0) -> bool:
        """True when it is at most `months` months long, give or take the tolerance."""
        if self.start and self.end:
            return self.end <= add_months(self.start, months) + timedelta(days=tolerance_days)
        return self.days <= months * DAYS_PER_MONTH + tolerance_days

    @property
    def windows_of_12_months(self) -> int:
        """ceil(months / 12), at least 1."""
        count = 1
        while not self.within(12 * count):
            count += 1
        return count

    @property
    def text(self) -> str:
        """For a trace: days, and the dates where known."""
        days = f"{half_up(self.days, TENTH).normalize():f} days"
        return f"{days} ({self.start} to {self.end})" if self.start else days


def add_months(day: date, months: int) -> date:
    """The same day `months` later, or the last day of that month when it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def exam_interval(
    stated: Quantity | None,
    before: date | None,
    now: date | None,
    *,
    date_field: str,
    interval_field: str,
) -> Interval | None:
    """Interval from both dates, else as typed; None when neither is known.

    Parameters
    ----------
    stated : Quantity or None
        Days.
    before, now : date or None
        Exam dates; when both are known they decide.
    date_field, interval_field : str
        Paths, for refusals.

    Raises
    ------
    Refusal
        ``value_not_positive`` (dates in the wrong order), ``interval_contradicts_dates``.
    """
    typed = Interval(stated.value) if stated else None
    if before is None or now is None:
        return typed
    try:
        dated = Interval.between(before, now)
    except QuantityError as error:
        raise Refusal(error.code, date_field, error.message) from error
    if typed and abs(typed.days - dated.days) > AGREEMENT_DAYS:
        because = f"the interval {typed.text} and the dates ({dated.text}) do not agree"
        raise Refusal("interval_contradicts_dates", interval_field, because)
    return dated
