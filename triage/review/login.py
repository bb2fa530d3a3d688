"""Signing in and out, the one-time first login, and who am I."""

from __future__ import annotations

import threading
from datetime import timedelta

from fastapi import APIRouter, Request, Response

from triage.errors import NotSignedIn
from triage.guard import access
from triage.guard.credentials import (
    hash_password,
    new_token,
    token_digest,
    verify_password,
)
from triage.review.problems import TooManyTries
from triage.review.requests import FirstLogin, Login
from triage.review.schema import Me
from triage.review.services import Services
from triage.review.session import COOKIE, Caller, Who, World
from triage.review.throttle import Throttle
from triage.store import account_rows, events
from triage.store.session import UnitOfWork
from triage.store.tables import User

SESSION_HOURS = 12
LINK_USED = "this link was used or is too old; restart the product for a new one, or sign in"
router = APIRouter(tags=["session"])
# Each verification takes 64 MiB: callers queue here, not in memory.
_verifying = threading.BoundedSemaphore(2)


@router.post("/api/login")
def login(body: Login, request: Request, response: Response, world: World) -> Me:
    """Exchange name and password for a session cookie."""
    throttle: Throttle = request.app.state.throttle
    key = (request.client.host if request.client else "", body.name)
    wait = throttle.wait_s(key)
    if wait:
        raise TooManyTries(wait)
    with world.store.reading() as uow:
        user = account_rows.user(uow, body.name)
    with _verifying:
        good = verify_password(user.password_hash if user else "", body.password)
    if user is None or not good or user.disabled:
        throttle.failed(key)
        _record_failure(world, user)
        raise NotSignedIn("name or password is wrong", code="wrong_password")
    throttle.succeeded(key)
    with world.store.unit_of_work() as uow:
        events.append(uow, "login", actor=user.name)
        return _begin_session(uow, world, request, response, user)


@router.post("/api/first-login")
def first_login(body: FirstLogin, request: Request, response: Response, world: World) -> Me:
    """Exchange the one-time token of the first-login link for an account with a password."""
    throttle: Throttle = request.app.state.throttle
    key = (request.client.host if request.client else "", account_rows.FIRST_LOGIN)
    wait = throttle.wait_s(key)
    if wait:
        raise TooManyTries(wait)
    digest = token_digest(body.token)
    with world.store.reading() as uow:
        user = account_rows.holder(uow, account_rows.FIRST_LOGIN, digest, world.clock())
    if user is None:
        throttle.failed(key)
        raise NotSignedIn(LINK_USED, code="link_used")
    with _verifying:
        password_hash = hash_password(body.password)
    with world.store.unit_of_work() as uow:
        # Asked again inside: of two who use the link at once, one gets in.
        user = account_rows.holder(uow, account_rows.FIRST_LOGIN, digest, world.clock())
        if user is not None:
            account_rows.use_up(uow, digest, world.clock())
            account_rows.set_password(uow, user.name, password_hash, actor=user.name)
            events.append(uow, "login", actor=user.name, after={"first": True})
            return _begin_session(uow, world, request, response, user)
    raise NotSignedIn(LINK_USED, code="link_used")


@router.post("/api/logout", status_code=204)
def logout(request: Request, response: Response, who: Who, world: World) -> None:
    """End the session of this browser."""
    token = request.cookies.get(COOKIE)
    if who.via == "cookie" and token:
        with world.store.unit_of_work() as uow:
            account_rows.end_session(uow, token_digest(token))
            events.append(uow, "logout", actor=who.name)
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")


@router.get("/api/me")
def me(who: Who, world: World) -> Me:
    """Who is asking, and what this person may do."""
    return _me(who, world)


def _me(who: Caller, world: Services) -> Me:
    return Me(
        name=who.name,
        display_name=who.display_name,
        roles=sorted(who.roles),
        permissions=sorted(access.permissions(who.roles)),
        auth=world.settings.auth,
    )


def _record_failure(world: Services, user: User | None) -> None:
    # An unknown name is not written down: people type passwords into the wrong field.
    with world.store.unit_of_work() as uow:
        events.append(
            uow, "login.failed", actor="nobody", after={"user": user.name if user else None}
        )


def _begin_session(
    uow: UnitOfWork, world: Services, request: Request, response: Response, user: User
) -> Me:
    at = world.clock()
    old = request.cookies.get(COOKIE)
    if old:
        account_rows.end_session(uow, token_digest(old))
    account_rows.forget_expired(uow, at)
    token, digest = new_token()
    expires = at + timedelta(hours=SESSION_HOURS)
    account_rows.add_credential(uow, account_rows.SESSION, user.name, digest, expires_at=expires)
    response.set_cookie(
        COOKIE, token, max_age=SESSION_HOURS * 3600, path="/",
        secure=True, httponly=True, samesite="strict",
    )  # fmt: skip
    who = Caller(user.name, user.display_name or user.name, frozenset({user.role}), "cookie")
    return _me(who, world)
