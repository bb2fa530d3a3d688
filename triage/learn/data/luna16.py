"""``luna16:DIR``: the LUNA16 challenge as it is handed out.

``DIR/subset0`` .. ``subset9`` with ``<series uid>.mhd`` and ``.raw`` (or ``.zraw``), and
``annotations.csv`` and ``annotations_excluded.csv`` in DIR, in ``DIR/CSVFILES`` or in
``DIR/evaluationScript/annotations``. The world frame is LPS millimetres of the mhd; where its
TransformMatrix turns an axis round, the voxels are turned back when they are read, so that x, y
and z always ascend.

LUNA16 does not say who the patients are. ``patients.csv`` (columns seriesuid, patient) in DIR says
it; without it each series counts as a patient of its own, unless another source of the same
command knows the patient of that series.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from triage.core.finding import PointLps
from triage.core.work import Json, digest_of
from triage.errors import DataRefused
from triage.learn.data import mhd, reader_tables, sums
from triage.learn.data.cases import Case, DataSet, MarkedNodule, SmallFinding
from triage.learn.data.folds import FOLDS

LICENCE = "CC BY 4.0"  # says the data page of the challenge
ANNOTATIONS, EXCLUDED, PATIENTS = "annotations.csv", "annotations_excluded.csv", "patients.csv"
_COLUMNS = ("seriesuid", "coordX", "coordY", "coordZ", "diameter_mm")
_WHAT = "LUNA16: subset0..subset9 with .mhd and .raw, annotations.csv, annotations_excluded.csv"


def read(place: str) -> DataSet:
    """Describe a folder of LUNA16; some subsets are enough.

    Parameters
    ----------
    place : str
        The folder.

    Returns
    -------
    DataSet
        The digest covers the tables, the mhd headers and the sizes of the voxel files. A fold is
        the number of the subset.

    Raises
    ------
    DataRefused
        A table or voxel file is missing or damaged, or a series lies in two subsets.
    """
    top = sums.folder_of(place, _WHAT)
    truth, excluded = _table(top, ANNOTATIONS), _table(top, EXCLUDED)
    headers = _headers(top)
    patients = _patients(top, headers)
    nodules, small = _truth(truth, excluded)
    cases = tuple(
        _case(uid, header, patients[uid], (tuple(nodules[uid]), tuple(small[uid])))
        for uid, (_, header) in headers.items()
    )
    tables = [sums.sha256_of(p) for p in (truth, excluded)]
    voxels: list[Json] = [
        [uid, h.sha256, h.voxels.stat().st_size] for uid, (_, h) in headers.items()
    ]
    elsewhere = sorted((nodules.keys() | small.keys()) - headers.keys())
    return DataSet(
        name=f"luna16:{place}",
        digest=digest_of([*tables, *voxels]),
        licence=LICENCE,
        cases=cases,
        folds={patients[uid]: fold for uid, (fold, _) in headers.items()},
        left_out=(f"{len(elsewhere)} annotated series are in no subset here",) if elsewhere else (),
    )


def _table(top: Path, name: str) -> Path:
    for folder in (top, top / "CSVFILES", top / "evaluationScript" / "annotations"):
        if (folder / name).is_file():
            return folder / name
    raise DataRefused(f"{top / name} is missing; expected {_WHAT}")


def _headers(top: Path) -> dict[str, tuple[int, mhd.Header]]:
    """Series UID to subset number and header, subsets in order."""
    found: dict[str, tuple[int, mhd.Header]] = {}
    for fold in range(FOLDS):
        for path in sorted((top / f"subset{fold}").glob("*.mhd")):
            if not re.fullmatch(r"[0-9.]{3,64}", path.stem):
                raise DataRefused(f"{path}: its name is no series UID")
            if path.stem in found:
                raise DataRefused(f"{path}: lies in subset{found[path.stem][0]} too")
            found[path.stem] = (fold, mhd.read_header(path))
    if not found:
        raise DataRefused(f"{top} has no subset with a .mhd; expected {_WHAT}")
    return found


def _patients(top: Path, headers: Mapping[str, object]) -> dict[str, str]:
    path = top / PATIENTS
    if not path.exists():
        return {uid: uid for uid in headers}
    rows = [row for _, row in reader_tables.rows(path, ("seriesuid", "patient"))]
    known = {row["seriesuid"]: row["patient"] for row in rows if row["patient"]}
    if unknown := sorted(headers.keys() - known.keys()):
        raise DataRefused(f"{path} does not name the patient of {unknown[0]}")
    return {uid: known[uid] for uid in headers}


def _truth(
    truth: Path, excluded: Path
) -> tuple[Mapping[str, list[MarkedNodule]], Mapping[str, list[SmallFinding]]]:
    """Nodules to find, nodules to ignore (with a size), and places to ignore (size -1)."""
    nodules: dict[str, list[MarkedNodule]] = defaultdict(list)
    small: dict[str, list[SmallFinding]] = defaultdict(list)
    for path, positive in ((truth, True), (excluded, False)):
        for line, row in reader_tables.rows(path, _COLUMNS):
            uid, place, size = _row(path, line, row)
            if size > 0.0:
                nodules[uid].append(MarkedNodule(place, size, positive))
            elif positive:
                raise DataRefused(f"{path}, line {line}: a nodule of {size} mm")
            else:
                small[uid].append(SmallFinding(place, ("excluded",)))
    return nodules, small


def _row(path: Path, line: int, row: reader_tables.Row) -> tuple[str, PointLps, float]:
    x, y, z, size = (reader_tables.number(path, line, row, c) for c in _COLUMNS[1:])
    return row["seriesuid"], (x, y, z), size


def _case(
    uid: str,
    header: mhd.Header,
    patient: str,
    truth: tuple[tuple[MarkedNodule, ...], tuple[SmallFinding, ...]],
) -> Case:
    return Case(
        name=uid,
        patient=patient,
        series_uid=uid,
        all_marked=True,
        nodules=truth[0],
        small=truth[1],
        path=header.path,
        pixels=mhd.read_volume,
        spacing_zyx_mm=header.spacing_zyx_mm,
    )
