"""Files, folders and ZIPs through the same intake as the network.

An import is an association with door ``import``: when it is closed, everything it brought is
complete, without quiet time. What is not DICOM is set aside with its reason, except what lies in
every export folder (`CLUTTER`), which is counted as skipped. Names inside archives are never used
as paths; one that tries to be is refused and reported.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

from triage.receive.archive import is_zip, members
from triage.receive.intake import MAX_OBJECT_BYTES, Intake, Outcome, Receipt

#: Names and endings that lie beside DICOM files in exports; skipped when they are not DICOM.
CLUTTER_NAMES: Final = frozenset({"dicomdir", "thumbs.db", "desktop.ini", "lockfile", "version"})
CLUTTER_SUFFIXES: Final = frozenset(
    {".json", ".txt", ".csv", ".tsv", ".xml", ".md", ".pdf", ".html", ".htm", ".css", ".js"}
    | {".jpg", ".jpeg", ".png", ".gif", ".ico", ".log", ".ini", ".inf", ".exe", ".dll", ".sha256"}
)


@dataclass(frozen=True, slots=True)
class Refused:
    """One thing that was not taken.

    Attributes
    ----------
    source : str
        Path, or ``archive.zip!member``.
    code, message : str
    kept : bool
        Whether its bytes lie in quarantine.
    """

    source: str
    code: str
    message: str
    kept: bool


@dataclass(slots=True)
class StudyReport:
    """What one study got."""

    study_uid: str
    taken: int = 0
    duplicates: int = 0
    conflicts: int = 0


@dataclass(slots=True)
class ImportReport:
    """What became of an import run.

    Attributes
    ----------
    studies : dict
        By study UID.
    refused : list of Refused
        Quarantined or refused, with the reason.
    skipped : list of str
        Clutter beside the DICOM files.
    complete : bool
        False when the run broke off; it can simply be repeated.
    """

    studies: dict[str, StudyReport] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    complete: bool = False

    def to_json(self) -> dict[str, Any]:
        """The report of ``triage import --json``."""
        refused = [asdict(r) for r in self.refused]
        return {
            "taken": sum(s.taken for s in self.studies.values()),
            "duplicates": sum(s.duplicates for s in self.studies.values()),
            "conflicts": sum(s.conflicts for s in self.studies.values()),
            "quarantined": sum(r.kept for r in self.refused),
            "studies": [asdict(s) for s in self.studies.values()],
            "refused": refused,
            "reasons": dict(Counter(r.code for r in self.refused)),
            "skipped": list(self.skipped),
            "complete": self.complete,
        }


@dataclass(frozen=True, slots=True)
class _Item:
    """One thing found: bytes to take in, or why there are none."""

    source: str
    data: bytes = b""
    refused: Refused | None = None
    named: bool = False  # named by the user, so never clutter


def import_paths(
    intake: Intake,
    paths: Sequence[Path],
    *,
    progress: Callable[[int, str], None] | None = None,
) -> ImportReport:
    """Take in DICOM files, folders and ZIPs.

    Parameters
    ----------
    intake : Intake
    paths : sequence of Path
    progress : callable, optional
        Called after each thing with how many there were and its name.

    Returns
    -------
    ImportReport

    Raises
    ------
    OutOfResources
        The disk is full. What was taken stays; repeat the import when there is space.
    """
    report = ImportReport()
    intake.recover()
    association = intake.open("import", calling_ae="", address=os.uname().nodename)
    reason = "aborted"
    try:
        for count, item in enumerate(_find(paths), start=1):
            _take(intake, association, item, report)
            if progress is not None:
                progress(count, item.source)
        reason, report.complete = "released", True
    finally:
        intake.close(association, reason)
    return report


def _take(intake: Intake, association: str, item: _Item, report: ImportReport) -> None:
    if item.refused is not None:
        report.refused.append(item.refused)
    elif not item.named and _is_clutter(item):
        report.skipped.append(item.source)
    else:
        _count(report, item.source, intake.receive_file(association, item.data, item.source))


def _count(report: ImportReport, source: str, receipt: Receipt) -> None:
    if receipt.outcome is Outcome.QUARANTINED:
        report.refused.append(Refused(source, receipt.code, receipt.message, kept=True))
        return
    study = report.studies.setdefault(receipt.study_uid, StudyReport(receipt.study_uid))
    if receipt.outcome is Outcome.STORED:
        study.taken += 1
    elif receipt.outcome is Outcome.DUPLICATE:
        study.duplicates += 1
    else:
        study.conflicts += 1


def _is_clutter(item: _Item) -> bool:
    name = PurePosixPath(item.source.replace("!", "/")).name.lower()
    if name in CLUTTER_NAMES:  # a DICOMDIR is DICOM, but an index, no object
        return True
    is_dicom = item.data[128:132] == b"DICM"
    suffix = PurePosixPath(name).suffix
    return not is_dicom and (suffix in CLUTTER_SUFFIXES or name.startswith("."))


def _find(paths: Sequence[Path]) -> Iterator[_Item]:
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders.sort()
                for name in sorted(names):
                    yield from _open(Path(folder) / name, named=False)
        else:
            yield from _open(path, named=True)


def _open(path: Path, *, named: bool) -> Iterator[_Item]:
    source = str(path)
    # A link inside a folder could lead anywhere; one that the user names is meant.
    info = path.stat() if named else path.lstat()
    if not stat.S_ISREG(info.st_mode):
        yield _refused(source, "not_a_file", "this is no plain file (a link, a pipe, a device)")
    elif is_zip(path):
        for name, data, refusal in members(path):
            inside = f"{source}!{name}"
            if refusal is not None:
                yield _refused(inside, *refusal)
            else:
                yield _Item(inside, data)
    elif info.st_size > MAX_OBJECT_BYTES:
        yield _refused(source, "too_large", f"larger than {MAX_OBJECT_BYTES} bytes")
    else:
        yield _Item(source, path.read_bytes(), named=named)


def _refused(source: str, code: str, message: str) -> _Item:
    return _Item(source, refused=Refused(source, code, message, kept=False))
