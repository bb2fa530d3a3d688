"""Slice geometry: a row per thing that can be wrong with a stack."""

from __future__ import annotations

import ast
import random
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from triage.core import geometry
from triage.core.geometry import Arrangement, Cosines, Plane, SlicePosition, arrange
from triage.core.volume import Volume

AXIAL: Cosines = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL: Cosines = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
SAGITTAL: Cosines = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
PRONE: Cosines = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
UPSIDE_DOWN: Cosines = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)


def stack(z_mm: list[float], orientation: Cosines = AXIAL) -> list[SlicePosition]:
    return [SlicePosition(f"1.2.{i}", (-180.0, -170.0, z), orientation) for i, z in enumerate(z_mm)]


def even(count: int, step_mm: float = 2.5, start_mm: float = -300.0) -> list[float]:
    return [start_mm + i * step_mm for i in range(count)]


def keys(slices: list[SlicePosition], indices: tuple[int, ...]) -> list[str]:
    return [slices[i].key for i in indices]


def test_even_stack_in_any_order_is_regular_and_ascends_to_the_head() -> None:
    slices = stack(even(40))
    random.Random(1).shuffle(slices)
    found = arrange(slices)
    assert found.is_regular
    assert found.spacing_mm == pytest.approx(2.5)
    heights = [slices[i].position_lps_mm[2] for i in found.order]
    assert heights == sorted(heights)
    assert found.along_mm == pytest.approx([2.5 * i for i in range(40)])


def test_head_first_instance_numbers_do_not_matter() -> None:
    slices = stack(list(reversed(even(20))))
    assert arrange(slices).order == tuple(reversed(range(20)))


def test_nothing_at_all_is_not_a_stack() -> None:
    found = arrange([])
    assert found.order == () and found.spacing_mm is None and not found.is_regular


def test_one_slice_has_no_spacing_and_is_not_regular() -> None:
    found = arrange(stack([1.0]))
    assert found.order == (0,) and found.spacing_mm is None and not found.is_regular


@pytest.mark.parametrize(("left_out", "missing"), [([7], 1), ([7, 8, 9], 3)])
def test_missing_slices_are_counted_and_placed(left_out: list[int], missing: int) -> None:
    slices = [s for i, s in enumerate(stack(even(30))) if i not in left_out]
    found = arrange(slices)
    assert not found.is_regular and not found.is_gap_free
    (gap,) = found.gaps
    assert gap.missing == missing
    assert gap.step_mm == pytest.approx(2.5 * (missing + 1))
    assert keys(slices, (gap.before, gap.after)) == ["1.2.6", f"1.2.{left_out[-1] + 1}"]
    assert found.uneven == ()


def test_a_missing_end_slice_cannot_be_seen() -> None:
    # Only a count at the source can tell; completeness waits for that evidence.
    assert arrange(stack(even(30))[:-1]).is_regular


def test_two_slices_in_one_place_are_named() -> None:
    slices = [*stack(even(10)), SlicePosition("twin", (-180.0, -170.0, -292.5), AXIAL)]
    found = arrange(slices)
    assert [sorted(keys(slices, d)) for d in found.duplicates] == [["1.2.3", "twin"]]
    assert not found.is_regular and found.gaps == ()
    assert found.spacing_mm == pytest.approx(2.5)


def test_every_slice_twice_is_all_duplicates() -> None:
    found = arrange(stack(even(10)) + stack(even(10)))
    assert len(found.duplicates) == 10


def test_mixed_orientations_keep_the_larger_group() -> None:
    slices = stack(even(12)) + stack(even(2), CORONAL)
    found = arrange(slices)
    assert found.mixed_orientation and not found.is_regular
    assert [len(g) for g in found.orientation_groups] == [12, 2]
    assert len(found.order) == 12 and found.plane is Plane.AXIAL


def test_uneven_spacing_names_the_slice() -> None:
    heights = even(20)
    heights[8] += 0.6
    slices = stack(heights)
    found = arrange(slices)
    assert found.uneven == (8,) and not found.is_regular


def test_steps_that_grow_are_uneven() -> None:
    assert len(arrange(stack([0.02 * i * i + i for i in range(40)])).uneven) > 10


@pytest.mark.parametrize("step_mm", [0.5, 0.625, 0.75, 1.25])
def test_positions_rounded_to_a_tenth_are_still_even(step_mm: float) -> None:
    found = arrange(stack([round(z, 1) for z in even(300, step_mm)]))
    assert found.is_regular
    assert found.spacing_mm == pytest.approx(step_mm, abs=0.06)


