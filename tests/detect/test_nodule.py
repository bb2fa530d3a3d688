"""The whole of one series: what was looked at is told as exactly as what was seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.detect import small_chest, small_model
from triage.core.finding import Detection, Finding, ResultStatus, SeriesVerdict, Solidity
from triage.core.volume import Volume
from triage.detect import measure, nodule, runtimes
from triage.detect.model_folder import open_model
from triage.detect.nodule import Detector
from triage.detect.series import SeriesAssessment
from triage.errors import ModelRefused, NotFound, PixelsUnreadable
from triage.settings import RuntimeChoice, Settings

UIDS = tuple(small_chest.sop_uid(z) for z in range(small_chest.SLICES))
RUN = SeriesAssessment("1.2", SeriesVerdict.RUN, (), UIDS, 3.0, 99.0, "STANDARD", derived=False)


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model.write(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="module")
def detector(model_path: Path) -> Detector:
    model = open_model(model_path)
    return Detector(model, runtimes.choose(RuntimeChoice.ONNX, model, 1))


@pytest.fixture(scope="module")
def found(detector: Detector) -> Detection:
    return nodule.detect(small_chest.chest(), RUN, detector)


def nearest(found: Detection, ball: small_chest.Ball) -> Finding:
    return min(
        found.findings,
        key=lambda f: float(np.linalg.norm(np.subtract(f.center_lps_mm, ball.center_lps_mm))),
    )


def codes(found: Detection) -> list[str]:
    return [r.code for r in found.reasons]


def test_the_ball_is_found_where_it_is(found: Detection) -> None:
    ball = small_chest.BALL
    one = nearest(found, ball)
    assert np.linalg.norm(np.subtract(one.center_lps_mm, ball.center_lps_mm)) < 5.0
    assert one.probability > 0.5
    z = round((ball.center_lps_mm[2] - small_chest.ORIGIN_LPS_MM[2]) / 3.0)
    assert one.key_sop_uid in UIDS[z - 2 : z + 3]


def test_it_is_measured_on_the_original_voxels(found: Detection) -> None:
    size = nearest(found, small_chest.BALL).measurement
    assert size is not None
    assert size.long_mm == pytest.approx(small_chest.BALL.diameter_mm, abs=2.0)


def test_a_whole_look_says_so(found: Detection) -> None:
    assert found.status is ResultStatus.ASSESSED
    assert found.reasons == () and found.covered_lung_fraction == 1.0
    assert (found.model_name, found.runtime) == ("small", "onnx-f32")
    assert set(found.timings_s) == {"prepare", "model", "decode", "measure"}


def test_findings_are_sorted_and_above_the_operating_point(
    found: Detection, detector: Detector
) -> None:
    values = [f.probability for f in found.findings]
    assert values == sorted(values, reverse=True)
    assert min(values) >= detector.model.decode.threshold


@pytest.mark.parametrize(
    ("window", "says"),
    [
        (slice(12, None), "lowest slice"),
        (slice(None, 22), "highest slice"),
    ],
    ids=["lung cut at the first slice", "lung cut at the last slice"],
)
def test_lung_cut_off_is_partly_assessed(window: slice, says: str, detector: Detector) -> None:
    whole = small_chest.chest()
    start, stop, _ = window.indices(small_chest.SLICES)
    part = whole.crop((start, 0, 0), (stop, small_chest.SIDE, small_chest.SIDE))
    found = nodule.detect(part, replace(RUN, sop_uids=UIDS[window]), detector)
    assert found.status is ResultStatus.PARTLY_ASSESSED
    (reason,) = found.reasons
    assert reason.code == "lung_not_covered" and says in reason.message
    assert found.covered_lung_fraction is None


def test_no_lung_is_not_assessed_and_never_empty_findings_alone(detector: Detector) -> None:
    found = nodule.detect(small_chest.chest((), lungs=False), RUN, detector)
    assert found.status is ResultStatus.NOT_ASSESSED
    assert codes(found) == ["no_lung_found"] and found.findings == ()


def test_pixels_that_do_not_decode_are_not_assessed(detector: Detector) -> None:
    def load() -> Volume:
        raise PixelsUnreadable("pixels of 3 slices cannot be read (1.2.3)")

    found = nodule.read_and_detect(load, RUN, detector)
    assert found.status is ResultStatus.NOT_ASSESSED
    assert codes(found) == ["pixels_unreadable"] and "1.2.3" in found.reasons[0].message


@pytest.mark.parametrize("verdict", [SeriesVerdict.SPLIT, SeriesVerdict.MERGE])
def test_a_part_of_what_was_sent_is_partly_assessed(
    verdict: SeriesVerdict, detector: Detector
) -> None:
    found = nodule.detect(small_chest.chest(), replace(RUN, verdict=verdict), detector)
    assert found.status is ResultStatus.PARTLY_ASSESSED


def test_not_assessed_without_a_reason_does_not_exist() -> None:
    with pytest.raises(ValueError, match="reason"):
        nodule.not_assessed(())


def test_a_detection_survives_as_json(found: Detection) -> None:
    plain = json.loads(json.dumps(nodule.to_json(found)))
    assert nodule.from_json(plain) == found
    shown = replace(found, findings=(replace(found.findings[0], solidity=Solidity.SOLID),))
    assert nodule.from_json(json.loads(json.dumps(nodule.to_json(shown)))) == shown


def test_a_detection_of_an_earlier_release_is_read_without_volume(found: Detection) -> None:
    plain = json.loads(json.dumps(nodule.to_json(found)))
    size = plain["findings"][0]["measurement"]
    for name in (*measure.MORE_SIZES, *measure.INTERVALS):
        del size[name]
    old = nodule.from_json(plain).findings[0].measurement
    assert old is not None and old.long_mm == size["long_mm"]
    assert old.volume_mm3 is None and old.volume_interval_mm3 is None


# ---------------------------------------------------------------- offline


@pytest.fixture(scope="module")
def chest_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chest")
    return small_chest.write(folder / "series", small_chest.datasets(small_chest.chest()))


@pytest.fixture
def settings(model_path: Path) -> Settings:
    return Settings(runtime=RuntimeChoice.ONNX, model=str(model_path))


def test_a_folder_gives_the_contract_shape(chest_folder: Path, settings: Settings) -> None:
    shown = json.loads(json.dumps(nodule.detect_path(chest_folder, settings)))
    assert shown["result"] == {"status": "assessed", "reasons": [], "covered_lung_fraction": 1.0}
    assert shown["series_uid"] == small_chest.SERIES_UID
    assert shown["model"] == {"name": "small", "digest": open_model(Path(settings.model)).digest}
    assert {"start", "headers", "read", "model", "total"} <= shown["timings_s"].keys()
    first = shown["findings"][0]
    assert {"center_lps_mm", "long_mm", "short_mm", "volume_mm3", "solidity"} <= first.keys()
    assert first["volume_mm3"] > 0 and len(first["center_lps_mm"]) == 3
    low, high = first["volume_interval_mm3"]
    assert low < first["volume_mm3"] < high and first["solid_long_mm"] is None


def test_a_zip_and_foreign_files_give_the_same(
    chest_folder: Path, settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "chest.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(chest_folder.iterdir()):
            archive.write(file, f"../../{file.name}")
        archive.writestr("readme.txt", "no DICOM")
        archive.writestr("empty", b"")
    before = set(tmp_path.parent.iterdir())
    from_zip = nodule.detect_path(path, settings)
    from_folder = nodule.detect_path(chest_folder, settings)
    assert from_zip["findings"] == from_folder["findings"]
    assert set(tmp_path.parent.iterdir()) == before


_UNWANTED = (
    "sqlalchemy alembic fastapi starlette granian dbos pynetdicom highdicom torch onnxruntime"
)
_ASK = f"""
import sys
from triage import cli
try:
    cli.app(["detect", sys.argv[1], "--json"])
