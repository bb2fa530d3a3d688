"""Phantoms that several tests look at; each is made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from triage.phantom.chest import PhantomChest, make_chest
from triage.phantom.dicom import write_series


@pytest.fixture(scope="session")
def small() -> PhantomChest:
    """A whole chest in few voxels."""
    return make_chest(3, nodules=4, slices=64, matrix=128)


@pytest.fixture(scope="session")
def bare() -> PhantomChest:
    """The same chest without nodules."""
    return make_chest(3, nodules=0, slices=64, matrix=128)


@pytest.fixture(scope="session")
def sharp() -> PhantomChest:
    """Full-size pixels, few slices."""
    return make_chest(5, nodules=3, slices=48)


@pytest.fixture(scope="session")
def written(small: PhantomChest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small chest as DICOM files with its truth."""
    folder = tmp_path_factory.mktemp("phantom") / "series"
    write_series(small, folder, seed=3)
    return folder
