"""The whole product as a user starts it: `triage up` on free ports, spoken to over the network."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import REPOSITORY
from tests.ports import free_port

READY_WITHIN_S = 240.0


def until(what: str, condition: Callable[[], Any], seconds: float = 120.0) -> Any:
    """Wait for a condition; its first true value is the answer."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        threading.Event().wait(0.1)


class Product:
    """One running installation on a data folder of its own."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self.http_port, self.dicom_port = free_port(), free_port()
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("TRIAGE_")},
            "TRIAGE_DATA": str(data),
            "TRIAGE_HTTP_PORT": str(self.http_port),
            "TRIAGE_DICOM_PORT": str(self.dicom_port),
            "TRIAGE_DEMO": "off",
            **settings,
        }
        self.lines: list[str] = []
        self._ready = threading.Event()
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> Product:
        """Start every part and wait for `ready`."""
        self._ready.clear()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "triage.cli", "up"],
            env=self.environment,
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()
        assert self._ready.wait(READY_WITHIN_S), "\n".join(self.lines[-40:])
        return self

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith("ready "):
                self._ready.set()
        self._ready.set()

    def stop(self) -> int:
        """End it as Ctrl-C does; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(90)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A verb of the command line on this installation."""
        return subprocess.run(
            [sys.executable, "-m", "triage.cli", *arguments],
            env=self.environment,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def client(self, role: str = "radiologist") -> httpx.Client:
        """An API client with a fresh bearer token of a role."""
        made = self.run("token", "create", "--role", role, "--name", f"{role}-{time.time_ns()}")
        assert made.returncode == 0, made.stderr
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.http_port}",
            headers={"Authorization": f"Bearer {made.stdout.strip()}"},
            timeout=30,
        )

    def dcmsend(self, *paths: Path, options: tuple[str, ...] = ()) -> None:
        """Send files with dcmtk, as a modality would."""
        sent = subprocess.run(
            [
                "/usr/bin/dcmsend",
                *options,
                "--scan-directories",
                "--recurse",
                "127.0.0.1",
                str(self.dicom_port),
                *map(str, paths),
            ],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert sent.returncode == 0, sent.stdout + sent.stderr

    def pids(self, part: str) -> list[int]:
        """Process ids of a part (``receive``, ``serve``, ``work``) that live now."""
        assert self.process is not None
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            # The worker that trains is a part of its own, there only where torch is.
            trains = b"train" in words
            is_it = trains if part == "train" else part.encode() in words and not trains
            if parent == self.process.pid and is_it:
                found.append(int(entry.name))
        return found


def unpack(archive: Path, into: Path) -> Path:
    """A zipped series as a folder."""
    import zipfile

    with zipfile.ZipFile(archive) as opened:
        opened.extractall(into)
    return into


def truth_of(shared_data: Path, case: str) -> tuple[str, dict[str, Any]]:
    """Series UID and truth of a case."""
    series = json.loads((shared_data / "truth.json").read_text())["series"]
    return next((uid, row) for uid, row in series.items() if row["case"] == case)
