"""Calibration: of the marks that say 0.3, are three in ten nodules?

Counted are the marks a reader would be shown (at or above the operating point) that are a nodule's
best mark or false; what the rule leaves out is in neither. A missed nodule has no mark, so it does
not enter here: calibration says nothing of sensitivity.

How many marks are true depends on how many nodules there are, so every figure holds for the number
of nodules per scan it was counted with. With k times as many nodules per scan and the same false
marks, the odds of every probability are k times as large: ``p' = k p / (k p + 1 - p)``; the
figures at another prevalence are the same marks with hits weighted by k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.learn.calibrate import NODULES_PER_SCAN
from triage.learn.evaluation.curve import Events, FloatArray
from triage.learn.evaluation.resample import FEWEST, Draws, Estimate, each_draw, estimate, many

BINS = 10
#: Nodules per scan to which the same marks are carried over: LUNA16's own and a sparser clinic.
ELSEWHERE = (NODULES_PER_SCAN, 0.25)
EXAMPLES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Bin:
    """Marks of about the same probability.

    Attributes
    ----------
    low, high : float
    marks, hits : int
    mean_probability, share : float or None
        What the marks say and how many are nodules; None in an empty bin.
    """

    low: float
    high: float
    marks: int
    hits: int
    mean_probability: float | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The same marks where nodules are more or less frequent.

    Attributes
    ----------
    nodules_per_scan, prevalence, ece, brier : float
        `prevalence` is the share of marks that are nodules.
    meant : tuple of pair of float
        A probability as printed, and what it would mean there.
    """

    nodules_per_scan: float
    prevalence: float
    ece: float
    brier: float
    meant: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Calibration of one model.

    Attributes
    ----------
    marks, hits : int
    nodules_per_scan : float
        Of the data; all figures hold for it.
    prevalence : float or None
        Share of marks that are nodules.
    ece : Estimate
        Expected calibration error over ten equal bins of probability.
    brier : Estimate
        Mean squared error of the probability.
    brier_of_prevalence : float or None
        What saying the prevalence of every mark would reach.
    bins : tuple of Bin
    elsewhere : tuple of Elsewhere
    why : str
        Why there are no figures; "" when there are.
    """

    marks: int
    hits: int
    nodules_per_scan: float
    prevalence: float | None
    ece: Estimate
    brier: Estimate
    brier_of_prevalence: float | None
    bins: tuple[Bin, ...]
    elsewhere: tuple[Elsewhere, ...]
    why: str


def reliability(events: Events, threshold: float, draws: Draws) -> Reliability:
    """How far probabilities are what they say.

    Parameters
    ----------
    events : Events
        Over ``draws.patients``.
    threshold : float
        The model's operating point.
    draws : Draws

    Returns
    -------
    Reliability
        Without figures when fewer than ten hits or ten false marks are shown.
    """
    shown = events.probability >= threshold
    said, true = events.probability[shown], events.is_hit[shown]
    whose = events.patient[shown]
    per_scan = float(events.nodules.sum() / events.scans.sum())
    hits, false = int(true.sum()), int((~true).sum())
    bins = _bins(said, true)
    if min(hits, false) < FEWEST:
        shown_are = f"{many(hits, 'hit')} and {many(false, 'false mark')} are shown"
        why = f"{shown_are}: too few to judge probabilities"
        none = Estimate(None, why=why)
        return Reliability(len(said), hits, per_scan, None, none, none, None, bins, (), why)

    def both(weights: FloatArray) -> FloatArray:
        own = weights[whose]
        return np.array([ece_of(said, true, own), brier_of(said, true, own)])

    values = each_draw(both, draws)
    share = hits / len(said)
    return Reliability(
        len(said), hits, per_scan, share,
        estimate(values[:, 0], draws, "no mark"), estimate(values[:, 1], draws, "no mark"),
        share * (1.0 - share), bins, tuple(_elsewhere(said, true, per_scan, n) for n in ELSEWHERE),
        "",
    )  # fmt: skip


def at_prevalence(probability: float, times: float) -> float:
    """What a probability means where nodules are `times` as frequent and false marks are not."""
    return times * probability / (times * probability + 1.0 - probability)


def ece_of(said: FloatArray, true: npt.NDArray[np.bool_], weights: FloatArray) -> float:
    """Mean over marks of the gap between what their bin says and what it holds; NaN without any."""
    total = weights.sum()
    if total <= 0.0:
        return float("nan")
    place = _bin_of(said)
    gap = np.bincount(place, weights * (said - true), BINS)
    return float(np.abs(gap).sum() / total)


def brier_of(said: FloatArray, true: npt.NDArray[np.bool_], weights: FloatArray) -> float:
    """Mean squared error; NaN without any mark."""
    total = weights.sum()
    return float(weights @ (said - true) ** 2 / total) if total > 0.0 else float("nan")


def _bin_of(said: FloatArray) -> npt.NDArray[np.intp]:
    return np.minimum((said * BINS).astype(np.intp), BINS - 1)


def _bins(said: FloatArray, true: npt.NDArray[np.bool_]) -> tuple[Bin, ...]:
    place = _bin_of(said)
    return tuple(
        _bin(number, said[place == number], true[place == number]) for number in range(BINS)
    )


def _bin(number: int, said: FloatArray, true: npt.NDArray[np.bool_]) -> Bin:
    low, high = number / BINS, (number + 1) / BINS
    if not len(said):
        return Bin(low, high, 0, 0, None, None)
    return Bin(low, high, len(said), int(true.sum()), float(said.mean()), float(true.mean()))


def _elsewhere(
    said: FloatArray, true: npt.NDArray[np.bool_], here: float, there: float
) -> Elsewhere:
    times = there / here
    weights = np.where(true, times, 1.0)
    return Elsewhere(
        there,
        float(weights[true].sum() / weights.sum()),
        ece_of(said, true, weights),
        brier_of(said, true, weights),
        tuple((p, at_prevalence(p, times)) for p in EXAMPLES),
    )


def shown_words(found: Sequence[Elsewhere]) -> str:
    """What another prevalence changes, in one sentence per prevalence."""
    return " ".join(
        f"At {e.nodules_per_scan:.2f} nodules per scan {100 * e.prevalence:.0f} % of the marks "
        f"would be nodules and the calibration error {e.ece:.3f}; "
        + ", ".join(f"{p:g} would mean {q:.3f}" for p, q in e.meant)
        + "."
        for e in found
    )