@pytest.mark.parametrize(
    ("orientation", "plane"),
    [
        (AXIAL, Plane.AXIAL),
        (PRONE, Plane.AXIAL),
        (UPSIDE_DOWN, Plane.AXIAL),
        (CORONAL, Plane.CORONAL),
        (SAGITTAL, Plane.SAGITTAL),
        ((0.7071, 0.7071, 0.0, 0.0, 0.0, -1.0), Plane.OBLIQUE),
        ((1.0, 0.0, 0.0, 0.0, 0.9397, -0.342), Plane.AXIAL),
    ],
)
def test_planes_by_name(orientation: Cosines, plane: Plane) -> None:
    assert geometry.plane_of(orientation) is plane


def test_upside_down_pictures_still_ascend_to_the_head() -> None:
    # Row x column points to the feet here; the stack must not be turned over with it.
    found = arrange(stack(even(10), UPSIDE_DOWN))
    assert found.order == tuple(range(10))


def test_gantry_tilt_is_measured() -> None:
    tilt = np.radians(12.0)
    tilted: Cosines = (1.0, 0.0, 0.0, 0.0, float(np.cos(tilt)), float(np.sin(tilt)))
    found = arrange(stack(even(20), tilted))
    assert found.tilt_deg == pytest.approx(12.0, abs=0.01)
    assert found.is_regular
    assert found.spacing_mm == pytest.approx(2.5 * np.cos(tilt))


def test_a_first_pixel_that_drifts_aside_is_not_straight() -> None:
    slices = stack(even(20))
    slices[5] = replace(slices[5], position_lps_mm=(-175.0, -170.0, -287.5))
    found = arrange(slices)
    assert found.drift_mm == pytest.approx(5.0) and not found.is_regular


BAD_POSITIONS: list[tuple[str, SlicePosition]] = [
    ("nan position", SlicePosition("b", (float("nan"), 0.0, 0.0), AXIAL)),
    ("infinite position", SlicePosition("b", (0.0, 0.0, float("inf")), AXIAL)),
    ("zero orientation", SlicePosition("b", (0.0, 0.0, 0.0), (0.0,) * 6)),
    ("not unit length", SlicePosition("b", (0.0, 0.0, 0.0), (2.0, 0.0, 0.0, 0.0, 1.0, 0.0))),
    ("not at right angles", SlicePosition("b", (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.6, 0.8, 0.0))),
]


@pytest.mark.parametrize("bad", [b for _, b in BAD_POSITIONS], ids=[n for n, _ in BAD_POSITIONS])
def test_unusable_positions_are_named_and_left_out(bad: SlicePosition) -> None:
    found = arrange([*stack(even(10)), bad])
    assert found.invalid == (10,)
    assert len(found.order) == 10 and not found.is_regular


def test_only_unusable_positions() -> None:
    found: Arrangement = arrange([BAD_POSITIONS[0][1]])
    assert found.invalid == (0,) and found.plane is None


def test_affine_hits_every_first_pixel_also_when_tilted() -> None:
    tilt = np.radians(-8.0)
    tilted: Cosines = (1.0, 0.0, 0.0, 0.0, float(np.cos(tilt)), float(np.sin(tilt)))
    slices = stack(even(15), tilted)
    affine = geometry.stack_affine(
        slices[0].position_lps_mm, slices[-1].position_lps_mm, 15, tilted, (0.8, 0.7)
    )
    volume = Volume(np.zeros((15, 4, 4), np.int16), affine)
    for z, one in enumerate(slices):
        assert volume.to_lps_mm((z, 0, 0)) == pytest.approx(one.position_lps_mm)
    # Pixel Spacing is (between rows, between columns): one step along x is the second value.
    assert volume.to_lps_mm((0, 0, 1)) == pytest.approx((-179.3, -170.0, -300.0))
    assert volume.spacing_zyx_mm[1:] == pytest.approx((0.8, 0.7))


@pytest.mark.parametrize("module", ["geometry", "volume", "finding", "work"])
def test_core_needs_nothing_but_numpy(module: str) -> None:
    source = Path(geometry.__file__).with_name(f"{module}.py").read_text(encoding="utf-8")
    imported = {name.split(".")[0] for node in ast.walk(ast.parse(source)) for name in _names(node)}
    assert imported <= {"numpy", "triage"} | sys.stdlib_module_names


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []
