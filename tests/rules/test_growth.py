"""Growth between two exams: change, significance, doubling time, refusals."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.builders import codes, fields, mm, mm3
from triage.errors import Unprocessable
from triage.rules.growth import growth
from triage.rules.quantity import WHOLE, half_up
from triage.rules.sizes import sphere_volume_mm3

THIN = {"slice_thickness": mm(1), "kernel": "B30f", "vendor": "A"}


def pair(before: object, now: object, interval: object = "100 days", **more: object) -> Any:
    """Growth of a solid nodule from volume to volume (numbers are mm3)."""
    sizes = [s if isinstance(s, dict) else {"volume": mm3(s)} for s in (before, now)]
    payload: dict[str, Any] = {
        "prior": {"size": sizes[0]} | THIN,
        "current": {"size": sizes[1]} | THIN,
        "interval": interval,
        "type": "solid",
    }
    for part, change in more.items():
        payload[part] = payload[part] | change if isinstance(change, dict) else change
    return growth(payload)


@pytest.mark.parametrize(
    ("diameter", "volume"), [(4, 34), (6, 113), (8, 268), (10, 524), (15, 1767), (30, 14137)]
)
def test_volume_of_a_sphere(diameter: int, volume: int) -> None:
    assert half_up(sphere_volume_mm3(Decimal(diameter)), WHOLE) == volume


CHANGES = [
    # before, now mm3, percent, trend, growth, class
    (100, 100, 0, "stable", False, "not_growing"),
    (100, 80, -20, "decreased", False, "not_growing"),
    (100, 110, 10, "not_significant", False, "not_significant"),
    (100, "124.9", 24.9, "not_significant", False, "not_significant"),
    (100, 125, 25, "growing", True, "lt400"),
    (100, 200, 100, "growing", True, "lt400"),
]


@pytest.mark.parametrize(("before", "now", "percent", "trend", "grows", "vdt_class"), CHANGES)
def test_change(
    before: int, now: object, percent: float, trend: str, grows: bool, vdt_class: str
) -> None:
    result = pair(before, now)
    assert (result["status"], result["category"]) == ("ok", None)
    assert (result["percent_change"], result["trend"]) == (percent, trend)
    assert (result["growth"], result["vdt_class"]) == (grows, vdt_class)
    assert (result["vdt_days"] is None) is (not grows)
    assert ("D6" in codes(result)) is (percent == 25)


CLASSES = [
    # days of one doubling, class, review
    (29, "lt400", set()),
    (399, "lt400", set()),
    (400, "lt400", {"D7"}),
    (401, "400_to_600", set()),
    (600, "400_to_600", {"D7"}),
    (601, "gt600", set()),
]


@pytest.mark.parametrize(("days", "vdt_class", "review"), CLASSES)
def test_doubling_time_classes(days: int, vdt_class: str, review: set[str]) -> None:
    result = pair(100, 200, f"{days} days")
    assert (result["vdt_days"], result["vdt_class"]) == (days, vdt_class)
    assert codes(result) == review
    assert ("inflammatory" in result["management"]) is (days < 30)


def test_doubling_time_from_diameters_is_marked() -> None:
    result = pair({"mean": mm(6)}, {"mean": mm(7)}, "90 days")
    assert result["vdt_days"] == pytest.approx(90 * math.log(2) / (3 * math.log(7 / 6)), abs=0.05)
    assert (result["volume_source"], result["volume_mm3"]) == ("diameter_derived", 180)
    assert result["mean_diameter_mm"] == 7.0
    assert "diameter_derived" in result["trace"][0]["inputs"]["now"]


def test_segmented_volumes_come_before_diameters() -> None:
    both = [{"mean": mm(6), "volume": mm3(100)}, {"mean": mm(6), "volume": mm3(140)}]
    result = pair(*both)
    assert (result["volume_source"], result["percent_change"]) == ("segmented", 40)
    assert codes(result) == {"D5"}  # the diameter did not change


def test_whole_calendar_days_between_dates() -> None:
    dates = {"prior": {"date": "2024-02-28"}, "current": {"date": "2024-03-01"}}
    assert pair(100, 200, None, **dates)["vdt_days"] == 2
    assert pair(100, 200, "1 years")["vdt_days"] == 365


@pytest.mark.parametrize("kind", ["part_solid", "ground_glass"])
def test_classes_are_for_solid_nodules(kind: str) -> None:
    result = pair(100, 200, type=kind)
    assert (result["vdt_class"], result["vdt_days"], result["growth"]) == (None, 100, True)


CAUTION = [
    ({}, False),
    ({"current": {"slice_thickness": mm("1.5")}, "prior": {"slice_thickness": mm("1.5")}}, False),
    ({"current": {"slice_thickness": mm(2)}, "prior": {"slice_thickness": mm(2)}}, True),
    ({"current": {"slice_thickness": mm("1.25")}}, True),
    ({"current": {"kernel": "B70f"}}, True),
    ({"current": {"vendor": "B"}}, True),
    ({"current": {"vendor": None}}, None),
    ({"current": {"slice_thickness": None}}, None),
    ({"current": {"slice_thickness": None, "kernel": "B70f"}}, True),
]


@pytest.mark.parametrize(("change", "caution"), CAUTION)
def test_caution_on_acquisition(change: dict[str, Any], caution: bool | None) -> None:
    assert pair(100, 200, **change)["caution"] is caution


REFUSED = [
    ({"current": {"size": None}}, ["current.size"], ["missing"]),
    ({"prior": {"size": None}}, ["prior.size"], ["missing"]),
    ({"interval": None}, ["interval"], ["missing"]),
    ({"interval": "0 days"}, ["interval"], ["value_not_positive"]),
    ({"interval": 90}, ["interval"], ["unit_missing"]),
    ({"interval": "90 mm"}, ["interval"], ["unit_dimension"]),
    ({"current": {"size": {"mean": mm(7)}}}, ["prior.size"], ["volume_and_diameter"]),
    ({"current": {"size": {"at_most_3_mm": True}}}, ["prior.size"], ["volume_and_diameter"]),
    ({"current": {"size": {"long": mm(7)}}}, ["current.size.short"], ["missing"]),
    ({"current": {"size": {"long": mm(5), "short": mm(7)}}}, ["current.size.short"],
     ["short_axis_longer"]),
    ({"current": {"size": {"volume": mm(7)}}}, ["current.size.volume"], ["unit_dimension"]),
    ({"current": {"size": None}, "prior": {"size": None}, "interval": None},
     ["current.size", "prior.size", "interval"], ["missing"] * 3),
    ({"current": {"date": "2025-01-01"}, "prior": {"date": "2025-01-01"}}, ["prior.date"],
     ["value_not_positive"]),
    ({"type": "solidish"}, ["type"], ["unknown_value"]),
    ({"sizes": {}}, ["sizes"], ["unknown_field"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "named", "why"), REFUSED)
def test_refusals(change: dict[str, Any], named: list[str], why: list[str]) -> None:
    interval = change.get("interval", "100 days")
    payload: dict[str, Any] = {
        "prior": {"size": {"volume": mm3(100)}}, "current": {"size": {"volume": mm3(200)}},
        "interval": interval,
    }  # fmt: skip
    for part, value in change.items():
        payload[part] = payload.get(part, {}) | value if isinstance(value, dict) else value
    result: Any = growth(payload)
    assert (result["status"], result["growth"]) == ("cannot_categorise", None)
    assert fields(result) == named
    assert [reason["code"] for reason in result["reasons"]] == why


def test_an_empty_object_names_everything() -> None:
    assert fields(growth({})) == ["current.size", "prior.size", "interval"]
    with pytest.raises(Unprocessable):
        growth("grew")  # type: ignore[arg-type]


@given(
    st.integers(1, 30000),
    st.integers(1, 30000),
    st.integers(1, 3650),
    st.sampled_from(["mean", "volume"]),
)
def test_never_a_negative_or_infinite_doubling_time(
    before: int, now: int, days: int, measure: str
) -> None:
    unit, scale = ("mm", Decimal("0.01")) if measure == "mean" else ("mm3", Decimal(1))
    sizes = [{measure: {"value": str(v * scale), "unit": unit}} for v in (before, now)]
    result = pair(sizes[0], sizes[1], f"{days} days")
    assert result["status"] == "ok"
    if result["growth"]:
        assert 0 <= result["vdt_days"] < math.inf
        assert result["percent_change"] >= 25
    else:
        assert result["vdt_days"] is None
        assert result["vdt_class"] in ("not_growing", "not_significant")
