"""Worker processes as the tests see them: started, stopped at gates, killed, frozen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("worker_process.py")


class WorkerProcess:
    """One process; the test blocks on its standard output, never on a clock."""

    def __init__(self, folder: Path, url: str, executor: str, *gates: str, **told: Any) -> None:
        self.executor = executor
        self.errors = folder / f"stderr-{executor}-{os.urandom(3).hex()}"
        arguments = {"url": url, "executor": executor, "folder": str(folder), "gates": gates}
        with self.errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, str(SCRIPT), json.dumps(arguments | told)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def wait_for(self, line: str) -> None:
        """Block until the process says a line."""
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        assert said == line, f"{said!r} in place of {line!r}: {self.errors.read_text()}"

    def tell(self, line: str) -> None:
        """Say ``go`` or ``stop``."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        """SIGKILL, SIGSTOP, SIGCONT."""
        self._process.send_signal(number)
        if number is signal.SIGKILL:
            self._process.wait(30)

    def end(self) -> int:
        """Wait for the end; its exit status."""
        return self._process.wait(30)

    def close(self) -> None:
        """Make sure that nothing is left, whatever the test came to."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(30)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


class Crew:
    """All the worker processes of one test.

    Parameters
    ----------
    folder : Path
        Where tools and peer write down what was done.
    url : str
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.all: list[WorkerProcess] = []

    def start(self, executor: str, *gates: str, **told: Any) -> WorkerProcess:
        """Start a process with armed gates."""
        process = WorkerProcess(self.folder, self.url, executor, *gates, **told)
        self.all.append(process)
        return process

    def killed_at(self, executor: str, gate: str, **told: Any) -> None:
        """Start a process, let it come to a gate, and SIGKILL it there."""
        process = self.start(executor, gate, **told)
        process.wait_for(f"at {gate}")
        process.signal(signal.SIGKILL)

    def lines(self, name: str) -> list[str]:
        """What was written down in one of the folder's lists."""
        path = self.folder / name
        return path.read_text().split() if path.exists() else []

    def errors(self) -> str:
        """Everything that any process logged."""
        return "".join(process.errors.read_text() for process in self.all)


@contextmanager
def crew_at(folder: Path, url: str) -> Iterator[Crew]:
    """A crew that leaves nobody behind."""
    crew = Crew(folder, url)
    try:
        yield crew
    finally:
        for process in crew.all:
            process.close()
