"""`triage bench measure`: sizes against spheres of known size, and against the LIDC readers.

Spheres: every kind, place, size and slice distance of `tests.detect.spheres`, then other kernels
than the one the volume is corrected for. Readers: the training cubes; with
``python -m benchmarks.measure --look-at-val`` also the ones kept apart, which are for the end and
not for tuning (each look writes its own row).
Prints tables and the literal table of `triage.detect.interval`, draws Bland-Altman plots into
docs/pictures (numbers only), adds a row to benchmarks/results/measure.jsonl.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import measure_plots, record
from tests.conftest import find_shared_data
from tests.detect import readers, spheres
from tests.detect.readers import ReadNodule, Role, agreement
from triage.core.finding import Measurement
from triage.detect.interval import SIZES_MM, SLICES_MM
from triage.detect.measure import Sizing, measure

SEEDS = 3
#: In-plane point spreads that the volume is not corrected for (mm, sigma).
OTHER_KERNELS_MM = (0.35, 0.65)
BAR_PERCENT = 10.0
#: Fewer make no spread.
LEAST_ERRORS = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """A sphere and what was measured of it."""

    sphere: spheres.Sphere
    truth_mm3: float
    size: Measurement | None
    spent_s: float

    @property
    def volume_ratio(self) -> float | None:
        """Measured over true."""
        mm3 = None if self.size is None else self.size.volume_mm3
        return None if mm3 is None else mm3 / self.truth_mm3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, draw, record."""
    parser = argparse.ArgumentParser(prog="triage bench measure")
    parser.add_argument("--look-at-val", action="store_true")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    wanted = parser.parse_args(() if arguments is None else arguments)
    found = [_measured(sphere) for sphere in spheres.grid(seeds=wanted.seeds)]
    row: dict[str, Any] = {"spheres": _spheres(found), "kernels": _kernels()}
    shared = find_shared_data()
    if shared is not None:
        nodules = readers.read_nodules(shared, "train")
        row["train"] = against_readers(nodules, "train")
        row["intervals"] = _intervals(found, nodules)
        if wanted.look_at_val:
            row["val"] = against_readers(readers.read_nodules(shared, "val"), "val")
    measure_plots.spheres(
        [(m.sphere.diameter_mm, m.sphere.kind, m.sphere.spacing_zyx_mm[0], m.volume_ratio)
         for m in found if m.volume_ratio is not None]
    )  # fmt: skip
    record.write("measure", row)
    return 0


# ---------------------------------------------------------------- spheres


def _measured(sphere: spheres.Sphere) -> Measured:
    drawn = spheres.draw(sphere)
    candidate = spheres.pointed_at(drawn, sphere.diameter_mm, sphere.seed)
    started = time.process_time()
    size = measure(drawn.volume, candidate).measurement
    return Measured(sphere, drawn.volume_mm3, size, time.process_time() - started)


def percent_off(measured: Sequence[Measured]) -> list[float]:
    """Volume errors without sign; what was not measured counts as 100 %."""
    ratios = [m.volume_ratio for m in measured]
    return [100.0 if r is None else 100.0 * abs(r - 1.0) for r in ratios]


def _spheres(found: Sequence[Measured]) -> list[dict[str, Any]]:
    """Median error and share within the bar, by slice distance, kind, place and size."""
    cells: defaultdict[tuple[Any, ...], list[Measured]] = defaultdict(list)
    for one in found:
        s = one.sphere
        cells[s.spacing_zyx_mm[0], s.kind, s.place, s.diameter_mm].append(one)
    rows = []
    print("slices mm, kind, place, diameter mm: n, median volume error %, within 10 %, long mm off")
    for (slices, kind, place, diameter), own in sorted(cells.items()):
        off = percent_off(own)
        long_off = [abs(m.size.long_mm - m.sphere.long_mm) for m in own if m.size]
        row = {
            "slices_mm": slices, "kind": kind, "place": place, "diameter_mm": diameter,
            "n": len(own), "median_percent": round(statistics.median(off), 1),
            "within_bar": round(float(np.mean(np.array(off) <= BAR_PERCENT)), 2),
            "long_off_mm": round(statistics.median(long_off), 2) if long_off else None,
            "cpu_ms": round(1000 * statistics.median(m.spent_s for m in own), 1),
        }  # fmt: skip
        print(*row.values(), sep="\t")
        rows.append(row)
    return rows


