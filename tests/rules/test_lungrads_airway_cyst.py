"""Lung-RADS v2022: airway findings and atypical cysts, a test row per cell."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.builders import codes, fields, nodule, screening

PROXIMAL = ["segmental", "lobar", "main", "tracheal", "segmental_or_proximal"]


def airway(level: str | None, status: str | None, **more: object) -> dict[str, Any]:
    """An airway finding."""
    details = {"level": level} | {k: v for k, v in more.items() if k != "prior"}
    finding = {"id": "a", "kind": "airway", "status": status, "airway": details}
    return finding | ({"prior": more["prior"]} if "prior" in more else {})


def cyst(status: str | None, wall: str | None, locularity: str | None, **more: Any) -> Any:
    """A cyst; `changes` and flags go into it, `prior` beside it."""
    prior = {"prior": more.pop("prior")} if "prior" in more else {}
    details = {"wall": wall, "locularity": locularity} | more
    return {"id": "a", "kind": "cyst", "status": status, "cyst": details} | prior


SUBSEGMENTAL = [
    ("baseline", None, "2", set()),
    ("new", None, "2", set()),
    ("existing", "stable", "2", set()),
    ("existing", "decreased", "2", set()),
    ("existing", "growing", "4A", {"D10"}),
]


@pytest.mark.parametrize(("status", "change", "category", "review"), SUBSEGMENTAL)
def test_row_subsegmental(status: str, change: str | None, category: str, review: set[str]) -> None:
    result = screening(airway("subsegmental", status, change=change))
    assert (result["category"], codes(result)) == (category, review)


PROXIMAL_ROWS = [
    ("baseline", None, "4A", set()),
    ("new", None, "4A", {"D10"}),
    ("existing", "stable", "4B", set()),
    ("existing", "growing", "4B", set()),
    ("existing", None, "4B", set()),
    ("existing", "decreased", "4B", {"airway_decreased"}),
]


@pytest.mark.parametrize("level", PROXIMAL)
@pytest.mark.parametrize(("status", "change", "category", "review"), PROXIMAL_ROWS)
def test_row_segmental_or_more_proximal(
    level: str, status: str, change: str | None, category: str, review: set[str]
) -> None:
    result = screening(airway(level, status, change=change))
    assert (result["category"], codes(result)) == (category, review)


@pytest.mark.parametrize("level", ["subsegmental", *PROXIMAL])
def test_row_secretions(level: str) -> None:
    finding = airway(level, "baseline", air_favours_secretions=True)
    assert screening(finding)["category"] == "2"


def test_an_airway_nodule_goes_up_not_down() -> None:
    prior = {"category": "4A", "interval": {"value": 3, "unit": "months"}}
    result = screening(airway("lobar", "existing", change="stable", prior=prior))
    assert result["category"] == "4B"


AIRWAY_REFUSED = [
    (airway(None, "baseline"), "findings[0].airway.level"),
    ({"id": "a", "kind": "airway", "status": "baseline"}, "findings[0].airway.level"),
    (airway("lobar", None), "findings[0].status"),
    (airway("subsegmental", "existing"), "findings[0].airway.change"),
]


@pytest.mark.parametrize(("finding", "field"), AIRWAY_REFUSED)
def test_missing_airway_inputs_are_refused(finding: dict[str, Any], field: str) -> None:
    result = screening(finding)
    assert (result["status"], fields(result)) == ("cannot_categorise", [field])


GROWS = "cystic_component_growing"
CYSTS = [
    # status, wall, locularity, changes, category, review
    ("baseline", "thick", "unilocular", None, "4A", set()),
    ("new", "thick", "unilocular", None, "4A", set()),
    ("existing", "thick", "unilocular", [GROWS], "3", set()),
    ("existing", "thick", "unilocular", ["wall_or_nodularity_growing"], "4B", set()),
    ("existing", "thick", "unilocular", [GROWS, "wall_or_nodularity_growing"], "4B", set()),
    ("existing", "thick", "unilocular", ["opacity_new_or_increased"], "4B", {"cyst_opacity"}),
    ("baseline", None, "multilocular", None, "4A", set()),
    ("baseline", "thin", "multilocular", None, "4A", set()),
    ("existing", "thin", "multilocular", ["became_multilocular"], "4A", set()),
    ("existing", "thick", "multilocular", ["became_multilocular"], "4A", set()),
    ("existing", "thin", "multilocular", [GROWS], "4B", set()),
    ("existing", "thin", "multilocular", ["more_loculation"], "4B", set()),
    ("existing", None, "multilocular", ["opacity_new_or_increased"], "4B", set()),
    ("existing", None, "multilocular", ["wall_or_nodularity_growing"], "4B", {"cyst_wall"}),
    ("existing", "thick", "unilocular", [], "4A", {"prior_category"}),
    ("baseline", "thin", "unilocular", None, "1", {"D19"}),
    ("existing", "thin", "unilocular", [], "1", {"D19"}),
    ("existing", "thin", "unilocular", [GROWS], "1", {"D19", "cyst_thin_changed"}),
]


@pytest.mark.parametrize(("status", "wall", "locularity", "changes", "category", "review"), CYSTS)
def test_row_cyst(
    status: str, wall: str | None, locularity: str, changes: Any, category: str, review: set[str]
) -> None:
    result = screening(cyst(status, wall, locularity, changes=changes))
    assert (result["category"], codes(result)) == (category, review)


@pytest.mark.parametrize("flag", ["fluid_containing", "multiple_cysts"])
def test_cysts_that_are_not_classified(flag: str) -> None:
    alone = screening(cyst("baseline", None, None, **{flag: True}))
    assert (alone["category"], codes(alone)) == ("1", {"D19"})
    beside = screening(
        cyst("baseline", None, None, **{flag: True}), nodule("solid", "baseline", 9, id="b")
    )
    assert (beside["category"], beside["dominant_finding"], codes(beside)) == ("4A", "b", set())


def test_nodule_of_a_cyst_is_graded_as_its_own_finding() -> None:
    thin, part = cyst("baseline", "thin", "unilocular"), nodule("solid", "baseline", 16, id="b")
    assert screening(thin, part)["category"] == "4B"


def test_cyst_step_down_is_disputed() -> None:
    prior = {"category": "4A", "interval": {"value": 3, "unit": "months"}}
    stable = cyst("existing", "thick", "unilocular", changes=[], prior=prior)
    result = screening(stable)
    assert (result["category"], codes(result)) == ("3", {"D18"})


CYST_REFUSED = [
    (cyst("baseline", None, "unilocular"), "findings[0].cyst.wall", "missing"),
    (cyst("baseline", "thick", None), "findings[0].cyst.locularity", "missing"),
    ({"id": "a", "kind": "cyst", "status": "baseline"}, "findings[0].cyst.locularity", "missing"),
    (cyst(None, "thick", "unilocular"), "findings[0].status", "missing"),
    (cyst("existing", "thick", "unilocular"), "findings[0].cyst.changes", "missing"),
    (cyst("baseline", "thick", "unilocular", changes=[GROWS]), "findings[0].cyst.changes",
     "cyst_contradicts"),
    (cyst("existing", "thick", "unilocular", changes=["more_loculation"]),
     "findings[0].cyst.changes", "cyst_contradicts"),
    (cyst("existing", "thick", "unilocular", changes=["became_multilocular"]),
     "findings[0].cyst.changes", "cyst_contradicts"),
]  # fmt: skip


@pytest.mark.parametrize(("finding", "field", "code"), CYST_REFUSED)
def test_bad_cyst_inputs_are_refused(finding: dict[str, Any], field: str, code: str) -> None:
    result = screening(finding)
    assert result["status"] == "cannot_categorise"
    assert [(r["field"], r["code"]) for r in result["reasons"]] == [(field, code)]


def test_4x_applies_to_airway_and_cyst() -> None:
    assert (
        screening(airway("lobar", "baseline") | {"features": ["lymphadenopathy"]})["category"]
        == "4X"
    )
    secretions = airway("lobar", "baseline", air_favours_secretions=True)
    assert screening(secretions | {"features": ["lymphadenopathy"]})["category"] == "2"


@pytest.mark.parametrize(("size", "option"), [("8.0", True), ("7.9", False), (None, False)])
def test_pet_ct_option_of_an_airway_nodule(size: str | None, option: bool) -> None:
    measured = {"size": {"mean": {"value": size, "unit": "mm"}}} if size else {}
    result = screening(airway("lobar", "baseline") | measured)
    assert (result["category"], result["pet_ct_option"]) == ("4A", option)
