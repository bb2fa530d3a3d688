"""Calibration on marks that can be counted on paper."""

from __future__ import annotations

import numpy as np
import pytest

from tests.learn.evaluation.worked import NODULE, scan, truth
from triage.learn.calibrate import NODULES_PER_SCAN
from triage.learn.evaluation.curve import Events
from triage.learn.evaluation.reliability import (
    at_prevalence,
    brier_of,
    ece_of,
    reliability,
    shown_words,
)
from triage.learn.evaluation.resample import draws_of

PATIENTS = 20
SCANS = [scan(f"p{i:02d}", truth("n", NODULE, 0.0, 8.0)) for i in range(PATIENTS)]
DRAWS = draws_of(SCANS, 0, 200)


def events(*groups: tuple[float, int, int]) -> Events:
    """Groups of (probability, marks, hits), dealt out to the patients in turn; 1 nodule each."""
    rows = [(p, i < hits) for p, marks, hits in groups for i in range(marks)]
    rows.sort(key=lambda r: -r[0])
    return Events(
        np.array([p for p, _ in rows]), np.arange(len(rows)) % PATIENTS,
        np.array([h for _, h in rows], bool), np.ones(PATIENTS), np.ones(PATIENTS),
    )  # fmt: skip


def test_probabilities_that_mean_what_they_say_have_no_error() -> None:
    said = reliability(events((0.75, 40, 30), (0.25, 40, 10)), 0.1, DRAWS)
    assert (said.marks, said.hits, said.prevalence) == (80, 40, 0.5)
    assert said.ece.value == pytest.approx(0.0)
    assert said.brier.value == pytest.approx(0.75 * 0.25)
    assert said.brier_of_prevalence == pytest.approx(0.25)
    filled = [(b.low, b.marks, b.hits, b.share) for b in said.bins if b.marks]
    assert filled == [(0.2, 40, 10, 0.25), (0.7, 40, 30, 0.75)]


def test_the_error_of_an_overconfident_model() -> None:
    """40 marks say .95 and half are true: gap .45; 10 say .15, none true: gap .15."""
    said = reliability(events((0.95, 40, 20), (0.15, 10, 0)), 0.1, DRAWS)
    assert said.ece.value == pytest.approx((40 * 0.45 + 10 * 0.15) / 50)
    expected = (20 * 0.05**2 + 20 * 0.95**2 + 10 * 0.15**2) / 50
    assert said.brier.value == pytest.approx(expected)
    assert said.ece.lower is not None and said.ece.lower < 0.39


def test_only_marks_that_are_shown_count() -> None:
    said = reliability(events((0.75, 40, 30), (0.05, 500, 0)), 0.1, DRAWS)
    assert said.marks == 40


def test_another_prevalence_changes_what_a_probability_means() -> None:
    assert at_prevalence(0.5, 1.0) == 0.5
    assert at_prevalence(0.5, 3.0) == pytest.approx(0.75)
    assert at_prevalence(0.9, 0.25) == pytest.approx(0.9 * 0.25 / (0.9 * 0.25 + 0.1))
    said = reliability(events((0.75, 40, 30), (0.25, 40, 10)), 0.1, DRAWS)
    assert said.nodules_per_scan == 1.0
    luna, sparse = said.elsewhere
    assert luna.nodules_per_scan == NODULES_PER_SCAN
    # a quarter of the nodules, the same 40 false marks: 10 of 50; true share of .75 is 7.5 / 17.5
    assert sparse.prevalence == pytest.approx(10 / 50)
    gaps = abs(7.5 - 0.75 * 17.5) + abs(2.5 - 0.25 * 32.5)
    assert sparse.ece == pytest.approx(gaps / 50)
    assert dict(sparse.meant)[0.5] == pytest.approx(0.2)
    assert "At 0.25 nodules per scan 20 % of the marks" in shown_words([sparse])


@pytest.mark.parametrize("group", [(0.5, 50, 9), (0.5, 50, 41), (0.5, 0, 0)])
def test_too_few_hits_or_false_marks_give_counts_only(group: tuple[float, int, int]) -> None:
    said = reliability(events(group), 0.1, DRAWS)
    assert "too few" in said.why
    assert (said.prevalence, said.ece.value, said.brier.value) == (None, None, None)
    assert (said.marks, said.hits) == group[1:]


def test_a_probability_of_1_falls_into_the_last_bin() -> None:
    ones = np.ones(4)
    assert ece_of(ones, ones.astype(bool), ones) == 0.0
    assert np.isnan(brier_of(ones, ones.astype(bool), np.zeros(4)))
