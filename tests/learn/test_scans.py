"""Truth on the training grid: what is taught, what is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.detect import small_chest
from tests.learn.material import NODULE, case_of, scan
from triage.learn.data.cases import Case, SmallFinding
from triage.learn.dataset import cut
from triage.learn.scans import Target, load_scan, targets_of

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


def test_a_scan_on_the_shelf_is_the_same_and_takes_no_memory(tmp_path: Path) -> None:
    case = Case("a/b", "P", "1.2", True, (), (), Path("x"), lambda _: small_chest.chest())
    held, kept = load_scan(case), load_scan(case, tmp_path)
    assert np.array_equal(held.volume, kept.volume)
    assert np.array_equal(held.air, kept.air)
    assert np.array_equal(held.prepared.lung, kept.prepared.lung)
    assert np.array_equal(held.ground.to_wall_mm, kept.ground.to_wall_mm)
    ground = kept.ground
    shelved = (ground.volume, ground.to_vessel_mm, ground.to_wall_mm)
    for array in (kept.prepared.tensor, kept.prepared.lung, kept.air, *shelved):
        assert isinstance(array, np.memmap)
    assert cut(kept.volume, (0, 0, 0)).shape == (64, 64, 64)
    [own] = tmp_path.iterdir()  # no name of ours becomes a path
    assert {p.name for p in own.iterdir()} == {
        "tensor.npy", "lung.npy", "air.npy", "vessel.npy", "wall.npy",
    }  # fmt: skip


def test_places_luna16_excludes_are_left_alone() -> None:
    made = scan()
    case = case_of(made, small=(SmallFinding((0.0, 0.0, 0.0), ("excluded",)),))
    assert [t.positive for t in targets_of(case, made.prepared)] == [True, False]


def test_aerated_voxels_hold_air() -> None:
    made = scan()
    values = made.volume[tuple(made.air.T)]
    assert values.max() < 500 / 1400
    inside = np.linalg.norm(made.air - np.array(NODULE.zyx), axis=1) < NODULE.diameter_mm / 2 - 1
    assert not inside.any()
