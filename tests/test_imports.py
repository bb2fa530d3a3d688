"""One library, one room (design section 2): who may import what, over every module there is."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "triage"

# library -> the only modules that may import it, as path prefixes below triage/
ROOMS: dict[str, tuple[str, ...]] = {
    "sqlalchemy": ("store/",),
    "alembic": ("store/",),
    "dbos": ("engine/runner.py",),
    "pynetdicom": ("receive/cstore.py", "peers/"),
    "fastapi": ("receive/stow.py", "review/", "wiring.py"),
    "starlette": ("receive/stow.py", "review/", "wiring.py"),
    "highdicom": ("outputs/",),
    "onnxruntime": ("detect/runtimes/onnx.py",),
    "openvino": ("detect/runtimes/openvino.py",),
    "torch": ("learn/", "detect/runtimes/torch.py"),
    "monai": ("learn/",),
    "granian": ("wiring.py",),
    "typer": ("cli.py", "learn/"),
    "matplotlib": ("learn/evaluation/plots.py",),
}
CORE_MAY_USE = {"numpy", "triage", "__future__"} | sys.stdlib_module_names


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
    return found


MODULES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=[str(p.relative_to(ROOT)) for p in MODULES])
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    for name in imports_of(path):
        rooms = ROOMS.get(name.split(".")[0])
        assert rooms is None or place.startswith(rooms), f"{place} must not import {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "core").glob("*.py")), ids=lambda p: p.name)
def test_core_stands_on_numpy_and_the_standard_library(path: Path) -> None:
    assert {name.split(".")[0] for name in imports_of(path)} <= CORE_MAY_USE


@pytest.mark.parametrize("path", MODULES, ids=[str(p.relative_to(ROOT)) for p in MODULES])
def test_only_settings_reads_the_environment(path: Path) -> None:
    if path.name == "settings.py":
        return
    source = path.read_text(encoding="utf-8")
    assert "os.environ" not in source and "os.getenv" not in source
