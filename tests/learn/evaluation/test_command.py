"""`triage evaluate` as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.learn.evaluation.folder import write_data, write_model
from triage import cli
from triage.errors import DataRefused, ModelRefused, NotBuiltYet, TriageError, Unprocessable
from triage.learn.data.looks import Looks
from triage.learn.evaluation import material
from triage.learn.evaluation.command import Answer, Question, ask, counts, parted
from triage.learn.evaluation.material import Material, Ready
from triage.learn.evaluation.report import from_json
from triage.settings import RuntimeChoice

ROOT = Path(__file__).resolve().parents[3]
RELEASED = ROOT / "models" / "nodule-s"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
LEDGER = "looks.jsonl"
ONNX = RuntimeChoice.ONNX


def start(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "triage.cli", "evaluate", *map(str, words)]
    return subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ledger of this installation lies in a folder of the test's own."""
    monkeypatch.setenv("TRIAGE_DATA", str(tmp_path))
    monkeypatch.setitem(ENVIRONMENT, "TRIAGE_DATA", str(tmp_path))
    return tmp_path / LEDGER


def run(*words: object) -> tuple[int, str, str]:
    with start(*words) as process:
        out, err = process.communicate(timeout=280)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "d")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("models") / "small", scans=["S-9"], cube_patients=[])


def silently(asked: Question) -> Answer:
    return ask(asked, lambda _: None)


def test_one_model_prints_the_counts_as_before(data: Path, model: Path) -> None:
    code, out, err = run(model, data, "--runtime", "onnx")
    assert code == 0, err
    said = json.loads(out)
    assert set(said) == {
        "model", "digest", "runtime", "threshold", "split", "looks", "series", "trained_on",
    }  # fmt: skip
    assert said["looks"] == 1
    assert [(r["case"], r["found"]) for r in said["series"]] == [("P-1", 2), ("P-2", 1), ("P-3", 0)]
    assert "3 nodules of 2 patients in 3 scans: examples, no sensitivity" in err


def test_several_models_print_a_table_and_write_the_report(
    data: Path, model: Path, tmp_path: Path
) -> None:
    words = (model, f"{model}@openvino", data, "--runtime", "onnx", "--out", tmp_path / "out")
    code, out, err = run(*words)
    assert code == 0, err
    assert "3 nodules of 2 patients in 3 scans: examples, no sensitivity" in out
    assert "1 of 3: P-1, small: " in err
    said = from_json((tmp_path / "out" / "report.json").read_text())
    first, second = (m.model for m in said.models)
    assert (first.label, first.runtime) == ("small", "onnx-f32")
    assert second.runtime.startswith("openvino")
    assert f"evaluate {model} {model}@openvino {data} --runtime onnx --seed 0" in said.command
    assert "examples, no sensitivity" in (tmp_path / "out" / "report.html").read_text()
    assert len(list((tmp_path / "out" / "marks").glob("*.json"))) == 6


def test_json_is_the_whole_report_and_nothing_else(data: Path, model: Path) -> None:
    code, out, err = run(model, data, "--runtime", "onnx", "--json", "--case", "P-2")
    assert code == 0, err
    said = from_json(out)
    assert [row.scan for row in said.scans] == ["P-2"]


def test_a_killed_evaluation_goes_on_and_ends_the_same(
    data: Path, model: Path, tmp_path: Path
) -> None:
    words = (model, data, "--runtime", "onnx", "--out", tmp_path / "out", "--json")
    process = start(*words)
    assert process.stderr is not None
    assert any(line.startswith("1 of 3: P-1, small:") for line in process.stderr)
    process.kill()
    process.communicate()
    assert not (tmp_path / "out" / "report.json").exists()
    code, out, err = run(*words)
    assert code == 0, err
    assert "1 of 3: P-1, small: kept" in err
    whole = silently(Question((str(model),), (str(data),), runtime=ONNX))
    # Both killed and whole runs looked at the test role: the third look is the only difference.
    went_on = from_json(out)
    assert (went_on.data.looks, whole.report.data.looks) == (2, 3)
    assert replace(went_on, data=whole.report.data) == whole.report


def test_scans_of_learned_patients_are_refused_by_name(data: Path, tmp_path: Path) -> None:
    learned = write_model(tmp_path / "learned", cube_patients=["P-1", "P-2"])
    said = silently(Question((str(learned),), (str(data),), runtime=ONNX))
    assert [one.scan for one in said.report.left_out] == ["P-1", "P-2"]
    assert [row.scan for row in said.report.scans] == ["P-3"]
    assert counts(said)["trained_on"] == ["P-1", "P-2"]
    code, out, err = run(learned, data, "--case", "P-1")
    assert (code, out) == (1, "")
    assert "no series is left to evaluate on: learned learned from P-1 (P-1)" in err


