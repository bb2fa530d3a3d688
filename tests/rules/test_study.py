"""A study of the product (names of the HTTP contract) through the guideline that fits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.builders import fields
from triage.rules.study import assess

CONTEXT: dict[str, Any] = {
    "purpose": "screening_ldct",
    "prior_ct": "none",
    "lungs_fully_evaluable": True,
    "inflammatory_infectious_suspected": False,
    "known_lung_cancer": False,
    "age_years": None,
    "risk": None,
    "immunosuppressed": None,
}


def finding(name: str = "f1", **more: Any) -> dict[str, Any]:
    """A finding as the API shows it; most attributes are null."""
    empty = dict.fromkeys(
        ("volume_mm3", "solid_long_mm", "solid_short_mm", "calcification", "margin",
         "juxtapleural_shape", "lobe", "status", "prior_tracking_uid")
    )  # fmt: skip
    shown = {
        "finding_id": name, "version": 2, "series_uid": "1.2", "center_lps_mm": [1.0, 2.0, 3.0],
        "long_mm": 9.4, "short_mm": 8.2, "solidity": "solid", "probability": 0.9,
        "state": "confirmed",
    }  # fmt: skip
    return empty | shown | more


def test_a_screening_study() -> None:
    result: Any = assess(CONTEXT, [finding()])
    assert (result["status"], result["category"]) == ("ok", "4A")
    assert (result["dominant_finding"], result["mean_diameter_mm"]) == ("f1", 8.8)
    assert result["trace"][0]["rule_id"] == "product.baseline"
    assert result["trace"][0]["finding"] == "f1"


def test_an_incidental_study() -> None:
    incidental = CONTEXT | {
        "purpose": "incidental", "age_years": 61, "immunosuppressed": False, "known_cancer": False,
    }  # fmt: skip
    result: Any = assess(incidental, [finding()], slice_thickness_mm=1.25)
    assert (result["category"], result["caution"]) == ("solid_single_gt8", False)
    result = assess(incidental | {"known_cancer": None}, [finding()])
    assert fields(result) == ["patient.known_cancer"]
    result = assess(incidental | {"known_lung_cancer": True}, [finding()])
    assert result["status"] == "not_applicable"


@pytest.mark.parametrize("field", [name for name, value in CONTEXT.items() if value is not None])
def test_an_unknown_context_is_named(field: str) -> None:
    result: Any = assess(CONTEXT | {field: None}, [finding(status="baseline")])
    assert (result["status"], result["category"]) == ("cannot_categorise", None)
    assert fields(result) == [f"exam.{field}"]


@pytest.mark.parametrize("state", ["pending", None, "someday"])
@pytest.mark.parametrize("purpose", ["screening_ldct", "incidental", None])
def test_no_category_before_every_finding_is_decided(
    state: str | None, purpose: str | None
) -> None:
    findings = [finding(), finding("f2", state=state)]
    result: Any = assess(CONTEXT | {"purpose": purpose}, findings)
    assert (result["status"], result["category"]) == ("cannot_categorise", None)
    assert [(r["code"], r["field"]) for r in result["reasons"]] == [
        ("finding_undecided", "findings[1].state")
    ]


@pytest.mark.parametrize(
    ("state", "category"),
    [("confirmed", "4A"), ("corrected", "4A"), ("added", "4A"), ("rejected", "1"),
     ("dismissed", "1")],
)  # fmt: skip
def test_which_states_count(state: str, category: str) -> None:
    assert assess(CONTEXT, [finding(state=state)])["category"] == category


def test_no_findings_and_not_assessed_are_not_the_same() -> None:
    assert assess(CONTEXT, [])["category"] == "1"
    result = assess(CONTEXT, None)
    assert (result["status"], fields(result)) == ("cannot_categorise", ["findings"])


@pytest.mark.parametrize("status", [None, "baseline"])
def test_with_a_prior_the_status_is_asked(status: str | None) -> None:
    """A row starts as baseline; beside a prior CT that says nothing (a new 5 mm nodule is a 3)."""
    result = assess(CONTEXT | {"prior_ct": "available"}, [finding(status=status)])
    assert (result["status"], fields(result)) == ("cannot_categorise", ["findings[0].status"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"solidity": None}, "findings[0].type"),
        ({"long_mm": None}, "findings[0].size.long"),
        ({"long_mm": None, "short_mm": None}, "findings[0].size"),
        ({"solidity": "part_solid"}, "findings[0].solid_component"),
        ({"long_mm": 5.0}, "findings[0].size.short"),
        ({"long_mm": float("nan")}, "findings[0].size.long"),
    ],
)
def test_a_finding_that_lacks_something_is_named(change: dict[str, Any], field: str) -> None:
    result = assess(CONTEXT, [finding(**change)])
    assert (result["status"], fields(result)) == ("cannot_categorise", [field])


def test_solid_component_volume_and_prior_reach_the_rules() -> None:
    part = finding(solidity="part_solid", solid_long_mm=7.0, solid_short_mm=6.0)
    assert assess(CONTEXT, [part])["category"] == "4A"
    both: Any = assess(CONTEXT, [finding(volume_mm3=2000.0)])
    assert (both["category"], both["needs_review"]) == ("4B", True)
    prior = {"size": {"mean": "7 mm"}, "date": "2025-06-01"}
    grown = finding(status="existing", prior=prior)
    result = assess(CONTEXT | {"prior_ct": "available"}, [grown], exam_date="2026-01-01")
    assert (result["category"], result["growth"]) == ("4B", True)


def test_while_the_prior_is_located_the_exam_is_0() -> None:
    context = CONTEXT | {"prior_ct": "being_located"}
    assert assess(context, [finding(status="baseline")])["category"] == "0"


def test_other_purposes_are_not_applicable() -> None:
    assert assess(CONTEXT | {"purpose": "other"}, [finding()])["status"] == "not_applicable"
