"""Machine beside readers on the training cubes: bias within, spread about, the readers' own.

The cubes kept apart are looked at by `triage bench measure` only.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.measure import against_readers, numbers_of
from tests.detect.readers import (
    Agreement,
    ReadNodule,
    agreement,
    leave_one_out,
    leave_one_out_percent,
    read_nodules,
)
from triage.detect.measure import Sizing, measure


@pytest.fixture(scope="module")
def seen(shared_data: Path) -> list[tuple[ReadNodule, Sizing]]:
    nodules = read_nodules(shared_data, "train")
    return [(one, measure(one.volume, one.candidate)) for one in nodules]


def differences(seen: list[tuple[ReadNodule, Sizing]], number: int, *, percent: bool) -> Agreement:
    pairs = [(numbers_of(s)[number], n.reference()[number]) for n, s in seen if s.measurement]
    ours, mean = np.array(pairs).T
    return agreement(200 * (ours - mean) / (ours + mean) if percent else ours - mean)


@pytest.mark.real
def test_nearly_every_nodule_is_measured(seen: list[tuple[ReadNodule, Sizing]]) -> None:
    assert len(seen) >= 80
    assert sum(s.measurement is not None for _, s in seen) >= 0.97 * len(seen)


@pytest.mark.real
@pytest.mark.parametrize(("number", "percent"), [(1, False), (2, True)])
def test_volume_is_as_near_to_the_readers_mean_as_they_are_to_each_other(
    seen: list[tuple[ReadNodule, Sizing]], number: int, percent: bool
) -> None:
    ours = differences(seen, number, percent=percent)
    every = leave_one_out_percent if percent else leave_one_out
    readers = agreement(np.concatenate([every(n.readers)[:, number] for n, _ in seen]))
    assert readers.low < ours.bias < readers.high
    assert ours.median_apart <= 1.15 * readers.median_apart
    assert ours.mean_apart <= 1.15 * readers.mean_apart
    assert ours.half_width <= 1.15 * readers.half_width


@pytest.mark.real
def test_the_long_axis_is_within_the_readers_limits_but_spreads_wider(
    seen: list[tuple[ReadNodule, Sizing]],
) -> None:
    """Readers take the longest line on any slice, spicules too: not reached, and held as seen."""
    ours = differences(seen, 0, percent=False)
    readers = agreement(np.concatenate([leave_one_out(n.readers)[:, 0] for n, _ in seen]))
    assert readers.low < ours.bias < readers.high
    assert ours.half_width <= 1.6 * readers.half_width


@pytest.mark.real
def test_intervals_hold_the_readers_mean(seen: list[tuple[ReadNodule, Sizing]]) -> None:
    inside = []
    for nodule, sizing in seen:
        if sizing.measurement is None:
            continue
        mean, interval = nodule.reference(at_the_edge=True), sizing.measurement.volume_interval_mm3
        assert interval is not None
        inside.append(interval[0] <= mean[2] <= interval[1])
    assert 0.9 <= np.mean(inside) <= 1.0


def test_limits_of_agreement_by_hand() -> None:
    one = agreement([1.0, -1.0, 3.0])
    assert one.bias == pytest.approx(1.0) and one.half_width == pytest.approx(1.96 * 2.0)
    assert one.mean_apart == pytest.approx(5 / 3) and one.median_apart == 1.0


def test_a_reader_is_compared_with_the_others_not_with_himself() -> None:
    readers = np.array([[4.0, 4.0, 10.0], [6.0, 6.0, 30.0], [8.0, 8.0, 20.0]])
    assert leave_one_out(readers)[:, 0].tolist() == [-3.0, 0.0, 3.0]
    assert leave_one_out_percent(readers)[0, 2] == pytest.approx(200 * (10 - 25) / 35)


def test_against_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="concatenate"):
        against_readers([], "train")
