"""LUNA16-shaped folders made by hand: mhd with raw or zraw, and the two tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK

UID = "1.3.6.1.4.1.14519.5.2.1.6279.6001.9001"
OTHER = "1.3.6.1.4.1.14519.5.2.1.6279.6001.9002"
SHAPE_ZYX = (5, 6, 7)
ORIGIN, SPACING = (-100.0, -50.0, -30.0), (0.5, 0.75, 2.0)
HEADER = "seriesuid,coordX,coordY,coordZ,diameter_mm"
sitk: Any = SimpleITK


def voxels() -> np.ndarray:
    """Every voxel another value, one of them far below the scale."""
    hu = np.arange(np.prod(SHAPE_ZYX), dtype=np.int16).reshape(SHAPE_ZYX) - 100
    hu[0, 0, 0] = -3024
    return hu


def write_scan(
    top: Path,
    uid: str = UID,
    *,
    fold: int = 0,
    signs: tuple[int, int, int] = (1, 1, 1),
    packed: bool = False,
) -> Path:
    """One scan; `signs` are the directions of x, y, z in the file."""
    image = sitk.GetImageFromArray(voxels())
    image.SetOrigin(ORIGIN)
    image.SetSpacing(SPACING)
    image.SetDirection(np.diag(signs).astype(float).ravel().tolist())
    folder = top / f"subset{fold}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uid}.mhd"
    sitk.WriteImage(image, str(path), packed)
    return path


def write_tables(
    top: Path, rows: Sequence[str] = (), excluded: Sequence[str] = (), header: str = HEADER
) -> None:
    (top / "annotations.csv").write_text("\n".join([header, *rows]) + "\n")
    (top / "annotations_excluded.csv").write_text("\n".join([header, *excluded]) + "\n")