def _kernels() -> list[dict[str, Any]]:
    """Isolated spheres at 1 mm under kernels that the volume is not corrected for."""
    rows = []
    standard = spheres.POINT_SPREAD_SIGMA_MM
    try:
        for sigma in OTHER_KERNELS_MM:
            spheres.POINT_SPREAD_SIGMA_MM = sigma
            for diameter in (4.0, 6.0, 10.0):
                own = [
                    _measured(spheres.Sphere(diameter, spacing_zyx_mm=(1.0, 0.7, 0.7), seed=seed))
                    for seed in range(6)
                ]
                signed = [100 * ((m.volume_ratio or 0.0) - 1) for m in own]
                rows.append(
                    {"sigma_mm": sigma, "diameter_mm": diameter,
                     "mean_percent": round(statistics.mean(signed), 1)}
                )  # fmt: skip
                print("kernel", *rows[-1].values(), sep="\t")
    finally:
        spheres.POINT_SPREAD_SIGMA_MM = standard
    return rows


# ---------------------------------------------------------------- readers


def against_readers(nodules: Sequence[ReadNodule], role: Role) -> dict[str, Any]:
    """Differences to the readers' mean beside each reader's to the mean of the others."""
    sizes = [measure(one.volume, one.candidate) for one in nodules]
    pairs = [(n, s) for n, s in zip(nodules, sizes, strict=True) if s.measurement]
    row: dict[str, Any] = {"nodules": len(nodules), "measured": len(pairs)}
    lines = []
    for number, quantity in enumerate(readers.QUANTITIES):
        percent = quantity == "volume_mm3"
        among = np.concatenate([_among(n, percent=percent)[:, number] for n in nodules])
        row[quantity] = {"readers": _plain(agreement(among))}
        for name, at_edge in (("as_drawn", False), ("at_the_edge", True)):
            ours = np.array([numbers_of(s)[number] for _, s in pairs])
            mean = np.array([n.reference(at_the_edge=at_edge)[number] for n, _ in pairs])
            off = 200.0 * (ours - mean) / (ours + mean) if percent else ours - mean
            row[quantity][name] = _plain(agreement(off))
            if at_edge:
                lines.append((quantity, (ours + mean) / 2, off, agreement(among)))
        print(role, quantity, row[quantity], sep="\t")
    row["inside_the_interval"] = _coverage(pairs)
    print(role, "inside the interval", row["inside_the_interval"], sep="\t")
    measure_plots.bland_altman(role, lines)
    return row


def numbers_of(sizing: Sizing) -> tuple[float, float, float]:
    """Long axis, diameter of the sphere of equal volume, volume."""
    size = sizing.measurement
    mm3 = float("nan") if size is None or size.volume_mm3 is None else size.volume_mm3
    return (size.long_mm if size else float("nan")), float(np.cbrt(mm3 * 6 / np.pi)), mm3


def _among(nodule: ReadNodule, *, percent: bool) -> readers.Floats:
    every = readers.leave_one_out_percent if percent else readers.leave_one_out
    return every(nodule.readers)


