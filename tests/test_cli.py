"""The command line: every verb of the contract, its exit codes, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

VERBS = [
    "up", "receive", "serve", "work", "import", "detect", "phantom", "pacs", "rules", "deid",
    "train", "finetune", "evaluate", "promote", "rollback", "models", "goal", "verify", "user",
    "token", "doctor", "bench",
]  # fmt: skip


class Cli:
    """Runs verbs on a data folder of its own."""

    def __init__(self, data: Path) -> None:
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("TRIAGE_")},
            "TRIAGE_DATA": str(data),
        }

    def __call__(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "triage.cli", *words],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path / "data")


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("phantom") / "ct"
    made = Cli(out.parent)("phantom", str(out), "--seed", "3", "--slices", "40", "--json")
    assert made.returncode == 0, made.stderr
    return out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_the_contract_has_help(cli: Cli, verb: str) -> None:
    assert cli(verb, "--help").returncode == 0


UNBUILT = [
    ("deid", "a", "b"), ("goal", "anything"), ("pacs", "find", "x"), ("pacs", "pull", "x"),
    ("pacs", "probe", "x"), ("bench", "nothing-like-this"),
]  # fmt: skip


@pytest.mark.parametrize("words", UNBUILT, ids=" ".join)
def test_what_is_not_built_says_so_with_3(cli: Cli, words: tuple[str, ...]) -> None:
    done = cli(*words)
    assert done.returncode == 3
    assert any(said in done.stderr for said in ("not built yet", "no benchmark", "comes later"))


WRONG_USE = [("import", "/nowhere"), ("nonsense",), ("rules", "tnm"), ("user", "add")]


@pytest.mark.parametrize("words", WRONG_USE, ids=" ".join)
def test_wrong_use_is_2(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli(*words, stdin="{}").returncode == 2


def test_a_network_nobody_knows_is_named(cli: Cli, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed (extra train)")
    done = cli("train", "professor", str(tmp_path / "run"))
    assert done.returncode == 2
    assert "professor" in done.stderr and "teacher" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_bad_setting_is_named_and_3(cli: Cli) -> None:
    cli.environment["TRIAGE_QUITE_S"] = "1"
    done = cli("doctor")
    assert done.returncode == 3 and "TRIAGE_QUITE_S" in done.stderr


def test_rules_read_stdin_and_refuse_what_is_missing(cli: Cli) -> None:
    done = cli("rules", "lungrads2022", stdin="{}")
    answer = json.loads(done.stdout)
    assert done.returncode == 1 and answer["status"] == "cannot_categorise"
    assert cli("rules", "lungrads2022", stdin="not json").returncode == 2
    assert cli("rules", "lungrads2022", stdin="[]").returncode == 1


def test_accounts_and_tokens(cli: Cli) -> None:
    added = cli("user", "add", "r.reader", "--role", "radiologist")
    assert added.returncode == 0 and "#first=" in added.stdout
    assert "exists" in cli("user", "add", "r.reader").stderr
    assert cli("user", "add", "Robert'); DROP", "--role", "admin").returncode == 1
    assert cli("user", "add", "x", "--role", "king").returncode == 1
    assert cli("user", "passwd", "r.reader").returncode == 0
    assert cli("user", "passwd", "nobody").returncode == 1
    token = cli("token", "create", "--role", "radiologist", "--name", "one").stdout.strip()
    assert len(token) >= 40
    database = (Path(cli.environment["TRIAGE_DATA"]) / "triage.sqlite").read_bytes()
    assert token.encode() not in database, "a token must not lie in the database"


def test_import_verify_and_what_verify_finds(cli: Cli, phantom: Path) -> None:
    done = cli("import", str(phantom), "--json")
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0 and report["taken"] == 40
    again = json.loads(cli("import", str(phantom), "--json").stdout)
    assert (again["taken"], again["duplicates"]) == (0, 40)
    assert cli("verify").returncode == 0
    objects = Path(cli.environment["TRIAGE_DATA"]) / "objects"
    first, second = sorted(p for p in objects.glob("??/*") if p.is_file())[:2]
    first.unlink()
    second.write_bytes(b"changed")
    found = json.loads(cli("verify", "--json").stdout)
    assert found["missing"] == [first.name] and found["changed"] == [second.name]
    assert cli("verify").returncode == 1


def test_import_names_what_it_refuses(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "bad.dcm").write_bytes(b"")
    done = cli("import", str(tmp_path / "bad.dcm"), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["refused"][0]["code"]


def test_phantom_refuses_to_write_over_something(cli: Cli, phantom: Path) -> None:
    assert cli("phantom", str(phantom)).returncode == 2


def test_doctor_says_ok_or_the_mend(cli: Cli) -> None:
    checks = {c["name"]: c for c in json.loads(cli("doctor", "--json").stdout)}
    assert checks["model"]["ok"] and checks["runtime self-test"]["ok"], checks
    cli.environment["TRIAGE_MODEL"] = "no-such-model"
    broken = {c["name"]: c for c in json.loads(cli("doctor", "--json").stdout)}
    assert not broken["model"]["ok"] and "no-such-model" in broken["model"]["message"]


def test_detect_reads_one_series_offline(cli: Cli, phantom: Path) -> None:
    done = cli("detect", str(phantom), "--json")
    answer = json.loads(done.stdout)
    assert set(answer) >= {"result", "findings", "timings_s", "model"}
    # 40 slices of a whole chest lie too far apart to be read: that is "could not look", exit 1.
    assert answer["result"]["status"] == "not_assessed" and answer["result"]["reasons"]
    assert done.returncode == 1 and answer["findings"] == []


def test_models_lists_the_released_one_intact(cli: Cli) -> None:
    listed = json.loads(cli("models", "--json").stdout)
    assert any(row["name"] == "nodule-s" and row["intact"] == "ok" for row in listed)
