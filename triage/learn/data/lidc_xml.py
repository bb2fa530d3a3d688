"""The LIDC-IDRI reading files: what up to four readers outlined and marked, as XML.

Root ``LidcReadMessage`` (CT). ``IdriReadMessage`` files are chest radiographs and are none of ours.
A ``readingSession`` is one reader: ``unblindedReadNodule`` with one ``roi`` a slice, its
``edgeMap`` points in order (a nodule under 3 mm has a single point; ``inclusion`` FALSE is a hole),
and ``nonNodule`` with one ``locus``. Files are foreign input: size, depth and number of elements
are bounded, and a document type (the way to entities) is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

import numpy as np
import numpy.typing as npt

from triage.errors import DataRefused

MAX_BYTES, MAX_ELEMENTS, MAX_DEPTH, MAX_TEXT = 64 << 20, 4_000_000, 32, 4096
CT_ROOT, RADIOGRAPH_ROOT = "LidcReadMessage", "IdriReadMessage"


@dataclass(frozen=True, slots=True)
class Roi:
    """An outline on one slice.

    Attributes
    ----------
    sop_uid : str
    z_mm : float
        As the file says; the slice itself knows better.
    inclusion : bool
    points_px : ndarray, float64, shape (n, 2)
        Column, row; the centre of the first pixel is (0, 0).
    """

    sop_uid: str
    z_mm: float
    inclusion: bool
    points_px: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ReadNodule:
    """What one reader called a nodule: several points a slice, or a single point under 3 mm."""

    nodule_id: str
    rois: tuple[Roi, ...]
    texture: int | None

    @property
    def is_outlined(self) -> bool:
        """Whether any slice has more than two points."""
        return any(len(r.points_px) > 2 for r in self.rois)


@dataclass(frozen=True, slots=True)
class Session:
    """One reader."""

    nodules: tuple[ReadNodule, ...]
    non_nodules: tuple[Roi, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One file.

    Attributes
    ----------
    series_uid : str
        Empty: not stated.
    sessions : tuple of Session
    """

    series_uid: str
    sessions: tuple[Session, ...]

    @property
    def sop_uids(self) -> frozenset[str]:
        """Every slice that is spoken of."""
        outlined = [r for s in self.sessions for n in s.nodules for r in n.rois]
        marked = [r for s in self.sessions for r in s.non_nodules]
        return frozenset(r.sop_uid for r in (*outlined, *marked))


def read(path: Path) -> Reading | None:
    """Read one file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Reading or None
        None for a chest radiograph's file.

    Raises
    ------
    DataRefused
        It is too large, no well-formed XML, has a document type, another root, or lacks a value.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataRefused(f"{path} is larger than {MAX_BYTES >> 20} MiB: not read")
        root = _tree(path.read_bytes())
        if root.name == RADIOGRAPH_ROOT:
            return None
        if root.name != CT_ROOT:
            raise DataRefused(f"{path} is no LIDC reading file: its root is {root.name}")
        return _reading(root)
    except (OSError, expat.ExpatError, ValueError) as error:
        raise DataRefused(f"{path} cannot be read: {error}") from error


# ---------------------------------------------------------------- a small, bounded tree


@dataclass(slots=True)
class _Element:
    name: str
    text: str = ""
    children: list[_Element] = field(default_factory=list)

    def all(self, name: str) -> Iterator[_Element]:
        return (c for c in self.children if c.name.lower() == name.lower())

    def one(self, name: str) -> _Element | None:
        return next(self.all(name), None)

    def value(self, name: str) -> str:
        found = self.one(name)
        if found is None or not found.text.strip():
            raise ValueError(f"{self.name} without {name}")
        return found.text.strip()


def _tree(data: bytes) -> _Element:
    parser = expat.ParserCreate(namespace_separator=" ")
    top = _Element("")
    open_: list[_Element] = [top]
    count = 0

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MAX_ELEMENTS or len(open_) > MAX_DEPTH:
            raise ValueError("more or deeper elements than a reading can have")
        one = _Element(name.rpartition(" ")[2])
        open_[-1].children.append(one)
        open_.append(one)

    def text(words: str) -> None:
        if len(open_[-1].text) + len(words) <= MAX_TEXT:
            open_[-1].text += words

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.Parse(data, True)
    return top.children[0]


def _refuse_doctype(*_: object) -> None:
    raise ValueError("a document type is not allowed here")


# ---------------------------------------------------------------- what it says


def _reading(root: _Element) -> Reading:
    header = root.one("ResponseHeader")
    stated = header.one("SeriesInstanceUid") if header else None
    sessions = tuple(_session(s) for s in root.all("readingSession"))
    if not sessions:
        raise ValueError("no readingSession: nobody read it")
    return Reading(stated.text.strip() if stated else "", sessions)


def _session(element: _Element) -> Session:
    return Session(
        tuple(_nodule(n) for n in element.all("unblindedReadNodule")),
        tuple(_roi(n, "locus") for n in element.all("nonNodule")),
    )


def _nodule(element: _Element) -> ReadNodule:
    rois = tuple(_roi(r, "edgeMap") for r in element.all("roi"))
    if not rois:
        raise ValueError("a nodule without roi")
    identity = element.one("noduleID")
    return ReadNodule(identity.text.strip() if identity else "", rois, _texture(element))


def _texture(element: _Element) -> int | None:
    """1 ground glass .. 5 solid; anything else is not rated."""
    ratings = element.one("characteristics")
    rated = ratings.one("texture") if ratings else None
    said = rated.text.strip() if rated else ""
    return int(said) if said in ("1", "2", "3", "4", "5") else None


def _roi(element: _Element, point: str) -> Roi:
    points = [(_number(p.value("xCoord")), _number(p.value("yCoord"))) for p in element.all(point)]
    if not points:
        raise ValueError(f"{element.name} without {point}")
    inclusion = element.one("inclusion")
    said = inclusion.text.strip().upper() if inclusion else "TRUE"
    if said not in ("TRUE", "FALSE"):
        raise ValueError(f"inclusion is {said!r}")
    return Roi(
        sop_uid=element.value("imageSOP_UID"),
        z_mm=_number(element.value("imageZposition")),
        inclusion=said == "TRUE",
        points_px=np.array(points, dtype=np.float64),
    )


def _number(text: str) -> float:
    value = float(text.strip())
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is no finite number")
    return value
