"""Fleischner 2017: a test row per cell of Table 1, boundaries, applicability, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.builders import (
    ADULT,
    INCIDENTAL,
    codes,
    fields,
    incidental,
    mean,
    mm,
    mm3,
    nodule,
    rules,
)
from triage.errors import Unprocessable
from triage.rules.fleischner import fleischner2017


def n(kind: str, size: object, name: str = "a", **more: object) -> dict[str, Any]:
    """A nodule of an incidental CT: status plays no part."""
    return nodule(kind, "baseline", size, id=name) | more


NONE: tuple[Any, ...] = (None, None, None, None)
YEAR = ([12, 12], True, None, None)
CELLS = [
    # type, sizes, risk, category, (next, optional, later, optional)
    ("solid", [5], "low", "solid_single_lt6", NONE),
    ("solid", [5], "high", "solid_single_lt6", YEAR),
    ("solid", [6], "low", "solid_single_6to8", ([6, 12], False, [18, 24], True)),
    ("solid", [8], "high", "solid_single_6to8", ([6, 12], False, [18, 24], False)),
    ("solid", [9], "low", "solid_single_gt8", ([3, 3], True, None, None)),
    ("solid", [9], "high", "solid_single_gt8", ([3, 3], True, None, None)),
    ("solid", [9], None, "solid_single_gt8", ([3, 3], True, None, None)),
    ("solid", [5, 4], "low", "solid_multiple_lt6", NONE),
    ("solid", [5, 4], "high", "solid_multiple_lt6", YEAR),
    ("solid", [6, 4], "low", "solid_multiple_6to8", ([3, 6], False, [18, 24], True)),
    ("solid", [8, 4], "high", "solid_multiple_6to8", ([3, 6], False, [18, 24], False)),
    ("solid", [9, 4], "low", "solid_multiple_gt8", ([3, 6], False, [18, 24], True)),
    ("solid", [9, 4], "high", "solid_multiple_gt8", ([3, 6], False, [18, 24], False)),
    ("ground_glass", [5], None, "ggn_single_lt6", NONE),
    ("ground_glass", [6], None, "ggn_single_ge6", ([6, 12], False, [24, 60], False)),
    ("part_solid", [5], None, "part_solid_single_lt6", NONE),
    ("part_solid", [6], None, "part_solid_single_ge6", ([3, 6], False, [12, 60], False)),
    ("ground_glass", [5, 4], None, "subsolid_multiple_lt6", ([3, 6], False, [24, 48], True)),
    ("ground_glass", [6, 4], None, "subsolid_multiple_ge6", ([3, 6], False, None, None)),
]


@pytest.mark.parametrize(("kind", "sizes", "risk", "category", "follow_up"), CELLS)
def test_cell(
    kind: str, sizes: list[int], risk: str | None, category: str, follow_up: tuple[Any, ...]
) -> None:
    part = {"solid_component": {"long": mm(3), "short": mm(2)}} if kind == "part_solid" else {}
    result = incidental(*(n(kind, s, f"n{s}", **part) for s in sizes), risk=risk)
    assert (result["status"], result["category"]) == ("ok", category)
    shown = ("next_ct_months", "next_ct_optional", "later_ct_months", "later_ct_optional")
    assert tuple(result[name] for name in shown) == follow_up
    assert result["management"]
    assert f"F17.{category}" in rules(result)
    assert result["dominant_finding"] == f"n{sizes[0]}"
    assert result["needs_review"] is (category == "solid_multiple_gt8")  # D12


SIZES = [
    # axes, category: mean rounded once, half up
    (("5.4", "5.4"), "solid_single_lt6", 5),
    (("5.45", "5.45"), "solid_single_lt6", 5),
    (("5.5", "5.5"), "solid_single_6to8", 6),
    (("6.0", "5.0"), "solid_single_6to8", 6),
    (("5.9", "5.0"), "solid_single_lt6", 5),
    (("8.4", "8.4"), "solid_single_6to8", 8),
    (("8.45", "8.45"), "solid_single_6to8", 8),
    (("8.5", "8.5"), "solid_single_gt8", 9),
]


@pytest.mark.parametrize(("axes", "category", "whole"), SIZES)
def test_size_is_rounded_once(axes: tuple[str, str], category: str, whole: int) -> None:
    result = incidental(n("solid", {"long": mm(axes[0]), "short": mm(axes[1])}))
    assert (result["category"], result["mean_diameter_mm"]) == (category, whole)


VOLUMES = [
    ("solid", "99.9", "solid_single_lt6"),
    ("solid", "100", "solid_single_6to8"),
    ("solid", "250", "solid_single_6to8"),
    ("solid", "250.1", "solid_single_gt8"),
    ("ground_glass", "99.9", "ggn_single_lt6"),
    ("ground_glass", "100", "ggn_single_ge6"),
]


@pytest.mark.parametrize(("kind", "volume", "category"), VOLUMES)
def test_volume_bins(kind: str, volume: str, category: str) -> None:
    result = incidental(n(kind, {"volume": mm3(volume)}))
    assert result["category"] == category
    assert ("D16" in codes(result)) is (kind == "ground_glass" and volume == "100")


def test_not_measured_at_most_3_mm() -> None:
    assert incidental(n("solid", {"at_most_3_mm": True}))["category"] == "solid_single_lt6"


NOT_APPLICABLE = [
    ({"purpose": "screening_ldct"}, {}, "not_incidental"),
    ({"purpose": "other"}, {}, "not_incidental"),
    ({}, {"age_years": 34}, "age_below_35"),
    ({}, {"known_cancer": True}, "known_cancer"),
    ({"known_lung_cancer": True}, {}, "known_cancer"),
    ({}, {"immunosuppressed": True}, "immunosuppressed"),
    ({}, {"immunosuppressed": True, "known_cancer": None}, "immunosuppressed"),
    ({"purpose": "other"}, {"age_years": "old"}, "not_incidental"),
]


@pytest.mark.parametrize(("exam", "patient", "code"), NOT_APPLICABLE)
def test_not_applicable(exam: dict[str, Any], patient: dict[str, Any], code: str) -> None:
    result = incidental(n("solid", 7), exam=exam, **patient)
    assert (result["status"], result["category"]) == ("not_applicable", None)
    assert [reason["code"] for reason in result["reasons"]] == [code]


def test_35_years_is_in() -> None:
    assert incidental(n("solid", 7), age_years=35)["status"] == "ok"


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("exam", "purpose"),
        ("patient", "age_years"),
        ("patient", "known_cancer"),
        ("patient", "immunosuppressed"),
    ],
)
def test_missing_inputs_are_named(part: str, field: str) -> None:
    payload: dict[str, Any] = {"exam": dict(INCIDENTAL), "patient": dict(ADULT)}
    payload["findings"] = [n("solid", 7)]
    payload[part][field] = None
    result = fleischner2017(payload)
    assert (result["status"], fields(result)) == ("cannot_categorise", [f"{part}.{field}"])


RISK = [
    ([n("solid", 5)], True),
    ([n("solid", 7)], True),
    ([n("solid", 9)], False),
    ([n("solid", 9), n("solid", 4, "b")], True),
    ([n("ground_glass", 7)], False),
    ([n("part_solid", 7)], False),
    ([n("ground_glass", 7), n("ground_glass", 7, "b")], False),
]


@pytest.mark.parametrize(("findings", "needed"), RISK)
def test_risk_is_needed_where_the_columns_differ(
    findings: list[dict[str, Any]], needed: bool
) -> None:
    result = incidental(*findings, risk=None)
    assert (result["status"] == "cannot_categorise") is needed
    assert fields(result) == (["patient.risk"] if needed else [])
    if needed:
        assert "risk" in result["reasons"][0]["message"]


REFUSED = [
    (n("solid", 7) | {"kind": None}, "findings[0].kind", "missing"),
    (n("solid", 7) | {"type": None}, "findings[0].type", "missing"),
    (n("solid", 7) | {"size": None}, "findings[0].size", "missing"),
    (n("solid", {"long": mm(7)}), "findings[0].size.short", "missing"),
    (n("solid", {"long": mm(5), "short": mm(6)}), "findings[0].size.short", "short_axis_longer"),
    (n("solid", {"mean": 7}), "findings[0].size.mean", "unit_missing"),
    (n("solid", 7) | {"kind": "cyst"}, "findings[0].kind", "not_covered"),
    (n("solid", 7) | {"kind": "airway"}, "findings[0].kind", "not_covered"),
    (n("solid", 7) | {"kind": "cavitary"}, "findings[0].kind", "not_covered"),
]


@pytest.mark.parametrize(("finding", "field", "code"), REFUSED)
def test_refusals_name_the_field(finding: dict[str, Any], field: str, code: str) -> None:
    result = incidental(finding)
    assert result["status"] == "cannot_categorise"
    assert [(r["field"], r["code"]) for r in result["reasons"]] == [(field, code)]


def test_null_and_empty_findings() -> None:
    null = fleischner2017({"exam": INCIDENTAL, "patient": ADULT, "findings": None})
    assert (null["status"], fields(null)) == ("cannot_categorise", ["findings"])
    assert incidental()["status"] == "not_applicable"
    assert incidental(n("solid", 7, status="resolved"))["status"] == "not_applicable"
    with pytest.raises(Unprocessable):
        fleischner2017([])  # type: ignore[arg-type]


NODE = {"juxtapleural_shape": "triangular", "margin": "smooth"}
BENIGN = [
    ({"kind": "nodule", "calcification": "popcorn"}, set()),
    ({"kind": "nodule", "calcification": "diffuse"}, set()),
    ({"kind": "nodule", "calcification": "laminated"}, set()),
    ({"kind": "nodule", "calcification": "central"}, set()),
    ({"kind": "nodule", "fat_containing": True}, set()),
    (n("solid", 9, **NODE), set()),
    (n("solid", 12, **NODE), {"lymph_node_size"}),
    (n("solid", 9, **NODE) | {"size": None}, set()),
]


@pytest.mark.parametrize(("finding", "review"), BENIGN)
def test_benign_needs_no_follow_up(finding: dict[str, Any], review: set[str]) -> None:
    result = incidental(finding, risk=None)
    assert (result["category"], result["next_ct_months"]) == ("benign_no_follow_up", None)
    assert codes(result) == review


@pytest.mark.parametrize(
    "change",
    [
        {"margin": "irregular"},
        {"margin": None},
        {"juxtapleural_shape": "other"},
        {"type": "ground_glass"},
    ],
)
def test_an_untypical_lymph_node_is_a_nodule(change: dict[str, Any]) -> None:
    assert incidental(n("solid", 9, **NODE) | change)["category"] != "benign_no_follow_up"


def test_benign_findings_do_not_make_a_nodule_multiple() -> None:
    calcified = {"id": "b", "kind": "nodule", "calcification": "central"}
    assert incidental(n("solid", 7), calcified)["category"] == "solid_single_6to8"


MIXED = [
    # solid mm, ground glass mm, most suspicious, category
    (7, 7, "solid", "solid_multiple_6to8"),
    (7, 7, "ground_glass", "subsolid_multiple_ge6"),
    (5, 7, None, "subsolid_multiple_ge6"),
    (5, 5, None, "subsolid_multiple_lt6"),
    (9, 5, None, "solid_multiple_gt8"),
]


@pytest.mark.parametrize(("solid", "ggn", "flagged", "category"), MIXED)
def test_mixed_nodules_go_by_the_most_suspicious(
    solid: int, ggn: int, flagged: str | None, category: str
) -> None:
    pair = [n("solid", solid, "s"), n("ground_glass", ggn, "g")]
    for finding in pair:
        finding["most_suspicious"] = finding["type"] == flagged
    result = incidental(*pair)
    assert (result["category"], result["needs_review"]) == (category, True)
    assert "mixed" in codes(result)
    assert ("most_suspicious" in codes(result)) is (flagged is None)


def test_the_most_suspicious_need_not_be_the_largest() -> None:
    result = incidental(n("solid", 8, "big"), n("solid", 6, "odd", most_suspicious=True))
    assert (result["category"], result["dominant_finding"]) == ("solid_multiple_6to8", "odd")


def test_only_one_can_be_the_most_suspicious() -> None:
    pair = [n("solid", 8, "x", most_suspicious=True), n("solid", 6, "y", most_suspicious=True)]
    assert [r["code"] for r in incidental(*pair)["reasons"]] == ["most_suspicious_twice"]


COMPONENTS = [
    ({"long": mm("5.9"), "short": mm(3)}, set()),
    ({"long": mm("6.0"), "short": mm(3)}, {"D13"}),
    ({"long": mm("9"), "short": mm(3)}, {"D13"}),
    ({"mean": mm(3)}, {"D14"}),
    ({"mean": mm(6)}, {"D13", "D14"}),
    ({"volume": mm3(50)}, {"D13"}),
    (None, {"D13"}),
]


@pytest.mark.parametrize(("part", "review"), COMPONENTS)
def test_part_solid_component_is_asked_from_6_mm(part: Any, review: set[str]) -> None:
    result = incidental(n("part_solid", 12, solid_component=part))
    assert (result["category"], codes(result)) == ("part_solid_single_ge6", review)


def test_diameter_and_volume_in_different_bins() -> None:
    result = incidental(n("solid", {"mean": mm(5), "volume": mm3(120)}))
    assert (result["category"], codes(result)) == ("solid_single_6to8", {"D5"})


@pytest.mark.parametrize(
    ("before", "growing"), [("6.4", True), ("6.5", False), ("7", False), ("9", False)]
)
def test_growth_is_2_mm_of_the_whole_mean(before: str, growing: bool) -> None:
    finding = n("solid", "8.4", status="existing", prior={"size": mean(before)})
    result = incidental(finding)
    assert result["growth"] is growing
    assert ("growth" in codes(result)) is growing


@pytest.mark.parametrize(
    ("thickness", "caution"), [("1.5 mm", False), ("1.6 mm", True), ("0.2 cm", True), (None, None)]
)
def test_thick_slices_are_cautioned(thickness: str | None, caution: bool | None) -> None:
    result = incidental(n("solid", 7), exam={"slice_thickness": thickness})
    assert (result["caution"], result["needs_review"]) == (caution, caution is True)


def test_the_trace_names_edition_table_and_row() -> None:
    lines = incidental(n("solid", 7))["trace"]
    assert lines[-1]["source_row"] == "Fleischner 2017, Table 1, solid, single, 6-8 mm, low risk"
    assert lines[0]["inputs"]["size"] == "7 mm (mean 7 mm)"
