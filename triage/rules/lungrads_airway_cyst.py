"""Lung-RADS v2022: category of one airway finding or one atypical pulmonary cyst."""

from __future__ import annotations

from decimal import Decimal

from triage.rules.inputs import Cyst, Exam, Finding
from triage.rules.lungrads_growth import Change, interval_of, step_down
from triage.rules.lungrads_tables import (
    AIRWAY,
    AIRWAY_SECRETIONS,
    GE8,
    MULTI_CHANGE,
    MULTI_FIRST,
    RANK,
    TABLE,
    THICK_CHANGE,
    THICK_FIRST,
    ChangeRow,
    Grade,
    Row,
)
from triage.rules.result import Notes, Refusal, missing
from triage.rules.sizes import measure
from triage.rules.words import (
    AirwayChange,
    AirwayLevel,
    CystChange,
    CystWall,
    FindingStatus,
    Locularity,
    LungRads,
)


def grade_airway(finding: Finding, exam: Exam, path: str, notes: Notes) -> Grade:
    """Category of an airway finding; it never steps down, it goes up to 4B when it stays.

    Raises
    ------
    Refusal
        ``missing`` airway level, status, or (subsegmental at follow-up) change.
    """
    airway = finding.airway
    if airway is None or airway.level is None:
        raise missing(f"{path}.airway.level", "the airway level")
    size = measure(finding.size, f"{path}.size") if finding.size else None
    ge8 = size is not None and any(GE8.holds(point) for point in size.points)
    if airway.air_favours_secretions:
        row = AIRWAY_SECRETIONS
    else:
        row = _airway_row(finding, airway.level, airway.change, path)
    _note(
        row,
        notes,
        level=airway.level.value,
        status=finding.status and finding.status.value,
        change=airway.change and airway.change.value,
        air_favours_secretions=airway.air_favours_secretions,
    )
    return Grade(notes.finding or path, row.category, measured=size, solid_ge8=ge8)


def _airway_row(
    finding: Finding, level: AirwayLevel, change: AirwayChange | None, path: str
) -> ChangeRow:
    if finding.status is None:
        raise missing(f"{path}.status", "the status (baseline, new, existing)")
    proximal = level is not AirwayLevel.SUBSEGMENTAL
    asked = change if finding.status is FindingStatus.EXISTING else None
    row = AIRWAY.get((proximal, finding.status, asked))
    if row is None:
        raise missing(f"{path}.airway.change", "the change of the airway nodule")
    return row


def _note(row: ChangeRow, notes: Notes, **inputs: object) -> None:
    notes.say(row.rule_id, row.category.value, f"{TABLE}, {row.source_row}", **inputs)
    if row.ask:
        notes.ask(row.ask, row.source_row)


def grade_cyst(finding: Finding, exam: Exam, path: str, notes: Notes) -> Grade:
    """Category of a cyst, or None for the kinds of cyst that Lung-RADS does not classify.

    Raises
    ------
    Refusal
        ``missing`` locularity, wall, status or changes; ``cyst_contradicts``.
    """
    cyst = finding.cyst or Cyst()
    name = notes.finding or path
    if cyst.fluid_containing or cyst.multiple_cysts:
        return _not_classified(name, notes, "fluid-containing or multiple cysts")
    if cyst.locularity is None:
        raise missing(f"{path}.cyst.locularity", "the locularity of the cyst")
    several = cyst.locularity is Locularity.MULTILOCULAR
    if not several and cyst.wall is None:
        raise missing(f"{path}.cyst.wall", "the wall of the cyst")
    changes = _changes(finding, cyst, path)
    if not several and cyst.wall is CystWall.THIN:
        if changes:
            notes.ask("cyst_thin_changed", "thin-walled cyst that changes: no row")
        return _not_classified(name, notes, "thin-walled cyst")
    first, by_change = (MULTI_FIRST, MULTI_CHANGE) if several else (THICK_FIRST, THICK_CHANGE)
    if changes:
        return Grade(name, _worst(changes, by_change, path, notes), growth=_grows(changes))
    if finding.status is FindingStatus.EXISTING:
        return Grade(name, _stable_cyst(finding, exam, path, first, notes), growth=False)
    _note(first, notes, locularity=cyst.locularity.value, wall=cyst.wall and cyst.wall.value)
    return Grade(name, first.category)


def _not_classified(name: str, notes: Notes, what: str) -> Grade:
    notes.say("LR22.cyst.not_classified", "not classified", f"{TABLE}, note on cysts", cyst=what)
    return Grade(name, None)


def _changes(finding: Finding, cyst: Cyst, path: str) -> list[CystChange]:
    """What changed; asked for only at follow-up."""
    if finding.status is None:
        raise missing(f"{path}.status", "the status (baseline, new, existing)")
    if finding.status is FindingStatus.EXISTING:
        if cyst.changes is None:
            raise missing(f"{path}.cyst.changes", "the change of the cyst (empty list: no change)")
        return cyst.changes
    if cyst.changes:
        because = f"changes of the cyst contradict the status {finding.status.value}"
        raise Refusal("cyst_contradicts", f"{path}.cyst.changes", because)
    return []


def _worst(
    changes: list[CystChange], rows: dict[CystChange, ChangeRow], path: str, notes: Notes
) -> LungRads:
    unfit = [change.value for change in changes if change not in rows]
    if unfit:
        because = f"the cyst change {unfit[0]} contradicts a unilocular cyst"
        raise Refusal("cyst_contradicts", f"{path}.cyst.changes", because)
    for change in sorted(changes):
        _note(rows[change], notes, change=change.value)
    return max((rows[change].category for change in changes), key=lambda category: RANK[category])


def _grows(changes: list[CystChange]) -> bool:
    return any("growing" in change.value for change in changes)


def _stable_cyst(
    finding: Finding, exam: Exam, path: str, first: ChangeRow, notes: Notes
) -> LungRads:
    """No change: 4A stays, or steps down like a nodule (D18: only airway is excluded)."""
    _note(first, notes, change="none")
    base = Row(first.rule_id, first.source_row, None, first.category)
    if finding.prior is None:
        notes.ask("prior_category", "the prior category is not stated: no step-down")
        return first.category
    interval = interval_of(finding.prior, exam, path)
    category = step_down(finding, Change(Decimal(0), False, interval), base, notes)
    if category is not first.category:
        notes.ask("D18", "step-down of a cyst: the row excludes only airway findings")
    return category
