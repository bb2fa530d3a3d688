"""The report in words: the same numbers as the SR, and "none" only where it is true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.outputs import reports
from tests.outputs.reports import final, finding_row, images, preliminary
from triage.core.finding import ResultStatus
from triage.outputs import codes, sr
from triage.outputs.finding_text import finding_words, likelihood_words
from triage.outputs.images import patient_and_study
from triage.outputs.report import RESEARCH_USE, Report, reported
from triage.outputs.text import plain_text, result_sentence
from triage.review.axes import mean_mm
from triage.rules.fleischner_tables import EDITION as FLEISCHNER
from triage.rules.lungrads_tables import EDITION as LUNG_RADS

NOT_EVALUABLE = {"lungs_fully_evaluable": {"value": False, "source": "reader"}}


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (preliminary(), "Whole lung assessed: no nodule found."),
        (preliminary([finding_row()]), "Whole lung assessed: 1 mark."),
        (preliminary([finding_row(1), finding_row(2)]), "Whole lung assessed: 2 marks."),
        (final([finding_row(state="confirmed")]), "Whole lung assessed: 1 nodule."),
        (
            preliminary(status=ResultStatus.PARTLY_ASSESSED, reasons=(reports.PARTLY,)),
            "Partly assessed (the lung goes on below the last slice): "
            "no mark in the part that was assessed.",
        ),
        (
            final(status=ResultStatus.PARTLY_ASSESSED, reasons=(reports.PARTLY,)),
            "Partly assessed (the lung goes on below the last slice): "
            "no nodule in the part that was assessed.",
        ),
        (
            final(context=NOT_EVALUABLE),
            "Assessed (the reader says that the lungs are not fully evaluable): "
            "no nodule in the part that was assessed.",
        ),
        (
            preliminary(status=ResultStatus.NOT_ASSESSED, reasons=(reports.THICK,)),
            "Not assessed by the algorithm: slices 5.0 mm, limit 3.0 mm.",
        ),
        (
            preliminary(status=ResultStatus.NOT_ASSESSED),
            "Not assessed by the algorithm: reason not known.",
        ),
        (
            final(
                [finding_row(state="added")],
                status=ResultStatus.NOT_ASSESSED,
                reasons=(reports.THICK,),
            ),
            "Not assessed by the algorithm: slices 5.0 mm, limit 3.0 mm. "
            "1 nodule added by the reader.",
        ),
    ],
)
def test_what_was_looked_at_and_what_was_seen(report: Report, sentence: str) -> None:
    assert result_sentence(report) == sentence


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {},
            "Solid nodule, lobe not known: 9.4 × 7.1 mm, mean 8.3 mm. Nodule: very likely 97.31 %.",
        ),
        (
            {"state": "corrected", "lobe": "left_lower", "long_mm": 10.0, "short_mm": 8.0},
            "Solid nodule, left lower lobe: 10.0 × 8.0 mm, mean 9.0 mm. "
            "Nodule: very likely 97.31 %. Corrected.",
        ),
        (
            {
                "solidity": "part_solid", "solid_long_mm": 4.0, "solid_short_mm": 3.25,
                "volume_mm3": 214.5, "margin": "spiculated", "calcification": "none",
                "status": "new", "state": "added", "probability": None,
            },
            "Part-solid nodule, spiculated margin, no calcification, lobe not known: "
            "9.4 × 7.1 mm, mean 8.3 mm, 214.5 mm³, solid component 4.0 × 3.25 mm. "
            "Compared with prior: new. Added by the reader.",
        ),
        (
            {"solidity": "part_solid"},
            "Part-solid nodule, lobe not known: 9.4 × 7.1 mm, mean 8.3 mm, "
            "solid component not measured. Nodule: very likely 97.31 %.",
        ),
        (
            {"solidity": None, "long_mm": None, "short_mm": None, "probability": 0.299},
            "Nodule, solidity not known, lobe not known: size not measured. "
            "Nodule: unlikely 29.9 %.",
        ),
    ],
)  # fmt: skip
def test_a_nodule_in_words(changes: dict[str, Any], words: str) -> None:
    assert finding_words(reported(finding_row(**changes))) == words


@pytest.mark.parametrize(
    ("probability", "word"),
    [(1.0, "very likely"), (0.9, "very likely"), (0.8999, "likely"), (0.6, "likely"),
     (0.3, "possible"), (0.2999, "unlikely"), (0.0, "unlikely")],
)  # fmt: skip
def test_bands_of_likelihood(probability: float, word: str) -> None:
    said = likelihood_words(reported(finding_row(probability=probability)))
    assert said.startswith(f"Nodule: {word} ")
    assert "cancer" not in said


@given(st.floats(0.1, 300.0), st.floats(0.1, 300.0))
def test_the_mean_is_the_one_of_the_reading_page(one: float, two: float) -> None:
    finding = reported(finding_row(long_mm=max(one, two), short_mm=min(one, two)))
    assert finding.mean_mm == mean_mm(max(one, two), min(one, two))


def test_the_whole_text_in_its_order() -> None:
    rows = [finding_row(state="confirmed", lobe="right_upper")]
    report = final(rows, left_out={"rejected": 2, "dismissed": 0})
    assert plain_text(report).splitlines() == [
        "Chest CT, lung nodules: final, signed by R. Reader",
        RESEARCH_USE,
        "",
        "Examination",
        "Purpose: lung cancer screening (rule); prior CT: none (reader); "
        "lungs fully evaluable: yes (reader); "
        "inflammation or infection suspected: not known; known lung cancer: no (order).",
        "",
        "Findings",
        "Whole lung assessed: 1 nodule.",
        "1. Solid nodule, right upper lobe: 9.4 × 7.1 mm, mean 8.3 mm. "
        "Baseline, no prior CT. Nodule: very likely 97.31 %. Confirmed.",
        "Marks left out: 2 rejected.",
        "",
        "Assessment",
        "Lung-RADS v2022 category 4A, from finding 1.",
        "",
        "Recommendation",
        "LDCT in 3 months",
        "",
        "How it was read",
        "Marks by nodule-s 0.1.0 (abababababab), triage 0.1.0. "
        "Reader: R. Reader, 24 Nov 2026 08:12 UTC.",
    ]


def test_an_amendment_says_so() -> None:
    again = replace(reports.READER, revision=3)
    assert plain_text(final(reader=again)).startswith(
        "Chest CT, lung nodules: final, signed by R. Reader, amendment 2\n"
    )


def test_a_refusal_names_its_reason_and_gives_no_recommendation() -> None:
    said = plain_text(final(assessment=reports.REFUSED))
    assert "Lung-RADS v2022: cannot categorise, because prior CT is missing." in said
    assert "At least category 3." in said
    assert "Recommendation" not in said


def test_a_preliminary_text_has_no_category_and_no_reader() -> None:
    said = plain_text(preliminary([finding_row()]))
    assert "confirmed by no reader" in said
    assert "No category: a reader has not decided these marks." in said
    assert "Reader:" not in said


def test_every_guideline_has_its_code_prefix() -> None:
    assert set(codes.GUIDELINES) == {LUNG_RADS, FLEISCHNER}


def test_every_number_of_the_text_stands_in_the_sr(tmp_path: Path) -> None:
    row = finding_row(state="confirmed", volume_mm3=214.5)
    report = final([row])
    patient = patient_and_study(reports.write_source(tmp_path / "source.dcm"))
    document = sr.build(report, patient, images(), station="TRIAGE")
    numbers = {f"{float(e.value):g}" for e in document.iterall() if e.keyword == "NumericValue"}
    assert numbers == {"9.4", "7.1", "8.3", "214.5", "97.31"}
    said = finding_words(report.findings[0])
    assert all(number in said for number in numbers)
