"""Lung-RADS v2022: one test row per cell of the assessment table, and every boundary of it.

The expectations are written out here from the published table, not read from the code's rows.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.builders import existing, mean, mm, mm3, nodule, rules, screening

TO_MANAGEMENT = {
    "1": [12, 12], "2": [12, 12], "3": [6, 6], "4A": [3, 3], "4B": None, "4X": None,
}  # fmt: skip

SIZED = [
    # type, status, mean mm, category, size class
    ("solid", "baseline", "1.0", "2", "lt6"),
    ("solid", "baseline", "5.9", "2", "lt6"),
    ("solid", "baseline", "5.94", "2", "lt6"),
    ("solid", "baseline", "5.95", "3", "6_to_lt8"),
    ("solid", "baseline", "6.0", "3", "6_to_lt8"),
    ("solid", "baseline", "7.9", "3", "6_to_lt8"),
    ("solid", "baseline", "7.95", "4A", "8_to_lt15"),
    ("solid", "baseline", "8.0", "4A", "8_to_lt15"),
    ("solid", "baseline", "14.9", "4A", "8_to_lt15"),
    ("solid", "baseline", "14.94", "4A", "8_to_lt15"),
    ("solid", "baseline", "14.95", "4B", "ge15"),
    ("solid", "baseline", "15.0", "4B", "ge15"),
    ("solid", "baseline", "80", "4B", "ge15"),
    ("solid", "new", "3.9", "2", "lt4"),
    ("solid", "new", "3.95", "3", "4_to_lt6"),
    ("solid", "new", "4.0", "3", "4_to_lt6"),
    ("solid", "new", "5.9", "3", "4_to_lt6"),
    ("solid", "new", "6.0", "4A", "6_to_lt8"),
    ("solid", "new", "7.9", "4A", "6_to_lt8"),
    ("solid", "new", "8.0", "4B", "ge8"),
    ("solid", "new", "15.0", "4B", "ge8"),
    ("ground_glass", "baseline", "29.9", "2", "lt30"),
    ("ground_glass", "baseline", "29.95", "3", "ge30"),
    ("ground_glass", "baseline", "30.0", "3", "ge30"),
    ("ground_glass", "new", "29.9", "2", "lt30"),
    ("ground_glass", "new", "30.0", "3", "ge30"),
]

VOLUMES = [
    ("solid", "baseline", 112, "2"),
    ("solid", "baseline", "112.5", "3"),
    ("solid", "baseline", 113, "3"),
    ("solid", "baseline", 267, "3"),
    ("solid", "baseline", 268, "4A"),
    ("solid", "baseline", 1766, "4A"),
    ("solid", "baseline", 1767, "4B"),
    ("solid", "new", 33, "2"),
    ("solid", "new", 34, "3"),
    ("solid", "new", 113, "4A"),
    ("solid", "new", 268, "4B"),
    ("ground_glass", "baseline", 14136, "2"),
    ("ground_glass", "baseline", 14137, "3"),
]

PART_SOLID = [
    # status, total, component, category, size class
    ("baseline", "5.9", None, "2", "total_lt6"),
    ("baseline", "5.9", "5.9", "2", "total_lt6"),
    ("baseline", "6.0", "0.5", "3", "total_ge6_solid_lt6"),
    ("baseline", "20", "5.9", "3", "total_ge6_solid_lt6"),
    ("baseline", "20", "6.0", "4A", "total_ge6_solid_6_to_lt8"),
    ("baseline", "20", "7.9", "4A", "total_ge6_solid_6_to_lt8"),
    ("baseline", "20", "8.0", "4B", "total_ge6_solid_ge8"),
    ("new", "5.9", None, "3", "total_lt6"),
    ("new", "6.0", "3.9", "4A", "solid_component_new_or_growing_lt4"),
    ("new", "20", "4.0", "4B", "solid_component_new_or_growing_ge4"),
    ("new", "20", "8.0", "4B", "solid_component_new_or_growing_ge4"),
]


@pytest.mark.parametrize(("kind", "status", "size", "category", "size_class"), SIZED)
def test_row_by_diameter(kind: str, status: str, size: str, category: str, size_class: str) -> None:
    result = screening(nodule(kind, status, size))
    assert (result["status"], result["category"]) == ("ok", category)
    assert result["size_class"] == size_class
    assert result["next_ct_months"] == TO_MANAGEMENT[category]
    assert result["dominant_finding"] == "a"
    assert result["guideline"] == "Lung-RADS v2022"


@pytest.mark.parametrize(("kind", "status", "volume", "category"), VOLUMES)
def test_row_by_volume(kind: str, status: str, volume: object, category: str) -> None:
    result = screening(nodule(kind, status, {"volume": mm3(volume)}))
    assert result["category"] == category
    assert result["mean_diameter_mm"] is None
    assert result["volume_source"] == "segmented"


@pytest.mark.parametrize(("status", "total", "part", "category", "size_class"), PART_SOLID)
def test_row_part_solid(
    status: str, total: str, part: str | None, category: str, size_class: str
) -> None:
    more = {"solid_component": mean(part)} if part else {}
    result = screening(nodule("part_solid", status, total, **more))
    assert (result["category"], result["size_class"]) == (category, size_class)


@pytest.mark.parametrize(
    ("part", "category", "asked"), [("3.9", "4A", True), ("4.0", "4B", True), ("8.0", "4B", False)]
)
def test_new_part_solid_is_disputed_below_8_mm(part: str, category: str, asked: bool) -> None:
    result = screening(nodule("part_solid", "new", "20", solid_component=mean(part)))
    assert result["category"] == category
    assert result["needs_review"] is asked


@pytest.mark.parametrize(("part", "category"), [(112, "3"), (113, "4A"), (267, "4A"), (268, "4B")])
def test_part_solid_component_by_volume(part: int, category: str) -> None:
    size, component = {"volume": mm3(900)}, {"volume": mm3(part)}
    result = screening(nodule("part_solid", "baseline", size, solid_component=component))
    assert result["category"] == category


GROWING = [
    # type, now, before, category: growth is more than 1.5 mm within 12 months
    ("solid", "7.5", "5.9", "4A", "lt8"),
    ("solid", "7.9", "6.0", "4A", "lt8"),
    ("solid", "8.0", "6.0", "4B", "ge8"),
    ("solid", "5.0", "3.0", "4A", "lt8"),
    ("ground_glass", "20", "10", "2", "lt30"),
    ("ground_glass", "29.9", "20", "2", "lt30"),
    ("ground_glass", "34", "31", "3", "ge30"),
    ("ground_glass", "32", "31", "2", "ge30"),
]


@pytest.mark.parametrize(("kind", "now", "before", "category", "size_class"), GROWING)
def test_row_growing(kind: str, now: str, before: str, category: str, size_class: str) -> None:
    result = screening(existing(kind, now, before))
    assert (result["category"], result["size_class"]) == (category, size_class)


COMPONENTS = [
    # component now, component before, prior type, category
    ("3.9", "2.0", "part_solid", "4A"),
    ("4.0", "2.0", "part_solid", "4B"),
    ("9.0", "7.0", "part_solid", "4B"),
    ("2.0", None, "ground_glass", "4A"),
    ("3.9", None, "ground_glass", "4A"),
    ("4.0", None, "ground_glass", "4B"),
    ("1.2", "0", "ground_glass", "4A"),
    ("1.2", "0", None, "4A"),
    ("3.9", "2.4", "part_solid", "3"),  # exactly 1.5 mm is not growth
]


@pytest.mark.parametrize(("now", "before", "kind", "category"), COMPONENTS)
def test_row_new_or_growing_solid_component(
    now: str, before: str | None, kind: str | None, category: str
) -> None:
    prior: dict[str, Any] = {"type": kind, "category": "3"}
    prior |= {"interval": {"value": 3, "unit": "months"}}
    if before is not None:
        prior["solid_component"] = mean(before)
    result = screening(existing("part_solid", "12", "12", solid_component=mean(now), prior=prior))
    assert result["category"] == category


@pytest.mark.parametrize(
    ("kind", "more"), [("solid", {}), ("part_solid", {"solid_component": mean(3)})]
)
def test_row_slow_growth_is_4b(kind: str, more: dict[str, Any]) -> None:
    finding = existing(kind, "8.0", "7.0", slow_growth=True, **more)
    result = screening(finding)
    assert result["category"] == "4B"
    assert not result["needs_review"]


@pytest.mark.parametrize(
    "pattern", ["complete", "diffuse", "central", "popcorn", "concentric_ring", "laminated"]
)
def test_row_benign_calcification_of_any_size(pattern: str) -> None:
    result = screening({"id": "a", "kind": "nodule", "calcification": pattern})
    assert (result["status"], result["category"]) == ("ok", "1")
    assert result["trace"][0]["inputs"]["size"] == "not needed"


@pytest.mark.parametrize("pattern", ["none", "eccentric", "stippled", "other"])
def test_other_calcification_uses_the_size_rows(pattern: str) -> None:
    assert screening(nodule("solid", "baseline", 9, calcification=pattern))["category"] == "4A"


def test_row_fat_of_any_size() -> None:
    assert screening(nodule("solid", "baseline", 25, fat_containing=True))["category"] == "1"
    assert screening(nodule("solid", "baseline", 25, fat_containing=False))["category"] == "4B"


def test_row_no_nodule() -> None:
    result = screening()
    assert (result["status"], result["category"]) == ("ok", "1")
    assert result["dominant_finding"] is None
    assert rules(result) == ["LR22.1.none", "LR22.exam"]


JUXTAPLEURAL = [
    # status, size, shape, margin, category
    ("baseline", "9.9", "oval", "smooth", "2"),
    ("baseline", "9.9", "lentiform", "smooth", "2"),
    ("new", "9.9", "triangular", "smooth", "2"),
    ("baseline", "9.95", "oval", "smooth", "4A"),
    ("baseline", "10.0", "oval", "smooth", "4A"),
    ("baseline", "9.9", "oval", "lobulated", "4A"),
    ("baseline", "9.9", "oval", "spiculated", "4A"),
    ("baseline", "9.9", "oval", None, "4A"),
    ("baseline", "9.9", "other", "smooth", "4A"),
    ("new", "9.9", None, "smooth", "4B"),
]


@pytest.mark.parametrize(("status", "size", "shape", "margin", "category"), JUXTAPLEURAL)
def test_row_juxtapleural(
    status: str, size: str, shape: str | None, margin: str | None, category: str
) -> None:
    finding = nodule("solid", status, size, juxtapleural_shape=shape, margin=margin)
    result = screening(finding)
    assert result["category"] == category
    line = [x for x in result["trace"] if x["rule_id"] == "LR22.juxtapleural.2"]
    assert bool(line) is (shape is not None)
    if shape and category != "2":
        assert line[0]["outcome"] == "not met: solid rows"


@pytest.mark.parametrize(("volume", "category"), [(523, "2"), (524, "4A")])
def test_row_juxtapleural_by_volume(volume: int, category: str) -> None:
    size = {"volume": mm3(volume)}
    finding = nodule("solid", "baseline", size, juxtapleural_shape="oval", margin="smooth")
    assert screening(finding)["category"] == category


def test_cavitary_nodules_use_the_solid_rows() -> None:
    finding = nodule("solid", "baseline", "8.0") | {"kind": "cavitary", "type": None}
    result = screening(finding)
    assert (result["category"], result["size_class"]) == ("4A", "8_to_lt15")


@pytest.mark.parametrize(
    ("base", "category"),
    [("5.9", "2"), ("6.0", "4X"), ("8.0", "4X"), ("15", "4X")],
)
@pytest.mark.parametrize(
    "feature", ["spiculation", "lymphadenopathy", "metastatic_disease", "other"]
)
def test_row_4x_only_from_3_or_4(base: str, category: str, feature: str) -> None:
    result = screening(nodule("solid", "baseline", base, features=[feature]))
    assert result["category"] == category
    assert "LR22.4X" in rules(result)


@pytest.mark.parametrize(
    ("exam", "printed", "flag"),
    [
        ({"significant_other_finding": True}, "4AS", True),
        (
            {"significant_other_finding": True, "significant_other_finding_known": False},
            "4AS",
            True,
        ),
        ({"significant_other_finding": True, "significant_other_finding_known": True}, "4A", False),
        ({"significant_other_finding": False}, "4A", False),
        ({}, "4A", None),
    ],
)
def test_s_is_a_modifier(exam: dict[str, Any], printed: str, flag: bool | None) -> None:
    result = screening(nodule("solid", "baseline", 9), **exam)
    assert (result["category"], result["category_printed"]) == ("4A", printed)
    assert result["s_modifier"] is flag
    assert result["next_ct_months"] == [3, 3]


@pytest.mark.parametrize(
    ("finding", "option"),
    [
        (nodule("solid", "baseline", "8.0"), True),
        (nodule("solid", "new", "7.9"), False),
        (nodule("part_solid", "baseline", "20", solid_component=mean("7.9")), False),
        (nodule("part_solid", "baseline", "20", solid_component=mean("8.0")), True),
        (nodule("solid", "baseline", {"volume": mm3(268)}), True),
        (nodule("solid", "baseline", "7.9"), None),
    ],
)
def test_pet_ct_option_needs_8_mm_of_solid(finding: dict[str, Any], option: bool | None) -> None:
    assert screening(finding)["pet_ct_option"] is option


def test_mean_of_axes_each_to_a_tenth() -> None:
    size = {"long": mm("6.14"), "short": mm("5.85")}  # 6.1 and 5.9: mean 6.0
    result = screening(nodule("solid", "baseline", size))
    assert (result["category"], result["mean_diameter_mm"]) == ("3", 6.0)
    size = {"long": mm("6.0"), "short": mm("5.9")}  # 5.95: half up
    result = screening(nodule("solid", "baseline", size))
    assert (result["category"], result["mean_diameter_mm"]) == ("3", 6.0)
    assert result["needs_review"]  # D20
    assert "6.0 x 5.9 mm" in result["trace"][0]["inputs"]["size"]


def test_centimetres_and_millilitres_are_converted() -> None:
    assert screening(nodule("solid", "baseline", {"mean": "0.6 cm"}))["category"] == "3"
    assert screening(nodule("solid", "baseline", {"volume": "0.268 ml"}))["category"] == "4A"


def test_every_result_of_a_row_is_traced_to_its_source() -> None:
    for kind, status, size, category, _ in SIZED:
        line = screening(nodule(kind, status, size))["trace"][0]
        assert line["outcome"] == category
        assert line["source_row"].startswith("Lung-RADS v2022 assessment table, ")
        assert line["inputs"]["size"].endswith("mm")
