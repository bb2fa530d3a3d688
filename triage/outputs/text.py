"""The report in words: for clipboard and RIS, and for the text items of the SR.

Every number is the one the SR carries. Words are those of the reading page: a likelihood is "is a
nodule", never "is cancer"; "no nodule" is said only of a lung that was wholly assessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from triage.core.finding import ResultStatus
from triage.outputs.codes import LOBES
from triage.outputs.report import RESEARCH_USE, Report, ReportedFinding, Stage

#: Least probability -> word (bands of the reading page).
BANDS: Final = ((0.90, "very likely"), (0.60, "likely"), (0.30, "possible"), (0.0, "unlikely"))
EXTENT_WORDS: Final = {
    ResultStatus.ASSESSED: "Whole lung assessed",
    ResultStatus.PARTLY_ASSESSED: "Partly assessed",
    ResultStatus.NOT_ASSESSED: "Not assessed",
}
SOLIDITY_WORDS: Final = {
    "solid": "Solid nodule",
    "part_solid": "Part-solid nodule",
    "ground_glass": "Ground-glass nodule",
}
CONTEXT_WORDS: Final = {
    "purpose": "purpose",
    "prior_ct": "prior CT",
    "lungs_fully_evaluable": "lungs fully evaluable",
    "inflammatory_infectious_suspected": "inflammation or infection suspected",
    "known_lung_cancer": "known lung cancer",
    "age_years": "age in years",
    "risk": "risk of lung cancer",
    "immunosuppressed": "immunosuppressed",
}
_PURPOSES: Final = {"screening_ldct": "lung cancer screening"}


def plain_text(report: Report) -> str:
    """The whole report as plain text.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
        Lines in the order examination, result, findings, assessment, recommendation, how it was
        read; ends with a line break.
    """
    lines = [heading(report), RESEARCH_USE, ""]
    if report.context:
        lines += [f"Examination: {context_words(report.context)}.", ""]
    lines += ["Findings", result_sentence(report)]
    lines += [f"{one.number}. {finding_words(one)}" for one in report.findings]
    left_out = left_out_words(report)
    lines += [left_out] if left_out else []
    lines += ["", "Assessment", *assessment_words(report)]
    advice = recommendation(report)
    lines += ["", "Recommendation", advice] if advice else []
    lines += ["", "How it was read", how_it_was_read(report)]
    return "\n".join(lines) + "\n"


def heading(report: Report) -> str:
    """Title and stage."""
    if report.stage is Stage.PRELIMINARY or report.reader is None:
        return "Chest CT, lung nodules: preliminary, marks of an algorithm, confirmed by no reader"
    amended = f", amendment {report.reader.revision - 1}" if report.reader.revision > 1 else ""
    return f"Chest CT, lung nodules: final, signed by {report.reader.name}{amended}"


def result_sentence(report: Report) -> str:
    """What was looked at and how much was seen: "none" and "could not look" never meet."""
    count = len(report.findings)
    marks = "nodule" if report.stage is Stage.FINAL else "mark"
    found = f"{count} {marks}{'' if count == 1 else 's'}"
    extent = EXTENT_WORDS[report.status]
    why = "; ".join(reason.message for reason in report.reasons)
    if report.status is ResultStatus.NOT_ASSESSED:
        by_hand = f" {found} added by the reader." if count else ""
        return f"Not assessed by the algorithm: {why or 'reason not known'}.{by_hand}"
    if report.is_whole:
        return f"{extent}: {found}." if count else f"{extent}: no nodule found."
    limits = [why] if why else []
    if report.status is ResultStatus.ASSESSED:
        extent = "Assessed"
        limits.append("the reader says that the lungs are not fully evaluable")
    if not count:
        found = f"no {marks} in the part that was assessed"
    return f"{extent} ({'; '.join(limits) or 'reason not known'}): {found}."


def finding_words(one: ReportedFinding) -> str:
    """One nodule: what, where, how large, how it compares, whose it is."""
    head = SOLIDITY_WORDS.get(one.solidity or "", "Nodule, solidity not known")
    parts = [head]
    parts += [f"{one.margin} margin"] if one.margin else []
    if one.calcification:
        kind = "no" if one.calcification == "none" else one.calcification.replace("_", " ")
        parts.append(f"{kind} calcification")
    parts += [f"juxtapleural, {one.juxtapleural_shape}"] if one.juxtapleural_shape else []
    parts.append(LOBES[one.lobe][2] if one.lobe in LOBES else "lobe not known")
    sentences = [f"{', '.join(parts)}: {size_words(one)}"]
    if one.status:
        sentences.append(f"Compared with prior: {one.status}")
    likelihood = likelihood_words(one)
    sentences += [likelihood] if likelihood else []
    if one.state != "pending":
        sentences.append({"added": "Added by the reader"}.get(one.state, one.state.capitalize()))
    return ". ".join(sentences) + "."


def size_words(one: ReportedFinding) -> str:
    """Axes, mean, volume and solid component, each with its unit; what is not known is said."""
    if one.long_mm is None or one.short_mm is None:
        size = "size not measured"
    else:
        size = f"{_mm(one.long_mm)} × {_mm(one.short_mm)} mm, mean {one.mean_mm:.1f} mm"
    volume = f", {one.volume_mm3:g} mm³" if one.volume_mm3 is not None else ""
    solid = ""
    if one.solid_long_mm is not None and one.solid_short_mm is not None:
        solid = f", solid component {_mm(one.solid_long_mm)} × {_mm(one.solid_short_mm)} mm"
    elif one.solidity == "part_solid":
        solid = ", solid component not measured"
    return size + volume + solid


def _mm(value: float) -> str:
    """A length as it is stored, with at least one decimal."""
    return f"{value:.1f}" if round(value, 1) == value else f"{value:g}"


def likelihood_words(one: ReportedFinding) -> str:
    """Word and number, and what it is about; "" when no algorithm gave one."""
    if one.probability is None or one.likelihood_percent is None:
        return ""
    word = next(word for least, word in BANDS if one.probability >= least)
    return f"Nodule: {word} {one.likelihood_percent:g} %"


def left_out_words(report: Report) -> str:
    """How many marks the report does not stand for; "" when there are none."""
    said = [f"{count} {word}" for word, count in sorted(report.left_out.items()) if count]
    return f"Marks left out: {', '.join(said)}." if said else ""


def assessment_words(report: Report) -> list[str]:
    """Category with guideline and edition, or why there is none."""
    said = report.assessment
    if report.stage is Stage.PRELIMINARY:
        return ["No category: a reader has not decided these marks."]
    if said is None:
        return ["No category: no guideline was applied."]
    guideline = said["guideline"]
    if said["status"] != "ok":
        reasons = [f"{guideline}: {reason['message']}." for reason in said["reasons"]]
        at_least = said.get("at_least")
        return reasons + ([f"At least category {at_least}."] if at_least else [])
    name = said.get("category_printed") or said["category"]
    dominant = _number_of(report, said.get("dominant_finding"))
    source = f", from finding {dominant}" if dominant else ""
    lines = [f"{guideline} category {name}{source}."]
    if said.get("needs_review"):
        points = "; ".join(point["message"] for point in said.get("review") or [])
        lines.append(f"To be looked at by the radiologist: {points or 'see the rule trace'}.")
    return lines


def recommendation(report: Report) -> str:
    """What the guideline asks for; "" without a category."""
    said = report.assessment or {}
    return str(said.get("management") or "") if said.get("status") == "ok" else ""


def how_it_was_read(report: Report) -> str:
    """Which algorithm, which version, and who signed."""
    parts = [f"Marks by {algorithm_words(report)}"]
    if report.reader is not None:
        parts.append(f"Reader: {report.reader.name}, {date_words(report.reader.signed_at)}")
    return ". ".join(parts) + "."


def algorithm_words(report: Report) -> str:
    """Name and digest of the model; says so when none could look."""
    if not report.algorithm.name:
        return "no algorithm: none could look"
    return f"{report.algorithm.name} ({report.algorithm.digest[:12]}), triage {report.software}"


def context_words(context: Mapping[str, Any]) -> str:
    """What is known of the examination, each value with who said it."""
    said = []
    for field, words in CONTEXT_WORDS.items():
        entry = context.get(field) or {}
        if entry.get("value") is not None:
            said.append(f"{words}: {_value_words(entry['value'])} ({entry.get('source')})")
    return "; ".join(said) or "nothing known"


def date_words(at: datetime) -> str:
    """``24 Nov 2026 08:12 UTC``."""
    return f"{at.day} {at:%b %Y %H:%M} {at.tzname() or ''}".strip()


def _value_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _PURPOSES.get(str(value), str(value).replace("_", " "))


def _number_of(report: Report, finding_id: Any) -> int | None:
    return next((one.number for one in report.findings if one.finding_id == finding_id), None)
