"""What a run may learn from: nobody left out, selected or tested on, whatever the sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.learn.data import lidc_shaped, luna_shaped
from triage.learn.data.shared import read_cases, read_cubes
from triage.learn.lessons import lessons
from triage.learn.split import NEVER_TRAINED, Split, split_cubes


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Split:
    patients = [c.patient for c in read_cases(shared_data).values()]
    return split_cubes(read_cubes(shared_data), patients)


@pytest.mark.real
@pytest.mark.parametrize("patient", ["LIDC-IDRI-0001", "LIDC-IDRI-0009"])
def test_a_left_out_patient_is_in_neither_scans_nor_cubes(
    patient: str, shared_data: Path, real: Split
) -> None:
    taught = lessons([f"shared:{shared_data}"], [patient])
    cubes = {c.patient for c in taught.cubes}
    assert patient not in {c.patient for c in taught.cases} | cubes
    assert len(taught.cases) == 2
    assert not cubes & {*real.select, *real.held_back, *NEVER_TRAINED}
    assert min(c.readers for c in taught.cubes) >= 2


@pytest.mark.real
def test_the_development_data_are_taught_by_their_roles(shared_data: Path, real: Split) -> None:
    taught = lessons([f"shared:{shared_data}"], [])
    names = {c.name for c in taught.cases}
    assert names == {"LIDC-IDRI-0001", "LIDC-IDRI-0009_lungs", "LUNGx-CT003"}
    assert len(taught.cubes) == 78
    assert set(taught.select_patients) == {*real.select, "LIDC-IDRI-0745"}
    without = lessons([f"shared:{shared_data}"], ["LIDC-IDRI-0001"])
    assert names - {c.name for c in without.cases} == {"LIDC-IDRI-0001"}
    assert len(without.cubes) == 77


def test_several_sources_give_their_train_role_only(tmp_path: Path) -> None:
    """LUNA16 by itself, and with a folder of LIDC-IDRI beside it: one command each."""
    for fold in range(10):
        luna_shaped.write_scan(tmp_path / "luna", f"{luna_shaped.UID}{fold}", fold=fold)
    luna_shaped.write_tables(tmp_path / "luna")
    series = lidc_shaped.write_series(tmp_path / "lidc", "LIDC-IDRI-0003")
    (series / "a.xml").write_text(lidc_shaped.message(*lidc_shaped.reading()))
    sources = [f"luna16:{tmp_path / 'luna'}", f"lidc:{tmp_path / 'lidc'}"]
    alone, both = lessons(sources[:1], [], 3), lessons(sources, [], 3)
    assert len(alone.cases) == 8
    assert len(both.cases) == 9
    assert not {f"{luna_shaped.UID}{k}" for k in (3, 4)} & {c.name for c in both.cases}
    assert alone.split_digest != both.split_digest
    assert f"{luna_shaped.UID}4" in both.select_patients
    assert len(lessons(sources, ["LIDC-IDRI-0003"], 3).cases) == 8
