"""What an assessment is made from: what is no date of a CT, or is not stated, is not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from tests.detect import small_chest
from tests.review.conftest import make_house
from triage import wiring
from triage.receive.importer import import_paths
from triage.receive.intake import Intake
from triage.review import assessment
from triage.review.assessment import inputs
from triage.store import reading_rows
from triage.store.files import Files
from triage.store.session import Store
from triage.store.tables import FindingRow, Result, Series, Study


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


# ---------------------------------------------------------------- how thick the slices are

# Slice Thickness (0018,0050) of four slices, what is known of the series, caution, for review.
THICKNESS: dict[str, tuple[list[str | None], float | None, bool | None, bool]] = {
    "thin": (["1.0", "1.0", "1.0", "1.0"], 1.0, False, False),
    "at the gate": (["1.5", "1.5", "1.5", "1.5"], 1.5, False, False),
    "above the gate": (["1.51", "1.51", "1.51", "1.51"], 1.51, True, True),
    "thick": (["5", "5", "5", "5"], 5.0, True, True),
    "one thicker than the others": (["1", "1", "2.5", "1"], 2.5, True, True),
    "one does not say": (["1", "1", None, "1"], None, None, False),
    "one says nothing": (["1", "1", "", "1"], None, None, False),
    "nought is no thickness": (["0", "0", "0", "0"], None, None, False),
    "none says": ([None, None, None, None], None, None, False),
}
INCIDENTAL = {
    "purpose": "incidental", "age_years": 61, "immunosuppressed": False, "known_cancer": False,
}  # fmt: skip


def take_in(store: Store, folder: Path, said: list[str | None]) -> None:
    """Import a series of four slices, and answer it with a confirmed nodule of 9 mm."""
    plane = small_chest.chest().hu[0]
    slices: list[Dataset] = [
        small_chest.slice_dataset(plane, z, SliceThickness=mm) for z, mm in enumerate(said)
    ]
    intake = Intake(store, Files(folder / "objects"), Files(folder / "quarantine"))
    import_paths(intake, [small_chest.write(folder / "in", slices)])
    ids = {"study_uid": small_chest.STUDY_UID, "series_uid": small_chest.SERIES_UID}
    with store.unit_of_work() as uow:
        uow.add(
            Result(
                id="r1", **ids, model_name="m", model_digest="0" * 64, runtime="onnx",
                input_digest="0" * 64, status="assessed", reasons=[], timings_s={},
            )
        )  # fmt: skip
        uow.flush()
        uow.add(
            FindingRow(
                finding_id="f1", **ids, result_id="r1", number=1, center_lps_mm=[0.0, 0.0, 0.0],
                long_mm=9.4, short_mm=8.8, solidity="solid", state="confirmed",
                tracking_uid="1.2.9", model_version="m", proposed={},
            )
        )  # fmt: skip
        uow.get_one(Study, small_chest.STUDY_UID).result_id = "r1"


def assessed(store: Store, folder: Path) -> dict[str, Any]:
    """What the page is told, by the rules that wiring puts in."""
    world = make_house(folder, store, assess=wiring.assess).services
    values = {name: {"value": value, "source": "reader"} for name, value in INCIDENTAL.items()}
    with store.reading() as uow:
        study = reading_rows.study(uow, small_chest.STUDY_UID)
        found = assessment.preliminary(uow, world, study, values)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", THICKNESS)
def test_thick_slices_are_a_caution_and_silence_is_no_answer(
    kind: str, any_store: Store, tmp_path: Path
) -> None:
    said, known, caution, for_review = THICKNESS[kind]
    take_in(any_store, tmp_path, said)
    with any_store.reading() as uow:
        assert reading_rows.slice_thickness_mm(uow, small_chest.SERIES_UID) == known
    found = assessed(any_store, tmp_path)
    assert found["category"] == "solid_single_gt8"
    assert (found["caution"], found["needs_review"]) == (caution, for_review)
    assert ("thick_slices" in [point["code"] for point in found["review"]]) is for_review


def test_only_the_slices_of_the_volume_count(store: Store, tmp_path: Path) -> None:
    take_in(store, tmp_path, ["1", "1", "5", "1"])  # the third one may be a localiser
    used = [small_chest.sop_uid(z) for z in (0, 1, 3)]
    with store.unit_of_work() as uow:
        uow.get_one(Series, small_chest.SERIES_UID).stream_info = {"sop_uids": used}
    assert assessed(store, tmp_path)["caution"] is False


def test_without_a_result_nothing_is_known(store: Store) -> None:
    nothing_read = Result(id="r1", series_uid=None)
    with store.reading() as uow:
        assert assessment.thickness_of(uow, None) is None
        assert assessment.thickness_of(uow, nothing_read) is None
        assert reading_rows.slice_thickness_mm(uow, "1.2.3") is None
