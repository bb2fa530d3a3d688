"""Every error as RFC 9457 problem+json with a stable ``type``; nothing else ever leaves the API."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from triage.errors import Conflict, RequestError, TriageError, Unprocessable
from triage.review.schema import FieldProblem, FindingView, Problem

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("triage.review")

# What the framework itself refuses, in our words; the status is the key.
_FRAMEWORK = {
    400: ("bad_request", "the request cannot be read"),
    404: ("not_found", "no such address"),
    405: ("method_not_allowed", "this address does not take this method"),
    415: ("unsupported_media_type", "send JSON: Content-Type: application/json"),
}


class TooManyTries(RequestError):
    """Too many failed logins; wait.

    Parameters
    ----------
    retry_after_s : int
        When the next try is looked at.
    """

    code = "too_many_tries"
    http_status = 429

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many failed logins; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class FieldsRefused(Unprocessable):
    """Fields that break a rule, each with its name and the reason in words."""

    code = "invalid_fields"

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {text}" for field, text in problems.items()))
        self.problems = dict(problems)


class FindingChanged(Conflict):
    """The finding is not as the caller saw it; the answer carries it as it now is."""

    code = "finding_changed"

    def __init__(self, message: str, current: FindingView, *, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.current = current


class NotSignable(Conflict):
    """Signing before everything is decided; `missing` says in words what is left to do."""

    code = "not_signable"

    def __init__(self, missing: list[str]) -> None:
        super().__init__("cannot be signed yet: " + "; ".join(missing))
        self.missing = missing


def install(app: FastAPI) -> None:
    """Make `app` answer every error as a problem."""
    app.add_exception_handler(TriageError, _on_triage_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_framework)
    app.add_exception_handler(Exception, _on_unexpected)


def response(
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    **extensions: Any,
) -> JSONResponse:
    """Build a problem response.

    Parameters
    ----------
    status : int
        HTTP status.
    code : str
        Stable; ``type`` is ``urn:triage:problem:<code>``.
    detail : str
        One sentence for a person.
    **extensions
        Further fields of `Problem`.
    """
    problem = Problem(
        type=f"urn:triage:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        **extensions,
    )
    body = jsonable_encoder(problem, exclude_none=True)
    return JSONResponse(body, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def _on_triage_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TriageError)
    headers: dict[str, str] = {}
    extensions: dict[str, Any] = {}
    if isinstance(error, TooManyTries):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, FieldsRefused):
        extensions["errors"] = [
            FieldProblem(field=field, message=text) for field, text in error.problems.items()
        ]
    if isinstance(error, FindingChanged):
        extensions["current"] = error.current
    if isinstance(error, NotSignable):
        extensions["missing"] = error.missing
    if error.http_status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return response(
        error.http_status, error.detail_code, error.message, headers=headers, **extensions
    )


def _on_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    fields: list[FieldProblem] = []
    for one in error.errors():
        # The first part says where it stood (body, query, header, path): callers know that.
        where = ".".join(str(part) for part in one["loc"][1:]) or str(one["loc"][0])
        fields.append(FieldProblem(field=where, message=str(one["msg"])))
    detail = "; ".join(f"{one.field}: {one.message}" for one in fields[:5])
    return response(422, "invalid_fields", detail, errors=fields)


def _on_framework(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code, detail = _FRAMEWORK.get(error.status_code, ("request", str(error.detail)))
    return response(error.status_code, code, detail, headers=error.headers)


def _on_unexpected(request: Request, error: Exception) -> JSONResponse:
    number = uuid.uuid4().hex[:12]
    # The path is logged by its pattern: identifiers of patients do not belong in a log.
    route = request.scope.get("route")
    where = getattr(route, "path", "unknown address")
    _log.error("error %s at %s %s", number, request.method, where, exc_info=error)
    detail = f"an unexpected error happened; nothing was changed. Ask for error {number}"
    # The framework answers this one outside of the shield.
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    where_logged = f"urn:triage:error:{number}"
    return response(500, "unexpected", detail, headers=headers, instance=where_logged)
