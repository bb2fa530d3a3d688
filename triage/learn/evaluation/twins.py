"""Healthy twins: does a model fire at how tissue was put in, rather than at nodules?

A twin is healthy tissue put into a lung in just the way the nodules were. If a model fires on twins
oftener than on untouched places, part of its score on inserted nodules is for the seams. The share
of twins with a mark at the operating point is divided by that of the background places; over 1.5
the score on inserted nodules is void and printed so; where no background place fired, one twin is
enough. Without twins, or without background places to compare them with, the score is *not
checked*, which is not the same as passed.

A place fires when a mark at or above the operating point lies within half its diameter, at least
5 mm, of its centre.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from triage.learn.evaluation.curve import FloatArray
from triage.learn.evaluation.resample import Draws, Estimate, each_draw, estimate
from triage.learn.evaluation.tables import Mark, ModelMarks, ScanTable, Truth, TruthKind

MOST_RATIO = 1.5
REACH_MM = 5.0


class TwinVerdict(StrEnum):
    """Whether the score on inserted nodules may stand."""

    STANDS = "stands"
    VOID = "void"
    NOT_CHECKED = "not_checked"


class _Counts(NamedTuple):
    twins: int
    twins_fired: int
    background: int
    background_fired: int


@dataclass(frozen=True, slots=True)
class TwinCheck:
    """Twins and background places of one model.

    Attributes
    ----------
    verdict : TwinVerdict
    twins, twins_fired, background, background_fired : int
    ratio : Estimate
        Share of twins that fired over share of background places.
    words : str
    """

    verdict: TwinVerdict
    twins: int
    twins_fired: int
    background: int
    background_fired: int
    ratio: Estimate
    words: str


def twin_check(scans: Sequence[ScanTable], model: ModelMarks, draws: Draws) -> TwinCheck:
    """Compare twins with untouched places.

    Parameters
    ----------
    scans : sequence of ScanTable
    model : ModelMarks
    draws : Draws
        Over the patients of the scans.

    Returns
    -------
    TwinCheck
    """
    twins = _fired(scans, model, TruthKind.TWIN, draws.patients)
    rest = _fired(scans, model, TruthKind.BACKGROUND, draws.patients)

    def ratio(weights: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.array((weights @ twins[1] / (weights @ twins[0])) /
                            (weights @ rest[1] / (weights @ rest[0])))  # fmt: skip

    found = estimate(each_draw(ratio, draws), draws, "no background place fired")
    counts = _Counts(*(int(v.sum()) for v in (*twins, *rest)))
    verdict = _verdict(counts, found)
    return TwinCheck(verdict, *counts, ratio=found, words=_words(verdict, counts, found))


def fires(truth: Truth, marks: Sequence[Mark], threshold: float) -> bool:
    """Whether a shown mark lies on a place."""
    reach = max((truth.diameter_mm or 0.0) / 2.0, REACH_MM)
    return any(
        m.probability >= threshold and math.dist(m.center_lps_mm, truth.center_lps_mm) <= reach
        for m in marks
    )


def _fired(
    scans: Sequence[ScanTable], model: ModelMarks, kind: TruthKind, patients: Sequence[str]
) -> tuple[FloatArray, FloatArray]:
    """Places and fired places of each host, shape (patients,) each."""
    index = {name: i for i, name in enumerate(patients)}
    there, fired = np.zeros(len(patients)), np.zeros(len(patients))
    for scan in scans:
        for truth in scan.of(kind):
            there[index[scan.patient]] += 1
            fired[index[scan.patient]] += fires(truth, model.marks[scan.scan], model.threshold)
    return there, fired


def _verdict(counts: _Counts, ratio: Estimate) -> TwinVerdict:
    if not counts.twins or not counts.background:
        return TwinVerdict.NOT_CHECKED
    if ratio.value is None:  # no background place fired
        return TwinVerdict.VOID if counts.twins_fired else TwinVerdict.STANDS
    return TwinVerdict.VOID if ratio.value > MOST_RATIO else TwinVerdict.STANDS


def _words(verdict: TwinVerdict, counts: _Counts, ratio: Estimate) -> str:
    twins, twins_fired, background, background_fired = counts
    said = (
        f"{twins_fired} of {twins} healthy twins and {background_fired} of {background} "
        f"untouched places fired"
    )
    if verdict is TwinVerdict.NOT_CHECKED:
        missing = "healthy twins" if not twins else "untouched places"
        return f"Insertion score not checked: there are no {missing} to go by."
    end = f"ratio {ratio}" if background_fired else "no ratio can be formed"
    if verdict is TwinVerdict.VOID:
        return f"INSERTION SCORE VOID: {said}; {end}; more than {MOST_RATIO:g} is not accepted."
    sure = ratio.upper is not None and ratio.upper <= MOST_RATIO
    doubt = "" if sure else f"; with so few, more than {MOST_RATIO:g} is not excluded"
    return f"Insertion score stands: {said}; {end}{doubt}."
