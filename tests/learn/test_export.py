"""The model folder: equal bytes for equal weights, and everything the clinic needs to know."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from triage.detect.decode import DecodeSettings

FOLDER = Path(__file__).resolve().parents[2] / "models" / "nodule-s"
POINT = {
    "decode": {
        "temperature": 0.5,
        "bias": -1.0,
        "threshold": 0.1,
        "max_candidates": 50,
        "nms_distance_mm": 8.0,
    },
    "evidence": {"planted": 80},
}


def released() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((FOLDER / "configs" / "metadata.json").read_text())
    return facts


def session(content: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options)


# -- the released folder -------------------------------------------------------------------------


def test_the_digest_is_that_of_the_file() -> None:
    lines = [line.split() for line in (FOLDER / "sha256").read_text().splitlines()]
    digests = {name: digest for digest, name in lines}
    assert set(digests) == {"model.onnx", "model.safetensors"}
    for name, digest in digests.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest
    assert released()["sha256"] == digests["model.onnx"]


def test_the_trainable_weights_are_those_of_the_onnx_file() -> None:
    pytest.importorskip("torch", reason="torch is not installed (extra train)")
    from triage.learn.checkpoint import network_of
    from triage.learn.export import to_onnx

    assert to_onnx(network_of(FOLDER)) == (FOLDER / "model.onnx").read_bytes()


def test_onnx_answers_the_stored_tile_as_torch_did() -> None:
    with np.load(FOLDER / "selftest.npz") as stored:
        tile, expected = stored["tile"], stored["answer"]
    assert tile.dtype == expected.dtype == np.float32
    answer = session((FOLDER / "model.onnx").read_bytes()).run(None, {"image": tile})[0]
    assert np.abs(answer - expected).max() < 1e-4


def test_metadata_holds_an_operating_point_and_the_people_behind_it() -> None:
    facts = released()
    settings = DecodeSettings.from_metadata(facts["decode"])
    assert 0.0 < settings.threshold < 1.0
    training = facts["training"]
    taught = {*training["cube_patients"]}
    assert "LIDC-IDRI-0050" in training["never_trained"]
    assert "LIDC-IDRI-0050" not in taught
    assert not any("0050" in name for name in training["scans"])
    assert not taught & set(training["select_patients"])
    image = facts["network_data_format"]["inputs"]["image"]
    assert image["spacing_mm"] == [1.0, 1.0, 1.0]
    assert image["normalisation"]["hu_low"] == -1000.0
    assert image["normalisation"]["hu_high"] == 400.0
    answer = facts["network_data_format"]["outputs"]["answer"]
    assert answer["stride"] == 4
    assert answer["channel_def"]["0"] == "heat_logit"


def test_nothing_released_names_a_machine() -> None:
    for path in ("model.onnx", "configs/metadata.json", "docs/README.md", "sha256"):
        content = (FOLDER / path).read_bytes()
        assert b"/work" not in content, path
        assert b"/root" not in content, path
        assert b"site-packages" not in content, path


def test_the_card_says_what_it_is_and_what_stands_behind_it() -> None:
    card = (FOLDER / "docs" / "README.md").read_text()
    for words in (
        "Research",
        "not a medical device",
        "CC BY 3.0",
        "LIDC-IDRI-0050",
        "Known failures",
        released()["sha256"],
        released()["training"]["split_digest"],
    ):
        assert words in card, words


# -- exporting -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network() -> Any:
    torch = pytest.importorskip("torch", reason="torch is not installed (extra train)")
    from triage.learn.networks import NoduleNet

    torch.manual_seed(4)
    made = NoduleNet().eval()
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.running_mean.normal_(0.0, 0.3)
            module.running_var.uniform_(0.5, 2.0)
    return made


def test_equal_weights_give_equal_bytes(network: Any) -> None:
    from triage.learn.export import to_onnx

    assert to_onnx(network) == to_onnx(network)


@pytest.mark.parametrize("shape", [(64, 64, 64), (72, 40, 88)])
def test_onnx_equals_torch_at_any_size(network: Any, shape: tuple[int, int, int]) -> None:
    from triage.learn.export import to_onnx
    from triage.learn.mining import TorchRuntime

    tensor = np.random.default_rng(1).random((1, 1, *shape), dtype=np.float32)
    answer = session(to_onnx(network)).run(None, {"image": tensor})[0]
    assert np.abs(answer - TorchRuntime(network).infer(tensor)).max() < 1e-4


def test_the_tile_is_the_same_for_ever_and_nobodys_lung() -> None:
    pytest.importorskip("torch", reason="torch is not installed (extra train)")
    from triage.learn.export import self_test_tile

    tile = self_test_tile()
    assert tile.shape == (1, 1, 64, 64, 64)
    assert np.array_equal(tile, self_test_tile())
    with np.load(FOLDER / "selftest.npz") as stored:
        assert np.array_equal(stored["tile"], tile)


def test_a_run_becomes_a_folder(network: Any, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from triage.learn import export

    run = tmp_path / "run"
    run.mkdir()
    save_file(
        {k: v.contiguous() for k, v in network.state_dict().items()}, run / "model.safetensors"
    )
    described = {
        "torch": "2.13.0", "leave_out": [], "steps": 4, "batch": 2, "seed": 0, "scans": ["a"],
        "cube_patients": ["P-1"], "select_patients": ["P-2"], "split_digest": "ab",
    }  # fmt: skip
    (run / "run.json").write_text(json.dumps(described))
    (tmp_path / "point.json").write_text(json.dumps(POINT))
    export.main(run, tmp_path / "model", point=tmp_path / "point.json")
    digest = hashlib.sha256((tmp_path / "model" / "model.onnx").read_bytes()).hexdigest()
    facts = json.loads((tmp_path / "model" / "configs" / "metadata.json").read_text())
    assert facts["sha256"] == digest
    assert facts["decode"] == POINT["decode"]
    stored = np.load(io.BytesIO((tmp_path / "model" / "selftest.npz").read_bytes()))
    assert stored["answer"].shape == (1, 5, 16, 16, 16)
