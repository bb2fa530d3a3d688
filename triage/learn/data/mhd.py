"""MetaImage files (.mhd with .raw or .zraw): the header is checked, the voxels turned right.

Voxels are read by SimpleITK (extra ``train``); what it would take on trust is looked at first.
"""

from __future__ import annotations

import hashlib
import importlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from triage.core.volume import Volume
from triage.errors import DataRefused

MAX_HEADER_BYTES = 64 << 10
MAX_VOXELS = 1 << 30
#: Bytes of a voxel by MetaImage's name for it.
_TYPES = {"MET_SHORT": 2, "MET_USHORT": 2, "MET_INT": 4, "MET_FLOAT": 4}
_OUTSIDE_HU = -1024


@dataclass(frozen=True, slots=True)
class Header:
    """What an .mhd says.

    Attributes
    ----------
    path, voxels : Path
    shape_zyx : tuple of int
    spacing_zyx_mm : tuple of float
    sha256 : str
        Of the header.
    """

    path: Path
    voxels: Path
    shape_zyx: tuple[int, int, int]
    spacing_zyx_mm: tuple[float, float, float]
    sha256: str


def _reader() -> Any:
    """SimpleITK, which says it is typed and is not; a base install does without."""
    try:
        return importlib.import_module("SimpleITK")
    except ModuleNotFoundError as error:
        raise DataRefused("MetaImage needs SimpleITK: make setup-train") from error


def read_header(path: Path) -> Header:
    """Read and check a header; no voxel is read.

    Parameters
    ----------
    path : Path

    Raises
    ------
    DataRefused
        It lacks a value, has an odd one, or its voxel file is missing, elsewhere or too short.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_HEADER_BYTES + 1)
        if len(data) > MAX_HEADER_BYTES:
            raise ValueError("too large for a header")
        said = _said(data.decode("utf-8"))
        shape = [int(v) for v in _values(said, "DimSize")]
        spacing = _values(said, "ElementSpacing")
        if min(shape) < 1 or math.prod(shape) > MAX_VOXELS:
            raise ValueError(f"DimSize {shape}")
        if not all(0.0 < v < 100.0 for v in spacing):
            raise ValueError(f"ElementSpacing {spacing}")
        voxels = _voxels(path, said, math.prod(shape))
    except (OSError, KeyError, ValueError) as error:
        raise DataRefused(f"{path} cannot be used: {error}") from error
    return Header(
        path, voxels, (shape[2], shape[1], shape[0]), (spacing[2], spacing[1], spacing[0]),
        hashlib.sha256(data).hexdigest(),
    )  # fmt: skip


def _said(text: str) -> dict[str, str]:
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def _values(said: dict[str, str], name: str) -> list[float]:
    if name not in said:
        raise ValueError(f"no {name}")
    values = [float(v) for v in said[name].split()]
    if len(values) != 3 or not all(map(math.isfinite, values)):
        raise ValueError(f"{name} is {said[name]}")
    return values


def _voxels(path: Path, said: dict[str, str], count: int) -> Path:
    name = said.get("ElementDataFile", "")
    if not name or Path(name).name != name or name.upper() in ("LOCAL", "LIST"):
        raise ValueError(f"ElementDataFile is {name!r}; expected a file beside it")
    voxels = path.parent / name
    if not voxels.is_file():
        raise ValueError(f"its voxels are missing: {voxels}")
    size = _TYPES.get(said.get("ElementType", ""))
    if size is None:
        raise ValueError(f"ElementType is {said.get('ElementType')}")
    if said.get("CompressedData", "False") != "True" and voxels.stat().st_size != count * size:
        raise ValueError(f"{voxels} has {voxels.stat().st_size} bytes, {count * size} are promised")
    return voxels


def read_volume(path: Path) -> Volume:
    """Read the voxels.

    Parameters
    ----------
    path : Path
        The .mhd.

    Returns
    -------
    Volume
        x, y and z ascend in LPS, whichever way they lay in the file; values below -1024 HU are
        raised to it.

    Raises
    ------
    DataRefused
        The header or the voxels cannot be used, or the axes are oblique.
    """
    header = read_header(path)
    sitk = _reader()
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise DataRefused(
            f"{path} cannot be read: {str(error).strip().splitlines()[-1]}"
        ) from error
    values = sitk.GetArrayFromImage(image)
    if values.shape != header.shape_zyx:
        raise DataRefused(f"{path} holds {values.shape} voxels, {header.shape_zyx} are promised")
    hu = np.clip(np.rint(values), _OUTSIDE_HU, 32767).astype(np.int16)
    # Columns: where a step along x, y, z of the file leads.
    steps = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    return _ascending(hu, steps, np.array(image.GetOrigin()), path)


def _ascending(
    hu: npt.NDArray[np.int16],
    steps: npt.NDArray[np.float64],
    origin: npt.NDArray[np.float64],
    path: Path,
) -> Volume:
    if np.abs(steps - np.diag(np.diag(steps))).max() > 1e-3 * np.abs(steps).max():
        raise DataRefused(f"{path}: its axes are not those of the patient")
    x, y, z = np.diag(steps)
    flips = tuple(slice(None, None, -1) if v < 0 else slice(None) for v in (z, y, x))
    far = (np.array(hu.shape)[::-1] - 1) * np.minimum((x, y, z), 0.0)
    affine = np.eye(4)
    affine[:3, :3] = np.diag(np.abs((x, y, z)))[:, ::-1]
    affine[:3, 3] = origin + far
    return Volume(np.ascontiguousarray(hu[flips]), affine)
