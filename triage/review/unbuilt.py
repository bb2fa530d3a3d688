"""Parts of the contract whose turn has not come: guarded like the rest, and an honest 501."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from triage.errors import NotBuiltYet
from triage.review.schema import Problem

router = APIRouter(tags=["not built yet"])

ADDRESSES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("/metrics", ("GET",)),
    ("/dicomweb/{path:path}", ("GET", "POST")),
    ("/v2/{path:path}", ("GET", "POST")),
    ("/predict", ("POST",)),
)


def _answer() -> None:
    raise NotBuiltYet("this part is not built yet")


for _address, _methods in ADDRESSES:
    for _method in _methods:
        router.add_api_route(
            _address,
            _answer,
            methods=[_method],
            status_code=501,
            response_model=None,
            responses={501: {"model": Problem, "description": "Not built yet"}},
            operation_id=f"not_built_{_method}_{_address}".replace("/", "_").lower(),
            summary="Not built yet",
        )
