"""A volume run in chunks answers what the whole volume answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from triage.detect.tiles import HALO, run

MODEL = Path(__file__).resolve().parents[2] / "models" / "nodule-s" / "model.onnx"
Float32Array = npt.NDArray[np.float32]


class OnnxRuntime:
    """The released network, and the shapes it was asked for."""

    name = "onnx"

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(MODEL, options)
        self.depths: list[int] = []

    def infer(self, tensor: Float32Array) -> Float32Array:
        self.depths.append(tensor.shape[2])
        answer: Float32Array = self._session.run(None, {"image": tensor})[0]
        return answer


def noise(*zyx: int) -> Float32Array:
    return np.random.default_rng(3).random((1, 1, *zyx), dtype=np.float32)


@pytest.fixture(scope="module")
def runtime() -> OnnxRuntime:
    return OnnxRuntime()


def test_a_volume_within_the_budget_is_run_in_one_pass(runtime: OnnxRuntime) -> None:
    runtime.depths.clear()
    answer = run(runtime, noise(48, 32, 40))
    assert answer.shape == (1, 5, 12, 8, 10)
    assert runtime.depths == [48]


@pytest.mark.parametrize(("depth", "core"), [(264, 64), (296, 96), (216, 72)])
def test_chunks_equal_the_whole(runtime: OnnxRuntime, depth: int, core: int) -> None:
    tensor = noise(depth, 32, 24)
    whole = run(runtime, tensor)
    runtime.depths.clear()
    chunked = run(runtime, tensor, voxel_budget=(core + 2 * HALO) * 32 * 24)
    assert len(runtime.depths) == -(-depth // core)
    assert max(runtime.depths) <= core + 2 * HALO
    assert chunked.shape == whole.shape
    assert float(np.abs(chunked - whole).max()) < 1e-5


def test_the_halo_is_needed(runtime: OnnxRuntime) -> None:
    """Without neighbours the answer differs: the test above does not pass by chance."""
    tensor = noise(128, 32, 24)
    whole = run(runtime, tensor)
    alone = run(runtime, np.ascontiguousarray(tensor[:, :, 64:]))
    assert float(np.abs(alone - whole[:, :, 16:]).max()) > 1e-3


def test_a_budget_too_small_for_any_chunk_still_answers(runtime: OnnxRuntime) -> None:
    answer = run(runtime, noise(136, 16, 16), voxel_budget=1)
    assert answer.shape == (1, 5, 34, 4, 4)


@pytest.mark.parametrize("shape", [(1, 1, 60, 64, 64), (1, 1, 64, 64, 0), (64, 64, 64)])
def test_sides_that_do_not_fit_are_refused(runtime: OnnxRuntime, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="multiples of 8"):
        run(runtime, np.zeros(shape, np.float32))
