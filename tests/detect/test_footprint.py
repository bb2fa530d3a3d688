"""Memory follows the bytes of the volume, not the number of slices."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.detect import footprint

MIB = 1 << 20
#: Scratch planes of each thread, the coarse grid, and what the allocator keeps.
ROOM = 40 * MIB


def taken(folder: Path) -> dict[str, Any]:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.detect.footprint", str(folder)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert ended.returncode == 0, ended.stderr
    sizes: dict[str, Any] = json.loads(ended.stdout)
    return sizes


@pytest.mark.parametrize(("count", "side"), [(1500, 128), (150, 404)])
def test_a_series_takes_its_volume_and_little_more(count: int, side: int, tmp_path: Path) -> None:
    sizes = taken(footprint.write(tmp_path / "series", count, side))
    assert sizes["verdict"] == "run" and sizes["volume"] == count * side * side * 2
    assert sizes["load"] <= 1.2 * sizes["volume"] + ROOM / 4
    assert sizes["all"] <= 1.2 * sizes["volume"] + sizes["prepared"] + ROOM
