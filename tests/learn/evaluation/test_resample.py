"""Intervals: whole patients, the same draws for every model, and no interval where none can be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.learn.evaluation.worked import NODULE, SCANS, scan, truth
from triage.learn.evaluation.curve import FloatArray
from triage.learn.evaluation.resample import (
    FEWEST,
    Estimate,
    draws_of,
    each_draw,
    estimate,
    too_small,
)
from triage.learn.evaluation.tables import ScanTable


def owners(count: int) -> list[ScanTable]:
    return [scan(f"p{i:02d}", truth("n", NODULE, 0.0, 8.0)) for i in range(count)]


def test_row_0_counts_everybody_once_and_a_draw_is_as_large() -> None:
    draws = draws_of(owners(7), seed=3, resamples=50)
    assert draws.weights.shape == (51, 7)
    assert draws.weights[0].tolist() == [1] * 7
    assert (draws.weights[1:].sum(axis=1) == 7).all()
    assert len({tuple(row) for row in draws.weights}) > 40


def test_the_same_seed_draws_the_same_in_any_order_of_scans() -> None:
    scans = owners(5)
    first, second = draws_of(scans, 1, 20), draws_of(scans[::-1], 1, 20)
    assert first.patients == second.patients
    assert (first.weights == second.weights).all()
    assert (draws_of(scans, 2, 20).weights != first.weights).any()


def test_two_scans_of_a_patient_are_drawn_together() -> None:
    scans = [replace(SCANS[0], scan="A1"), SCANS[0], SCANS[1]]
    assert draws_of(scans, 0, 5).patients == ("A", "B")


def test_hosts_and_donors_are_drawn_among_their_own() -> None:
    scans = [
        scan("h1", *(truth(f"n{i}", NODULE, 50.0 * i, 8.0, patient=f"d{i}") for i in range(4))),
        scan("h2", truth("n", NODULE, 0.0, 8.0, patient="d4")),
    ]
    draws = draws_of(scans, 0, 30)
    assert draws.patients == ("h1", "h2", "d0", "d1", "d2", "d3", "d4")
    assert draws.owners == 2
    assert (draws.weights[:, :2].sum(axis=1) == 2).all()
    assert (draws.weights[:, 2:].sum(axis=1) == 5).all()


def test_the_interval_of_a_mean_is_the_known_one() -> None:
    """A mean of n values has standard error sd / sqrt(n); 2000 draws come within a tenth of it."""
    rng = np.random.default_rng(5)
    values = rng.normal(0.0, 1.0, 100)
    draws = draws_of(owners(100), seed=0)
    found = estimate(each_draw(lambda w: np.array(w @ values / w.sum()), draws), draws)
    assert found.value == pytest.approx(values.mean())
    assert found.lower is not None and found.upper is not None
    expected = 2 * 1.96 * values.std() / 10
    assert found.upper - found.lower == pytest.approx(expected, rel=0.1)
    assert found.lower < values.mean() < found.upper


def test_a_difference_is_paired() -> None:
    """Two models that differ by the same amount in every patient differ by just that, always."""
    rng = np.random.default_rng(6)
    first = rng.normal(0.0, 5.0, 30)
    second = first + 0.1 + rng.normal(0.0, 0.01, 30)
    draws = draws_of(owners(30))
    change = each_draw(lambda w: np.array(w @ (second - first) / w.sum()), draws)
    found = estimate(change, draws)
    assert found.lower is not None and found.upper is not None
    assert 0.08 < found.lower < 0.1 < found.upper < 0.12


def values(first: float, *rest: float) -> FloatArray:
    return np.array([first, *rest])


# what -> how many own a scan, values, the reason
WITHOUT_INTERVAL = {
    "one patient": (1, values(0.5, 0.1, 0.9), "one patient"),
    "every draw the same": (3, values(1.0, 1.0, 1.0), "every draw gives the same value"),
    "draws without a nodule": (3, values(0.5, np.nan, 0.3), "no nodule in 1 draws"),
    "all draws without a nodule": (3, values(0.5, np.nan, np.nan), "no nodule in 2 draws"),
}


@pytest.mark.parametrize("name", WITHOUT_INTERVAL)
def test_where_draws_tell_nothing_there_is_no_interval(name: str) -> None:
    count, told, why = WITHOUT_INTERVAL[name]
    found = estimate(told, draws_of(owners(count), 0, 2))
    assert found == Estimate(float(told[0]), None, None, why)
    assert "interval not available" in str(found)


def test_without_a_nodule_there_is_no_figure_either() -> None:
    found = estimate(values(np.nan, np.nan), draws_of(owners(3), 0, 1))
    assert found == Estimate(None, why="no nodule")
    assert str(found) == "not available: no nodule"


def test_one_lung_with_many_donors_has_an_interval_over_the_nodules() -> None:
    host = scan("h", *(truth(f"n{i}", NODULE, 50.0 * i, 8.0, patient=f"d{i}") for i in range(9)))
    drawn = draws_of([host], 0, 3)
    assert (drawn.too_few, drawn.one_lung) == ("", True)
    assert draws_of([scan("a"), scan("b")], 0, 3).one_lung is False
    donor = [scan(h, truth("n", NODULE, 0.0, 8.0, patient="d")) for h in ("h1", "h2")]
    assert draws_of(donor, 0, 3).too_few == "one donor"


def test_small_numbers_are_said_in_words() -> None:
    assert too_small(3, 3, 3) == "3 nodules of 3 patients in 3 scans: examples, no sensitivity"
    assert too_small(1, 1, 1) == "1 nodule of 1 patient in 1 scan: examples, no sensitivity"
    assert too_small(0, 0, 5) == "0 nodules of 0 patients in 5 scans: no sensitivity"
    assert too_small(40, FEWEST - 1, 9).endswith("no sensitivity")
    assert too_small(FEWEST, FEWEST, 5) == ""
