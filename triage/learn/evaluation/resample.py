"""Intervals: patients drawn anew, for all models at once.

Nodules of one patient are not independent, so whole patients are drawn, with replacement, as many
as there are; a patient drawn twice counts twice with all scans, nodules and false marks. Every
model sees the same draws, so the interval of a difference is paired. Where nodules of other
patients were put into a scan, hosts and donors are drawn each among their own.

An interval is the 2.5th to the 97.5th percentile of the draws. It is *not available*, and says why,
where draws cannot tell: one patient, no nodule, or every draw giving one and the same value. LUNA16
draws scans, not patients, and divides by the number of scans drawn; with one scan per patient that
is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from triage.learn.evaluation.curve import FloatArray
from triage.learn.evaluation.tables import ScanTable

RESAMPLES = 2000
SEED = 0
LEVEL = 0.95
#: Below so many patients or nodules a figure is an example: counts are given, no sensitivity.
FEWEST = 10
#: More draws than this without any nodule, and the rest tell of other data than these.
MOST_UNDEFINED = 0.05


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and how far it can be trusted.

    Attributes
    ----------
    value : float or None
        None when there is nothing to compute it from.
    lower, upper : float or None
        95 % interval; None when not available.
    why : str
        Why the value or the interval is missing; "" when both are there.
    """

    value: float | None
    lower: float | None = None
    upper: float | None = None
    why: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return f"not available: {self.why}"
        if self.lower is None or self.upper is None:
            return f"{self.value:.3f} (interval not available: {self.why})"
        return f"{self.value:.3f} ({self.lower:.3f} to {self.upper:.3f})"


@dataclass(frozen=True, slots=True)
class Draws:
    """Patients and how often each is in each draw.

    Attributes
    ----------
    patients : tuple of str
        Owners of scans first, then those of whom there is only tissue in another's scan.
    owners : int
        How many of them own a scan.
    weights : ndarray, float64, shape (1 + resamples, patients)
        Row 0 counts everybody once.
    seed : int
    """

    patients: tuple[str, ...]
    owners: int
    weights: FloatArray
    seed: int

    @property
    def too_few(self) -> str:
        """Why no draw can tell anything; "" when it can.

        One lung with the nodules of many patients can: the interval is then one over the nodules,
        and says nothing of other lungs.
        """
        donors = len(self.patients) - self.owners
        if self.owners == 1 and donors == 0:
            return "one patient"
        return "one donor" if donors == 1 else ""

    @property
    def one_lung(self) -> bool:
        """Whether all nodules were put into one lung."""
        return self.owners == 1 and len(self.patients) > 1


def draws_of(scans: Sequence[ScanTable], seed: int = SEED, resamples: int = RESAMPLES) -> Draws:
    """Draw patients; the same scans, seed and number always give the same draws.

    Parameters
    ----------
    scans : sequence of ScanTable
        In any order.
    seed, resamples : int

    Returns
    -------
    Draws
    """
    owners = sorted({s.patient for s in scans})
    tissue = {t.patient for s in scans for t in s.truths if t.patient}
    donors = sorted(tissue - set(owners))
    rng = np.random.default_rng(seed)
    parts = [_drawn(len(group), resamples, rng) for group in (owners, donors) if group]
    weights = np.concatenate(parts, axis=1) if parts else np.ones((1 + resamples, 0))
    return Draws((*owners, *donors), len(owners), weights, seed)


def _drawn(count: int, resamples: int, rng: np.random.Generator) -> FloatArray:
    drawn = rng.multinomial(count, np.full(count, 1.0 / count), size=resamples)
    return np.concatenate([np.ones((1, count)), drawn])


def each_draw(statistic: Callable[[FloatArray], FloatArray], draws: Draws) -> FloatArray:
    """A statistic under every draw, shape (1 + resamples, ...); row 0 is the figure itself."""
    return np.stack([statistic(weights) for weights in draws.weights])


def estimate(values: FloatArray, draws: Draws, nothing: str = "no nodule") -> Estimate:
    """A figure with its interval.

    Parameters
    ----------
    values : ndarray, float64, shape (1 + resamples,)
        Row 0 is the figure; NaN where it cannot be computed.
    draws : Draws
        That gave the values.
    nothing : str
        What is missing when the figure cannot be computed.

    Returns
    -------
    Estimate
    """
    if not np.isfinite(values[0]):
        return Estimate(None, why=nothing)
    value = float(values[0])
    if draws.too_few:
        return Estimate(value, why=draws.too_few)
    told = values[1:][np.isfinite(values[1:])]
    if len(told) < (1.0 - MOST_UNDEFINED) * (len(values) - 1) or len(told) == 0:
        return Estimate(value, why=f"{nothing} in {len(values) - 1 - len(told)} draws")
    if np.ptp(told) <= 1e-12:
        return Estimate(value, why="every draw gives the same value")
    tail = 100.0 * (1.0 - LEVEL) / 2.0
    lower, upper = (float(v) for v in np.percentile(told, [tail, 100.0 - tail]))
    return Estimate(value, lower, upper)


def too_small(nodules: int, patients: int, scans: int) -> str:
    """In words, that there are too few to speak of sensitivity; "" when there are enough."""
    if nodules >= FEWEST and patients >= FEWEST:
        return ""
    said = f"{many(nodules, 'nodule')} of {many(patients, 'patient')} in {many(scans, 'scan')}"
    return f"{said}: {'examples, ' if nodules else ''}no sensitivity"


def many(count: int, one: str) -> str:
    """A count in words: ``1 nodule``, ``2 nodules``."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"
