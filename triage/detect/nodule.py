"""One series in, one answer out: what was looked at, what was seen, and how long each stage took.

"Nothing found" and "could not look" are different answers: no findings with ASSESSED means that the
whole lung was in the scan and nothing reached the model's operating point; anything else says why.
"""

from __future__ import annotations

import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from triage.core.finding import (
    Candidate,
    Detection,
    Finding,
    Interval,
    Measurement,
    PointLps,
    Reason,
    ResultStatus,
    SeriesVerdict,
    Solidity,
)
from triage.core.volume import Volume
from triage.detect import folder, measure, runtimes, tiles
from triage.detect.decode import decode
from triage.detect.lungs import LungReport
from triage.detect.model_folder import ModelFolder, locate, open_model
from triage.detect.pixels import load_volume
from triage.detect.prepare import prepare
from triage.detect.series import SeriesAssessment, assess_study, choose
from triage.detect.tiles import Runtime
from triage.errors import NotFound, ReadingError
from triage.settings import Settings

#: Of these verdicts a part of what was sent is not looked at.
_PARTLY = frozenset({SeriesVerdict.SPLIT, SeriesVerdict.MERGE})


@dataclass(frozen=True, slots=True)
class Detector:
    """A model and the runtime that serves it."""

    model: ModelFolder
    runtime: Runtime


@dataclass(slots=True)
class Clock:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the block's wall time under `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 4)


def detect(
    volume: Volume, series: SeriesAssessment, detector: Detector, clock: Clock | None = None
) -> Detection:
    """Look for nodules in one volume.

    Parameters
    ----------
    volume : Volume
        Built from ``series.sop_uids`` in their order.
    series : SeriesAssessment
        Its flags go into the answer.
    detector : Detector
    clock : Clock, optional
        Carries stages that came before.

    Returns
    -------
    Detection
        NOT_ASSESSED with the reason when no lung is found.
    """
    clock = clock or Clock()
    try:
        with clock.stage("prepare"):
            prepared = prepare(volume)
    except ReadingError as error:
        reason = Reason(error.detail_code, error.message, series.series_uid)
        return not_assessed((*series.reasons, reason), clock)
    with clock.stage("model"):
        maps = tiles.run(detector.runtime, prepared.tensor)
    with clock.stage("decode"):
        candidates = decode(maps, prepared, detector.model.decode)
    with clock.stage("measure"):
        findings = tuple(_finding(volume, c, series.sop_uids) for c in candidates)
    reasons = (*series.reasons, *_lung_reasons(prepared.report, series.series_uid))
    return Detection(
        status=_status(prepared.report, series.verdict),
        reasons=reasons,
        covered_lung_fraction=prepared.report.covered_fraction,
        findings=tuple(sorted(findings, key=lambda f: -f.probability)),
        timings_s=clock.seconds,
        model_name=detector.model.name,
        model_digest=detector.model.digest,
        runtime=detector.runtime.name,
    )


def not_assessed(reasons: Sequence[Reason], clock: Clock | None = None) -> Detection:
    """The answer when nothing could be looked at; never without a reason.

    Parameters
    ----------
    reasons : sequence of Reason
    clock : Clock, optional

    Returns
    -------
    Detection
    """
    if not reasons:
        raise ValueError("not assessed needs a reason")
    timings = clock.seconds if clock else {}
    return Detection(ResultStatus.NOT_ASSESSED, tuple(reasons), timings_s=timings)


def read_and_detect(
    load: Callable[[], Volume], series: SeriesAssessment, detector: Detector
) -> Detection:
    """Decode a series and look for nodules; pixels that do not decode are an answer, too.

    Parameters
    ----------
    load : callable
        Gives the volume of ``series.sop_uids``; may raise `ReadingError`.
    series : SeriesAssessment
    detector : Detector

    Returns
    -------
    Detection
    """
    clock = Clock()
    try:
        with clock.stage("read"):
            volume = load()
    except ReadingError as error:
        reason = Reason(error.detail_code, error.message, series.series_uid)
        return not_assessed((*series.reasons, reason), clock)
    return detect(volume, series, detector, clock)


def detect_path(path: Path, settings: Settings) -> dict[str, Any]:
    """Look at one series folder or ZIP, offline: what ``triage detect PATH --json`` prints.

    Parameters
    ----------
    path : Path
        Folder (searched with its sub-folders), one DICOM file, or a ZIP.
    settings : Settings
        `runtime` and `model` are used.

    Returns
    -------
    dict
        ``{result, findings, timings_s, model {name, digest}, runtime, series_uid}``.

    Raises
    ------
    NotFound
        There is no such path.
    ModelError
        No model or runtime: nothing could be looked at, for a reason that is not the picture's.
    """
    if not path.exists():
        raise NotFound(f"there is no {path}")
    clock = Clock()
    with clock.stage("start"):
        model = open_model(locate(settings.model))
        detector = Detector(model, runtimes.choose(settings.runtime, model))
    return look_at(path, detector, clock)


def look_at(path: Path, detector: Detector, clock: Clock | None = None) -> dict[str, Any]:
    """The same with a model that has been started: what a resident process does when asked again.

    Parameters
    ----------
    path : Path
        As for `detect_path`; must exist.
    detector : Detector
    clock : Clock, optional

    Returns
    -------
    dict
    """
    clock = clock or Clock()
    with tempfile.TemporaryDirectory(prefix="triage-detect-") as scratch, clock.stage("total"):
        with clock.stage("headers"):
            found, not_dicom = folder.read_files(_paths(path, Path(scratch)))
        series_uid, detection = _best_of(found, not_dicom, detector)
    model = detector.model
    timings = clock.seconds | detection.timings_s
    shown = replace(detection, timings_s=timings, model_name=model.name, model_digest=model.digest)
    return as_contract(shown, series_uid)


