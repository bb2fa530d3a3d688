"""Lung-RADS v2022: the exam: not applicable, category 0, combination, refusals, old faults."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.rules.builders import (
    FOLLOW_UP,
    SCREENING,
    codes,
    existing,
    fields,
    mean,
    mm,
    mm3,
    nodule,
    rules,
    screening,
)
from triage.errors import Unprocessable
from triage.rules.inputs import Reading
from triage.rules.lungrads import lungrads2022

SOLID_9 = nodule("solid", "baseline", 9)


@pytest.mark.parametrize(
    ("exam", "code"),
    [
        ({"purpose": "incidental"}, "not_screening"),
        ({"purpose": "other"}, "not_screening"),
        ({"known_lung_cancer": True}, "known_lung_cancer"),
        ({"purpose": "other", "prior_ct": None}, "not_screening"),
        ({"purpose": "other", "prior_ct": "nonsense"}, "not_screening"),
    ],
)
def test_not_applicable_comes_first(exam: dict[str, Any], code: str) -> None:
    result = screening(SOLID_9, **exam)
    assert (result["status"], result["category"]) == ("not_applicable", None)
    assert [reason["code"] for reason in result["reasons"]] == [code]
    assert result["reasons"][0]["message"].startswith("not applicable, because ")


MISSING_EXAM = [
    ("purpose", "exam purpose"),
    ("prior_ct", "prior CT"),
    ("lungs_fully_evaluable", "lungs are fully evaluable"),
    ("inflammatory_infectious_suspected", "infection"),
    ("known_lung_cancer", "known lung cancer"),
]


@pytest.mark.parametrize(("field", "words"), MISSING_EXAM)
@pytest.mark.parametrize("how", ["null", "absent"])
def test_a_missing_exam_input_is_named(field: str, words: str, how: str) -> None:
    exam = SCREENING | {field: None}
    if how == "absent":
        del exam[field]
    result: Any = lungrads2022({"exam": exam, "findings": [SOLID_9]})
    assert (result["status"], result["category"]) == ("cannot_categorise", None)
    assert fields(result) == [f"exam.{field}"]
    assert words in result["reasons"][0]["message"]


def test_every_missing_exam_input_is_named_at_once() -> None:
    result = lungrads2022({})
    assert fields(result) == [f"exam.{field}" for field, _ in MISSING_EXAM] + ["findings"]


def test_null_findings_are_not_an_empty_list() -> None:
    result = lungrads2022({"exam": SCREENING, "findings": None})
    assert (result["status"], fields(result)) == ("cannot_categorise", ["findings"])
    assert lungrads2022({"exam": SCREENING, "findings": []})["category"] == "1"


ZERO = [
    ({"prior_ct": "being_located"}, "LR22.0.prior", None),
    ({"lungs_fully_evaluable": False}, "LR22.0.lungs", None),
    ({"inflammatory_infectious_suspected": True}, "LR22.0.infection", [1, 3]),
]


@pytest.mark.parametrize(("exam", "rule", "months"), ZERO)
@pytest.mark.parametrize("findings", [[], [SOLID_9], [nodule("solid", "baseline", 20)]])
def test_category_0(exam: dict[str, Any], rule: str, months: Any, findings: Any) -> None:
    result = lungrads2022({"exam": SCREENING | exam, "findings": findings})
    assert (result["status"], result["category"]) == ("ok", "0")
    assert result["next_ct_months"] == months
    assert result["dominant_finding"] is None
    assert rule in rules(result)


def test_category_0_while_the_prior_is_located_needs_no_status() -> None:
    exam = SCREENING | {"prior_ct": "being_located"}
    unknown = nodule("solid", "baseline", 9) | {"status": None}
    assert lungrads2022({"exam": exam, "findings": [unknown]})["category"] == "0"
    bent = nodule("solid", "baseline", {"long": mm(5), "short": mm(6)})
    assert lungrads2022({"exam": exam, "findings": [bent]})["status"] == "cannot_categorise"


def test_category_0_may_carry_s() -> None:
    result = screening(prior_ct="being_located", significant_other_finding=True)
    assert (result["category"], result["category_printed"]) == ("0", "0S")


@pytest.mark.parametrize(
    ("finding", "category", "asked"),
    [
        (nodule("solid", "new", "8.0"), "0", True),
        (nodule("solid", "new", "8.0", favours_malignancy=False), "0", True),
        (nodule("solid", "new", "8.0", favours_malignancy=True), "4B", True),
        (nodule("solid", "new", "7.9", favours_malignancy=True), "0", False),
        (nodule("ground_glass", "new", "40", favours_malignancy=True), "0", False),
        (nodule("solid", "new", "8.0") | {"size": None}, "0", True),
        (nodule("solid", "new", "5.0"), "0", False),
    ],
)
def test_d9_infection_and_a_nodule_of_4b_size(
    finding: dict[str, Any], category: str, asked: bool
) -> None:
    result = screening(finding, inflammatory_infectious_suspected=True)
    assert (result["category"], "D9" in codes(result)) == (category, asked)


def test_infection_is_never_inferred() -> None:
    crowd = [nodule("solid", "new", 12, id=str(i)) for i in range(8)]
    assert screening(*crowd)["category"] == "4B"


def test_exam_category_is_the_highest_and_sizes_do_not_add_up() -> None:
    many = [nodule("solid", "baseline", "5.9", id=str(i)) for i in range(30)]
    assert screening(*many)["category"] == "2"
    assert screening(*many, nodule("solid", "baseline", "6.0", id="x"))["dominant_finding"] == "x"


def test_one_finding_that_cannot_be_graded_stops_the_exam() -> None:
    unknown = nodule("solid", "baseline", 5, id="b") | {"type": None}
    result = screening(SOLID_9, unknown)
    assert (result["status"], result["category"]) == ("cannot_categorise", None)
    assert (result["at_least"], fields(result)) == ("4A", ["findings[1].type"])
    assert result["findings"][0]["category"] == "4A"


MISSING_FINDING = [
    ({"kind": None}, "findings[0].kind", "type"),
    ({"type": None}, "findings[0].type", "type"),
    ({"status": None}, "findings[0].status", "status"),
    ({"size": None}, "findings[0].size", "size"),
    ({"size": {}}, "findings[0].size", "size"),
    ({"size": {"long": mm(6)}}, "findings[0].size.short", "short axis"),
    ({"size": {"short": mm(6)}}, "findings[0].size.long", "long axis"),
    ({"size": {"long": mm(6), "mean": mm(6)}}, "findings[0].size.short", "short axis"),
]


@pytest.mark.parametrize(("change", "field", "words"), MISSING_FINDING)
def test_a_missing_finding_input_is_named(change: dict[str, Any], field: str, words: str) -> None:
    result = screening(nodule("solid", "baseline", 9) | change)
    assert (result["status"], fields(result)) == ("cannot_categorise", [field])
    message = result["reasons"][0]["message"]
    assert message.startswith("cannot categorise, because ")
    assert words in message


MISSING_LATER = [
    (nodule("part_solid", "baseline", "6.0"), "findings[0].solid_component"),
    (nodule("part_solid", "new", "6.0"), "findings[0].solid_component"),
    (nodule("part_solid", "baseline", {"volume": mm3(113)}), "findings[0].solid_component"),
    (nodule("solid", "existing", 9), "findings[0].prior"),
    (nodule("solid", "existing", 9, prior={"category": "2"}), "findings[0].prior"),
    (nodule("ground_glass", "existing", 31), "findings[0].prior"),
    (existing("part_solid", 5, 5), "findings[0].solid_component"),
    (existing("part_solid", 9, 9, solid_component=mean(3)), "findings[0].prior.solid_component"),
    (existing("solid", 9, {"volume": mm3(3)}) | {"prior": {"size": {"long": mm(3)}}},
     "findings[0].prior.size.short"),
]  # fmt: skip


@pytest.mark.parametrize(("finding", "field"), MISSING_LATER)
def test_what_a_row_needs_is_refused_when_missing(finding: dict[str, Any], field: str) -> None:
    result = screening(finding)
    assert (result["status"], fields(result)) == ("cannot_categorise", [field])


CONTRADICTIONS = [
    # finding, exam, code, words of the message
    (nodule("solid", "baseline", {"long": mm(5), "short": mm(6)}), {}, "short_axis_longer",
     "short axis"),
    (nodule("part_solid", "baseline", 7, solid_component=mean(8)), {}, "solid_component_larger",
     "solid component"),
    (nodule("part_solid", "baseline", {"long": mm(9), "short": mm(5)},
            solid_component={"long": mm(10), "short": mm(2)}), {}, "solid_component_larger",
     "solid component"),
    (nodule("ground_glass", "baseline", 9, solid_component=mean(3)), {},
     "solid_component_contradicts_type", "solid component"),
    (nodule("solid", "baseline", 9, solid_component=mean(3)), {},
     "solid_component_contradicts_type", "solid component"),
    (nodule("part_solid", "baseline", 9, solid_component=mean(0)), {}, "value_not_positive",
     "solid component"),
    (nodule("solid", "baseline", 9, prior={"size": mean(8)}), {}, "status_contradicts_prior",
     "prior size"),
    (nodule("solid", "new", 9, prior={"size": mean(8)}), {}, "status_contradicts_prior", "status"),
    (nodule("solid", "new", 9), {"prior_ct": "none"}, "status_contradicts_prior_ct", "prior"),
    (existing("solid", 9, 9), {"prior_ct": "none"}, "status_contradicts_prior_ct", "prior"),
    (nodule("solid", "resolved", 9), {"prior_ct": "none"}, "status_contradicts_prior_ct", "prior"),
    (nodule("solid", "baseline", {"long": mm(8), "short": mm(6), "mean": mm("7.2")}), {},
     "mean_contradicts_axes", "mean"),
    (existing("solid", 7, 9, slow_growth=True), {}, "trend_contradicts_size", "growth trend"),
    (nodule("solid", "baseline", 7, slow_growth=True), {}, "trend_contradicts_status",
     "growth trend"),
    (existing("solid", 9, 9, prior={"date": "2026-01-02"}), {"date": "2026-01-02"},
     "value_not_positive", "date"),
    (existing("solid", 9, 9, prior={"date": "2026-01-03"}), {"date": "2026-01-02"},
     "value_not_positive", "interval"),
    (existing("solid", 9, 9, prior={"date": "2024-01-03"}), {"date": "2026-01-02"},
     "interval_contradicts_dates", "interval"),
    (existing("solid", 9, {"volume": mm3(300)}) | {"prior": {"size": {"volume": mm3(300)}}}, {},
     "diameter_missing_for_growth", "volume"),
    (nodule("solid", "baseline", {"at_most_3_mm": True, "mean": mm(3)}), {}, "size_contradicts",
     "size"),
    (nodule("solid", "baseline", 9, airway={"level": "lobar"}), {}, "kind_contradicts", "airway"),
    (nodule("solid", "baseline", 9, cyst={"wall": "thin"}), {}, "kind_contradicts", "cyst"),
]  # fmt: skip


@pytest.mark.parametrize(("finding", "exam", "code", "words"), CONTRADICTIONS)
def test_contradictions_are_refused(
    finding: dict[str, Any], exam: dict[str, Any], code: str, words: str
) -> None:
    base = FOLLOW_UP if finding["status"] != "baseline" else SCREENING
    result = lungrads2022({"exam": base | exam, "findings": [finding]})
    assert (result["status"], result["category"]) == ("cannot_categorise", None)
    reasons: Any = result["reasons"]
    assert [reason["code"] for reason in reasons] == [code]
    assert words in reasons[0]["message"]


@pytest.mark.parametrize(("stated", "status"), [("7.1", "ok"), ("7.11", "cannot_categorise")])
def test_the_stated_mean_may_differ_by_a_tenth(stated: str, status: str) -> None:
    size = {"long": mm(8), "short": mm(6), "mean": mm(stated)}
    assert screening(nodule("solid", "baseline", size))["status"] == status


def test_zero_solid_component_of_ground_glass_says_there_is_none() -> None:
    finding = nodule("ground_glass", "baseline", 9, solid_component=mean(0))
    assert screening(finding)["category"] == "2"


UNREADABLE = [
    # path into the payload, value, code, field
    (("exam", "purpose"), "screening", "unknown_value", "exam.purpose"),
    (("exam", "prior_ct"), True, "unknown_value", "exam.prior_ct"),
    (("exam", "lungs_fully_evaluable"), "yes", "not_true_or_false", "exam.lungs_fully_evaluable"),
    (("exam", "known_lung_cancer"), 0, "not_true_or_false", "exam.known_lung_cancer"),
    (("exam", "date"), "20.01.2026", "date_wrong", "exam.date"),
    (("exam", "date"), 20260120, "date_wrong", "exam.date"),
    (("exam", "date"), "2026-02-30", "date_wrong", "exam.date"),
    (("exam", "date"), "9999-06-01", "date_wrong", "exam.date"),
    (("exam", "date"), "0001-01-01", "date_wrong", "exam.date"),
    (("exam", "lung_rads"), "2", "unknown_field", "exam.lung_rads"),
    (("exam",), [], "not_an_object", "exam"),
    (("findings",), {}, "not_a_list", "findings"),
    (("findings", 0), "solid 9 mm", "not_an_object", "findings[0]"),
    (("findings", 0, "type"), "subsolid", "unknown_value", "findings[0].type"),
    (("findings", 0, "id"), 7, "not_a_text", "findings[0].id"),
    (("findings", 0, "size", "mean"), 9, "unit_missing", "findings[0].size.mean"),
    (("findings", 0, "size", "mean"), mm3(9), "unit_dimension", "findings[0].size.mean"),
    (("findings", 0, "size", "mean"), "9 parsec", "unit_unknown", "findings[0].size.mean"),
    (("findings", 0, "size", "mean"), mm(0), "value_not_positive", "findings[0].size.mean"),
    (("findings", 0, "size", "mean"), mm(301), "value_too_large", "findings[0].size.mean"),
    (("findings", 0, "size", "volume"), mm(9), "unit_dimension", "findings[0].size.volume"),
    (("findings", 0, "size", "volume"), mm3(14_000_001), "value_too_large",
     "findings[0].size.volume"),
    (("findings", 0, "size", "diameter"), mm(9), "unknown_field", "findings[0].size.diameter"),
    (("findings", 0, "prior"), {"interval": "-3 months"}, "value_not_positive",
     "findings[0].prior.interval"),
    (("findings", 0, "prior"), {"interval": "3 mm"}, "unit_dimension",
     "findings[0].prior.interval"),
    (("patient",), {"age_years": 60.5}, "not_a_whole_number", "patient.age_years"),
    (("patient",), {"age_years": 200}, "out_of_range", "patient.age_years"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "code", "field"), UNREADABLE)
def test_what_cannot_be_read_is_refused_with_its_field(
    path: tuple[Any, ...], value: object, code: str, field: str
) -> None:
    payload: Any = {"exam": dict(SCREENING), "findings": [nodule("solid", "baseline", 9)]}
    place = payload
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    result = lungrads2022(payload)
    assert (result["status"], result["category"]) == ("cannot_categorise", None)
    reasons: Any = result["reasons"]
    assert [(reason["code"], reason["field"]) for reason in reasons] == [(code, field)]
    assert reasons[0]["message"].startswith("cannot categorise, because ")


@pytest.mark.parametrize("payload", [None, [], "solid", 3, True])
def test_what_is_not_an_object_is_a_typed_error(payload: Any) -> None:
    with pytest.raises(Unprocessable, match="not a JSON object"):
        lungrads2022(payload)


def test_two_findings_with_one_id_are_refused() -> None:
    result = screening(SOLID_9, SOLID_9)
    assert [reason["code"] for reason in result["reasons"]] == ["id_twice"]


def test_findings_without_an_id_are_named_by_their_place() -> None:
    anonymous = {k: v for k, v in SOLID_9.items() if k != "id"}
    assert screening(anonymous, anonymous)["dominant_finding"] == "findings[0]"


def test_the_result_is_json_with_exactly_the_contract() -> None:
    result = screening(SOLID_9)
    assert json.loads(json.dumps(result)) == result
    contract = {
        "status", "category", "size_class", "next_ct_months", "management", "s_modifier",
        "dominant_finding", "trace", "reasons", "needs_review", "mean_diameter_mm", "growth",
        "pet_ct_option", "next_ct_optional", "later_ct_months", "later_ct_optional", "volume_mm3",
        "percent_change", "vdt_days", "vdt_class", "caution",
    }  # fmt: skip
    assert contract <= set(result)
    for line in result["trace"]:
        assert {"rule_id", "inputs", "outcome", "source_row"} <= set(line)


def test_the_inputs_have_a_json_schema() -> None:
    schema = Reading.model_json_schema()
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == {"exam", "patient", "findings"}


# ---- faults seen in public engines (clinical rules, section 6), one test each


def test_fault_s_as_a_category() -> None:
    result = screening(significant_other_finding=True)
    assert (result["category"], result["s_modifier"]) == ("1", True)


def test_fault_4x_from_a_category_2_nodule() -> None:
    finding = nodule("solid", "baseline", 5, features=["spiculation"])
    assert screening(finding)["category"] == "2"
    ggn = existing("ground_glass", 28, 14, features=["ggn_doubled_in_a_year"])
    assert screening(ggn)["category"] == "2"


def test_fault_annualised_growth() -> None:
    quarter = {"interval": {"value": 3, "unit": "months"}, "category": "3"}
    result = screening(existing("solid", "7.5", "6.9", prior=quarter))
    assert result["growth"] is False


def test_fault_binary_rounding() -> None:
    assert round(14.95, 1) == 14.9
    assert screening(nodule("solid", "baseline", 14.95))["category"] == "4B"


def test_fault_largest_taken_as_dominant() -> None:
    result = screening(
        nodule("ground_glass", "new", 28, id="big"), nodule("solid", "new", 6, id="small")
    )
    assert (result["category"], result["dominant_finding"]) == ("4A", "small")


def test_fault_airway_stepped_down() -> None:
    prior = {"category": "4A", "interval": {"value": 3, "unit": "months"}}
    finding = {"id": "a", "kind": "airway", "status": "existing", "airway": {"level": "segmental"}}
    assert screening(finding | {"prior": prior})["category"] == "4B"


def test_fault_step_down_although_a_threshold_was_crossed() -> None:
    prior = {"category": "3", "interval": {"value": 6, "unit": "months"}}
    assert screening(existing("solid", "8.1", "7.5", prior=prior))["category"] == "4A"


def test_fault_missing_solid_component_taken_as_0() -> None:
    assert screening(nodule("part_solid", "baseline", 12))["status"] == "cannot_categorise"


def test_fault_missing_size_is_category_2() -> None:
    finding = nodule("solid", "baseline", 12) | {"size": None}
    assert screening(finding)["status"] == "cannot_categorise"


def test_fault_rule_of_v1_1_kept() -> None:
    prior = {"category": "4A", "interval": {"value": 3, "unit": "months"}}
    assert screening(existing("solid", 9, 9, prior=prior))["category"] == "3"
    prior = {"category": "4B", "interval": {"value": 3, "unit": "months"}}
    assert screening(existing("solid", 16, 16, prior=prior))["category"] == "4B"


def test_fault_juxtapleural_10_mm_included() -> None:
    finding = nodule("solid", "baseline", "10.0", juxtapleural_shape="oval", margin="smooth")
    assert screening(finding)["category"] == "4A"


def test_fault_growing_ggn_below_30_mm_raised() -> None:
    assert screening(existing("ground_glass", 25, 20))["category"] == "2"
