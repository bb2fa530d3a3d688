"""A model folder with a network small enough to build in a test: same input and output as ours."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, checker, helper, numpy_helper

Float32Array = npt.NDArray[np.float32]

DECODE = {
    "temperature": 1.0,
    "bias": 0.0,
    "threshold": 0.5,
    "max_candidates": 20,
    "nms_distance_mm": 8.0,
}
#: log(mm): the diameter that the small network states everywhere.
LOG_DIAMETER = float(np.log(8.0))


def weights(brightness: float = 24.0, at: float = 0.55) -> tuple[Float32Array, Float32Array]:
    """Heat rises with the mean of a 4 x 4 x 4 block; size and offsets are constants."""
    kernel = np.zeros((5, 1, 4, 4, 4), np.float32)
    kernel[0] = brightness / 64.0
    bias = np.array([-brightness * at, LOG_DIAMETER, 0.375, 0.375, 0.375], np.float32)
    return kernel, bias


def network(kernel: Float32Array, bias: Float32Array) -> bytes:
    """One strided convolution as ONNX with free z, y, x."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, "z", "y", "x"])
    maps = helper.make_tensor_value_info("maps", TensorProto.FLOAT, [1, 5, "c", "d", "e"])
    conv = helper.make_node("Conv", ["image", "w", "b"], ["maps"], strides=[4, 4, 4])
    graph = helper.make_graph(
        [conv],
        "small",
        [image],
        [maps],
        [numpy_helper.from_array(kernel, "w"), numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    return bytes(model.SerializeToString())


def answer(tile: Float32Array, kernel: Float32Array, bias: Float32Array) -> Float32Array:
    """The same convolution in numpy."""
    z, y, x = (n // 4 for n in tile.shape[2:])
    blocks = tile[0, 0].reshape(z, 4, y, 4, x, 4).transpose(0, 2, 4, 1, 3, 5).reshape(z, y, x, 64)
    found = blocks @ kernel.reshape(5, 64).T + bias
    return np.ascontiguousarray(found.transpose(3, 0, 1, 2)[None]).astype(np.float32)


def tile() -> Float32Array:
    return np.random.default_rng(1).random((1, 1, 16, 24, 32), dtype=np.float32)


def write(folder: Path, *, wrong_by: float = 0.0) -> Path:
    """A complete model folder; `wrong_by` falsifies the stored answer's heat."""
    kernel, bias = weights()
    onnx = network(kernel, bias)
    digest = hashlib.sha256(onnx).hexdigest()
    (folder / "configs").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(onnx)
    (folder / "sha256").write_text(f"{digest}  model.onnx\n")
    metadata = {"name": "small", "version": "0", "sha256": digest, "decode": DECODE}
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    stored = answer(tile(), kernel, bias)
    stored[0, 0] += wrong_by
    np.savez(folder / "selftest.npz", tile=tile(), answer=stored)
    return folder
