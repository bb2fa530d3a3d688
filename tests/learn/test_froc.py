"""The scoring rule of the data folder, a row per case."""

from __future__ import annotations

from pathlib import Path

import pytest

from triage.core.finding import Candidate
from triage.learn.data.cases import Case, MarkedNodule, SmallFinding
from triage.learn.froc import FrocPoint, Role, froc, is_on, score

POSITIVE = MarkedNodule((0.0, 0.0, 0.0), 8.0, True)
LARGE = MarkedNodule((100.0, 0.0, 0.0), 30.0, True)
DOUBTED = MarkedNodule((0.0, 100.0, 0.0), 6.0, False)
POINT = MarkedNodule((0.0, 0.0, 100.0), 10.0, True, ((-4.0, -4.0, 84.0), (4.0, 4.0, 104.0)))
SMALL = SmallFinding((-50.0, 0.0, 0.0), ("non_nodule",))


def case(*nodules: MarkedNodule, all_marked: bool = True) -> Case:
    return Case("c", "p", "1.2", all_marked, nodules, (SMALL,), Path("c.zip"))


def at(x: float, y: float = 0.0, z: float = 0.0, p: float = 0.5) -> Candidate:
    return Candidate((x, y, z), 6.0, p)


ROLES = {
    "on the nodule": (at(1.0), Role.HIT),
    "within 5 mm although the radius is 4": (at(4.9), Role.HIT),
    "beyond 5 mm": (at(5.1), Role.FALSE),
    "within the radius of a large nodule": (at(86.0), Role.HIT),
    "outside the large nodule": (at(84.0), Role.FALSE),
    "on a nodule of one or two readers": (at(2.0, 100.0), Role.IGNORED),
    "on a small finding": (at(-46.0), Role.SMALL),
    "beside a small finding": (at(-44.0), Role.FALSE),
    "in the box of a point": (at(3.9, 3.9, 86.0), Role.HIT),
    "outside the box of a point": (at(4.1, 4.1, 86.0), Role.FALSE),
}


@pytest.mark.parametrize("name", ROLES)
def test_a_candidate_has_one_role(name: str) -> None:
    candidate, role = ROLES[name]
    scored = score(case(POSITIVE, LARGE, DOUBTED, POINT), [candidate])
    assert scored.roles == (role,)


def test_further_candidates_on_a_nodule_are_neither_hits_nor_false() -> None:
    scored = score(case(POSITIVE), [at(0.0, p=0.9), at(3.0, p=0.8)])
    assert scored.roles == (Role.HIT, Role.AGAIN)
    assert (scored.found, scored.false_positives_strict) == (1, 0)
    assert scored.nodules[0].probability == 0.9


def test_small_findings_count_only_strictly() -> None:
    scored = score(case(POSITIVE), [at(-50.0), at(40.0), at(2.0, 100.0)])
    assert scored.false_positives_strict == 3
    assert scored.false_positives_luna == 2


def test_false_positives_are_not_counted_where_not_all_is_marked() -> None:
    scored = score(case(POSITIVE, all_marked=False), [at(40.0, p=0.9), at(0.0, p=0.6)])
    assert scored.false_positives_luna is None
    assert scored.false_positives_strict is None
    assert scored.found == 1


def test_a_missed_nodule_counts_and_a_doubted_one_does_not() -> None:
    scored = score(case(POSITIVE, DOUBTED), [at(40.0)])
    assert len(scored.nodules) == 1
    assert scored.found == 0
    assert scored.nodules[0].probability is None
    assert scored.nodules[0].false_above == 1


def test_false_above_counts_the_more_probable_ones() -> None:
    found = [at(40.0, p=0.9), at(0.0, p=0.6), at(60.0, p=0.5)]
    assert score(case(POSITIVE), found).nodules[0].false_above == 1


def test_no_candidates_no_false_positives() -> None:
    scored = score(case(POSITIVE), [])
    assert (scored.found, scored.false_positives_luna, scored.false_positives_strict) == (0, 0, 0)


def test_is_on_uses_at_least_five_millimetres() -> None:
    tiny = MarkedNodule((0.0, 0.0, 0.0), 3.0, True)
    assert is_on(tiny, at(4.9))
    assert not is_on(tiny, at(5.1))


def test_the_curve_gains_a_nodule_at_each_point() -> None:
    curve = froc([0.9, 0.4], [0.95, 0.5, 0.4, 0.1], positives=3, scans=2)
    assert curve == [FrocPoint(0.9, 1, 3, 0.5), FrocPoint(0.4, 2, 3, 1.5)]


def test_the_curve_of_nothing_is_empty() -> None:
    assert froc([], [0.3], positives=2, scans=1) == []
