"""Size of an outline and which outlines are one nodule: by hand, and on every outline we hold."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from triage.learn.data.cases import ReaderOutline
from triage.learn.data.outlines import (
    Float64Array,
    Outline,
    Ring,
    cluster,
    measure,
    nodule_of,
    small_findings,
)
from triage.learn.data.reader_tables import read_marks, read_outlines


def square(side: float, at: tuple[float, float] = (0.0, 0.0)) -> Float64Array:
    x, y, half = *at, side / 2
    corners = [
        (x - half, y - half),
        (x + half, y - half),
        (x + half, y + half),
        (x - half, y + half),
    ]
    return np.array(corners, dtype=np.float64)


def test_a_square_on_two_slices_is_measured_by_hand() -> None:
    rings = [Ring(square(4.0, (10, 20)), z, True) for z in (-5.0, -2.5)]
    found = measure(rings, 2.5, texture=3)
    assert found is not None
    assert found.volume_mm3 == pytest.approx(4 * 4 * 2 * 2.5)
    assert found.diameter_mm == pytest.approx((6 * 80 / math.pi) ** (1 / 3))
    assert found.max_axial_mm == pytest.approx(4 * math.sqrt(2))
    assert found.center_mm == pytest.approx((10.0, 20.0, -3.75))
    assert found.texture == 3


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("closed", [False, True])
def test_neither_direction_nor_a_repeated_point_matters(turned: bool, closed: bool) -> None:
    points = square(3.0, (100, -200))
    points = points[::-1] if turned else points
    points = np.vstack([points, points[:1]]) if closed else points
    found = measure([Ring(points, 0.0, True)], 1.0)
    assert found is not None
    assert found.volume_mm3 == pytest.approx(9.0)
    assert found.center_mm == pytest.approx((100.0, -200.0, 0.0))


def test_a_hole_is_taken_off_and_moves_the_centre() -> None:
    rings = [Ring(square(4.0), 0.0, True), Ring(square(2.0, (1, 0)), 0.0, False)]
    found = measure(rings, 1.0)
    assert found is not None
    assert found.volume_mm3 == pytest.approx(16 - 4)
    assert found.center_mm[0] == pytest.approx((16 * 0 - 4 * 1) / 12)
    assert found.max_axial_mm == pytest.approx(4 * math.sqrt(2))


@pytest.mark.parametrize(
    "points",
    [[(1, 1)], [(1, 1), (2, 2)], [(0, 0), (1, 1), (2, 2)]],
    ids=["a point", "a line", "a line of three"],
)
def test_what_has_no_area_has_no_size(points: list[tuple[float, float]]) -> None:
    assert measure([Ring(np.array(points, float), 0.0, True)], 1.0) is None


# centres along x, longest axes -> groups
ROWS: list[tuple[str, list[float], list[float], list[tuple[int, ...]]]] = [
    ("nothing", [], [], []),
    ("one", [0], [8], [(0,)]),
    ("four readers of one nodule", [0, 1, 0, 1], [8] * 4, [(0, 1, 2, 3)]),
    ("nearer than half the longer axis", [0, 3.9], [4, 8], [(0, 1)]),
    ("not nearer", [0, 4.0], [4, 8], [(0,), (1,)]),
    ("tiny ones within 2 mm", [0, 1.9], [1, 1], [(0, 1)]),
    ("tiny ones 2 mm apart", [0, 2.0], [1, 1], [(0,), (1,)]),
    ("hanging together through a third", [0, 3, 6], [8] * 3, [(0, 1, 2)]),
    ("five: tightened", [0, 0, 0, 0, 3], [8] * 5, [(0, 1, 2, 3), (4,)]),
    ("five on one point: four and one", [0] * 5, [8] * 5, [(0, 1, 2, 3), (4,)]),
]


@pytest.mark.parametrize(("name", "at", "axes", "groups"), ROWS, ids=[r[0] for r in ROWS])
def test_outlines_are_grouped_by_hand(
    name: str, at: list[float], axes: list[float], groups: list[tuple[int, ...]]
) -> None:
    assert sorted(cluster([(x, 0.0, 0.0) for x in at], axes)) == groups


@pytest.mark.parametrize(("readers", "positive"), [(1, False), (2, False), (3, True), (4, True)])
def test_three_readers_make_a_nodule(readers: int, positive: bool) -> None:
    outlines = [Outline((0, 0, 0), 6.0 + k, 100.0, 8.0 + k, 5.0) for k in range(readers)]
    found = nodule_of(outlines, (1.0, 2.0, 3.0))
    assert (found.positive, found.readers) == (positive, readers)
    assert found.diameter_mm == pytest.approx(6.0 + (readers - 1) / 2)
    assert found.max_axial_mm == pytest.approx(8.0 + (readers - 1) / 2)


def test_marks_near_the_first_one_are_one_finding() -> None:
    marks = [
        ((0.0, 0.0, 0.0), "nodule_lt_3mm"),
        ((2.9, 0.0, 0.0), "non_nodule"),
        ((5.0, 0.0, 0.0), "non_nodule"),
    ]
    first, second = small_findings(marks)
    assert (first.kinds, first.marks) == (("nodule_lt_3mm", "non_nodule"), 2)
    assert (second.center_lps_mm, second.may_be_nodule) == ((5.0, 0.0, 0.0), False)


# ---------------------------------------------------------------- on all real outlines


@pytest.mark.real
def test_every_real_outline_falls_into_the_published_nodule(shared_data: Path) -> None:
    by_series: dict[str, list[ReaderOutline]] = defaultdict(list)
    for row in read_outlines(shared_data / "lidc_annotations.csv.gz"):
        by_series[row.series_uid].append(row)
    assert (len(by_series), sum(map(len, by_series.values()))) == (881, 6845)
    other = [uid for uid, rows in by_series.items() if _groups(rows) != _published(rows)]
    assert other == []


def _groups(rows: list[ReaderOutline]) -> set[frozenset[int]]:
    centers = [(*(p * r.pixel_mm for p in r.centroid_px), r.centroid_z_mm) for r in rows]
    groups = cluster(centers, [r.max_axial_mm for r in rows])
    return {frozenset(rows[k].annotation for k in group) for group in groups}


def _published(rows: list[ReaderOutline]) -> set[frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        found[row.nodule].add(row.annotation)
    return {frozenset(own) for own in found.values()}


@pytest.mark.real
@pytest.mark.parametrize("name", ["LIDC-IDRI-0001", "LIDC-IDRI-0050", "LIDC-IDRI-0009_lungs"])
def test_real_nodules_and_marks_are_those_of_the_truth(name: str, shared_data: Path) -> None:
    series = json.loads((shared_data / "truth.json").read_text())["series"]
    uid, row = next((uid, r) for uid, r in series.items() if r["case"] == name)
    for truth in row["nodules"]:
        outlines = [
            Outline(
                tuple(r["center_mm"]), r["diameter_mm"], r["volume_mm3"],
                r["max_axial_diameter_mm"], r["texture"],
            )
            for r in truth["per_reader"]
        ]  # fmt: skip
        x, y, z = np.mean([o.center_mm for o in outlines], axis=0)
        found = nodule_of(outlines, (x, y, z))
        assert found.center_lps_mm == pytest.approx(truth["center_mm"], abs=0.011)
        assert found.diameter_mm == pytest.approx(truth["diameter_mm"], abs=0.011)
        assert found.max_axial_mm == pytest.approx(truth["max_axial_diameter_mm"], abs=0.011)
        assert found.texture == pytest.approx(truth["mean_texture"])
        assert found.positive == (truth["label"] == "positive")
    scan = row.get("source_series_uid", uid)
    marks = read_marks(shared_data / "lidc_marks.csv.gz")
    own = [m for m in marks if m.series_uid == scan]
    flat = [((m.x_px * m.pixel_mm, m.y_px * m.pixel_mm, m.z_mm), m.kind) for m in own]
    said = sorted((round(s.center_lps_mm[2], 2), s.marks, s.kinds) for s in small_findings(flat))
    assert said == sorted(
        (s["center_mm"][2], s["marks"], tuple(s["kinds"])) for s in row["small_findings"]
    )
