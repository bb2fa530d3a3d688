"""``shared:DIR``: the development data folder, with truth.json, cubes, windows and reader tables.

Its README says what each file is and under which licence. Nothing of it is copied into the project.
Only truth.json has to be there; what else is there is read. Where SHA256SUMS lies beside it, every
file must be the one it lists.
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from triage.core.finding import PointLps
from triage.errors import DataRefused
from triage.learn.data import reader_tables, sums
from triage.learn.data.cases import Case, Cube, DataSet, Kind, MarkedNodule, Role, SmallFinding
from triage.learn.data.windows import NoduleWindow, Other
from triage.learn.split import NEVER_TRAINED, TRAIN_CASES, split_cubes

#: False positives are counted on this lung crop while a model is chosen; so it is not trained on.
COUNTED_ON = ("LIDC-IDRI-0745",)
TRUTH = "truth.json"
CUBES, CUBE_VOXELS = "cubes/lidc_cubes.json", "cubes/lidc_cubes.npz"
WINDOWS, PICTURES = "patches/lidc_nodule_slices.json", "patches/lidc_nodule_slices.zip"
COUNTS = "patches/lidc_nodule_readers.npz"
OUTLINES, MARKS = "lidc_annotations.csv.gz", "lidc_marks.csv.gz"
_WHAT = "the development data: truth.json, series/, cubes/, patches/"


def read(place: str) -> DataSet:
    """Describe a data folder.

    Parameters
    ----------
    place : str
        The folder.

    Returns
    -------
    DataSet
        The digest covers every file but the README.

    Raises
    ------
    DataRefused
        Something is missing, damaged or not the file that was published.
    """
    folder = sums.folder_of(place, _WHAT)
    cases = tuple(read_cases(folder).values())
    digest = sums.digest_of_folder(folder)
    cubes = tuple(read_cubes(folder)) if (folder / CUBES).exists() else ()
    windows = tuple(read_windows(folder)) if (folder / WINDOWS).exists() else ()
    outlines, marks = folder / OUTLINES, folder / MARKS
    return DataSet(
        name=f"shared:{place}",
        digest=digest,
        licence=", ".join(sorted(_licences(folder))) or "not stated",
        cases=cases,
        cubes=cubes,
        windows=windows,
        outlines=tuple(reader_tables.read_outlines(outlines)) if outlines.exists() else (),
        marks=tuple(reader_tables.read_marks(marks)) if marks.exists() else (),
        roles=_roles(folder, cases, cubes, windows),
    )


# ---------------------------------------------------------------- series


def read_cases(folder: Path) -> dict[str, Case]:
    """All series of the data folder by case name, with truth, pixels not yet read.

    Raises
    ------
    DataRefused
    """
    rows = _truth(folder)
    try:
        cases = [_case(uid, row, folder) for uid, row in rows.items()]
    except (KeyError, TypeError, ValueError) as error:
        raise DataRefused(f"{folder / TRUTH}: a series lacks or misstates {error}") from error
    by_name = {case.name: case for case in cases}
    if len(by_name) < len(cases):
        raise DataRefused(f"{folder / TRUTH} names a case twice")
    if missing := sorted(str(c.path) for c in cases if not c.path.exists()):
        raise DataRefused(f"{missing[0]} is missing; {TRUTH} names it")
    return by_name


def _truth(folder: Path) -> Mapping[str, Any]:
    document = sums.read_json(folder / TRUTH, f"expected in {_WHAT}")
    rows = document.get("series") if isinstance(document, dict) else None
    if not isinstance(rows, dict) or not rows:
        raise DataRefused(f"{folder / TRUTH} lists no series")
    return rows


def _licences(folder: Path) -> set[str]:
    return {row["licence"] for row in _truth(folder).values() if row.get("licence")}


def _case(uid: str, row: Mapping[str, Any], folder: Path) -> Case:
    spacing = row.get("spacing_mm")
    return Case(
        name=row["case"],
        patient=row["patient"],
        series_uid=uid,
        all_marked=row["all_nodules_marked"],
        nodules=tuple(_nodule(n, row["truth_kind"]) for n in row["nodules"]),
        small=tuple(
            SmallFinding(_point(s["center_mm"]), tuple(s["kinds"]), int(s.get("marks", 1)))
            for s in row.get("small_findings", [])
        ),
        path=folder / row["file"] if "file" in row else folder / "series" / f"{row['case']}.zip",
        kind=Kind(row.get("kind", Kind.WHOLE.value)),
        spacing_zyx_mm=_spacing(spacing) if spacing else None,
        thickness_mm=row.get("slice_thickness_mm"),
        kernel=row.get("kernel") or "",
        source_uid=row.get("source_series_uid", ""),
    )


def _nodule(row: Mapping[str, Any], truth_kind: str) -> MarkedNodule:
    box = row.get("bbox_mm") if truth_kind in {"point", "boxes"} else None
    return MarkedNodule(
        center_lps_mm=_point(row["center_mm"]),
        diameter_mm=_size(row["diameter_mm"]),
        positive=row["label"] == "positive",
        bbox_lps_mm=(_point(box[0]), _point(box[1])) if box else None,
        readers=row.get("readers"),
        max_axial_mm=row.get("max_axial_diameter_mm"),
        texture=row.get("mean_texture"),
    )


def _point(values: Iterable[float]) -> PointLps:
    x, y, z = (float(v) for v in values)
    if not all(map(math.isfinite, (x, y, z))):
        raise ValueError(f"a place: {(x, y, z)}")
    return x, y, z


def _size(value: float) -> float:
    if not (math.isfinite(value) and value > 0.0):
        raise ValueError(f"a size: {value}")
    return float(value)


def _spacing(xyz: Sequence[float]) -> tuple[float, float, float]:
    x, y, z = (_size(v) for v in xyz)
    return z, y, x


# ---------------------------------------------------------------- cubes and windows


def read_cubes(folder: Path) -> list[Cube]:
    """All nodule cubes, in the order of the file.

    Raises
    ------
    DataRefused
    """
    rows = _rows(folder / CUBES, "cubes")
    path = folder / CUBE_VOXELS
    try:
        with np.load(path, allow_pickle=False) as arrays:
            hu, mask = arrays["hu"], arrays["mask"].astype(bool)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataRefused(f"{path} cannot be read: {error}") from error
    if not len(rows) == len(hu) == len(mask):
        raise DataRefused(f"{path} holds {len(hu)} cubes, {CUBES} describes {len(rows)}")
    try:
        return [_cube(row, hu[i], mask[i]) for i, row in enumerate(rows)]
    except (KeyError, TypeError) as error:
        raise DataRefused(f"{folder / CUBES}: a cube lacks or misstates {error}") from error


def _rows(path: Path, name: str) -> list[Mapping[str, Any]]:
    document = sums.read_json(path, "one row for each")
    rows = document.get(name) if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise DataRefused(f"{path} lists no {name}")
    return rows


def _cube(row: Mapping[str, Any], hu: npt.NDArray[np.int16], mask: npt.NDArray[np.bool_]) -> Cube:
    return Cube(
        row["patient"], row["suggested_role"], row["readers"], row["diameter_mm"], hu, mask,
        series_uid=row["series_uid"], thickness_mm=row["scan_slice_thickness_mm"],
        texture=row["ratings"]["texture"], match_cost=row["match_cost"],
    )  # fmt: skip


def read_windows(folder: Path) -> list[NoduleWindow]:
    """All nodule windows, in the order of the file; pictures are decoded when asked for.

    Raises
    ------
    DataRefused
    """
    rows = _rows(folder / WINDOWS, "nodules")
    for name in (PICTURES, COUNTS):
        if not (folder / name).exists():
            raise DataRefused(f"{folder / name} is missing; {WINDOWS} describes it")
    try:
        return [_window(row, folder) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise DataRefused(f"{folder / WINDOWS}: a nodule lacks or misstates {error}") from error


def _window(row: Mapping[str, Any], folder: Path) -> NoduleWindow:
    spacing = row.get("spacing_mm")
    return NoduleWindow(
        name=row["name"],
        patient=row["patient"],
        role=row["suggested_role"],
        readers=row["readers"],
        positive=row["label"] == "positive",
        n_slices=row["n_slices"],
        diameter_mm=row.get("diameter_mm"),
        texture=row.get("mean_texture"),
        spacing_zyx_mm=_spacing(spacing) if spacing else None,
        series_uid=row.get("series_uid", ""),
        match_cost=row.get("match_cost"),
        marked_small=row.get("also_marked_small", 0),
        others=tuple(Other(*one) for one in row.get("others", ())),
        hu_intercept=tuple(row["hu_intercept"]),
        hu_slope=tuple(row["hu_slope"]),
        offset=row["offset"],
        sha256=row["sha256"],
        archive=folder / PICTURES,
        outlines=folder / COUNTS,
    )


# ---------------------------------------------------------------- roles


def _roles(
    folder: Path,
    cases: Sequence[Case],
    cubes: Sequence[Cube],
    windows: Sequence[NoduleWindow],
) -> dict[str, Role]:
    """One role a patient: a series decides, then the frozen split of the cubes, then the windows.

    Only series that models of this project were trained on before may be trained on; a series
    nobody has ruled on is for testing.
    """
    suggested = {"train": Role.TRAIN}
    roles = {w.patient: suggested.get(w.role, Role.TEST) for w in windows}
    if cubes:
        frozen = split_cubes(cubes, [c.patient for c in cases])
        roles |= dict.fromkeys(frozen.train, Role.TRAIN)
        roles |= dict.fromkeys(frozen.select, Role.SELECT)
        roles |= dict.fromkeys(frozen.held_back, Role.TEST)
    for case in cases:
        roles.setdefault(case.patient, Role.TEST)
        if case.name in TRAIN_CASES:
            roles[case.patient] = Role.TRAIN
    roles |= dict.fromkeys(roles.keys() & set(COUNTED_ON), Role.SELECT)
    return roles | dict.fromkeys(roles.keys() & set(NEVER_TRAINED), Role.TEST)