except SystemExit as ended:
    print(sorted(set({_UNWANTED.split()}) & sys.modules.keys()), ended.code, file=sys.stderr)
"""


def test_the_offline_door_waits_for_no_database_and_no_web(chest_folder: Path) -> None:
    asked = subprocess.run(
        [sys.executable, "-c", _ASK, str(chest_folder)],
        env=os.environ | {"TRIAGE_RUNTIME": "openvino"},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert json.loads(asked.stdout)["result"]["status"] == "assessed"
    assert asked.stderr.splitlines()[-1] == "[] 0"


BAD: dict[str, tuple[str, str]] = {
    "one slice": ("one_slice", "one slice"),
    "no slices": ("no_ct_series", "no CT"),
    "missing slice": ("missing_slices", "1 slices missing"),
    "duplicate slice": ("duplicate_slices", "1 places"),
    "mixed orientations": ("mixed_orientations", "2 directions"),
    "no pixel spacing": ("no_pixel_spacing", "Pixel Spacing"),
    "truncated pixels": ("pixels_unreadable", "pixels of 1 slices"),
    "other modality": ("not_ct", "MR"),
    "only foreign files": ("not_dicom", "2 files"),
}


def spoil(kind: str, folder: Path) -> Path:
    """A series folder with one thing wrong."""
    hu = small_chest.chest().hu
    objects = small_chest.datasets(Volume(hu, small_chest.chest().affine))
    if kind == "one slice":
        objects = objects[:1]
    elif kind in {"no slices", "only foreign files"}:
        objects = []
    elif kind == "missing slice":
        del objects[15]
    elif kind == "duplicate slice":
        twin = small_chest.slice_dataset(hu[15], 15, SOPInstanceUID="1.2.99")
        objects.append(twin)
    elif kind == "mixed orientations":
        for dataset in objects[:17]:
            dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    elif kind == "no pixel spacing":
        del objects[5].PixelSpacing
    elif kind == "truncated pixels":
        objects[5].PixelData = objects[5].PixelData[:-2000]
    elif kind == "other modality":
        for dataset in objects:
            dataset.Modality = "MR"
    small_chest.write(folder, objects)
    if kind == "only foreign files":
        (folder / "a.dcm").write_bytes(b"")
        (folder / "b.txt").write_text("no DICOM")
    return folder


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_not_assessed_with_its_reason(
    kind: str, settings: Settings, tmp_path: Path
) -> None:
    shown = nodule.detect_path(spoil(kind, tmp_path / "series"), settings)
    assert shown["result"]["status"] == "not_assessed"
    assert shown["findings"] == []
    code, says = BAD[kind]
    (reason,) = [r for r in shown["result"]["reasons"] if r["code"] == code]
    assert says in reason["message"]


def test_a_path_that_is_not_there(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        nodule.detect_path(tmp_path / "nothing", settings)


def test_no_model_is_not_an_answer_about_the_picture(chest_folder: Path) -> None:
    with pytest.raises(ModelRefused, match="no model nothing-like-it"):
        nodule.detect_path(chest_folder, Settings(model="nothing-like-it"))


# ---------------------------------------------------------------- real


@pytest.mark.real
@pytest.mark.parametrize(
    ("case", "hit_mm"), [("LIDC-IDRI-0001", 23.7 / 2), ("LIDC-IDRI-0050", 25.02 / 2)]
)
def test_the_marked_nodule_of_a_real_series_is_the_first_finding(
    case: str, hit_mm: float, shared_data: Path
) -> None:
    truth = json.loads((shared_data / "truth.json").read_text())["series"]
    shown = nodule.detect_path(shared_data / "series" / f"{case}.zip", Settings())
    (marked,) = [n for n in truth[shown["series_uid"]]["nodules"] if n["label"] == "positive"]
    assert shown["result"]["status"] == "assessed"
    first = shown["findings"][0]
    assert np.linalg.norm(np.subtract(first["center_lps_mm"], marked["center_mm"])) <= hit_mm
