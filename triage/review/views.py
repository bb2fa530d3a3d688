"""Rows to answers: findings, series, context, outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from triage.core.finding import ResultStatus
from triage.review.acts import Place, StandingAct
from triage.review.axes import Grid, mean_mm
from triage.review.schema import (
    ContextValue,
    ContextView,
    FindingView,
    ModelView,
    OutputView,
    ReasonView,
    ResultView,
    SeriesView,
    VolumeView,
)
from triage.store import reading_rows
from triage.store.tables import Context, Event, FindingRow, Outbox, Output, Result, Series

_DELIVERY = {"waiting": "waiting", "claimed": "waiting", "done": "sent", "failed": "failed"}


def finding(row: FindingRow, standing: Sequence[Event]) -> FindingView:
    """One finding, with who decided it last."""
    last = standing[-1] if standing else None
    return FindingView(
        finding_id=row.finding_id,
        study_uid=row.study_uid,
        series_uid=row.series_uid,
        number=row.number,
        version=row.version,
        mean_mm=mean_mm(row.long_mm, row.short_mm),
        probability=row.probability,
        tracking_uid=row.tracking_uid,
        model_version=row.model_version,
        proposed=row.proposed,
        decided_by=None if last is None else last.actor,
        decided_at=None if last is None else last.at,
        can_undo=last is not None,
        **_intervals(row),
        **reading_rows.image(row),
    )


#: The size, and the name of its interval among the machine's words.
_INTERVAL_OF = {
    "long_mm": "long_interval_mm",
    "short_mm": "short_interval_mm",
    "volume_mm3": "volume_interval_mm3",
}


def _intervals(row: FindingRow) -> dict[str, Any]:
    """Intervals of the sizes that are still the machine's own."""
    said = row.proposed
    return {
        interval: said.get(interval) if getattr(row, size) == said.get(size) else None
        for size, interval in _INTERVAL_OF.items()
    }


def standing_acts(events: Sequence[Event]) -> list[StandingAct]:
    """Acts as `triage.review.acts` wants them."""
    return [
        StandingAct(
            seq=event.seq,
            before=None if event.before is None else event.before["finding"],
            after=(event.after or {})["finding"],
        )
        for event in events
    ]


def reasons(items: Sequence[Mapping[str, Any]]) -> list[ReasonView]:
    """Stored reasons as answers."""
    return [
        ReasonView(
            code=str(item.get("code", "")),
            message=str(item.get("message", "")),
            series_uid=item.get("series_uid"),
        )
        for item in items
    ]


def place(row: Series) -> Place:
    """Grid and slice UIDs of a series, from what the packer wrote."""
    info = row.stream_info
    if not row.stream_key or "shape_zyx" not in info:
        return Place(None)
    z, y, x = info["shape_zyx"]
    affine = np.asarray(info["affine"], dtype=np.float64)
    return Place(Grid((z, y, x), affine), tuple(info["sop_uids"]))


def volume(row: Series) -> VolumeView | None:
    """How to fetch the pixels of a series; None while they are not packed."""
    at = place(row)
    if at.grid is None:
        return None
    spacing = np.linalg.norm(at.grid.affine[:3, :3], axis=0)
    return VolumeView(
        url=f"/api/series/{row.series_uid}/volume?v={(row.stream_key or '')[:16]}",
        shape_zyx=at.grid.shape_zyx,
        spacing_zyx_mm=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
        affine=at.grid.affine.tolist(),
        sop_uids=list(at.sop_uids),
        bytes=int(row.stream_info["frame_offsets"][-1]),
    )


def series(row: Series, chosen_uid: str | None) -> SeriesView:
    """One series with its verdict."""
    return SeriesView(
        series_uid=row.series_uid,
        number=row.number,
        modality=row.modality,
        description=row.description,
        kernel=row.kernel,
        manufacturer=row.manufacturer,
        instances=row.instances,
        verdict=row.verdict,
        reasons=reasons(row.verdict_reasons),
        chosen=row.series_uid == chosen_uid,
        volume=volume(row),
    )


def result(row: Result) -> ResultView:
    """What was looked at."""
    return ResultView(
        status=ResultStatus(row.status),
        reasons=reasons(row.reasons),
        covered_lung_fraction=row.covered_lung_fraction,
        series_uid=row.series_uid,
        published=row.published_at is not None,
    )


def model(row: Result) -> ModelView:
    """What looked."""
    return ModelView(name=row.model_name, digest=row.model_digest, runtime=row.runtime)


def context(row: Context) -> ContextView:
    """Context with the source of every value."""
    values = {name: ContextValue(**entry) for name, entry in row.values.items()}
    return ContextView(version=row.version, **values)


def output(row: Output, sent: Outbox | None) -> OutputView:
    """An object for another system; "sent" only when the receipt is there."""
    return OutputView(
        sop_uid=row.sop_uid,
        kind=row.kind,
        status=row.status,
        predecessor_sop_uid=row.predecessor_sop_uid,
        created_at=row.created_at,
        delivery="none" if sent is None else _DELIVERY.get(sent.state, "waiting"),
        receipt={} if sent is None else sent.receipt,
        last_error="" if sent is None else sent.last_error,
    )
