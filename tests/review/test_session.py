"""Signing in, cookies, tokens, forged requests, guessing, the first login, AUTH=off."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import SimpleCookie
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.review.conftest import House, make_house
from tests.review.seed import add_users
from triage.guard.credentials import new_token, token_digest
from triage.review.session import COOKIE
from triage.review.throttle import FREE_TRIES, MAX_WAIT_S, Throttle
from triage.store import account_rows
from triage.store.session import Store
from triage.store.tables import Credential, Event, User, now

READER = {"name": "reader", "password": "reader-password"}


@pytest.fixture
def peopled(house: House) -> House:
    add_users(house.store)
    return house


def signed_in(house: House, login: dict[str, str] | None = None) -> Any:
    client = house.client()
    answer = client.post("/api/login", json=login or READER)
    assert answer.status_code == 200, answer.text
    token = SimpleCookie(answer.headers["set-cookie"])[COOKIE].value
    client.cookies.clear()  # the cookie jar keeps Secure cookies from plain HTTP; browsers do not
    client.headers["Cookie"] = f"{COOKIE}={token}"
    return client


def test_the_cookie_is_host_bound_and_out_of_reach_of_scripts(peopled: House) -> None:
    answer = peopled.client().post("/api/login", json=READER)
    cookie = SimpleCookie(answer.headers["set-cookie"])[COOKIE]
    assert COOKIE.startswith("__Host-")
    assert cookie["secure"] and cookie["httponly"] and cookie["path"] == "/"
    assert cookie["samesite"].lower() == "strict" and not cookie["domain"]
    assert 0 < int(cookie["max-age"]) <= 12 * 3600
    with peopled.store.reading() as uow:
        digests = [row.digest for row in uow.query(Credential).all()]
    assert digests == [token_digest(cookie.value)]  # the token itself is nowhere


def test_a_session_works_until_it_is_ended(peopled: House) -> None:
    client = signed_in(peopled)
    me = client.get("/api/me").json()
    assert (me["name"], me["display_name"], me["roles"]) == ("reader", "R. Reader", ["radiologist"])
    assert me["auth"] == "on" and "sign" in me["permissions"] and me["research_use_only"]
    assert client.post("/api/logout").status_code == 204
    assert client.get("/api/me").status_code == 401


def test_a_session_ends_by_itself(peopled: House) -> None:
    client = signed_in(peopled)
    peopled.clock.forward(hours=11.9)
    assert client.get("/api/me").status_code == 200
    peopled.clock.forward(hours=0.2)
    assert client.get("/api/me").status_code == 401


def test_a_new_password_ends_all_sessions(peopled: House) -> None:
    client = signed_in(peopled)
    with peopled.store.unit_of_work() as uow:
        account_rows.set_password(uow, "reader", "x", actor="admin")
    assert client.get("/api/me").status_code == 401


@pytest.mark.parametrize(
    "login",
    [
        {"name": "reader", "password": "wrong"},
        {"name": "nobody", "password": "reader-password"},
        {"name": "Reader", "password": "reader-password"},
        {"name": "reader ", "password": "reader-password"},
        {"name": "passwordless", "password": ""},
    ],
)
def test_wrong_name_or_password_cannot_be_told_apart(peopled: House, login: dict[str, str]) -> None:
    with peopled.store.unit_of_work() as uow:
        uow.add(User(name="passwordless", role="admin"))
    answer = peopled.client().post(
        "/api/login", json={**login, "password": login["password"] or " "}
    )
    assert answer.status_code == 401
    assert answer.json()["detail"] == "name or password is wrong"
    assert "set-cookie" not in answer.headers


def test_failures_are_recorded_but_never_what_was_typed(peopled: House) -> None:
    client = peopled.client()
    client.post("/api/login", json={"name": "my-secret-password", "password": "x"})
    client.post("/api/login", json={"name": "reader", "password": "guess"})
    with peopled.store.reading() as uow:
        rows = uow.query(Event).filter(Event.kind == "login.failed").all()
        text = str([(row.actor, row.after) for row in uow.query(Event).all()])
    assert [row.after for row in rows] == [{"user": None}, {"user": "reader"}]
    assert "secret" not in text and "guess" not in text


def test_guessing_gets_slower_for_the_guesser_only(peopled: House) -> None:
    clock_s = [0.0]
    peopled.app.state.throttle = Throttle(lambda: clock_s[0])
    client = peopled.client()
    wrong = {"name": "reader", "password": "guess"}
    for _ in range(FREE_TRIES):
        assert client.post("/api/login", json=wrong).status_code == 401
    answer = client.post("/api/login", json=READER)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_tries")
    assert int(answer.headers["Retry-After"]) >= 1
    second = {"name": "second", "password": "second-password"}
    assert client.post("/api/login", json=second).status_code == 200
    clock_s[0] += int(answer.headers["Retry-After"])
    assert client.post("/api/login", json=READER).status_code == 200


def test_waits_double_up_to_a_limit_and_are_forgotten() -> None:
    clock_s = [0.0]
    throttle = Throttle(lambda: clock_s[0])
    waits = []
    for _ in range(FREE_TRIES + 12):
        throttle.failed("key")
        waits.append(throttle.wait_s("key"))
    assert waits[: FREE_TRIES - 1] == [0] * (FREE_TRIES - 1)
    later = waits[FREE_TRIES:]
    assert all(a <= b for a, b in pairwise(later))
    assert max(waits) <= MAX_WAIT_S + 1
    clock_s[0] += 2 * MAX_WAIT_S
    throttle.failed("key")
    assert throttle.wait_s("key") == 0


def test_memory_of_guessers_is_bounded() -> None:
    throttle = Throttle(lambda: 0.0)
    for i in range(10_500):
        throttle.failed(i)
    assert len(throttle._failed) == 10_000


# ---------------------------------------------------------------- forged requests


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({}, True),
        ({"X-Triage-Request": None}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://127.0.0.1:9999"}, False),
    ],
)
def test_a_page_of_another_site_changes_nothing(
    peopled: House, headers: dict[str, str | None], let_in: bool
) -> None:
    uid = peopled.study()
    client = signed_in(peopled)
    for name, value in headers.items():
        if value is None:
            del client.headers[name]
        else:
            client.headers[name] = value
    answer = client.put(f"/api/studies/{uid}/context", json={"purpose": "other"})
    assert answer.status_code == (200 if let_in else 403), answer.text
    if not let_in:
        assert answer.json()["code"] == "foreign_page"


def test_signing_in_cannot_be_forged_either(peopled: House) -> None:
    client = peopled.client()
    del client.headers["X-Triage-Request"]
    assert client.post("/api/login", json=READER).status_code == 403


def test_a_script_with_a_token_needs_no_page_header(house: House) -> None:
    uid = house.study()
    client = house.as_("radiologist")
    del client.headers["X-Triage-Request"]
    answer = client.put(f"/api/studies/{uid}/context", json={"purpose": "other"})
    assert answer.status_code == 200


@pytest.mark.parametrize("header", ["Bearer nonsense", "Basic cmVhZGVy", "Bearer ", "bearer x y"])
def test_a_bad_token_never_falls_back_to_the_cookie(peopled: House, header: str) -> None:
    client = signed_in(peopled)
    client.headers["Authorization"] = header
    assert client.get("/api/me").status_code == 401


def test_a_cookie_is_no_bearer_token_and_the_other_way_round(peopled: House) -> None:
    session = signed_in(peopled).headers["Cookie"].split("=", 1)[1]
    client = peopled.client()
    client.headers["Authorization"] = f"Bearer {session}"
    assert client.get("/api/me").status_code == 401
    token, digest = new_token()
    with peopled.store.unit_of_work() as uow:
        account_rows.add_credential(uow, account_rows.TOKEN, "reader", digest, expires_at=None)
    client = peopled.client()
    client.headers["Cookie"] = f"{COOKIE}={token}"
    assert client.get("/api/me").status_code == 401


# ---------------------------------------------------------------- first login


def offer(house: House) -> str:
    token, digest = new_token()
    with house.store.unit_of_work() as uow:
        assert account_rows.offer_first_login(uow, digest, house.clock.at)
    return token


def test_the_first_login_link_is_exchanged_for_a_password_once(house: House) -> None:
    token = offer(house)
    body = {"token": token, "password": "a good long one"}
    answer = house.client().post("/api/first-login", json=body)
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["roles"]) == ("admin", ["admin"])
    again = house.client().post("/api/first-login", json=body)
    assert (again.status_code, again.json()["code"]) == (401, "link_used")
    admin = signed_in(house, {"name": "admin", "password": "a good long one"})
    assert admin.get("/api/admin/users").json()["items"][0]["has_password"]


def test_a_link_is_void_after_a_day_and_after_a_newer_one(house: House) -> None:
    old, new = offer(house), offer(house)
    body = {"password": "a good long one"}
    assert house.client().post("/api/first-login", json=body | {"token": old}).status_code == 401
    house.clock.forward(hours=25)
    assert house.client().post("/api/first-login", json=body | {"token": new}).status_code == 401


def test_there_is_no_first_login_once_somebody_has_a_password(peopled: House) -> None:
    _, digest = new_token()
    with peopled.store.unit_of_work() as uow:
        assert not account_rows.offer_first_login(uow, digest, now())


def test_a_short_password_is_refused_by_name_and_the_link_stays_good(house: House) -> None:
    token = offer(house)
    answer = house.client().post("/api/first-login", json={"token": token, "password": "short"})
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "password"
    good = {"token": token, "password": "a good long one"}
    assert house.client().post("/api/first-login", json=good).status_code == 200


def test_the_administrator_makes_the_first_reader(house: House) -> None:
    admin = house.as_("admin")
    new = {"name": "dr.who", "role": "radiologist", "password": "a good long one"}
    assert admin.post("/api/admin/users", json=new).status_code == 201
    assert admin.post("/api/admin/users", json=new).json()["code"] == "user_exists"
    assert signed_in(house, {"name": "dr.who", "password": "a good long one"}).get(
        "/api/worklist"
    ).status_code == 200  # fmt: skip


# ---------------------------------------------------------------- TRIAGE_AUTH=off


def test_auth_off_is_a_named_local_user_and_says_so(tmp_path: Path, store: Store) -> None:
    house = make_house(tmp_path, store, auth="off")
    me = house.client().get("/api/me").json()
    assert (me["auth"], me["name"], me["roles"]) == ("off", "local", ["admin", "radiologist"])
    uid = house.study()
    finding = house.client().get(f"/api/studies/{uid}").json()["findings"][0]
    done = house.decide(finding, "confirm", by=house.client())
    assert done.status_code == 200 and done.json()["decided_by"] == "local"


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded"])
def test_auth_off_refuses_what_a_proxy_brings(tmp_path: Path, store: Store, header: str) -> None:
    client = make_house(tmp_path, store, auth="off").client()
    assert client.get("/api/me", headers={header: "203.0.113.9"}).status_code == 401


def test_auth_off_refuses_other_machines(tmp_path: Path, store: Store) -> None:
    from starlette.testclient import TestClient

    house = make_house(tmp_path, store, auth="off")
    client = TestClient(house.app, "http://127.0.0.1", client=("203.0.113.9", 1))
    assert client.get("/api/me").status_code == 401


def test_auth_off_still_refuses_foreign_pages(tmp_path: Path, store: Store) -> None:
    house = make_house(tmp_path, store, auth="off")
    uid = house.study()
    client = house.client()
    client.headers["Origin"] = "http://evil.example"
    assert client.put(f"/api/studies/{uid}/context", json={}).status_code == 403


def test_expired_credentials_are_swept_at_the_next_login(peopled: House) -> None:
    signed_in(peopled)
    peopled.clock.forward(days=2)
    signed_in(peopled)
    with peopled.store.reading() as uow:
        left = uow.query(Credential).all()
    assert len(left) == 1
    assert left[0].expires_at is not None
    assert left[0].expires_at > peopled.clock.at + timedelta(hours=11)
