"""What an assessment is made from: a date that is none of a CT is not known."""

from __future__ import annotations

import pytest

from triage.review.assessment import inputs
from triage.store.tables import Study


@pytest.mark.parametrize(
    ("study_date", "exam_date"),
    [
        ("20261124", "2026-11-24"),
        ("20000229", "2000-02-29"),
        ("19710101", "1971-01-01"),
        ("19001231", None),
        ("20261324", None),
        ("2026.11.24", None),
        ("", None),
    ],
)
def test_the_exam_date_is_the_study_date_or_not_known(
    study_date: str, exam_date: str | None
) -> None:
    study = Study(study_uid="1.2.3", study_date=study_date)
    assert inputs(study, None, [], {})["exam_date"] == exam_date
