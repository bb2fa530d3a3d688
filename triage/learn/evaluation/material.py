"""Where scans to evaluate on come from: a DATA word becomes scans with truth.

A folder (or ``shared:FOLDER``) is the form of the data folder: ``truth.json`` and ZIPs of DICOM.
Another source is one more row in `OPENERS`: a function from the rest of the word to a `DataSet`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from triage.core.finding import PointLps
from triage.core.volume import Volume
from triage.core.work import digest_of
from triage.errors import NotBuiltYet, Unprocessable
from triage.learn.evaluation.tables import ScanKind, ScanTable, Truth, TruthKind
from triage.learn.sources import Case, read_cases, read_volume


@dataclass(frozen=True, slots=True)
class Material:
    """A scan that can be read.

    Attributes
    ----------
    table : ScanTable
        Noise is not measured yet.
    digest : str
        SHA-256 of what `load` reads: identity of the pixels.
    load : callable
        Gives the volume.
    case : Case
        The same truth as the learning loop knows it.
    """

    table: ScanTable
    digest: str
    load: Callable[[], Volume]
    case: Case


def _nobody_counts(_: Sequence[str]) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class DataSet:
    """Scans with truth.

    Attributes
    ----------
    name, digest : str
        `digest` changes with any pixel and any truth.
    scans : tuple of Material
    split_hash : str or None
        Of the frozen split they are a part of; None = not told.
    note_look : callable
        Given the digests of the models, writes down that these patients are looked at, before a
        pixel is read, and says how often they have been looked at, this time included; None =
        nobody counts.
    """

    name: str
    digest: str
    scans: tuple[Material, ...]
    split_hash: str | None = None
    note_look: Callable[[Sequence[str]], int | None] = _nobody_counts


Opener: TypeAlias = Callable[[str], DataSet]


def is_data(word: str) -> bool:
    """Whether a word of the command line names data whatever its place: ``SOURCE:REST``."""
    source, colon, _ = word.partition(":")
    return bool(colon) and source in OPENERS


def open_data(word: str, only: Sequence[str] = ()) -> DataSet:
    """Open a DATA word.

    Parameters
    ----------
    word : str
        A folder, or ``SOURCE:REST``.
    only : sequence of str
        Names of scans; () = all.

    Returns
    -------
    DataSet

    Raises
    ------
    Unprocessable
        There is no such data, it cannot be read, holds no scan, or lacks one of `only`.
    NotBuiltYet
        A source whose turn has not come.
    """
    source, _, rest = word.partition(":")
    found = OPENERS[source](rest) if is_data(word) else _open_shared(word)
    if unknown := set(only) - {m.table.name for m in found.scans}:
        raise Unprocessable(f"{word} has no series {', '.join(sorted(unknown))}", code="no_series")
    scans = tuple(m for m in found.scans if not only or m.table.name in only)
    if not scans:
        raise Unprocessable(f"{word} holds no series to evaluate on", code="no_scans")
    return replace(found, digest=_digest(scans), scans=scans)


def _digest(scans: tuple[Material, ...]) -> str:
    truths = {m.digest: repr((m.table.patient, m.table.truths, m.table.all_marked)) for m in scans}
    return digest_of(dict(truths))


def _open_shared(rest: str) -> DataSet:
    folder = Path(rest)
    try:
        document = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        rows: dict[str, dict[str, Any]] = document["series"]
        cases = sorted(read_cases(folder).values(), key=lambda case: case.name)
        scans = tuple(_material(case, rows[case.series_uid]) for case in cases)
    except OSError as error:
        raise Unprocessable(f"{rest} cannot be read: {error}", code="data_unreadable") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        said = f"{rest}/truth.json is not as it should be: {type(error).__name__} {error}"
        raise Unprocessable(said, code="data_unreadable") from error
    return DataSet(rest, "", scans)


def _material(case: Case, row: Mapping[str, Any]) -> Material:
    whole = row.get("kind") != ScanKind.LUNG_CROP
    table = ScanTable(
        scan=case.series_uid,
        name=case.name,
        patient=case.patient,
        kind=ScanKind.WHOLE if whole else ScanKind.LUNG_CROP,
        all_marked=case.all_marked,
        truths=(*_nodules(case, row), *_small(case)),
        slice_mm=row.get("slice_thickness_mm") or row["spacing_mm"][2],
        bounds_lps_mm=_bounds(row),
    )
    return Material(table, _file_digest(case.path), lambda: read_volume(case.path), case)


def _nodules(case: Case, row: Mapping[str, Any]) -> tuple[Truth, ...]:
    return tuple(
        Truth(
            str(said["id"]),
            TruthKind.NODULE if nodule.positive else TruthKind.IGNORE,
            nodule.center_lps_mm,
            nodule.diameter_mm,
            nodule.bbox_lps_mm,
            texture=said.get("mean_texture"),
        )
        for nodule, said in zip(case.nodules, row["nodules"], strict=True)
    )


def _small(case: Case) -> tuple[Truth, ...]:
    return tuple(
        Truth(f"small {number}", TruthKind.SMALL, small.center_lps_mm)
        for number, small in enumerate(case.small, start=1)
    )


def _bounds(row: Mapping[str, Any]) -> tuple[PointLps, PointLps]:
    """The box all voxels fill, half a voxel around their centres."""
    spacing = np.array(row["spacing_mm"], float)
    first = np.array(row["first_slice_position_mm"], float) - spacing / 2.0
    last = first + spacing * np.array(row["shape_zyx"][::-1], float)
    return _point(first), _point(last)


def _point(lps_mm: np.ndarray[Any, np.dtype[np.float64]]) -> PointLps:
    x, y, z = (float(v) for v in lps_mm)
    return x, y, z


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _later(source: str) -> Opener:
    def opener(rest: str) -> DataSet:
        raise NotBuiltYet(f"evaluating on {source}:{rest} is not built yet; give a data folder")

    return opener


#: What DATA may begin with.
OPENERS: dict[str, Opener] = {
    "shared": _open_shared,
    "lidc": _later("lidc"),
    "luna16": _later("luna16"),
}