def _coverage(pairs: Sequence[tuple[ReadNodule, Sizing]]) -> dict[str, float]:
    """Share of nodules whose readers' mean (at the edge) lies in the interval."""
    held: dict[str, list[bool]] = {"long_mm": [], "volume_mm3": []}
    for nodule, sizing in pairs:
        mean, size = nodule.reference(at_the_edge=True), sizing.measurement
        assert size is not None
        for name, value, interval in (
            ("long_mm", mean[0], size.long_interval_mm),
            ("volume_mm3", mean[2], size.volume_interval_mm3),
        ):
            if interval is not None:
                held[name].append(bool(interval[0] <= value <= interval[1]))
    return {name: round(float(np.mean(inside)), 3) for name, inside in held.items()}


def _plain(one: readers.Agreement) -> dict[str, float]:
    return {
        "bias": round(one.bias, 2), "low": round(one.low, 2), "high": round(one.high, 2),
        "mean_apart": round(one.mean_apart, 2), "median_apart": round(one.median_apart, 2),
    }  # fmt: skip


# ---------------------------------------------------------------- intervals


def _intervals(
    found: Sequence[Measured], nodules: Sequence[ReadNodule]
) -> list[tuple[float, bool, list[tuple[float, float]]]]:
    """The literal table: cubes (by size) with what thick slices add, or spheres where wider."""
    cubes = [(n, measure(n.volume, n.candidate)) for n in nodules]
    rows: list[tuple[float, bool, list[tuple[float, float]]]] = []
    print("for triage/detect/interval.py: slices <=, solid: (length mm, volume factor) by size")
    for slices in SLICES_MM:
        for solid in (True, False):
            cells = []
            for column, most in enumerate(SIZES_MM):
                least = SIZES_MM[column - 1] if column else 0.0
                real = _real_errors(cubes, least, most)
                thin, drawn = (
                    _widths(_sphere_errors(found, limit, least, most, solid=solid))
                    for limit in (SLICES_MM[0], slices)
                )
                added = np.maximum(drawn**2 - thin**2, 0.0)
                length, log_ratio = np.maximum(np.sqrt(_widths(real) ** 2 + added), drawn)
                cells.append((round(float(length), 1), round(float(np.exp(log_ratio)), 2)))
            if slices > SLICES_MM[0]:  # never surer than thin slices
                before = rows[len(rows) - 2][2]
                cells = [
                    (max(a[0], b[0]), max(a[1], b[1])) for a, b in zip(before, cells, strict=True)
                ]
            print(slices, solid, cells, sep="\t")
            rows.append((slices, solid, cells))
    return rows


Errors = list[tuple[float, float]]  # long axis off, mm; logarithm of the volume ratio


def _real_errors(cubes: Sequence[tuple[ReadNodule, Sizing]], least: float, most: float) -> Errors:
    errors: Errors = []
    for nodule, sizing in cubes:
        long_mm, equivalent_mm, mm3 = numbers_of(sizing)
        if least <= equivalent_mm < most:
            mean = nodule.reference(at_the_edge=True)
            errors.append((long_mm - float(mean[0]), float(np.log(mm3 / mean[2]))))
    return errors


def _sphere_errors(
    found: Sequence[Measured], slices: float, least: float, most: float, *, solid: bool
) -> Errors:
    first = 0.0 if slices == SLICES_MM[0] else SLICES_MM[0]
    errors: Errors = []
    for one in found:
        s, size = one.sphere, one.size
        if size is None or size.volume_mm3 is None or (s.kind == "solid") != solid:
            continue
        equivalent_mm = float(np.cbrt(size.volume_mm3 * 6 / np.pi))
        if first < s.spacing_zyx_mm[0] <= slices and least <= equivalent_mm < most:
            ratio = float(np.log(size.volume_mm3 / one.truth_mm3))
            errors += [(size.long_mm - s.long_mm, ratio), (size.short_mm - s.short_mm, ratio)]
    return errors


def _widths(errors: Errors) -> readers.Floats:
    """1.96 root mean squares of both errors; zero where there are too few."""
    if len(errors) < LEAST_ERRORS:
        return np.zeros(2)
    return np.asarray(1.96 * np.sqrt(np.mean(np.square(errors), axis=0)))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
