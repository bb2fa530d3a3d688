"""The report as Comprehensive 3D SR (TID 1500, PS3.16), one TID 1411 group for each nodule.

Coordinates stand in patient space (SCOORD3D, with the frame of reference) and, for the axes, also
on the image they were drawn on (SCOORD), so that a viewer that knows only one of them can show
them. TID 1500, 1411 and 1419 are extensible: the two end points of an axis are added below its
number as INFERRED FROM. The object says PRELIMINARY until a reader has signed. It is never
VERIFIED: that needs an accountable organisation (PS3.3 C.17.2), which nobody has told us.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import highdicom.sr as hd
from pydicom import dcmwrite
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as standard
from pydicom.uid import Comprehensive3DSRStorage, ExplicitVRLittleEndian
from pydicom.valuerep import DT

from triage.outputs import codes, text, uids
from triage.outputs.images import SourceImage
from triage.outputs.nodule_group import nodule_group
from triage.outputs.report import RESEARCH_USE, Report, Stage

KIND: Final = "sr3d"
SOP_CLASS: Final = str(Comprehensive3DSRStorage)
SERIES_NUMBER: Final = 991
MANUFACTURER: Final = "triage"
_MODEL_NAME: Final = "triage lung nodule reader"
_CONTAINS = hd.RelationshipTypeValues.CONTAINS


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The object that this one replaces (PS3.3 C.17.2, Predecessor Documents Sequence)."""

    sop_uid: str
    series_uid: str
    study_uid: str


def sop_uid_of(report: Report) -> str:
    """SOP Instance UID of the SR of this report."""
    return uids.instance_uid(
        report.study_uid,
        report.series_uid,
        KIND,
        model=report.algorithm.identity,
        input_digest=report.input_digest,
        revision=report.revision,
    )


def build(
    report: Report,
    patient: Dataset,
    images: Sequence[SourceImage],
    *,
    station: str,
    instance_number: int = 1,
    predecessor: Predecessor | None = None,
) -> Dataset:
    """Make the SR.

    Parameters
    ----------
    report : Report
    patient : Dataset
        Patient and study modules of the source (`images.patient_and_study`).
    images : sequence of SourceImage
        Every instance that was looked at; at least one.
    station : str
        AE title of this installation, the name of the observing device.
    instance_number : int
        Which report of the study this is.
    predecessor : Predecessor, optional

    Returns
    -------
    Dataset
        With file meta information; the same arguments always give the same bytes.

    Raises
    ------
    ValueError
        The report is a draft: what nobody published or signed never becomes an object.
    """
    if report.stage is Stage.DRAFT:
        raise ValueError("a draft is not written")
    at = _local(report.written_at, patient)
    document = hd.Comprehensive3DSR(
        evidence=[_nameless(patient), *(_evidence(image, report.study_uid) for image in images)],
        content=_root(report, images, station),
        series_instance_uid=uids.output_series_uid(
            report.study_uid, KIND, report.algorithm.identity
        ),
        series_number=SERIES_NUMBER,
        sop_instance_uid=sop_uid_of(report),
        instance_number=instance_number,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=_MODEL_NAME,
        software_versions=report.software,
        device_serial_number=station,
        series_description="Lung nodules, research use only",
        is_complete=report.stage is Stage.FINAL,
        is_final=report.stage is Stage.FINAL,
        is_verified=False,
        previous_versions=None if predecessor is None else [_reference(predecessor)],
        coding_schemes=[codes.scheme()],
        specific_character_set="ISO_IR 192",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content_date=at.date(),
        content_time=at.time(),
    )
    document.PatientName = patient.PatientName
    document.InstanceCreationDate = document.ContentDate
    document.InstanceCreationTime = document.ContentTime
    for equipment in document.get("ContributingEquipmentSequence", []):
        equipment.ContributionDateTime = DT(at.replace(tzinfo=None))
    if "TimezoneOffsetFromUTC" in patient:
        document.TimezoneOffsetFromUTC = patient.TimezoneOffsetFromUTC
    return document


def encode(document: Dataset) -> bytes:
    """The bytes of the file (PS3.10), Explicit VR Little Endian."""
    buffer = io.BytesIO()
    dcmwrite(buffer, document, enforce_file_format=True)
    return buffer.getvalue()


def _local(at: datetime, patient: Dataset) -> datetime:
    """DICOM dates are local: the zone the study names, else the one of this machine."""
    offset = patient.get("TimezoneOffsetFromUTC")
    if offset:
        return at.astimezone(datetime.strptime(str(offset), "%z").tzinfo)
    return at.astimezone()


def _nameless(patient: Dataset) -> Dataset:
    """For highdicom, which warns of names of one component by printing them: no log holds names."""
    without = deepcopy(patient)
    without.PatientName = ""
    return without


