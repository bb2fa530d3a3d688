"""Counts of leave-one-patient-out models, as `triage.learn.figures series` prints them.

A run a file: one series, judged by a model that had not seen its patient. They speak of the recipe,
not of any released model, and are shown as counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from triage.errors import Unprocessable


@dataclass(frozen=True, slots=True)
class RankedNodule:
    """A nodule of a run: its best mark and how many false ones are more probable."""

    diameter_mm: float
    probability: float | None
    false_above: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """One left-out series.

    Attributes
    ----------
    run, case : str
    nodules, found_at_point : int
    ranked : tuple of RankedNodule
    false_positives_luna, false_positives_strict : int or None
        None where not all nodules are marked.
    """

    run: str
    case: str
    nodules: int
    found_at_point: int
    ranked: tuple[RankedNodule, ...]
    false_positives_luna: int | None
    false_positives_strict: int | None


def read_runs(paths: Sequence[Path]) -> tuple[RunRow, ...]:
    """Read files of runs.

    Parameters
    ----------
    paths : sequence of Path

    Returns
    -------
    tuple of RunRow
        By case and run.

    Raises
    ------
    Unprocessable
        A file is missing or no such row, or a run is there twice.
    """
    rows = sorted((_read(path) for path in paths), key=lambda row: (row.case, row.run))
    for one, other in pairwise(rows):
        if (one.case, one.run) == (other.case, other.run):
            raise Unprocessable(f"{one.run} on {one.case} is there twice", code="not_unique")
    return tuple(rows)


def _read(path: Path) -> RunRow:
    try:
        return TypeAdapter(RunRow).validate_json(path.read_bytes())
    except OSError as error:
        raise Unprocessable(f"{path} cannot be read: {error}", code="run_unreadable") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = f"{path} is no row of `triage.learn.figures series`: {where} {first['msg']}"
        raise Unprocessable(said, code="run_unreadable") from error
