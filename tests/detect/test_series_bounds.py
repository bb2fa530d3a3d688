"""Verdicts at their boundaries: what lies just on either side, and what must not play a part."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.detect.test_series import CORONAL, Header, codes, header, series, slices
from triage.core.finding import SeriesVerdict
from triage.detect.series import assess, assess_study, choose
from triage.detect.slices import Slice
from triage.pathway import CHOICES

RUN, FLAGGED, REFUSE = SeriesVerdict.RUN, SeriesVerdict.RUN_FLAGGED, SeriesVerdict.REFUSE


def tilted(degrees: float) -> list[Header]:
    """Axial slices of a gantry tilted by so much, moved straight along the table."""
    turn = math.radians(degrees)
    way = [1.0, 0.0, 0.0, 0.0, math.cos(turn), math.sin(turn)]
    return series(image_orientation_patient=way)


def moved(index: int, by_mm: tuple[float, float, float]) -> list[Header]:
    """A series with one slice out of its place."""
    found = series()
    x, y, z = found[index]["image_position_patient"]
    found[index]["image_position_patient"] = [x + by_mm[0], y + by_mm[1], z + by_mm[2]]
    return found


BOUNDS: dict[str, tuple[list[Header], SeriesVerdict, list[str]]] = {
    "20 slices": (series(20), RUN, []),
    "19 slices": (series(19), REFUSE, ["too_few_slices"]),
    "2 slices": (series(2), REFUSE, ["too_few_slices"]),
    "16 pixels": (series(rows=16, columns=16), RUN, []),
    "15 rows": (series(rows=15), REFUSE, ["matrix_size"]),
    "15 columns": (series(columns=15), REFUSE, ["matrix_size"]),
    "2048 pixels": (series(rows=2048, columns=2048), RUN, []),
    "2049 columns": (series(columns=2049), REFUSE, ["matrix_size"]),
    "rows are no whole number": (series(rows=511.5), REFUSE, ["matrix_size"]),
    "3.00 mm apart": (series(40, 3.0, slice_thickness=3), RUN, []),
    "3.02 mm apart": (series(40, 3.02, slice_thickness=3), REFUSE, ["too_thick"]),
    "3 mm thick": (series(60, 2.5, slice_thickness=3.0), RUN, []),
    "3.1 mm thick": (series(60, 2.5, slice_thickness=3.1), FLAGGED, ["thick_slices"]),
    "a step of 1.25 thicknesses": (series(60, 2.5, slice_thickness=2.0), RUN, []),
    "a step of 1.26 thicknesses": (series(60, 2.52, slice_thickness=2.0), FLAGGED,
                                   ["not_contiguous"]),
    "no thickness": (series(slice_thickness=None), RUN, []),
    "a thickness of nought": (series(slice_thickness=0), RUN, []),
    "tilted by 0.9 degrees": (tilted(0.9), RUN, []),
    "tilted by 1.1 degrees": (tilted(1.1), FLAGGED, ["gantry_tilt"]),
    "tilted by -1.1 degrees": (tilted(-1.1), FLAGGED, ["gantry_tilt"]),
    "tilted by 9.9 degrees": (tilted(9.9), FLAGGED, ["gantry_tilt"]),
    "tilted by 10.1 degrees": (tilted(10.1), REFUSE, ["gantry_tilt"]),
    "aside by 0.19 mm": (moved(30, (0.19, 0, 0)), RUN, []),
    "aside by 0.3 mm": (moved(30, (0.3, 0, 0)), REFUSE, ["not_straight"]),
    "along by a twentieth of a step": (moved(30, (0, 0, 0.06)), RUN, []),
    "along by a fifth of a step": (moved(30, (0, 0, 0.25)), REFUSE, ["variable_spacing"]),
    "pixels that differ in the fifth place": (
        [header(-300 + 1.25 * i, pixel_spacing=[0.7, 0.7 + 1e-5 * (i % 2)]) for i in range(60)],
        RUN, [],
    ),
    "pixels that differ in the third place": (
        [header(-300 + 1.25 * i, pixel_spacing=[0.7, 0.7 + 1e-3 * (i % 2)]) for i in range(60)],
        REFUSE, ["mixed_matrix"],
    ),
    "15 of 60 in another direction": (
        series() + series(15, image_orientation_patient=CORONAL), SeriesVerdict.SPLIT,
        ["mixed_orientations"],
    ),
    "16 of 60 in another direction": (
        series() + series(16, image_orientation_patient=CORONAL), REFUSE, ["mixed_orientations"],
    ),
    "units in so many words": (series(rescale_type="hu"), RUN, []),
    "a minimum intensity projection": (
        series(image_type=["DERIVED", "PRIMARY", "AXIAL", "MinIP"]), REFUSE,
        ["projection", "derived"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOUNDS)
def test_just_on_either_side(name: str) -> None:
    headers, verdict, why = BOUNDS[name]
    one = assess("1.2", slices(headers))
    assert (one.verdict, codes(one)) == (verdict, why)
    assert bool(one.sop_uids) is (verdict is not REFUSE)


KINDS = [BOUNDS[name][0] for name in BOUNDS] + [series(), tilted(5.0), moved(7, (0, 0, 1.25))]


@settings(max_examples=60)
@given(st.sampled_from(range(len(KINDS))), st.randoms(use_true_random=False))
def test_the_order_of_arrival_plays_no_part(kind: int, shuffler: random.Random) -> None:
    sent = slices(KINDS[kind])
    mixed = list(sent)
    shuffler.shuffle(mixed)
    one, other = assess("1.2", sent), assess("1.2", mixed)
    assert (one.verdict, sorted(codes(one)), one.sop_uids) == (
        other.verdict, sorted(codes(other)), other.sop_uids,
    )  # fmt: skip


@settings(max_examples=60)
@given(st.integers(1, 58))
def test_a_slice_that_is_missing_is_always_noticed(index: int) -> None:
    whole = series()
    one = assess("1.2", slices(whole[:index] + whole[index + 1 :]))
    assert one.verdict is REFUSE and codes(one) == ["missing_slices"]


@settings(max_examples=40)
@given(st.integers(21, 60), st.integers(1, 3))
def test_slices_of_a_readable_series_are_all_used(count: int, scouts: int) -> None:
    scout: dict[str, Any] = {"image_type": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}
    one = assess("1.2", slices(series(count) + [header(0.0, **scout) for _ in range(scouts)]))
    assert one.verdict is FLAGGED
    assert one.sop_uids == tuple(f"1.2.{i}" for i in range(count))


def halves(**other: Any) -> list[SeriesVerdict]:
    """Verdicts of the two halves of one stack; `other` makes the upper one different."""
    upper = [h | other for h in series()[30:]]
    study: dict[str, list[Slice]] = {
        "1": slices(series()[:30], "1"), "2": slices(upper, "2"),
    }  # fmt: skip
    return [one.verdict for one in assess_study(study)]


@pytest.mark.parametrize(
    "other",
    [{"convolution_kernel": "LUNG"}, {"frame_of_reference_uid": "1.8"}, {"rows": 256},
     {"pixel_spacing": [0.8, 0.8]}],
    ids=["kernel", "frame of reference", "matrix", "pixel size"],
)  # fmt: skip
def test_halves_of_different_kinds_are_two_series(other: dict[str, Any]) -> None:
    assert halves() == [SeriesVerdict.MERGE] * 2
    assert halves(**other) == [RUN] * 2


def test_halves_without_a_frame_of_reference_are_never_put_together() -> None:
    headers = [h | {"frame_of_reference_uid": None} for h in series()]
    judged = assess_study({"1": slices(headers[:30], "1"), "2": slices(headers[30:], "2")})
    assert [one.verdict for one in judged] == [RUN] * 2


def test_the_choices_of_the_site_move_the_bounds() -> None:
    site = type(CHOICES)(max_slice_spacing_mm=5.0, min_slices=30)
    assert assess("1.2", slices(series(40, 5.0, slice_thickness=5)), site).verdict is RUN
    assert codes(assess("1.2", slices(series(29)), site)) == ["too_few_slices"]


def test_a_refused_series_is_never_chosen() -> None:
    thin = assess("a", slices(moved(30, (0, 0, 0.6)), "a"))
    thick = assess("b", slices(series(40, 3.0, slice_thickness=3), "b"))
    assert thin.verdict is REFUSE
    assert choose([thin, thick]).series_uid == "b"
    assert choose([thin]).series_uid is None
