"""Tables of single readers: comma-separated files, each column checked before a row is read."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from triage.errors import DataRefused
from triage.learn.data.cases import ReaderMark, ReaderOutline

Row = Mapping[str, str]
_OUTLINE = (
    "patient_id", "series_uid", "annotation_id", "nodule_cluster", "readers_in_cluster",
    "centroid_col_px", "centroid_row_px", "centroid_z_mm", "scan_pixel_spacing_mm",
    "diameter_mm", "max_axial_diameter_mm", "texture",
)  # fmt: skip
_MARK = ("patient", "series_uid", "kind", "x_px", "y_px", "z_mm", "reader", "spacing_px_mm")


def rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Rows of a table, plain or gzipped, with their line numbers.

    Parameters
    ----------
    path : Path
    columns : sequence of str
        That have to be there; more may be.

    Raises
    ------
    DataRefused
        The file is missing, damaged, lacks a column, or a row is short.
    """
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            lacking = [c for c in columns if c not in (table.fieldnames or ())]
            if lacking:
                raise DataRefused(f"{path} has no column {', '.join(lacking)}")
            for row in table:
                if any(row[c] is None for c in columns):
                    raise DataRefused(f"{path}, line {table.line_num}: too few values")
                yield table.line_num, row
    except FileNotFoundError as error:
        raise DataRefused(f"{path} is missing") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise DataRefused(f"{path} cannot be read: {error}") from error


def number(path: Path, line: int, row: Row, column: str) -> float:
    """A finite number of a row.

    Raises
    ------
    DataRefused
    """
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataRefused(f"{path}, line {line}: {column} is {row[column]!r}, no number")
    return value


def read_outlines(path: Path) -> list[ReaderOutline]:
    """Reader outlines of LIDC-IDRI, one row each.

    Raises
    ------
    DataRefused
    """
    return [_outline(path, line, row) for line, row in rows(path, _OUTLINE)]


def _outline(path: Path, line: int, row: Row) -> ReaderOutline:
    value = {c: number(path, line, row, c) for c in _OUTLINE[2:]}
    return ReaderOutline(
        patient=row["patient_id"],
        series_uid=row["series_uid"],
        annotation=int(value["annotation_id"]),
        nodule=int(value["nodule_cluster"]),
        readers=int(value["readers_in_cluster"]),
        centroid_px=(value["centroid_col_px"], value["centroid_row_px"]),
        centroid_z_mm=value["centroid_z_mm"],
        pixel_mm=value["scan_pixel_spacing_mm"],
        diameter_mm=value["diameter_mm"],
        max_axial_mm=value["max_axial_diameter_mm"],
        texture=int(value["texture"]),
    )


def read_marks(path: Path) -> list[ReaderMark]:
    """Marks of LIDC-IDRI that are no outlines, one row each.

    Raises
    ------
    DataRefused
    """
    return [_mark(path, line, row) for line, row in rows(path, _MARK)]


def _mark(path: Path, line: int, row: Row) -> ReaderMark:
    x, y, z, reader, pixel = (number(path, line, row, c) for c in _MARK[3:])
    return ReaderMark(
        row["patient"], row["series_uid"], row["kind"], x, y, z, int(reader), pixel_mm=pixel
    )
