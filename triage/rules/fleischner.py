"""Fleischner Society 2017 recommendations for incidental pulmonary nodules on CT.

MacMahon et al., Radiology 2017;284:228-243, Table 1; measurement after Bankier et al. 2017. For
people of 35 years and older without known cancer or immunosuppression, outside screening.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from triage.core.work import Json
from triage.rules.checks import contradictions, name_of
from triage.rules.exam import Needed, answer, unanswered
from triage.rules.fleischner_nodule import Nodule, place, whole_mm
from triage.rules.fleischner_tables import (
    BENIGN,
    CELLS,
    EDITION,
    MIN_AGE_YEARS,
    TABLE,
    THICK_SLICE_MM,
    Cell,
)
from triage.rules.inputs import Exam, Finding, Reading
from triage.rules.result import (
    Notes,
    Reason,
    Refusal,
    Result,
    ResultStatus,
    missing,
    not_applicable,
    refused,
)
from triage.rules.words import FindingStatus, NoduleType, Purpose, Risk

_NEEDED: Needed = (
    ("exam", "purpose", "the exam purpose"),
    ("patient", "age_years", "the age"),
    ("patient", "known_cancer", "whether there is a known cancer"),
    ("patient", "immunosuppressed", "whether the patient is immunosuppressed"),
)


def fleischner2017(payload: Mapping[str, object]) -> dict[str, Json]:
    """Fleischner 2017 of one exam: JSON in, the result contract out.

    Parameters
    ----------
    payload : mapping
        ``{"exam": {...}, "patient": {...}, "findings": [...]}`` (`Reading`).

    Returns
    -------
    dict
        The result contract; ``category`` is a row id such as ``solid_single_6to8``.

    Raises
    ------
    Unprocessable
        The payload is not a JSON object.
    """
    return answer(payload, EDITION, _excluded, categorise)


def categorise(reading: Reading) -> Result:
    """Fleischner 2017 of one typed exam.

    Parameters
    ----------
    reading : Reading

    Returns
    -------
    Result
    """
    excluded = _excluded({"exam": dict(reading.exam), "patient": dict(reading.patient)})
    if excluded:
        return not_applicable(EDITION, excluded)
    findings = reading.findings or []
    reasons = unanswered(reading, _NEEDED) + _one_most_suspicious(findings)
    if reasons:
        return refused(EDITION, reasons)
    counted = [f for f in findings if f.status is not FindingStatus.RESOLVED]
    if not counted:
        words = "not applicable, because there is no nodule: the table is for nodules"
        return not_applicable(EDITION, [Reason("no_nodule", "findings", words)])
    return _graded(reading, findings)


def _excluded(payload: Mapping[str, object]) -> list[Reason]:
    """Every reason why the guideline is not for this patient or exam."""
    exam, patient = payload.get("exam"), payload.get("patient")
    e = exam if isinstance(exam, Mapping) else {}
    p = patient if isinstance(patient, Mapping) else {}
    age = p.get("age_years")
    young = isinstance(age, int) and not isinstance(age, bool) and 0 <= age < MIN_AGE_YEARS
    cancer = p.get("known_cancer") is True or e.get("known_lung_cancer") is True
    table = (
        (e.get("purpose") in (Purpose.SCREENING_LDCT, Purpose.OTHER), "not_incidental",
         "exam.purpose", "the exam purpose is not an incidental finding"),
        (young, "age_below_35", "patient.age_years", f"the age is below {MIN_AGE_YEARS} years"),
        (cancer, "known_cancer", "patient.known_cancer", "there is a known cancer"),
        (p.get("immunosuppressed") is True, "immunosuppressed", "patient.immunosuppressed",
         "the patient is immunosuppressed"),
    )  # fmt: skip
    return [
        Reason(code, field, f"not applicable, because {because}")
        for holds, code, field, because in table
        if holds
    ]


def _one_most_suspicious(findings: Sequence[Finding]) -> list[Reason]:
    if sum(finding.most_suspicious is True for finding in findings) <= 1:
        return []
    because = "more than one finding is called the most suspicious"
    return [Refusal("most_suspicious_twice", "findings", because).reason]


def _graded(reading: Reading, findings: Sequence[Finding]) -> Result:
    reasons: list[Reason] = []
    nodules: list[Nodule] = []
    notes = Notes()
    for index, finding in enumerate(findings):
        own, path = Notes(name_of(finding, index)), f"findings[{index}]"
        wrong = contradictions(finding, reading.exam, path)
        reasons += wrong
        try:
            nodule = None if wrong else place(finding, path, own)
        except Refusal as refusal:
            reasons.append(refusal.reason)
            nodule = None
        nodules += [nodule] if nodule else []
        notes.trace += own.trace
        notes.review += own.review
    if reasons:
        return refused(EDITION, reasons, notes)
    try:
        return _combined(reading, nodules, notes)
    except Refusal as refusal:
        return refused(EDITION, [refusal.reason], notes)


def _combined(reading: Reading, nodules: Sequence[Nodule], notes: Notes) -> Result:
    caution = _caution(reading.exam, notes)
    if not nodules:
        return _result("benign_no_follow_up", BENIGN, notes, caution, None)
    flagged = next((n for n in nodules if n.finding.most_suspicious), None)
    category, group = _row_of(nodules, flagged, notes)
    cell = _cell(category, reading.patient.risk)
    risk = reading.patient.risk.value if reading.patient.risk else None
    notes.say(
        f"F17.{category}",
        cell.management,
        f"{TABLE}, {cell.source_row}",
        nodules=len(nodules),
        risk="not needed" if None in CELLS[category] else risk,
    )
    return _result(category, cell, notes, caution, flagged or _largest(group))


def _largest(nodules: Sequence[Nodule]) -> Nodule:
    """Highest column, then largest; the id only settles ties, whatever the order."""
    return min(nodules, key=lambda n: (-n.order, -float(n.measured.exact_mean_mm or 0), n.name))


def _row_of(
    nodules: Sequence[Nodule], flagged: Nodule | None, notes: Notes
) -> tuple[str, Sequence[Nodule]]:
    """Row id, and the nodules it was chosen from."""
    solid, subsolid = [n for n in nodules if n.solid], [n for n in nodules if not n.solid]
    if not (solid and subsolid):
        group = solid or subsolid
        return _row_id(group, len(nodules), notes), group
    notes.ask("mixed", "solid and subsolid nodules together: the most suspicious one decides")
    if flagged:
        group = solid if flagged.solid else subsolid
        return _row_id(group, len(nodules), notes), group
    notes.ask("most_suspicious", "the most suspicious nodule is not stated: earliest CT is taken")
    both = [(_row_id(group, len(nodules), notes), group) for group in (solid, subsolid)]
    return min(both, key=lambda item: (_earliest(item[0]), -_largest(item[1]).order))


def _earliest(category: str) -> int:
    months = [cell.next_ct_months[0] for cell in CELLS[category].values() if cell.next_ct_months]
    return min(months, default=1000)


def _row_id(group: Sequence[Nodule], total: int, notes: Notes) -> str:
    top = _largest(group)
    name = top.column.name.replace("_to_", "to")
    number = "single" if total == 1 else "multiple"
    if top.solid:
        if number == "multiple" and name == "gt8":
            notes.ask("D12", "several solid nodules, the dominant one > 8 mm: row for multiple, or "
                             "the dominant one as a single nodule")  # fmt: skip
        return f"solid_{number}_{name}"
    if number == "multiple":
        return f"subsolid_multiple_{name}"
    texture = "part_solid" if top.finding.type is NoduleType.PART_SOLID else "ggn"
    return f"{texture}_single_{name}"


def _cell(category: str, risk: Risk | None) -> Cell:
    cells = CELLS[category]
    if None in cells:
        return cells[None]
    if risk is None:
        raise missing("patient.risk", "the risk (low or high), which selects the column,")
    return cells[risk]


def _caution(exam: Exam, notes: Notes) -> bool | None:
    thickness = exam.slice_thickness
    if thickness is None:
        return None
    thick = thickness.value > THICK_SLICE_MM
    notes.say("F17.thin_section", "caution" if thick else "thin section",
              "Fleischner 2017, <= 1.5 mm expected", slice_thickness=thickness.typed)  # fmt: skip
    if thick:
        notes.ask("thick_slices", f"slices of {thickness.typed}: characterisation is uncertain")
    return thick


def _result(
    category: str, cell: Cell, notes: Notes, caution: bool | None, dominant: Nodule | None
) -> Result:
    measured = dominant.measured if dominant else None
    volume = measured.volume_mm3 if measured else None
    return Result(
        EDITION,
        ResultStatus.OK,
        category=category,
        category_printed=category,
        size_class=dominant.column.name if dominant else None,
        next_ct_months=cell.next_ct_months,
        next_ct_optional=cell.next_optional,
        later_ct_months=cell.later_ct_months,
        later_ct_optional=cell.later_optional,
        management=cell.management,
        dominant_finding=dominant.name if dominant else None,
        mean_diameter_mm=whole_mm(measured) if measured else None,
        volume_mm3=volume,
        volume_source="segmented" if volume is not None else None,
        growth=dominant.growth if dominant else None,
        caution=caution,
        needs_review=bool(notes.review),
        review=tuple(notes.review),
        trace=tuple(notes.trace),
    )
