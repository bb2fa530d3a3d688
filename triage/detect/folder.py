"""A folder or ZIP of DICOM files as slices: the offline door of `triage detect`. No database.

Names inside a ZIP are never used as paths: members are written under numbers of our own.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from triage.detect.objects import HEADER_TAGS, read_head
from triage.detect.slices import KEYWORDS, Slice, read_slice
from triage.errors import CannotUnderstand, NotDicom, PixelsUnreadable

#: A ZIP may not unpack to more than this, whatever its directory says.
MAX_UNPACKED_BYTES = 4 << 30
MAX_MEMBER_BYTES = 512 << 20
MAX_MEMBERS = 20_000
_CHUNK = 1 << 20
#: Value representations that are text; other character sets are switched to by an escape.
_TEXT = frozenset({"CS", "DS", "IS", "LO", "SH", "UI"})
_ESCAPE = b"\x1b"

SlicesBySeries: TypeAlias = Mapping[str, list[Slice]]
PathOf: TypeAlias = Callable[[str], Path]


def unpack(path: Path, into: Path) -> Iterator[Path]:
    """Write the members of a ZIP under numbers of our own.

    Parameters
    ----------
    path : Path
        The ZIP file.
    into : Path
        An empty folder.

    Yields
    ------
    Path

    Raises
    ------
    CannotUnderstand
        It is no readable ZIP, or grows beyond its bounds; the code is ``zip_unreadable`` or
        ``zip_too_large``.
    """
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            if len(members) > MAX_MEMBERS:
                raise CannotUnderstand("the ZIP holds too many files", code="zip_too_large")
            for number, member in enumerate(members):
                target = into / f"{number:05d}"
                total += _copy(archive, member, target, MAX_UNPACKED_BYTES - total)
                yield target
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise CannotUnderstand(f"the ZIP cannot be read: {error}", code="zip_unreadable") from error


def _copy(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, room: int) -> int:
    """Bytes written; counted as they come, not as the directory says."""
    limit, size = min(room, MAX_MEMBER_BYTES), 0
    with archive.open(member) as source, target.open("xb") as sink:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise CannotUnderstand("the ZIP unpacks to too much", code="zip_too_large")
            sink.write(chunk)
    return size


def read_files(paths: Iterable[Path]) -> tuple[SlicesBySeries, int]:
    """Headers of all DICOM files, by series.

    Parameters
    ----------
    paths : iterable of Path

    Returns
    -------
    series : mapping of Series Instance UID to list of Slice
        `Slice.key` is the path as text. The same SOP Instance UID twice is kept once.
    not_dicom : int
        How many files are no DICOM objects.
    """
    series: dict[str, list[Slice]] = {}
    seen: set[str] = set()
    not_dicom = 0
    for path in paths:
        try:
            series_uid, one = read_header(path)
        except NotDicom:
            not_dicom += 1
            continue
        if one.sop_uid not in seen:
            seen.add(one.sop_uid)
            series.setdefault(series_uid, []).append(one)
    return series, not_dicom


def read_header(path: Path) -> tuple[str, Slice]:
    """Series Instance UID and slice of one file.

    Raises
    ------
    NotDicom
        Not a DICOM file, or one without identity.
    """
    header = header_of(_open(path))
    series_uid, sop_uid = header.get("series_instance_uid"), header.get("sop_instance_uid")
    if not series_uid or not sop_uid:
        raise NotDicom(f"{path.name} has no series or instance UID")
    sop_class = str(header.get("sop_class_uid", ""))
    one = read_slice(header, sop_uid=str(sop_uid), key=str(path), sop_class=sop_class)
    return str(series_uid), one


def _open(path: Path) -> Dataset:
    try:
        return read_head(path, MAX_MEMBER_BYTES)
    except PixelsUnreadable as error:
        raise NotDicom(error.message) from error
    except Exception as error:  # pydicom's reader raises any kind on foreign bytes
        raise NotDicom(f"{path.name} is not DICOM ({type(error).__name__})") from error


def header_of(dataset: Dataset) -> dict[str, Any]:
    """Lower-snake DICOM keywords to plain values, which `read_slice` reads as the door's."""
    return {name: _value(dataset, tag) for name, tag in _NAMED if tag in dataset}


def snake(keyword: str) -> str:
    """``SOPInstanceUID`` to ``sop_instance_uid``."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", keyword)
    return apart.lower()


_NAMED = [(snake(keyword), tag) for keyword, tag in zip(KEYWORDS, HEADER_TAGS, strict=True)]


def _value(dataset: Dataset, tag: BaseTag | int) -> Any:
    """Text as it stands in the file; pydicom's conversion costs more than all the reading."""
    raw = dataset.get_item(tag)
    text = raw.value if isinstance(raw, RawDataElement) and raw.VR in _TEXT else None
    if text is None or not text.isascii() or _ESCAPE in text:
        return _plain(dataset[tag].value)
    return text.decode("ascii").strip("\0 ")


def _plain(value: object) -> Any:
    if isinstance(value, (MultiValue, list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, int) or value is None:
        return value if value is None else int(value)
    return float(value) if isinstance(value, float) else str(value)
