"""ZIP archives, read member by member with bounds; nothing is ever unpacked to a path."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final, TypeAlias

from triage.receive.intake import MAX_OBJECT_BYTES

MAX_MEMBERS: Final = 100_000
MAX_TOTAL_BYTES: Final = 64 << 30
#: Slices of air shrink a thousandfold, so the ratio counts from this size on.
MAX_RATIO: Final = 200
RATIO_FROM_BYTES: Final = 16 << 20

Refusal: TypeAlias = tuple[str, str]
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def is_zip(path: Path) -> bool:
    """Whether a file starts like a ZIP archive and is no DICOM file that only pretends to."""
    with path.open("rb") as file:
        start = file.read(132)
    return start[:4] in (b"PK\x03\x04", b"PK\x05\x06") and start[128:] != b"DICM"


def members(path: Path) -> Iterator[tuple[str, bytes, Refusal | None]]:
    """Members of an archive, one after the other.

    Parameters
    ----------
    path : Path

    Yields
    ------
    tuple of str, bytes, (str, str) or None
        Name as the archive says it, content, and code and message when it is refused instead.
    """
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN as error:
        yield "", b"", ("bad_zip", f"the archive cannot be read: {error}")
        return
    with archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        refusal = _refuse_whole(infos, path.stat().st_size)
        if refusal is not None:
            yield "", b"", refusal
            return
        for info in infos:
            yield _read(archive, info)


def _refuse_whole(infos: list[zipfile.ZipInfo], archive_bytes: int) -> Refusal | None:
    if len(infos) > MAX_MEMBERS:
        return "zip_bomb", f"the archive has more than {MAX_MEMBERS} members"
    total = sum(info.file_size for info in infos)
    if total > MAX_TOTAL_BYTES or (total > RATIO_FROM_BYTES and total > MAX_RATIO * archive_bytes):
        return "zip_bomb", f"the archive grows from {archive_bytes} to {total} bytes"
    return None


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> tuple[str, bytes, Refusal | None]:
    refusal = _refuse_member(info)
    if refusal is not None:
        return info.filename, b"", refusal
    try:
        with archive.open(info) as member:
            data = member.read(info.file_size + 1)
    except _BROKEN as error:
        return info.filename, b"", ("bad_zip", f"the member cannot be read: {error}")
    if len(data) != info.file_size:
        return info.filename, b"", ("zip_bomb", "the member is not as long as the archive says")
    if data[:4] == b"PK\x03\x04":
        return info.filename, b"", ("nested_zip", "an archive inside an archive is not opened")
    return info.filename, data, None


def _leads_out(info: zipfile.ZipInfo) -> bool:
    pure = PurePosixPath(info.filename.replace("\\", "/"))
    drive = re.match(r"[A-Za-z]:", info.filename)
    return bool(pure.is_absolute() or ".." in pure.parts or drive or "\0" in info.orig_filename)


def _is_no_file(info: zipfile.ZipInfo) -> bool:
    return stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG)


def _grows_too_much(info: zipfile.ZipInfo) -> bool:
    return info.file_size > max(RATIO_FROM_BYTES, MAX_RATIO * info.compress_size)


#: What a member is refused for, first match wins: code, message, test.
_MEMBER_RULES: Final[tuple[tuple[str, str, Callable[[zipfile.ZipInfo], bool]], ...]] = (
    ("bad_name", "the name leads out of the archive", _leads_out),
    ("not_a_file", "the member is no plain file (a link or a device)", _is_no_file),
    ("encrypted", "the member is encrypted", lambda info: bool(info.flag_bits & 0x1)),
    (
        "bad_zip",
        "the member is compressed in a way that is not read",
        lambda info: info.compress_type not in _METHODS,
    ),
    (
        "too_large",
        f"the member is larger than {MAX_OBJECT_BYTES} bytes",
        lambda info: info.file_size > MAX_OBJECT_BYTES,
    ),
    ("zip_bomb", "the member grows more than anything sound does", _grows_too_much),
)


def _refuse_member(info: zipfile.ZipInfo) -> Refusal | None:
    return next(((code, why) for code, why, applies in _MEMBER_RULES if applies(info)), None)