def as_contract(detection: Detection, series_uid: str | None) -> dict[str, Any]:
    """A detection in the words of the contract; what is not known is None."""
    return {
        "series_uid": series_uid,
        "result": {
            "status": detection.status.value,
            "reasons": [asdict(r) for r in detection.reasons],
            "covered_lung_fraction": detection.covered_lung_fraction,
        },
        "findings": [_finding_as_contract(f, series_uid) for f in detection.findings],
        "timings_s": detection.timings_s,
        "model": {"name": detection.model_name, "digest": detection.model_digest},
        "runtime": detection.runtime,
    }


def to_json(detection: Detection) -> dict[str, Any]:
    """Plain values, whole; `from_json` gives the same detection back."""
    return asdict(detection)


def from_json(plain: Mapping[str, Any]) -> Detection:
    """Back from `to_json`."""
    return Detection(
        **{
            **plain,
            "status": ResultStatus(plain["status"]),
            "reasons": tuple(Reason(**r) for r in plain["reasons"]),
            "findings": tuple(_finding_from_json(f) for f in plain["findings"]),
        }
    )


def _finding(volume: Volume, candidate: Candidate, sop_uids: Sequence[str]) -> Finding:
    sizing = measure.measure(volume, candidate)
    z = round(float(volume.to_zyx(candidate.center_lps_mm)[0]))
    return Finding(
        center_lps_mm=candidate.center_lps_mm,
        probability=candidate.probability,
        diameter_mm=candidate.diameter_mm,
        measurement=sizing.measurement,
        solidity=sizing.solidity,
        key_sop_uid=sop_uids[min(max(z, 0), len(sop_uids) - 1)],
    )


def _lung_reasons(report: LungReport, series_uid: str) -> list[Reason]:
    """Where lung goes on beyond the pictures, and what is odd about their numbers."""
    ends = [
        (report.touches_first, f"the lowest slice ({report.end_area_mm2[0]:.0f} mm2 of it)"),
        (report.touches_last, f"the highest slice ({report.end_area_mm2[1]:.0f} mm2 of it)"),
        (report.touches_side, "a side of the picture"),
    ]
    cut = [
        Reason("lung_not_covered", f"the scan ends within the lung at {where}", series_uid)
        for touches, where in ends
        if touches
    ]
    return cut + [Reason(code, message, series_uid) for code, message in report.oddities]


def _status(report: LungReport, verdict: SeriesVerdict) -> ResultStatus:
    cut = report.touches_first or report.touches_last or report.touches_side
    return ResultStatus.PARTLY_ASSESSED if cut or verdict in _PARTLY else ResultStatus.ASSESSED


def _paths(path: Path, scratch: Path) -> Iterator[Path]:
    if path.is_dir():
        return (p for p in sorted(path.rglob("*")) if p.is_file() and not p.is_symlink())
    if zipfile.is_zipfile(path):
        return folder.unpack(path, scratch)
    return iter([path])


def _best_of(
    found: folder.SlicesBySeries, not_dicom: int, detector: Detector
) -> tuple[str | None, Detection]:
    judged = assess_study(found)
    choice = choose(judged)
    if choice.series_uid is None:
        foreign = Reason("not_dicom", f"{not_dicom} files are not DICOM")
        return None, not_assessed((*choice.reasons, *([foreign] if not_dicom else [])))
    series = next(a for a in judged if a.series_uid == choice.series_uid)
    by_uid = {s.sop_uid: s for s in found[series.series_uid]}
    slices = [by_uid[uid] for uid in series.sop_uids]
    return series.series_uid, read_and_detect(lambda: load_volume(slices, Path), series, detector)


def _finding_as_contract(finding: Finding, series_uid: str | None) -> dict[str, Any]:
    size = finding.measurement
    return {
        "series_uid": series_uid,
        "center_lps_mm": list(finding.center_lps_mm),
        **measure.as_plain(size),
        "solidity": finding.solidity.value if finding.solidity else None,
        "calcification": None,
        "margin": None,
        "juxtapleural_shape": None,
        "lobe": None,
        "probability": finding.probability,
        "key_sop_uid": finding.key_sop_uid,
        "long_axis_lps_mm": [list(p) for p in size.long_axis_lps_mm] if size else None,
        "short_axis_lps_mm": [list(p) for p in size.short_axis_lps_mm] if size else None,
    }


def _finding_from_json(plain: Mapping[str, Any]) -> Finding:
    size = plain["measurement"]
    x, y, z = plain["center_lps_mm"]
    return Finding(
        center_lps_mm=(x, y, z),
        probability=plain["probability"],
        diameter_mm=plain["diameter_mm"],
        measurement=None if size is None else _measurement_from_json(size),
        solidity=Solidity(plain["solidity"]) if plain["solidity"] else None,
        key_sop_uid=plain["key_sop_uid"],
    )


def _measurement_from_json(plain: Mapping[str, Any]) -> Measurement:
    # Detections stored by an earlier release have axes alone.
    more: dict[str, Any] = {name: plain.get(name) for name in measure.MORE_SIZES}
    more |= {name: _interval(plain.get(name)) for name in measure.INTERVALS}
    return Measurement(
        long_mm=plain["long_mm"],
        short_mm=plain["short_mm"],
        long_axis_lps_mm=_ends(plain["long_axis_lps_mm"]),
        short_axis_lps_mm=_ends(plain["short_axis_lps_mm"]),
        **more,
    )


def _ends(pair: Sequence[Sequence[float]]) -> tuple[PointLps, PointLps]:
    (a, b, c), (x, y, z) = pair
    return (a, b, c), (x, y, z)


def _interval(pair: Sequence[float] | None) -> Interval | None:
    return None if pair is None else (pair[0], pair[1])
