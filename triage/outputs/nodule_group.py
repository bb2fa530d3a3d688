"""One nodule as a measurement group: TID 1411, where it lies, how large it is, who says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import highdicom.sr as hd
import numpy as np

from triage.core.finding import PointLps
from triage.outputs import codes
from triage.outputs.images import SourceImage, nearest
from triage.outputs.report import Report, ReportedFinding, Stage

_SOURCE = hd.CodedConcept(value="121112", scheme_designator="DCM", meaning="Source of Measurement")

#: Field of a finding -> (concept name, prefix of its values); written only when it is known.
_OWN_WORDS = {
    "calcification": (codes.CALCIFICATION, "CALCIFICATION"),
    "margin": (codes.MARGIN, "MARGIN"),
    "juxtapleural_shape": (codes.SHAPE, "SHAPE"),
    "status": (codes.COMPARISON, "STATUS"),
}
#: Field of a finding -> (concept name, unit); written only when it is known.
_PLAIN_NUMBERS = {
    "volume_mm3": (codes.VOLUME, codes.MM3),
    "solid_long_mm": (codes.SOLID_LONG_AXIS, codes.MM),
    "solid_short_mm": (codes.SOLID_SHORT_AXIS, codes.MM),
}


def nodule_group(finding: ReportedFinding, report: Report, images: Sequence[SourceImage]) -> Any:
    """The measurement group of a finding.

    Parameters
    ----------
    finding : ReportedFinding
    report : Report
        For the algorithm that is named with what it measured.
    images : sequence of SourceImage
        Of the study; those of the finding's series carry its coordinates.

    Returns
    -------
    highdicom template
        TID 1411 with the centre as Volume Surface (SCOORD3D POINT). Without a frame of reference
        the centre stands on its image (SCOORD); without that too, TID 1501: no place is made up.
    """
    own = [image for image in images if image.series_uid == finding.series_uid]
    axes, others = _axes(finding, report), _numbers(finding, report)
    common: dict[str, Any] = {
        "tracking_identifier": hd.TrackingIdentifier(
            uid=finding.tracking_uid, identifier=f"Nodule {finding.number}"
        ),
        "finding_type": codes.NODULE,
        "finding_sites": [_site(finding)],
        "measurements": [*(number for number, _ in axes), *others],
        "qualitative_evaluations": _evaluations(finding, report),
    }
    group = _group(finding, own, common)
    for number, ends in axes:
        _add_ends(number[0], ends, own)
    return group


def _group(finding: ReportedFinding, own: Sequence[SourceImage], common: dict[str, Any]) -> Any:
    frame = next((image.frame_of_reference for image in own if image.frame_of_reference), None)
    image = _key_image(finding, own)
    if frame is not None:
        centre = np.asarray([finding.center_lps_mm])
        place: dict[str, Any] = {"graphic_type": "POINT", "graphic_data": centre}
        if image is None:
            place["source_series"] = hd.SourceSeriesForSegmentation(finding.series_uid)
        else:
            source = hd.SourceImageForSegmentation(image.sop_class, image.sop_uid)
            place["source_images"] = [source]
        surface = hd.VolumeSurface(frame_of_reference_uid=frame, **place)
        return hd.VolumetricROIMeasurementsAndQualitativeEvaluations(
            referenced_volume_surface=surface, **common
        )
    pixels = None if image is None else image.on_image([finding.center_lps_mm])
    if image is None or pixels is None:
        return hd.MeasurementsAndQualitativeEvaluations(**common)
    region = hd.SourceImageForRegion(image.sop_class, image.sop_uid)
    return hd.VolumetricROIMeasurementsAndQualitativeEvaluations(
        referenced_regions=[hd.ImageRegion("POINT", pixels, region)], **common
    )


def _key_image(finding: ReportedFinding, own: Sequence[SourceImage]) -> SourceImage | None:
    named = (image for image in own if image.sop_uid == finding.key_sop_uid)
    return next(named, None) or nearest(own, finding.center_lps_mm)


def _site(finding: ReportedFinding) -> Any:
    """Lobe and side when they are known; otherwise "lung", with no side."""
    if finding.lobe not in codes.LOBES:
        return hd.FindingSite(anatomic_location=codes.LUNG)
    lobe, side = codes.LOBES[finding.lobe]
    return hd.FindingSite(anatomic_location=lobe, laterality=side)


# ---------------------------------------------------------------- numbers


def _axes(finding: ReportedFinding, report: Report) -> list[tuple[Any, Any]]:
    """Long and short axis, each with its end points or None."""
    measured = (
        (codes.LONG_AXIS, finding.long_mm, finding.long_axis_lps_mm),
        (codes.SHORT_AXIS, finding.short_mm, finding.short_axis_lps_mm),
    )
    algorithm = _algorithm(report) if finding.measured_by_machine else None
    return [
        (_number(name, value, codes.MM, algorithm_id=algorithm), ends)
        for name, value, ends in measured
        if value is not None
    ]


def _numbers(finding: ReportedFinding, report: Report) -> list[Any]:
    numbers = []
    if finding.mean_mm is not None:
        numbers.append(_number(codes.DIAMETER, finding.mean_mm, codes.MM, derivation=codes.MEAN))
    for field, (name, unit) in _PLAIN_NUMBERS.items():
        value = getattr(finding, field)
        if value is not None:
            # No reader enters a volume: it is the machine's, or it is not there.
            by_machine = field == "volume_mm3" or finding.solid_by_machine
            algorithm = {"algorithm_id": _algorithm(report)} if by_machine else {}
            numbers.append(_number(name, value, unit, **algorithm))
    if finding.likelihood_percent is not None:
        numbers.append(
            _number(
                codes.CERTAINTY,
                finding.likelihood_percent,
                codes.PERCENT,
                algorithm_id=_algorithm(report),
            )
        )
    return numbers


def _number(name: Any, value: float, unit: Any, **more: Any) -> Any:
    return hd.Measurement(name=name, value=float(value), unit=unit, **more)


def _algorithm(report: Report) -> Any:
    """TID 4019: name, version, and the digest of the model file as its parameter."""
    name, _, version = report.algorithm.name.rpartition(" ")
    return hd.AlgorithmIdentification(
        name=name or report.algorithm.name,
        version=version if name else report.algorithm.digest[:12],
        parameters=[
            f"model sha256 {report.algorithm.digest}",
            f"runtime {report.algorithm.runtime}",
        ],
    )


def _add_ends(
    number: Any, ends: tuple[PointLps, PointLps] | None, own: Sequence[SourceImage]
) -> None:
    """Put the end points of an axis below its number, in space and on the image."""
    if ends is None:
        return
    items: list[Any] = []
    middle = tuple(float(v) for v in np.mean(np.asarray(ends), axis=0))
    image = nearest(own, (middle[0], middle[1], middle[2]))
    pixels = None if image is None else image.on_image(ends)
    if image is not None and pixels is not None:
        source = hd.SourceImageForRegion(image.sop_class, image.sop_uid)
        items.append(hd.CoordinatesForMeasurement("POLYLINE", pixels, source, purpose=_SOURCE))
    frame = next((one.frame_of_reference for one in own if one.frame_of_reference), None)
    if frame is not None:
        items.append(
            hd.CoordinatesForMeasurement3D("POLYLINE", np.asarray(ends), frame, purpose=_SOURCE)
        )
    if items:
        there = number.get("ContentSequence") or []
        number.ContentSequence = hd.ContentSequence([*there, *items])


# ---------------------------------------------------------------- words


def _evaluations(finding: ReportedFinding, report: Report) -> list[Any]:
    said = []
    if report.stage is Stage.FINAL:
        said.append((codes.DECISION, codes.DECISIONS[finding.state]))
    if finding.solidity in codes.SOLIDITIES:
        said.append((codes.SOLIDITY, codes.SOLIDITIES[finding.solidity]))
    for field, (name, prefix) in _OWN_WORDS.items():
        word = getattr(finding, field)
        if word is not None:
            said.append((name, codes.own_value(prefix, word)))
    return [hd.QualitativeEvaluation(name=name, value=value) for name, value in said]
