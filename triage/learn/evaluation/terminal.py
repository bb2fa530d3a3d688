"""The report as text."""

from __future__ import annotations

from collections.abc import Sequence

from triage.learn.evaluation.report import Report
from triage.learn.evaluation.sections import Section, sections_of


def text(report: Report) -> str:
    """The report for a terminal; ends with a line feed."""
    return "\n".join(line for one in sections_of(report) for line in _lines(one))


def _lines(section: Section) -> list[str]:
    out = [section.title, "-" * len(section.title), *section.words]
    rows = [section.header, *section.rows] if section.header else list(section.rows)
    # A wide table is turned: one column a model, so that it fits a terminal.
    turned = len(section.header) > 8
    if turned:
        rows = [tuple(column) for column in zip(*rows, strict=True)]
    return [*out, *_aligned(rows), ""]


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
