"""The last two tools of the detect room: rows of the result, and its publication."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeAlias

from triage.core.finding import Finding
from triage.core.work import Call, Cause, Effect, Facts, Outcome, ToolSpec, canonical_json
from triage.detect import nodule
from triage.detect.measure import as_plain
from triage.detect.stored import DetectTool, mapping
from triage.pathway import COMPLETENESS, DETECTION, PUBLISHED, RESULT
from triage.store import result_rows, work_rows
from triage.store.files import Files
from triage.store.session import Store

#: Ids and tracking UIDs of results and findings are made from what they answer, in this space.
_SPACE = uuid.UUID("6f1c1c1e-0c8e-5d0b-9a55-3a0f6d9f4c11")

#: Sizes that a reader can change: columns of the finding.
_SIZE_COLUMNS = ("long_mm", "short_mm", "volume_mm3", "solid_long_mm", "solid_short_mm")

Effects: TypeAlias = Callable[[str, str], tuple[Effect, ...]]  # study UID, result id


def store_result(store: Store, files: Files) -> DetectTool:
    """DETECTION → RESULT: rows of result and findings, provisional until published.

    RESULT is ``{"result_id", "status"}``.
    """
    spec = ToolSpec("store_result", "1", "Store findings", (DETECTION,), (RESULT,), cost_s=0.05)

    def work(facts: Facts, call: Call) -> Outcome:
        told = mapping(facts[DETECTION])
        found = nodule.from_json(json.loads(files.read(told["key"])))
        identity = {
            "study_uid": call.subject,
            "series_uid": told["series_uid"],
            "model_digest": found.model_digest,
            "input_digest": told["input_digest"],
        }
        result = identity | {
            "id": str(uuid.uuid5(_SPACE, canonical_json(identity))),
            "model_name": found.model_name,
            "runtime": found.runtime,
            "status": found.status.value,
            "reasons": [asdict(r) for r in found.reasons],
            "covered_lung_fraction": found.covered_lung_fraction,
            "timings_s": found.timings_s,
        }
        model = f"{found.model_name} {found.model_digest[:12]}"
        rows = [
            finding_row(one, number, told["series_uid"], result["id"], model)
            for number, one in enumerate(found.findings, start=1)
        ]
        with store.unit_of_work() as uow:
            result_id = result_rows.add_result(uow, result, rows)
        fact = {"result_id": result_id, "status": found.status.value}
        said = f"{len(rows)} finding{'' if len(rows) == 1 else 's'}"
        return Outcome(facts={RESULT: fact}, message=said)

    return DetectTool(lambda: spec, work)


def finding_row(
    one: Finding, number: int, series_uid: str, result_id: str, model: str
) -> dict[str, Any]:
    """Column values of one finding; its ids follow from the result and its number alone."""
    name = uuid.uuid5(_SPACE, f"{result_id} finding {number}")
    tracking = uuid.uuid5(_SPACE, f"{result_id} tracking {number}")
    size = one.measurement
    plain = as_plain(size)
    seen: dict[str, Any] = {
        "center_lps_mm": list(one.center_lps_mm),
        **{name: plain.pop(name) for name in _SIZE_COLUMNS},
        "long_axis_lps_mm": [list(p) for p in size.long_axis_lps_mm] if size else None,
        "short_axis_lps_mm": [list(p) for p in size.short_axis_lps_mm] if size else None,
        "solidity": one.solidity.value if one.solidity else None,
    }
    return seen | {
        "finding_id": str(name),
        "series_uid": series_uid,
        "number": number,
        "probability": one.probability,
        # A UUID-derived UID (PS3.5 B.2): at most 44 characters.
        "tracking_uid": f"2.25.{tracking.int}",
        "model_version": model,
        "key_sop_uid": one.key_sop_uid,
        # What has no column of its own stays with the machine's words: it is never a reader's.
        "proposed": seen | plain | {"diameter_mm": one.diameter_mm, "probability": one.probability},
    }


def publish_result(store: Store, effects: Effects = lambda study_uid, result_id: ()) -> DetectTool:
    """RESULT + COMPLETENESS → PUBLISHED: the result becomes the study's answer.

    Only for a plan that is still the current one, asked in the transaction that publishes: what is
    superseded half way must not stand in front of a reader as the answer.

    Parameters
    ----------
    store : Store
    effects : callable, optional
        Study UID and result id to what shall leave the house with the publication.

    PUBLISHED is ``{"result_id", "state", "revision"}``.
    """
    spec = ToolSpec(
        "publish_result", "1", "Publish result", (RESULT, COMPLETENESS), (PUBLISHED,),
        cost_s=0.02,
    )  # fmt: skip

    def work(facts: Facts, call: Call) -> Outcome:
        evidence, result = mapping(facts[COMPLETENESS]), mapping(facts[RESULT])
        if not evidence.get("complete"):
            why = evidence.get("why") or "nothing says that the study is complete"
            return Outcome(
                cause=Cause.INPUT_MISSING, message=f"not yet: {why}", bad_fact=COMPLETENESS
            )
        with store.unit_of_work() as uow:
            # Study, then plan: the order in which a submission locks them.
            result_rows.lock_study(uow, call.subject)
            if not work_rows.is_current(uow, call.plan_id):
                return Outcome(cause=Cause.SUPERSEDED, message="a later plan has taken its place")
            done = result_rows.publish(
                uow, call.subject, result["result_id"], int(evidence["revision"])
            )
        fact = {
            "result_id": result["result_id"],
            "state": done.state,
            "revision": int(evidence["revision"]),
        }
        return Outcome(
            facts={PUBLISHED: fact},
            message=f"{done.state.replace('_', ' ')}: {evidence.get('why', '')}",
            effects=effects(call.subject, result["result_id"]),
        )

    return DetectTool(lambda: spec, work)
