"""Runtimes: each turns tensors into tensors, and is served only after it passed its self-test.

One file per runtime with ``load(model, threads) -> Runtime``; a new one is a new file and one line
in `LOADERS`. A runtime that is not installed, does not start or answers differently from torch is
a line in the log, and the next one is tried.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import numpy as np
from scipy.special import expit

from triage.detect.model_folder import Float32Array, ModelFolder
from triage.detect.threads import usable_threads
from triage.detect.tiles import Runtime
from triage.errors import NotBuiltYet, RuntimeDown
from triage.settings import RuntimeChoice

log = logging.getLogger(__name__)

#: Module and precision by the name that is written into results; fastest first (notes/model.md 1).
LOADERS: Mapping[str, str] = {
    "openvino-bf16": "triage.detect.runtimes.openvino",
    "openvino-f32": "triage.detect.runtimes.openvino",
    "onnx-f32": "triage.detect.runtimes.onnx",
}
CANDIDATES: Mapping[RuntimeChoice, tuple[str, ...]] = {
    RuntimeChoice.AUTO: ("openvino-bf16", "openvino-f32", "onnx-f32"),
    RuntimeChoice.OPENVINO: ("openvino-bf16", "openvino-f32"),
    RuntimeChoice.ONNX: ("onnx-f32",),
}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far an answer may be from torch's.

    Attributes
    ----------
    probability : float
        Largest difference of the uncalibrated probability, anywhere.
    geometry : float
        Largest difference of log size and offsets (cells) where a nodule is answered at all.
    """

    probability: float
    geometry: float


#: Measured: fp32 differs by up to 1e-4, bf16 by up to 0.0044 in probability (notes/model.md 1);
#: ten times that is another network, a wrong layout or a broken kernel.
TOLERANCES: Mapping[str, Tolerance] = {
    "f32": Tolerance(probability=1e-3, geometry=1e-2),
    "bf16": Tolerance(probability=0.04, geometry=0.15),
}
ANSWERED = 0.05


def choose(choice: RuntimeChoice, model: ModelFolder, threads: int | None = None) -> Runtime:
    """The first runtime of a choice that passes its self-test.

    Parameters
    ----------
    choice : RuntimeChoice
        AUTO tries all, fastest first; a named one is tried alone, in its precisions.
    model : ModelFolder
    threads : int or None
        Compute threads; by default the processors this process may use, at most 8.

    Returns
    -------
    Runtime

    Raises
    ------
    RuntimeDown
        None works; the message says what each one said.
    NotBuiltYet
        A runtime of the contract whose turn has not come.
    """
    if choice not in CANDIDATES:
        raise NotBuiltYet(f"runtime {choice.value} is not built yet; use auto, openvino or onnx")
    said: list[str] = []
    for name in CANDIDATES[choice]:
        try:
            return start(name, model, threads)
        except RuntimeDown as error:
            said.append(f"{name}: {error.message}")
            log.warning("runtime %s set aside: %s", name, error.message)
    raise RuntimeDown("no runtime works here: " + "; ".join(said))


def is_installed(choice: RuntimeChoice) -> bool:
    """Whether some runtime of a choice has its library here; nothing is loaded."""
    return any(
        find_spec(name.split("-")[0].replace("onnx", "onnxruntime"))
        for name in CANDIDATES.get(choice, ())
    )


def start(name: str, model: ModelFolder, threads: int | None = None) -> Runtime:
    """Load one runtime and test it against torch's stored answer.

    Parameters
    ----------
    name : str
        A key of `LOADERS`.
    model : ModelFolder
    threads : int or None

    Returns
    -------
    Runtime

    Raises
    ------
    RuntimeDown
    """
    loader: Callable[[str, ModelFolder, int], Runtime] = import_module(LOADERS[name]).load
    runtime = loader(name, model, threads or usable_threads())
    check(runtime, model)
    return runtime


def check(runtime: Runtime, model: ModelFolder) -> None:
    """Compare a runtime's answer to the stored tile with torch's.

    Raises
    ------
    RuntimeDown
        Other shape, values that are not numbers, or a difference above `TOLERANCES`.
    """
    answer = runtime.infer(model.self_test.tile)
    expected = model.self_test.answer
    if answer.shape != expected.shape or not np.isfinite(answer).all():
        raise RuntimeDown(f"{runtime.name} answers with shape {answer.shape} or no numbers")
    allowed = TOLERANCES[runtime.name.rsplit("-", 1)[1]]
    probability, geometry = differences(answer, expected)
    if probability > allowed.probability or geometry > allowed.geometry:
        raise RuntimeDown(
            f"{runtime.name} fails its self-test: probability off by {probability:.2g}, "
            f"size or offset by {geometry:.2g}"
        )


def differences(answer: Float32Array, expected: Float32Array) -> tuple[float, float]:
    """Largest differences of probability anywhere, and of size and offsets where it matters.

    Parameters
    ----------
    answer, expected : ndarray, float32, shape (1, 5, z, y, x)

    Returns
    -------
    probability, geometry : float
    """
    seen, truth = expit(answer[0, 0]), expit(expected[0, 0])
    where = truth >= min(ANSWERED, float(truth.max()))
    apart = np.abs(answer[0, 1:] - expected[0, 1:])[:, where]
    return float(np.abs(seen - truth).max()), float(apart.max())
