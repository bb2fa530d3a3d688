"""Lung-RADS v2022: category of one solid, part-solid, ground-glass or cavitary nodule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from triage.rules.inputs import Exam, Finding, Prior
from triage.rules.lungrads_growth import Change, crossing, interval_of, judge, step_down
from triage.rules.lungrads_tables import (
    GE8,
    GROUND_GLASS,
    GROUND_GLASS_STABLE,
    JUXTAPLEURAL,
    JUXTAPLEURAL_SHAPES,
    OURS,
    PART_SOLID_BASELINE,
    PART_SOLID_COMPONENT,
    PART_SOLID_NEW,
    SLOW_GROWTH,
    SOLID_BASELINE,
    SOLID_GROWING,
    SOLID_NEW,
    STEP_DOWN,
    TABLE,
    Grade,
    Row,
    rank_of,
    rows_for,
)
from triage.rules.quantity import TENTH
from triage.rules.result import Notes, missing
from triage.rules.sizes import Measured, Point, is_zero, measure
from triage.rules.words import FindingStatus, Kind, Margin, NoduleType

TEN_MM = Decimal(10)
SIX_MM = Decimal(6)
ONE_MM = Decimal(1)


@dataclass(frozen=True, slots=True)
class Case:
    """One nodule with what every step needs.

    Attributes
    ----------
    finding : Finding
    exam : Exam
    path : str
        ``findings[0]``.
    total : Measured
    component : Measured or None
        Of the solid part of a part-solid nodule, None when not stated.
    notes : Notes
    """

    finding: Finding
    exam: Exam
    path: str
    total: Measured
    component: Measured | None
    notes: Notes

    def row(self, table: tuple[Row, ...], note: bool = True) -> Row:
        """The table's row for the present size."""
        component = self.component if self.finding.type is NoduleType.PART_SOLID else None
        return choose(table, self.total, component, self.path, self.notes if note else None)

    def prior(self) -> Prior:
        """The prior with a size, or the refusal "prior"."""
        prior = self.finding.prior
        if prior is None or prior.size is None:
            raise missing(f"{self.path}.prior", "the prior size of an existing nodule")
        return prior

    def change(self) -> Change:
        """Growth of the whole nodule."""
        prior = self.prior()
        assert prior.size is not None
        before = measure(prior.size, f"{self.path}.prior.size", "prior size")
        interval = interval_of(prior, self.exam, self.path)
        return judge(self.total, before, interval, self.notes, path=self.path)


def grade_nodule(finding: Finding, exam: Exam, path: str, notes: Notes) -> Grade:
    """Category of one nodule, before 4X.

    Raises
    ------
    Refusal
        Naming the first input that is missing where it can change the answer.
    """
    solid = finding.kind is Kind.CAVITARY
    kind = NoduleType.SOLID if solid else finding.type
    if kind is None:
        raise missing(f"{path}.type", "the type of the nodule (solid, part-solid, ground glass)")
    if finding.status is None:
        raise missing(f"{path}.status", "the status (baseline, new, existing)")
    if finding.size is None:
        raise missing(f"{path}.size", "the size")
    total = measure(finding.size, f"{path}.size")
    part = finding.solid_component if kind is NoduleType.PART_SOLID else None
    what = "solid component size"
    component = measure(part, f"{path}.solid_component", what) if part else None
    case = Case(finding, exam, path, total, component, notes)
    _plausible(case)
    row, growth = _ROUTES[kind, finding.status](case)
    core = component if kind is NoduleType.PART_SOLID else total
    solid_ge8 = kind is not NoduleType.GROUND_GLASS and bool(core) and _any_in_ge8(core)
    return Grade(notes.finding or path, row.category, row.size_class, total, growth, solid_ge8)


def _any_in_ge8(measured: Measured | None) -> bool:
    return measured is not None and any(GE8.holds(point) for point in measured.points)


def _plausible(case: Case) -> None:
    if case.total.mean_mm is not None and case.total.mean_mm < ONE_MM:
        case.notes.ask("size_below_1_mm", f"a nodule of {case.total.text}: cm typed as mm?")
    if case.finding.status is FindingStatus.BASELINE and case.exam.prior_ct == "available":
        case.notes.ask("baseline_with_prior", "called baseline, and a prior chest CT is available")


def choose(
    table: tuple[Row, ...],
    total: Measured,
    component: Measured | None,
    path: str,
    notes: Notes | None = None,
) -> Row:
    """The row that holds the size; diameter and volume in different rows: the higher one (D5).

    Parameters
    ----------
    table : tuple of Row
        In rising order.
    total, component : Measured
        Component None: not stated, refused when a matching row asks for it.
    path : str
        For the refusal.
    notes : Notes or None
        None: look, and write nothing.

    Raises
    ------
    Refusal
        ``missing`` solid component.
    """
    parts: tuple[Point | None, ...] = component.points if component else (None,)
    found = [rows_for(table, *pair) for pair in product(total.points, parts)]
    if component is None and any(row.component for rows in found for row in rows):
        raise missing(f"{path}.solid_component", "the solid component size of a part-solid nodule")
    rows = [row for hits in found for row in hits]
    best = max(rows, key=lambda row: (rank_of(row), table.index(row)))
    if notes is None:
        return best
    if len(set(rows)) > 1:
        notes.ask("D5", "diameter and volume lie in different size classes: the higher one is used")
    elif best is not _without_tie(table, total, component):
        notes.ask("D20", "the size class depends on how the tie in the mean diameter is rounded")
    notes.say(
        best.rule_id,
        best.category.value,
        f"{TABLE}, {best.source_row}",
        size=total.text,
        solid_component=component.text if component else "not needed",
    )
    return best


