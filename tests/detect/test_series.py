"""Verdicts: a row per kind of series that must not be built into a volume unseen."""

from __future__ import annotations

from typing import Any

import pytest

from triage.core.finding import SeriesVerdict
from triage.detect.series import (
    SeriesAssessment,
    as_json,
    assess,
    assess_study,
    choose,
    from_json,
    is_sharp,
)
from triage.detect.slices import Slice, read_slice
from triage.pathway import CT_IMAGE_STORAGE, ENHANCED_CT_IMAGE_STORAGE

Header = dict[str, Any]
CORONAL = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]


def header(z_mm: float, **changes: Any) -> Header:
    return {
        "modality": "CT",
        "image_type": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "rows": 512,
        "columns": 512,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
        "pixel_spacing": [0.7, 0.7],
        "slice_thickness": 1.25,
        "image_position_patient": [-180.0, -170.0, z_mm],
        "image_orientation_patient": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        "rescale_slope": 1.0,
        "rescale_intercept": -1024.0,
        "convolution_kernel": "STANDARD",
        "frame_of_reference_uid": "1.9",
    } | changes


def series(count: int = 60, step_mm: float = 1.25, **changes: Any) -> list[Header]:
    return [header(-300.0 + i * step_mm, **changes) for i in range(count)]


def slices(
    headers: list[Header], uid: str = "1.2", sop_class: str = CT_IMAGE_STORAGE
) -> list[Slice]:
    return [
        read_slice(h, sop_uid=f"{uid}.{i}", key=f"k{i}", sop_class=sop_class)
        for i, h in enumerate(headers)
    ]


def codes(one: SeriesAssessment) -> list[str]:
    return [r.code for r in one.reasons]


def changed(index: int, **changes: Any) -> list[Header]:
    found = series()
    found[index] |= changes
    return found


def without(*left_out: int) -> list[Header]:
    return [h for i, h in enumerate(series()) if i not in left_out]


def test_a_clean_series_runs_with_all_its_slices_in_order() -> None:
    one = assess("1.2", slices(list(reversed(series()))))
    assert one.verdict is SeriesVerdict.RUN and one.reasons == ()
    assert one.sop_uids == tuple(f"1.2.{i}" for i in reversed(range(60)))
    assert one.spacing_mm == pytest.approx(1.25)
    assert one.span_mm == pytest.approx(59 * 1.25)


