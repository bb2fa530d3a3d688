"""The report in words: the same as the SR, honest in every state, each value with its source."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from tests.outputs import reports
from tests.review.conftest import House
from tests.review.seed import Case
from triage.core.finding import ResultStatus, StudyState
from triage.core.work import Call
from triage.outputs import codes, sr
from triage.outputs.tools import write_final_sr
from triage.pathway import CT_IMAGE_STORAGE, SIGNED
from triage.rules import study as rules
from triage.store import output_rows, reading_rows
from triage.store.tables import Association, Instance

THICK = {"code": "slices_too_thick", "message": "slices 5.0 mm, limit 3.0 mm", "series_uid": None}
SCREENING = {
    "purpose": "screening_ldct", "prior_ct": "none", "known_lung_cancer": False,
    "lungs_fully_evaluable": True, "inflammatory_infectious_suspected": False,
}  # fmt: skip


def report_of(house: House, uid: str) -> dict[str, Any]:
    answer = house.reader.get(f"/api/studies/{uid}/report")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def lines_of(report: dict[str, Any], name: str) -> list[str]:
    """Lines of a section as they read; none when it is not there."""
    return [
        "".join(span["text"] for span in line["spans"])
        for section in report["sections"]
        if section["name"] == name
        for line in section["lines"]
    ]


def with_rules(house: House) -> House:
    def assess(inputs: Any) -> Any:
        return rules.assess(inputs["context"], inputs["findings"])

    object.__setattr__(house.services, "assess", assess)
    return house


def answer(house: House, uid: str, **context: Any) -> None:
    assert house.reader.put(f"/api/studies/{uid}/context", json=context).status_code == 200


def decide(house: House, uid: str) -> None:
    """Accept the ball, reject the doubtful mark."""
    one, two = house.get(uid)["findings"]
    assert house.decide(one, "confirm").status_code == 200
    assert house.decide(two, "reject", reason="vessel").status_code == 200


def sign(house: House, uid: str) -> None:
    assert house.reader.post(f"/api/studies/{uid}/sign", json={}).status_code == 200


def test_undecided_marks_are_no_findings_and_give_no_category(house: House) -> None:
    uid = with_rules(house).study()
    answer(house, uid, **SCREENING)
    report = report_of(house, uid)
    assert (report["stage"], report["amendment"], report["undecided"]) == ("preliminary", 0, 2)
    assert lines_of(report, "findings") == [
        "Whole lung assessed: no nodule accepted so far, 2 marks undecided.",
        "Marks left out: 2 undecided.",
    ]
    assert lines_of(report, "assessment") == ["No category: 2 marks are not decided yet."]
    assert lines_of(report, "recommendation") == []
    assert report["heading"].endswith("preliminary until signed")
    assert report["text"].startswith(report["heading"])
    assert "no nodule found" not in report["text"]


def test_decided_findings_give_a_preliminary_category(house: House) -> None:
    uid = with_rules(house).study()
    answer(house, uid, **SCREENING)
    decide(house, uid)
    report = report_of(house, uid)
    assert report["undecided"] == 0
    found = lines_of(report, "findings")
    assert found[0] == "Whole lung assessed: 1 nodule."
    assert found[1].startswith("Solid nodule, lobe not known: 12.0 × 12.0 mm, mean 12.0 mm")
    assert found[2] == "Marks left out: 1 rejected."
    assert lines_of(report, "assessment") == [
        "Lung-RADS v2022 category 4A prelim., from finding 1."
    ]
    assert lines_of(report, "recommendation") == [house.get(uid)["assessment"]["management"]]


def test_missing_context_is_named_and_never_assumed(house: House) -> None:
    uid = with_rules(house).study()
    decide(house, uid)
    report = report_of(house, uid)
    assert lines_of(report, "examination") == [
        "CT chest, low dose, 24 Nov 2026 08:12.", "Purpose: not known.",
    ]  # fmt: skip
    assert any("purpose is missing" in line for line in lines_of(report, "assessment"))
    answer(house, uid, purpose="screening_ldct", prior_ct="none")
    [_, said] = lines_of(report_of(house, uid), "examination")
    assert "prior CT: none (reader); lungs fully evaluable: not known" in said
    assert lines_of(report_of(house, uid), "recommendation") == []


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        (Case("Phantom^L", "PH-1"), "Whole lung assessed: no nodule found."),
        (
            Case("Phantom^G", "PH-2", status=ResultStatus.NOT_ASSESSED, reasons=(THICK,)),
            "Not assessed by the algorithm: slices 5.0 mm, limit 3.0 mm.",
        ),
        (
            Case("Phantom^P", "PH-3", status=ResultStatus.PARTLY_ASSESSED, reasons=(THICK,)),
            "Partly assessed (slices 5.0 mm, limit 3.0 mm): "
            "no nodule in the part that was assessed.",
        ),
        (
            Case("Phantom^Q", "PH-4", status=None),
            "Not assessed by the algorithm: no algorithm has looked at this study.",
        ),
        (
            Case("Phantom^R", "PH-5", StudyState.RUNNING, published=False),
            "Assessed (provisional, more images may come): "
            "no nodule in the part that was assessed.",
        ),
    ],
)
def test_without_findings_the_text_says_how_much_was_looked_at(
    house: House, case: Case, sentence: str
) -> None:
    uid = house.study(case)
    report = report_of(house, uid)
    assert lines_of(report, "findings") == [sentence]
    assert sentence in report["text"].splitlines()


def test_after_signing_it_is_what_was_signed(house: House) -> None:
    uid = with_rules(house).study()
    answer(house, uid, **SCREENING)
    decide(house, uid)
    before = report_of(house, uid)
    sign(house, uid)
    after = report_of(house, uid)
    assert (after["stage"], after["amendment"], after["signed_by"]) == (
        "final", 0, "a-radiologist",
    )  # fmt: skip
    assert after["heading"].endswith("final, signed by a-radiologist")
    # Nothing but the stage changes: the reader signed what stood there.
    for name in ("examination", "findings", "recommendation"):
        assert lines_of(after, name) == lines_of(before, name)
    assert lines_of(after, "assessment") == ["Lung-RADS v2022 category 4A, from finding 1."]


def test_an_act_after_signing_makes_the_text_of_an_amendment(house: House) -> None:
    uid = with_rules(house).study()
    decide(house, uid)
    sign(house, uid)
    one = house.get(uid)["findings"][0]
    house.decide(one, "reject", reason="scar")
    amending = report_of(house, uid)
    assert (amending["stage"], amending["amendment"]) == ("preliminary", 1)
    assert amending["signed_by"] is None
    assert lines_of(amending, "findings")[0] == "Whole lung assessed: no nodule found."
    sign(house, uid)
    amended = report_of(house, uid)
    assert (amended["stage"], amended["amendment"]) == ("final", 1)
    assert amended["heading"].endswith("amendment 1")


def test_a_study_nobody_looked_at_is_signed_as_such(house: House) -> None:
    uid = house.study(Case("Phantom^Q", "PH-4", status=None))
    sign(house, uid)
    report = report_of(house, uid)
    assert report["stage"] == "final"
    assert "Not assessed by the algorithm" in report["text"]
    assert "no algorithm: none could look" in report["text"]


def test_values_lead_to_their_sources(house: House) -> None:
    uid = with_rules(house).study()
    answer(house, uid, **SCREENING)
    decide(house, uid)
    finding = house.get(uid)["findings"][0]["finding_id"]
    report = report_of(house, uid)
    described = [line for s in report["sections"] for line in s["lines"] if line["finding_id"]]
    assert [(line["finding_id"], line["number"]) for line in described] == [(finding, 1)]
    sources = [
        (span["text"], span["source"])
        for section in report["sections"]
        for line in section["lines"]
        for span in line["spans"]
        if span["source"]
    ]
    assert ("12.0 mm", {"kind": "finding", "name": finding, "field": "mean_mm"}) in sources
    assert ("none (reader)", {"kind": "context", "name": "prior_ct", "field": None}) in sources
    assert ("4A prelim.", {"kind": "assessment", "name": None, "field": None}) in sources


def test_part_solid_says_what_is_measured_of_it_and_what_is_not(house: House) -> None:
    uid = with_rules(house).study()
    answer(house, uid, **SCREENING)
    decide(house, uid)
    done = house.decide(house.get(uid)["findings"][0], "correct", solidity="part_solid").json()
    report = report_of(house, uid)
    assert "solid component not measured" in lines_of(report, "findings")[1]
    assert any("cannot categorise" in line for line in lines_of(report, "assessment"))
    house.decide(done, "correct", solid_long_mm=7.0, solid_short_mm=6.5)
    report = report_of(house, uid)
    assert "solid component 7.0 × 6.5 mm" in lines_of(report, "findings")[1]
    # Mean of the solid component 6.75, rounded to 6.8: 6 to below 8 mm is 4A.
    assert "category 4A prelim." in lines_of(report, "assessment")[0]


def test_a_signed_study_without_a_signature_is_not_made_up(house: House) -> None:
    uid = house.study(Case("Phantom^S", "PH-6", StudyState.SIGNED))
    refused = house.reader.get(f"/api/studies/{uid}/report")
    assert (refused.status_code, refused.json()["code"]) == (404, "no_such_signature")


def test_an_unknown_study_has_no_report(house: House) -> None:
    assert house.reader.get("/api/studies/1.2.3/report").status_code == 404


# ---------------------------------------------------------------- the same words as the SR


def keep_images(house: House, uid: str, folder: Path) -> None:
    """Store a few instances of the study, as the door does: an SR needs what it speaks of."""
    with house.store.unit_of_work() as uow:
        [series] = reading_rows.series_of(uow, uid)
        uow.add(Association(id="a", door="import"))
        uow.flush()
        for k in range(3):
            path = reports.write_source(
                folder / "slice.dcm", StudyInstanceUID=uid, SeriesInstanceUID=series.series_uid,
                SOPInstanceUID=reports.sop_uid(k), InstanceNumber=k + 1,
            )  # fmt: skip
            uow.add(
                Instance(
                    sop_uid=reports.sop_uid(k), series_uid=series.series_uid, study_uid=uid,
                    sop_class=CT_IMAGE_STORAGE, transfer_syntax="1.2.840.10008.1.2.1",
                    digest=house.services.files.put(path.read_bytes()), size=1,
                    header=reports.header(k), association_id="a",
                )
            )  # fmt: skip


def sr_texts(house: House, uid: str) -> list[str]:
    """What the SR of the last signature says in words, made by the tool that makes it."""
    with house.store.reading() as uow:
        event = reading_rows.last_signing(uow, uid)
        assert event is not None
        seq = event.seq
    tool = write_final_sr(house.store, house.services.files, "TRIAGE", ())
    done = tool.run({SIGNED: {"event": seq, "key": str(seq)}}, Call(uid, "plan", "task"))
    assert done.ok, done.message
    with house.store.reading() as uow:
        row = output_rows.outputs_of(uow, uid, sr.KIND)[-1]
        document = dcmread(BytesIO(house.services.files.read(row.digest)))
    [said] = [
        item for item in document.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeValue == codes.QUALITATIVE_EVALUATIONS.value
    ]  # fmt: skip
    return [str(item.TextValue) for item in said.ContentSequence if item.ValueType == "TEXT"]


def test_every_text_item_of_the_sr_stands_in_the_text_of_the_page(
    house: House, tmp_path: Path
) -> None:
    uid = with_rules(house).study()
    keep_images(house, uid, tmp_path)
    answer(house, uid, **SCREENING)
    decide(house, uid)
    sign(house, uid)
    page = report_of(house, uid)["text"].splitlines()
    texts = sr_texts(house, uid)
    # Research use, summary, left out, context, conclusion, recommendation, how it was read.
    assert len(texts) == 7
    # The context is a sentence on the page and a value in the SR.
    assert [text for text in texts if text not in page and f"{text}." not in page] == []
