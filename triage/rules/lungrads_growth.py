"""Lung-RADS v2022: growth, threshold crossing and step-down of an existing nodule (rules 1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from triage.rules.inputs import Exam, Finding, Prior
from triage.rules.intervals import Interval, exam_interval
from triage.rules.lungrads_tables import (
    GROWTH_MM,
    OURS,
    RANK,
    STEP_DOWN,
    STEP_DOWN_TOLERANCE_DAYS,
    TABLE,
    Row,
    StepDown,
    rank_of,
)
from triage.rules.quantity import TENTH
from triage.rules.result import Notes, Refusal, missing
from triage.rules.sizes import Measured
from triage.rules.words import LungRads


@dataclass(frozen=True, slots=True)
class Change:
    """An existing nodule, or its solid component, against the exam before.

    Attributes
    ----------
    increase_mm : Decimal
        Difference of the two reported means.
    growing : bool or None
        None: not decidable from these two exams (D2).
    interval : Interval or None
    """

    increase_mm: Decimal
    growing: bool | None
    interval: Interval | None

    @property
    def may_grow(self) -> bool:
        """Growing, or not decidable: the conservative reading."""
        return self.growing is not False


def interval_of(prior: Prior, exam: Exam, path: str) -> Interval | None:
    """Interval from both dates, or as given; None when neither is known.

    Raises
    ------
    Refusal
        ``value_not_positive`` (dates in the wrong order), ``interval_contradicts_dates``.
    """
    return exam_interval(
        prior.interval,
        prior.date,
        exam.date,
        date_field=f"{path}.prior.date",
        interval_field=f"{path}.prior.interval",
    )


def judge(
    now: Measured,
    before: Measured,
    interval: Interval | None,
    notes: Notes,
    *,
    path: str,
    what: str = "nodule",
) -> Change:
    """Growing when the mean diameter rose by more than 1.5 mm within 12 months.

    Parameters
    ----------
    now, before : Measured
        Same thing, two exams; both need a mean diameter (D1: volume is no growth criterion).
    interval : Interval or None
        Needed only when the increase is above 1.5 mm.
    path, what : str
        For refusals: path of the finding, and ``nodule`` or ``solid component``.

    Raises
    ------
    Refusal
        ``diameter_missing_for_growth``, or ``missing`` interval.
    """
    if now.mean_mm is None or before.mean_mm is None:
        because = (
            f"growth of the {what} is judged on the mean diameter, and one exam has only a volume "
            "(or no measurement): diameter and volume are not compared"
        )
        raise Refusal("diameter_missing_for_growth", f"{path}.prior.size", because)
    increase = now.mean_mm - before.mean_mm
    growing = _is_growth(increase, interval, path)
    notes.say(
        "LR22.growth", _GROWTH_WORDS[growing], f"{TABLE}, growth > 1.5 mm within 12 months",
        what=what, now=f"{now.mean_mm} mm", before=f"{before.mean_mm} mm",
        increase=f"{increase} mm", interval=interval.text if interval else None,
    )  # fmt: skip
    if growing is None:
        notes.ask(
            "D2",
            f"the {what} changed by {increase} mm in more than 12 months: more than "
            "1.5 mm in any 12 of them is not decidable; read as growing",
        )
    _ask_on_tie(now, before, interval, growing, notes)
    return Change(increase, growing, interval)


_GROWTH_WORDS = {True: "growing", False: "not growing", None: "not decidable (D2)"}


def _is_growth(increase: Decimal, interval: Interval | None, path: str = "") -> bool | None:
    if increase <= GROWTH_MM:
        return False
    if interval is None:
        raise missing(f"{path}.prior.interval", "the interval to the prior exam")
    if increase > GROWTH_MM * interval.windows_of_12_months:
        return True
    return None


def _ask_on_tie(
    now: Measured, before: Measured, interval: Interval | None, growing: bool | None, notes: Notes
) -> None:
    """D20: would the other way to round a tie change the verdict?"""
    assert now.mean_mm is not None and before.mean_mm is not None
    for low_now in (Decimal(0), TENTH if now.tie else Decimal(0)):
        for low_before in (Decimal(0), TENTH if before.tie else Decimal(0)):
            other = (now.mean_mm - low_now) - (before.mean_mm - low_before)
            if interval is not None and _is_growth(other, interval) is not growing:
                notes.ask("D20", "growth depends on how the tie in the mean diameter is rounded")
                return


def crossing(table: tuple[Row, ...], now: Row, before: Row) -> bool:
    """True when the nodule reaches a higher size class of the (baseline) table than before."""
    return table.index(now) > table.index(before)


def step_down(finding: Finding, change: Change, base: Row, notes: Notes) -> LungRads:
    """Category of a stable or decreased nodule that crossed no threshold.

    Parameters
    ----------
    finding : Finding
        With its prior category; without one there is no step-down.
    change : Change
        Not growing.
    base : Row
        Its row by size.
    """
    assert finding.prior is not None
    prior = finding.prior.category
    if prior is None:
        notes.ask("prior_category", "the prior category is not stated: no step-down, row by size")
        return base.category
    if base.category is LungRads.C4B and prior in (*STEP_DOWN, LungRads.C2):
        notes.ask(
            "prior_category",
            f"prior category {prior.value} does not fit a stable nodule of 4B size: no step-down",
        )
        return base.category
    if prior in STEP_DOWN:
        return _timed_step(prior, STEP_DOWN[prior], change.interval, base, notes)
    if prior is LungRads.C2 and rank_of(base) > RANK[LungRads.C2]:
        notes.ask("D17", "stable, and graded 2 before although its size row is higher: stays 2")
        notes.say("product.stays_2", "2", f"{TABLE}, silent at later rounds (D17)", prior="2")
        return LungRads.C2
    return base.category


def _timed_step(
    prior: LungRads, step: StepDown, interval: Interval | None, base: Row, notes: Notes
) -> LungRads:
    months, slack = step.months, STEP_DOWN_TOLERANCE_DAYS
    if interval is None or not interval.reaches(months, slack):
        kept = max(prior, base.category, key=lambda category: RANK[category])
        why = "interval not stated" if interval is None else f"only {interval.text}"
        notes.ask("D18", f"no step-down before {months} months ({why}): category {kept.value} kept")
        notes.say(
            "product.step_down_too_early",
            kept.value,
            OURS,
            prior=prior.value,
            interval=interval.text if interval else None,
        )
        return kept
    if not interval.within(months, slack):
        notes.ask("D18", f"step-down at {interval.text}, later than the {months}-month CT")
    notes.say(
        step.rule_id,
        step.category.value,
        f"{TABLE}, {step.source_row}",
        prior=prior.value,
        interval=interval.text,
    )
    return step.category
