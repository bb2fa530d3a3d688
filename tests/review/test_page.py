"""The page and the shield around everything: headers, host names, what is open before sign-in."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.review.conftest import House
from triage.review.api import create_app

INDEX = (
    '<!doctype html><meta name="csp-nonce" content="__CSP_NONCE__"><script src="/assets/a-1.js">'
)


@pytest.fixture
def with_page(house: House, tmp_path: Path) -> House:
    root = tmp_path / "dist"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text(INDEX, encoding="utf-8")
    (root / "assets" / "a-1.js").write_text("1", encoding="utf-8")
    (root / "favicon.svg").write_text("<svg/>", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    services = dataclasses.replace(house.services, web_root=root)
    return dataclasses.replace(house, app=create_app(services), services=services, clients={})


@pytest.mark.parametrize("address", ["/", "/study/1.2.3", "/learning", "/index.html"])
def test_pages_send_who_is_not_signed_in_to_the_sign_in_page(
    with_page: House, address: str
) -> None:
    answer = with_page.client().get(address)
    assert answer.status_code == 303 and answer.headers["location"].startswith("/login")
    assert "csp-nonce" not in answer.text


def test_after_signing_in_the_way_goes_on(with_page: House) -> None:
    answer = with_page.client().get("/study/1.2.3")
    assert answer.headers["location"] == "/login?next=/study/1.2.3"


def test_a_shared_address_keeps_what_it_points_at(with_page: House) -> None:
    answer = with_page.client().get("/study/1.2.3/plan?plan=2&step=2.find")
    wanted = parse_qs(urlsplit(answer.headers["location"]).query)["next"]
    assert wanted == ["/study/1.2.3/plan?plan=2&step=2.find"]


@pytest.mark.parametrize(
    "address", ["/", "/study/1.2.3", "/study/1.2.3/plan", "/no/such/page", "/login"]
)
def test_whoever_is_signed_in_gets_the_page_at_every_address(
    with_page: House, address: str
) -> None:
    answer = with_page.reader.get(address)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"


def test_the_nonce_of_the_page_is_the_nonce_of_the_policy_and_new_each_time(
    with_page: House,
) -> None:
    nonces = set()
    for _ in range(3):
        answer = with_page.client().get("/login")
        [inside] = re.findall(r'content="([^"]+)"', answer.text)
        policy = answer.headers["content-security-policy"]
        assert f"'nonce-{inside}'" in policy and inside != "__CSP_NONCE__"
        assert "unsafe-inline" not in policy and "'unsafe-eval'" not in policy
        nonces.add(inside)
    assert len(nonces) == 3


def test_built_files_are_open_and_cached_by_name(with_page: House) -> None:
    script = with_page.client().get("/assets/a-1.js")
    assert script.status_code == 200 and "immutable" in script.headers["cache-control"]
    assert with_page.client().get("/favicon.svg").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "address",
    [
        "/../secret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt", "/link.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt", "//etc/passwd", "/..%5csecret.txt", "/a%00b",
    ],
)  # fmt: skip
def test_nothing_outside_the_built_folder_is_served(with_page: House, address: str) -> None:
    for client in (with_page.client(), with_page.reader):
        answer = client.get(address)
        assert "secret" not in answer.text.replace("secret.txt", "")
        assert answer.status_code in {200, 303, 404}
        assert "root:" not in answer.text


@pytest.mark.parametrize("address", ["/api/x", "/dicomweb", "/v2/x/y/z/%00", "/metrics/x"])
def test_addresses_of_the_api_never_answer_with_the_page(with_page: House, address: str) -> None:
    assert "csp-nonce" not in with_page.reader.get(address).text


def test_a_page_that_is_not_built_says_so(with_page: House) -> None:
    root = with_page.services.web_root
    assert root is not None
    (root / "index.html").unlink()
    answer = with_page.client().get("/login")
    assert (answer.status_code, answer.json()["code"]) == (404, "page_not_built")


def test_without_a_page_the_api_stands_alone(house: House) -> None:
    assert house.client().get("/").status_code == 404
    assert house.client().get("/api/health").json()["status"] == "ok"


# ---------------------------------------------------------------- the shield


@pytest.mark.parametrize("address", ["/api/health", "/api/worklist", "/login", "/api/nothing"])
def test_every_answer_carries_the_protecting_headers(with_page: House, address: str) -> None:
    headers = with_page.client().get(address).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert not [name for name in headers if name.startswith("access-control-")]


def test_no_other_site_is_ever_let_in_by_cors(house: House) -> None:
    ask = {"Origin": "http://evil.example", "Access-Control-Request-Method": "PUT"}
    answer = house.client().options("/api/studies/1.2.3/context", headers=ask)
    assert answer.status_code in {401, 403, 405}
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_answers_with_patients_stay_out_of_caches(house: House) -> None:
    uid = house.study()
    for address in ("/api/worklist", f"/api/studies/{uid}", "/api/me"):
        assert house.reader.get(address).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("127.0.0.1:8000", 200), ("localhost", 200), ("localhost:8000", 200),
        ("[::1]:8000", 200), ("[::1]", 200), ("evil.example", 421), ("127.0.0.1.evil.example", 421),
        ("192.0.2.1:8000", 421), ("", 421), ("localhost.evil.example:8000", 421),
    ],
)  # fmt: skip
def test_on_loopback_only_loopback_names_are_answered(house: House, host: str, status: int) -> None:
    assert house.client().get("/api/health", headers={"Host": host}).status_code == status


def behind_proxy(house: House) -> Any:
    settings = house.services.settings.model_copy(update={"trusted_proxy": "192.0.2.7"})
    services = dataclasses.replace(house.services, settings=settings)
    return dataclasses.replace(house, app=create_app(services), services=services, clients={})


def test_behind_a_named_proxy_other_names_are_answered_and_transport_is_pinned(
    house: House,
) -> None:
    answer = behind_proxy(house).client().get("/api/health", headers={"Host": "triage.example"})
    assert answer.status_code == 200
    assert "max-age" in answer.headers["strict-transport-security"]


@pytest.mark.parametrize("length", ["99999999", "-1", "abc"])
def test_announced_sizes_are_checked_before_the_body(house: House, length: str) -> None:
    answer = house.client().post("/api/login", content=b"{}", headers={"Content-Length": length})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_ready_says_which_part_is_not_and_what_mends_it(house: House) -> None:
    assert house.client().get("/api/ready").json() == {
        "ready": True, "parts": {"database": "ok", "files": "ok"},
    }  # fmt: skip
    services = dataclasses.replace(
        house.services, probe=lambda: {"model": "no model: run `triage doctor`", "worker": ""}
    )
    answer = dataclasses.replace(house, app=create_app(services), clients={}).client()
    got = answer.get("/api/ready")
    assert got.status_code == 503 and not got.json()["ready"]
    assert got.json()["parts"] == {
        "database": "ok", "files": "ok", "model": "no model: run `triage doctor`", "worker": "ok",
    }  # fmt: skip
