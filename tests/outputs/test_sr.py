"""The SR: valid by dciodvfy, rendered by dcmtk, and every number read back as it went in."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import highdicom.sr as hd
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from tests.outputs import reports
from tests.outputs.reports import final, finding_row, images, preliminary
from tests.way.product import truth_of
from triage.core.finding import ResultStatus
from triage.outputs import codes, sr
from triage.outputs.images import patient_and_study
from triage.outputs.report import Algorithm, Report

# A warning of a library may carry a patient's name into the log: there are none.
pytestmark = pytest.mark.filterwarnings("error")
VALIDATOR = str(Path(sys.executable).parent / "dciodvfy")
BEFORE = sr.Predecessor("1.2.826.0.9.1", "1.2.826.0.9", reports.STUDY)
ADDED: dict[str, Any] = {
    "state": "added", "probability": None, "proposed": {}, "solidity": None,
    "key_sop_uid": None, "lobe": "left_lower",
}  # fmt: skip
PART_SOLID: dict[str, Any] = {
    "state": "corrected", "solidity": "part_solid", "solid_long_mm": 6.3, "solid_short_mm": 5.2,
    "lobe": "right_middle", "margin": "spiculated", "calcification": "none", "volume_mm3": 214.5,
    "juxtapleural_shape": "lentiform", "long_mm": 11.2, "short_mm": 8.8,
}  # fmt: skip
UNMEASURED: dict[str, Any] = {
    "long_mm": None, "short_mm": None, "long_axis_lps_mm": None, "short_axis_lps_mm": None,
    "solidity": None,
}  # fmt: skip
NOBODY = Algorithm("", "", "")

CASES: dict[str, tuple[Report, dict[str, Any], sr.Predecessor | None]] = {
    "no findings": (preliminary(), {}, None),
    "one mark": (preliminary([finding_row()]), {}, None),
    "several": (preliminary([finding_row(k) for k in range(1, 8)]), {}, None),
    "not measured": (preliminary([finding_row(**UNMEASURED)]), {}, None),
    "partly assessed, none": (
        preliminary(status=ResultStatus.PARTLY_ASSESSED, reasons=(reports.PARTLY,)),
        {},
        None,
    ),
    "partly assessed, one": (
        preliminary(
            [finding_row()], status=ResultStatus.PARTLY_ASSESSED, reasons=(reports.PARTLY,)
        ),
        {},
        None,
    ),
    "not assessed": (
        preliminary(
            status=ResultStatus.NOT_ASSESSED, reasons=(reports.THICK,), algorithm=NOBODY,
            series_uid=None,
        ),
        {},
        None,
    ),
    "non-ASCII name": (preliminary([finding_row()]), {"PatientName": "体模^甲"}, None),
    "three name groups": (
        preliminary(),
        {"PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう"},
        None,
    ),
    "name of one component": (preliminary(), {"PatientName": "LUNGx-CT003"}, None),
    "final": (final([finding_row(state="confirmed")]), {}, BEFORE),
    "final, part-solid with size": (final([finding_row(**PART_SOLID)]), {}, BEFORE),
    "final, added": (final([finding_row(**ADDED)]), {}, BEFORE),
    "final, none left": (final(left_out={"rejected": 3, "dismissed": 1}), {}, BEFORE),
    "final, cannot categorise": (
        final([finding_row(state="confirmed")], assessment=reports.REFUSED),
        {},
        BEFORE,
    ),
    "final, no guideline": (final(assessment=None), {}, BEFORE),
    "amendment": (
        final(
            [finding_row(state="corrected", long_mm=12.3, short_mm=8.2)],
            reader=replace(reports.READER, event=77, revision=2),
        ),
        {},
        BEFORE,
    ),
    "bad header values": (
        preliminary([finding_row()]),
        {"PatientSex": "X", "PatientBirthDate": "1959.04", "PatientAge": "67", "StudyTime": "8am"},
        None,
    ),
}  # fmt: skip


def build(
    report: Report,
    tmp_path: Path,
    predecessor: sr.Predecessor | None = None,
    /,
    **values: Any,
) -> bytes:
    patient = patient_and_study(reports.write_source(tmp_path / "source.dcm", **values))
    return sr.encode(sr.build(report, patient, images(), station="TRIAGE", predecessor=predecessor))


def parsed(written: bytes) -> hd.Comprehensive3DSR:
    return hd.Comprehensive3DSR.from_dataset(dcmread(BytesIO(written)))


def groups_of(written: bytes) -> list[Any]:
    content: Any = parsed(written).content
    return list(content.get_volumetric_roi_measurement_groups())


def number(group: Any, name: Any) -> Any:
    [found] = group.get_measurements(name=name)
    return found


def words(dataset: Dataset) -> list[str]:
    """Every text value of the document."""
    return [str(e.value) for e in dataset.iterall() if e.keyword == "TextValue"]


def evaluations(dataset: Dataset) -> dict[str, str]:
    """Coded answers about the whole study: concept meaning to code value."""
    [container] = [
        item
        for item in dataset.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeMeaning == "Qualitative Evaluations"
    ]
    return {
        item.ConceptNameCodeSequence[0].CodeMeaning: str(
            item.ConceptCodeSequence[0].get("CodeValue")
            or item.ConceptCodeSequence[0].LongCodeValue
        )
        for item in container.ContentSequence
        if item.ValueType == "CODE"
    }


# ---------------------------------------------------------------- valid


@pytest.mark.parametrize("case", CASES)
def test_no_error_by_dciodvfy_and_rendered_by_dcmtk(case: str, tmp_path: Path) -> None:
    report, values, predecessor = CASES[case]
    path = tmp_path / "sr.dcm"
    path.write_bytes(build(report, tmp_path, predecessor, **values))
    said = subprocess.run([VALIDATOR, str(path)], capture_output=True, text=True, check=False)
    assert "Error" not in said.stderr + said.stdout, said.stderr
    assert "Comprehensive3DSR" in said.stderr + said.stdout
    for program in ("dsrdump", "dsr2html"):
        shown = subprocess.run([program, str(path)], capture_output=True, check=False)
        assert shown.returncode == 0, shown.stderr
        assert b"Research use only" in shown.stdout


@pytest.mark.real
@pytest.mark.parametrize("case", ["LIDC-IDRI-0001", "LIDC-IDRI-0050", "LUNGx-CT003"])
def test_headers_of_real_scanners_make_valid_reports(
    case: str, shared_data: Path, tmp_path: Path
) -> None:
    _, truth = truth_of(shared_data, case)
    with zipfile.ZipFile(shared_data / truth["file"]) as archive:
        name = next(one for one in archive.namelist() if not one.endswith("/"))
        source = Path(archive.extract(name, tmp_path))
    patient = patient_and_study(source)
    report = replace(final([finding_row(state="confirmed")]), study_uid=patient.StudyInstanceUID)
    path = tmp_path / "sr.dcm"
    path.write_bytes(sr.encode(sr.build(report, patient, images(), station="TRIAGE")))
    said = subprocess.run([VALIDATOR, str(path)], capture_output=True, text=True, check=False)
    assert "Error" not in said.stderr + said.stdout, said.stderr
    assert dcmread(path).PatientID == truth["patient"]


# ---------------------------------------------------------------- read back


def test_every_number_comes_back_exactly(tmp_path: Path) -> None:
    row = finding_row(**PART_SOLID)
    [group] = groups_of(build(final([row]), tmp_path))
    expected = {
        codes.LONG_AXIS: (11.2, "mm"),
        codes.SHORT_AXIS: (8.8, "mm"),
        codes.DIAMETER: (10.0, "mm"),
        codes.VOLUME: (214.5, "mm3"),
        codes.SOLID_LONG_AXIS: (6.3, "mm"),
        codes.SOLID_SHORT_AXIS: (5.2, "mm"),
        codes.CERTAINTY: (97.31, "%"),
    }
    assert len(group.get_measurements()) == len(expected)
    for name, (value, unit) in expected.items():
        measured = number(group, name)
        assert measured.value == value
        assert measured.unit.value == unit
    assert group.tracking_uid == row["tracking_uid"]
    assert group.tracking_identifier == "Nodule 1"
    assert group.finding_type == codes.NODULE
    [site] = group.finding_sites
    assert (site.value.meaning, site.laterality.meaning) == ("Middle lobe of right lung", "Right")
    answers = {e.name.value: e.value.value for e in group.get_qualitative_evaluations()}
    assert answers == {
        "DECISION": "CORRECTED",
        "SOLIDITY": "RID50152",
        "CALCIFICATION": "CALCIFICATION_NONE",
        "MARGIN": "MARGIN_SPICULATED",
        "JUXTAPLEURAL": "SHAPE_LENTIFORM",
        "COMPARISON": "STATUS_BASELINE",
    }


def test_what_is_not_known_is_not_there(tmp_path: Path) -> None:
    row = finding_row(**ADDED, volume_mm3=None, long_mm=None, short_mm=None, status="baseline")
    report = final([row])
    report = replace(report, findings=(replace(report.findings[0], status=None),))
    [group] = groups_of(build(report, tmp_path))
    assert group.get_measurements() == []
    assert [e.name.value for e in group.get_qualitative_evaluations()] == ["DECISION"]
    plain = finding_row(state="confirmed", lobe=None)
    [group] = groups_of(build(final([plain]), tmp_path))
    [site] = group.finding_sites
    assert site.value == codes.LUNG
    assert site.laterality is None


def test_a_default_baseline_is_no_comparison(tmp_path: Path) -> None:
    [group] = groups_of(build(preliminary([finding_row()]), tmp_path))
    assert codes.COMPARISON not in [e.name for e in group.get_qualitative_evaluations()]


def test_the_centre_lies_in_patient_space_and_on_its_image(tmp_path: Path) -> None:
    row = finding_row()
    [group] = groups_of(build(preliminary([row]), tmp_path))
    surface = group.roi
    assert surface.frame_of_reference_uid == reports.FRAME
    np.testing.assert_array_equal(
        surface.graphic_data[0], np.asarray(row["center_lps_mm"], np.float32)
    )
    [image] = surface.source_images_for_segmentation
    assert image.referenced_sop_instance_uid == reports.sop_uid(5)


def test_axes_stand_below_their_number_in_both_systems(tmp_path: Path) -> None:
    row = finding_row()
    [group] = groups_of(build(preliminary([row]), tmp_path))
    for name, field in (
        (codes.LONG_AXIS, "long_axis_lps_mm"),
        (codes.SHORT_AXIS, "short_axis_lps_mm"),
    ):
        measured = number(group, name)
        flat, space = measured.referenced_coordinates
        ends = np.asarray(row[field])
        np.testing.assert_array_equal(space.value, ends.astype(np.float32))
        # column = (x - x of the first pixel) / spacing, and the centre of a pixel is at 0.5
        expected = (ends[:, :2] + 89.6) / 0.7 + 0.5
        np.testing.assert_allclose(flat.value, expected, rtol=0, atol=1e-4)
        [source] = flat.ContentSequence
        assert source.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == reports.sop_uid(5)
        # the drawn line is as long as the number beside it says
        assert np.linalg.norm(np.diff(space.value, axis=0)) == pytest.approx(
            measured.value, abs=1e-4
        )


def test_only_what_the_algorithm_measured_names_it(tmp_path: Path) -> None:
    def names(row: dict[str, Any], concept: Any) -> list[str]:
        [group] = groups_of(build(final([row]), tmp_path))
        item = number(group, concept)[0]
        return [
            child.TextValue
            for child in item.get("ContentSequence", [])
            if child.ConceptNameCodeSequence[0].CodeValue in ("111001", "111003", "111002")
        ]

    whose = ["nodule-s", "0.1.0", f"model sha256 {'ab' * 32}", "runtime openvino"]
    assert names(finding_row(state="confirmed"), codes.LONG_AXIS) == whose
    resized = finding_row(state="corrected", long_mm=12.0)
    assert names(resized, codes.LONG_AXIS) == []
    assert names(resized, codes.CERTAINTY) == whose
    part: dict[str, Any] = {"solidity": "part_solid", "solid_long_mm": 5.0, "solid_short_mm": 4.0}
    seen = finding_row(state="confirmed", volume_mm3=214.5, **part)
    assert names(seen, codes.VOLUME) == whose
    assert names(seen, codes.SOLID_LONG_AXIS) == []  # a reader's: the machine proposed none
    seen["proposed"] |= part
    assert names(seen, codes.SOLID_LONG_AXIS) == whose


@pytest.mark.parametrize(
    ("changes", "template", "roi"),
    [
        ({}, "1411", "SCOORD3D"),
        ({"frame_of_reference_uid": None}, "1411", "SCOORD"),
        ({"frame_of_reference_uid": None, "pixel_spacing": None}, "1501", ""),
    ],
)
def test_without_a_place_in_the_header_no_place_is_made_up(
    changes: dict[str, Any], template: str, roi: str, tmp_path: Path
) -> None:
    patient = patient_and_study(reports.write_source(tmp_path / "source.dcm"))
    rows = [finding_row()]
    document = sr.build(preliminary(rows), patient, images(**changes), station="TRIAGE")
    path = tmp_path / "sr.dcm"
    path.write_bytes(sr.encode(document))
    said = subprocess.run([VALIDATOR, str(path)], capture_output=True, text=True, check=False)
    assert "Error" not in said.stderr, said.stderr
    [container] = [
        item
        for item in document.ContentSequence
        if item.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements"
    ]
    [group] = container.ContentSequence
    assert group.ContentTemplateSequence[0].TemplateIdentifier == template
    places = [i.ValueType for i in group.ContentSequence if i.ValueType.startswith("SCOORD")]
    assert places == ([roi] if roi else [])


# ---------------------------------------------------------------- "none" and "could not look"


@pytest.mark.parametrize("case", CASES)
def test_no_nodule_is_said_only_of_a_whole_lung(case: str, tmp_path: Path) -> None:
    report, values, predecessor = CASES[case]
    said = " ".join(words(parsed(build(report, tmp_path, predecessor, **values))))
    whole = report.status is ResultStatus.ASSESSED and not report.findings
    assert ("no nodule found" in said) == whole


@pytest.mark.parametrize(
    ("case", "extent", "summary"),
    [
        ("no findings", "ASSESSED_WHOLE", "111241"),
        ("one mark", "ASSESSED_WHOLE", "111242"),
        ("partly assessed, none", "ASSESSED_PARTLY", "111243"),
        ("partly assessed, one", "ASSESSED_PARTLY", "111244"),
        ("not assessed", "ASSESSED_NOT", "111245"),
        ("final", "ASSESSED_WHOLE", None),
    ],
)
def test_what_was_looked_at_is_coded(
    case: str, extent: str, summary: str | None, tmp_path: Path
) -> None:
    report, values, predecessor = CASES[case]
    answers = evaluations(parsed(build(report, tmp_path, predecessor, **values)))
    assert answers["Extent of lung that was assessed"] == extent
    assert answers.get("CAD Processing and Findings Summary") == summary


@pytest.mark.parametrize(
    ("assessment", "category", "sentence"),
    [
        (reports.CATEGORY_4A, "LR2022_4A", "Lung-RADS v2022 category 4A, from finding 1."),
        (
            reports.REFUSED,
            "NO_CATEGORY",
            "Lung-RADS v2022: cannot categorise, because prior CT is missing.",
        ),
        (None, None, "No category: no guideline was applied."),
    ],
)
def test_the_category_names_its_edition_or_its_absence_its_reason(
    assessment: dict[str, Any] | None, category: str | None, sentence: str, tmp_path: Path
) -> None:
    report = final([finding_row(state="confirmed")], assessment=assessment)
    document = parsed(build(report, tmp_path))
    assert evaluations(document).get("Assessment Category") == category
    assert sentence in words(document)


def test_a_preliminary_report_has_no_category(tmp_path: Path) -> None:
    document = parsed(build(preliminary([finding_row()]), tmp_path))
    assert "Assessment Category" not in evaluations(document)
    assert "No category: a reader has not decided these marks." in words(document)


# ---------------------------------------------------------------- who, when, which


def test_flags_say_how_far_the_report_has_come(tmp_path: Path) -> None:
    early = parsed(build(preliminary(), tmp_path))
    signed = parsed(build(final(), tmp_path))
    flags = ("CompletionFlag", "PreliminaryFlag", "VerificationFlag")
    assert [early[f].value for f in flags] == ["PARTIAL", "PRELIMINARY", "UNVERIFIED"]
    assert [signed[f].value for f in flags] == ["COMPLETE", "FINAL", "UNVERIFIED"]


def test_the_observers_are_the_device_and_after_the_signature_the_person(tmp_path: Path) -> None:
    def observers(written: bytes) -> list[str]:
        content: Any = parsed(written).content
        return [c.observer_type.meaning for c in content.get_observer_contexts()]

    assert observers(build(preliminary(), tmp_path)) == ["Device"]
    written = build(final(), tmp_path)
    assert sorted(observers(written)) == ["Device", "Person"]
    content: Any = parsed(written).content
    [person] = content.get_observer_contexts(
        observer_type=hd.CodedConcept("121006", "DCM", "Person")
    )
    assert person.observer_identifying_attributes.name == "R. Reader^"
    assert person.observer_identifying_attributes.login_name == "reader"


@pytest.mark.parametrize(
    ("character_set", "name"),
    [
        ("ISO_IR 192", "体模^甲"),
        ("GB18030", "体模^甲"),
        ("ISO_IR 100", "Müller^Jörg"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"),
    ],
)
def test_names_of_every_script_arrive_in_unicode(
    character_set: Any, name: str, tmp_path: Path
) -> None:
    written = build(preliminary(), tmp_path, None, character_set=character_set, PatientName=name)
    document = dcmread(BytesIO(written))
    assert document.SpecificCharacterSet == "ISO_IR 192"
    assert str(document.PatientName) == name
    assert name.encode() in written


def test_patient_and_study_are_those_of_the_images(tmp_path: Path) -> None:
    path = reports.write_source(tmp_path / "source.dcm", IssuerOfPatientID="HOSP")
    source, document = (
        dcmread(path),
        dcmread(BytesIO(build(preliminary(), tmp_path, None, IssuerOfPatientID="HOSP"))),
    )
    for keyword in (
        "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
        "PatientAge", "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber",
        "ReferringPhysicianName", "StudyDescription",
    ):  # fmt: skip
        assert document[keyword].value == source[keyword].value, keyword


def test_a_value_that_is_none_is_left_empty_and_never_guessed(tmp_path: Path) -> None:
    _, values, _ = CASES["bad header values"]
    document = dcmread(BytesIO(build(preliminary(), tmp_path, None, **values)))
    assert document.PatientSex == ""
    assert document.PatientBirthDate == ""
    assert document.StudyTime == ""
    assert "PatientAge" not in document


def test_every_image_that_was_looked_at_is_evidence(tmp_path: Path) -> None:
    document = parsed(build(preliminary([finding_row()]), tmp_path))
    listed = {uid for _, _, uid, _ in document.get_evidence()}
    assert listed == {reports.sop_uid(k) for k in range(12)}


def test_the_same_content_is_the_same_object_and_other_content_another(tmp_path: Path) -> None:
    report = final([finding_row(state="confirmed")])
    assert build(report, tmp_path, BEFORE) == build(report, tmp_path, BEFORE)
    others = [
        replace(report, reader=replace(reports.READER, event=42)),
        replace(report, findings=(replace(report.findings[0], long_mm=9.5),)),
        replace(report, assessment=reports.REFUSED),
        replace(report, algorithm=replace(report.algorithm, digest="ef" * 32)),
        replace(report, input_digest="01" * 32),
        replace(report, series_uid="1.2.3"),
        replace(report, study_uid="1.2.3"),
    ]
    uids = [sr.sop_uid_of(one) for one in [report, *others]]
    assert len(set(uids)) == len(uids)
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in uids)


def test_a_correction_names_what_it_replaces(tmp_path: Path) -> None:
    document = dcmread(BytesIO(build(final(), tmp_path, BEFORE)))
    [study] = document.PredecessorDocumentsSequence
    [series] = study.ReferencedSeriesSequence
    [item] = series.ReferencedSOPSequence
    assert item.ReferencedSOPInstanceUID == BEFORE.sop_uid
    first = dcmread(BytesIO(build(preliminary(), tmp_path)))
    assert "PredecessorDocumentsSequence" not in first


def test_names_without_their_delimiters() -> None:
    assert sr.person_name("R. Reader") == "R. Reader^"
    assert sr.person_name("a^b=c\\d") == "a b c d^"
    assert len(sr.person_name("x" * 200)) == 64
