"""Maps become candidates in millimetres; what does not fit is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.detect.decode import DecodeSettings, Peaks, decode, suppress
from triage.detect.lungs import LungReport
from triage.detect.prepare import Prepared
from triage.errors import ModelRefused

Float32Array = npt.NDArray[np.float32]
SHAPE = (64, 72, 80)
OPEN = DecodeSettings(threshold=0.05)
#: Voxel (0, 0, 0) lies here; axes along +z, +y, +x of the patient.
ORIGIN = (-40.0, 10.0, -200.0)


def prepared(lung: npt.NDArray[np.bool_] | None = None) -> Prepared:
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[::-1]
    affine[:3, 3] = ORIGIN
    everywhere = np.ones(SHAPE, bool) if lung is None else lung
    report = LungReport(True, 4000.0, False, False, (0.0, 0.0), 1.0)
    return Prepared(np.zeros((1, 1, *SHAPE), np.float32), affine, everywhere, report)


def quiet() -> Float32Array:
    """Maps that say nothing: heat far below any threshold, 8 mm, no offset."""
    maps = np.zeros((1, 5, *(n // 4 for n in SHAPE)), np.float32)
    maps[0, 0] = -12.0
    maps[0, 1] = np.log(8.0)
    return maps


def with_peaks(*peaks: tuple[tuple[int, int, int], float]) -> Float32Array:
    maps = quiet()
    for cell, logit in peaks:
        maps[0, 0][cell] = logit
    return maps


def test_nothing_above_the_threshold_gives_nothing() -> None:
    assert decode(quiet(), prepared(), OPEN) == []


def test_a_peak_becomes_a_candidate_at_its_place_and_size() -> None:
    maps = with_peaks(((5, 6, 7), 2.0))
    maps[0, 1, 5, 6, 7] = np.log(11.0)
    maps[0, 2:, 5, 6, 7] = (0.25, -0.5, 0.125)
    (found,) = decode(maps, prepared(), OPEN)
    z, y, x = (5.25 * 4, 5.5 * 4, 7.125 * 4)
    assert found.center_lps_mm == pytest.approx((x - 40.0, y + 10.0, z - 200.0), abs=1e-5)
    assert found.diameter_mm == pytest.approx(11.0, rel=1e-5)
    assert found.probability == pytest.approx(1 / (1 + np.exp(-2.0)), rel=1e-5)


def test_candidates_come_by_falling_probability_and_no_more_than_asked() -> None:
    maps = with_peaks(((3, 3, 3), 1.0), ((8, 8, 8), 3.0), ((12, 12, 12), 2.0))
    logits = [c.probability for c in decode(maps, prepared(), OPEN)]
    assert logits == sorted(logits, reverse=True)
    assert len(logits) == 3
    assert len(decode(maps, prepared(), replace(OPEN, max_candidates=2))) == 2


# temperature, bias, logit -> probability; a row each
CALIBRATION = [(1.0, 0.0, 0.0, 0.5), (2.0, 0.0, 2.0, 0.7311), (0.5, -1.0, 1.0, 0.7311)]


@pytest.mark.parametrize(("temperature", "bias", "logit", "probability"), CALIBRATION)
def test_probability_is_calibrated(
    temperature: float, bias: float, logit: float, probability: float
) -> None:
    settings = DecodeSettings(temperature, bias, 0.1)
    (found,) = decode(with_peaks(((5, 5, 5), logit)), prepared(), settings)
    assert found.probability == pytest.approx(probability, abs=1e-4)


def test_the_threshold_is_a_calibrated_probability() -> None:
    maps = with_peaks(((5, 5, 5), 0.0))
    assert len(decode(maps, prepared(), DecodeSettings(1.0, 0.0, 0.49))) == 1
    assert len(decode(maps, prepared(), DecodeSettings(1.0, 0.0, 0.51))) == 0
    assert len(decode(maps, prepared(), DecodeSettings(1.0, -1.0, 0.49))) == 0


def test_a_centre_outside_lung_and_rim_is_dropped() -> None:
    lung = np.zeros(SHAPE, bool)
    lung[:, :, :30] = True
    maps = with_peaks(((5, 5, 5), 2.0), ((5, 5, 12), 4.0))
    (found,) = decode(maps, prepared(lung), OPEN)
    assert found.center_lps_mm[0] == pytest.approx(5 * 4 - 40.0)


def test_a_centre_pushed_off_the_grid_is_dropped() -> None:
    maps = with_peaks(((0, 5, 5), 2.0))
    maps[0, 2, 0, 5, 5] = -2.0
    assert decode(maps, prepared(), OPEN) == []


# distance of two peaks in cells (4 mm), diameter of both -> how many stay
NEIGHBOURS = [(1, 6.0, 1), (2, 6.0, 1), (3, 6.0, 2), (3, 30.0, 1), (5, 30.0, 2)]


@pytest.mark.parametrize(("cells", "diameter", "stay"), NEIGHBOURS)
def test_one_candidate_per_place(cells: int, diameter: float, stay: int) -> None:
    maps = with_peaks(((8, 8, 8), 3.0), ((8, 8, 8 + cells), 2.0))
    maps[0, 1] = np.log(diameter)
    found = decode(maps, prepared(), OPEN)
    assert len(found) == stay
    assert found[0].probability == pytest.approx(1 / (1 + np.exp(-3.0)))


def test_a_small_sure_one_does_not_hide_a_large_less_sure_one() -> None:
    # 12 mm apart: within the radius of the large one (20 mm), outside that of the small one.
    places, falling = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 12.0]]), np.array([0.9, 0.6])
    kept = suppress(Peaks(places, np.array([5.0, 40.0]), falling), 8.0)
    assert kept.diameter_mm.tolist() == [5.0, 40.0]
    kept = suppress(Peaks(places, np.array([40.0, 5.0]), falling), 8.0)
    assert kept.diameter_mm.tolist() == [40.0]


@given(st.integers(0, 2**32 - 1), st.floats(0.3, 3.0), st.floats(-2.0, 2.0))
def test_a_lower_threshold_never_loses_a_candidate(
    seed: int, temperature: float, bias: float
) -> None:
    rng = np.random.default_rng(seed)
    maps = quiet()
    maps[0, 0] = rng.normal(0, 2, maps.shape[2:])
    maps[0, 1] = rng.uniform(1, 3, maps.shape[2:])
    low, high = (
        decode(maps, prepared(), DecodeSettings(temperature, bias, t, max_candidates=10_000))
        for t in (0.2, 0.6)
    )
    assert [c for c in low if c.probability >= 0.6] == high


@given(st.integers(0, 2**32 - 1))
def test_suppression_leaves_no_two_near_and_drops_none_that_is_far(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 60, (20, 3))
    falling = np.sort(rng.random(20))[::-1]
    kept = suppress(Peaks(places, np.full(20, 5.0), falling), 8.0)
    apart = np.linalg.norm(kept.zyx[:, None] - kept.zyx[None], axis=-1)
    assert (apart[~np.eye(len(apart), dtype=bool)] > 8.0).all()
    to_kept = np.linalg.norm(places[:, None] - kept.zyx[None], axis=-1).min(axis=1)
    assert (to_kept <= 8.0).all()
    assert kept.probability[0] == falling[0]


SIZES = {"far too small": (-9.0, 2.0), "far too large": (9.0, 60.0)}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_nobody_taught_are_cut_back(name: str) -> None:
    log_mm, expected = SIZES[name]
    maps = with_peaks(((5, 5, 5), 2.0))
    maps[0, 1] = log_mm
    (found,) = decode(maps, prepared(), OPEN)
    assert found.diameter_mm == pytest.approx(expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_answers_that_are_no_numbers_are_refused(bad: float) -> None:
    maps = quiet()
    maps[0, 3, 1, 1, 1] = bad
    with pytest.raises(ModelRefused, match="not numbers"):
        decode(maps, prepared(), OPEN)


def test_answers_for_another_volume_are_refused() -> None:
    with pytest.raises(ModelRefused, match="shape"):
        decode(quiet()[:, :, :-1], prepared(), OPEN)
    with pytest.raises(ModelRefused, match="shape"):
        decode(quiet()[:, :4], prepared(), OPEN)


# -- settings from metadata ----------------------------------------------------------------------

COMPLETE = {
    "temperature": 0.8,
    "bias": -0.25,
    "threshold": 0.3,
    "max_candidates": 40,
    "nms_distance_mm": 7.0,
}


def test_settings_come_from_the_metadata() -> None:
    assert DecodeSettings.from_metadata(COMPLETE) == DecodeSettings(0.8, -0.25, 0.3, 40, 7.0)


@pytest.mark.parametrize("missing", COMPLETE)
def test_an_operating_point_is_never_guessed(missing: str) -> None:
    with pytest.raises(ModelRefused, match=missing):
        DecodeSettings.from_metadata({k: v for k, v in COMPLETE.items() if k != missing})


BAD = {"temperature": 0.0, "threshold": 1.5, "bias": "high", "nms_distance_mm": None}


@pytest.mark.parametrize("name", BAD)
def test_values_that_make_no_sense_are_refused(name: str) -> None:
    with pytest.raises(ModelRefused):
        DecodeSettings.from_metadata({**COMPLETE, name: BAD[name]})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), "NaN", "-Infinity"])
@pytest.mark.parametrize("name", COMPLETE)
def test_not_a_number_is_refused(name: str, value: float | str) -> None:
    # With a bias of NaN no candidate reaches any threshold: "nothing found" would be the answer.
    with pytest.raises(ModelRefused):
        DecodeSettings.from_metadata({**COMPLETE, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_candidates", 0), ("max_candidates", -1), ("max_candidates", 0.5),
     ("nms_distance_mm", -0.1), ("temperature", -1.0), ("threshold", -0.01)],
)  # fmt: skip
def test_settings_that_would_hide_candidates_are_refused(name: str, value: float) -> None:
    with pytest.raises(ModelRefused, match=name.split("_", maxsplit=1)[0]):
        DecodeSettings.from_metadata({**COMPLETE, name: value})
