"""Looks at the test role, counted: an append-only file of JSON lines.

Who looks often enough at the same test patients finds a model that suits them by chance. So the
test role is opened only by writing a line here first. Each line holds the SHA-256 of all lines
before it: one that is changed or taken out is noticed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from triage import settings
from triage.errors import DataRefused

FILE = "looks.jsonl"


@dataclass(frozen=True, slots=True)
class Look:
    """One look.

    Attributes
    ----------
    time : str
        UTC, ISO 8601.
    model, data, split, test : str
        Digests: of the network, of the data, of the roles, of the test patients.
    purpose : str
        In words.
    """

    time: str
    model: str
    data: str
    split: str
    test: str
    purpose: str


def _now() -> datetime:
    return datetime.now(UTC)


class Looks:
    """The ledger in one file.

    Parameters
    ----------
    path : Path
        The file, or a folder in which it is called ``looks.jsonl``.
    clock : callable
    """

    def __init__(self, path: Path, clock: Callable[[], datetime] = _now) -> None:
        self.path = path / FILE if path.is_dir() else path
        self._clock = clock

    def record(self, *, model: str, data: str, split: str, test: str, purpose: str) -> int:
        """Write a look down, durably; which one of these test patients it is.

        Raises
        ------
        DataRefused
            The ledger was changed, cannot be written, or no purpose is given.
        """
        if not purpose.strip():
            raise DataRefused("a look at test data needs a purpose")
        look = Look(self._clock().isoformat(timespec="seconds"), model, data, split, test, purpose)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                known = self._read(file)
                _append(file, look)
        except OSError as error:
            raise DataRefused(f"the ledger of looks cannot be written: {error}") from error
        return sum(one.test == test for one in known) + 1

    def all(self) -> list[Look]:
        """Every look, oldest first.

        Raises
        ------
        DataRefused
            The ledger was changed or cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                return self._read(file)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DataRefused(f"the ledger of looks cannot be read: {error}") from error

    def count(self, test: str) -> int:
        """Looks at these test patients so far."""
        return sum(one.test == test for one in self.all())

    def _read(self, file: BinaryIO) -> list[Look]:
        file.seek(0)
        before = hashlib.sha256()
        found = []
        for number, line in enumerate(file, start=1):
            try:
                row: dict[str, Any] = json.loads(line)
                intact = row.pop("before") == before.hexdigest() and line.endswith(b"\n")
                found.append(Look(**row))
            except (KeyError, TypeError, ValueError) as error:
                raise DataRefused(f"{self.path}, line {number}: is no look") from error
            if not intact:
                raise DataRefused(f"{self.path}, line {number}: the lines before it were changed")
            before.update(line)
        return found


def of_installation() -> Looks:
    """The ledger in the data folder of this installation (TRIAGE_DATA)."""
    return Looks(settings.load().data / FILE)


def _append(file: BinaryIO, look: Look) -> None:
    file.seek(0)
    row = {**asdict(look), "before": hashlib.sha256(file.read()).hexdigest()}
    file.write(json.dumps(row).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())
