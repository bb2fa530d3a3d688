"""What a mark turned out to be, a row per case, under both rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.learn.evaluation.worked import IGNORE, MARKS, NODULE, SCANS, SMALL, at, scan, truth
from triage.core.finding import Candidate
from triage.learn import froc
from triage.learn.data.cases import Case, MarkedNodule, SmallFinding
from triage.learn.evaluation.rules import LUNA16, SHARED_DATA, Rule, is_on, looked_at, outcome
from triage.learn.evaluation.tables import Mark, ScanTable, Truth, TruthKind
from triage.learn.froc import Role

TABLE = scan(
    "T",
    truth("small nodule", NODULE, 0.0, 8.0),
    truth("large nodule", NODULE, 100.0, 30.0),
    truth("two readers", IGNORE, 200.0, 6.0),
    truth("non-nodule", SMALL, 300.0, None),
    Truth("boxed", NODULE, (400.0, 0.0, 0.0), 10.0, ((396.0, -4.0, -16.0), (404.0, 4.0, 4.0))),
    truth("twin", TruthKind.TWIN, 500.0, 10.0),
    truth("untouched", TruthKind.BACKGROUND, 600.0, 10.0),
)
# what -> x of the mark, role under luna16, role under shared_data
ROLES = {
    "nearer than the radius": (3.9, Role.HIT, Role.HIT),
    "exactly the radius is not nearer than it": (4.0, Role.FALSE, Role.HIT),
    "beyond the radius, within 5 mm": (4.9, Role.FALSE, Role.HIT),
    "exactly 5 mm": (5.0, Role.FALSE, Role.HIT),
    "beyond 5 mm": (5.1, Role.FALSE, Role.FALSE),
    "in a large nodule": (114.9, Role.HIT, Role.HIT),
    "beside a large nodule": (115.1, Role.FALSE, Role.FALSE),
    "on a nodule of two readers": (202.9, Role.IGNORED, Role.IGNORED),
    "beside it, within 5 mm": (203.1, Role.FALSE, Role.IGNORED),
    "on a non-nodule": (304.9, Role.SMALL, Role.FALSE),
    "beside a non-nodule": (305.1, Role.FALSE, Role.FALSE),
    "on a healthy twin": (500.0, Role.FALSE, Role.FALSE),
    "on an untouched place": (600.0, Role.FALSE, Role.FALSE),
}


@pytest.mark.parametrize("name", ROLES)
def test_a_mark_has_one_role_under_each_rule(name: str) -> None:
    x, luna, shared = ROLES[name]
    assert outcome(TABLE, [at(x, 0.5)], LUNA16).roles == (luna,)
    assert outcome(TABLE, [at(x, 0.5)], SHARED_DATA).roles == (shared,)


def test_only_the_data_folders_rule_knows_boxes() -> None:
    mark = Mark((403.9, 3.9, -15.0), 6.0, 0.5)
    assert outcome(TABLE, [mark], SHARED_DATA).roles == (Role.HIT,)
    assert outcome(TABLE, [mark], LUNA16).roles == (Role.FALSE,)


def test_the_worked_example_luna16() -> None:
    a, b = (outcome(s, MARKS[s.scan], LUNA16) for s in SCANS)
    assert (a.hits, a.false) == ((0.9, 0.7), (0.7,))
    assert (b.hits, b.false) == ((0.4, None), (0.5, 0.4))
    assert a.roles == (Role.HIT, Role.AGAIN, Role.HIT, Role.FALSE)
    assert b.roles[:3] == (Role.IGNORED, Role.SMALL, Role.FALSE)
    assert sorted(b.roles[3:]) == [Role.FALSE, Role.HIT]  # equal probabilities


def test_the_worked_example_data_folder() -> None:
    a, b = (outcome(s, MARKS[s.scan], SHARED_DATA) for s in SCANS)
    assert (a.hits, a.false) == ((0.9, 0.7), ())
    assert (b.hits, b.false) == ((0.4, None), (0.6, 0.5, 0.4))


def test_several_marks_on_a_nodule_count_once_with_the_best() -> None:
    said = outcome(TABLE, [at(1.0, 0.3), at(-1.0, 0.8), at(0.0, 0.5)], LUNA16)
    assert said.hits[0] == 0.8
    assert said.roles == (Role.HIT, Role.AGAIN, Role.AGAIN)
    assert said.false == ()


def test_one_mark_may_hit_two_nodules() -> None:
    close = scan("C", truth("a", NODULE, 0.0, 10.0), truth("b", NODULE, 6.0, 10.0))
    said = outcome(close, [at(3.0, 0.6)], LUNA16)
    assert said.hits == (0.6, 0.6)
    assert said.roles == (Role.HIT,)


def test_a_nodule_wins_over_a_finding_that_is_left_out() -> None:
    both = scan("C", truth("i", IGNORE, 0.0, 10.0), truth("n", NODULE, 2.0, 10.0))
    assert outcome(both, [at(1.0, 0.6)], LUNA16).hits == (0.6,)


def test_nothing_marked_is_all_missed_and_nothing_false() -> None:
    said = outcome(TABLE, [], LUNA16)
    assert (said.hits, said.false, said.roles) == ((None, None, None), (), ())


def test_of_more_than_100_marks_those_up_to_the_101st_are_dropped() -> None:
    marks = [at(1000.0 + 10 * i, 0.9 - 0.001 * i) for i in range(102)]
    assert len(looked_at(marks, LUNA16)) == 100
    assert len(looked_at(marks, SHARED_DATA)) == 102
    tied = [*marks[:99], *(at(5000.0 + i, 0.5) for i in range(3))]
    assert len(looked_at(tied, LUNA16)) == 99


places = st.integers(-30, 330).map(float)
marks_ = st.lists(
    st.builds(at, places, st.integers(1, 99).map(lambda n: n / 100)), max_size=12, unique=True
)


@settings(max_examples=200, deadline=None)
@given(marks_, st.randoms(use_true_random=False))
@pytest.mark.parametrize("rule", [LUNA16, SHARED_DATA], ids=lambda r: r.name)
def test_the_order_of_marks_never_matters(rule: Rule, marks: list[Mark], shuffler) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(marks)
    shuffler.shuffle(shuffled)
    assert outcome(TABLE, shuffled, rule) == outcome(TABLE, marks, rule)


@settings(max_examples=200, deadline=None)
@given(marks_)
def test_the_data_folders_rule_is_the_one_the_gate_uses(marks: list[Mark]) -> None:
    """`triage.learn.froc` scores the learning loop by that rule: both must count alike."""
    ranked = looked_at(marks, SHARED_DATA)
    known = [Candidate(m.center_lps_mm, m.diameter_mm, m.probability) for m in ranked]
    scored = froc.score(_as_case(TABLE), known)
    said = outcome(TABLE, marks, SHARED_DATA)
    assert said.hits == tuple(n.probability for n in scored.nodules)
    assert len(said.false) == scored.false_positives_strict


def _as_case(table: ScanTable) -> Case:
    nodules = tuple(
        MarkedNodule(t.center_lps_mm, t.diameter_mm or 0.0, t.kind is NODULE, t.box_lps_mm)
        for t in table.truths
        if t.kind in {NODULE, IGNORE}
    )
    small = tuple(SmallFinding(t.center_lps_mm, ("non_nodule",)) for t in table.of(SMALL))
    return Case("T", "T", "T", True, nodules, small, Path("T.zip"))


def test_a_finding_nobody_measured_is_ten_millimetres_wide() -> None:
    place = truth("s", SMALL, 0.0, None)
    assert is_on(place, at(4.99, 0.5), LUNA16)
    assert not is_on(place, at(5.0, 0.5), LUNA16)
