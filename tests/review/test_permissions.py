"""Every route x every role x nobody, from the OpenAPI description: as declared, default deny."""

from __future__ import annotations

from typing import Any

import pytest

from tests.review.conftest import House
from triage.guard.access import Role
from triage.review.api import build
from triage.review.permissions import RULES

# Who gets in, written out by hand per address. R radiologist, J adjudicator, P pacs_admin,
# M ml_engineer, A auditor, X admin, * everybody without signing in.
DOORS: dict[str, str] = {
    "GET /api/health": "*",
    "GET /api/ready": "*",
    "POST /api/login": "*",
    "POST /api/first-login": "*",
    "POST /api/logout": "RJPMAX",
    "GET /api/me": "RJPMAX",
    "GET /metrics": "PMX",
    "GET /api/worklist": "RJPAX",
    "GET /api/events": "RJPAX",
    "GET /api/studies/{study_uid}": "RJAX",
    "GET /api/studies/{study_uid}/report": "RJAX",
    "GET /api/studies/{study_uid}/events": "RJAX",
    "GET /api/studies/{study_uid}/plan": "RJPAX",
    "GET /api/studies/{study_uid}/key-image": "RJX",
    "PUT /api/studies/{study_uid}/context": "RJ",
    "PUT /api/studies/{study_uid}/seen": "RJ",
    "POST /api/studies/{study_uid}/findings": "RJ",
    "POST /api/studies/{study_uid}/claim": "RJ",
    "POST /api/studies/{study_uid}/release": "RJ",
    "POST /api/studies/{study_uid}/sign": "RJ",
    "POST /api/findings/{finding_id}/decisions": "RJ",
    "GET /api/series/{series_uid}/volume": "RJX",
    "GET /api/series/{series_uid}/thumbnail": "RJX",
    "GET /api/admin/quarantine": "PAX",
    "GET /api/admin/users": "AX",
    "POST /api/admin/users": "X",
    "GET /api/learning/queue": "RJMAX",
    "GET /api/learning/rounds": "RJMAX",
    "POST /api/learning/rounds": "MX",
    "GET /api/learning/rounds/{round_id}": "RJMAX",
    "GET /api/learning/rounds/{round_id}/plan": "RJMAX",
    "GET /api/models": "RJMAX",
    "POST /api/models/{model_id}/promote": "MX",
    "POST /api/models/{model_id}/rollback": "MX",
    "GET /dicomweb/{path}": "RJPX",
    "POST /dicomweb/{path}": "P",
    "GET /v2/{path}": "M",
    "POST /v2/{path}": "M",
    "POST /predict": "M",
}
LETTERS = {
    "R": Role.RADIOLOGIST, "J": Role.ADJUDICATOR, "P": Role.PACS_ADMIN,
    "M": Role.ML_ENGINEER, "A": Role.AUDITOR, "X": Role.ADMIN,
}  # fmt: skip
# Streams for ever once it lets somebody in: its guard is tested where it can be ended.
STREAMS = "GET /api/events"


def served() -> set[str]:
    paths: dict[str, dict[str, Any]] = build().openapi()["paths"]
    return {f"{m.upper()} {path}" for path, methods in paths.items() for m in methods}


def ask(house: House, door: str, who: str) -> int:
    method, path = door.split(" ")
    for name in ("study_uid", "series_uid", "finding_id", "model_id", "path"):
        path = path.replace("{" + name + "}", "1.2.3" if name.endswith("_uid") else "abc")
    client = house.client() if who == "*" else house.as_(LETTERS[who])
    status: int = client.request(method, path, json={} if method != "GET" else None).status_code
    return status


def test_every_served_route_has_a_rule_and_every_rule_a_route() -> None:
    declared = {f"{method} {path.replace(':path', '')}" for method, path in RULES}
    assert declared - {"GET /openapi.json"} == served() == set(DOORS)


@pytest.mark.parametrize("door", sorted(DOORS))
def test_matrix(house: House, door: str) -> None:
    allowed = DOORS[door]
    nobody = ask(house, door, "*")
    assert (nobody != 401) == ("*" in allowed), f"nobody got {nobody}"
    for letter, role in LETTERS.items():
        if door == STREAMS and letter in allowed:
            continue
        status = ask(house, door, letter)
        let_in = "*" in allowed or letter in allowed
        assert (status not in {401, 403}) == let_in, f"{role} got {status}"


def test_a_route_without_a_rule_is_refused(house: House) -> None:
    house.app.add_api_route("/api/forgotten", lambda: {"secret": 1}, methods=["GET"])
    # The page's catch-all comes first; put the new route where a router would have put it.
    house.app.router.routes.insert(0, house.app.router.routes.pop())
    answer = house.reader.get("/api/forgotten")
    assert (answer.status_code, answer.json()["code"]) == (403, "no_rule")


def test_a_disabled_account_is_nobody(house: House) -> None:
    from triage.store.tables import User

    assert house.reader.get("/api/me").status_code == 200
    with house.store.unit_of_work() as uow:
        row = uow.get(User, "a-radiologist")
        assert row is not None
        row.disabled = True
    assert house.reader.get("/api/me").status_code == 401
