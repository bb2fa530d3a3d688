"""Quantities and intervals: what is read, what is refused, and how ties are rounded."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.rules.intervals import Interval, add_months, exam_interval
from triage.rules.quantity import (
    TENTH,
    WHOLE,
    Dimension,
    QuantityError,
    half_up,
    is_tie,
    quantity,
)
from triage.rules.result import Refusal

LENGTH, VOLUME, TIME = Dimension.LENGTH, Dimension.VOLUME, Dimension.TIME

GOOD = [
    ({"value": "6.2", "unit": "mm"}, LENGTH, "6.2"),
    ({"value": 6.2, "unit": "mm"}, LENGTH, "6.2"),
    ({"value": 6, "unit": "mm"}, LENGTH, "6"),
    ({"value": Decimal("5.9499999999999999999"), "unit": "mm"}, LENGTH, "5.9499999999999999999"),
    ("6.2 mm", LENGTH, "6.2"),
    ("6.2mm", LENGTH, "6.2"),
    ("0.62 cm", LENGTH, "6.2"),
    ({"value": "300", "unit": "mm"}, LENGTH, "300"),
    ({"value": 113, "unit": "mm3"}, VOLUME, "113"),
    ({"value": "0.113", "unit": "cm3"}, VOLUME, "113"),
    ({"value": "0.113", "unit": "ml"}, VOLUME, "113"),
    ({"value": 14_000_000, "unit": "mm3"}, VOLUME, "14000000"),
    ({"value": 90, "unit": "days"}, TIME, "90"),
    ({"value": 2, "unit": "weeks"}, TIME, "14"),
    ({"value": 12, "unit": "months"}, TIME, "365.25"),
    ({"value": 1, "unit": "years"}, TIME, "365.25"),
]

BAD = [
    (None, LENGTH, "value_missing"),
    ({}, LENGTH, "value_missing"),
    ({"unit": "mm"}, LENGTH, "value_missing"),
    ({"value": None, "unit": "mm"}, LENGTH, "value_missing"),
    (6.2, LENGTH, "unit_missing"),
    ("6.2", LENGTH, "unit_missing"),
    ({"value": 6.2}, LENGTH, "unit_missing"),
    ({"value": 6.2, "unit": None}, LENGTH, "unit_missing"),
    ({"value": 6.2, "unit": ""}, LENGTH, "unit_missing"),
    ({"value": 6.2, "unit": "inch"}, LENGTH, "unit_unknown"),
    ({"value": 6.2, "unit": "MM"}, LENGTH, "unit_unknown"),
    ({"value": 6.2, "unit": "pixels"}, LENGTH, "unit_unknown"),
    ({"value": 6.2, "unit": 1}, LENGTH, "unit_unknown"),
    ({"value": 6.2, "unit": ["mm"]}, LENGTH, "unit_unknown"),
    ({"value": 6, "unit": "month"}, TIME, "unit_unknown"),
    ({"value": 6.2, "unit": "mm3"}, LENGTH, "unit_dimension"),
    ({"value": 6.2, "unit": "ml"}, LENGTH, "unit_dimension"),
    ({"value": 113, "unit": "mm"}, VOLUME, "unit_dimension"),
    ({"value": 6, "unit": "mm"}, TIME, "unit_dimension"),
    ({"value": "5,9", "unit": "mm"}, LENGTH, "value_not_a_number"),
    ("5,9 mm", LENGTH, "value_not_a_number"),
    ({"value": "six", "unit": "mm"}, LENGTH, "value_not_a_number"),
    ("", LENGTH, "value_not_a_number"),
    ("mm", LENGTH, "value_not_a_number"),
    ({"value": "1_0", "unit": "mm"}, LENGTH, "value_not_a_number"),
    ({"value": "1e1", "unit": "mm"}, LENGTH, "value_not_a_number"),
    ({"value": "٦", "unit": "mm"}, LENGTH, "value_not_a_number"),
    ({"value": True, "unit": "mm"}, LENGTH, "value_not_a_number"),
    ({"value": [6], "unit": "mm"}, LENGTH, "value_not_a_number"),
    ({"value": float("nan"), "unit": "mm"}, LENGTH, "value_not_a_number"),
    ({"value": float("inf"), "unit": "mm"}, LENGTH, "value_not_a_number"),
    ({"value": "NaN", "unit": "mm"}, LENGTH, "value_not_a_number"),
    ({"value": 0, "unit": "mm"}, LENGTH, "value_not_positive"),
    ({"value": "0.0", "unit": "mm"}, LENGTH, "value_not_positive"),
    ({"value": -6, "unit": "mm"}, LENGTH, "value_not_positive"),
    ({"value": 0, "unit": "months"}, TIME, "value_not_positive"),
    ({"value": -3, "unit": "months"}, TIME, "value_not_positive"),
    ({"value": "0.009", "unit": "mm"}, LENGTH, "value_too_small"),
    ({"value": 1e-300, "unit": "mm"}, LENGTH, "value_too_small"),
    ({"value": Decimal("1e-999999"), "unit": "mm"}, LENGTH, "value_too_small"),
    ({"value": "0.5", "unit": "days"}, TIME, "value_too_small"),
    ({"value": Decimal("1e999999"), "unit": "mm"}, LENGTH, "value_too_large"),
    ({"value": "300.1", "unit": "mm"}, LENGTH, "value_too_large"),
    ({"value": 31, "unit": "cm"}, LENGTH, "value_too_large"),
    ({"value": 14_000_001, "unit": "mm3"}, VOLUME, "value_too_large"),
    ({"value": 14.1, "unit": "ml"}, VOLUME, None),
    ({"value": 14001, "unit": "ml"}, VOLUME, "value_too_large"),
    ({"value": 1e300, "unit": "mm"}, LENGTH, "value_too_large"),
    ({"value": 10**30, "unit": "mm"}, LENGTH, "value_too_large"),
    ({"value": 101, "unit": "years"}, TIME, "value_too_large"),
    ({"value": 6, "unit": "mm", "plane": "axial"}, LENGTH, "unknown_field"),
]


@pytest.mark.parametrize(("raw", "dimension", "value"), GOOD)
def test_reads_a_typed_quantity(raw: object, dimension: Dimension, value: str) -> None:
    assert quantity(raw, dimension).value == Decimal(value)


@pytest.mark.parametrize(("raw", "dimension", "code"), BAD)
def test_refuses_what_is_no_quantity(raw: object, dimension: Dimension, code: str | None) -> None:
    if code is None:
        assert quantity(raw, dimension).value == Decimal("14100")
        return
    with pytest.raises(QuantityError) as caught:
        quantity(raw, dimension)
    assert caught.value.code == code
    assert caught.value.message


def test_zero_is_a_quantity_only_where_it_says_none() -> None:
    assert quantity("0 mm", LENGTH, zero_allowed=True).value == 0
    with pytest.raises(QuantityError, match="not > 0"):
        quantity("-1 mm", LENGTH, zero_allowed=True)


@pytest.mark.parametrize(
    ("typed", "step", "rounded"),
    [
        ("5.94", TENTH, "5.9"),
        ("5.95", TENTH, "6.0"),
        ("14.95", TENTH, "15.0"),  # round(14.95, 1) is 14.9
        ("7.95", TENTH, "8.0"),
        ("7.949", TENTH, "7.9"),
        ("5.4", WHOLE, "5"),
        ("5.45", WHOLE, "5"),
        ("5.5", WHOLE, "6"),
        ("8.5", WHOLE, "9"),  # round(8.5) is 8
        ("112.5", WHOLE, "113"),
    ],
)
def test_rounds_half_up_on_the_typed_text(typed: str, step: Decimal, rounded: str) -> None:
    assert half_up(Decimal(typed), step) == Decimal(rounded)


def test_a_tie_is_seen_only_exactly_half_way() -> None:
    assert is_tie(Decimal("5.95"), TENTH)
    assert not is_tie(Decimal("5.951"), TENTH)
    assert not is_tie(Decimal("6.0"), TENTH)


@given(st.decimals("0.1", "300", places=2))
def test_a_float_and_its_text_are_the_same_quantity(value: Decimal) -> None:
    as_float = quantity({"value": float(value), "unit": "mm"}, LENGTH).value
    assert as_float == quantity({"value": str(value), "unit": "mm"}, LENGTH).value == value


@given(st.decimals("0.01", "29", places=3))
def test_cm_and_mm_say_the_same(value: Decimal) -> None:
    cm = quantity({"value": str(value), "unit": "cm"}, LENGTH).value
    assert cm == quantity({"value": str(value * 10), "unit": "mm"}, LENGTH).value


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=4))
def test_whatever_comes_in_is_a_quantity_or_a_named_refusal(raw: object) -> None:
    for shape in (raw, {"value": raw, "unit": "mm"}, {"value": 6, "unit": raw}):
        try:
            found = quantity(shape, LENGTH)
        except QuantityError as error:
            assert error.code and error.message
        else:
            assert 0 < found.value <= 300


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2025, 1, 31), 1, date(2025, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2025, 11, 30), 3, date(2026, 2, 28)),
        (date(2025, 6, 15), 12, date(2026, 6, 15)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
    ],
)
def test_adds_calendar_months(day: date, months: int, later: date) -> None:
    assert add_months(day, months) == later


@pytest.mark.parametrize(
    ("start", "end", "windows"),
    [
        (date(2025, 1, 10), date(2025, 4, 10), 1),
        (date(2025, 1, 10), date(2026, 1, 10), 1),
        (date(2025, 1, 10), date(2026, 1, 11), 2),
        (date(2024, 1, 10), date(2025, 1, 10), 1),  # 366 days, and still 12 months
        (date(2023, 1, 10), date(2026, 1, 10), 3),
    ],
)
def test_counts_12_month_windows_by_the_calendar(start: date, end: date, windows: int) -> None:
    assert Interval.between(start, end).windows_of_12_months == windows


@pytest.mark.parametrize(("months", "windows"), [(1, 1), (12, 1), (13, 2), (24, 2), (25, 3)])
def test_counts_12_month_windows_of_typed_months(months: int, windows: int) -> None:
    typed = quantity({"value": months, "unit": "months"}, TIME)
    assert Interval(typed.value).windows_of_12_months == windows


def test_tolerance_of_a_step_down_visit() -> None:
    start = date(2025, 1, 10)
    assert Interval.between(start, date(2025, 6, 26)).reaches(6, 14)  # due 10 July, 14 days early
    assert not Interval.between(start, date(2025, 6, 25)).reaches(6, 14)
    assert Interval.between(start, date(2025, 7, 24)).within(6, 14)
    assert not Interval.between(start, date(2025, 7, 25)).within(6, 14)


@pytest.mark.parametrize("end", [date(2025, 1, 10), date(2025, 1, 9)])
def test_dates_in_the_wrong_order_are_refused(end: date) -> None:
    with pytest.raises(Refusal) as caught:
        exam_interval(None, date(2025, 1, 10), end, date_field="d", interval_field="i")
    assert caught.value.reason.field == "d"
    assert "interval" in caught.value.reason.message


def test_an_interval_that_contradicts_the_dates_is_refused() -> None:
    half_year = quantity("6 months", TIME)
    days = date(2025, 1, 1), date(2025, 7, 1)
    agreed = exam_interval(half_year, *days, date_field="d", interval_field="i")
    assert agreed is not None and agreed.days == 181
    with pytest.raises(Refusal) as caught:
        exam_interval(half_year, days[0], date(2026, 1, 1), date_field="d", interval_field="i")
    assert caught.value.reason.code == "interval_contradicts_dates"


def test_centuries_are_a_slip_not_an_interval() -> None:
    with pytest.raises(QuantityError, match="above"):
        Interval.between(date(1, 1, 1), date(9999, 12, 31))
