"""The text that would be signed: never "none" while a mark waits, the unknown said as such."""

from __future__ import annotations

from typing import Any

import pytest

from tests.outputs import reports
from tests.outputs.reports import final, finding_row, images
from triage.core.finding import ResultStatus
from triage.outputs import sr
from triage.outputs.images import patient_and_study
from triage.outputs.report import Report, Stage
from triage.outputs.spans import From
from triage.outputs.text import (
    assessment_words,
    context_words,
    examination_words,
    heading,
    how_it_was_read,
    plain_text,
    recommendation,
    result_sentence,
    sections,
)

NOT_EVALUABLE = {"lungs_fully_evaluable": {"value": False, "source": "reader"}}


def draft(rows: Any = (), undecided: int = 0, **changes: Any) -> Report:
    known: dict[str, Any] = {
        "stage": Stage.DRAFT, "reader": None, "left_out": {"undecided": undecided},
    }  # fmt: skip
    return final(rows, **{**known, **changes})


ACCEPTED = finding_row(state="confirmed")


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (draft(), "Whole lung assessed: no nodule found."),
        (draft(undecided=1), "Whole lung assessed: no nodule accepted so far, 1 mark undecided."),
        (draft([ACCEPTED]), "Whole lung assessed: 1 nodule."),
        (draft([ACCEPTED], 2), "Whole lung assessed: 1 nodule, 2 marks undecided."),
        (
            draft(provisional=True),
            "Assessed (provisional, more images may come): "
            "no nodule in the part that was assessed.",
        ),
        (
            draft(undecided=1, status=ResultStatus.PARTLY_ASSESSED, reasons=(reports.PARTLY,)),
            "Partly assessed (the lung goes on below the last slice): "
            "no nodule accepted so far, 1 mark undecided.",
        ),
        (
            draft(context=NOT_EVALUABLE, provisional=True),
            "Assessed (provisional, more images may come; "
            "the reader says that the lungs are not fully evaluable): "
            "no nodule in the part that was assessed.",
        ),
        (
            draft(status=ResultStatus.NOT_ASSESSED, reasons=(reports.THICK,)),
            "Not assessed by the algorithm: slices 5.0 mm, limit 3.0 mm.",
        ),
    ],
)
def test_none_is_said_only_of_a_whole_lung_with_every_mark_decided(
    report: Report, sentence: str
) -> None:
    assert result_sentence(report) == sentence


def test_a_category_is_preliminary_and_waits_for_every_decision() -> None:
    assert assessment_words(draft([ACCEPTED])) == [
        "Lung-RADS v2022 category 4A prelim., from finding 1."
    ]
    assert recommendation(draft([ACCEPTED])) == "LDCT in 3 months"
    waiting = draft([ACCEPTED], undecided=2)
    assert assessment_words(waiting) == ["No category: 2 marks are not decided yet."]
    assert recommendation(waiting) == ""
    assert assessment_words(draft([ACCEPTED], undecided=1)) == [
        "No category: 1 mark is not decided yet."
    ]


def test_a_category_without_a_finding_ends_with_one_full_stop() -> None:
    negative = {**reports.CATEGORY_4A, "category_printed": "1", "dominant_finding": None}
    assert assessment_words(draft(assessment=negative)) == ["Lung-RADS v2022 category 1 prelim."]
    assert assessment_words(final(assessment=negative)) == ["Lung-RADS v2022 category 1."]


def test_a_draft_says_that_it_is_one() -> None:
    assert heading(draft()) == "Chest CT, lung nodules: preliminary until signed"
    assert heading(draft(amends=2)).endswith("until signed, amendment 2 of a signed report")
    assert how_it_was_read(draft()).endswith("Not signed.")
    assert plain_text(draft()).startswith(heading(draft()))


def test_a_draft_never_becomes_an_object(tmp_path: Any) -> None:
    patient = patient_and_study(reports.write_source(tmp_path / "source.dcm"))
    with pytest.raises(ValueError, match="draft"):
        sr.build(draft(), patient, images(), station="TRIAGE")


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({}, "Purpose: not known"),
        ({"purpose": {"value": None, "source": "reader"}}, "Purpose: not known"),
        ({"purpose": {"value": "other", "source": "order"}}, "Purpose: other (order)"),
        (
            {"purpose": {"value": "incidental", "source": "rule"},
             "age_years": {"value": 67, "source": "order"},
             "prior_ct": {"value": "being_located", "source": "reader"}},
            "Purpose: incidental (rule); prior CT: being located (reader); "
            "age in years: 67 (order); risk of lung cancer: not known; "
            "immunosuppressed: not known; any known cancer: not known",
        ),
        (
            {"purpose": {"value": "screening_ldct", "source": "rule"},
             "significant_other_finding": {"value": True, "source": "reader"}},
            "Purpose: lung cancer screening (rule); prior CT: not known; "
            "lungs fully evaluable: not known; inflammation or infection suspected: not known; "
            "known lung cancer: not known; other significant finding: yes (reader)",
        ),
        ({"purpose": {"value": "not in the list", "source": "rule"}},
         "Purpose: not in the list (rule)"),
    ],
)  # fmt: skip
def test_what_is_needed_and_not_known_is_said_to_be_not_known(
    context: dict[str, Any], words: str
) -> None:
    assert context_words(context) == words


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (("CT chest, low dose", "20261124", "081205.5"), "CT chest, low dose, 24 Nov 2026 08:12"),
        (("CT  chest\n", "20261124", ""), "CT chest, 24 Nov 2026"),
        (("", "", ""), "CT, study description not known, date not known"),
        (("CT", "20261324", "0812"), "CT, date not known"),
        (("CT", "20261124", "8:12"), "CT, 24 Nov 2026"),
    ],
)
def test_what_was_examined_and_when(said: tuple[str, str, str], words: str) -> None:
    assert examination_words(*said) == words


def test_every_value_names_its_source() -> None:
    report = draft([finding_row(state="corrected", lobe="left_lower")])
    spans = [s for part in sections(report) for line in part.lines for s in line.spans if s.source]
    sources = {
        (s.source.kind, s.source.name, s.source.field): s.text for s in spans if s.source
    }  # fmt: skip
    assert sources[From.FINDING, "f1", "mean_mm"] == "8.3 mm"
    assert sources[From.FINDING, "f1", "lobe"] == "left lower lobe"
    assert sources[From.CONTEXT, "prior_ct", None] == "none (reader)"
    assert sources[From.FINDING, "f1", None] == "finding 1"
    assert sources[From.RESULT, None, None] == "Whole lung assessed: 1 nodule."
    assert {"4A prelim.", "LDCT in 3 months"} <= {
        s.text for s in spans if s.source and s.source.kind is From.ASSESSMENT
    }


def test_the_plain_text_is_the_sections() -> None:
    report = draft([ACCEPTED], undecided=1)
    lines = plain_text(report, "CT chest, 24 Nov 2026").splitlines()
    for part in sections(report, "CT chest, 24 Nov 2026"):
        at = lines.index(part.title)
        assert lines[at + 1 : at + 1 + len(part.lines)] == [line.text for line in part.lines]
    assert "Marks left out: 1 undecided." in lines
    assert "CT chest, 24 Nov 2026." in lines
