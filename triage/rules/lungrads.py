"""Lung-RADS v2022 (American College of Radiology, November 2022), screening LDCT only.

Order of evaluation (clinical rules 1.5): applicable? -> inputs valid? -> category 0 -> each
finding -> highest category -> S. The rows are literal in `lungrads_tables`; every row that spoke
is in the trace. "Lung-RADS" is a mark of the ACR; every report names the edition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from triage.core.work import Json
from triage.rules.checks import contradictions, name_of
from triage.rules.exam import Needed, answer, unanswered
from triage.rules.inputs import Exam, Finding, Reading
from triage.rules.lungrads_airway_cyst import grade_airway, grade_cyst
from triage.rules.lungrads_nodule import grade_nodule
from triage.rules.lungrads_tables import (
    BENIGN_CALCIFICATION,
    C4A,
    C4B,
    C4X,
    CALCIFIED,
    EDITION,
    FAT,
    MANAGEMENT,
    PROVEN_BENIGN,
    RANK,
    TABLE,
    ZERO_INFECTION,
    ZERO_LUNGS,
    ZERO_PRIOR,
    Grade,
    Management,
    Row,
    ZeroCause,
)
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
from triage.rules.words import FindingStatus, Kind, LungRads, NoduleType, PriorCt, Purpose

GRADERS: dict[Kind, Callable[[Finding, Exam, str, Notes], Grade]] = {
    Kind.NODULE: grade_nodule,
    Kind.CAVITARY: grade_nodule,
    Kind.AIRWAY: grade_airway,
    Kind.CYST: grade_cyst,
}
_NEEDED: Needed = (
    ("exam", "purpose", "the exam purpose"),
    ("exam", "prior_ct", "whether there is a prior CT"),
    ("exam", "lungs_fully_evaluable", "whether the lungs are fully evaluable"),
    ("exam", "inflammatory_infectious_suspected", "whether infection or inflammation is suspected"),
    ("exam", "known_lung_cancer", "whether there is a known lung cancer"),
)


@dataclass(frozen=True, slots=True)
class Graded:
    """One finding after grading: its grade, or the refusals."""

    finding: Finding
    notes: Notes
    grade: Grade | None
    reasons: tuple[Reason, ...] = ()


def lungrads2022(payload: Mapping[str, object]) -> dict[str, Json]:
    """Lung-RADS v2022 of one exam: JSON in, the result contract out.

    Parameters
    ----------
    payload : mapping
        ``{"exam": {...}, "findings": [...]}`` (`Reading`; docs/rules.md shows every field).

    Returns
    -------
    dict
        The result contract. Bad or missing input gives ``cannot_categorise`` with named fields.

    Raises
    ------
    Unprocessable
        The payload is not a JSON object.
    """
    return answer(payload, EDITION, _excluded, categorise)


def categorise(reading: Reading) -> Result:
    """Lung-RADS v2022 of one typed exam.

    Parameters
    ----------
    reading : Reading

    Returns
    -------
    Result
    """
    exam = reading.exam
    excluded = _excluded({"exam": dict(exam)})
    if excluded:
        return not_applicable(EDITION, excluded)
    reasons = unanswered(reading, _NEEDED)
    if reasons or reading.findings is None:
        return refused(EDITION, reasons)
    graded = [_grade(finding, exam, i) for i, finding in enumerate(reading.findings)]
    zero = _zero_cause(exam, graded)
    fatal = [r for g in graded for r in g.reasons if zero is None or r.code != "missing"]
    if fatal:
        return _incomplete(fatal, graded)
    return _zero(exam, zero, graded) if zero else _ok(exam, graded)


def _excluded(payload: Mapping[str, object]) -> list[Reason]:
    """Why Lung-RADS is not for this exam; looked at before anything else."""
    found, exam = [], payload.get("exam")
    values = exam if isinstance(exam, Mapping) else {}
    if values.get("purpose") in (Purpose.INCIDENTAL, Purpose.OTHER):
        words = "not applicable, because the exam purpose is not lung cancer screening with LDCT"
        found.append(Reason("not_screening", "exam.purpose", words))
    if values.get("known_lung_cancer") is True:
        words = "not applicable, because of a known lung cancer: this is no longer screening"
        found.append(Reason("known_lung_cancer", "exam.known_lung_cancer", words))
    return found


def _grade(finding: Finding, exam: Exam, index: int) -> Graded:
    path, notes = f"findings[{index}]", Notes(name_of(finding, index))
    wrong = contradictions(finding, exam, path)
    if wrong:
        return Graded(finding, notes, None, tuple(wrong))
    try:
        grade = _category(finding, exam, path, notes)
    except Refusal as refusal:
        return Graded(finding, notes, None, (refusal.reason,))
    return Graded(finding, notes, grade)


def _category(finding: Finding, exam: Exam, path: str, notes: Notes) -> Grade:
    """Benign -> proven benign -> by kind -> 4X; the order of clinical rules 1.5, step 4."""
    name = notes.finding or path
    if finding.status is FindingStatus.RESOLVED:
        notes.say("LR22.resolved", "no longer counts", f"{TABLE}, resolved", status="resolved")
        return Grade(name, None)
    settled = _benign(finding) or _proven_benign(finding, notes)
    if settled:
        source = f"{TABLE}, {settled.source_row}"
        calcification = finding.calcification.value if finding.calcification else None
        notes.say(
            settled.rule_id,
            settled.category.value,
            source,
            size="not needed",
            calcification=calcification,
            fat_containing=finding.fat_containing,
        )
        return Grade(name, settled.category)
    if finding.kind is None:
        raise missing(f"{path}.kind", "the kind of finding (type: nodule, cavitary, airway, cyst)")
    return _raise_to_4x(finding, GRADERS[finding.kind](finding, exam, path, notes), notes)


def _benign(finding: Finding) -> Row | None:
    if finding.calcification in BENIGN_CALCIFICATION:
        return CALCIFIED
    return FAT if finding.fat_containing else None


def _proven_benign(finding: Finding, notes: Notes) -> Row | None:
    prior = finding.prior
    if prior is None or not prior.proven_benign:
        return None
    if prior.category is C4B:
        return PROVEN_BENIGN
    if prior.category is C4X:
        notes.ask("proven_benign_4X", "proven benign after 4X: the row names 4B only")
        return PROVEN_BENIGN
    notes.ask("proven_benign", "proven benign counts for a prior 4B only: graded by the other rows")
    return None


def _raise_to_4x(finding: Finding, grade: Grade, notes: Notes) -> Grade:
    """4X only from 3, 4A or 4B; a category 1 or 2 nodule never becomes 4X."""
    if not finding.features or grade.category is None:
        return grade
    names = ", ".join(sorted({feature.value for feature in finding.features}))
    raised = RANK[grade.category] >= RANK[LungRads.C3]
    outcome = "4X" if raised else f"stays {grade.category.value}: 4X only from 3 or 4"
    notes.say("LR22.4X", outcome, f"{TABLE}, 4X: 3 or 4 with additional features", features=names)
    if not raised:
        return grade
    return replace(grade, category=C4X)


def _zero_cause(exam: Exam, graded: Sequence[Graded]) -> ZeroCause | None:
    if exam.prior_ct is PriorCt.BEING_LOCATED:
        return ZERO_PRIOR
    if exam.lungs_fully_evaluable is False:
        return ZERO_LUNGS
    if exam.inflammatory_infectious_suspected and not any(_rather_cancer(g) for g in graded):
        return ZERO_INFECTION
    return None


def _rather_cancer(graded: Graded) -> bool:
    """D9, as the radiologist states it: new, 4B by size, more like cancer than infection."""
    return graded.finding.favours_malignancy is True and _new_and_4b(graded)


def _new_and_4b(graded: Graded) -> bool:
    finding, grade = graded.finding, graded.grade
    new = finding.status is FindingStatus.NEW and finding.type in (
        NoduleType.SOLID, NoduleType.PART_SOLID,
    )  # fmt: skip
    return new and grade is not None and grade.category in (C4B, C4X)


def _incomplete(reasons: Sequence[Reason], graded: Sequence[Graded]) -> Result:
    """One finding that cannot be graded: no category, at most an "at least"."""
    known = [g.grade.category for g in graded if g.grade and g.grade.category]
    at_least = max(known, key=lambda category: RANK[category], default=None)
    return Result(
        EDITION,
        ResultStatus.CANNOT_CATEGORISE,
        at_least=at_least,
        reasons=tuple(reasons),
        trace=tuple(line for g in graded for line in g.notes.trace),
        findings=tuple(_row_of(g) for g in graded),
    )


def _zero(exam: Exam, cause: ZeroCause, graded: Sequence[Graded]) -> Result:
    notes = _exam_notes(exam)
    notes.say(cause.rule_id, "0", f"{TABLE}, {cause.source_row}", findings="not needed")
    unsure = [g for g in graded if _new_and_4b(g) or (g.grade is None and cause is ZERO_INFECTION)]
    if cause is ZERO_INFECTION and unsure:
        notes.ask(
            "D9",
            "infection suspected, and a new nodule of (possibly) 4B size: 0 or 4B is "
            "the radiologist's decision (favours_malignancy)",
        )
    return _result(exam, LungRads.C0, cause.management, notes, graded)


def _ok(exam: Exam, graded: Sequence[Graded]) -> Result:
    notes = _exam_notes(exam)
    dominant = _dominant(graded)
    category = dominant.category if dominant and dominant.category else LungRads.C1
    if dominant is None:
        _say_none(graded, notes)
    if exam.inflammatory_infectious_suspected:
        notes.ask(
            "D9",
            "infection suspected, and graded because a new 4B nodule looks more like "
            "cancer, as the radiologist stated",
        )
    outcome = f"{category.value}, the highest of {len(graded)} finding(s)"
    notes.say(
        "LR22.exam",
        outcome,
        f"{TABLE}, exam category = highest finding category",
        dominant=dominant.finding if dominant else "none",
    )
    return _result(exam, category, MANAGEMENT[category], notes, graded, dominant=dominant)


def _say_none(graded: Sequence[Graded], notes: Notes) -> None:
    notes.say("LR22.1.none", "1", f"{TABLE}, 1: no nodule", findings=len(graded))
    if any(g.finding.kind is Kind.CYST and g.finding.status != "resolved" for g in graded):
        notes.ask("D19", "only cysts that Lung-RADS does not classify: exam 1")


def _exam_notes(exam: Exam) -> Notes:
    notes = Notes()
    known = exam.significant_other_finding_known
    if exam.significant_other_finding is not None:
        outcome = "S" if _s_modifier(exam) else "no S"
        notes.say(
            "LR22.S",
            outcome,
            f"{TABLE}, S: modifier, changes neither category nor interval",
            significant_other_finding=exam.significant_other_finding,
            already_known=known,
        )
    return notes


def _s_modifier(exam: Exam) -> bool | None:
    significant = exam.significant_other_finding
    return significant if not significant else exam.significant_other_finding_known is not True


def _dominant(graded: Sequence[Graded]) -> Grade | None:
    """Highest category, not largest size; size and id only settle ties, whatever the order."""
    counted = [g.grade for g in graded if g.grade and g.grade.category]
    return min(counted, key=_tie_order, default=None)


def _tie_order(grade: Grade) -> tuple[int, float, str]:
    assert grade.category is not None
    mean = grade.measured.mean_mm if grade.measured else None
    return -RANK[grade.category], -float(mean or 0), grade.finding


def _result(
    exam: Exam,
    category: LungRads,
    management: Management,
    notes: Notes,
    graded: Sequence[Graded],
    *,
    dominant: Grade | None = None,
) -> Result:
    review = (*notes.review, *(point for g in graded for point in g.notes.review))
    measured = dominant.measured if dominant else None
    s_modifier = _s_modifier(exam)
    volume = measured.volume_mm3 if measured else None
    return Result(
        EDITION,
        ResultStatus.OK,
        category=category,
        category_printed=f"{category.value}S" if s_modifier else category.value,
        size_class=dominant.size_class if dominant else None,
        next_ct_months=management.next_ct_months,
        next_ct_optional=False if management.next_ct_months else None,
        management=management.text,
        s_modifier=s_modifier,
        dominant_finding=dominant.finding if dominant else None,
        mean_diameter_mm=measured.mean_mm if measured else None,
        volume_mm3=volume,
        volume_source="segmented" if volume is not None else None,
        growth=dominant.growth if dominant else None,
        pet_ct_option=_pet_ct(category, graded),
        needs_review=bool(review),
        review=review,
        trace=(*(line for g in graded for line in g.notes.trace), *notes.trace),
        findings=tuple(_row_of(g) for g in graded),
    )


def _pet_ct(category: LungRads, graded: Sequence[Graded]) -> bool | None:
    """Asked for 4A, 4B and 4X: a solid nodule or component >= 8 mm among those findings."""
    if category not in (C4A, C4B, C4X):
        return None
    return any(g.grade and g.grade.category == category and g.grade.solid_ge8 for g in graded)


def _row_of(graded: Graded) -> dict[str, Json]:
    grade = graded.grade
    measured = grade.measured if grade else None
    mean = measured.mean_mm if measured else None
    return {
        "id": graded.notes.finding,
        "category": grade.category.value if grade and grade.category else None,
        "size_class": grade.size_class if grade else None,
        "mean_diameter_mm": float(mean) if mean is not None else None,
        "growth": grade.growth if grade else None,
        "reasons": [reason.code for reason in graded.reasons],
    }
