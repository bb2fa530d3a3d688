"""Who is asking, and may they: session cookie, bearer token, or the local user of AUTH=off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request

from triage.errors import Forbidden, NotSignedIn
from triage.guard import access
from triage.guard.access import Action
from triage.guard.credentials import token_digest
from triage.review.permissions import RULES
from triage.review.services import Services
from triage.settings import is_loopback
from triage.store import account_rows
from triage.store.tables import User

COOKIE = "__Host-triage"
# A header no foreign page can send without a CORS preflight, which is never granted here.
REQUEST_HEADER = "X-Triage-Request"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOCAL_USER = "local"

Via = Literal["nobody", "cookie", "bearer", "local"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks.

    Attributes
    ----------
    name : str
        Account name; this is the actor of every event.
    roles : frozenset of str
    via : str
        How the caller was recognised.
    """

    name: str
    display_name: str
    roles: frozenset[str]
    via: Via

    def may(self, action: Action) -> bool:
        """Whether the caller's roles allow `action`."""
        return access.may(self.roles, action)


NOBODY = Caller("", "", frozenset(), "nobody")


def services_of(request: Request) -> Services:
    """Return what wiring handed to the app."""
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


def recognise(request: Request) -> Caller:
    """Find out who is asking; `NOBODY` when nothing valid was shown.

    Raises
    ------
    NotSignedIn
        A bearer token that is not valid: it never falls back to a cookie.
    """
    services = services_of(request)
    if services.settings.auth == "off":
        return _local(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        found = _holder(services, account_rows.TOKEN, token)
        if scheme.lower() != "bearer" or found is None:
            raise NotSignedIn("the bearer token is not valid", code="bad_token")
        return _caller(found, "bearer")
    found = _holder(services, account_rows.SESSION, request.cookies.get(COOKIE, ""))
    return NOBODY if found is None else _caller(found, "cookie")


def authorise(request: Request) -> Caller:
    """Let a request through when its route's rule allows it; the dependency of every route.

    Raises
    ------
    NotSignedIn
        Nobody is signed in and the route needs somebody.
    Forbidden
        The route has no rule, the roles do not allow it, or a page of another site sent it.
    """
    route = request.scope.get("route")
    key = (request.method, str(getattr(route, "path", "")))
    if key not in RULES:
        raise Forbidden("this address has no rule yet", code="no_rule")
    action = RULES[key]
    caller = recognise(request) if action is not None or _carries_cookie(request) else NOBODY
    _refuse_foreign_pages(request, caller)
    if action is None:
        return caller
    if caller.via == "nobody":
        raise NotSignedIn("sign in first")
    if not caller.may(action):
        raise Forbidden(f"the role {', '.join(sorted(caller.roles))} may not do this")
    return caller


def _carries_cookie(request: Request) -> bool:
    return COOKIE in request.cookies and "authorization" not in request.headers


def _local(request: Request) -> Caller:
    forwarded = "x-forwarded-for" in request.headers or "forwarded" in request.headers
    if forwarded or request.client is None or not is_loopback(request.client.host):
        raise NotSignedIn("TRIAGE_AUTH=off serves this machine only", code="auth_off_is_local")
    return Caller(LOCAL_USER, "Local user", frozenset(access.LOCAL_ROLES), "local")


def _holder(services: Services, kind: str, token: str) -> User | None:
    if not token:
        return None
    with services.store.reading() as uow:
        return account_rows.holder(uow, kind, token_digest(token), services.clock())


def _caller(user: User, via: Via) -> Caller:
    return Caller(user.name, user.display_name or user.name, frozenset({user.role}), via)


def _refuse_foreign_pages(request: Request, caller: Caller) -> None:
    """Cross-site request forgery: a browser's own words on where the request came from."""
    if request.method in SAFE_METHODS or caller.via == "bearer":
        return
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    own = {f"{scheme}://{request.headers.get('host', '')}" for scheme in ("http", "https")}
    foreign = site not in {"same-origin", "none"} or (origin is not None and origin not in own)
    if foreign or REQUEST_HEADER.lower() not in request.headers:
        raise Forbidden(
            f"send the header {REQUEST_HEADER}: 1 from a page of this server", code="foreign_page"
        )


Who = Annotated[Caller, Depends(authorise)]
World = Annotated[Services, Depends(services_of)]
