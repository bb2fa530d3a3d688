"""Hands decided findings and context to the rules that wiring put in; knows no rule itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from triage.core.context import known
from triage.review.questions import FIELDS
from triage.review.services import Services
from triage.store import reading_rows
from triage.store.session import UnitOfWork
from triage.store.tables import FindingRow, Result, Study

_FIRST_CT_YEAR = 1971
_LEFT_OUT = frozenset({"rejected", "dismissed"})


def inputs(
    study: Study,
    result: Result | None,
    findings: list[FindingRow],
    values: Mapping[str, Any],
    dismissed: frozenset[str] = frozenset(),
    *,
    slice_thickness_mm: float | None = None,
) -> dict[str, Any]:
    """Collect what an assessment is made from; see `Services.assess`.

    Parameters
    ----------
    dismissed : frozenset of str
        Findings to leave out because signing is about to close them.
    slice_thickness_mm : float or None
        Of the series that was read; see `thickness_of`.
    """
    kept = [
        row for row in findings if row.state not in _LEFT_OUT and row.finding_id not in dismissed
    ]
    return {
        "study_uid": study.study_uid,
        "exam_date": _iso_date(study.study_date),
        "slice_thickness_mm": slice_thickness_mm,
        "purpose": known(values, "purpose"),
        "context": {field: known(values, field) for field in FIELDS},
        "findings": [
            {"finding_id": row.finding_id, "number": row.number, **reading_rows.image(row)}
            for row in kept
        ],
        "result": None if result is None else {"status": result.status, "reasons": result.reasons},
    }


def _iso_date(da: str) -> str | None:
    """Study Date (DA, PS3.5 6.2) as ISO 8601; None when it is empty or no date of a CT."""
    try:
        day = datetime.strptime(da, "%Y%m%d").date()
    except ValueError:
        return None
    # A made-up date (1900-01-01 after de-identification) is not known; rules that need it say so.
    return day.isoformat() if day.year >= _FIRST_CT_YEAR else None


def thickness_of(uow: UnitOfWork, result: Result | None) -> float | None:
    """Slice thickness of the series a result was read from, mm; None when it is not known."""
    if result is None or result.series_uid is None:
        return None
    return reading_rows.slice_thickness_mm(uow, result.series_uid)


def preliminary(
    uow: UnitOfWork, world: Services, study: Study, values: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Assess a study that is being read; None while a finding is undecided."""
    findings = reading_rows.findings_of(uow, study)
    if any(row.state == "pending" for row in findings):
        return None
    result = reading_rows.result_of(uow, study)
    thickness_mm = thickness_of(uow, result)
    outcome = world.assess(inputs(study, result, findings, values, slice_thickness_mm=thickness_mm))
    return None if outcome is None else {**outcome, "preliminary": True}


def category_of(outcome: Mapping[str, Any] | None) -> str | None:
    """Return the Lung-RADS category as it is printed: ``4A``, ``4AS``; None without one."""
    if outcome is None or outcome.get("category") is None:
        return None
    if not str(outcome.get("guideline")).startswith("Lung-RADS"):
        return None
    return f"{outcome['category']}{'S' if outcome.get('s_modifier') else ''}"
