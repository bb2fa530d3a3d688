"""A made-up lung with a wall and a vessel, and cubes with balls: everything's place is known."""

from __future__ import annotations

import numpy as np

from triage.detect.prepare import normalise
from triage.learn.data.cases import Cube
from triage.learn.insertion.ground import Ground, survey

SHAPE = (96, 96, 112)
#: The wall fills y from here on; the vessel runs along z at (y, x).
WALL_Y = 80
VESSEL_YX, VESSEL_RADIUS = (40, 80), 2.0
LUNG_HU, TISSUE_HU = -860, 40


def lung(noise_hu: float = 15.0, seed: int = 4) -> np.ndarray:
    """Normalised, shape `SHAPE`."""
    rng = np.random.default_rng(seed)
    hu = np.full(SHAPE, float(LUNG_HU))
    hu[:, WALL_Y:] = TISSUE_HU
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    hu[:, np.hypot(y - VESSEL_YX[0], x - VESSEL_YX[1]) <= VESSEL_RADIUS] = TISSUE_HU
    return normalise((hu + rng.normal(0, noise_hu, SHAPE)).astype(np.float32))


def ground(spacing_mm: float = 1.0, thickness_mm: float = 1.0, noise_hu: float = 15.0) -> Ground:
    return survey(lung(noise_hu), np.ones(SHAPE, bool), spacing_mm, thickness_mm)


def ball_cube(
    diameter_mm: float = 10.0, core_hu: int = TISSUE_HU, *, wall: bool = False,
    vessel: bool = False, noise_hu: float = 15.0, thickness_mm: float = 1.0,
) -> Cube:  # fmt: skip
    """A ball in the middle; the wall, if any, begins at its edge and lies towards +y."""
    z, y, x = np.mgrid[:51, :51, :51] - 25
    mask = np.sqrt(z**2 + y**2 + x**2) <= diameter_mm / 2
    hu = np.where(mask, core_hu, LUNG_HU).astype(float)
    if wall:
        hu[:, int(25 + diameter_mm / 2) :] = TISSUE_HU
    if vessel:
        hu[:, np.abs(y[0, :, 0]) <= 1, 25:] = TISSUE_HU
    hu += np.random.default_rng(8).normal(0, noise_hu, hu.shape)
    return Cube(
        "P-1", "train", 4, diameter_mm, hu.astype(np.int16), mask, thickness_mm=thickness_mm
    )
