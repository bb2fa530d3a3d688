"""FROC: sensitivity against false marks per scan, as LUNA16 reads it off.

At every distinct probability the marks at or above it are counted (equal ones enter together), so
the curve is a chain of points that begins at (0, 0). Between points it is read
by straight lines, to the right of the last point it stays flat, and where it rises vertically the
upper end counts. LUNA16's mean sensitivity ("competition performance metric") is the mean of seven
such readings at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false marks per scan.

Two things are not as in its script: the seven are read at exactly these rates (the script reads a
grid of 10,001 rates, which does not hold all of them), and a model that finds nothing has
sensitivity 0 (the script divides zero by zero).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from triage.learn.evaluation.rules import Outcome
from triage.learn.evaluation.tables import ScanTable, Truth, TruthKind

FloatArray: TypeAlias = npt.NDArray[np.float64]
#: Which nodules a figure is about.
Which: TypeAlias = Callable[[ScanTable, Truth], bool]

#: False marks per scan at which LUNA16 reads sensitivity.
RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def every(_: ScanTable, __: Truth) -> bool:
    """All nodules."""
    return True


@dataclass(frozen=True, slots=True)
class Events:
    """One model's answers, laid out so that a resample of patients is a row of weights.

    Attributes
    ----------
    probability : ndarray, float64, shape (n,)
        Of found nodules and false marks, falling.
    patient : ndarray, intp, shape (n,)
        Whose nodule, or in whose scan the false mark is; an index into the weights.
    is_hit : ndarray, bool, shape (n,)
    nodules, scans : ndarray, float64, shape (patients,)
        How many there are of each patient.
    """

    probability: FloatArray
    patient: npt.NDArray[np.intp]
    is_hit: npt.NDArray[np.bool_]
    nodules: FloatArray
    scans: FloatArray


def events_of(
    scans: Sequence[ScanTable],
    outcomes: Sequence[Outcome],
    patients: Sequence[str],
    which: Which = every,
) -> Events:
    """Lay out what a model answered.

    Parameters
    ----------
    scans : sequence of ScanTable
        All with every nodule marked.
    outcomes : sequence of Outcome
        Of the same scans.
    patients : sequence of str
        Everybody of the evaluation.
    which : callable
        Nodules that count; the others are neither found nor missed.

    Returns
    -------
    Events
    """
    index = {name: i for i, name in enumerate(patients)}
    rows: list[tuple[float, int, bool]] = []
    nodules, count = np.zeros(len(patients)), np.zeros(len(patients))
    for scan, said in zip(scans, outcomes, strict=True):
        count[index[scan.patient]] += 1
        rows += [(p, index[scan.patient], False) for p in said.false]
        for truth, p in zip(scan.of(TruthKind.NODULE), said.hits, strict=True):
            if which(scan, truth):
                whose = index[truth.patient or scan.patient]
                nodules[whose] += 1
                rows += [(p, whose, True)] if p is not None else []
    rows.sort(key=lambda row: -row[0])
    return Events(
        np.array([r[0] for r in rows], float),
        np.array([r[1] for r in rows], np.intp),
        np.array([r[2] for r in rows], bool),
        nodules,
        count,
    )


def chain(events: Events, weights: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
    """The points of the curve.

    Parameters
    ----------
    events : Events
    weights : ndarray, float64, shape (patients,), optional
        How often each patient counts; by default once.

    Returns
    -------
    false_per_scan, sensitivity : ndarray, float64, shape (points,)
        Both rising, from (0, 0). All NaN when there is no nodule or no scan.
    """
    weights = np.ones(len(events.scans)) if weights is None else weights
    own = weights[events.patient]
    last = np.append(np.diff(events.probability) != 0.0, True)[: len(own)]
    false = np.cumsum(own * ~events.is_hit)[last]
    found = np.cumsum(own * events.is_hit)[last]
    nodules, scans = float(weights @ events.nodules), float(weights @ events.scans)
    if nodules <= 0 or scans <= 0:
        nothing = np.full(len(found) + 1, np.nan)
        return nothing, nothing
    return np.append(0.0, false / scans), np.append(0.0, found / nodules)


def sensitivity_at(
    events: Events, rates: Sequence[float] = RATES, weights: FloatArray | None = None
) -> FloatArray:
    """Sensitivity read at given false marks per scan, shape (rates,); NaN as `chain`."""
    false, share = chain(events, weights)
    if np.isnan(share[0]):
        return np.full(len(rates), np.nan)
    read: FloatArray = np.interp(np.array(rates, float), false, share)
    return read


def mean_sensitivity(events: Events, weights: FloatArray | None = None) -> float:
    """LUNA16's CPM: the mean of the seven readings; NaN without a nodule."""
    return float(sensitivity_at(events, RATES, weights).mean())
