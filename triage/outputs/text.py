"""The report in words: for the reading page, for clipboard and RIS, for the text items of the SR.

One source for all three. Every number is the one the SR carries. Words are those of the reading
page; "no nodule" is said only of a lung that was wholly assessed and of marks that are all decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from triage.core.context import NEEDED, known
from triage.core.finding import ResultStatus
from triage.outputs.finding_text import finding_spans
from triage.outputs.report import RESEARCH_USE, Report, Stage
from triage.outputs.spans import From, Line, Section, Source, Span, plain

EXTENT_WORDS: Final = {
    ResultStatus.ASSESSED: "Whole lung assessed",
    ResultStatus.PARTLY_ASSESSED: "Partly assessed",
    ResultStatus.NOT_ASSESSED: "Not assessed",
}
CONTEXT_WORDS: Final = {
    "purpose": "Purpose",  # always the first
    "prior_ct": "prior CT",
    "lungs_fully_evaluable": "lungs fully evaluable",
    "inflammatory_infectious_suspected": "inflammation or infection suspected",
    "known_lung_cancer": "known lung cancer",
    "age_years": "age in years",
    "risk": "risk of lung cancer",
    "immunosuppressed": "immunosuppressed",
    "known_cancer": "any known cancer",
    "significant_other_finding": "other significant finding",
    "significant_other_finding_known": "other significant finding known before",
}
_PURPOSES: Final = {"screening_ldct": "lung cancer screening"}
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_RESULT: Final = Source(From.RESULT)
_ASSESSMENT: Final = Source(From.ASSESSMENT)


def plain_text(report: Report, examination: str = "") -> str:
    """The whole report as plain text.

    Parameters
    ----------
    report : Report
    examination : str
        What was examined and when (`examination_words`); left out when empty.

    Returns
    -------
    str
        Lines in the order examination, findings, assessment, recommendation, how it was read;
        ends with a line break.
    """
    lines = [heading(report), RESEARCH_USE]
    for section in sections(report, examination):
        lines += ["", section.title, *(line.text for line in section.lines)]
    return "\n".join(lines) + "\n"


def sections(report: Report, examination: str = "") -> list[Section]:
    """The parts of the report in their order; a part with nothing to say is left out.

    Parameters
    ----------
    report, examination
        As for `plain_text`.
    """
    exam = [Line((Span(f"{examination}."),))] if examination else []
    if report.stage is not Stage.PRELIMINARY:
        exam.append(Line((*context_spans(report.context), Span("."))))
    found = [Line((Span(result_sentence(report), _RESULT),))]
    found += [Line(tuple(finding_spans(o)), o.finding_id, o.number) for o in report.findings]
    left_out = left_out_words(report)
    found += [Line((Span(left_out),))] if left_out else []
    advice = recommendation(report)
    parts = [
        Section("examination", "Examination", tuple(exam)),
        Section("findings", "Findings", tuple(found)),
        Section("assessment", "Assessment", tuple(map(Line, assessment_spans(report)))),
        Section(
            "recommendation",
            "Recommendation",
            (Line((Span(advice, _ASSESSMENT),)),) if advice else (),
        ),
        Section("reading", "How it was read", (Line((Span(how_it_was_read(report)),)),)),
    ]
    return [part for part in parts if part.lines]


def heading(report: Report) -> str:
    """Title and stage."""
    title = "Chest CT, lung nodules"
    if report.stage is Stage.DRAFT:
        amends = f", amendment {report.amends} of a signed report" if report.amends else ""
        return f"{title}: preliminary until signed{amends}"
    if report.stage is Stage.PRELIMINARY or report.reader is None:
        return f"{title}: preliminary, marks of an algorithm, confirmed by no reader"
    amended = f", amendment {report.reader.revision - 1}" if report.reader.revision > 1 else ""
    return f"{title}: final, signed by {report.reader.name}{amended}"


def examination_words(description: str, study_date: str, study_time: str) -> str:
    """What was examined and when, as the images say it.

    Parameters
    ----------
    description : str
        Study Description; may be empty.
    study_date, study_time : str
        DA and TM (PS3.5 6.2); may be empty or no date at all.
    """
    what = " ".join(description.split()) or "CT, study description not known"
    try:
        day = datetime.strptime(study_date, "%Y%m%d").date()
    except ValueError:
        return f"{what}, date not known"
    clock = study_time[:4]
    at = f" {clock[:2]}:{clock[2:]}" if len(clock) == 4 and clock.isdigit() else ""
    return f"{what}, {day.day} {_MONTHS[day.month - 1]} {day.year}{at}"


def result_sentence(report: Report) -> str:
    """What was looked at and how much was seen: "none" and "could not look" never meet."""
    count = len(report.findings)
    mark = "mark" if report.stage is Stage.PRELIMINARY else "nodule"
    found = _counted(count, mark)
    extent = EXTENT_WORDS[report.status]
    why = "; ".join(reason.message for reason in report.reasons)
    open_marks = f", {_counted(report.undecided, 'mark')} undecided" if report.undecided else ""
    if report.status is ResultStatus.NOT_ASSESSED:
        by_hand = f" {found} added by the reader{open_marks}." if count else ""
        return f"Not assessed by the algorithm: {why or 'reason not known'}.{by_hand}"
    if not count and report.undecided:
        found = "no nodule accepted so far"
    elif not count:
        found = "no nodule found" if report.is_whole else f"no {mark} in the part that was assessed"
    if report.is_whole:
        return f"{extent}: {found}{open_marks}."
    limits = [*([why] if why else []), *_more_limits(report)]
    if report.status is ResultStatus.ASSESSED:
        extent = "Assessed"
    return f"{extent} ({'; '.join(limits) or 'reason not known'}): {found}{open_marks}."


def _more_limits(report: Report) -> list[str]:
    """What keeps an assessed lung from being wholly assessed."""
    limits = ["provisional, more images may come"] if report.provisional else []
    if report.status is ResultStatus.ASSESSED and report.says_not_evaluable:
        limits.append("the reader says that the lungs are not fully evaluable")
    return limits


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def left_out_words(report: Report) -> str:
    """How many marks the report does not stand for; "" when there are none."""
    said = [f"{count} {word}" for word, count in sorted(report.left_out.items()) if count]
    return f"Marks left out: {', '.join(said)}." if said else ""


def assessment_words(report: Report) -> list[str]:
    """Category with guideline and edition, or why there is none."""
    return [plain(spans) for spans in assessment_spans(report)]


def assessment_spans(report: Report) -> list[tuple[Span, ...]]:
    """`assessment_words`, each value with its source."""
    said = report.assessment
    if report.stage is Stage.PRELIMINARY:
        return _line("No category: a reader has not decided these marks.")
    if report.undecided:
        verb = "is" if report.undecided == 1 else "are"
        return _line(f"No category: {_counted(report.undecided, 'mark')} {verb} not decided yet.")
    if said is None:
        return _line("No category: no guideline was applied.")
    if said["status"] != "ok":
        reasons = [f"{said['guideline']}: {reason['message']}." for reason in said["reasons"]]
        at_least = said.get("at_least")
        return _line(*reasons, *([f"At least category {at_least}."] if at_least else []))
    lines = [_category(report, said)]
    if said.get("needs_review"):
        points = "; ".join(point["message"] for point in said.get("review") or [])
        lines += _line(f"To be looked at by the radiologist: {points or 'see the rule trace'}.")
    return lines


def _category(report: Report, said: Mapping[str, Any]) -> tuple[Span, ...]:
    name = str(said.get("category_printed") or said["category"])
    if report.stage is Stage.DRAFT:
        name += " prelim."
    spans = [Span(f"{said['guideline']} category "), Span(name, _ASSESSMENT)]
    dominant = next(
        (o for o in report.findings if o.finding_id == said.get("dominant_finding")), None
    )
    if dominant is not None:
        source = Source(From.FINDING, dominant.finding_id)
        spans += [Span(", from "), Span(f"finding {dominant.number}", source)]
    return (*spans, Span("" if name.endswith(".") and dominant is None else "."))


def _line(*words: str) -> list[tuple[Span, ...]]:
    return [(Span(one, _ASSESSMENT),) for one in words]


def recommendation(report: Report) -> str:
    """What the guideline asks for; "" without a category."""
    said = report.assessment or {}
    if report.undecided or said.get("status") != "ok":
        return ""
    return str(said.get("management") or "")


def how_it_was_read(report: Report) -> str:
    """Which algorithm, which version, and who signed."""
    parts = [f"Marks by {algorithm_words(report)}"]
    if report.reader is not None:
        parts.append(f"Reader: {report.reader.name}, {date_words(report.reader.signed_at)}")
    elif report.stage is Stage.DRAFT:
        parts.append("Not signed")
    return ". ".join(parts) + "."


def algorithm_words(report: Report) -> str:
    """Name and digest of the model; says so when none could look."""
    if not report.algorithm.name:
        return "no algorithm: none could look"
    return f"{report.algorithm.name} ({report.algorithm.digest[:12]}), triage {report.software}"


def context_words(context: Mapping[str, Any]) -> str:
    """What is known of the examination, each value with who said it.

    What the guideline needs and nobody knows is said to be not known.
    """
    return plain(context_spans(context))


def context_spans(context: Mapping[str, Any]) -> list[Span]:
    """`context_words`, each value with its field."""
    purpose = known(context, "purpose")
    needed = {"purpose", *NEEDED.get(purpose, ())}
    shown = [f for f in CONTEXT_WORDS if f in needed or known(context, f) is not None]
    spans: list[Span] = []
    for field in shown:
        words = "not known"
        if known(context, field) is not None:
            words = f"{_value_words(context[field]['value'])} ({context[field].get('source')})"
        lead = "; " if spans else ""
        spans += [Span(f"{lead}{CONTEXT_WORDS[field]}: "), Span(words, Source(From.CONTEXT, field))]
    return spans


def date_words(at: datetime) -> str:
    """``24 Nov 2026 08:12 UTC``."""
    return f"{at.day} {at:%b %Y %H:%M} {at.tzname() or ''}".strip()


def _value_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _PURPOSES.get(str(value), str(value).replace("_", " "))
