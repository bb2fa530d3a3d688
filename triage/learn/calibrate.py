"""From a logit to a probability that means something, and where to cut.

A plain logistic fit of "nodule or not" on the network's logit (Platt scaling). Which share of
marks is true depends on how many nodules there are, so the fit is made for `NODULES_PER_SCAN`, the
rate of LUNA16 (1186 nodules of 3 readers and more in 888 scans), whatever number was planted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import optimize
from scipy.special import expit

NODULES_PER_SCAN = 1186.0 / 888.0
#: The operating point: so many strict false positives on the scan that chooses it.
FALSE_PER_SCAN = 2
#: Keeps the slope finite when nodules and false positives do not overlap.
RIDGE = 1e-2


def calibrate(hits: Sequence[float], false: Sequence[float], scans: int = 1) -> tuple[float, float]:
    """Fit temperature and bias.

    Parameters
    ----------
    hits : sequence of float
        Logits on nodules, at least one.
    false : sequence of float
        Logits of false positives in `scans` scans, at least one.
    scans : int

    Returns
    -------
    temperature, bias : float
        ``probability = 1 / (1 + exp(-(logit / temperature + bias)))``; temperature above 0.

    Raises
    ------
    ValueError
        Nothing to fit on.
    """
    if not hits or not false:
        raise ValueError("calibration needs at least one nodule and one false positive")
    logits = np.concatenate([np.array(hits, float), np.array(false, float)])
    truth = np.concatenate([np.ones(len(hits)), np.zeros(len(false))])
    weight = np.where(truth > 0, NODULES_PER_SCAN * scans / len(hits), 1.0)

    def cost(parameters: np.ndarray) -> float:
        log_slope, bias = parameters
        score = logits * np.exp(log_slope) + bias
        loss = np.logaddexp(0.0, np.where(truth > 0, -score, score))
        return float((weight * loss).sum() + RIDGE * log_slope**2)

    best = optimize.minimize(cost, np.zeros(2), method="Nelder-Mead", options={"maxiter": 4000})
    return float(np.exp(-best.x[0])), float(best.x[1])


def threshold_for(
    false: Sequence[float], temperature: float, bias: float, allowed: int = FALSE_PER_SCAN
) -> float:
    """The calibrated probability that at most `allowed` of the false positives reach.

    Half way (in logits) between the last one let through and the first one kept out; the lowest of
    all when there are no more than `allowed`.

    Raises
    ------
    ValueError
        There is no false positive to go by, or `allowed` is below 1.
    """
    ordered = sorted(false, reverse=True)
    if not ordered or allowed < 1:
        raise ValueError("an operating point needs false positives to go by, and to allow one")
    last, next_ = ordered[min(allowed, len(ordered)) - 1], ordered[min(allowed, len(ordered) - 1)]
    return float(expit((last + next_) / 2.0 / temperature + bias))