def _without_tie(table: tuple[Row, ...], total: Measured, component: Measured | None) -> Row:
    """The row if exact ties were rounded down."""
    parts: tuple[Point | None, ...] = _low_points(component) if component else (None,)
    pairs = product(_low_points(total), parts)
    rows = [row for whole, part in pairs for row in rows_for(table, whole, part)]
    return max(rows, key=lambda row: (rank_of(row), table.index(row)))


def _low_points(measured: Measured) -> tuple[Point, ...]:
    low = TENTH if measured.tie else Decimal(0)
    return tuple(Point(p.value - low, p.unit) if p.unit == "mm" else p for p in measured.points)


Routed = tuple[Row, bool | None]


def _solid_first(table: tuple[Row, ...]) -> Callable[[Case], Routed]:
    def route(case: Case) -> Routed:
        if _is_juxtapleural(case):
            return JUXTAPLEURAL, None
        return case.row(table), None

    return route


def _looks_juxtapleural(finding: Finding) -> bool:
    """Shape and margin of the juxtapleural row, whatever the size."""
    typical = finding.juxtapleural_shape in JUXTAPLEURAL_SHAPES
    return typical and finding.margin is Margin.SMOOTH and finding.kind is not Kind.CAVITARY


def _is_juxtapleural(case: Case) -> bool:
    """The juxtapleural row, all of: solid, < 10 mm, smooth, oval / lentiform / triangular."""
    finding, notes = case.finding, case.notes
    if finding.juxtapleural_shape is None:
        return False
    looks, small = _looks_juxtapleural(finding), _below_10(case.total)
    if looks and case.total.mean_mm == TEN_MM:
        notes.ask("D11", "juxtapleural of exactly 10.0 mm: the row is read as < 10 mm")
    notes.say(
        JUXTAPLEURAL.rule_id,
        "2" if looks and small else "not met: solid rows",
        f"{TABLE}, {JUXTAPLEURAL.source_row}",
        size=case.total.text,
        shape=finding.juxtapleural_shape.value,
        margin=finding.margin.value if finding.margin else None,
    )
    return looks and small


def _below_10(total: Measured) -> bool:
    return all(JUXTAPLEURAL.total.holds(point) for point in total.points)


def _left_juxtapleural(case: Case) -> bool:
    """It was below 10 mm and is not now: a threshold is crossed, graded by the solid rows."""
    prior = case.prior()
    assert prior.size is not None
    before = measure(prior.size, f"{case.path}.prior.size", "prior size")
    left = _looks_juxtapleural(case.finding) and _below_10(before)
    if left:
        case.notes.ask("D21", "juxtapleural nodule that reached 10 mm without growth: solid rows")
    return left


def _solid_existing(case: Case) -> Routed:
    change = case.change()
    if case.finding.slow_growth:
        return _slow(case, change), change.growing
    juxtapleural = _is_juxtapleural(case)
    if juxtapleural:
        case.notes.ask("D21", "juxtapleural at follow-up: the row lists baseline and new only")
    if change.may_grow or _became_solid(case):
        return case.row(SOLID_GROWING), change.growing
    if juxtapleural:
        return JUXTAPLEURAL, False
    if _left_juxtapleural(case):
        return case.row(SOLID_BASELINE), False
    return _settled(case, SOLID_BASELINE, change), False


def _became_solid(case: Case) -> bool:
    """Solid now and subsolid before: no row, read like growth."""
    before = case.finding.prior.type if case.finding.prior else None
    became = before in (NoduleType.GROUND_GLASS, NoduleType.PART_SOLID)
    if became:
        case.notes.ask("became_solid", f"solid now, {before} before: no row, read as growing")
    return became


def _slow(case: Case, change: Change | None) -> Row:
    """Slow growth over several exams, as the radiologist states it: 4B (note 8)."""
    mean = case.total.mean_mm
    if mean is not None and mean < SIX_MM:
        case.notes.ask("D8", "slow growth below 6 mm: the 4B row names no size")
    if change and change.may_grow:
        case.notes.ask("slow_growth", "called slow, and grew by more than 1.5 mm since the prior")
    source = f"{TABLE}, {SLOW_GROWTH.source_row}"
    case.notes.say(SLOW_GROWTH.rule_id, "4B", source, slow_growth="stated by the radiologist")
    return SLOW_GROWTH


