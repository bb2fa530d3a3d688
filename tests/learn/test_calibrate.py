"""Logits become probabilities at the prevalence that is named; the operating point is a rule."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from triage.learn.calibrate import NODULES_PER_SCAN, calibrate, threshold_for


def drawn(nodules: int, seed: int = 0) -> tuple[list[float], list[float]]:
    rng = np.random.default_rng(seed)
    return list(rng.normal(1.5, 1.0, nodules)), list(rng.normal(-2.0, 1.0, 400))


def test_the_mean_probability_is_the_prevalence() -> None:
    hits, false = drawn(200)
    temperature, bias = calibrate(hits, false)
    chance_hit = expit(np.array(hits) / temperature + bias)
    chance_false = expit(np.array(false) / temperature + bias)
    expected = NODULES_PER_SCAN * chance_hit.mean() + chance_false.sum()
    assert expected == pytest.approx(NODULES_PER_SCAN, rel=0.05)


def test_how_many_were_planted_does_not_matter() -> None:
    few, false = drawn(200)
    assert calibrate(few * 4, false) == pytest.approx(calibrate(few, false), rel=1e-3, abs=1e-3)


def test_order_is_kept() -> None:
    temperature, bias = calibrate(*drawn(50))
    assert temperature > 0
    assert np.isfinite(bias)


def test_separable_logits_give_finite_numbers() -> None:
    temperature, bias = calibrate([3.0, 4.0], [-3.0, -4.0])
    assert 0 < temperature < np.inf
    assert np.isfinite(bias)


@pytest.mark.parametrize(("hits", "false"), [([], [1.0]), ([1.0], []), ([], [])])
def test_nothing_to_fit_is_refused(hits: list[float], false: list[float]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        calibrate(hits, false)


# false positives (logits), allowed -> the logit of the threshold
RULES = [
    ([3.0, 1.0, -1.0, -3.0], 1, 2.0),
    ([3.0, 1.0, -1.0, -3.0], 2, 0.0),
    ([-3.0, 3.0, -1.0, 1.0], 2, 0.0),
    ([2.0], 2, 2.0),
    ([2.0, 1.0], 2, 1.0),
]


@pytest.mark.parametrize(("false", "allowed", "edge"), RULES)
def test_the_threshold_lets_as_many_through_as_allowed(
    false: list[float], allowed: int, edge: float
) -> None:
    assert threshold_for(false, 2.0, 0.5, allowed) == pytest.approx(expit(edge / 2.0 + 0.5))


@pytest.mark.parametrize(("false", "allowed"), [([], 2), ([1.0, 2.0], 0)])
def test_without_false_positives_there_is_no_operating_point(
    false: list[float], allowed: int
) -> None:
    with pytest.raises(ValueError, match="operating point"):
        threshold_for(false, 1.0, 0.0, allowed)
