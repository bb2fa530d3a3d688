"""DICOM: valid by an outside judge, geometry and pixels exact, UIDs fixed, truth beside it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from tests.phantom.measures import value_at
from triage.core.finding import SeriesVerdict
from triage.detect.folder import read_files
from triage.detect.pixels import load_volume
from triage.detect.series import assess
from triage.pathway import SiteChoices
from triage.phantom.chest import PhantomChest, make_chest
from triage.phantom.dicom import TRUTH_NAME, make, write_series

DCIODVFY = Path(sys.executable).with_name("dciodvfy")


def _read(folder: Path) -> list[FileDataset]:
    return [dcmread(p) for p in sorted(folder.glob("*.dcm"))]


def _truth(folder: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
    whole = json.loads((folder / TRUTH_NAME).read_text(encoding="utf-8"))
    ((series_uid, series),) = whole["series"].items()
    return series_uid, series, whole


@pytest.mark.parametrize("number", [1, 2, 32, 63, 64])
def test_dciodvfy_finds_no_error(written: Path, number: int) -> None:
    checked = subprocess.run(
        [str(DCIODVFY), "-new", str(written / f"CT{number:04d}.dcm")],
        capture_output=True,
        text=True,
        check=False,
    )
    said = checked.stdout + checked.stderr
    assert "CTImage" in said  # it did recognise the object and look
    assert "Error" not in said, said
    assert checked.returncode == 0


HEADER = [
    ("SOPClassUID", CTImageStorage),
    ("SpecificCharacterSet", "ISO_IR 192"),
    ("Modality", "CT"),
    ("PatientName", "Phantom^D"),
    ("PatientID", "PH-000003"),
    ("StudyDescription", "CT chest phantom"),
    ("Manufacturer", "Triage phantom"),
    ("QualityControlImage", "YES"),
    ("BodyPartExamined", "CHEST"),
    ("PatientPosition", "HFS"),
    ("KVP", 120),
    ("ConvolutionKernel", "STANDARD"),
    ("AcquisitionNumber", 1),
    ("RescaleIntercept", -1024),
    ("RescaleSlope", 1),
    ("BitsAllocated", 16),
    ("BitsStored", 12),
    ("HighBit", 11),
    ("PixelRepresentation", 0),
    ("PixelPaddingValue", 0),
    ("Rows", 128),
    ("Columns", 128),
    ("ImageOrientationPatient", [1, 0, 0, 0, 1, 0]),
]


@pytest.mark.parametrize(("keyword", "value"), HEADER)
def test_every_slice_says(written: Path, keyword: str, value: object) -> None:
    for instance in _read(written):
        assert instance[keyword].value == value


def test_every_slice_says_it_is_no_patient(written: Path) -> None:
    for instance in _read(written):
        assert "NOT A PATIENT" in instance.ImageComments
        assert "NOT A PATIENT" in instance.PatientComments
        assert instance.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_positions_and_pixels_are_those_of_the_volume(written: Path, small: PhantomChest) -> None:
    dz, dy, dx = small.volume.spacing_zyx_mm
    slices = sorted(_read(written), key=lambda d: float(d.ImagePositionPatient[2]))
    assert len(slices) == 64
    for k, instance in enumerate(slices):
        expected = small.volume.to_lps_mm((k, 0, 0))
        assert [float(c) for c in instance.ImagePositionPatient] == pytest.approx(
            expected, abs=1e-6
        )
        assert [float(c) for c in instance.PixelSpacing] == pytest.approx([dy, dx])
        assert float(instance.SpacingBetweenSlices) == pytest.approx(dz)
        assert np.array_equal(instance.pixel_array.astype(int) - 1024, small.volume.hu[k])


def test_instance_numbers_run_from_the_head_down(written: Path) -> None:
    instances = _read(written)
    assert [int(d.InstanceNumber) for d in instances] == list(range(1, 65))
    heights = [float(d.ImagePositionPatient[2]) for d in instances]
    assert heights == sorted(heights, reverse=True)


def test_one_study_one_series_one_frame_and_every_instance_its_own(written: Path) -> None:
    instances = _read(written)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        assert len({d[keyword].value for d in instances}) == 1
    uids = [d.SOPInstanceUID for d in instances]
    assert len(set(uids)) == len(uids)
    for instance in instances:
        assert instance.file_meta.MediaStorageSOPInstanceUID == instance.SOPInstanceUID
        assert re.fullmatch(r"2\.25\.[1-9]\d{1,38}", instance.SOPInstanceUID)


def test_the_same_chest_writes_the_same_bytes(
    written: Path, small: PhantomChest, tmp_path: Path
) -> None:
    paths = write_series(small, tmp_path / "again", seed=3)
    assert [p.read_bytes() for p in paths] == [(written / p.name).read_bytes() for p in paths]
    assert (tmp_path / "again" / TRUTH_NAME).read_bytes() == (written / TRUTH_NAME).read_bytes()


def test_other_pixels_never_share_a_uid(written: Path, bare: PhantomChest, tmp_path: Path) -> None:
    write_series(bare, tmp_path / "bare", seed=3)
    used = {d.SOPInstanceUID for d in _read(written)}
    assert used.isdisjoint(d.SOPInstanceUID for d in _read(tmp_path / "bare"))
    assert _truth(written)[0] != _truth(tmp_path / "bare")[0]


def test_who_and_when_can_be_given(bare: PhantomChest, tmp_path: Path) -> None:
    write_series(
        bare,
        tmp_path / "named",
        seed=40,
        patient_id="PH-7",
        patient_name="Phantom^Prior",
        study_uid="2.25.77",
        taken=dt.datetime(2025, 12, 20, 9, 30),
    )
    first = _read(tmp_path / "named")[0]
    assert (first.PatientID, str(first.PatientName)) == ("PH-7", "Phantom^Prior")
    assert (first.StudyInstanceUID, first.StudyDate) == ("2.25.77", "20251220")
    assert first.StudyTime == "093000"
    assert int(first.PatientAge[:3]) == 2025 - int(first.PatientBirthDate[:4])


def test_truth_is_the_chest_and_reads_like_that_of_real_series(
    written: Path, small: PhantomChest
) -> None:
    series_uid, series, whole = _truth(written)
    instances = sorted(_read(written), key=lambda d: float(d.ImagePositionPatient[2]))
    assert whole["phantom"] is True
    assert series_uid == instances[0].SeriesInstanceUID
    pixels = hashlib.sha256(b"".join(d.PixelData for d in instances)).hexdigest()
    assert series["pixel_sha256"] == pixels
    assert series["all_nodules_marked"] is True
    assert series["shape_zyx"] == [64, 128, 128]
    assert len(series["nodules"]) == len(small.nodules) == 4
    for entry, nodule in zip(series["nodules"], small.nodules, strict=True):
        assert entry["center_mm"] == pytest.approx(nodule.center_lps_mm)
        assert entry["diameter_mm"] == nodule.diameter_mm
        assert entry["max_axial_diameter_mm"] == nodule.long_mm
        assert entry["solidity"] == nodule.solidity.value
        assert entry["label"] == "positive"
        assert entry["phantom"] is True


def test_the_product_reads_back_the_very_voxels_that_the_truth_is_about(
    written: Path, small: PhantomChest
) -> None:
    found, unreadable = read_files(sorted(written.glob("*.dcm")))
    assert not unreadable
    ((uid, slices),) = found.items()
    # Few slices for a quick test: farther apart than a site reads.
    judged = assess(uid, slices, SiteChoices(max_slice_spacing_mm=6.0))
    assert judged.verdict is SeriesVerdict.RUN
    by_uid = {one.sop_uid: one for one in slices}
    volume = load_volume([by_uid[name] for name in judged.sop_uids], Path)
    assert np.array_equal(volume.hu, small.volume.hu)
    assert volume.affine == pytest.approx(small.volume.affine, abs=1e-6)
    series_uid, series, _ = _truth(written)
    assert uid == series_uid and list(volume.shape_zyx) == series["shape_zyx"]
    for entry in series["nodules"]:
        if entry["diameter_mm"] < 7 or entry["solidity"] != "solid":
            continue  # in pixels of 2.8 mm a smaller one fades
        assert -400 < value_at(volume, tuple(entry["center_mm"]), 2.0) < 120


def test_a_truth_that_is_moved_is_not_the_voxels(written: Path, small: PhantomChest) -> None:
    """The check above can fail: aside by a diameter there is no nodule."""
    _, series, _ = _truth(written)
    entries = [e for e in series["nodules"] if e["diameter_mm"] >= 7 and e["solidity"] == "solid"]
    assert entries
    x, y, z = entries[0]["center_mm"]
    ring = [(x + dx, y + dy, z) for dx, dy in ((15, 0), (-15, 0), (0, 15), (0, -15))]
    assert min(value_at(small.volume, place, 2.0) for place in ring) < -400


@pytest.mark.parametrize("other", [1, 4, 33, 1003])
def test_another_seed_is_another_patient_and_study(other: int, tmp_path: Path) -> None:
    chest = make_chest(3, 0, 8, matrix=64)
    for seed in (3, other):  # the very same pixels under two names
        write_series(chest, tmp_path / str(seed), seed=seed)
    (first, *_), (second, *_) = _read(tmp_path / "3"), _read(tmp_path / str(other))
    for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID",
                    "SOPInstanceUID", "AccessionNumber"):  # fmt: skip
        assert first[keyword].value != second[keyword].value


@pytest.mark.real
def test_truth_has_the_fields_of_the_real_truth(written: Path, shared_data: Path) -> None:
    real = json.loads((shared_data / "truth.json").read_text(encoding="utf-8"))
    real_series = next(s for s in real["series"].values() if s["truth_kind"] == "lidc_readers")
    _, series, _ = _truth(written)
    used = {"n_slices", "spacing_mm", "first_slice_position_mm", "shape_zyx", "pixel_sha256"}
    assert used | {"all_nodules_marked", "nodules", "truth_kind"} <= series.keys()
    assert used <= real_series.keys()
    for field in ("id", "center_mm", "diameter_mm", "max_axial_diameter_mm", "label"):
        assert type(series["nodules"][0][field]) is type(real_series["nodules"][0][field])


def test_a_folder_with_anything_in_it_is_refused(bare: PhantomChest, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not empty"):
        write_series(bare, tmp_path, seed=1)
    with pytest.raises(FileExistsError, match="not empty"):
        make(tmp_path, 1, 0, 12)
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]


def test_make_says_what_it_wrote(tmp_path: Path) -> None:
    said = make(tmp_path / "out", seed=30, nodules=1, slices=12)
    assert json.loads(json.dumps(said)) == said
    assert said["patient_id"] == "PH-000030"
    assert said["slices"] == len(list((tmp_path / "out").glob("*.dcm"))) == 12
    series_uid, series, _ = _truth(tmp_path / "out")
    assert said["series_uid"] == series_uid
    assert said["nodules"] == series["nodules"]
    assert len(series["nodules"]) == 1
    assert series["shape_zyx"] == [12, 512, 512]
    assert make_chest(30, 1, 12).nodules[0].diameter_mm == series["nodules"][0]["diameter_mm"]
