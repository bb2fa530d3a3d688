"""Truth on the training grid: what is taught, what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from tests.learn.material import NODULE, case_of, scan
from triage.learn.data.cases import SmallFinding
from triage.learn.scans import Target, targets_of

MARKS = {
    "a nodule under 3 mm": (("nodule_lt_3mm",), True),
    "one reader said nodule, one said none": (("nodule_lt_3mm", "non_nodule"), True),
    "all said no nodule": (("non_nodule",), False),
}


@pytest.mark.parametrize("name", MARKS)
def test_small_marks_are_left_alone_where_any_reader_said_nodule(name: str) -> None:
    kinds, left_alone = MARKS[name]
    made = scan()
    x, y, z = (float(v) for v in made.prepared.to_lps_mm((20.0, 30.0, 40.0)))
    case = case_of(made, small=(SmallFinding((x, y, z), kinds),))
    targets = targets_of(case, made.prepared)
    assert [t.positive for t in targets] == ([True, False] if left_alone else [True])
    if left_alone:
        assert targets[1].zyx == pytest.approx((20.0, 30.0, 40.0))


def test_nodules_of_few_readers_are_left_alone() -> None:
    made = scan(targets=(NODULE, Target((20.0, 20.0, 20.0), 6.0, False)))
    assert [t.positive for t in targets_of(case_of(made), made.prepared)] == [True, False]


def test_aerated_voxels_hold_air() -> None:
    made = scan()
    values = made.volume[tuple(made.air.T)]
    assert values.max() < 500 / 1400
    inside = np.linalg.norm(made.air - np.array(NODULE.zyx), axis=1) < NODULE.diameter_mm / 2 - 1
    assert not inside.any()
