"""Small stand-ins for scans and cubes: shapes and values as in the real ones, made in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from triage.detect.lungs import LungReport
from triage.detect.prepare import Prepared
from triage.learn.data.cases import Case, Cube, MarkedNodule, SmallFinding
from triage.learn.insertion.ground import survey
from triage.learn.scans import Scan, Target, aerated_voxels

SHAPE = (96, 88, 104)
NODULE = Target((48.0, 40.0, 52.0), 10.0, True)
ORIGIN = (-52.0, -44.0, -96.0)


def prepared_of(volume: npt.NDArray[np.float32]) -> Prepared:
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[::-1]
    affine[:3, 3] = ORIGIN
    report = LungReport(True, 800.0, False, False, (0.0, 0.0), 1.0)
    return Prepared(volume[None, None], affine, np.ones(volume.shape, bool), report)


def scan(name: str = "made", *, targets: tuple[Target, ...] = (NODULE,), mine: bool = True) -> Scan:
    """Lung texture with a bright ball at every target."""
    rng = np.random.default_rng(11)
    volume = rng.normal(0.12, 0.02, SHAPE).astype(np.float32)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"))
    for target in targets:
        gap = np.sqrt(((grid - np.array(target.zyx).reshape(3, 1, 1, 1)) ** 2).sum(0))
        volume[gap <= target.diameter_mm / 2] = 0.75
    volume = np.clip(volume, 0, 1)
    ready = prepared_of(volume)
    return Scan(
        name,
        volume,
        ready,
        aerated_voxels(volume, ready.lung),
        targets,
        mine,
        survey(volume, ready.lung, 1.0, 1.0),
    )


def case_of(made: Scan, *, small: tuple[SmallFinding, ...] = ()) -> Case:
    nodules = []
    for target in made.targets:
        x, y, z = (float(v) for v in made.prepared.to_lps_mm(target.zyx))
        nodules.append(MarkedNodule((x, y, z), target.diameter_mm, target.positive))
    return Case(made.name, "P-made", "1.2.3", True, tuple(nodules), small, Path("made.zip"))


def cube(
    patient: str = "P-1", diameter: float = 12.0, readers: int = 4, role: str = "train"
) -> Cube:
    """A ball in lung, 51 voxels wide."""
    axis = np.arange(51) - 25
    gap = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    mask = gap <= diameter / 2
    hu = np.where(mask, 30, -850).astype(np.int16)
    return Cube(patient, role, readers, diameter, hu, mask)