# what is wrong -> what it raises, words; {} are folders
WRONG: dict[str, tuple[type[BaseException], list[str], str]] = {
    "nothing said": (SystemExit, [], "Missing argument"),
    "no such option": (SystemExit, ["{model}", "{data}", "--frobnicate"], "No such option"),
    "too few draws": (SystemExit, ["{model}", "{data}", "--resamples", "1"], "resamples"),
    "no model": (Unprocessable, ["{data}"], "say at least one model"),
    "data first": (Unprocessable, ["shared:{data}", "{model}", "{data}"], "at least one model"),
    "data between": (Unprocessable, ["{model}", "lidc:x", "{model}", "{data}"], "before a model"),
    "no such model": (ModelRefused, ["{data}/none", "{data}"], "there is no model"),
    "no such data": (DataRefused, ["{model}", "{data}/none"], "none"),
    "no such series": (Unprocessable, ["{model}", "{data}", "--case", "P-9"], "no series P-9"),
    "no such row": (Unprocessable, ["{model}", "{data}", "--runs", "none.json"], "cannot be read"),
    "a runtime to come": (NotBuiltYet, ["{model}@tensorrt", "{data}"], "not built yet"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_named(name: str, data: Path, model: Path) -> None:
    error, words, said = WRONG[name]
    filled = [word.format(data=data, model=model) for word in words]
    result = CliRunner().invoke(cli.app, ["evaluate", *filled])
    assert isinstance(result.exception, error)
    assert said in (result.output if error is SystemExit else str(result.exception))
    assert result.exit_code == (2 if error is SystemExit else 1)
    assert result.stdout == ""


def test_a_look_is_written_down_before_a_pixel_is_read(
    data: Path, model: Path, monkeypatch: pytest.MonkeyPatch, ledger: Path
) -> None:
    seen: list[int] = []
    plain = material.DataSet.open

    def watched(
        self: material.DataSet, names: Sequence[str], looks: Looks, models: Sequence[str]
    ) -> list[Material]:
        def watch(one: Material) -> Material:
            def load() -> Ready:
                seen.append(len(Looks(ledger).all()))
                return one.load()

            return replace(one, load=load)

        return [watch(one) for one in plain(self, names, looks, models)]

    monkeypatch.setattr(material.DataSet, "open", watched)
    said = silently(Question((str(model),), (str(data),), ("P-2", "P-3"), ONNX)).report.data
    assert seen == [1, 1]
    assert said.looks == 1
    assert said.split_hash == Looks(ledger).all()[0].split
    assert silently(Question((str(model),), (str(data),), ("P-2",), ONNX)).report.data.looks == 2


@pytest.mark.real
def test_what_was_trained_on_costs_no_look(shared_data: Path, ledger: Path) -> None:
    asked = Question((str(RELEASED),), (str(shared_data),), ("LIDC-IDRI-0001",), ONNX)
    with pytest.raises(Unprocessable, match="no series is left"):
        silently(asked)
    assert Looks(ledger).all() == []


def test_help_says_how() -> None:
    result = CliRunner().invoke(cli.app, ["evaluate", "--help"])
    assert result.exit_code == 0
    assert "MODEL... DATA" in result.stdout and "--resamples" in result.stdout


def test_the_last_word_is_the_data() -> None:
    assert parted(["a", "b", "c"]) == (("a", "b"), ("c",))
    assert parted(["a", "b", "shared:c"]) == (("a", "b"), ("shared:c",))
    assert parted(["a", "lidc:b", "luna16:c"]) == (("a",), ("lidc:b", "luna16:c"))
    with pytest.raises(Unprocessable, match="at least one model"):
        parted(["shared:c"])


def test_a_model_that_answers_nonsense_is_no_model_without_findings(
    data: Path, tmp_path: Path
) -> None:
    broken = write_model(tmp_path / "broken")
    (broken / "selftest.npz").write_bytes(b"no self-test")
    with pytest.raises(TriageError):
        silently(Question((str(broken),), (str(data),), runtime=ONNX))


@pytest.mark.real
def test_the_released_model_gives_the_counts_of_its_card(shared_data: Path, tmp_path: Path) -> None:
    """Model card: 25.0 mm found, 11 false positives LUNA16 way and 12 strict, by ONNX Runtime."""
    names = ("LIDC-IDRI-0001", "LIDC-IDRI-0050", "LIDC-IDRI-0745_lungs")
    asked = Question((str(RELEASED),), (str(shared_data),), names, ONNX, tmp_path)
    said: dict[str, Any] = counts(silently(asked))
    assert said["trained_on"] == ["LIDC-IDRI-0001", "LIDC-IDRI-0745_lungs"]
    (row,) = said["series"]
    assert (row["case"], row["positive_nodules"], row["found"]) == ("LIDC-IDRI-0050", 1, 1)
    assert (row["false_positives_luna"], row["false_positives_strict"]) == (11, 12)