def _settled(case: Case, table: tuple[Row, ...], change: Change) -> Row:
    """Not growing: threshold crossing, then step-down, then the row by size."""
    now = case.row(table)
    before = _row_before(case, table)
    if crossing(table, now, before):
        source = f"{TABLE}, note on threshold crossing; precedence: {OURS}"
        case.notes.say(
            "LR22.threshold_crossing",
            now.category.value,
            source,
            before=before.size_class,
            now=now.size_class,
        )
        return now
    category = step_down(case.finding, change, now, case.notes)
    return Row(now.rule_id, now.source_row, now.size_class, category)


def _row_before(case: Case, table: tuple[Row, ...]) -> Row:
    prior, path = case.prior(), f"{case.path}.prior"
    assert prior.size is not None
    total = measure(prior.size, f"{path}.size", "prior size")
    component = None
    if prior.solid_component and case.finding.type is NoduleType.PART_SOLID:
        component = measure(
            prior.solid_component, f"{path}.solid_component", "prior solid component"
        )
    return choose(table, total, component, path)


def _part_solid_new(case: Case) -> Routed:
    row = case.row(PART_SOLID_NEW)
    on_any_reading = _any_in_ge8(case.component) or row is PART_SOLID_NEW[0]
    if not on_any_reading:
        case.notes.ask("D3", "new part-solid >= 6 mm: read as a new solid component (4A / 4B)")
    return row, None


def _part_solid_existing(case: Case) -> Routed:
    prior = case.prior()
    change = case.change()
    if case.finding.slow_growth:
        return _slow(case, change), change.growing
    if case.component is None:
        raise missing(f"{case.path}.solid_component", "the solid component size")
    if _component_is_new(case, prior) or _component_change(case, prior).may_grow:
        return case.row(PART_SOLID_COMPONENT), change.growing
    if change.may_grow:
        case.notes.ask("D15", "the whole nodule grows, its solid component does not: row by size")
        return case.row(PART_SOLID_BASELINE), change.growing
    return _settled(case, PART_SOLID_BASELINE, change), change.growing


def _component_is_new(case: Case, prior: Prior) -> bool:
    part = prior.solid_component
    none_before = part is not None and is_zero(part)
    new = prior.type is NoduleType.GROUND_GLASS or none_before
    if new:
        before = "no solid component" if none_before else NoduleType.GROUND_GLASS.value
        case.notes.say(
            "LR22.part_solid_component",
            "the solid component is new",
            f"{TABLE}, note 7",
            before=before,
        )
    return new


def _component_change(case: Case, prior: Prior) -> Change:
    path = f"{case.path}.prior.solid_component"
    if prior.solid_component is None:
        raise missing(path, "the prior size of the solid component")
    assert case.component is not None
    before = measure(prior.solid_component, path, "prior solid component size")
    interval = interval_of(prior, case.exam, case.path)
    return judge(
        case.component, before, interval, case.notes, path=case.path, what="solid component"
    )


def _ground_glass_first(case: Case) -> Routed:
    return case.row(GROUND_GLASS), None


def _ground_glass_existing(case: Case) -> Routed:
    small = case.row(GROUND_GLASS, note=False) is GROUND_GLASS[0]
    prior = case.finding.prior.category if case.finding.prior else None
    if small and prior not in STEP_DOWN:
        if prior is None:
            case.notes.ask("prior_category", "the prior category is not stated: no step-down")
        outcome = "below 30 mm growth changes nothing"
        case.notes.say("product.not_needed", outcome, OURS, growth="not needed")
        return case.row(GROUND_GLASS), None
    change = case.change()
    if small:
        return _ground_glass_small(case, change), change.growing
    if case.finding.slow_growth:
        return case.row(GROUND_GLASS_STABLE), change.growing
    if change.may_grow:
        case.notes.ask("D4", "GGN >= 30 mm that grows faster than slowly: no row; read as 3")
        return case.row(GROUND_GLASS), change.growing
    if crossing(GROUND_GLASS, GROUND_GLASS[1], _row_before(case, GROUND_GLASS)):
        return case.row(GROUND_GLASS), False
    return _settled(case, GROUND_GLASS_STABLE, change), False


def _ground_glass_small(case: Case, change: Change) -> Row:
    """Below 30 mm with a prior category 3 or 4A (it was larger, or part-solid)."""
    return case.row(GROUND_GLASS) if change.may_grow else _settled(case, GROUND_GLASS, change)


_PART, _GGN = NoduleType.PART_SOLID, NoduleType.GROUND_GLASS
_BASELINE, _NEW, _EXISTING = FindingStatus.BASELINE, FindingStatus.NEW, FindingStatus.EXISTING
_ROUTES: dict[tuple[NoduleType, FindingStatus], Callable[[Case], Routed]] = {
    (NoduleType.SOLID, _BASELINE): _solid_first(SOLID_BASELINE),
    (NoduleType.SOLID, _NEW): _solid_first(SOLID_NEW),
    (NoduleType.SOLID, _EXISTING): _solid_existing,
    (_PART, _BASELINE): lambda case: (case.row(PART_SOLID_BASELINE), None),
    (_PART, _NEW): _part_solid_new,
    (_PART, _EXISTING): _part_solid_existing,
    (_GGN, _BASELINE): _ground_glass_first,
    (_GGN, _NEW): _ground_glass_first,
    (_GGN, _EXISTING): _ground_glass_existing,
}
