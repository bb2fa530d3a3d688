"""Every literal row of the tables is reached by an example and says where it comes from.

The sources here are typed from the published tables; a row without an example fails the first test.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.builders import existing, incidental, mean, mm, nodule, screening
from triage.rules import fleischner_tables, growth
from triage.rules import lungrads_tables as lungrads

MONTHS_3, MONTHS_6 = {"value": 3, "unit": "months"}, {"value": 6, "unit": "months"}


def part(status: str, total: object, component: object) -> dict[str, Any]:
    """A part-solid nodule, means in mm."""
    return nodule("part_solid", status, total, solid_component=mean(component))


def airway(level: str, status: str, **more: object) -> dict[str, Any]:
    """An airway finding."""
    return {"id": "a", "kind": "airway", "status": status, "airway": {"level": level} | more}


def cyst(status: str, wall: str | None, locularity: str, *changes: str) -> dict[str, Any]:
    """A cyst with what changed since the prior."""
    details: dict[str, Any] = {"wall": wall, "locularity": locularity}
    if status == "existing":
        details["changes"] = list(changes)
    return {"id": "a", "kind": "cyst", "status": status, "cyst": details}


def component_grows(now: object) -> dict[str, Any]:
    """A part-solid nodule whose solid component was 2 mm half a year ago."""
    prior = {"solid_component": mean(2), "type": "part_solid"}
    return existing("part_solid", 12, 12, solid_component=mean(now), prior=prior)


# rule -> an example of it, the category, what the published row names.
EXAMPLES: dict[str, tuple[dict[str, Any], str, str]] = {
    "LR22.solid_baseline.2": (nodule("solid", "baseline", "5.9"), "2", "< 6 mm"),
    "LR22.solid_baseline.3": (nodule("solid", "baseline", "6.0"), "3", "6 to < 8 mm"),
    "LR22.solid_baseline.4A": (nodule("solid", "baseline", "8.0"), "4A", "8 to < 15 mm"),
    "LR22.solid_baseline.4B": (nodule("solid", "baseline", "15.0"), "4B", ">= 15 mm"),
    "LR22.solid_new.2": (nodule("solid", "new", "3.9"), "2", "new solid < 4 mm"),
    "LR22.solid_new.3": (nodule("solid", "new", "4.0"), "3", "new solid 4 to < 6 mm"),
    "LR22.solid_new.4A": (nodule("solid", "new", "6.0"), "4A", "new solid 6 to < 8 mm"),
    "LR22.solid_new.4B": (nodule("solid", "new", "8.0"), "4B", "new solid >= 8 mm"),
    "LR22.solid_growing.4A": (existing("solid", "7.9", "6.0"), "4A", "growing solid < 8 mm"),
    "LR22.solid_growing.4B": (existing("solid", "8.0", "6.0"), "4B", "growing solid >= 8 mm"),
    "LR22.part_solid_baseline.2": (nodule("part_solid", "baseline", "5.9"), "2", "< 6 mm"),
    "LR22.part_solid_baseline.3": (part("baseline", "6.0", "5.9"), "3", "solid component < 6"),
    "LR22.part_solid_baseline.4A": (part("baseline", "9", "7.9"), "4A", "component 6 to < 8"),
    "LR22.part_solid_baseline.4B": (part("baseline", "9", "8.0"), "4B", "component >= 8"),
    "LR22.part_solid_new.3": (nodule("part_solid", "new", "5.9"), "3", "new part-solid total < 6"),
    "LR22.part_solid_new.4A": (part("new", "6.0", "3.9"), "4A", "new solid component < 4"),
    "LR22.part_solid_new.4B": (part("new", "6.0", "4.0"), "4B", "new solid component >= 4"),
    "LR22.part_solid_component.4A": (component_grows("3.9"), "4A", "growing solid component < 4"),
    "LR22.part_solid_component.4B": (component_grows("4.0"), "4B", "growing solid component >= 4"),
    "LR22.ground_glass.2": (nodule("ground_glass", "new", "29.9"), "2", "GGN < 30 mm"),
    "LR22.ground_glass.3": (nodule("ground_glass", "new", "30.0"), "3", "GGN >= 30 mm"),
    "LR22.ground_glass_stable.2": (existing("ground_glass", 31, 31), "2", "stable or slow"),
    "LR22.juxtapleural.2": (
        nodule("solid", "baseline", "9.9", juxtapleural_shape="oval", margin="smooth"),
        "2", "< 10 mm, smooth",
    ),
    "LR22.slow_growth.4B": (existing("solid", 8, 7, slow_growth=True), "4B", "slow growing"),
    "LR22.benign.calcification": (
        nodule("solid", "baseline", 20, calcification="popcorn"), "1", "popcorn",
    ),
    "LR22.benign.fat": (nodule("solid", "baseline", 20, fat_containing=True), "1", "fat"),
    "LR22.proven_benign.2": (
        existing("solid", 16, 16, prior={"category": "4B", "proven_benign": True}),
        "2", "proven benign",
    ),
    "LR22.step_down.3_to_2": (
        existing("solid", 7, 7, prior={"category": "3", "interval": MONTHS_6}),
        "2", "6-month CT",
    ),
    "LR22.step_down.4A_to_3": (
        existing("solid", 9, 9, prior={"category": "4A", "interval": MONTHS_3}),
        "3", "3-month CT",
    ),
    "LR22.airway.secretions": (
        airway("lobar", "baseline", air_favours_secretions=True), "2", "secretions",
    ),
    "LR22.airway.sub.baseline": (airway("subsegmental", "baseline"), "2", "subsegmental"),
    "LR22.airway.sub.new": (airway("subsegmental", "new"), "2", "subsegmental"),
    "LR22.airway.sub.stable": (
        airway("subsegmental", "existing", change="stable"), "2", "stable",
    ),
    "product.airway.sub.growing": (
        airway("subsegmental", "existing", change="growing"), "4A", "no row",
    ),
    "LR22.airway.proximal.baseline": (airway("segmental", "baseline"), "4A", "at baseline"),
    "product.airway.proximal.new": (airway("segmental", "new"), "4A", "no row"),
    "LR22.airway.proximal.follow_up": (
        airway("segmental", "existing", change="stable"), "4B", "stable or growing",
    ),
    "product.airway.proximal.decreased": (
        airway("segmental", "existing", change="decreased"), "4B", "no row",
    ),
    "LR22.cyst.thick.first": (cyst("new", "thick", "unilocular"), "4A", "first detection"),
    "LR22.cyst.multilocular.baseline": (
        cyst("baseline", "thin", "multilocular"), "4A", "multilocular cyst at baseline",
    ),
    "LR22.cyst.thick.component": (
        cyst("existing", "thick", "unilocular", "cystic_component_growing"),
        "3", "growing cystic component",
    ),
    "LR22.cyst.thick.wall": (
        cyst("existing", "thick", "unilocular", "wall_or_nodularity_growing"),
        "4B", "growing wall thickness",
    ),
    "product.cyst.thick.opacity": (
        cyst("existing", "thick", "unilocular", "opacity_new_or_increased"), "4B", "no row",
    ),
    "LR22.cyst.multi.growing": (
        cyst("existing", "thin", "multilocular", "cystic_component_growing"), "4B", "growing",
    ),
    "LR22.cyst.multi.loculation": (
        cyst("existing", "thin", "multilocular", "more_loculation"), "4B", "more loculation",
    ),
    "LR22.cyst.multi.opacity": (
        cyst("existing", "thin", "multilocular", "opacity_new_or_increased"), "4B", "opacity",
    ),
    "product.cyst.multi.wall": (
        cyst("existing", "thin", "multilocular", "wall_or_nodularity_growing"), "4B", "no row",
    ),
    "LR22.cyst.became_multilocular": (
        cyst("existing", "thin", "multilocular", "became_multilocular"), "4A", "becomes",
    ),
}  # fmt: skip
#: (exam field, value) of each reason why an exam is incomplete.
ZERO = {
    "LR22.0.prior": ("prior_ct", "being_located", None, "prior chest CT"),
    "LR22.0.lungs": ("lungs_fully_evaluable", False, None, "cannot be evaluated"),
    "LR22.0.infection": ("inflammatory_infectious_suspected", True, [1, 3], "infectious"),
}
FLEISCHNER = {
    "solid_single_lt6": ([5], "solid"), "solid_single_6to8": ([6], "solid"),
    "solid_single_gt8": ([9], "solid"), "solid_multiple_lt6": ([5, 4], "solid"),
    "solid_multiple_6to8": ([8, 4], "solid"), "solid_multiple_gt8": ([9, 4], "solid"),
    "ggn_single_lt6": ([5], "ground_glass"), "ggn_single_ge6": ([6], "ground_glass"),
    "part_solid_single_lt6": ([5], "part_solid"), "part_solid_single_ge6": ([6], "part_solid"),
    "subsolid_multiple_lt6": ([5, 4], "ground_glass"),
    "subsolid_multiple_ge6": ([6, 4], "part_solid"),
}  # fmt: skip


def rows_of(value: object) -> list[Any]:
    """Every row inside a table, however it is nested."""
    if isinstance(value, dict):
        return [row for inner in value.values() for row in rows_of(inner)]
    if isinstance(value, tuple | list):
        return [row for inner in value for row in rows_of(inner)]
    is_row = hasattr(value, "rule_id") and not isinstance(value, type)
    return [value] if is_row else []


def test_every_row_has_an_example() -> None:
    literal = [row for value in vars(lungrads).values() for row in rows_of(value)]
    assert {row.rule_id for row in literal} == set(EXAMPLES) | set(ZERO)
    assert set(fleischner_tables.CELLS) == set(FLEISCHNER)
    assert [row.name for row in growth.VDT_CLASSES] == ["lt400", "400_to_600", "gt600"]


@pytest.mark.parametrize("rule", EXAMPLES)
def test_the_row_speaks_and_names_its_source(rule: str) -> None:
    finding, category, named = EXAMPLES[rule]
    result = screening(finding)
    assert (result["status"], result["category"]) == ("ok", category)
    lines = [line for line in result["trace"] if line["rule_id"] == rule]
    assert lines and lines[-1]["finding"] == "a"
    source = lines[-1]["source_row"]
    assert source.startswith("Lung-RADS v2022 assessment table, ") and named in source
    if not rule.startswith("product."):
        assert f"{category}: " in source
    else:
        assert result["needs_review"]  # what is not the guideline's own is always asked


@pytest.mark.parametrize("rule", ZERO)
def test_every_reason_for_an_incomplete_exam(rule: str) -> None:
    field, value, months, named = ZERO[rule]
    result = screening(nodule("solid", "baseline", 20), **{field: value})
    assert (result["category"], result["next_ct_months"]) == ("0", months)
    (line,) = [line for line in result["trace"] if line["rule_id"] == rule]
    assert "0: " in line["source_row"] and named in line["source_row"]


@pytest.mark.parametrize("category", FLEISCHNER)
@pytest.mark.parametrize("risk", ["low", "high"])
def test_every_cell_of_fleischner_names_its_column(category: str, risk: str) -> None:
    sizes, kind = FLEISCHNER[category]
    more = {"solid_component": {"long": mm(3), "short": mm(2)}} if kind == "part_solid" else {}
    found = [nodule(kind, "baseline", size, id=f"n{size}") | more for size in sizes]
    result = incidental(*found, risk=risk)
    assert (result["status"], result["category"]) == ("ok", category)
    source = result["trace"][-1]["source_row"]
    number = "multiple" if len(sizes) > 1 else "single"
    assert source.startswith("Fleischner 2017, Table 1, ") and number in source
    if kind == "solid" and category != "solid_single_gt8":
        assert source.endswith(f"{risk} risk")  # the one row whose columns say the same names none
    else:
        assert "risk" not in source
