"""Studies to send: one phantom, written once, re-labelled as often as a test needs another."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from tests.way.relabel import relabel
from triage.phantom.chest import make_chest
from triage.phantom.dicom import write_series

_SPACING_ZYX_MM = (2.5, 1.4, 1.4)
_MATRIX = 256
_kept: list[tempfile.TemporaryDirectory[str]] = []  # cleaned away with this process


@functools.cache
def _phantom(slices: int) -> Path:
    """A coarse phantom chest (real CT objects); made once per test run."""
    _kept.append(tempfile.TemporaryDirectory(prefix="triage-way-"))
    folder = Path(_kept[-1].name)
    chest = make_chest(
        seed=7, nodules=3, slices=slices, spacing_zyx_mm=_SPACING_ZYX_MM, matrix=_MATRIX
    )
    write_series(chest, folder, seed=7)
    return folder


def write_study(into: Path, number: int, slices: int = 120) -> tuple[str, list[Path]]:
    """Write one study under its own patient and UIDs.

    Returns
    -------
    study_uid, files
    """
    return relabel(_phantom(slices), into, number)
