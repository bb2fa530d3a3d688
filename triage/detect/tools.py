"""The detect room's tools for the engine: verdicts, choice, detection, packed pixels.

Facts stay small: slices with their headers and detections lie in the file store as canonical JSON,
and a fact holds the key. Each tool is a pure function of its facts and of files named by content,
but for what it writes, and every write is idempotent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from triage.core.finding import Detection, Reason, ResultStatus, SeriesVerdict
from triage.core.volume import Volume
from triage.core.work import (
    Call,
    Cause,
    Facts,
    Json,
    Outcome,
    ToolSpec,
    canonical_json,
)
from triage.detect import nodule, series
from triage.detect.series import SeriesAssessment
from triage.detect.serving import Serving
from triage.detect.stored import DetectTool, VolumeCache, as_slice, load_series, mapping
from triage.errors import ReadingError
from triage.pathway import (
    CHOSEN_SERIES,
    CT_IMAGE_STORAGE,
    DETECTION,
    ENHANCED_CT_IMAGE_STORAGE,
    INSTANCES,
    LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE,
    SERIES_VERDICTS,
    VOLUME_STREAM,
)
from triage.settings import RuntimeChoice
from triage.store import result_rows
from triage.store.files import Files
from triage.store.instances import digest_of_instances
from triage.store.session import Store

READ_CLASSES = (
    CT_IMAGE_STORAGE,
    ENHANCED_CT_IMAGE_STORAGE,
    LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE,
)


class Packed(Protocol):
    """What `triage.outputs.volume_stream.pack` gives."""

    @property
    def frames(self) -> list[bytes]:
        """One frame per slice."""
        ...

    @property
    def info(self) -> dict[str, Any]:
        """What the viewer must know."""
        ...


Pack: TypeAlias = Callable[[Volume, Sequence[str]], Packed]


# ---------------------------------------------------------------- series


def assemble_series(store: Store, files: Files) -> DetectTool:
    """INSTANCES → SERIES_VERDICTS: judge each series, store the readable ones, write verdicts.

    SERIES_VERDICTS is ``{"digest", "series": [{series_uid, verdict, key, input_digest, …}]}``.
    """
    spec = ToolSpec(
        "assemble_series", "1", "Judge series", (INSTANCES,), (SERIES_VERDICTS,), cost_s=0.3
    )

    def work(facts: Facts, call: Call) -> Outcome:
        with store.reading() as uow:
            stored = result_rows.slices_of(uow, call.subject, READ_CLASSES)
            all_uids = result_rows.series_uids(uow, call.subject)
        told = mapping(facts[INSTANCES]).get("digest")
        digest = digest_of_instances(s for own in stored.values() for s in own)
        if told is not None and told != digest:
            return Outcome(cause=Cause.SUPERSEDED, message="more images have arrived since")
        judged = series.assess_study({u: [as_slice(s) for s in own] for u, own in stored.items()})
        rows: list[Json] = [_store_series(files, one, stored[one.series_uid]) for one in judged]
        with store.unit_of_work() as uow:
            result_rows.start_running(uow, call.subject)
            for one in judged:
                result_rows.write_verdict(
                    uow, one.series_uid, one.verdict.value, [asdict(r) for r in one.reasons]
                )
            for uid in sorted(set(all_uids) - stored.keys()):
                reason = Reason("not_read", "holds no CT images: stored, never read", uid)
                result_rows.write_verdict(uow, uid, SeriesVerdict.REFUSE.value, [asdict(reason)])
        return Outcome(
            facts={SERIES_VERDICTS: {"digest": digest, "series": rows}}, message=_say_judged(judged)
        )

    return DetectTool(lambda: spec, work)


def choose_series(files: Files) -> DetectTool:
    """SERIES_VERDICTS → CHOSEN_SERIES: the thinnest axial series that shows enough, or none.

    CHOSEN_SERIES is ``{"series_uid", "key", "input_digest", "reasons"}``; UID and key are None when
    nothing may be read.
    """
    spec = ToolSpec(
        "choose_series", "1", "Choose series", (SERIES_VERDICTS,), (CHOSEN_SERIES,),
        cost_s=0.01,
    )  # fmt: skip

    def work(facts: Facts, call: Call) -> Outcome:
        verdicts = mapping(facts[SERIES_VERDICTS])
        rows = {row["series_uid"]: row for row in verdicts["series"]}
        choice = series.choose([_assessment(files, row) for row in rows.values()])
        row = rows.get(choice.series_uid or "", {})
        return Outcome(
            facts={
                CHOSEN_SERIES: {
                    "series_uid": choice.series_uid,
                    "key": row.get("key"),
                    "input_digest": row.get("input_digest", verdicts["digest"]),
                    "reasons": [asdict(r) for r in choice.reasons],
                }
            },
            message="; ".join(r.message for r in choice.reasons),
        )

    return DetectTool(lambda: spec, work)


def _say_judged(judged: Sequence[SeriesAssessment]) -> str:
    """How many CT series there are, and how many of them may be read."""
    readable = sum(one.verdict in series.READABLE for one in judged)
    if not judged:
        return "no CT series"
    all_of_them = "" if readable == len(judged) else f"{readable or 'none'} of them "
    return f"{len(judged)} CT series, {all_of_them}readable"


def _store_series(
    files: Files, one: SeriesAssessment, stored: Sequence[result_rows.StoredSlice]
) -> dict[str, Json]:
    """The row of one series in SERIES_VERDICTS; the slices of a readable one go to a file."""
    by_uid = {s.sop_uid: s for s in stored}
    used = [by_uid[uid] for uid in one.sop_uids]
    row: dict[str, Json] = {"series_uid": one.series_uid, "verdict": one.verdict.value}
    if not used:
        return row | {"key": None, "assessment": series.as_json(one)}
    document: dict[str, Json] = {
        "assessment": series.as_json(one),
        "slices": [asdict(s) for s in used],
    }
    key = files.put(canonical_json(document).encode())
    return row | {"key": key, "input_digest": digest_of_instances(used)}


def _assessment(files: Files, row: Mapping[str, Any]) -> SeriesAssessment:
    """Of one row of SERIES_VERDICTS: a readable series has too many slices to lie in a fact."""
    if row["key"] is None:
        return series.from_json(row["assessment"])
    return load_series(files, row["key"]).assessment


def detect_openvino(
    files: Files, model_folder: Callable[[], Path], cache: VolumeCache
) -> DetectTool:
    """CHOSEN_SERIES → DETECTION by OpenVINO; the cheaper one."""
    return _detect_tool(RuntimeChoice.OPENVINO, 4.0, files, model_folder, cache)


def detect_onnx(files: Files, model_folder: Callable[[], Path], cache: VolumeCache) -> DetectTool:
    """CHOSEN_SERIES → DETECTION by ONNX Runtime; the portable fall-back."""
    return _detect_tool(RuntimeChoice.ONNX, 10.0, files, model_folder, cache)


_RUNTIMES = {RuntimeChoice.OPENVINO: "OpenVINO", RuntimeChoice.ONNX: "ONNX Runtime"}


def _detect_tool(
    choice: RuntimeChoice,
    cost_s: float,
    files: Files,
    model_folder: Callable[[], Path],
    cache: VolumeCache,
) -> DetectTool:
    serving = Serving(choice, model_folder)

    def describe() -> ToolSpec:
        return ToolSpec(
            name=f"detect_{choice.value}",
            # Another model is another tool version: its answers are its own.
            version=f"2+{serving.digest()[:16]}",
            title="Find nodules",
            needs=(CHOSEN_SERIES,),
            gives=(DETECTION,),
            cost_s=cost_s,
            by=_RUNTIMES[choice],
        )

    def work(facts: Facts, call: Call) -> Outcome:
        chosen = mapping(facts[CHOSEN_SERIES])
        reasons = [Reason(**r) for r in chosen["reasons"]]
        if chosen["key"] is None:
            return _detection(files, chosen, nodule.not_assessed(reasons))
        assessment = load_series(files, chosen["key"]).assessment
        detector = serving.detector()
        found = nodule.read_and_detect(lambda: cache.load(chosen["key"]), assessment, detector)
        return _detection(files, chosen, found)

    return DetectTool(describe, work, serving.health)


def _detection(files: Files, chosen: Mapping[str, Any], found: Detection) -> Outcome:
    """DETECTION: where the answer lies, and what it is in one word."""
    key = files.put(canonical_json(nodule.to_json(found)).encode())
    fact = {
        "key": key,
        "series_uid": chosen["series_uid"],
        "input_digest": chosen["input_digest"],
        "status": found.status.value,
        "findings": len(found.findings),
    }
    return Outcome(facts={DETECTION: fact}, message=_say_found(found))


def _say_found(found: Detection) -> str:
    """Never "nothing found" of what was not looked at."""
    marked = f"{len(found.findings)} finding{'' if len(found.findings) == 1 else 's'}"
    why = "; ".join(reason.message for reason in found.reasons)
    if found.status is ResultStatus.ASSESSED:
        return f"{marked}, whole lung assessed"
    if found.status is ResultStatus.PARTLY_ASSESSED:
        return f"{marked}, partly assessed: {why}"
    return f"not assessed: {why}"


def pack_volume(store: Store, cache: VolumeCache, pack: Pack) -> DetectTool:
    """CHOSEN_SERIES → VOLUME_STREAM: the viewer's pixels; none when no series can be shown.

    Parameters
    ----------
    store : Store
    cache : VolumeCache
    pack : callable
        `triage.outputs.volume_stream.pack`; handed in, because outputs is a room of its own.

    VOLUME_STREAM is ``{"series_uid", "key", "message"}``.
    """
    spec = ToolSpec(
        "pack_volume", "1", "Pack for viewer", (CHOSEN_SERIES,), (VOLUME_STREAM,),
        cost_s=2.0,
    )  # fmt: skip

    def work(facts: Facts, call: Call) -> Outcome:
        chosen = mapping(facts[CHOSEN_SERIES])
        if chosen["key"] is None:
            return _no_stream(None, "no series can be shown as a volume")
        try:
            volume = cache.load(chosen["key"])
        except ReadingError as error:
            return _no_stream(chosen["series_uid"], error.message)
        sop_uids = load_series(cache.files, chosen["key"]).assessment.sop_uids
        packed = pack(volume, sop_uids)
        key = cache.files.put(*packed.frames)
        with store.unit_of_work() as uow:
            result_rows.write_stream(uow, chosen["series_uid"], key, packed.info)
        fact = {"series_uid": chosen["series_uid"], "key": key, "message": ""}
        said = f"{len(packed.frames)} slices"
        return Outcome(facts={VOLUME_STREAM: fact}, message=said)

    return DetectTool(lambda: spec, work)


def _no_stream(series_uid: str | None, message: str) -> Outcome:
    return Outcome(
        facts={VOLUME_STREAM: {"series_uid": series_uid, "key": None, "message": message}},
        message=f"nothing packed: {message}",
    )
