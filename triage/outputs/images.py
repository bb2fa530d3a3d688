"""Source images of a report: where their pixels lie, and who their header says they show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

from triage.core.finding import PointLps
from triage.pathway import CT_IMAGE_STORAGE

Pixels = npt.NDArray[np.float64]

#: How far an axis may lie off the plane of the image it is written on, mm, when no thickness says.
_OFF_PLANE_MM: Final = 0.5
#: Keywords of the Patient, General Study and Patient Study modules that are copied -> what a
#: value must look like; another value is left empty, because it would make the SR invalid.
_COPIED: Final[Mapping[str, str]] = {
    "PatientName": r"[^\\]*",
    "PatientID": r"[^\\]{0,64}",
    "IssuerOfPatientID": r"[^\\]{0,64}",
    "PatientBirthDate": r"(\d{8})?",
    "PatientSex": r"[MFO]?",
    "PatientAge": r"(\d{3}[DWMY])?",
    "StudyInstanceUID": r"[0-9.]{1,64}",
    "StudyID": r"[^\\]{0,16}",
    "StudyDate": r"(\d{8})?",
    "StudyTime": r"(\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?)?",
    "AccessionNumber": r"[^\\]{0,16}",
    "ReferringPhysicianName": r"[^\\]*",
    "StudyDescription": r"[^\\]{0,64}",
    "TimezoneOffsetFromUTC": r"([+-]\d{4})?",
}
#: Type 2: there, if empty, also when the source says nothing (PS3.3 C.7.1.1, C.7.2.1).
_ALWAYS: Final = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate",
    "StudyTime", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip


_UIDS: Final = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID")


@dataclass(frozen=True, slots=True)
class SourceImage:
    """One instance that was looked at.

    Attributes
    ----------
    sop_uid, sop_class, series_uid : str
    header : mapping
        What the door read: ``image_position_patient``, ``pixel_spacing`` …
    """

    sop_uid: str
    sop_class: str
    series_uid: str
    header: Mapping[str, Any]

    @property
    def frame_of_reference(self) -> str | None:
        """Frame of Reference UID, None when the header has none."""
        return self.header.get("frame_of_reference_uid") or None

    def on_image(self, points_lps_mm: Sequence[PointLps]) -> Pixels | None:
        """Points as column and row on this image, or None when they do not lie on it.

        Parameters
        ----------
        points_lps_mm : sequence of points
            x, y, z in mm, LPS.

        Returns
        -------
        ndarray, float64, shape (n, 2), or None
            Column, row; (0.5, 0.5) is the centre of the first pixel (PS3.3 C.18.6.1.2). None also
            for multi-frame images and when the header does not say where the image lies.
        """
        place = self._place()
        if place is None:
            return None
        origin, along_row, along_column, spacing = place
        moved = np.asarray(points_lps_mm, dtype=np.float64) - origin
        normal = np.cross(along_row, along_column)
        if np.max(np.abs(moved @ normal)) > self._reach_mm():
            return None
        columns, rows = moved @ along_row / spacing[1], moved @ along_column / spacing[0]
        return np.stack([columns, rows], axis=-1) + 0.5

    def distance_mm(self, point_lps_mm: PointLps) -> float:
        """Distance of a point from the plane of this image; infinite when that is not known."""
        place = self._place()
        if place is None:
            return float("inf")
        origin, along_row, along_column, _ = place
        moved = np.asarray(point_lps_mm, dtype=np.float64) - origin
        return float(abs(moved @ np.cross(along_row, along_column)))

    def _reach_mm(self) -> float:
        return max(_OFF_PLANE_MM, float(self.header.get("slice_thickness") or 0.0) / 2)

    def _place(self) -> tuple[Pixels, Pixels, Pixels, Pixels] | None:
        names = ("image_position_patient", "image_orientation_patient", "pixel_spacing")
        values = [self.header.get(name) for name in names]
        if self.sop_class != CT_IMAGE_STORAGE or any(value is None for value in values):
            return None
        origin, cosines, spacing = (np.asarray(value, dtype=np.float64) for value in values)
        return origin, cosines[:3], cosines[3:], spacing


def nearest(images: Sequence[SourceImage], point_lps_mm: PointLps) -> SourceImage | None:
    """The image whose plane is nearest to a point; None when no image says where it lies."""
    best = min(images, key=lambda image: image.distance_mm(point_lps_mm), default=None)
    if best is None or not np.isfinite(best.distance_mm(point_lps_mm)):
        return None
    return best


def patient_and_study(path: Path) -> Dataset:
    """Patient and study modules of a stored instance, in Unicode.

    Parameters
    ----------
    path : Path
        A DICOM file; its pixels are not read.

    Returns
    -------
    Dataset
        The copied elements and the UIDs of the instance. A value that its VR does not allow is
        left empty: guessing a birth date is worse than having none.
    """
    wanted: list[str] = [*_COPIED, *_UIDS, "SpecificCharacterSet"]
    with disable_value_validation():  # its warnings would carry names into the log
        return _copied(dcmread(path, stop_before_pixels=True, specific_tags=wanted, force=True))


def _copied(source: Dataset) -> Dataset:
    source.decode()
    copy = Dataset()
    copy.SpecificCharacterSet = "ISO_IR 192"
    for keyword in _UIDS:
        setattr(copy, keyword, str(source[keyword].value))
    for keyword, pattern in _COPIED.items():
        value = str(source[keyword].value or "") if keyword in source else ""
        fits = re.fullmatch(pattern, value) is not None
        if keyword in _ALWAYS or (value and fits):
            setattr(copy, keyword, value if fits else "")
    return copy
