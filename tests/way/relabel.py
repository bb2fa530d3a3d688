"""Real series under new UIDs and another patient, in a temporary folder: the same pixels again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydicom import dcmread


def new_uid(*parts: object) -> str:
    """A UID made from some words (PS3.5 B.2): the same words, the same UID."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:16]
    return f"2.25.{int.from_bytes(digest, 'big')}"


def relabel(source: Path, into: Path, number: int) -> tuple[str, list[Path]]:
    """Write a series again as another study.

    Parameters
    ----------
    source : Path
        Folder with the files of one series.
    into : Path
    number : int
        Of the new study; the same number gives the same UIDs.

    Returns
    -------
    study_uid, files
    """
    into.mkdir(parents=True, exist_ok=True)
    study_uid, written = new_uid("study", number), []
    for path in sorted(p for p in source.rglob("*") if p.is_file() and p.suffix in ("", ".dcm")):
        ds = dcmread(path)
        ds.StudyInstanceUID = study_uid
        ds.SeriesInstanceUID = new_uid("series", number)
        ds.FrameOfReferenceUID = new_uid("frame", number)
        ds.SOPInstanceUID = new_uid("image", number, ds.SOPInstanceUID)
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.PatientID, ds.PatientName = f"PH-{number:06d}", f"Phantom^{number}"
        target = into / path.name
        ds.save_as(target)
        written.append(target)
    return study_uid, written
