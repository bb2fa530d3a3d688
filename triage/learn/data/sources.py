"""All sources, and the one door through which their data are opened.

A new source is one new file that gives a `DataSet`, and one line in `SOURCES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from triage.core.volume import Volume
from triage.core.work import digest_of
from triage.errors import DataRefused
from triage.learn.data import lidc, luna16, own, roles, shared
from triage.learn.data.cases import Case, Cube, DataSet, Kind, Role
from triage.learn.data.looks import Looks
from triage.learn.data.roles import Roles
from triage.learn.data.windows import NoduleWindow

SOURCES: Mapping[str, Callable[[str], DataSet]] = {
    "shared": shared.read,
    "lidc": lidc.read,
    "luna16": luna16.read,
    "own": own.read,
}
_Owned = TypeVar("_Owned", Case, Cube, NoduleWindow)


def read(source: str) -> DataSet:
    """Describe one source.

    Parameters
    ----------
    source : str
        ``kind:place``; a place alone is ``shared:place``.

    Raises
    ------
    DataRefused
        No such kind, or its data cannot be used.
    """
    kind, colon, place = source.partition(":")
    if not colon:
        kind, place = "shared", source
    if kind not in SOURCES:
        known = ", ".join(f"{name}:DIR" for name in SOURCES)
        raise DataRefused(f"{source}: no such kind of data; known are {known}")
    return SOURCES[kind](place)


@dataclass(frozen=True, slots=True)
class Divided:
    """Data with roles. Test cases are opened by `test` alone, which writes a look down first.

    Attributes
    ----------
    roles : Roles
    names : mapping of case name to Role
    left_out : tuple of str
    """

    roles: Roles
    names: Mapping[str, Role]
    left_out: tuple[str, ...]
    _whole: DataSet = field(repr=False)

    @property
    def licence(self) -> str:
        """Of all sources."""
        return self._whole.licence

    def train(self, leave_out: Sequence[str] = ()) -> DataSet:
        """What may be learned from, without the patients that are named."""
        barred = set(leave_out)
        return _of(self._whole, frozenset(p for p in self.roles.train if p not in barred))

    def select(self) -> DataSet:
        """What thresholds, early stopping and calibrations are chosen on."""
        return _of(self._whole, frozenset(self.roles.select))

    def test(self, looks: Looks, *, model: str, purpose: str) -> DataSet:
        """What a finished model is judged on; the look is counted.

        Parameters
        ----------
        looks : Looks
        model : str
            Digest of the network.
        purpose : str
            In words.
        """
        known = self.roles
        looks.record(
            model=model, data=known.data, split=known.digest, test=known.test_digest,
            purpose=purpose,
        )  # fmt: skip
        return _of(self._whole, frozenset(known.test))

    def cases(self, names: Sequence[str], looks: Looks, *, model: str, purpose: str) -> list[Case]:
        """Cases by name, of any role; a look is counted when one of them is for testing.

        Raises
        ------
        DataRefused
            There is no case of that name.
        """
        if unknown := [name for name in names if name not in self.names]:
            raise DataRefused(f"there is no series {', '.join(unknown)}")
        opened = [*self.train().cases, *self.select().cases]
        if any(self.names[name] is Role.TEST for name in names):
            opened += self.test(looks, model=model, purpose=purpose).cases
        by_name = {case.name: case for case in opened}
        return [by_name[name] for name in names]

    def closed(self) -> DataSet:
        """Everything to count and describe; pixels of test cases stay shut, cubes hold none."""
        test = frozenset(self.roles.test)
        cases = tuple(
            replace(c, pixels=_shut) if c.patient in test else c for c in self._whole.cases
        )
        cubes = tuple(
            replace(c, hu=c.hu[:0], mask=c.mask[:0]) if c.patient in test else c
            for c in self._whole.cubes
        )
        return replace(self._whole, cases=cases, cubes=cubes)


def _shut(path: Path) -> Volume:
    raise DataRefused(f"{path} is for testing: open it through the ledger of looks")


def open_data(sources: Sequence[str], fold: int = 0) -> Divided:
    """Describe sources and give everybody a role.

    Parameters
    ----------
    sources : sequence of str
        ``kind:place``, one or more.
    fold : int
        Which of the ten parts is for testing, for sources without a rule of their own.

    Raises
    ------
    DataRefused
    """
    if not sources:
        raise DataRefused("no data were named")
    return divide([read(source) for source in sources], fold)


def divide(sources: Sequence[DataSet], fold: int = 0) -> Divided:
    """Join data sets and give everybody a role."""
    named = same_names(sources)
    whole = join(named)
    given = roles.assign(named, whole.digest, fold)
    names = {case.name: given.role_of(case.patient) for case in whole.cases}
    return Divided(given, names, whole.left_out, whole)


def same_names(sources: Sequence[DataSet]) -> list[DataSet]:
    """Call a patient the same in every source: who is known by a series only gets a name.

    LUNA16 names series, LIDC-IDRI and the development data name their patients.
    """
    known: dict[str, str] = {}
    for one in sources:
        known |= {o.series_uid: o.patient for o in one.outlines}
        known |= {m.series_uid: m.patient for m in one.marks}
        known |= {c.series_uid: c.patient for c in one.cubes if c.series_uid}
        known |= {w.series_uid: w.patient for w in one.windows if w.series_uid}
        known |= {c.scan_uid: c.patient for c in one.cases if c.patient != c.scan_uid}
    return [_renamed(one, known) for one in sources]


def _renamed(one: DataSet, known: Mapping[str, str]) -> DataSet:
    nameless = {c.patient for c in one.cases if c.patient == c.scan_uid} & known.keys()
    if not nameless:
        return one
    cases = tuple(
        replace(c, patient=known[c.patient]) if c.patient in nameless else c for c in one.cases
    )
    # Two series of one person: the first one's fold for both, so that nobody is in two.
    folds: dict[str, int] = {}
    for patient, fold in one.folds.items():
        folds.setdefault(known[patient] if patient in nameless else patient, fold)
    return replace(one, cases=cases, folds=folds)


def join(sources: Sequence[DataSet]) -> DataSet:
    """One data set of several; a scan that two of them hold is taken from the first.

    A lung crop gives way to its whole scan.

    Raises
    ------
    DataRefused
        The same data twice, or two scans of one name.
    """
    if len({one.digest for one in sources}) < len(sources):
        raise DataRefused("the same data were named twice")
    if len(sources) == 1:
        return sources[0]
    cases, left_out = _each_scan_once([c for one in sources for c in one.cases])
    return DataSet(
        name=", ".join(one.name for one in sources),
        digest=digest_of([one.digest for one in sources]),
        licence=", ".join(dict.fromkeys(one.licence for one in sources)),
        cases=cases,
        cubes=tuple(c for one in sources for c in one.cubes),
        windows=tuple(w for one in sources for w in one.windows),
        outlines=tuple(o for one in sources for o in one.outlines),
        marks=tuple(m for one in sources for m in one.marks),
        left_out=(*(why for one in sources for why in one.left_out), *left_out),
    )


def _each_scan_once(cases: Sequence[Case]) -> tuple[tuple[Case, ...], list[str]]:
    taken: dict[str, Case] = {}
    left_out = []
    for case in sorted(cases, key=lambda c: c.kind is Kind.LUNG_CROP):
        if case.scan_uid in taken:
            first = taken[case.scan_uid].name
            left_out.append(f"{case.name}: the same scan as {first}, which is used")
        else:
            taken[case.scan_uid] = case
    names = [case.name for case in taken.values()]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataRefused(f"two scans are called {twice}")
    return tuple(taken.values()), left_out


def _of(whole: DataSet, patients: frozenset[str]) -> DataSet:
    def own_of(things: tuple[_Owned, ...]) -> tuple[_Owned, ...]:
        return tuple(t for t in things if t.patient in patients)

    return replace(
        whole,
        cases=own_of(whole.cases),
        cubes=own_of(whole.cubes),
        windows=own_of(whole.windows),
        outlines=tuple(o for o in whole.outlines if o.patient in patients),
        marks=tuple(m for m in whole.marks if m.patient in patients),
    )
