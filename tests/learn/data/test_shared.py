"""The real data folder, read: counts, coordinates, pixels."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from triage.learn.data.cases import Kind, Role
from triage.learn.data.describe import facts
from triage.learn.data.dicom import read_volume
from triage.learn.data.shared import read_cases, read_cubes, read_windows
from triage.learn.data.sources import Divided, open_data
from triage.learn.split import split_cubes

FROZEN_ROLES = "b11ee0ef6b038e742608f2adfdac06260375e2d42d9de3e2124fa269a99043a6"
FROZEN_TEST = "203e9e039f32daebe5c5e5939ac8bf270e70ae66a5babb72c039f4e35051031e"
pytestmark = pytest.mark.real


def test_all_series_are_there_with_their_truth(shared_data: Path) -> None:
    cases = read_cases(shared_data)
    counts = {
        name: (sum(n.positive for n in c.nodules), len(c.nodules), len(c.small), c.all_marked)
        for name, c in cases.items()
    }
    assert counts == {
        "LIDC-IDRI-0001": (1, 1, 11, True),
        "LIDC-IDRI-0050": (1, 1, 4, True),
        "LUNGx-CT003": (1, 1, 0, False),
        "LIDC-IDRI-0009_lungs": (0, 2, 12, True),
        "LIDC-IDRI-0745_lungs": (0, 0, 12, True),
    }
    assert cases["LUNGx-CT003"].nodules[0].bbox_lps_mm is not None
    assert all(c.path.exists() for c in cases.values())


def test_cubes_are_one_per_patient(shared_data: Path) -> None:
    cubes = read_cubes(shared_data)
    assert len(cubes) == len({c.patient for c in cubes}) == 133
    assert all(c.hu.shape == c.mask.shape == (51, 51, 51) for c in cubes)
    assert all(c.mask.any() for c in cubes)


def test_pixels_are_those_of_the_truth(shared_data: Path) -> None:
    """The digest is that of the stored values, 16 bit little-endian: HU less the intercept."""
    rows = json.loads((shared_data / "truth.json").read_text())["series"]
    case = read_cases(shared_data)["LIDC-IDRI-0009_lungs"]
    volume = read_volume(case.path)
    row = rows[case.series_uid]
    assert list(volume.shape_zyx) == row["shape_zyx"]
    dx, dy, dz = row["spacing_mm"]
    assert volume.spacing_zyx_mm == pytest.approx((dz, dy, dx))
    assert np.allclose(volume.to_lps_mm((0, 0, 0)), row["first_slice_position_mm"])
    stored = (volume.hu + 1024).astype("<i2")
    assert hashlib.sha256(stored.tobytes()).hexdigest() == row["pixel_sha256"]


# ---------------------------------------------------------------- described as a whole


@pytest.fixture(scope="module")
def divided(shared_data: Path) -> Divided:
    return open_data([f"shared:{shared_data}"])


def test_everything_has_a_role_and_the_roles_are_frozen(divided: Divided) -> None:
    roles = divided.roles
    assert (len(roles.train), len(roles.select), len(roles.test)) == (447, 21, 116)
    assert replace(roles, data="").digest == FROZEN_ROLES
    assert roles.test_digest == FROZEN_TEST
    assert (divided.licence, divided.left_out) == ("CC BY 3.0", ())


def test_cubes_keep_the_split_of_the_released_model(divided: Divided, shared_data: Path) -> None:
    cases = read_cases(shared_data).values()
    frozen = split_cubes(read_cubes(shared_data), [c.patient for c in cases])
    assert {c.patient for c in divided.train().cubes} == set(frozen.train)
    assert {c.patient for c in divided.select().cubes} == set(frozen.select)
    assert set(frozen.held_back) <= set(divided.roles.test)
    assert (len(divided.train().cubes), len(divided.select().cubes)) == (86, 20)


def test_series_have_the_roles_that_were_ruled(divided: Divided) -> None:
    assert {name: role.value for name, role in divided.names.items()} == {
        "LIDC-IDRI-0001": "train",
        "LIDC-IDRI-0009_lungs": "train",
        "LUNGx-CT003": "train",
        "LIDC-IDRI-0745_lungs": "select",
        "LIDC-IDRI-0050": "test",
    }


def test_no_window_outline_or_mark_of_a_test_patient_is_trained_on(divided: Divided) -> None:
    train, test = divided.train(), set(divided.roles.test)
    taught = {w.patient for w in train.windows} | {o.patient for o in train.outlines}
    assert len(train.windows) == 1346
    assert not taught & test
    assert not {m.patient for m in train.marks} & test


def test_a_patient_whose_windows_and_crop_were_suggested_apart_has_one_role(
    divided: Divided, shared_data: Path
) -> None:
    """The windows of LIDC-IDRI-0009 are suggested for validation, its crop for training."""
    own = [w for w in read_windows(shared_data) if w.patient == "LIDC-IDRI-0009"]
    assert {w.role for w in own} == {"val"}
    assert divided.roles.role_of("LIDC-IDRI-0009") is Role.TRAIN
    assert len([w for w in divided.train().windows if w.patient == "LIDC-IDRI-0009"]) == len(own)


def test_cases_say_how_they_were_scanned(shared_data: Path) -> None:
    cases = read_cases(shared_data)
    whole, crop = cases["LIDC-IDRI-0001"], cases["LIDC-IDRI-0745_lungs"]
    assert (whole.kind, whole.thickness_mm, whole.kernel) == (Kind.WHOLE, 2.5, "STANDARD")
    assert whole.spacing_zyx_mm == (2.5, 0.703125, 0.703125)
    assert (crop.kind, crop.kernel) == (Kind.LUNG_CROP, "")
    assert crop.scan_uid.startswith("1.3.6.1.4.1.14519") and crop.scan_uid != crop.series_uid
    [nodule] = whole.nodules
    assert (nodule.readers, nodule.texture, nodule.max_axial_mm) == (4, 4.75, 32.76)
    assert len(whole.ignored) == 11
    few = cases["LIDC-IDRI-0009_lungs"].ignored
    assert few[0].reason == "outlined by 1 of the readers, 3 are needed"


def test_all_windows_fit_their_reader_counts_and_decode(shared_data: Path) -> None:
    windows = read_windows(shared_data)
    assert (len(windows), sum(w.n_slices for w in windows)) == (1789, 8862)
    assert (sum(w.positive for w in windows), len({w.patient for w in windows})) == (939, 582)
    assert sum(not w.series_uid for w in windows) == 53
    assert all(w.reader_counts().max() <= w.readers for w in windows)
    without = sorted(w.name for w in windows if not w.reader_counts().any())
    assert without == ["LIDC-IDRI-0463_n0", "LIDC-IDRI-0655_n2", "LIDC-IDRI-0997_n1"]
    for window in windows[::150]:
        hu = window.hu()
        assert hu.shape == (window.n_slices, 64, 64)
        assert -3100 < hu.min() < hu.max() < 4000  # -3024 outside the scan circle
        inside = hu[window.reader_counts() >= max(1, window.readers - 1)]
        assert np.median(inside) > np.percentile(hu, 10)
        assert not window.may_be_negative()[window.reader_counts() > 0].any()


def test_counts_name_nobody(divided: Divided) -> None:
    said = facts(divided)
    assert "LIDC" not in json.dumps(said)
    assert said["split"] == divided.roles.digest
    by_role = {name: row["cubes"]["count"] for name, row in said["roles"].items()}
    assert by_role == {"train": 86, "select": 20, "test": 27}
    assert sum(row["windows"]["nodules"] for row in said["roles"].values()) == 1789
    assert said["roles"]["test"]["series"]["whole"] == 1
    textures = said["roles"]["train"]["cubes"]["texture"]
    assert sum(textures.values()) == 86
    assert list(textures) == ["1", "2", "3", "4", "5"]
    assert (said["reader_outlines"], said["reader_marks"]) == (6845, 34779)
