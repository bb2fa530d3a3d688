"""From a header to the rows of study, series and instance; texts are cut to what columns hold."""

from __future__ import annotations

from typing import Any

from triage.receive.classes import DEFLATED
from triage.receive.header import Header
from triage.store.intake_rows import Entry


def entry_of(header: Header, association_id: str, digest: str, size: int, head_bytes: int) -> Entry:
    """Rows of one header.

    Parameters
    ----------
    header : Header
    association_id, digest : str
    size, head_bytes : int
        Bytes of the stored file, and of its head: where the data set starts.

    Returns
    -------
    Entry
    """
    instance: dict[str, Any] = {
        "sop_uid": header.sop_uid,
        "series_uid": header.series_uid,
        "study_uid": header.study_uid,
        "sop_class": header.sop_class,
        "transfer_syntax": header.transfer_syntax,
        "digest": digest,
        "size": size,
        "header": header.instance_json() | _pixel_place(header, head_bytes),
        "association_id": association_id,
    }
    return Entry(_study(header), _series(header), instance, header.is_read)


def _pixel_place(header: Header, head_bytes: int) -> dict[str, Any]:
    """Where the pixel data lies in the stored file; not known inside a deflated data set."""
    pixel_data = header.pixel_data
    if pixel_data is None or header.transfer_syntax == DEFLATED:
        return {}
    return {
        "pixel_offset": head_bytes + pixel_data.start,
        "pixel_length": pixel_data.length,
        "encapsulated": pixel_data.encapsulated,
    }


def _study(header: Header) -> dict[str, Any]:
    return {
        "study_uid": header.study_uid,
        "patient_id": header.text("PatientID"),
        "issuer": header.text("IssuerOfPatientID"),
        "patient_name": header.text("PatientName", 324),
        "patient_sex": header.text("PatientSex", 16),
        "patient_age": header.text("PatientAge", 4),
        "patient_birth_date": header.text("PatientBirthDate", 8),
        "accession": header.text("AccessionNumber"),
        "study_date": header.text("StudyDate", 8),
        "study_time": header.text("StudyTime", 16),
        "description": header.text("StudyDescription"),
        "procedure_code": header.procedure_code,
        "referring_physician": header.text("ReferringPhysicianName", 324),
        "state": "receiving",
        "state_reason": "" if header.is_read else "no image that is read has arrived yet",
    }


def _series(header: Header) -> dict[str, Any]:
    return {
        "series_uid": header.series_uid,
        "study_uid": header.study_uid,
        "modality": header.text("Modality", 16),
        "number": header.number("SeriesNumber"),
        "description": header.text("SeriesDescription"),
        "kernel": header.text("ConvolutionKernel"),
        "manufacturer": header.text("Manufacturer"),
        "body_part": header.text("BodyPartExamined", 16),
    }
