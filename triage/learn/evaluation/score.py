"""One model on some scans: points, mean, operating point, all under every draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triage.learn.evaluation.curve import (
    RATES,
    Events,
    FloatArray,
    chain,
    events_of,
    sensitivity_at,
)
from triage.learn.evaluation.report import Part, Point, Scores
from triage.learn.evaluation.resample import Draws, Estimate, each_draw, estimate, too_small
from triage.learn.evaluation.rules import LUNA16, Outcome, Rule, outcome
from triage.learn.evaluation.strata import AT_LEAST_6_MM, Stratum
from triage.learn.evaluation.tables import ModelMarks, ScanTable

#: Where the band of the plot is drawn: four steps to every point of LUNA16.
GRID = tuple(2.0 ** (step / 4.0 - 3.0) for step in range(25))
_SEVEN = slice(None, None, 4)
#: False marks per scan at which nodules of 6 mm and more, and strata, are read.
LARGE_RATES = (0.5, 1.0, 2.0, 4.0)
STRATUM_RATE = 1.0


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores and what they were under every draw, for paired differences.

    Attributes
    ----------
    scores : Scores
    draws : dict
        ``cpm``, ``sensitivity at 1 false mark per scan``, ``sensitivity at the operating point``,
        ``false marks per scan at the operating point``; each ndarray, float64, shape
        (1 + resamples,). Empty where there are too few nodules.
    """

    scores: Scores
    draws: dict[str, FloatArray]


def score(scans: Sequence[ScanTable], model: ModelMarks, rule: Rule, draws: Draws) -> Scored:
    """Score one model under one rule.

    Parameters
    ----------
    scans : sequence of ScanTable
        Of the curve.
    model : ModelMarks
    rule : Rule
    draws : Draws
        Over the patients of the scans.

    Returns
    -------
    Scored
    """
    outcomes = [outcome(s, model.marks[s.scan], rule) for s in scans]
    events = events_of(scans, outcomes, draws.patients)
    words = _words(events)
    found, false = _at_point(events, model.threshold)
    if words:
        return Scored(_only_counts(rule, events, found, false, words), {})
    curve = each_draw(lambda w: sensitivity_at(events, GRID, w), draws)
    cpm = curve[:, _SEVEN].mean(axis=1)
    sensitivity, per_scan = _ratio(draws, found, events.nodules), _ratio(draws, false, events.scans)
    grid = [estimate(curve[:, i], draws) for i in range(len(GRID))]
    large_nodules, large = _large(scans, outcomes, draws)
    scores = Scores(
        rule.name, int(events.nodules.sum()), int(found.sum()), int(false.sum()), "",
        estimate(sensitivity, draws), estimate(per_scan, draws, "no scan"),
        tuple(Point(r, e) for r, e in zip(RATES, grid[_SEVEN], strict=True)),
        estimate(cpm, draws), large_nodules, large, _curve(events), _band(grid),
    )  # fmt: skip
    kept = {
        "CPM": cpm,
        "sensitivity at 1 false mark per scan": curve[:, GRID.index(1.0)],
        "sensitivity at the operating point": sensitivity,
        "false marks per scan at the operating point": per_scan,
    }
    return Scored(scores, kept)


def part_of(stratum: Stratum, scans: Sequence[ScanTable], model: ModelMarks, draws: Draws) -> Part:
    """One model on one stratum, by LUNA16's rule.

    Parameters
    ----------
    stratum : Stratum
    scans : sequence of ScanTable
        Of the curve; those outside the stratum are left out here.
    model : ModelMarks
    draws : Draws
        Over the patients of all the scans.

    Returns
    -------
    Part
    """
    own = [s for s in scans if stratum.scan(s)]
    outcomes = [outcome(s, model.marks[s.scan], LUNA16) for s in own]
    events = events_of(own, outcomes, draws.patients, stratum.nodule)
    found, _ = _at_point(events, model.threshold)
    words = _words(events)
    at_point = at_rate = Estimate(None, why=words)
    if not words:
        at_point = estimate(_ratio(draws, found, events.nodules), draws)
        read = each_draw(lambda w: sensitivity_at(events, (STRATUM_RATE,), w), draws)
        at_rate = estimate(read[:, 0], draws)
    return Part(
        stratum.kind, stratum.name, int((events.nodules > 0).sum()), len(own),
        int(events.nodules.sum()), int(found.sum()), at_point, at_rate, words,
    )  # fmt: skip


def _words(events: Events) -> str:
    """Why no sensitivity can be spoken of."""
    patients = int((events.nodules > 0).sum())
    return too_small(int(events.nodules.sum()), patients, int(events.scans.sum()))


def _at_point(events: Events, threshold: float) -> tuple[FloatArray, FloatArray]:
    """Found nodules and false marks at an operating point, shape (patients,) each."""
    shown = events.probability >= threshold
    count = len(events.scans)
    found = np.bincount(events.patient[shown & events.is_hit], minlength=count)
    false = np.bincount(events.patient[shown & ~events.is_hit], minlength=count)
    return found.astype(np.float64), false.astype(np.float64)


def _ratio(draws: Draws, above: FloatArray, below: FloatArray) -> FloatArray:
    """Of sums over patients, under every draw; NaN where there is nothing below."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share: FloatArray = (draws.weights @ above) / (draws.weights @ below)
    return np.where(np.isfinite(share), share, np.nan)


def _large(
    scans: Sequence[ScanTable], outcomes: Sequence[Outcome], draws: Draws
) -> tuple[int, tuple[Point, ...]]:
    events = events_of(scans, outcomes, draws.patients, AT_LEAST_6_MM.nodule)
    count = int(events.nodules.sum())
    if words := _words(events):
        return count, tuple(Point(rate, Estimate(None, why=words)) for rate in LARGE_RATES)
    read = each_draw(lambda w: sensitivity_at(events, LARGE_RATES, w), draws)
    return count, tuple(
        Point(rate, estimate(read[:, i], draws)) for i, rate in enumerate(LARGE_RATES)
    )


def _curve(events: Events) -> tuple[tuple[float, float], ...]:
    false, share = chain(events)
    return tuple(zip(false.tolist(), share.tolist(), strict=True))


def _band(grid: Sequence[Estimate]) -> tuple[tuple[float, float, float], ...]:
    return tuple(
        (rate, e.lower, e.upper)
        for rate, e in zip(GRID, grid, strict=True)
        if e.lower is not None and e.upper is not None
    )


def _only_counts(
    rule: Rule, events: Events, found: FloatArray, false: FloatArray, words: str
) -> Scores:
    none = Estimate(None, why=words)
    return Scores(
        rule.name, int(events.nodules.sum()), int(found.sum()), int(false.sum()), words,
        none, none, (), none, 0, (), (), (),
    )  # fmt: skip
