"""FROC: the example on paper, and a second computation that shares nothing with the first."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.learn.evaluation.worked import MARKS, NODULE, SCANS, at, scan, truth
from triage.learn.evaluation.curve import (
    RATES,
    Events,
    Which,
    chain,
    events_of,
    every,
    mean_sensitivity,
    sensitivity_at,
)
from triage.learn.evaluation.rules import LUNA16, SHARED_DATA, Rule, outcome
from triage.learn.evaluation.strata import AT_LEAST_6_MM
from triage.learn.evaluation.tables import Mark, ScanTable, Truth

PATIENTS = ("A", "B")


def worked_events(rule: Rule = LUNA16, which: Which = every) -> Events:
    outcomes = [outcome(s, MARKS[s.scan], rule) for s in SCANS]
    return events_of(SCANS, outcomes, PATIENTS, which)


def test_every_number_of_the_worked_example_luna16() -> None:
    events = worked_events()
    false, share = chain(events)
    assert false.tolist() == [0, 0, 0.5, 1, 1.5]
    assert share.tolist() == [0, 0.25, 0.5, 0.5, 0.75]
    assert sensitivity_at(events).tolist() == [0.3125, 0.375, 0.5, 0.5, 0.75, 0.75, 0.75]
    assert mean_sensitivity(events) == pytest.approx(0.5625, abs=1e-12)


def test_every_number_of_the_worked_example_data_folder() -> None:
    events = worked_events(SHARED_DATA)
    false, share = chain(events)
    assert false.tolist() == [0, 0, 0, 0.5, 1, 1.5]
    assert share.tolist() == [0, 0.25, 0.5, 0.5, 0.5, 0.75]
    assert sensitivity_at(events).tolist() == [0.5, 0.5, 0.5, 0.5, 0.75, 0.75, 0.75]
    assert mean_sensitivity(events) == pytest.approx(4.25 / 7, abs=1e-12)


def test_a_subset_leaves_other_nodules_out_and_keeps_every_false_mark() -> None:
    def is_8_mm(_: ScanTable, nodule: Truth) -> bool:
        return nodule.diameter_mm == 8.0

    events = worked_events(which=is_8_mm)
    false, share = chain(events)
    # n2 at .7 (with a false mark), n3 at .4 (with a false mark): 2 nodules
    assert false.tolist() == [0, 0.5, 1, 1.5]
    assert share.tolist() == [0, 0.5, 0.5, 1]
    assert sensitivity_at(events, (0.25, 1.25)).tolist() == [0.25, 0.75]


def test_the_6_mm_edge_belongs_to_the_larger_ones() -> None:
    events = worked_events(which=AT_LEAST_6_MM.nodule)
    assert events.nodules.tolist() == [2, 2]


def test_no_false_mark_at_all_reads_the_last_point_everywhere() -> None:
    one = scan("A", truth("n", NODULE, 0.0, 8.0), truth("m", NODULE, 50.0, 8.0))
    events = events_of([one], [outcome(one, [at(0.0, 0.9)], LUNA16)], ["A"])
    assert sensitivity_at(events).tolist() == [0.5] * 7


def test_a_model_that_finds_nothing_has_sensitivity_0() -> None:
    one = scan("A", truth("n", NODULE, 0.0, 8.0))
    for marks in ([], [at(50.0, 0.9)]):
        events = events_of([one], [outcome(one, marks, LUNA16)], ["A"])
        assert sensitivity_at(events).tolist() == [0.0] * 7


def test_without_nodules_there_is_no_sensitivity() -> None:
    one = scan("A")
    events = events_of([one], [outcome(one, [at(50.0, 0.9)], LUNA16)], ["A"])
    assert np.isnan(sensitivity_at(events)).all()
    assert math.isnan(mean_sensitivity(events))


def test_a_draw_that_holds_no_scan_has_no_sensitivity() -> None:
    """A donor's nodule without the host's scan: there is nothing to count false marks in."""
    host = scan("H", truth("n", NODULE, 0.0, 8.0, patient="D"))
    events = events_of([host], [outcome(host, [at(50, 0.8)], LUNA16)], ["H", "D"])
    assert np.isnan(sensitivity_at(events, RATES, np.array([0.0, 1.0]))).all()


def test_a_donors_nodule_is_the_donors_and_a_false_mark_the_hosts() -> None:
    host = scan("H", truth("n", NODULE, 0.0, 8.0, patient="D"))
    events = events_of([host], [outcome(host, [at(0, 0.9), at(50, 0.8)], LUNA16)], ["H", "D"])
    assert events.nodules.tolist() == [0, 1]
    assert events.scans.tolist() == [1, 0]
    assert events.patient.tolist() == [1, 0]


# ------------------------------------------------------------- the same by brute force


def naive(scans: list[ScanTable], marks: dict[str, list[Mark]], rate: Fraction) -> Fraction:
    """Count anew at every threshold, in fractions, by the words of the rule alone."""
    levels = sorted({m.probability for row in marks.values() for m in row}, reverse=True)
    points = [(Fraction(0), Fraction(0)), *(_count(scans, marks, t) for t in levels)]
    under = [i for i, (false, _) in enumerate(points) if false <= rate]
    here = points[under[-1]]
    if under[-1] + 1 == len(points):
        return here[1]
    after = points[under[-1] + 1]
    part = (rate - here[0]) / (after[0] - here[0])
    return here[1] + part * (after[1] - here[1])


def _count(
    scans: list[ScanTable], marks: dict[str, list[Mark]], threshold: float
) -> tuple[Fraction, Fraction]:
    found = nodules = false = 0
    for one in scans:
        shown = [m.center_lps_mm[0] for m in marks[one.scan] if m.probability >= threshold]
        reach = [(t.center_lps_mm[0], (t.diameter_mm or 0.0) / 2) for t in one.truths]
        nodules += len(reach)
        found += sum(any(abs(m - x) < r for m in shown) for x, r in reach)
        false += sum(all(abs(m - x) >= r for x, r in reach) for m in shown)
    return Fraction(false, len(scans)), Fraction(found, nodules)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[ScanTable], dict[str, list[Mark]]]:
    """Up to six scans with nodules and marks on a line, ties and empty rows included."""
    scans, marks = [], {}
    for number in range(draw(st.integers(1, 6))):
        sites = draw(st.lists(st.integers(0, 9), min_size=int(number == 0), unique=True))
        name = f"s{number}"
        truths = [truth(f"n{x}", NODULE, 20.0 * x, float(4 + x)) for x in sites]
        scans.append(scan(name, *truths))
        places, levels = st.integers(-5, 200), st.integers(1, 9)
        rows = draw(st.lists(st.tuples(places, levels), max_size=15))
        marks[name] = [at(float(x), level / 10) for x, level in rows]
    return scans, marks


@settings(max_examples=300, deadline=None)
@given(tables())
def test_agrees_with_counting_anew_at_every_threshold(
    made: tuple[list[ScanTable], dict[str, list[Mark]]],
) -> None:
    scans, marks = made
    outcomes = [outcome(s, marks[s.scan], LUNA16) for s in scans]
    events = events_of(scans, outcomes, [s.patient for s in scans])
    expected = [naive(scans, marks, Fraction(rate)) for rate in RATES]
    assert sensitivity_at(events) == pytest.approx([float(v) for v in expected], abs=1e-12)
    assert mean_sensitivity(events) == pytest.approx(float(sum(expected) / 7), abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(tables(), st.data())
def test_a_patient_drawn_twice_is_two_patients_with_the_same_scan(
    made: tuple[list[ScanTable], dict[str, list[Mark]]], data: st.DataObject
) -> None:
    scans, marks = made
    times = [data.draw(st.integers(1 if i == 0 else 0, 3)) for i in range(len(scans))]
    outcomes = [outcome(s, marks[s.scan], LUNA16) for s in scans]
    events = events_of(scans, outcomes, [s.patient for s in scans])
    copies = [i for i, n in enumerate(times) for _ in range(n)]
    again = [scan(f"c{k}", *scans[i].truths) for k, i in enumerate(copies)]
    written_out = events_of(again, [outcomes[i] for i in copies], [s.patient for s in again])
    assert sensitivity_at(events, RATES, np.array(times, float)) == pytest.approx(
        sensitivity_at(written_out), abs=1e-12
    )
