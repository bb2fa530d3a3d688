"""Settings: where they come from, what wins, and what is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from triage import settings
from triage.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("TRIAGE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TRIAGE_DATA", str(tmp_path))


def test_defaults_are_those_of_the_contract() -> None:
    found = settings.load()
    assert (found.bind, found.http_port) == ("127.0.0.1", 8000)
    assert (found.dicom_bind, found.dicom_port, found.ae_title) == ("127.0.0.1", 11112, "TRIAGE")
    assert (found.profile, found.auth, found.runtime) == ("hospital", "on", "auto")
    assert found.url == f"sqlite:///{found.data / 'triage.sqlite'}"


def test_environment_wins_over_file_and_file_over_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "triage.toml").write_text('ae_title = "FILE"\nquiet_s = 3\nhttp_port = 9001\n')
    monkeypatch.setenv("TRIAGE_AE_TITLE", "ENV")
    found = settings.load()
    assert (found.ae_title, found.quiet_s, found.http_port) == ("ENV", 3, 9001)
    assert settings.load(quiet_s=1).quiet_s == 1


def test_nodes_and_context_rules_come_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "triage.toml").write_text(
        '[[pacs]]\nname="archive"\nae_title="ARCHIVE"\nhost="127.0.0.1"\nport=104\n'
        'roles=["destination"]\noutputs=["sr3d"]\n'
        '[[context_rule]]\nstudy_description="LDCT*"\npurpose="screening_ldct"\n'
    )
    found = settings.load()
    assert found.pacs[0].outputs == ("sr3d",)
    assert found.context_rule[0].purpose == "screening_ldct"


BAD_FILE = [
    ("quiet = 3\n", "quiet"),
    ('quiet_s = "soon"\n', "quiet_s"),
    ("http_port = 70000\n", "http_port"),
    ("this is no toml", "triage.toml"),
    ('[[pacs]]\nname="a"\nae_title="A"\nhost="h"\nport=104\nrolls=["destination"]\n', "rolls"),
    ('[[pacs]]\nname="a"\nae_title="A"\nhost="h"\nport=0\n', "port"),
    ('[[pacs]]\nname="bad name"\nae_title="A"\nhost="h"\nport=104\n', "name"),
    ('[[pacs]]\nname="a"\nae_title="A_TITLE_TOO_LONG_"\nhost="h"\nport=104\n', "ae_title"),
]


@pytest.mark.parametrize(("text", "named"), BAD_FILE)
def test_a_bad_file_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "triage.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=named):
        settings.load()


BAD_ENVIRONMENT = [
    ({"TRIAGE_HTPP_PORT": "1"}, "TRIAGE_HTPP_PORT"),
    ({"TRIAGE_HTTP_PORT": "http"}, "http_port"),
    ({"TRIAGE_RUNTIME": "abacus"}, "runtime"),
    ({"TRIAGE_AUTH": "off", "TRIAGE_BIND": "0.0.0.0"}, "loopback"),
    ({"TRIAGE_BIND": "0.0.0.0"}, "TRIAGE_TLS_CERT"),
    ({"TRIAGE_BIND": "::"}, "TRIAGE_TRUSTED_PROXY"),
]


@pytest.mark.parametrize(("values", "named"), BAD_ENVIRONMENT)
def test_a_bad_environment_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], named: str
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=named):
        settings.load()


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True)]
    + [(h, False) for h in ("0.0.0.0", "::", "10.0.0.1", "example.org", "")],
)
def test_loopback_is_told_apart(host: str, local: bool) -> None:
    assert settings.is_loopback(host) is local


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.load().http_port = 1  # type: ignore[misc]
