"""The seeded server as a process of its own, waited for by a pipe."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.review.seed import REPOSITORY

START_S = 180.0  # only the end of a wait that would never end


def start_seeded(data: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start `tests.review.seed` on a data folder.

    Returns
    -------
    process, url
        It answers on that address.
    """
    port = free_port()
    ready, say_ready = os.pipe()
    command = [sys.executable, "-m", "tests.review.seed", "--data", str(data), "--port", str(port)]
    with (data / "server.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--tiny", "--ready-fd", str(say_ready)],
            cwd=REPOSITORY, stdout=log, stderr=log, pass_fds=(say_ready,),
        )  # fmt: skip
    os.close(say_ready)
    # One byte when it answers; the end of the pipe when it died.
    told = select.select([ready], [], [], START_S)[0] and os.read(ready, 1)
    os.close(ready)
    if not told:
        process.kill()
        pytest.fail(f"the server did not start:\n{(data / 'server.log').read_text()}")
    return process, f"http://127.0.0.1:{port}"
