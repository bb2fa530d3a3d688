"""``lidc:DIR``: LIDC-IDRI as The Cancer Imaging Archive hands it out.

``DIR/LIDC-IDRI-0001/<study>/<series>/`` holds DICOM files and the readers' XML; names are
arbitrary, so files are known by their UIDs alone. A series without a reading, a reading without its
series, and whatever contradicts itself are left out and named: they are never a scan without
nodules.
"""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from pydicom import dcmread

from triage.core.finding import PointLps
from triage.core.work import Json, digest_of
from triage.detect import folder as dicom_folder
from triage.detect.series import SeriesAssessment, assess
from triage.detect.slices import Slice
from triage.errors import DataRefused
from triage.learn.data import lidc_xml, outlines, sums
from triage.learn.data.cases import Case, DataSet, MarkedNodule, SmallFinding
from triage.learn.data.dicom import read_series
from triage.learn.data.folds import fold_of

log = logging.getLogger(__name__)
LICENCE = "CC BY 3.0"
_WHAT = "LIDC-IDRI as TCIA hands it out: LIDC-IDRI-0001/<study>/<series>/*.dcm, *.xml"
_TOLD_EVERY = 100
#: What else TCIA keeps of the same people: radiographs, segmentations, reports.
_NO_CT = frozenset({"DX", "CR", "SEG", "SR"})


@dataclass(frozen=True, slots=True)
class _Found:
    """A CT series on disk."""

    series_uid: str
    folder: Path
    patient: str
    slices: Mapping[str, Slice]
    judged: SeriesAssessment


def read(place: str) -> DataSet:
    """Describe a folder of LIDC-IDRI.

    Parameters
    ----------
    place : str
        The folder; all below it is looked at.

    Returns
    -------
    DataSet
        The digest covers the readings and which slices there are, not the pixels.

    Raises
    ------
    DataRefused
        No folder, or not one series with its reading in it.
    """
    top = sums.folder_of(place, _WHAT)
    left_out: list[str] = []
    series = _series(top, left_out)
    readings = _readings(top, series, left_out)
    cases = []
    for uid, (reading, sha) in sorted(readings.items()):
        try:
            cases.append((_case(series[uid], reading), sha))
        except DataRefused as error:
            left_out.append(error.message)
    unread = sorted(series.keys() - readings.keys())
    left_out += [f"{uid}: no reading of it that can be used" for uid in unread]
    if not cases:
        why = f"; {left_out[0]}" if left_out else ""
        raise DataRefused(f"{top} holds no series with its reading; expected {_WHAT}{why}")
    identity: list[Json] = [
        [c.series_uid, sha, *sorted(series[c.series_uid].slices)] for c, sha in cases
    ]
    return DataSet(
        name=f"lidc:{place}",
        digest=digest_of(identity),
        licence=LICENCE,
        cases=tuple(case for case, _ in cases),
        folds={case.patient: fold_of(case.patient) for case, _ in cases},
        left_out=tuple(left_out),
    )


# ---------------------------------------------------------------- what lies there


def _series(top: Path, left_out: list[str]) -> dict[str, _Found]:
    """CT series by UID; what cannot be one stack is left out."""
    found: dict[str, _Found] = {}
    twice: set[str] = set()
    for number, folder in enumerate(_folders(top), start=1):
        files = sorted(p for p in folder.iterdir() if p.is_file() and p.suffix.lower() != ".xml")
        by_series, _ = dicom_folder.read_files(files)
        for uid, slices in by_series.items():
            modalities = {s.modality for s in slices}
            if modalities <= _NO_CT:
                continue
            if modalities != {"CT"}:
                left_out.append(f"{uid}: modality {', '.join(sorted(modalities)) or 'not stated'}")
                continue
            if uid in found:
                twice.add(uid)
            patient = str(dcmread(slices[0].key, specific_tags=["PatientID"]).get("PatientID", ""))
            kept = {s.sop_uid: s for s in slices}
            found[uid] = _Found(uid, folder, patient, kept, assess(uid, slices))
        if number % _TOLD_EVERY == 0:
            log.info("%s: %d folders, %d CT series", top, number, len(found))
    return {uid: one for uid, one in found.items() if not _objection(one, twice, left_out)}


def _objection(one: _Found, twice: set[str], left_out: list[str]) -> bool:
    """Say why a series cannot be used, if so."""
    if one.series_uid in twice:
        left_out.append(f"{one.series_uid}: lies in two folders, e.g. {one.folder}")
    elif not one.patient:
        left_out.append(f"{one.series_uid}: no Patient ID")
    elif not one.judged.sop_uids:
        reasons = "; ".join(r.message for r in one.judged.reasons)
        left_out.append(f"{one.series_uid}: no readable stack: {reasons}")
    else:
        return False
    return True


def _folders(top: Path) -> Iterator[Path]:
    yield top
    yield from sorted(p for p in top.rglob("*") if p.is_dir())


