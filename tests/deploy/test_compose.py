"""docker-compose.yml against the Compose schema, and against what the product really has."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from triage.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_it_is_valid_by_the_compose_schema() -> None:
    package = find_spec("compose")
    assert package is not None and package.origin is not None
    schema = json.loads((Path(package.origin).parent / "config/compose_spec.json").read_text())
    jsonschema.Draft7Validator(schema).validate(COMPOSE)


@pytest.mark.parametrize("service", ["receiver", "api", "worker"])
def test_each_part_runs_a_verb_that_exists(service: str) -> None:
    from typer.main import get_command

    from triage.cli import app

    command = COMPOSE["services"][service]["command"]
    verbs = get_command(app).commands  # type: ignore[attr-defined]
    assert command[0] in verbs


@pytest.mark.parametrize("service", ["receiver", "api", "worker"])
def test_each_variable_is_a_setting(service: str) -> None:
    for name in COMPOSE["services"][service]["environment"]:
        assert name.removeprefix(PREFIX).lower() in Settings.model_fields, name


def test_no_secret_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for value in re.findall(r"(?m)^\s+\w*PASSWORD:\s*(\S+)", text):
        assert value.startswith("${TRIAGE_DB_PASSWORD:?")


def test_the_image_copies_only_what_exists_and_ends_unprivileged() -> None:
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    assert "USER triage" in dockerfile
    for line in dockerfile.splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
