"""Rows to reports: what the machine published, what a reader signed, what would be signed now.

All three fill the same `Report`, so that the page, the plain text and the SR cannot differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from triage import __version__
from triage.core.context import known
from triage.core.finding import Reason, ResultStatus
from triage.outputs.report import (
    COUNTED,
    UNDECIDED,
    Algorithm,
    Reader,
    Report,
    ReportedFinding,
    Stage,
    reported,
)
from triage.store import output_rows, reading_rows
from triage.store.session import UnitOfWork
from triage.store.tables import Event, FindingRow, Result

_NOT_REPORTED: Final = frozenset({"rejected", "dismissed", "withdrawn"})
_NO_RESULT: Final = Reason("no_result", "no algorithm has looked at this study")


def preliminary(uow: UnitOfWork, study_uid: str, fact: Mapping[str, Any]) -> Report:
    """What the machine published, less what a reader had rejected of it before."""
    result = output_rows.result_of(uow, study_uid, fact["result_id"])
    rows = output_rows.proposed_findings(uow, result.id, int(fact["event"]))
    kept = [row for row in rows if row["state"] not in _NOT_REPORTED]
    return _report(
        study_uid,
        result,
        stage=Stage.PRELIMINARY,
        # As the machine said it, whatever a reader does to it.
        findings=tuple(reported({**row, "state": "pending"}) for row in kept),
        written_at=result.published_at or result.created_at,
    )


def final(uow: UnitOfWork, study_uid: str, fact: Mapping[str, Any]) -> Report:
    """What was signed, as the event keeps it whole.

    Raises
    ------
    NotFound
        The signature, or the result it was made on, is not there.
    """
    event = output_rows.signing(uow, study_uid, int(fact["event"]))
    said = event.after or {}
    result = output_rows.result_of(uow, study_uid, said["result_id"])
    return _signed(uow, study_uid, event, result)


def signed(uow: UnitOfWork, study_uid: str, event: Event) -> Report:
    """`final` of a signature, also of one on a study that no algorithm has looked at."""
    if (event.after or {}).get("result_id") is None:
        return _signed(uow, study_uid, event, None)
    return final(uow, study_uid, {"event": event.seq})


def draft(
    uow: UnitOfWork, study_uid: str, assessment: Mapping[str, Any] | None, at: datetime
) -> Report:
    """What would be signed now: decided findings and context as they stand, nothing else.

    Parameters
    ----------
    assessment : mapping or None
        The preliminary result contract; None while a finding is undecided.
    at : datetime
        Now.
    """
    study = reading_rows.study(uow, study_uid)
    result = reading_rows.result_of(uow, study)
    context = reading_rows.context(uow, study_uid).values
    last = reading_rows.last_signing(uow, study_uid)
    rows = output_rows.with_fixed(
        uow, [_image(row) for row in reading_rows.findings_of(uow, study)]
    )
    states = Counter(row["state"] for row in rows)
    left_out = {state: states[state] for state in ("rejected", "dismissed")}
    return _report(
        study_uid,
        result,
        stage=Stage.DRAFT,
        findings=_counted(rows, context),
        written_at=at,
        left_out={**left_out, UNDECIDED: states["pending"]},
        context=context,
        assessment=assessment,
        provisional=result is not None and result.published_at is None,
        amends=0 if last is None else int((last.after or {}).get("revision", 0)),
    )


def _image(row: FindingRow) -> dict[str, Any]:
    return {
        "finding_id": row.finding_id, "number": row.number, **reading_rows.image(row)
    }  # fmt: skip


def _counted(
    rows: Sequence[Mapping[str, Any]], context: Mapping[str, Any]
) -> tuple[ReportedFinding, ...]:
    """Those the report stands for."""
    prior = known(context, "prior_ct")
    return tuple(reported(row, prior) for row in rows if row["state"] in COUNTED)


def _signed(uow: UnitOfWork, study_uid: str, event: Event, result: Result | None) -> Report:
    said = event.after or {}
    rows = output_rows.with_fixed(uow, said["findings"])
    left_out = {
        state: sum(row["state"] == state for row in rows) for state in ("rejected", "dismissed")
    }
    return _report(
        study_uid,
        result,
        stage=Stage.FINAL,
        findings=_counted(rows, said["context"]),
        written_at=event.at,
        left_out=left_out,
        context=said["context"],
        assessment=said["assessment"],
        reader=Reader(
            name=output_rows.display_name(uow, event.actor),
            login=event.actor,
            signed_at=event.at,
            event=event.seq,
            revision=int(said["revision"]),
        ),
    )


def _report(study_uid: str, result: Result | None, **more: Any) -> Report:
    if result is None:
        return Report(
            study_uid=study_uid,
            series_uid=None,
            status=ResultStatus.NOT_ASSESSED,
            reasons=(_NO_RESULT,),
            algorithm=Algorithm("", "", ""),
            input_digest="",
            software=__version__,
            **more,
        )
    return Report(
        study_uid=study_uid,
        series_uid=result.series_uid,
        status=ResultStatus(result.status),
        reasons=tuple(Reason(**reason) for reason in result.reasons),
        algorithm=Algorithm(result.model_name, result.model_digest, result.runtime),
        input_digest=result.input_digest,
        software=__version__,
        **more,
    )
