"""The arithmetic against another one, in whole numbers: rounding, growth, intervals, boundaries."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.builders import codes, existing, fields, incidental, mm, mm3, nodule, screening

ORDER = ["1", "2", "3", "4A", "4B", "4X"]
HUNDREDTHS = st.integers(100, 4000)  # 1 to 40 mm
TENTHS = st.integers(10, 400)


def typed(number: int, step: int) -> str:
    """A whole number of 1/step mm as it would be typed: 595, 100 -> "5.95"."""
    digits = len(str(step)) - 1
    return f"{number // step}.{number % step:0{digits}d}"


def half_up(number: int, step: int) -> int:
    """Rounded to whole steps in integers: 595 by 10 -> 60."""
    return (2 * number + step) // (2 * step)


def axes(long: int, short: int) -> dict[str, Any]:
    """A size by its axes, in hundredths of a mm."""
    return {"long": mm(typed(long, 100)), "short": mm(typed(short, 100))}


# Lower bounds in tenths of a mm, with the category from there on.
SOLID = {"baseline": [(0, "2"), (60, "3"), (80, "4A"), (150, "4B")],
         "new": [(0, "2"), (40, "3"), (60, "4A"), (80, "4B")]}  # fmt: skip


@given(HUNDREDTHS, HUNDREDTHS, st.sampled_from(["baseline", "new"]))
def test_lung_rads_mean_and_row(a: int, b: int, status: str) -> None:
    short, long = sorted((a, b))
    result = screening(nodule("solid", status, axes(long, short)))
    # Each axis to a tenth, then their mean to a tenth, halves upward.
    tenths = half_up(half_up(long, 10) + half_up(short, 10), 2)
    assert result["mean_diameter_mm"] == tenths / 10
    assert result["category"] == [c for low, c in SOLID[status] if tenths >= low][-1]


@given(HUNDREDTHS, HUNDREDTHS)
def test_fleischner_mean_and_column(a: int, b: int) -> None:
    short, long = sorted((a, b))
    result = incidental(nodule("solid", "baseline", axes(long, short)))
    whole = half_up(long + short, 200)  # rounded once
    assert result["mean_diameter_mm"] == whole
    expected = "lt6" if whole <= 5 else "6to8" if whole <= 8 else "gt8"
    assert result["category"] == f"solid_single_{expected}"


@given(HUNDREDTHS, HUNDREDTHS)
def test_axes_in_the_wrong_order_are_refused_by_both(a: int, b: int) -> None:
    short, long = sorted((a, b))
    swapped = nodule("solid", "baseline", axes(short, long))
    for result in (screening(swapped), incidental(swapped)):
        if short == long:
            assert result["status"] == "ok"
        else:
            assert (result["status"], result["category"]) == ("cannot_categorise", None)
            assert fields(result) == ["findings[0].size.short"]


VOLUMES = {"baseline": [(0, "2"), (113, "3"), (268, "4A"), (1767, "4B")],
           "new": [(0, "2"), (34, "3"), (113, "4A"), (268, "4B")]}  # fmt: skip


@given(st.integers(1, 25000), st.sampled_from(["baseline", "new"]))
def test_lung_rads_volume_to_whole_mm3(tenths: int, status: str) -> None:
    result = screening(nodule("solid", status, {"volume": mm3(typed(tenths, 10))}))
    whole = half_up(tenths, 10)
    assert result["volume_mm3"] == whole
    assert result["category"] == [c for low, c in VOLUMES[status] if whole >= low][-1]


@given(TENTHS, TENTHS, st.integers(1, 60))
def test_growth_is_1_5_mm_in_some_12_months(now: int, before: int, months: int) -> None:
    prior = {"interval": {"value": months, "unit": "months"}}
    result = screening(existing("solid", typed(now, 10), typed(before, 10), prior=prior))
    rise, windows = now - before, -(-months // 12)
    expected = False if rise <= 15 else True if rise > 15 * windows else None
    assert result["growth"] is expected
    assert ("D2" in codes(result)) is (expected is None)
    if expected is not False:
        assert result["category"] == ("4B" if now >= 80 else "4A")


BOUNDARIES = [
    # before, now: 1.5 mm is no growth, 1.6 is; and what rounds to them
    ("6.00", "7.50", False), ("6.00", "7.54", False), ("6.00", "7.55", True),
    ("6.04", "7.54", False), ("5.95", "7.54", False), ("5.94", "7.44", False),
    ("5.94", "7.45", True), ("5.95", "7.55", True),
]  # fmt: skip


@pytest.mark.parametrize(("before", "now", "grows"), BOUNDARIES)
def test_growth_is_judged_on_what_is_reported(before: str, now: str, grows: bool) -> None:
    assert screening(existing("solid", now, before))["growth"] is grows


@given(TENTHS, TENTHS, TENTHS)
def test_a_larger_existing_solid_nodule_is_never_lower(a: int, b: int, before: int) -> None:
    small, large = sorted((a, b))
    categories = [
        screening(existing("solid", typed(now, 10), typed(before, 10)))["category"]
        for now in (small, large)
    ]
    assert ORDER.index(categories[0]) <= ORDER.index(categories[1])


@given(st.integers(1, 15), st.integers(1, 15), st.sampled_from(["low", "high"]), st.booleans())
def test_a_larger_nodule_never_waits_longer_by_fleischner(
    a: int, b: int, risk: str, several: bool
) -> None:
    def first_ct(size: int) -> int:
        more = [nodule("solid", "baseline", 1, id="b")] if several else []
        months = incidental(nodule("solid", "baseline", size), *more, risk=risk)["next_ct_months"]
        return months[0] if months else 1000

    small, large = sorted((a, b))
    assert first_ct(large) <= first_ct(small)


@given(st.integers(1, 15), st.booleans())
def test_high_risk_never_waits_longer_than_low(size: int, several: bool) -> None:
    more = [nodule("solid", "baseline", 1, id="b")] if several else []
    low, high = (
        incidental(nodule("solid", "baseline", size), *more, risk=risk) for risk in ("low", "high")
    )
    for name in ("next_ct_months", "later_ct_months"):
        assert high[name] is not None or low[name] is None
        if low[name] and high[name]:
            assert high[name][0] <= low[name][0]


# What a reader may leave out, and everything that may be stated there.
STATED: dict[str, list[object]] = {
    "calcification": ["none", "eccentric", "stippled", "popcorn", "central", "other"],
    "fat_containing": [True, False],
    "margin": ["smooth", "lobulated", "spiculated"],
    "juxtapleural_shape": ["oval", "lentiform", "triangular", "other"],
}


@given(
    TENTHS,
    st.sampled_from(["baseline", "new"]),
    st.sampled_from(["solid", "ground_glass"]),
    st.fixed_dictionaries(
        {name: st.none() | st.sampled_from(values) for name, values in STATED.items()}
    ),
)
def test_unknown_is_never_read_as_the_harmless_answer(
    size: int, status: str, kind: str, known: dict[str, object]
) -> None:
    whole = nodule(kind, status, typed(size, 10), **known)
    for name, values in STATED.items():
        unknown = screening(whole | {name: None})
        assert unknown == screening({k: v for k, v in whole.items() if k != name})
        if unknown["status"] != "ok":
            continue
        for value in values:
            stated = screening(whole | {name: value})
            assert ORDER.index(stated["category"]) <= ORDER.index(unknown["category"])


@pytest.mark.parametrize("field", ["type", "status", "size", "kind"])
@pytest.mark.parametrize("size", ["1", "5.9", "20"])
def test_what_decides_is_asked_for_at_every_size(field: str, size: str) -> None:
    result = screening(nodule("solid", "baseline", size) | {field: None})
    assert (result["status"], result["category"]) == ("cannot_categorise", None)
    assert fields(result) == [f"findings[0].{field}"]
