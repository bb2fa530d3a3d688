"""Nobody is trained on and tested on: by patient, frozen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.learn.material import cube
from triage.learn.data.shared import read_cases, read_cubes
from triage.learn.split import NEVER_TRAINED, Split, split_cubes

FROZEN = "5b6b0bba6f263f849d066b45857e240b56d66302bfbe30c93b026bc472a65bc6"


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Split:
    patients = [c.patient for c in read_cases(shared_data).values()]
    return split_cubes(read_cubes(shared_data), patients)


@pytest.mark.real
def test_the_split_is_the_frozen_one(real: Split) -> None:
    assert real.digest == FROZEN
    assert (len(real.train), len(real.select), len(real.held_back)) == (86, 20, 27)


@pytest.mark.real
def test_no_patient_has_two_roles(real: Split) -> None:
    roles = [set(real.train), set(real.select), set(real.held_back)]
    assert sum(len(r) for r in roles) == len(set.union(*roles)) == 133


@pytest.mark.real
def test_the_test_patient_is_in_no_training(real: Split, shared_data: Path) -> None:
    assert NEVER_TRAINED == ("LIDC-IDRI-0050",)
    assert not set(NEVER_TRAINED) & (set(real.train) | set(real.select))
    cases = read_cases(shared_data)
    assert not set(NEVER_TRAINED) & {cases[n].patient for n in real.cases}


def test_the_order_of_the_file_does_not_matter() -> None:
    cubes = [cube(f"P-{i:03}", 5.0 + i % 17, role="train" if i % 5 else "val") for i in range(120)]
    assert split_cubes(cubes, []).digest == split_cubes(cubes[::-1], []).digest


def test_select_cubes_cover_small_and_large_and_are_agreed_on() -> None:
    cubes = [cube(f"P-{i:03}", 5.0 + i / 4, readers=1 + i % 4) for i in range(100)]
    by_name = {c.patient: c for c in cubes}
    chosen = [by_name[p] for p in split_cubes(cubes, ["P-007"]).select]
    assert len(chosen) == 20
    assert min(c.readers for c in chosen) >= 3
    assert min(c.diameter_mm for c in chosen) < 7
    assert max(c.diameter_mm for c in chosen) > 28
    assert "P-007" not in {c.patient for c in chosen}
