"""Reports and source images to build SRs of: a small CT series written for real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from triage.core.finding import Reason, ResultStatus
from triage.outputs.images import SourceImage
from triage.outputs.report import Algorithm, Reader, Report, Stage, reported
from triage.pathway import CT_IMAGE_STORAGE

STUDY, SERIES, FRAME = "1.2.826.0.1.1", "1.2.826.0.1.2", "1.2.826.0.1.3"
SPACING_MM, STEP_MM = (0.7, 0.7), 2.0
AT = datetime(2026, 11, 24, 8, 12, 5, tzinfo=UTC)
MODEL = Algorithm("nodule-s 0.1.0", "ab" * 32, "openvino")
READER = Reader("R. Reader", "reader", AT, 41, 1)
PARTLY = Reason("lung_not_covered", "the lung goes on below the last slice", SERIES)
THICK = Reason("slices_too_thick", "slices 5.0 mm, limit 3.0 mm", SERIES)
CONTEXT: dict[str, Any] = {
    "purpose": {"value": "screening_ldct", "source": "rule"},
    "prior_ct": {"value": "none", "source": "reader"},
    "lungs_fully_evaluable": {"value": True, "source": "reader"},
    "known_lung_cancer": {"value": False, "source": "order"},
}
CATEGORY_4A: dict[str, Any] = {
    "guideline": "Lung-RADS v2022", "status": "ok", "category": "4A", "category_printed": "4A",
    "dominant_finding": "f1", "management": "LDCT in 3 months", "needs_review": False,
    "reasons": [], "review": [],
}  # fmt: skip
REFUSED: dict[str, Any] = {
    "guideline": "Lung-RADS v2022", "status": "cannot_categorise", "category": None,
    "at_least": "3", "management": None, "needs_review": False, "review": [],
    "reasons": [{"code": "missing", "field": "exam.prior_ct",
                 "message": "cannot categorise, because prior CT is missing"}],
}  # fmt: skip


def sop_uid(index: int) -> str:
    """SOP Instance UID of a slice."""
    return f"1.2.826.0.1.4.{index + 1}"


def header(index: int) -> dict[str, Any]:
    """What the door keeps of a slice."""
    return {
        "image_position_patient": [-89.6, -89.6, -40.0 + STEP_MM * index],
        "image_orientation_patient": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        "pixel_spacing": list(SPACING_MM),
        "slice_thickness": STEP_MM,
        "frame_of_reference_uid": FRAME,
    }


def images(count: int = 12, **changes: Any) -> list[SourceImage]:
    """Slices of one axial series; `changes` replace header values of all."""
    return [
        SourceImage(sop_uid(k), CT_IMAGE_STORAGE, SERIES, {**header(k), **changes})
        for k in range(count)
    ]


def write_source(path: Path, character_set: str | list[str] = "ISO_IR 192", **values: Any) -> Path:
    """One CT slice as a file, with chosen patient and study values."""
    source = Dataset()
    source.SpecificCharacterSet = character_set
    source.SOPClassUID, source.SOPInstanceUID = CT_IMAGE_STORAGE, sop_uid(0)
    source.StudyInstanceUID, source.SeriesInstanceUID = STUDY, SERIES
    known = {
        "PatientName": "Phantom^A", "PatientID": "PH-1", "PatientBirthDate": "19590401",
        "PatientSex": "F", "PatientAge": "067Y", "StudyDate": "20261124", "StudyTime": "081200",
        "StudyID": "1", "AccessionNumber": "26-1", "ReferringPhysicianName": "Doe^Jane",
        "StudyDescription": "CT chest, low dose", "Modality": "CT",
    }  # fmt: skip
    with disable_value_validation():  # some values are wrong on purpose
        for keyword, value in {**known, **values}.items():
            setattr(source, keyword, value)
        source.file_meta = FileMetaDataset()
        source.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        source.save_as(path, enforce_file_format=True)
    return path


def finding_row(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A finding as the rows hold it: the machine's own, measured, on slice 5."""
    x, y, z = -20.5 + 10 * number, 13.25, -40.0 + 5 * STEP_MM
    seen: dict[str, Any] = {
        "center_lps_mm": [x, y, z],
        "long_mm": 9.4, "short_mm": 7.1,
        "long_axis_lps_mm": [[x - 4.7, y, z], [x + 4.7, y, z]],
        "short_axis_lps_mm": [[x + 0.3, y - 3.5, z], [x + 0.3, y + 3.6, z]],
        "solidity": "solid",
    }  # fmt: skip
    return {
        "finding_id": f"f{number}", "number": number, "tracking_uid": f"2.25.77{number}",
        "state": "pending", "series_uid": SERIES, "probability": 0.9731, "status": "baseline",
        "key_sop_uid": sop_uid(5), "volume_mm3": None, **seen, "proposed": dict(seen), **changes,
    }  # fmt: skip


def preliminary(rows: Sequence[dict[str, Any]] = (), **changes: Any) -> Report:
    """The machine's report."""
    base = Report(
        study_uid=STUDY, series_uid=SERIES, stage=Stage.PRELIMINARY,
        status=ResultStatus.ASSESSED, reasons=(),
        findings=tuple(reported(row) for row in rows),
        algorithm=MODEL, input_digest="cd" * 32, written_at=AT, software="0.1.0",
    )  # fmt: skip
    return replace(base, **changes)


def final(rows: Sequence[dict[str, Any]] = (), **changes: Any) -> Report:
    """The signed report."""
    known: dict[str, Any] = {
        "stage": Stage.FINAL,
        "reader": READER,
        "context": CONTEXT,
        "assessment": CATEGORY_4A,
        "findings": tuple(reported(row, "none") for row in rows),
    }
    return preliminary(**{**known, **changes})
