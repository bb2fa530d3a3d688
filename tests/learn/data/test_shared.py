"""The real data folder, read: counts, coordinates, pixels."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from triage.learn.data.dicom import read_volume
from triage.learn.data.shared import read_cases, read_cubes

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
