"""Runtimes and model folders: nothing is served that does not answer as torch did."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.detect import small_model
from triage.detect import model_folder, runtimes
from triage.detect.model_folder import ModelFolder, open_model
from triage.detect.tiles import Runtime
from triage.errors import ModelRefused, NotBuiltYet, RuntimeDown
from triage.settings import RuntimeChoice


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return small_model.write(tmp_path / "small")


@pytest.fixture
def model(folder: Path) -> ModelFolder:
    return open_model(folder)


def test_a_model_folder_opens_with_its_facts(model: ModelFolder, folder: Path) -> None:
    assert model.name == "small"
    assert model.digest == hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    assert model.decode.threshold == 0.5


class Trap:
    """A pickle that leaves a mark when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.mark),)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def forget_decode(folder: Path) -> None:
    path = folder / "configs" / "metadata.json"
    facts = json.loads(path.read_text())
    del facts["decode"]["threshold"]
    path.write_text(json.dumps(facts))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "one bit of the network": (lambda f: flip(f / "model.onnx"), "not the released one"),
    "no network": (lambda f: (f / "model.onnx").unlink(), "cannot be read"),
    "no digest": (lambda f: (f / "sha256").unlink(), "cannot be read"),
    "empty digest": (lambda f: (f / "sha256").write_text("\n"), "no digest"),
    "digest of another file": (
        lambda f: (f / "sha256").write_text("0" * 64 + "  other.onnx\n"), "no digest"),
    "no metadata": (lambda f: (f / "configs/metadata.json").unlink(), "cannot be read"),
    "metadata no json": (lambda f: (f / "configs/metadata.json").write_text("{"), "no JSON"),
    "metadata a list": (lambda f: (f / "configs/metadata.json").write_text("[]"), "no JSON object"),
    "metadata of another model": (
        lambda f: (f / "configs/metadata.json").write_text('{"sha256": "1"}'), "another model"),
    "no operating point": (forget_decode, "threshold"),
    "no self-test": (lambda f: (f / "selftest.npz").unlink(), "cannot be read"),
    "self-test no npz": (lambda f: (f / "selftest.npz").write_bytes(b"x"), "no self-test"),
    "self-test of doubles": (
        lambda f: np.savez(f / "selftest.npz", tile=np.zeros(1), answer=np.zeros(1)), "float32"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE, ids=str)
def test_a_damaged_model_folder_is_refused(damage: str, folder: Path) -> None:
    break_it, says = DAMAGE[damage]
    break_it(folder)
    with pytest.raises(ModelRefused, match=says):
        open_model(folder)


def test_a_pickle_is_never_executed(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    trap = np.array([Trap(mark)], dtype=object)
    np.savez(folder / "selftest.npz", tile=trap, answer=trap)
    with pytest.raises(ModelRefused, match="no self-test"):
        open_model(folder)
    content = pickle.dumps(Trap(mark))
    (folder / "model.onnx").write_bytes(content)
    (folder / "sha256").write_text(hashlib.sha256(content).hexdigest() + "  model.onnx\n")
    with pytest.raises(ModelRefused):
        open_model(folder)
    assert not mark.exists()


def test_a_huge_model_file_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_folder, "MAX_MODEL_BYTES", 100)
    with pytest.raises(ModelRefused, match="larger"):
        open_model(folder)


def start_or_skip(name: str, model: ModelFolder) -> Runtime:
    try:
        return runtimes.start(name, model, threads=1)
    except RuntimeDown as error:
        if "no bf16" in error.message:
            pytest.skip("this processor has no bf16")
        raise


@pytest.mark.parametrize("name", runtimes.LOADERS)
def test_contract_of_every_runtime(name: str, model: ModelFolder) -> None:
    runtime = start_or_skip(name, model)
    assert runtime.name == name
    kernel, bias = small_model.weights()
    for shape in ((1, 1, 16, 24, 32), (1, 1, 8, 8, 8)):
        tensor = np.random.default_rng(2).random(shape, dtype=np.float32)
        answer = runtime.infer(tensor)
        expected = small_model.answer(tensor, kernel, bias)
        assert answer.dtype == np.float32 and answer.shape == expected.shape
        allowed = runtimes.TOLERANCES[name.rsplit("-", 1)[1]]
        assert runtimes.differences(answer, expected)[0] <= allowed.probability


@pytest.mark.parametrize("name", runtimes.LOADERS)
def test_an_answer_stays_what_it_was_when_the_next_one_comes(name: str, model: ModelFolder) -> None:
    runtime = start_or_skip(name, model)
    first = runtime.infer(np.zeros((1, 1, 8, 8, 8), np.float32))
    copy = first.copy()
    runtime.infer(np.ones((1, 1, 8, 8, 8), np.float32))
    assert np.array_equal(first, copy)


@pytest.mark.parametrize("name", runtimes.LOADERS)
def test_a_wrong_answer_is_noticed_at_the_start(name: str, tmp_path: Path) -> None:
    wrong = open_model(small_model.write(tmp_path / "wrong", wrong_by=1.0))
    with pytest.raises(RuntimeDown, match=r"fails its self-test|no bf16"):
        runtimes.start(name, wrong, threads=1)


def test_auto_takes_the_next_when_one_is_missing(
    model: ModelFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)  # import then fails, as when not installed
    with caplog.at_level(logging.WARNING):
        assert runtimes.choose(RuntimeChoice.AUTO, model, 1).name == "onnx-f32"
    assert "openvino is not installed" in caplog.text


def test_nothing_works_says_what_each_said(tmp_path: Path) -> None:
    wrong = open_model(small_model.write(tmp_path / "wrong", wrong_by=1.0))
    with pytest.raises(RuntimeDown, match=r"openvino-f32: .*; onnx-f32: "):
        runtimes.choose(RuntimeChoice.AUTO, wrong, 1)


def test_a_named_runtime_is_not_replaced_by_another(
    model: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(RuntimeDown, match="openvino"):
        runtimes.choose(RuntimeChoice.OPENVINO, model, 1)


@pytest.mark.parametrize(
    "choice", [RuntimeChoice.TORCH, RuntimeChoice.LITERT, RuntimeChoice.TENSORRT]
)
def test_a_runtime_still_to_come_says_so(choice: RuntimeChoice, model: ModelFolder) -> None:
    with pytest.raises(NotBuiltYet, match=choice.value):
        runtimes.choose(choice, model)


def test_a_network_of_another_kind_is_set_aside(tmp_path: Path) -> None:
    folder = small_model.write(tmp_path / "other")
    content = b"\x08\x07 not a network"
    (folder / "model.onnx").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    (folder / "sha256").write_text(digest + "  model.onnx\n")
    facts = {"name": "other", "decode": small_model.DECODE}
    (folder / "configs/metadata.json").write_text(json.dumps(facts))
    with pytest.raises(RuntimeDown, match="cannot load other"):
        runtimes.choose(RuntimeChoice.AUTO, open_model(folder), 1)
