"""The result contract of every guideline, its trace, its refusals.

``category`` is null unless ``status`` is ``ok``: a result that refuses carries reasons, never a
number that could be mistaken for an answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from enum import StrEnum

from triage.core.work import Json

Months = tuple[int, int]


class ResultStatus(StrEnum):
    """Whether there is an answer."""

    OK = "ok"
    CANNOT_CATEGORISE = "cannot_categorise"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why there is no category.

    Attributes
    ----------
    code : str
        Stable: ``missing``, ``unit_missing``, ``short_axis_longer`` ...
    field : str
        Path of the input: ``findings[0].size.short``.
    message : str
        "cannot categorise, because X" or "not applicable, because X".
    """

    code: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One rule that was looked at.

    Attributes
    ----------
    rule_id : str
        ``LR22.solid_baseline.3``; ``product.*`` where the rule is ours, not the guideline's.
    inputs : dict of str to str
        What it used, with units.
    outcome : str
        What it said.
    source_row : str
        Edition, table and row.
    finding : str or None
        The finding it spoke of; None for the exam.
    """

    rule_id: str
    inputs: dict[str, str]
    outcome: str
    source_row: str
    finding: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewPoint:
    """A point a radiologist has to look at: `code` is D1..D21 of docs/rules.md, or a word."""

    code: str
    message: str
    finding: str | None = None


class Refusal(Exception):
    """A finding or an exam that cannot be graded; caught inside this room.

    Parameters
    ----------
    code, field : str
        As in `Reason`.
    because : str
        The X of "cannot categorise, because X".
    """

    def __init__(self, code: str, field: str, because: str) -> None:
        super().__init__(because)
        self.reason = Reason(code, field, f"cannot categorise, because {because}")


def missing(field: str, what: str) -> Refusal:
    """The refusal for an input that was not given; `what` is its name in words."""
    return Refusal("missing", field, f"{what} is missing")


@dataclass(slots=True)
class Notes:
    """Collects the trace and the points for review while a finding or an exam is graded."""

    finding: str | None = None
    trace: list[TraceLine] = field(default_factory=list)
    review: list[ReviewPoint] = field(default_factory=list)

    def say(self, rule_id: str, outcome: str, source_row: str, **inputs: object) -> None:
        """Add a trace line; inputs that are None are written as "not stated"."""
        shown = {k: "not stated" if v is None else str(v) for k, v in inputs.items()}
        self.trace.append(TraceLine(rule_id, shown, outcome, source_row, self.finding))

    def ask(self, code: str, message: str) -> None:
        """Add a point for review."""
        self.review.append(ReviewPoint(code, message, self.finding))


@dataclass(frozen=True, slots=True)
class Result:
    """What a guideline says of one exam (or, for growth, of one nodule on two exams).

    Attributes
    ----------
    guideline : str
        Name and edition; printed in every report.
    status : ResultStatus
    category : str or None
        Null unless `status` is ``ok``.
    category_printed : str or None
        With the S modifier: ``4AS``.
    size_class : str or None
    next_ct_months, later_ct_months : pair of int or None
        [min, max], counted from the date of the exam that was read.
    next_ct_optional, later_ct_optional : bool or None
        True where the guideline says "consider".
    management : str or None
    s_modifier : bool or None
        None: not stated.
    dominant_finding : str or None
        Id of the finding with the highest category.
    mean_diameter_mm, volume_mm3, percent_change, vdt_days : Decimal or None
        mm to 0.1; whole mm3; percent to 0.1; whole days.
    volume_source : str or None
        ``segmented`` or ``diameter_derived``; the two are never mixed.
    growth, pet_ct_option, caution : bool or None
        None: not asked, or (growth) not decidable, or (caution) not stated.
    vdt_class, trend : str or None
    at_least : str or None
        With ``cannot_categorise``: the highest category among the findings that could be graded.
    needs_review : bool
    review : tuple of ReviewPoint
    trace : tuple of TraceLine
    reasons : tuple of Reason
    findings : tuple of dict
        Per finding: id, category, size_class, mean_diameter_mm, growth.
    """

    guideline: str
    status: ResultStatus
    category: str | None = None
    category_printed: str | None = None
    size_class: str | None = None
    next_ct_months: Months | None = None
    next_ct_optional: bool | None = None
    later_ct_months: Months | None = None
    later_ct_optional: bool | None = None
    management: str | None = None
    s_modifier: bool | None = None
    dominant_finding: str | None = None
    mean_diameter_mm: Decimal | None = None
    volume_mm3: Decimal | None = None
    volume_source: str | None = None
    growth: bool | None = None
    percent_change: Decimal | None = None
    vdt_days: Decimal | None = None
    vdt_class: str | None = None
    trend: str | None = None
    pet_ct_option: bool | None = None
    caution: bool | None = None
    at_least: str | None = None
    needs_review: bool = False
    review: tuple[ReviewPoint, ...] = ()
    trace: tuple[TraceLine, ...] = ()
    reasons: tuple[Reason, ...] = ()
    findings: tuple[dict[str, Json], ...] = ()

    def __post_init__(self) -> None:
        if self.category is not None and self.status is not ResultStatus.OK:
            raise ValueError("a category without status ok")

    def as_json(self) -> dict[str, Json]:
        """The result as plain JSON values (Decimals as numbers, pairs as lists)."""
        return {f.name: plain(getattr(self, f.name)) for f in fields(self)}


def plain(value: object) -> Json:
    """Any value of a result as plain JSON: Decimals as numbers, rows as objects."""
    if isinstance(value, Decimal):
        return (
            int(value)
            if value == value.to_integral_value() and value.as_tuple().exponent == 0
            else float(value)
        )
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Reason | TraceLine | ReviewPoint):
        return plain(asdict(value))
    assert value is None or isinstance(value, bool | int | float | str)
    return value


def refused(guideline: str, reasons: Iterable[Reason], notes: Notes | None = None) -> Result:
    """The answer "cannot categorise", with every reason."""
    trace = tuple(notes.trace) if notes else ()
    status = ResultStatus.CANNOT_CATEGORISE
    return Result(guideline, status, reasons=tuple(reasons), trace=trace)


def not_applicable(guideline: str, reasons: Iterable[Reason]) -> Result:
    """The answer "this guideline is not for this exam", with every reason."""
    return Result(guideline, ResultStatus.NOT_APPLICABLE, reasons=tuple(reasons))
