"""ONNX Runtime, fp32 on the CPU: the portable fall-back. The only file that imports it."""

from __future__ import annotations

from typing import Any

import numpy as np

from triage.detect.model_folder import Float32Array, ModelFolder
from triage.errors import RuntimeDown


class OnnxRuntime:
    """A loaded session; safe to use from several threads.

    Parameters
    ----------
    name : str
    session : onnxruntime.InferenceSession
    """

    def __init__(self, name: str, session: Any) -> None:
        self.name = name
        self._session = session
        self._input = session.get_inputs()[0].name

    def infer(self, tensor: Float32Array) -> Float32Array:
        """(1, 1, Z, Y, X) to (1, 5, Z / 4, Y / 4, X / 4)."""
        (answer,) = self._session.run(None, {self._input: tensor})
        return np.asarray(answer, dtype=np.float32)


def load(name: str, model: ModelFolder, threads: int) -> OnnxRuntime:
    """Start a session on the digested bytes.

    Parameters
    ----------
    name : str
    model : ModelFolder
    threads : int

    Returns
    -------
    OnnxRuntime

    Raises
    ------
    RuntimeDown
        Not installed, or it cannot load this model.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise RuntimeDown(f"onnxruntime is not installed: {error}") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads would starve the receiver and the page between two studies.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Weights lie inside the file; bytes from anywhere else must not be read.
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            model.onnx, options, providers=["CPUExecutionProvider"]
        )
        runtime = OnnxRuntime(name, session)
    except Exception as error:  # the library raises kinds of its own per cause
        raise RuntimeDown(f"onnxruntime cannot load {model.name}: {error}") from error
    return runtime
