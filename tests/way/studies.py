"""Studies to send: one phantom, written once, re-labelled as often as a test needs another."""

from __future__ import annotations

import functools
import hashlib
import tempfile
from pathlib import Path

from pydicom import dcmread

from triage.phantom.chest import make_chest
from triage.phantom.dicom import write_series

_SPACING_ZYX_MM = (2.5, 1.4, 1.4)
_MATRIX = 256


@functools.cache
def _phantom(slices: int) -> Path:
    """A coarse phantom chest (real CT objects); made once per test run."""
    folder = Path(tempfile.mkdtemp(prefix="triage-way-"))
    chest = make_chest(
        seed=7, nodules=3, slices=slices, spacing_zyx_mm=_SPACING_ZYX_MM, matrix=_MATRIX
    )
    write_series(chest, folder, seed=7)
    return folder


def _uid(*parts: object) -> str:
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:16]
    return f"2.25.{int.from_bytes(digest, 'big')}"


def write_study(into: Path, number: int, slices: int = 120) -> tuple[str, list[Path]]:
    """Write one study under its own patient and UIDs.

    Returns
    -------
    study_uid, files
    """
    into.mkdir(parents=True, exist_ok=True)
    study_uid, written = _uid("study", number), []
    for source in sorted(_phantom(slices).rglob("*.dcm")):
        ds = dcmread(source)
        ds.StudyInstanceUID = study_uid
        ds.SeriesInstanceUID = _uid("series", number)
        ds.FrameOfReferenceUID = _uid("frame", number)
        ds.SOPInstanceUID = _uid("image", number, source.name)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.PatientID, ds.PatientName = f"PH-{number:06d}", f"Phantom^{number}"
        target = into / source.name
        ds.save_as(target)
        written.append(target)
    return study_uid, written