REFUSED: list[tuple[str, str, list[Header], str]] = [
    ("one slice", "one_slice", series(1), ""),
    ("no slices", "too_few_slices", [], "0 slices"),
    ("too few", "too_few_slices", series(19), "19 slices"),
    ("one missing", "missing_slices", without(30), "2.50 mm between 1.2.29, 1.2.30"),
    ("a block missing", "missing_slices", without(*range(20, 30)), "about 10 slices"),
    ("one twice", "duplicate_slices", [*series(), header(-262.5)], "1.2.30, 1.2.60"),
    ("all twice", "duplicate_slices", series() + series(), "60 places"),
    ("uneven", "variable_spacing", changed(30, image_position_patient=[-180, -170, -262.0]),
     "1.2.30"),
    ("half coronal", "mixed_orientations",
     series(30) + series(30, image_orientation_patient=CORONAL), "2 directions"),
    ("no spacing", "no_pixel_spacing", changed(7, pixel_spacing=None), "1.2.7"),
    ("empty spacing", "no_pixel_spacing", changed(7, pixel_spacing=[]), "1.2.7"),
    ("zero spacing", "no_pixel_spacing", changed(7, pixel_spacing=[0, 0]), "1.2.7"),
    ("text spacing", "no_pixel_spacing", changed(7, pixel_spacing=["a", "b"]), "1.2.7"),
    ("no position", "no_position", changed(7, image_position_patient=None), "1.2.7"),
    ("nan position", "no_position", changed(7, image_position_patient=["nan", 0, 0]), "1.2.7"),
    ("bad orientation", "no_position", changed(7, image_orientation_patient=[0] * 6), "1.2.7"),
    ("localisers", "localiser", series(30, image_type=["ORIGINAL", "PRIMARY", "LOCALIZER"]), ""),
    ("slab MIP", "projection", series(image_type=["DERIVED", "SECONDARY", "AXIAL", "MIP"]), "MIP"),
    ("too thick", "too_thick", series(40, 5.0), "5.00 mm apart; at most 3 mm"),
    ("thicker", "too_thick", series(40, 8.0, slice_thickness=8.0), "8.00 mm apart"),
    ("oblique", "not_axial",
     [header(-170 + 0.94 * i, image_position_patient=[-180, -170 - 0.94 * i, -300 + 0.94 * i],
             image_orientation_patient=[1, 0, 0, 0, 0.7071, 0.7071]) for i in range(60)],
     "oblique"),
    ("coronal", "not_axial", series(image_orientation_patient=CORONAL), "coronal"),
    ("MR", "not_ct", series(modality="MR"), "MR"),
    ("no modality", "not_ct", series(modality=None), "not stated"),
    ("mixed matrix", "mixed_matrix", changed(7, rows=256), "2 picture sizes"),
    ("mixed pixels", "mixed_matrix", changed(7, pixel_spacing=[0.8, 0.8]), ""),
    ("huge matrix", "matrix_size", series(rows=60000), ""),
    ("no matrix", "matrix_size", series(rows=None), ""),
    ("no rescale", "no_hounsfield_units", changed(7, rescale_slope=None), "1.2.7"),
    ("zero slope", "no_hounsfield_units", series(rescale_slope=0), ""),
    ("other units", "no_hounsfield_units", series(rescale_type="US"), ""),
    ("inverted grey", "not_monochrome2", series(photometric_interpretation="MONOCHROME1"), ""),
    ("colour", "not_monochrome2",
     series(samples_per_pixel=3, photometric_interpretation="RGB"), "RGB"),
    ("multi-frame", "not_single_frame_ct", series(number_of_frames=40), ""),
    ("steep gantry", "gantry_tilt",
     series(image_orientation_patient=[1, 0, 0, 0, 0.9397, 0.342]), "20.0 degrees"),
    ("sideways", "not_straight", changed(30, image_position_patient=[-170, -170, -262.5]), "10.0"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "headers", "says"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_refused_with_the_reason_and_nothing_to_build(
    code: str, headers: list[Header], says: str
) -> None:
    one = assess("1.2", slices(headers))
    assert one.verdict is SeriesVerdict.REFUSE
    assert one.sop_uids == ()
    (reason,) = [r for r in one.reasons if r.code == code]
    assert says in reason.message and reason.series_uid == "1.2"


def test_enhanced_ct_is_refused_as_not_read_yet() -> None:
    one = assess("1.2", slices(series(), sop_class=ENHANCED_CT_IMAGE_STORAGE))
    assert one.verdict is SeriesVerdict.REFUSE and codes(one) == ["not_single_frame_ct"]


FLAGGED: list[tuple[str, str, list[Header]]] = [
    ("derived", "derived", series(image_type=["DERIVED", "SECONDARY", "AXIAL"])),
    ("slightly tilted", "gantry_tilt",
     series(image_orientation_patient=[1, 0, 0, 0, 0.99619, 0.08716])),
    ("thick overlapping", "thick_slices", series(60, 2.5, slice_thickness=5.0)),
    ("thin and apart", "not_contiguous", series(60, 2.5, slice_thickness=1.0)),
    ("lossy", "lossy", series(lossy_image_compression="01")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "headers"), [r[1:] for r in FLAGGED], ids=[r[0] for r in FLAGGED])
def test_flagged_but_read(code: str, headers: list[Header]) -> None:
    one = assess("1.2", slices(headers))
    assert one.verdict is SeriesVerdict.RUN_FLAGGED and codes(one) == [code]
    assert len(one.sop_uids) == 60


def test_three_millimetres_are_still_read() -> None:
    headers = [header(round(-300 + 3.0 * i, 2), slice_thickness=3) for i in range(40)]
    assert assess("1.2", slices(headers)).verdict is SeriesVerdict.RUN


def test_a_scout_among_slices_is_set_aside_and_told() -> None:
    scout = header(0.0, image_type=["ORIGINAL", "PRIMARY", "LOCALIZER"], rows=700)
    one = assess("1.2", slices([scout, *series()]))
    assert one.verdict is SeriesVerdict.RUN_FLAGGED and codes(one) == ["localiser_set_aside"]
    assert "1.2.0" not in one.sop_uids and len(one.sop_uids) == 60


def test_a_few_foreign_directions_split_off_a_whole_stack() -> None:
    one = assess("1.2", slices(series() + series(3, image_orientation_patient=CORONAL)))
    assert one.verdict is SeriesVerdict.SPLIT and codes(one) == ["mixed_orientations"]
    assert one.sop_uids == tuple(f"1.2.{i}" for i in range(60))
    assert "1.2.60" in one.reasons[0].message


def test_a_gap_is_not_hidden_by_a_split() -> None:
    one = assess("1.2", slices(without(20) + series(3, image_orientation_patient=CORONAL)))
    assert one.verdict is SeriesVerdict.REFUSE and one.sop_uids == ()


def test_two_halves_of_one_stack_are_told_as_merge() -> None:
    lower, upper = series()[:30], series()[30:]
    judged = assess_study({"1": slices(lower, "1"), "2": slices(upper, "2")})
    assert [a.verdict for a in judged] == [SeriesVerdict.MERGE] * 2
    assert "series 2" in judged[0].reasons[0].message


def test_two_reconstructions_are_not_halves() -> None:
    judged = assess_study({"1": slices(series(), "1"), "2": slices(series(), "2")})
    assert [a.verdict for a in judged] == [SeriesVerdict.RUN] * 2


def chosen(**series_by_uid: list[Header]) -> str | None:
    study = {uid: slices(h, uid) for uid, h in series_by_uid.items()}
    return choose(assess_study(study)).series_uid


def test_the_thinner_series_is_chosen() -> None:
    assert chosen(a=series(60, 2.5), b=series(120, 1.25)) == "b"


def test_cover_beats_thinness() -> None:
    assert chosen(whole=series(120, 2.5), block=series(60, 1.0)) == "whole"


def test_original_beats_derived_and_smooth_beats_sharp() -> None:
    assert chosen(a=series(image_type=["DERIVED", "SECONDARY", "AXIAL"]), b=series()) == "b"
    assert chosen(a=series(convolution_kernel="LUNG"), b=series()) == "b"


def test_equal_series_are_chosen_by_uid_whatever_the_order() -> None:
    assert chosen(b=series(), a=series()) == chosen(a=series(), b=series()) == "a"


def test_reasons_of_the_choice_carry_the_flags() -> None:
    study = {"a": slices(series(lossy_image_compression="01"), "a")}
    found = choose(assess_study(study))
    assert [r.code for r in found.reasons] == ["chosen", "lossy"]
    assert "60 axial slices, 1.25 mm apart" in found.reasons[0].message


def test_nothing_suitable_says_why_and_leaves_out_what_is_no_ct() -> None:
    study = {
        "sr": slices([{"modality": "SR"}], "sr"),
        "ct": slices(without(30), "ct"),
    }
    found = choose(assess_study(study))
    assert found.series_uid is None
    assert [r.code for r in found.reasons if r.series_uid == "ct"] == ["missing_slices"]
    assert "not_ct" not in [r.code for r in found.reasons]


def test_an_empty_study_has_a_reason_too() -> None:
    assert [r.code for r in choose([]).reasons] == ["no_ct_series"]


@pytest.mark.parametrize(
    ("kernel", "sharp"),
    [("STANDARD", False), ("LUNG", True), ("B30f", False), ("B70f", True), ("Br40d\\3", False),
     ("Bl57d\\3", True), ("I50f", True), ("FC51", True), ("", False), ("D", False)],
)  # fmt: skip
def test_sharp_kernels_by_name(kernel: str, sharp: bool) -> None:
    assert is_sharp(kernel) is sharp


def test_verdicts_travel_as_plain_values() -> None:
    one = assess("1.2", slices(series(lossy_image_compression="01")))
    assert from_json(as_json(one)) == one


@pytest.mark.parametrize("value", [None, "", "abc", [], {"a": 1}, "1\\2", [1, "x"], float("nan")])
def test_no_header_value_can_break_the_reading(value: Any) -> None:
    base = header(0.0)
    for name in base:
        one = read_slice(base | {name: value}, sop_uid="1", key="k", sop_class="c")
        assert isinstance(assess("1.2", [one]).verdict, SeriesVerdict)


def test_decimal_strings_are_read_as_numbers() -> None:
    as_text = series(pixel_spacing=["0.700", "0.700"], rescale_intercept="-1024")
    for one in as_text:
        one["image_position_patient"] = [str(v) for v in one["image_position_patient"]]
    assert assess("1.2", slices(as_text)) == assess("1.2", slices(series()))
