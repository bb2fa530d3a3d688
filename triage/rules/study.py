"""From the product's study (names of the HTTP contract) to the guideline that fits, and its result.

The context chooses the guideline; nothing in it is assumed. Only findings a reader has decided
count: while one is undecided there is no category.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from triage.core.work import Json
from triage.rules import fleischner_tables as fleischner
from triage.rules import lungrads_tables as lungrads
from triage.rules.fleischner import fleischner2017
from triage.rules.lungrads import lungrads2022
from triage.rules.result import Notes, Reason, Refusal, plain, refused
from triage.rules.words import FindingStatus, Kind, PriorCt, Purpose

COUNTED = ("confirmed", "corrected", "added")
LEFT_OUT = ("rejected", "dismissed")

GUIDELINES: dict[str, Callable[[Mapping[str, object]], dict[str, Json]]] = {
    Purpose.SCREENING_LDCT: lungrads2022,
    Purpose.INCIDENTAL: fleischner2017,
}
EXAM_FIELDS = (
    "purpose", "prior_ct", "lungs_fully_evaluable", "inflammatory_infectious_suspected",
    "known_lung_cancer", "significant_other_finding", "significant_other_finding_known",
)  # fmt: skip
PATIENT_FIELDS = ("age_years", "known_cancer", "immunosuppressed", "risk")
# finding field of the HTTP contract -> field of the rules; sizes apart, below.
FINDING_FIELDS = {
    "finding_id": "id",
    "solidity": "type",
    "status": "status",
    "calcification": "calcification",
    "fat_containing": "fat_containing",
    "margin": "margin",
    "juxtapleural_shape": "juxtapleural_shape",
    "features": "features",
    "airway": "airway",
    "cyst": "cyst",
    "slow_growth": "slow_growth",
    "favours_malignancy": "favours_malignancy",
    "most_suspicious": "most_suspicious",
    "prior": "prior",
}
# (size field, its measure, field of the HTTP contract, unit)
SIZE_FIELDS = (
    ("size", "long", "long_mm", "mm"),
    ("size", "short", "short_mm", "mm"),
    ("size", "volume", "volume_mm3", "mm3"),
    ("solid_component", "long", "solid_long_mm", "mm"),
    ("solid_component", "short", "solid_short_mm", "mm"),
)


def assess(
    context: Mapping[str, Json],
    findings: Sequence[Mapping[str, Json]] | None,
    *,
    exam_date: str | None = None,
    slice_thickness_mm: float | None = None,
) -> dict[str, Json]:
    """Category of a study, by the guideline its purpose asks for.

    Parameters
    ----------
    context : mapping
        Plain values of ``PUT /api/studies/{uid}/context``; null or absent is unknown.
    findings : sequence of mapping, or None
        Findings as in the HTTP contract, each with ``state``; None: the lungs were not assessed.
    exam_date : str or None
        ISO date; used with the prior's date.
    slice_thickness_mm : float or None
        mm, of the series that was read.

    Returns
    -------
    dict
        The result contract. ``cannot_categorise`` while a finding is undecided, an input is
        missing, or the purpose is unknown; ``not_applicable`` for other purposes.
    """
    undecided = _undecided(findings or ())
    if undecided:
        incidental = context.get("purpose") == Purpose.INCIDENTAL
        return refused(fleischner.EDITION if incidental else lungrads.EDITION, undecided).as_json()
    exam: dict[str, object] = {name: context.get(name) for name in EXAM_FIELDS}
    exam["date"] = exam_date
    if slice_thickness_mm is not None:
        exam["slice_thickness"] = {"value": slice_thickness_mm, "unit": "mm"}
    payload: dict[str, object] = {"exam": exam, "patient": _patient(context), "findings": None}
    notes = Notes()
    if findings is not None:
        counted = [finding for finding in findings if finding.get("state") in COUNTED]
        payload["findings"] = [_finding(finding, context, notes) for finding in counted]
    result = GUIDELINES.get(str(context.get("purpose")), lungrads2022)(payload)
    return _with_trace(result, notes)


def _undecided(findings: Sequence[Mapping[str, Json]]) -> list[Reason]:
    return [
        Refusal(
            "finding_undecided", f"findings[{index}].state",
            f"finding {finding.get('finding_id')} ({finding.get('state')}) is undecided",
        ).reason
        for index, finding in enumerate(findings)
        if finding.get("state") not in COUNTED + LEFT_OUT
    ]  # fmt: skip


def _patient(context: Mapping[str, Json]) -> dict[str, object]:
    """`known_cancer` is its own question: no known *lung* cancer does not answer it."""
    return {name: context.get(name) for name in PATIENT_FIELDS}


def _finding(
    finding: Mapping[str, Json], context: Mapping[str, Json], notes: Notes
) -> dict[str, object]:
    typed: dict[str, object] = {
        ours: finding[theirs]
        for theirs, ours in FINDING_FIELDS.items()
        if finding.get(theirs) is not None
    }
    typed["kind"] = finding.get("kind") or Kind.NODULE  # the product's findings are nodules
    for size, measure, theirs, unit in SIZE_FIELDS:
        if finding.get(theirs) is not None:
            quantities = typed.setdefault(size, {})
            assert isinstance(quantities, dict)
            quantities[measure] = {"value": finding[theirs], "unit": unit}
    notes.finding = str(finding.get("finding_id"))
    _settle_status(typed, context.get("prior_ct"), notes)
    return typed


def _settle_status(typed: dict[str, object], prior_ct: Json, notes: Notes) -> None:
    """Without a prior CT every finding is baseline; beside one, "baseline" answers nothing.

    A row starts as ``baseline`` before anyone has compared it. With a prior at hand the question is
    new or existing, so the word is dropped and the status asked for.
    """
    if prior_ct == PriorCt.NONE and "status" not in typed:
        typed["status"] = FindingStatus.BASELINE.value
        notes.say("product.baseline", "baseline", "no prior CT: baseline", prior_ct="none")
    elif prior_ct == PriorCt.AVAILABLE and typed.get("status") == FindingStatus.BASELINE:
        del typed["status"]
        notes.say(
            "product.baseline", "not compared", "prior CT: new or existing?", prior_ct=prior_ct
        )


def _with_trace(result: dict[str, Json], notes: Notes) -> dict[str, Json]:
    """Our own deductions stand first in the trace."""
    trace = result["trace"]
    assert isinstance(trace, list)
    return {**result, "trace": [*(plain(line) for line in notes.trace), *trace]}
