"""Nodule cubes beside what the LIDC readers measured, and how far the readers are apart.

The reference of a nodule is the mean of its readers; the readers' own spread is each reader against
the mean of the others (leave one out). A LIDC outline runs on the first pixels outside the nodule,
half a pixel beyond its edge all around: `outline_mm` is what that adds to a diameter.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from triage.core.finding import Candidate
from triage.core.volume import Volume, axial_affine

Floats = npt.NDArray[np.float64]
Role = Literal["train", "val"]

#: Fewer readers have no spread worth the name; from three on LIDC nodules count as positive.
LEAST_READERS = 3
#: Above this the identity of patient and outline is doubtful (`match_cost` of the cubes).
MOST_MATCH_COST = 0.4
QUANTITIES = ("long_mm", "equivalent_mm", "volume_mm3")
_COLUMNS = ("max_axial_diameter_mm", "diameter_mm", "volume_mm3")


@dataclass(frozen=True, slots=True)
class ReadNodule:
    """One cube and its readers.

    Attributes
    ----------
    index : int
        Row of the cubes.
    volume : Volume
        51 x 51 x 51 voxels of 1 mm.
    candidate : Candidate
        Off by up to 2 mm and a quarter of the size, like one of the detector.
    readers : ndarray, shape (readers, 3)
        Longest axial diameter mm, diameter of the sphere of equal volume mm, volume mm3.
    texture : float
        Mean of the readers, 1 ground glass to 5 solid.
    slice_mm, pixel_mm : float
        Of the original scan.
    """

    index: int
    volume: Volume
    candidate: Candidate
    readers: Floats
    texture: float
    slice_mm: float
    pixel_mm: float

    def reference(self, *, at_the_edge: bool = False) -> Floats:
        """Mean of the readers; `at_the_edge` takes off what the outline lies outside."""
        return np.asarray((self.at_edge() if at_the_edge else self.readers).mean(axis=0))

    def at_edge(self) -> Floats:
        """Each reader's numbers with half a pixel taken off all around, in the plane."""
        shrunk = self.readers - [self.pixel_mm, 0.0, 0.0]
        share = np.clip(1.0 - self.pixel_mm / self.readers[:, 1], 0.1, None) ** 2
        shrunk[:, 2] *= share
        shrunk[:, 1] *= np.cbrt(share)
        return shrunk


def read_nodules(shared: Path, role: Role) -> list[ReadNodule]:
    """Cubes of one role with at least `LEAST_READERS` readers and a sure identity."""
    cubes = json.loads((shared / "cubes" / "lidc_cubes.json").read_text())["cubes"]
    with np.load(shared / "cubes" / "lidc_cubes.npz") as stored:
        hu, mask = stored["hu"], stored["mask"]
    readers = _by_annotation(shared / "lidc_annotations.csv.gz")
    found = []
    for cube in cubes:
        own = readers[cube["annotation_id"]]
        sure = cube["match_cost"] <= MOST_MATCH_COST and len(own) >= LEAST_READERS
        if cube["suggested_role"] != role or not sure:
            continue
        at = cube["index"]
        volume = Volume(np.ascontiguousarray(hu[at]), axial_affine((0.0, 0.0, 0.0), (1, 1, 1)))
        found.append(
            ReadNodule(
                index=at,
                volume=volume,
                candidate=_candidate(mask[at], float(own[:, 1].mean()), at),
                readers=own,
                texture=float(np.mean(cube["all_readers_texture"])),
                slice_mm=float(cube["scan_slice_thickness_mm"]),
                pixel_mm=float(cube["scan_pixel_spacing_mm"]),
            )
        )
    return found


def _candidate(mask: npt.NDArray[np.uint8], diameter_mm: float, seed: int) -> Candidate:
    rng = np.random.default_rng([seed, 11])
    off = rng.standard_normal(3)
    off *= rng.uniform(0, min(2.0, diameter_mm / 3)) / np.linalg.norm(off)
    z, y, x = np.argwhere(mask).mean(axis=0) + off
    return Candidate((float(x), float(y), float(z)), diameter_mm * rng.uniform(0.75, 1.25), 0.9)


def _by_annotation(path: Path) -> dict[int, Floats]:
    """The numbers of all readers of a nodule, by each one's annotation."""
    clusters: defaultdict[tuple[str, str], list[tuple[int, list[float]]]] = defaultdict(list)
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            numbers = [float(row[name]) for name in _COLUMNS]
            key = row["series_uid"], row["nodule_cluster"]
            clusters[key].append((int(row["annotation_id"]), numbers))
    return {
        annotation: np.array([numbers for _, numbers in own])
        for own in clusters.values()
        for annotation, _ in own
    }


@dataclass(frozen=True, slots=True)
class Agreement:
    """Bland and Altman: differences to a reference, and the range that holds 95 % of them.

    Attributes
    ----------
    count : int
    bias, low, high : float
        Mean difference, and mean -+ 1.96 standard deviations.
    mean_apart, median_apart : float
        Mean and median of the differences without their sign.
    """

    count: int
    bias: float
    low: float
    high: float
    mean_apart: float
    median_apart: float

    @property
    def half_width(self) -> float:
        """1.96 standard deviations."""
        return (self.high - self.low) / 2


def agreement(differences: Floats | Sequence[float]) -> Agreement:
    """Limits of agreement of differences."""
    values = np.asarray(differences, dtype=np.float64)
    mean, spread = float(values.mean()), 1.96 * float(values.std(ddof=1))
    apart = np.abs(values)
    return Agreement(
        len(values), mean, mean - spread, mean + spread,
        float(apart.mean()), float(np.median(apart)),
    )  # fmt: skip


def leave_one_out(readers: Floats) -> Floats:
    """Each reader minus the mean of the others, (readers, quantities)."""
    count = len(readers)
    others = (readers.sum(axis=0) - readers) / (count - 1)
    return np.asarray(readers - others)


def leave_one_out_percent(readers: Floats) -> Floats:
    """Each reader against the mean of the others, in percent of both's mean."""
    count = len(readers)
    others = (readers.sum(axis=0) - readers) / (count - 1)
    return np.asarray(200.0 * (readers - others) / (readers + others))
