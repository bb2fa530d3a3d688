"""LIDC-shaped folders made by hand: small chests as DICOM, readings as XML."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.detect import small_chest
from triage.core.volume import Volume

Points = Sequence[tuple[float, float]]
#: Four pixels wide, around column 12, row 22 of a small chest.
SQUARE: Points = ((10, 20), (14, 20), (14, 24), (10, 24), (10, 20))
HOLE: Points = ((11, 21), (13, 21), (13, 23), (11, 23), (11, 21))


def series_uid(number: int) -> str:
    return f"1.2.826.0.1.3680043.8.498.77.{number}"


def sop_uid(number: int, z: int) -> str:
    return f"{series_uid(number)}.{z + 1}"


def write_series(
    top: Path, patient: str = "LIDC-IDRI-0901", number: int = 1, **changes: Any
) -> Path:
    """A CT series at ``top/patient/study/series``, files named against their order."""
    volume: Volume = small_chest.chest(seed=number)
    objects = []
    for z, plane in enumerate(volume.hu):
        own = {
            "PatientID": patient,
            "SeriesInstanceUID": series_uid(number),
            "StudyInstanceUID": f"{series_uid(number)}.0",
            "SOPInstanceUID": sop_uid(number, z),
        } | changes
        objects.append(small_chest.slice_dataset(plane, z, **own))
    return small_chest.write(top / patient / f"study-{number}" / f"series-{number}", objects)


def roi(sop: str, points: Points, *, z: object = -1.5, inclusion: str = "TRUE") -> str:
    edge = "".join(
        f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for x, y in points
    )
    return (
        f"<roi><imageZposition>{z}</imageZposition><imageSOP_UID>{sop}</imageSOP_UID>"
        f"<inclusion>{inclusion}</inclusion>{edge}</roi>"
    )


def nodule(*rois: str, texture: object = None) -> str:
    rated = f"<characteristics><texture>{texture}</texture></characteristics>" if texture else ""
    return (
        f"<unblindedReadNodule><noduleID>7</noduleID>{rated}{''.join(rois)}</unblindedReadNodule>"
    )


def non_nodule(sop: str, x: float, y: float) -> str:
    return (
        "<nonNodule><nonNoduleID>9</nonNoduleID><imageZposition>-1.5</imageZposition>"
        f"<imageSOP_UID>{sop}</imageSOP_UID>"
        f"<locus><xCoord>{x}</xCoord><yCoord>{y}</yCoord></locus></nonNodule>"
    )


def session(*marks: str) -> str:
    return (
        "<readingSession><annotationVersion>3.12</annotationVersion>"
        "<servicingRadiologistID>anonymous</servicingRadiologistID>"
        f"{''.join(marks)}</readingSession>"
    )


def message(*sessions: str, series: str | None = None, root: str = "LidcReadMessage") -> str:
    stated = series_uid(1) if series is None else series
    named = f"<SeriesInstanceUid>{stated}</SeriesInstanceUid>" if stated else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{root} xmlns="http://www.nih.gov">'
        f"<ResponseHeader><Version>1.7</Version>{named}</ResponseHeader>"
        f"{''.join(sessions)}</{root}>"
    )


def reading(*sessions: str, readers: int = 4) -> tuple[str, ...]:
    """Sessions filled up to four with readers who marked nothing."""
    return (*sessions, *[session()] * (readers - len(sessions)))
