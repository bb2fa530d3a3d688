"""Lung-RADS v2022 at follow-up: growth, threshold crossing, step-down, disputed points."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.builders import (
    codes,
    existing,
    fields,
    mean,
    mm3,
    nodule,
    rules,
    screening,
)


def months(value: object) -> dict[str, Any]:
    """An interval."""
    return {"value": value, "unit": "months"}


GROWTH = [
    # now, before, months, growing, D2?
    ("7.4", "5.9", 12, False, False),  # exactly 1.5
    ("7.5", "5.9", 12, True, False),
    ("7.5", "5.9", 3, True, False),  # absolute, never annualised
    ("6.5", "5.9", 1, False, False),  # 0.6 mm in a month is 7 mm a year, and no growth
    ("7.5", "5.9", 13, None, True),
    ("8.9", "5.9", 24, None, True),  # exactly 3.0 in two windows
    ("9.0", "5.9", 24, True, False),
    ("9.0", "5.9", 25, None, True),
    ("5.9", "7.5", 6, False, False),
]


@pytest.mark.parametrize(("now", "before", "interval", "growing", "asked"), GROWTH)
def test_growth_is_more_than_1_5_mm_in_12_months(
    now: str, before: str, interval: int, growing: bool | None, asked: bool
) -> None:
    result = screening(existing("solid", now, before, prior={"interval": months(interval)}))
    assert result["growth"] is growing
    assert ("D2" in codes(result)) is asked
    if growing is not False:
        assert result["category"] in ("4A", "4B")


def test_growth_uses_the_reported_means() -> None:
    size = {"long": "7.5 mm", "short": "7.4 mm"}  # 7.45 -> 7.5, so 1.6 mm
    result = screening(existing("solid", size, "5.9"))
    assert (result["growth"], result["category"]) == (True, "4A")
    assert "D20" in codes(result)  # rounding the tie down gives 1.5 mm: not growth


def test_growth_from_dates() -> None:
    prior = {"interval": None, "date": "2025-01-10"}
    grown = screening(existing("solid", "7.5", "5.9", prior=prior), date="2026-01-10")
    assert (grown["growth"], grown["needs_review"]) == (True, False)
    late = screening(existing("solid", "7.5", "5.9", prior=prior), date="2026-01-11")
    assert (late["growth"], codes(late)) == (None, {"D2"})


CROSSING = [
    # now, before, prior category, months, category: re-graded by size, beats the step-down
    ("6.1", "5.5", "2", 12, "3"),
    ("8.2", "7.5", "3", 6, "4A"),
    ("15.0", "14.0", "4A", 3, "4B"),
    ("6.0", "4.5", "4A", 3, "3"),
]


@pytest.mark.parametrize(("now", "before", "prior", "interval", "category"), CROSSING)
def test_threshold_crossing_is_graded_by_size(
    now: str, before: str, prior: str, interval: int, category: str
) -> None:
    earlier = {"category": prior, "interval": months(interval)}
    result = screening(existing("solid", now, before, prior=earlier))
    assert (result["category"], result["growth"]) == (category, False)
    assert "LR22.threshold_crossing" in rules(result)


def test_part_solid_crossing_by_its_component() -> None:
    prior = {"category": "3", "interval": months(6), "solid_component": mean("5.5")}
    finding = existing("part_solid", "12", "12", solid_component=mean("6.5"), prior=prior)
    assert screening(finding)["category"] == "4A"


STEP_DOWN = [
    # type, size, prior category, months, category, review
    ("solid", "7.0", "3", 6, "2", set()),
    ("solid", "7.0", "3", "5.6", "2", set()),
    ("solid", "7.0", "3", "5.5", "3", {"D18"}),
    ("solid", "7.0", "3", 3, "3", {"D18"}),
    ("solid", "7.0", "3", 12, "2", {"D18"}),
    ("solid", "9.0", "4A", 3, "3", set()),
    ("solid", "9.0", "4A", 2, "4A", {"D18"}),
    ("solid", "7.0", "4A", 2, "4A", {"D18"}),  # keeps the category, not its lower size row
    ("solid", "5.0", "4A", 3, "3", set()),
    ("solid", "9.0", "3", 6, "2", set()),  # 4A, then 3, then 2
    ("solid", "9.0", "2", 12, "2", {"D17"}),
    ("solid", "16.0", "4B", 3, "4B", set()),  # not proven benign: no step-down
    ("solid", "9.0", "4B", 3, "4A", set()),
    ("solid", "16.0", "4A", 3, "4B", {"prior_category"}),
    ("solid", "16.0", "3", 6, "4B", {"prior_category"}),
    ("solid", "9.0", None, 6, "4A", {"prior_category"}),
    ("solid", "9.0", "1", 6, "4A", set()),
    ("ground_glass", "31", "3", 6, "2", set()),
    ("ground_glass", "31", "3", 3, "3", {"D18"}),
    ("ground_glass", "31", "2", 12, "2", set()),
    ("ground_glass", "20", "2", 12, "2", set()),
    ("ground_glass", "20", None, 12, "2", {"prior_category"}),
    ("ground_glass", "20", "4A", 3, "3", set()),
]


@pytest.mark.parametrize(("kind", "size", "prior", "interval", "category", "review"), STEP_DOWN)
def test_step_down_of_a_stable_nodule(
    kind: str, size: str, prior: str | None, interval: object, category: str, review: set[str]
) -> None:
    earlier = {"category": prior, "interval": months(interval)}
    result = screening(existing(kind, size, size, prior=earlier))
    assert (result["category"], codes(result)) == (category, review)
    assert result["needs_review"] is bool(review)


def test_decreased_counts_as_stable() -> None:
    assert screening(existing("solid", "6.5", "7.5", prior={"category": "3"}))["category"] == "2"


def test_step_down_without_interval_keeps_the_category() -> None:
    result = screening(existing("solid", "7.0", "7.0", prior={"category": "3", "interval": None}))
    assert (result["category"], codes(result)) == ("3", {"D18"})


def test_part_solid_step_down_and_total_growth() -> None:
    prior = {"category": "3", "interval": months(6), "solid_component": mean(5)}
    stable = existing("part_solid", "12", "12", solid_component=mean(5), prior=prior)
    assert screening(stable)["category"] == "2"
    total_grows = existing("part_solid", "14", "12", solid_component=mean(5), prior=prior)
    result = screening(total_grows)
    assert (result["category"], codes(result)) == ("3", {"D15"})


@pytest.mark.parametrize(
    ("prior", "category", "review"),
    [
        ({"category": "4B", "proven_benign": True}, "2", set()),
        ({"category": "4X", "proven_benign": True}, "2", {"proven_benign_4X"}),
        ({"category": "4A", "proven_benign": True}, "3", {"proven_benign", "D18"}),
        ({"category": "4B", "proven_benign": False}, "4B", set()),
    ],
)
def test_proven_benign(prior: dict[str, Any], category: str, review: set[str]) -> None:
    size = 16 if category in ("4B", "2") else 9
    result = screening(existing("solid", size, size, prior=prior))
    assert (result["category"], codes(result)) == (category, review)


def test_resolved_findings_no_longer_count() -> None:
    gone = {"id": "a", "kind": "nodule", "status": "resolved"}
    assert screening(gone)["category"] == "1"
    left = screening(gone, nodule("solid", "new", "5.0", id="b"))
    assert (left["category"], left["dominant_finding"]) == ("3", "b")


JUXTAPLEURAL_LATER = [
    ("6.5", "6.4", "2", {"D21"}),
    ("6.5", "5.5", "2", {"D21"}),
    ("7.5", "5.5", "4A", {"D21"}),
    ("9.9", "7.0", "4B", {"D21"}),
    ("10.2", "9.8", "4A", {"D21"}),
]


@pytest.mark.parametrize(("now", "before", "category", "review"), JUXTAPLEURAL_LATER)
def test_juxtapleural_at_follow_up(now: str, before: str, category: str, review: set[str]) -> None:
    finding = existing("solid", now, before, juxtapleural_shape="oval", margin="smooth")
    result = screening(finding)
    assert (result["category"], codes(result)) == (category, review)


DISPUTED = [
    ("D4", existing("ground_glass", "34", "31"), "3"),
    ("D5", nodule("solid", "baseline", {"mean": "5.0 mm", "volume": "200 mm3"}), "3"),
    ("D5", nodule("solid", "baseline", {"mean": "7.0 mm", "volume": "100 mm3"}), "3"),
    ("D8", existing("solid", "5.0", "4.0", slow_growth=True), "4B"),
    ("D11", nodule("solid", "baseline", "10.0", juxtapleural_shape="oval", margin="smooth"), "4A"),
    ("D20", nodule("solid", "baseline", "5.95"), "3"),
    ("slow_growth", existing("solid", "9.0", "7.0", slow_growth=True), "4B"),
    ("became_solid", existing("solid", "7.0", "7.0", prior={"type": "ground_glass"}), "4A"),
    ("size_below_1_mm", nodule("solid", "baseline", "0.6"), "2"),
]


@pytest.mark.parametrize(("code", "finding", "category"), DISPUTED)
def test_disputed_points_give_the_default_and_ask(
    code: str, finding: dict[str, Any], category: str
) -> None:
    result = screening(finding)
    assert (result["category"], result["needs_review"]) == (category, True)
    assert code in codes(result)


def test_a_tie_that_changes_nothing_is_not_asked() -> None:
    assert not screening(nodule("solid", "baseline", "7.25"))["needs_review"]


def test_baseline_beside_an_available_prior_is_asked() -> None:
    result = screening(nodule("solid", "baseline", 5), prior_ct="available")
    assert (result["category"], codes(result)) == ("2", {"baseline_with_prior"})


def test_d1_volume_is_no_growth_criterion() -> None:
    prior = {"size": {"volume": mm3(100)}}
    finding = existing("solid", {"volume": mm3(110)}, 5, prior=prior)
    result = screening(finding)
    assert result["status"] == "cannot_categorise"
    assert result["reasons"][0]["code"] == "diameter_missing_for_growth"


def test_growth_needs_the_interval_only_above_1_5_mm() -> None:
    without = {"interval": None}
    assert (
        screening(existing("solid", "7.0", "5.0", prior=without))["status"] == "cannot_categorise"
    )
    assert fields(screening(existing("solid", "7.0", "5.0", prior=without))) == [
        "findings[0].prior.interval"
    ]
    assert screening(existing("solid", "5.5", "5.0", prior=without))["category"] == "2"


def test_small_ground_glass_needs_no_prior_size() -> None:
    finding = nodule("ground_glass", "existing", 12, prior={"category": "2"})
    result = screening(finding)
    assert (result["status"], result["category"]) == ("ok", "2")
    assert result["trace"][0]["inputs"] == {"growth": "not needed"}
