"""Whether the files of a folder are the ones that were published: SHA256SUMS."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from triage.core.work import digest_of
from triage.errors import DataRefused

SUMS = "SHA256SUMS"
_NOT_DATA = frozenset({SUMS, "README.md"})
_CHUNK = 1 << 20


def digest_of_folder(folder: Path) -> str:
    """Compare every file with SHA256SUMS; the digest of names and contents.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    str
        SHA-256; a README and hidden files do not count.

    Raises
    ------
    DataRefused
        A listed file is missing or has another content; or a file is there that is not listed.
    """
    promised = _promised(folder / SUMS)
    there = {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and path.name not in _NOT_DATA
    }
    if promised is not None:
        promised = {name: sha for name, sha in promised.items() if name not in _NOT_DATA}
        _compare(folder, promised, there)
    return digest_of(dict(there))


def _promised(path: Path) -> dict[str, str] | None:
    if not path.exists():
        return None
    lines = [line.split(maxsplit=1) for line in path.read_text().splitlines() if line.strip()]
    if any(len(parts) != 2 or len(parts[0]) != 64 for parts in lines):
        raise DataRefused(f"{path} is no list of SHA-256 sums")
    return {name.lstrip("*"): sha for sha, name in lines}


def _compare(folder: Path, promised: Mapping[str, str], there: Mapping[str, str]) -> None:
    if missing := sorted(promised.keys() - there.keys()):
        raise DataRefused(f"{folder / missing[0]} is missing; {SUMS} lists it")
    if unknown := sorted(there.keys() - promised.keys()):
        raise DataRefused(f"{folder / unknown[0]} is not in {SUMS}")
    changed = sorted(name for name, sha in promised.items() if there[name] != sha)
    if changed:
        raise DataRefused(f"{folder / changed[0]} is not the file that {SUMS} lists")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            sha.update(chunk)
    return sha.hexdigest()


def folder_of(place: str, what: str) -> Path:
    """The folder a source names.

    Raises
    ------
    DataRefused
        There is none.
    """
    folder = Path(place)
    if not folder.is_dir():
        raise DataRefused(f"{place or '(nothing)'} is no folder; expected {what}")
    return folder


def read_json(path: Path, what: str) -> Any:
    """A JSON file that has to be there.

    Raises
    ------
    DataRefused
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataRefused(f"{path} is missing: {what}") from error
    except (OSError, ValueError) as error:
        raise DataRefused(f"{path} cannot be read: {error}") from error
