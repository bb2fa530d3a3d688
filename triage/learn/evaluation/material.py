"""Scans to evaluate on: data with truth, described; pixels are opened once the look is counted.

Data come from any source of `triage.learn.data.sources`. Nodules that were laid into lungs are one
more kind of scan, made by `triage.learn.evaluation.inserted`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from triage.core.work import digest_of
from triage.detect.prepare import Prepared, prepare
from triage.errors import Unprocessable
from triage.learn.data import sources
from triage.learn.data.cases import Case, Kind
from triage.learn.data.looks import Looks
from triage.learn.data.sources import Divided
from triage.learn.evaluation.noise import noise_hu
from triage.learn.evaluation.tables import ScanKind, ScanTable, Truth, TruthKind


@dataclass(frozen=True, slots=True)
class Ready:
    """A scan as the detector reads it, and how noisy it was."""

    prepared: Prepared
    noise_hu: float | None


@dataclass(frozen=True, slots=True)
class Material:
    """A scan that can be read.

    Attributes
    ----------
    table : ScanTable
        Noise is not measured yet.
    digest : str
        Identity of what `load` reads.
    load : callable
        Gives the scan as the detector reads it.
    """

    table: ScanTable
    digest: str
    load: Callable[[], Ready]


@dataclass(frozen=True, slots=True)
class DataSet:
    """Scans with truth, not opened yet.

    Attributes
    ----------
    name, digest : str
        `digest` changes with any pixel and any truth.
    split : str
        Digest of the frozen roles.
    tables : tuple of ScanTable
        The scans that were asked for.
    """

    name: str
    digest: str
    split: str
    tables: tuple[ScanTable, ...]
    divided: Divided = field(repr=False)

    def open(self, names: Sequence[str], looks: Looks, models: Sequence[str]) -> list[Material]:
        """The scans of these names; when one is for testing, each model's look is written down.

        Parameters
        ----------
        names : sequence of str
        looks : Looks
        models : sequence of str
            Digests.

        Returns
        -------
        list of Material
            In the order of `tables`.
        """
        wanted = [t for t in self.tables if t.name in set(names)]
        cases: list[Case] = []
        for model in models:
            cases = self.divided.cases(
                [t.name for t in wanted], looks, model=model, purpose="evaluate on real scans"
            )
        return [
            Material(table, digest_of([self.digest, table.scan]), _reader(case))
            for table, case in zip(wanted, cases, strict=True)
        ]


def open_data(words: Sequence[str], only: Sequence[str] = (), fold: int = 0) -> DataSet:
    """Describe data.

    Parameters
    ----------
    words : sequence of str
        ``kind:place``, or a folder of the form of the data folder.
    only : sequence of str
        Names of scans; () = all.
    fold : int
        Which tenth is for testing, for sources without a split of their own.

    Returns
    -------
    DataSet

    Raises
    ------
    DataRefused
        The data cannot be read.
    Unprocessable
        They hold no scan, or lack one of `only`.
    """
    divided = sources.open_data(words, fold)
    cases = divided.closed().cases
    name = ", ".join(words)
    if unknown := set(only) - {c.name for c in cases}:
        raise Unprocessable(f"{name} has no series {', '.join(sorted(unknown))}", code="no_series")
    tables = tuple(table_of(c) for c in cases if not only or c.name in only)
    if not tables:
        raise Unprocessable(f"{name} holds no series to evaluate on", code="no_scans")
    return DataSet(name, divided.roles.data, divided.roles.digest, tables, divided)


def is_data(word: str) -> bool:
    """Whether a word of the command line names data whatever its place: ``SOURCE:REST``."""
    source, colon, _ = word.partition(":")
    return bool(colon) and source in sources.SOURCES


def table_of(case: Case) -> ScanTable:
    """What is known of a case.

    Parameters
    ----------
    case : Case

    Returns
    -------
    ScanTable
    """
    spacing = case.spacing_zyx_mm
    return ScanTable(
        scan=case.series_uid,
        name=case.name,
        patient=case.patient,
        kind=ScanKind.WHOLE if case.kind is Kind.WHOLE else ScanKind.LUNG_CROP,
        all_marked=case.all_marked,
        truths=(*_nodules(case), *_small(case)),
        slice_mm=case.thickness_mm or (spacing[0] if spacing else None),
    )


def _reader(case: Case) -> Callable[[], Ready]:
    def load() -> Ready:
        volume = case.volume()
        return Ready(prepare(volume), noise_hu(volume))

    return load


def _nodules(case: Case) -> tuple[Truth, ...]:
    return tuple(
        Truth(
            f"nodule {number}",
            TruthKind.NODULE if nodule.positive else TruthKind.IGNORE,
            nodule.center_lps_mm,
            nodule.diameter_mm,
            nodule.bbox_lps_mm,
            texture=nodule.texture,
        )
        for number, nodule in enumerate(case.nodules, start=1)
    )


def _small(case: Case) -> tuple[Truth, ...]:
    return tuple(
        Truth(f"small {number}", TruthKind.SMALL, small.center_lps_mm)
        for number, small in enumerate(case.small, start=1)
    )
