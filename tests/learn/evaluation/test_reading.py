"""Real models read real DICOM; what they said is kept, and nothing wrong is ever taken for it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.detect import small_chest
from tests.learn.evaluation.folder import BALLS, row, series_uid, write_data, write_model
from triage.core.volume import Volume
from triage.detect.prepare import prepare
from triage.errors import DataRefused, ModelRefused, TriageError, Unprocessable
from triage.learn.data.looks import Looks
from triage.learn.evaluation.material import Material, Ready, is_data, open_data
from triage.learn.evaluation.noise import noise_hu
from triage.learn.evaluation.reading import Kept, left_out, open_contenders, read_all
from triage.learn.evaluation.rules import LUNA16, outcome
from triage.learn.evaluation.tables import ScanKind, TruthKind, check
from triage.settings import RuntimeChoice

ONNX = RuntimeChoice.ONNX


def opened(data: Path, *only: str) -> list[Material]:
    """The scans, with their look written beside the data."""
    found = open_data([str(data)], only)
    names = [t.name for t in found.tables]
    return found.open(names, Looks(data.parent / "looks.jsonl"), ["model"])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "d")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "small", scans=["S-9"])


def test_a_data_folder_becomes_tables(data: Path) -> None:
    found = open_data([str(data)])
    assert [t.name for t in found.tables] == ["P-1", "P-2", "P-3"]
    one = found.tables[0]
    assert (one.scan, one.patient, one.kind) == (series_uid("P-1"), "P-1", ScanKind.WHOLE)
    assert [(t.diameter_mm, t.texture) for t in one.of(TruthKind.NODULE)] == [(14, 5), (10, 5)]
    assert one.of(TruthKind.SMALL)[0].diameter_mm is None
    assert one.slice_mm == 3.0
    assert opened(data)[0].load().prepared.report.found


def test_a_look_at_the_test_role_is_written_down_for_every_model(
    data: Path, tmp_path: Path
) -> None:
    found, looks = open_data([str(data)]), Looks(tmp_path / "looks.jsonl")
    (material,) = found.open(["P-2"], looks, ["one", "two"])
    assert [look.model for look in looks.all()] == ["one", "two"]
    assert {look.split for look in looks.all()} == {found.split}
    assert material.table.name == "P-2"


def test_the_digest_changes_with_truth_and_pixels(data: Path, tmp_path: Path) -> None:
    same = write_data(tmp_path / "same")
    moved = write_data(tmp_path / "moved", P_2={"nodules": []})
    assert open_data([str(same)]).digest == open_data([f"shared:{data}"]).digest
    assert open_data([str(moved)]).digest != open_data([str(data)]).digest
    with (tmp_path / "same" / "series" / "P-3.zip").open("ab") as file:
        file.write(b"other")
    assert open_data([str(same)]).digest != open_data([str(data)]).digest


def test_only_the_named_series(data: Path) -> None:
    assert [t.name for t in open_data([str(data)], ["P-2"]).tables] == ["P-2"]
    with pytest.raises(Unprocessable, match="has no series P-8, P-9"):
        open_data([str(data)], ["P-9", "P-2", "P-8"])


# what is wrong with truth.json -> its text
BROKEN = {
    "no JSON": "{",
    "no series": "{}",
    "no such form": '{"series": []}',
    "a series without a patient": '{"series": {"1.2": {"case": "x"}}}',
    "nothing in it": '{"series": {}}',
    "a nodule nowhere": json.dumps(
        {"series": {"1.2": row("P-1", nodules=[{"id": "n", "label": "positive"}])}}
    ),
    "files that are not there": json.dumps({"series": {"1.2": row("P-1", file="series/none.zip")}}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_data_folder_that_cannot_be_read_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text(BROKEN[name])
    with pytest.raises((DataRefused, Unprocessable)):
        open_data([str(tmp_path)])


def test_no_folder_and_no_such_source(tmp_path: Path) -> None:
    with pytest.raises(DataRefused):
        open_data([str(tmp_path / "none")])
    with pytest.raises(DataRefused):
        open_data(["luna16:/x"])
    assert is_data("shared:x") and is_data("lidc:x")
    assert not is_data("models/x@onnx") and not is_data("C:x")


def test_a_model_reads_and_what_it_said_is_kept(data: Path, model: Path, tmp_path: Path) -> None:
    found, told = opened(data), list[str]()
    (one,) = open_contenders([str(model)], ONNX)
    scans, (marks,) = read_all(found, [one], tmp_path, told.append)
    check(scans, [marks])
    hits = [sum(p is not None for p in outcome(s, marks.marks[s.scan], LUNA16).hits) for s in scans]
    assert hits == [len(balls) for balls in BALLS.values()]
    assert all(s.noise_hu is not None and 8 < s.noise_hu < 16 for s in scans)  # made with 12
    assert len(list(tmp_path.glob("*.json"))) == 3
    again = list[str]()
    assert read_all(found, [one], tmp_path, again.append) == (scans, [marks])
    assert all("kept" in line for line in again) and not any("kept" in line for line in told)


def test_a_kept_file_that_is_not_whole_or_not_the_one_is_read_again(
    data: Path, model: Path, tmp_path: Path
) -> None:
    found = opened(data, "P-2")
    (one,) = open_contenders([str(model)], ONNX)
    first = read_all(found, [one], tmp_path, lambda _: None)
    (path,) = tmp_path.glob("*.json")
    whole = path.read_text()
    others = whole.replace(path.stem, "0" * 64)
    for content in ("", whole[:-9], others, "[]", whole.replace('"marks"', '"marsk"')):
        path.write_text(content)
        told = list[str]()
        assert read_all(found, [one], tmp_path, told.append) == first
        assert "kept" not in told[0]
        assert path.read_text() == whole


def test_another_operating_point_needs_no_second_look_but_another_scale_does(
    data: Path, model: Path, tmp_path: Path
) -> None:
    found = opened(data, "P-2")
    (one,) = open_contenders([str(model)], ONNX)
    read_all(found, [one], tmp_path, lambda _: None)
    own = one.folder.decode
    for decode, looks in ((replace(own, threshold=0.9), 0), (replace(own, temperature=2.0), 1)):
        folder = replace(one.folder, decode=decode)
        told = list[str]()
        read_all(found, [replace(one, folder=folder)], tmp_path, told.append)
        assert ("kept" not in told[0]) is bool(looks)


def test_models_are_called_apart(model: Path, tmp_path: Path) -> None:
    other = write_model(tmp_path / "small")
    labels = [c.label for c in open_contenders([str(model), f"{model}@openvino", str(other)], ONNX)]
    assert labels[0] == "small"
    assert labels[1].startswith("small openvino")
    assert labels[2] == "small onnx-f32"
    with pytest.raises(Unprocessable, match="asked for twice"):
        open_contenders([str(model)] * 4, ONNX)


def test_models_that_cannot_be_read_are_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match="there is no model"):
        open_contenders([str(tmp_path / "none")], ONNX)
    broken = write_model(tmp_path / "broken")
    (broken / "model.onnx").write_bytes(b"other bytes")
    with pytest.raises(ModelRefused, match="not the released one"):
        open_contenders([str(model), str(broken)], ONNX)
    odd = write_model(tmp_path / "odd")
    path = odd / "configs" / "metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"training": {"scans": 7}}))
    with pytest.raises(ModelRefused, match="not as it should be"):
        open_contenders([str(odd)], ONNX)


LEARNED = {
    "the series": ({"scans": ["P-2"]}, ["P-2"]),
    "a cube of the patient": ({"cube_patients": ["P-1"]}, ["P-1"]),
    "tuned on the patient": ({"select_patients": ["P-3"]}, ["P-3"]),
    "an ancestor": ({"trained_on": ["P-1", "P-2"]}, ["P-1", "P-2"]),
    "others": ({"scans": ["Q-1"]}, []),
}


@pytest.mark.parametrize("name", LEARNED)
def test_what_one_model_learned_from_is_left_out_for_all(
    name: str, data: Path, model: Path, tmp_path: Path
) -> None:
    training, expected = LEARNED[name]
    other = write_model(tmp_path / "other", **training)
    found = left_out(open_data([str(data)]).tables, open_contenders([str(model), str(other)], ONNX))
    assert [(one.scan, one.label) for one in found] == [(scan, "other") for scan in expected]


def test_a_model_that_does_not_say_what_it_learned_is_known_as_such(tmp_path: Path) -> None:
    (silent,) = open_contenders([str(write_model(tmp_path / "silent"))], ONNX)
    assert silent.facts.says_what_it_learned is False


def test_a_scan_without_lungs_is_an_error_and_not_a_scan_without_marks(
    data: Path, model: Path, tmp_path: Path
) -> None:
    (one,) = open_contenders([str(model)], ONNX)
    (material,) = opened(data, "P-3")

    def load() -> Ready:
        return Ready(prepare(small_chest.chest(lungs=False)), None)

    blind = replace(material, digest="x", load=load)
    with pytest.raises(TriageError):
        read_all([blind], [one], tmp_path, lambda _: None)
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize("sd", [5.0, 20.0, 50.0])
def test_noise_of_independent_voxels_is_their_standard_deviation(sd: float) -> None:
    rng = np.random.default_rng(1)
    hu = np.rint(rng.normal(-825, sd, (40, 60, 60))).astype(np.int16)
    found = noise_hu(Volume(hu, np.eye(4)))
    assert found == pytest.approx(sd, rel=0.06)


def test_noise_without_lung_is_not_known() -> None:
    assert noise_hu(Volume(np.full((40, 40, 40), 30, np.int16), np.eye(4))) is None


def test_kept_marks_are_plain_numbers() -> None:
    assert Kept("k", (), None).marks == ()