def _evidence(image: SourceImage, study_uid: str) -> Dataset:
    item = Dataset()
    item.SOPClassUID, item.SOPInstanceUID = image.sop_class, image.sop_uid
    item.StudyInstanceUID, item.SeriesInstanceUID = study_uid, image.series_uid
    return item


def _reference(predecessor: Predecessor) -> Dataset:
    item = Dataset()
    item.SOPClassUID, item.SOPInstanceUID = SOP_CLASS, predecessor.sop_uid
    item.StudyInstanceUID = predecessor.study_uid
    item.SeriesInstanceUID = predecessor.series_uid
    return item


# ---------------------------------------------------------------- content tree


def _root(report: Report, images: Sequence[SourceImage], station: str) -> Any:
    """TID 1500 row by row; `hd.MeasurementReport` refuses a report without a finding."""
    root = hd.ContainerContentItem(
        name=standard.cid7021.ImagingMeasurementReport, template_id="1500"
    )
    root.ContentSequence = hd.ContentSequence()
    root.ContentSequence.extend(
        hd.LanguageOfContentItemAndDescendants(
            hd.CodedConcept(value="en", scheme_designator="RFC5646", meaning="English")
        )
    )
    root.ContentSequence.extend(_observers(report, station))
    root.ContentSequence.append(
        hd.CodeContentItem(
            name=standard.DCM.ProcedureReported,
            value=codes.CT_OF_CHEST,
            relationship_type=hd.RelationshipTypeValues.HAS_CONCEPT_MOD,
        )
    )
    if report.findings:
        measurements = _container(standard.DCM.ImagingMeasurements)
        for finding in report.findings:
            measurements.ContentSequence.extend(nodule_group(finding, report, images))
        root.ContentSequence.append(measurements)
    root.ContentSequence.append(_evaluations(report))
    return root


def _container(name: Any) -> Any:
    item = hd.ContainerContentItem(name=name, relationship_type=_CONTAINS)
    item.ContentSequence = hd.ContentSequence()
    return item


def _observers(report: Report, station: str) -> Any:
    """TID 1001: the device that marked, and after the signature the person who decided."""
    device = hd.DeviceObserverIdentifyingAttributes(
        uid=uids.device_uid(station, report.algorithm.digest),
        name=station,
        manufacturer_name=MANUFACTURER,
        model_name=report.algorithm.name or _MODEL_NAME,
        serial_number=report.algorithm.digest or None,
    )
    person = None
    if report.reader is not None:
        person = hd.ObserverContext(
            observer_type=standard.DCM.Person,
            observer_identifying_attributes=hd.PersonObserverIdentifyingAttributes(
                name=person_name(report.reader.name), login_name=report.reader.login
            ),
        )
    return hd.ObservationContext(
        observer_person_context=person,
        observer_device_context=hd.ObserverContext(
            observer_type=standard.DCM.Device, observer_identifying_attributes=device
        ),
    )


def person_name(words: str) -> str:
    """A display name as a PN value of one component (PS3.5 6.2), without its delimiters."""
    kept = words.translate(str.maketrans("^=\\", "   ")).strip()
    return f"{kept[:63]}^"


def _evaluations(report: Report) -> Any:
    """The container Qualitative Evaluations of TID 1500: what is said of the whole study."""
    container = _container(codes.QUALITATIVE_EVALUATIONS)
    said = container.ContentSequence
    said.append(_text(codes.COMMENT, RESEARCH_USE))
    said.append(_coded(codes.EXTENT, codes.EXTENTS[report.status.value]))
    summary = codes.CAD_SUMMARIES.get((report.status.value, bool(report.findings)))
    if report.stage is Stage.PRELIMINARY and summary is not None:
        said.append(_coded(codes.CAD_SUMMARY, summary))
    said.append(_text(codes.SUMMARY, text.result_sentence(report)))
    if text.left_out_words(report):
        said.append(_text(codes.LEFT_OUT, text.left_out_words(report)))
    if report.stage is Stage.FINAL:
        said.append(_text(codes.CONTEXT, text.context_words(report.context)))
    said.extend(_assessment(report))
    said.append(_text(codes.COMMENT, text.how_it_was_read(report)))
    return container


def _assessment(report: Report) -> list[Any]:
    items = []
    if report.assessment is not None:
        status, guideline = report.assessment["status"], str(report.assessment["guideline"])
        value = codes.NO_CATEGORY.get(status)
        if status == "ok":
            value = codes.category(guideline, str(report.assessment["category"]))
        items.append(_coded(codes.ASSESSMENT_CATEGORY, value))
    items += [_text(codes.CONCLUSION, line) for line in text.assessment_words(report)]
    advice = text.recommendation(report)
    return items + ([_text(codes.RECOMMENDATION, advice)] if advice else [])


def _text(name: Any, value: str) -> Any:
    return hd.TextContentItem(name=name, value=value, relationship_type=_CONTAINS)


def _coded(name: Any, value: Any) -> Any:
    return hd.CodeContentItem(name=name, value=value, relationship_type=_CONTAINS)
