"""OpenVINO on the CPU, in bf16 or fp32. The only file that imports it."""

from __future__ import annotations

from typing import Any

import numpy as np

from triage.detect.model_folder import Float32Array, ModelFolder
from triage.errors import RuntimeDown

DEVICE = "CPU"


class OpenVinoRuntime:
    """A compiled model; each call makes its own request, so several threads may call.

    Parameters
    ----------
    name : str
    compiled : openvino.CompiledModel
    """

    def __init__(self, name: str, compiled: Any) -> None:
        self.name = name
        self._compiled = compiled

    def infer(self, tensor: Float32Array) -> Float32Array:
        """(1, 1, Z, Y, X) to (1, 5, Z / 4, Y / 4, X / 4)."""
        answers = self._compiled.create_infer_request().infer([tensor], share_inputs=True)
        return np.array(answers[0], dtype=np.float32)


def load(name: str, model: ModelFolder, threads: int) -> OpenVinoRuntime:
    """Compile the digested bytes.

    Parameters
    ----------
    name : str
        Ends in the precision: ``-bf16`` or ``-f32``.
    model : ModelFolder
    threads : int

    Returns
    -------
    OpenVinoRuntime

    Raises
    ------
    RuntimeDown
        Not installed, no such precision on this processor, or it cannot load this model.
    """
    try:
        import openvino
    except ImportError as error:
        raise RuntimeDown(f"openvino is not installed: {error}") from error
    precision = name.rsplit("-", 1)[1]
    core = openvino.Core()
    if precision == "bf16" and "BF16" not in core.get_property(DEVICE, "OPTIMIZATION_CAPABILITIES"):
        raise RuntimeDown("this processor has no bf16")
    try:
        network = core.read_model(model=model.onnx)
        compiled = core.compile_model(
            network,
            DEVICE,
            {
                "INFERENCE_PRECISION_HINT": precision,
                "INFERENCE_NUM_THREADS": threads,
                "PERFORMANCE_HINT": "LATENCY",
            },
        )
        runtime = OpenVinoRuntime(name, compiled)
    except Exception as error:  # the library raises RuntimeError and kinds of its own
        raise RuntimeDown(f"openvino cannot load {model.name}: {error}") from error
    return runtime
