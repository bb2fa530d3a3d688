"""Read the development data: whole series, lung crops, nodule cubes and their truth.

The folder is ``TRIAGE_SHARED_DATA`` or the one given; its README says what each file is and under
which licence. Nothing of it is copied into the project.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom

from triage.core.finding import PointLps
from triage.core.volume import Volume, axial_affine


@dataclass(frozen=True, slots=True)
class MarkedNodule:
    """A nodule of the truth.

    Attributes
    ----------
    center_lps_mm : tuple of float
    diameter_mm : float
        Sphere of equal volume.
    positive : bool
        Outlined by three or four readers (or the challenge's own point); False: ``ignore``.
    bbox_lps_mm : pair of points or None
        Lowest and highest corner, where the truth is a point or boxes.
    """

    center_lps_mm: PointLps
    diameter_mm: float
    positive: bool
    bbox_lps_mm: tuple[PointLps, PointLps] | None = None


@dataclass(frozen=True, slots=True)
class SmallFinding:
    """A mark of the readers that is no outlined nodule: under 3 mm, or called no nodule."""

    center_lps_mm: PointLps
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One series with its truth.

    Attributes
    ----------
    name, patient, series_uid : str
    all_marked : bool
        Whether every nodule of 3 mm and more is in `nodules`; only then do false positives count.
    nodules : tuple of MarkedNodule
    small : tuple of SmallFinding
    path : Path
        ZIP of DICOM files.
    spacing_zyx_mm : tuple of float or None
    thickness_mm : float or None
        Slice thickness as the scanner says; None: not stated.
    """

    name: str
    patient: str
    series_uid: str
    all_marked: bool
    nodules: tuple[MarkedNodule, ...]
    small: tuple[SmallFinding, ...]
    path: Path
    spacing_zyx_mm: tuple[float, float, float] | None = None
    thickness_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Cube:
    """A nodule with its surroundings.

    Attributes
    ----------
    patient : str
    role : str
        ``train`` or ``val`` as the data set suggests.
    readers : int
        How many of four outlined it.
    diameter_mm : float
        Sphere of the volume of one reader's outline.
    hu : ndarray, int16, shape (51, 51, 51)
        z (towards the head), y, x at 1 mm.
    mask : ndarray, bool, shape (51, 51, 51)
    thickness_mm : float or None
        Of the scan it was cut from.
    texture : int or None
        1 ground glass .. 5 solid, by the reader whose outline the mask is.
    """

    patient: str
    role: str
    readers: int
    diameter_mm: float
    hu: npt.NDArray[np.int16]
    mask: npt.NDArray[np.bool_]
    thickness_mm: float | None = None
    texture: int | None = None


def read_cases(folder: Path) -> dict[str, Case]:
    """All series of the data folder by case name, with truth, pixels not yet read."""
    truth = json.loads((folder / "truth.json").read_text())
    cases = (_case(uid, row, folder) for uid, row in truth["series"].items())
    return {case.name: case for case in cases}


def read_cubes(folder: Path) -> list[Cube]:
    """All nodule cubes, in the order of the file."""
    rows = json.loads((folder / "cubes" / "lidc_cubes.json").read_text())["cubes"]
    with np.load(folder / "cubes" / "lidc_cubes.npz") as arrays:
        hu, mask = arrays["hu"], arrays["mask"].astype(bool)
    return [
        Cube(
            patient=r["patient"],
            role=r["suggested_role"],
            readers=r["readers"],
            diameter_mm=r["diameter_mm"],
            hu=hu[i],
            mask=mask[i],
            thickness_mm=r["scan_slice_thickness_mm"],
            texture=r["ratings"]["texture"],
        )
        for i, r in enumerate(rows)
    ]


def read_volume(path: Path) -> Volume:
    """Read an untilted axial series from a ZIP of DICOM files, slices by ascending z.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Volume
        Values below -1024 HU (outside the scan circle) are raised to -1024.
    """
    slices = sorted(_datasets(path), key=lambda d: float(d.ImagePositionPatient[2]))
    hu = np.stack([_hu(d) for d in slices])
    first, second = slices[0], slices[1]
    dz = float(second.ImagePositionPatient[2]) - float(first.ImagePositionPatient[2])
    dy, dx = (float(v) for v in first.PixelSpacing)
    x, y, z = (float(v) for v in first.ImagePositionPatient)
    return Volume(hu, axial_affine((x, y, z), (dz, dy, dx)))


def _datasets(path: Path) -> Iterator[pydicom.Dataset]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not name.endswith("/"):
                yield pydicom.dcmread(io.BytesIO(archive.read(name)))


def _hu(slice_: pydicom.Dataset) -> npt.NDArray[np.int16]:
    slope, intercept = float(slice_.RescaleSlope), float(slice_.RescaleIntercept)
    values = slice_.pixel_array.astype(np.float32) * slope + intercept
    hu: npt.NDArray[np.int16] = np.clip(np.rint(values), -1024, 32767).astype(np.int16)
    return hu


def _case(uid: str, row: dict[str, Any], folder: Path) -> Case:
    return Case(
        name=row["case"],
        patient=row["patient"],
        series_uid=uid,
        all_marked=row["all_nodules_marked"],
        nodules=tuple(_nodule(n, row["truth_kind"]) for n in row["nodules"]),
        small=tuple(
            SmallFinding(_point(s["center_mm"]), tuple(s["kinds"]))
            for s in row.get("small_findings", [])
        ),
        path=folder / row["file"] if "file" in row else folder / "series" / f"{row['case']}.zip",
        spacing_zyx_mm=_spacing(row["spacing_mm"]),
        thickness_mm=row["slice_thickness_mm"],
    )


def _spacing(xyz: list[float]) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in xyz)
    return z, y, x


def _nodule(row: dict[str, Any], truth_kind: str) -> MarkedNodule:
    box = row.get("bbox_mm") if truth_kind in {"point", "boxes"} else None
    return MarkedNodule(
        center_lps_mm=_point(row["center_mm"]),
        diameter_mm=row["diameter_mm"],
        positive=row["label"] == "positive",
        bbox_lps_mm=(_point(box[0]), _point(box[1])) if box else None,
    )


def _point(values: list[float]) -> PointLps:
    x, y, z = (float(v) for v in values)
    return x, y, z
