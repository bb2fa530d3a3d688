"""Pixels for our viewer: the volume stream of a series, and small pictures around findings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from triage.errors import NotFound
from triage.outputs import volume_stream
from triage.review import crops, frames
from triage.review.frames import Stream
from triage.review.paths import SeriesUid, StudyUid
from triage.review.services import Services
from triage.review.session import Who, World
from triage.store import reading_rows
from triage.store.tables import Series

FOR_EVER = "private, max-age=31536000, immutable"
ASK_AGAIN = "private, no-cache"
Encoding = Literal["zstd", "gzip", "identity"]
Plane = Literal["axial", "coronal", "sagittal"]
_SMALL_MM, _KEY_MM = 24.0, (121.6, 80.0)

router = APIRouter(tags=["pixels"])
_PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {}}, "description": "8-bit grey, lung window"}
}


def _stream(world: Services, row: Series) -> Stream:
    if not row.stream_key:
        raise NotFound("the pixels of this series are not packed yet", code="not_packed")
    return frames.opened(world.files.path_of(row.stream_key), row.stream_key, row.stream_info)


def encoding_of(accept: str) -> Encoding:
    """Choose the content encoding from an Accept-Encoding header; zstd costs us nothing."""
    offered: dict[str, float] = {}
    for part in accept.lower().split(","):
        name, _, parameters = part.strip().partition(";")
        quality = parameters.strip().removeprefix("q=") if parameters else "1"
        try:
            offered[name.strip()] = float(quality)
        except ValueError:
            offered[name.strip()] = 0.0
    if offered.get("zstd", 0.0) > 0:
        return "zstd"
    return "gzip" if offered.get("gzip", offered.get("*", 0.0)) > 0 else "identity"


@router.get(
    "/api/series/{series_uid}/volume",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "Packed slices"},
        304: {"description": "The browser has it already"},
    },
)
def volume(
    *,
    series_uid: SeriesUid,
    request: Request,
    _who: Who,
    world: World,
    first: Annotated[int | None, Query(ge=0, description="Slice index z sent first")] = None,
    count: Annotated[int | None, Query(ge=1, description="Only so many slices")] = None,
    v: Annotated[str | None, Query(max_length=64, description="From VolumeView.url")] = None,
) -> Response:
    """All slices of a series, outward from slice `first`: first, first+1, first-1, …

    Each slice is rows x cols int16 HU: row-wise delta, zigzag, low-byte plane, high-byte plane.
    Stored frames are sent as they lie there (zstd), or re-coded to gzip, or plain.
    """
    with world.store.reading() as uow:
        row = reading_rows.series(uow, series_uid)
    stream = _stream(world, row)
    order = stream.outward(stream.depth // 2 if first is None else first)[:count]
    encoding = encoding_of(request.headers.get("accept-encoding", ""))
    headers = {
        "ETag": f'"{stream.key[:32]}-{order[0]}-{len(order)}-{encoding}"',
        "Vary": "Accept-Encoding",
        # The address names the content only with the right `v`: a late slice makes a new one.
        "Cache-Control": FOR_EVER if v == stream.key[:16] else ASK_AGAIN,
        "X-Slice-Order": f"{order[0]}",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if encoding != "identity":
        headers["Content-Encoding"] = encoding
    if encoding == "zstd":
        headers["Content-Length"] = str(sum(stream.length(k) for k in order))
    body = _CODERS[encoding](stream, order)
    return StreamingResponse(body, media_type="application/octet-stream", headers=headers)


def _as_stored(stream: Stream, order: list[int]) -> Iterator[bytes]:
    yield from stream.stored(order)


def _plain(stream: Stream, order: list[int]) -> Iterator[bytes]:
    yield from stream.plain(order)


def _gzip(stream: Stream, order: list[int]) -> Iterator[bytes]:
    yield from volume_stream.as_gzip(stream.stored(order))


_CODERS = {"zstd": _as_stored, "gzip": _gzip, "identity": _plain}


@router.get("/api/series/{series_uid}/thumbnail", response_class=Response, responses=_PNG)
def thumbnail(
    *,
    series_uid: SeriesUid,
    request: Request,
    _who: Who,
    world: World,
    finding: Annotated[str, Query(pattern=r"^[0-9a-fA-F-]{1,36}$")],
    plane: Plane = "axial",
    mm: Annotated[float, Query(ge=10, le=100, allow_inf_nan=False)] = _SMALL_MM,
    px: Annotated[int, Query(ge=16, le=256)] = 96,
) -> Response:
    """One plane through a finding, `mm` wide, as a square PNG of `px` pixels in lung window."""
    with world.store.reading() as uow:
        row = reading_rows.series(uow, series_uid)
        found = reading_rows.finding(uow, finding)
    if found.series_uid != series_uid:
        raise NotFound("no such finding in this series", code="no_such_finding")
    x, y, z = found.center_lps_mm
    view = crops.View((x, y, z), plane, (mm, mm), (px, px))
    return _picture(request, _stream(world, row), view)


@router.get("/api/studies/{study_uid}/key-image", response_class=Response, responses=_PNG)
def key_image(study_uid: StudyUid, request: Request, _who: Who, world: World) -> Response:
    """Axial picture around the first finding that is not rejected, for the worklist (304 x 200)."""
    with world.store.reading() as uow:
        study = reading_rows.study(uow, study_uid)
        top = reading_rows.top_finding(uow, study)
        if top is None:
            raise NotFound("no finding to show", code="no_key_image")
        row = reading_rows.series(uow, top.series_uid)
    x, y, z = top.center_lps_mm
    return _picture(
        request, _stream(world, row), crops.View((x, y, z), "axial", _KEY_MM, (608, 400))
    )


def _picture(request: Request, stream: Stream, view: crops.View) -> Response:
    headers = {"ETag": f'"{crops.identity(stream.key, view)}"', "Cache-Control": ASK_AGAIN}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(crops.png(stream, view), media_type="image/png", headers=headers)
