"""A test patient is known by pixels: whatever the headers say, however the file is packed."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.detect import small_chest
from tests.learn import tiny
from triage.core.volume import Volume
from triage.detect import folder as dicom_folder
from triage.detect.pixels import load_volume
from triage.detect.series import assess_study
from triage.learn.sealed import (
    FolderPopulation,
    PhantomPopulation,
    hashes_of,
    read_zip,
    set_digest,
    slice_hashes,
    trained_on,
)
from triage.phantom.dicom import TRUTH_NAME


def volume(seed: int = 1) -> Volume:
    return small_chest.chest(tiny.balls(seed), seed=seed)


def stored(folder: Path, **changes: Any) -> Volume:
    """A chest through DICOM files and the clinic's reader."""
    small_chest.write(folder, tiny.objects(1, **changes))
    found, _ = dicom_folder.read_files(sorted(folder.iterdir()))
    [judged] = assess_study(found)
    by_uid = {one.sop_uid: one for one in found[judged.series_uid]}
    return load_volume([by_uid[uid] for uid in judged.sop_uids], Path)


def test_every_slice_is_known_and_no_two_patients_share_one() -> None:
    first, second = slice_hashes(volume(1)), slice_hashes(volume(2))
    assert len(first) == small_chest.SLICES
    assert not set(first) & set(second)


@pytest.mark.parametrize(
    "changes",
    [
        {"PatientID": "OTHER", "PatientName": "Other^Name"},
        {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4"},
        {"ConvolutionKernel": "BONE", "Manufacturer": "Another"},
    ],
)
def test_headers_change_nothing(tmp_path: Path, changes: dict[str, object]) -> None:
    assert slice_hashes(stored(tmp_path / "x", **changes)) == slice_hashes(volume())


def test_order_and_a_part_of_the_series_do_not_hide_it() -> None:
    whole = volume()
    part = Volume(np.ascontiguousarray(whole.hu[20:10:-1]), whole.affine)
    assert set(slice_hashes(part)) < set(slice_hashes(whole))


def test_padding_below_the_scale_counts_as_padding() -> None:
    padded = volume()
    padded.hu[:, 0, 0] = -2000
    same = volume()
    same.hu[:, 0, 0] = -1024
    assert slice_hashes(padded) == slice_hashes(same)


def test_an_empty_picture_is_nobody() -> None:
    blank = volume()
    blank.hu[3] = -1024
    assert len(slice_hashes(blank)) == small_chest.SLICES - 1


def test_one_changed_voxel_is_another_slice() -> None:
    other = volume()
    other.hu[5, 40, 40] += 1
    assert len(set(slice_hashes(volume())) - set(slice_hashes(other))) == 1


def test_phantoms_are_made_once_and_kept(tmp_path: Path) -> None:
    made: list[int] = []

    def make(seed: int) -> tiny.SmallChest:
        made.append(seed)
        return tiny.sealed_chest(seed)

    population = PhantomPopulation(tmp_path, 2, make)
    first = hashes_of(population.cases())
    again = PhantomPopulation(tmp_path, 2, make).cases()
    assert len(made) == 2
    assert set_digest(hashes_of(again)) == set_digest(first)
    [case, _] = again
    assert case.case.all_marked
    assert np.allclose(case.case.nodules[0].center_lps_mm, tiny.balls(made[0])[0].center_lps_mm)


def test_what_was_trained_on_is_read_from_the_metadata(tmp_path: Path) -> None:
    tiny.write_model(tmp_path / "m", tiny.narrow(), scans=["A"], cube_patients=["B"], seed=3)
    assert trained_on(tmp_path / "m") == {"A", "B"}


def test_no_folder_means_no_sealed_people() -> None:
    assert FolderPopulation(None, set).cases() == []


@pytest.mark.real
def test_sealed_people_are_those_the_champion_has_not_seen(shared_data: Path) -> None:
    every = {one.label for one in FolderPopulation(shared_data, set).cases()}
    assert "LIDC-IDRI-0050" in every
    known = FolderPopulation(shared_data, lambda: {"LIDC-IDRI-0001"}).cases()
    assert {one.label for one in known} == every - {"LIDC-IDRI-0001"}


def test_a_zip_is_read_as_the_clinic_reads_it(tmp_path: Path) -> None:
    folder = small_chest.write(tmp_path / "files", tiny.objects(1))
    with zipfile.ZipFile(tmp_path / "case.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
        archive.writestr(TRUTH_NAME, "{}")
    assert slice_hashes(read_zip(tmp_path / "case.zip")) == slice_hashes(volume())
