"""Files by content: written durably, named by their SHA-256, never by anything a sender says.

The order is that of design decision 3: temporary file, fsync, rename, fsync of the folder; only
then may a row name the file, and only after that row is committed may a door say "success".
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from triage.errors import NotFound, OutOfResources

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Files:
    """A folder of immutable files, each named by the SHA-256 of what it holds.

    Parameters
    ----------
    root : Path
        Folder; made when missing.
    reserve_bytes : int
        Disk space that must stay free; below it `put` refuses with `OutOfResources`.
    """

    def __init__(self, root: Path, reserve_bytes: int = 0) -> None:
        self.root = root
        self.reserve_bytes = reserve_bytes
        self._incoming = root / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._make_folders()

    def put(self, *chunks: bytes | memoryview) -> str:
        """Store bytes durably.

        Parameters
        ----------
        *chunks : bytes-like
            Written one after the other; the key is the SHA-256 of the whole.

        Returns
        -------
        str
            Key, 64 hex digits. The same content gives the same key and is stored once.

        Raises
        ------
        OutOfResources
            The disk is full or below its reserve; nothing is left behind.
        """
        digest = hashlib.sha256()
        for chunk in chunks:
            digest.update(chunk)
        key = digest.hexdigest()
        target = self.path_of(key)
        if target.exists():
            # A file that is there may not be durable yet: its first writer could have been killed
            # between rename and fsync of the folder.
            _sync_folder(target.parent)
            return key
        self._check_space(sum(len(chunk) for chunk in chunks))
        temporary = self._incoming / f"{uuid.uuid4().hex}.part"
        try:
            _write_durably(temporary, chunks)
            temporary.rename(target)
            _sync_folder(target.parent)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            if error.errno in _FULL:
                raise OutOfResources("the disk is full; free space, then send again") from error
            raise
        return key

    def path_of(self, key: str) -> Path:
        """Where the file of a key lies (whether or not it is there).

        Raises
        ------
        ValueError
            `key` is not 64 lower-case hex digits; nothing else may ever reach the file system.
        """
        if len(key) != 64 or not set(key) <= set("0123456789abcdef"):
            raise ValueError("not a content key")
        return self.root / key[:2] / key

    def read(self, key: str) -> bytes:
        """Whole content of a file.

        Raises
        ------
        NotFound
            No file of that key.
        """
        try:
            return self.path_of(key).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"no stored file {key[:12]}…") from error

    def verify(self, key: str) -> bool:
        """Re-read a file and compare it with its name."""
        try:
            return hashlib.sha256(self.read(key)).hexdigest() == key
        except NotFound:
            return False

    def keys(self) -> Iterator[str]:
        """All keys on disk, for the sweep of orphans and for `triage verify`."""
        for path in self.root.glob("[0-9a-f][0-9a-f]/*"):
            yield path.name

    def sweep_incoming(self, older_than_s: float = 0.0) -> int:
        """Remove what a killed writer left behind.

        Parameters
        ----------
        older_than_s : float
            Age in s that a part must have: 0 before any writer starts, more than the slowest write
            while other processes may be writing.

        Returns
        -------
        int
            How many were removed.
        """
        removed = 0
        for path in self._incoming.glob("*.part"):
            try:
                if time.time() - path.stat().st_mtime >= older_than_s:
                    path.unlink()
                    removed += 1
            except FileNotFoundError:
                continue  # its writer has just finished
        return removed

    def _make_folders(self) -> None:
        # All 256 at once, so that no object ever waits for a folder to become durable.
        missing = [f for f in (self.root / f"{n:02x}" for n in range(256)) if not f.is_dir()]
        for folder in missing:
            folder.mkdir(exist_ok=True)
        if missing:
            _sync_folder(self.root)

    def _check_space(self, size: int) -> None:
        if shutil.disk_usage(self.root).free - size < self.reserve_bytes:
            raise OutOfResources(
                "free disk space is below the reserve; free space or lower disk_reserve_mb"
            )


def _write_durably(path: Path, chunks: tuple[bytes | memoryview, ...]) -> None:
    with path.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