def _readings(
    top: Path, series: Mapping[str, _Found], left_out: list[str]
) -> dict[str, tuple[lidc_xml.Reading, str]]:
    """Readings by the series they speak of, with the SHA-256 of their file."""
    by_uid: dict[str, dict[str, lidc_xml.Reading]] = defaultdict(dict)
    for path in sorted(p for p in top.rglob("*") if p.suffix.lower() == ".xml" and p.is_file()):
        try:
            reading = lidc_xml.read(path)
            if reading is not None:
                uid = _series_of(reading, series, path)
                by_uid[uid][hashlib.sha256(path.read_bytes()).hexdigest()] = reading
        except DataRefused as error:
            left_out.append(error.message)
    for uid, several in by_uid.items():
        if len(several) > 1:
            left_out.append(f"{uid}: {len(several)} different readings of it")
    return {uid: (one[sha], sha) for uid, one in by_uid.items() if len(one) == 1 for sha in one}


def _series_of(reading: lidc_xml.Reading, series: Mapping[str, _Found], path: Path) -> str:
    """The series a reading speaks of: the one it names, if its slices lie there; else theirs."""
    named = series.get(reading.series_uid)
    if named is not None and reading.sop_uids <= named.slices.keys():
        return named.series_uid
    if named is not None:
        raise DataRefused(f"{path} speaks of slices that series {named.series_uid} does not have")
    spoken_of = reading.sop_uids
    holding = [uid for uid, one in series.items() if spoken_of and spoken_of <= one.slices.keys()]
    if len(holding) != 1 or reading.series_uid:
        raise DataRefused(f"{path}: series {reading.series_uid or '(none named)'} is not here")
    return holding[0]


# ---------------------------------------------------------------- truth


def _case(one: _Found, reading: lidc_xml.Reading) -> Case:
    spacing = one.judged.spacing_mm
    if spacing is None:
        raise DataRefused(f"{one.series_uid}: the distance of its slices is not known")
    used = set(one.judged.sop_uids)
    if beside := sorted(reading.sop_uids - used):
        raise DataRefused(f"{one.series_uid}: was read on slices beside the stack: {beside[0]}")
    first = one.slices[one.judged.sop_uids[0]]
    nodules, small = _truth(one, reading, spacing)
    dy, dx = first.pixel_spacing_mm or (0.0, 0.0)
    return Case(
        name=f"{one.patient}_{one.series_uid[-8:]}",
        patient=one.patient,
        series_uid=one.series_uid,
        all_marked=True,
        nodules=nodules,
        small=small,
        path=one.folder,
        pixels=partial(read_series, one.series_uid),
        spacing_zyx_mm=(spacing, dy, dx),
        thickness_mm=first.thickness_mm,
        kernel=first.kernel,
    )


def _truth(
    one: _Found, reading: lidc_xml.Reading, spacing_mm: float
) -> tuple[tuple[MarkedNodule, ...], tuple[SmallFinding, ...]]:
    measured: list[outlines.Outline] = []
    marks: list[tuple[PointLps, str]] = []
    for session in reading.sessions:
        for nodule in session.nodules:
            rings = [_ring(one, r) for r in nodule.rois]
            size = outlines.measure(rings, spacing_mm, nodule.texture)
            if nodule.is_outlined and size is not None:
                measured.append(size)
            else:
                marks.append((_place(rings[0]), "nodule_lt_3mm"))
        marks += [(_place(_ring(one, r)), "non_nodule") for r in session.non_nodules]
    groups = outlines.cluster([o.center_mm for o in measured], [o.max_axial_mm for o in measured])
    nodules = [_nodule([measured[k] for k in group]) for group in groups]
    return tuple(nodules), tuple(outlines.small_findings(marks))


def _nodule(group: Sequence[outlines.Outline]) -> MarkedNodule:
    x, y, z = (float(v) for v in np.mean([o.center_mm for o in group], axis=0))
    return outlines.nodule_of(group, (x, y, z))


def _ring(one: _Found, roi: lidc_xml.Roi) -> outlines.Ring:
    """Pixels of an untilted axial slice to patient millimetres; the slice says where it lies."""
    slice_ = one.slices[roi.sop_uid]
    if slice_.position is None or slice_.pixel_spacing_mm is None:
        raise DataRefused(f"{roi.sop_uid}: a slice without position or pixel spacing")
    if not np.allclose(slice_.position.orientation, (1, 0, 0, 0, 1, 0), atol=1e-3):
        raise DataRefused(f"{roi.sop_uid}: is not axial, as every LIDC-IDRI slice is")
    dy, dx = slice_.pixel_spacing_mm
    x, y, z = slice_.position.position_lps_mm
    return outlines.Ring(roi.points_px * (dx, dy) + (x, y), z, roi.inclusion)


def _place(ring: outlines.Ring) -> PointLps:
    x, y = (float(v) for v in ring.points_mm.mean(axis=0))
    return x, y, ring.z_mm
