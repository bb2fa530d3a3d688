"""An archive that runs, for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.orthanc import Orthanc


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Orthanc]:
    """A running, empty Orthanc that knows TRIAGE."""
    one = Orthanc(tmp_path / "orthanc", {"TRIAGE": 11112})
    one.start()
    yield one
    one.stop()
