"""A released model on disk: bytes checked against their digest before anything parses them.

One folder per model, shaped like a MONAI bundle::

    configs/metadata.json   name, version, decode settings
    model.onnx              the network, weights inside; never a pickle
    selftest.npz            one input tile and what torch answered to it
    sha256                  "<hex>  model.onnx"
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

import triage
from triage.detect.decode import DecodeSettings
from triage.errors import ModelRefused

Float32Array: TypeAlias = npt.NDArray[np.float32]

ONNX_FILE = "model.onnx"
MAX_MODEL_BYTES = 512 << 20
FIRST_RELEASE = "nodule-s"
#: Beside the package in a checkout, inside it in a wheel.
_PACKAGE = Path(triage.__file__).parent
MODEL_ROOTS = (_PACKAGE.parent / "models", _PACKAGE / "models")


@dataclass(frozen=True, slots=True)
class SelfTest:
    """A stored question and torch's answer.

    Attributes
    ----------
    tile : ndarray, float32, shape (1, 1, Z, Y, X)
    answer : ndarray, float32, shape (1, 5, Z / 4, Y / 4, X / 4)
    """

    tile: Float32Array
    answer: Float32Array


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model whose bytes are what its digest says.

    Attributes
    ----------
    name, version : str
    digest : str
        SHA-256 of `onnx`, hex.
    onnx : bytes
        The very bytes that were digested; a runtime is given these, never a path.
    decode : DecodeSettings
    self_test : SelfTest
    """

    name: str
    version: str
    digest: str
    onnx: bytes
    decode: DecodeSettings
    self_test: SelfTest


def locate(name: str = "") -> Path:
    """Folder of a model by name.

    Parameters
    ----------
    name : str
        A released model's name, or a path to a model folder; "" is the first release.

    Returns
    -------
    Path

    Raises
    ------
    ModelRefused
        There is no such model.
    """
    wanted = name or FIRST_RELEASE
    for folder in (*(root / wanted for root in MODEL_ROOTS), Path(wanted)):
        if (folder / ONNX_FILE).is_file():
            return folder
    raise ModelRefused(f"there is no model {wanted}; see `triage models`")


def open_model(folder: Path) -> ModelFolder:
    """Read and check a model folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    ModelFolder

    Raises
    ------
    ModelRefused
        A part is missing, too large or of another digest; nothing of it has been parsed then.
    """
    promised = promised_digest(folder)
    onnx = _read(folder / ONNX_FILE)
    digest = hashlib.sha256(onnx).hexdigest()
    if digest != promised:
        raise ModelRefused(
            f"{folder.name}/{ONNX_FILE} is not the released one: digest {digest[:12]}…, "
            f"promised {promised[:12]}…; install the model again"
        )
    metadata = _metadata(folder / "configs" / "metadata.json")
    if metadata.get("sha256", digest) != digest:
        raise ModelRefused(f"{folder.name}: metadata.json speaks of another model file")
    return ModelFolder(
        name=str(metadata.get("name") or folder.name),
        version=str(metadata.get("version", "")),
        digest=digest,
        onnx=onnx,
        decode=DecodeSettings.from_metadata(metadata.get("decode") or {}),
        self_test=_self_test(folder / "selftest.npz"),
    )


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_MODEL_BYTES:
            raise ModelRefused(f"{path.name} is larger than any model of this product")
        return path.read_bytes()
    except OSError as error:
        raise ModelRefused(f"{path.parent.name}/{path.name} cannot be read: {error}") from error


def promised_digest(folder: Path) -> str:
    """SHA-256 (hex) that a model folder promises for its network; nothing is checked yet.

    Raises
    ------
    ModelRefused
        It promises none.
    """
    path = folder / "sha256"
    for line in _read(path).decode("ascii", errors="replace").splitlines():
        words = line.split()
        if len(words) == 2 and words[1].lstrip("*") == ONNX_FILE and len(words[0]) == 64:
            return words[0].lower()
    raise ModelRefused(f"{path.parent.name}/{path.name} holds no digest of {ONNX_FILE}")


def _metadata(path: Path) -> dict[str, Any]:
    try:
        metadata = json.loads(_read(path))
    except ValueError as error:
        raise ModelRefused(f"{path.name} is no JSON: {error}") from error
    if not isinstance(metadata, dict):
        raise ModelRefused(f"{path.name} is no JSON object")
    return metadata


def _self_test(path: Path) -> SelfTest:
    try:
        with np.load(io.BytesIO(_read(path)), allow_pickle=False) as stored:
            tile, answer = stored["tile"], stored["answer"]
    except (KeyError, ValueError, OSError, EOFError) as error:
        raise ModelRefused(f"{path.name} is no self-test: {error}") from error
    if tile.dtype != np.float32 or answer.dtype != np.float32 or tile.ndim != 5:
        raise ModelRefused(f"{path.name} holds no float32 tile and answer")
    return SelfTest(tile, answer)
