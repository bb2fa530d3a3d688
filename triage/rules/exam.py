"""What every guideline asks of an exam before it grades: readable, for it, and complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from triage.core.work import Json
from triage.rules.checks import duplicate_ids
from triage.rules.inputs import Exam, Patient, Reading
from triage.rules.payload import read
from triage.rules.result import Reason, Refusal, Result, missing, not_applicable, refused

#: Part of the reading, its field, and the field in the words of a refusal.
Needed: TypeAlias = tuple[tuple[str, str, str], ...]


def answer(
    payload: Mapping[str, object],
    edition: str,
    excluded: Callable[[Mapping[str, object]], Sequence[Reason]],
    categorise: Callable[[Reading], Result],
) -> dict[str, Json]:
    """One exam by one guideline: JSON in, the result contract out.

    Parameters
    ----------
    payload : mapping
        ``{"exam": {...}, "patient": {...}, "findings": [...]}`` (`Reading`).
    edition : str
        Of the guideline, for the report.
    excluded : callable
        From the raw payload, why the guideline is not for this exam. It is asked also when the
        rest cannot be read: nobody has to mend the input of a guideline that is not theirs.
    categorise : callable

    Returns
    -------
    dict

    Raises
    ------
    Unprocessable
        The payload is not a JSON object.
    """
    reading = read(payload, Reading)
    if isinstance(reading, Reading):
        return categorise(reading).as_json()
    why = excluded(payload)
    return (not_applicable(edition, why) if why else refused(edition, reading)).as_json()


def unanswered(reading: Reading, needed: Needed) -> list[Reason]:
    """Every input of an exam that is missing, and findings that cannot be told apart.

    Parameters
    ----------
    reading : Reading
    needed : tuple
        Unknown is never a default: each of these must have been stated.

    Returns
    -------
    list of Reason
        Empty when the findings may be graded; never empty when ``findings`` is null.
    """
    parts: dict[str, Exam | Patient] = {"exam": reading.exam, "patient": reading.patient}
    found = [
        missing(f"{part}.{field}", words).reason
        for part, field, words in needed
        if getattr(parts[part], field) is None
    ]
    if reading.findings is None:
        because = "the findings are null, which says not assessed (an empty list says none seen)"
        return [*found, Refusal("not_assessed", "findings", because).reason]
    return found + duplicate_ids(reading.findings)
