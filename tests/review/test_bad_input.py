"""Bad input for every POST and PUT: refused as a problem that names the field; nothing changes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.review.conftest import House
from triage.review.openapi import description
from triage.review.shield import MAX_BODY_BYTES

REPOSITORY = Path(__file__).resolve().parents[2]
POINT = [-16.0, 0.0, -250.0]
DECISION = "/api/findings/{finding}/decisions"
NEW, CONTEXT = "/api/studies/{study}/findings", "/api/studies/{study}/context"
SIGN, SEEN = "/api/studies/{study}/sign", "/api/studies/{study}/seen"
CLAIM = "/api/studies/{study}/claim"
USERS = "/api/admin/users"
GOOD_USER = {"name": "new", "role": "auditor", "password": "long enough 1"}


def decision(**more: Any) -> dict[str, Any]:
    return {"decision": "correct", "base_version": 1, **more}


ROUNDS, PROMOTE = "/api/learning/rounds", "/api/models/{model}/promote"
TABLE: list[tuple[str, Any, str]] = [
    # (address, body, refused field)
    (DECISION, {}, "decision"),
    (DECISION, {"decision": "confirm"}, "base_version"),
    (DECISION, {"decision": "approve", "base_version": 1}, "decision"),
    (DECISION, {"decision": "confirm", "base_version": 0}, "base_version"),
    (DECISION, {"decision": "confirm", "base_version": "one"}, "base_version"),
    (DECISION, {"decision": "confirm", "base_version": 1, "by": "me"}, "by"),
    (DECISION, {"decision": "reject", "base_version": 1}, "reason"),
    (DECISION, {"decision": "reject", "base_version": 1, "reason": "dunno"}, "reason"),
    (DECISION, decision(), "decision"),
    (DECISION, decision(long_mm="NaN"), "long_mm"),
    (DECISION, decision(long_mm=0, short_mm=0), "long_mm"),
    (DECISION, decision(long_mm=-4.0), "long_mm"),
    (DECISION, decision(long_mm=300.1, short_mm=4), "long_mm"),
    (DECISION, decision(long_mm=4.0, short_mm=5.0), "short_mm"),
    (DECISION, decision(solidity="subsolid"), "solidity"),
    (DECISION, decision(calcification="yes"), "calcification"),
    (DECISION, decision(lobe="middle"), "lobe"),
    (DECISION, decision(volume_mm3=10), "volume_mm3"),
    (DECISION, decision(state="confirmed"), "state"),
    (DECISION, decision(center_lps_mm=[1, 2]), "center_lps_mm.2"),
    (DECISION, decision(center_lps_mm=[1, 2, 3, 4]), "center_lps_mm"),
    (DECISION, decision(center_lps_mm=[1, 2, "x"]), "center_lps_mm.2"),
    (DECISION, decision(center_lps_mm=[1e9, 0, 0]), "center_lps_mm.0"),
    (DECISION, decision(center_lps_mm=[0, 0, 0]), "center_lps_mm"),
    (DECISION, decision(long_axis_lps_mm=[POINT]), "long_axis_lps_mm.1"),
    (DECISION, decision(long_axis_lps_mm=[POINT, POINT]), "short_axis_lps_mm"),
    (DECISION, [], ""),
    (DECISION, "confirm", ""),
    (NEW, {}, "series_uid"),
    (NEW, {"series_uid": "{series}"}, "center_lps_mm"),
    (NEW, {"series_uid": "../x", "center_lps_mm": POINT}, "series_uid"),
    (NEW, {"series_uid": "{series}", "center_lps_mm": None}, "center_lps_mm"),
    (NEW, {"series_uid": "{series}", "center_lps_mm": [0, 0, 900]}, "center_lps_mm"),
    (NEW, {"series_uid": "{series}", "center_lps_mm": POINT, "probability": 1}, "probability"),
    (NEW, {"series_uid": "{series}", "center_lps_mm": POINT, "long_mm": 4}, "short_mm"),
    (CONTEXT, {"purpose": "screening"}, "purpose"),
    (CONTEXT, {"prior_ct": True}, "prior_ct"),
    (CONTEXT, {"known_lung_cancer": "perhaps"}, "known_lung_cancer"),
    (CONTEXT, {"age_years": -1}, "age_years"),
    (CONTEXT, {"age_years": 131}, "age_years"),
    (CONTEXT, {"age_years": 64.5}, "age_years"),
    (CONTEXT, {"risk": "medium"}, "risk"),
    (CONTEXT, {"source": "order"}, "source"),
    (CONTEXT, {"base_version": -1}, "base_version"),
    (SIGN, {"rest": "confirmed"}, "rest"),
    (SIGN, {"as_of": -1}, "as_of"),
    (SIGN, {"force": True}, "force"),
    (CLAIM, {"take_over": "perhaps"}, "take_over"),
    (CLAIM, {"reader": "other"}, "reader"),
    (SEEN, {"slices": []}, "series_uid"),
    (SEEN, {"series_uid": "1.2", "slices": [[-1, 4]]}, "slices.0.0"),
    (SEEN, {"series_uid": "1.2", "slices": [[1]]}, "slices.0.1"),
    (SEEN, {"series_uid": "1.2", "slices": [[0, 1]] * 2001}, "slices"),
    ("/api/login", {"name": "x"}, "password"),
    ("/api/login", {"name": "", "password": "x"}, "name"),
    ("/api/login", {"name": "a\x00b", "password": "x"}, "name"),
    ("/api/login", {"name": "x" * 65, "password": "x"}, "name"),
    ("/api/login", {"name": "x", "password": "x" * 257}, "password"),
    ("/api/first-login", {"token": "short", "password": "long enough 1"}, "token"),
    ("/api/first-login", {"token": "x" * 40, "password": "short"}, "password"),
    (USERS, GOOD_USER | {"role": "root"}, "role"),
    (USERS, GOOD_USER | {"name": "two words"}, "name"),
    (USERS, GOOD_USER | {"name": "../x"}, "name"),
    (USERS, GOOD_USER | {"password": "short"}, "password"),
    (USERS, GOOD_USER | {"display_name": "x" * 65}, "display_name"),
    (ROUNDS, {"population": "both"}, "population"),
    (ROUNDS, {"steps": 0}, "steps"),
    (ROUNDS, {"seed": -1}, "seed"),
    (ROUNDS, {"force": True}, "force"),
    (PROMOTE, {"phantom": "perhaps"}, "phantom"),
    (PROMOTE, {"verdict": "promote"}, "verdict"),
]


@pytest.fixture(scope="module")
def seen_addresses() -> set[str]:
    return {re.sub(r"\{\w+\}", "{}", address) for address, _, _ in TABLE}


def send(house: House, address: str, **content: Any) -> Any:
    method = "PUT" if address.endswith(("/context", "/seen")) else "POST"
    of_admin = address == USERS or address.startswith(("/api/learning", "/api/models"))
    client = house.as_("admin") if of_admin else house.reader
    headers = {"Idempotency-Key": "bad-input-1", **content.pop("headers", {})}
    return client.request(method, address, headers=headers, **content)


def filled(house: House, uid: str, text: str) -> str:
    study = house.get(uid)
    return (
        text.replace("{study}", uid)
        .replace("{model}", "0123456789abcdef")
        .replace("{finding}", study["findings"][0]["finding_id"])
        .replace("{series}", study["series"][0]["series_uid"])
    )


@pytest.mark.parametrize(("address", "body", "field"), TABLE)
def test_refused_by_field_and_nothing_changes(
    house: House, address: str, body: Any, field: str
) -> None:
    uid = house.study()
    before = house.get(uid)
    content = filled(house, uid, json.dumps(body))
    answer = send(
        house, filled(house, uid, address), content=content,
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:triage:problem:{problem['code']}" and problem["detail"]
    if field:
        assert field in [one["field"] for one in problem["errors"]]
    assert house.get(uid) == before


def test_every_address_that_takes_a_body_is_in_the_table(seen_addresses: set[str]) -> None:
    taking = {
        re.sub(r"\{\w+\}", "{}", path)
        for path, methods in json.loads(description())["paths"].items()
        for method in methods.values()
        if "requestBody" in method
    }
    assert taking == seen_addresses


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 422),
        (b"{", "application/json", 422),
        (b'{"decision": "confirm", "base_version": NaN}', "application/json", 422),
        (
            b'{"decision": "correct", "base_version": 1, "long_mm": Infinity}',
            "application/json",
            422,
        ),
        (b"[" * 100_000, "application/json", 400),
        (b"\xff\xfe\x00", "application/json", 400),
        (b"decision=confirm", "application/x-www-form-urlencoded", 422),
        (b"{}", "text/plain", 422),
        (b'{"decision": 1' + b" " * MAX_BODY_BYTES, "application/json", 413),
    ],
)
def test_what_is_no_json_is_an_answer_not_a_crash(
    house: House, content: bytes, kind: str, status: int
) -> None:
    uid = house.study()
    answer = send(
        house, filled(house, uid, DECISION), content=content, headers={"Content-Type": kind}
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_endless_body_without_a_length_is_cut_off(house: House) -> None:
    uid = house.study()
    address = filled(house, uid, DECISION)
    chunks = (b"x" * 65_536 for _ in range(64))
    answer = send(house, address, content=chunks, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 413}


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/studies/1.2.3", 404),
        ("/api/studies/..%2f..%2fetc", 404),
        ("/api/studies/abc", 422),
        ("/api/studies/1%00", 422),
        ("/api/studies/" + "1" * 65, 422),
        ("/api/series/1.2.3/volume", 404),
        ("/api/series/1.2.3/volume?first=-1", 422),
        ("/api/series/1.2.3/volume?count=0", 422),
        ("/api/series/1.2.3/thumbnail", 422),
        ("/api/series/1.2.3/thumbnail?finding=%27", 422),
        ("/api/series/1.2.3/thumbnail?finding=abc&plane=oblique", 422),
        ("/api/series/1.2.3/thumbnail?finding=abc&mm=nan", 422),
        ("/api/series/1.2.3/thumbnail?finding=abc&px=100000", 422),
        ("/api/worklist?limit=0", 422),
        ("/api/worklist?limit=201", 422),
        ("/api/worklist?sort=name", 422),
        ("/api/worklist?state=done", 422),
        ("/api/worklist?q=%00", 422),
        ("/api/worklist?q=" + "x" * 65, 422),
        ("/api/events?after=-1", 422),
        ("/api/nothing-here", 404),
        ("/dicomweb/studies", 501),
    ],
)
def test_bad_addresses(house: House, address: str, status: int) -> None:
    answer = house.reader.get(address)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_unexpected_error_has_a_number_and_says_nothing_more(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    uid = house.study()

    def broken(*_: object) -> None:
        raise RuntimeError("Phantom^A PH-104233")

    object.__setattr__(house.services, "assess", broken)
    for finding in house.get(uid)["findings"]:
        house.decide(finding, "confirm")
    answer = house.reader.get(f"/api/studies/{uid}")
    assert answer.status_code == 500
    assert answer.headers["x-content-type-options"] == "nosniff"
    problem = answer.json()
    assert "Phantom" not in answer.text
    number = problem["instance"].rsplit(":", 1)[1]
    assert any(number in record.getMessage() for record in caplog.records)


def test_the_committed_description_is_the_present_one() -> None:
    committed = (REPOSITORY / "web" / "openapi.json").read_text(encoding="utf-8")
    assert committed == description(), "python -m triage.review.openapi > web/openapi.json"
