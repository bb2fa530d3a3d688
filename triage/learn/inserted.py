"""Set-aside nodules put into a scan: many nodules, one background; weak evidence, and named so.

Inserted nodules have seams and sit where we chose to put them. They rank models and help to choose
an operating point; they are no sensitivity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from triage.detect.lungs import Float32Array
from triage.learn import paste
from triage.learn.dataset import PARENCHYMA_NEEDED, clashes
from triage.learn.scans import Scan, Target
from triage.learn.sources import Case, Cube, MarkedNodule

PLACES_TRIED = 400
APART_MM = 24.0


@dataclass(frozen=True, slots=True)
class Planted:
    """A scan with nodules put into it.

    Attributes
    ----------
    volume : ndarray, float32, shape (Z, Y, X)
    case : Case
        The scan's own truth and the planted nodules, all positive.
    planted : int
        How many found a place; they are the last ones of ``case.nodules``.
    """

    volume: Float32Array
    case: Case
    planted: int


def plant(scan: Scan, case: Case, cubes: Sequence[Cube], rng: np.random.Generator) -> Planted:
    """Put each cube's nodule into aerated lung, away from every other mark.

    Parameters
    ----------
    scan : Scan
    case : Case
        Of the same scan.
    cubes : sequence of Cube
    rng : Generator

    Returns
    -------
    Planted
    """
    volume = scan.volume.copy()
    taken = list(scan.targets)
    nodules = list(case.nodules)
    for cube in cubes:
        donor = paste.turn(paste.make_donor(cube, 1.0), rng)
        place = _place(volume, scan, donor, taken, rng)
        if place is None:
            continue
        start, target = place
        paste.blend(volume, donor.values, donor.alpha, start)
        taken.append(target)
        x, y, z = (float(v) for v in scan.prepared.to_lps_mm(target.zyx))
        nodules.append(MarkedNodule((x, y, z), target.diameter_mm, True))
    planted = len(nodules) - len(case.nodules)
    return Planted(volume, replace(case, nodules=tuple(nodules)), planted)


def _place(
    volume: Float32Array,
    scan: Scan,
    donor: paste.Donor,
    taken: Sequence[Target],
    rng: np.random.Generator,
) -> tuple[list[int], Target] | None:
    """A start voxel where the nodule's surroundings are aerated; None when there is none."""
    for _ in range(PLACES_TRIED):
        center = scan.air[rng.integers(len(scan.air))]
        start = [int(v) for v in np.rint(center - donor.center_zyx)]
        z, y, x = (s + c for s, c in zip(start, donor.center_zyx, strict=True))
        target = Target((z, y, x), donor.diameter_mm, True)
        if any(clashes(t, np.array(target.zyx), APART_MM) for t in taken):
            continue
        here, _ = paste.windows(volume.shape, donor.values.shape, start)
        fits = all(w.stop - w.start == n for w, n in zip(here, donor.values.shape, strict=True))
        if fits and paste.parenchyma_share(volume, donor.alpha, start) >= PARENCHYMA_NEEDED:
            return start, target
    return None
