"""``own:DIR``: what readers of this installation signed; DIR is its data folder.

Only decisions of signed studies count, as they were signed last. A dismissed mark says nothing, so
a case of ours is never fully marked: no false positives are counted and none are mined on it.
Studies that were refused before, or that hold a slice of a sealed test patient, are left out.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from triage import settings
from triage.core.volume import Volume
from triage.errors import DataRefused
from triage.learn import frozen
from triage.learn.data import sums
from triage.learn.data.cases import Case, DataSet, MarkedNodule, Role, SmallFinding
from triage.learn.data.folds import fold_of
from triage.learn.frozen import FrozenSeries
from triage.store import learning_rows
from triage.store.files import Files
from triage.store.learning_rows import SignedDecision
from triage.store.session import Store

#: Every fifth patient places the operating point, as in a round of the learning loop.
SELECT_FOLDS = (0, 5)
_WHAT = "the data folder of an installation (TRIAGE_DATA) with its database and objects/"


def read(place: str) -> DataSet:
    """Describe the signed decisions of an installation.

    Parameters
    ----------
    place : str
        Its data folder; its triage.toml says where the database is.

    Returns
    -------
    DataSet
        The digest is that of the frozen training set of a round: decisions, slices and their
        pixels. There is no test role: test patients are sealed (docs/learning.md).

    Raises
    ------
    DataRefused
        No installation is there, or nothing is signed in it.
    """
    folder = sums.folder_of(place, _WHAT)
    known = settings.load(data=folder)
    if known.url.startswith("sqlite") and not Path(known.url.removeprefix("sqlite:///")).exists():
        raise DataRefused(f"{folder} has no database; expected {_WHAT}")
    if not (folder / "objects").is_dir():
        raise DataRefused(f"{folder / 'objects'} is missing; expected {_WHAT}")
    store = Store(known.url)
    try:
        return describe(store, Files(folder / "objects"), f"own:{place}")
    finally:
        store.close()


def describe(store: Store, files: Files, name: str) -> DataSet:
    """Describe the signed decisions in a store.

    Raises
    ------
    DataRefused
        Nothing usable is signed.
    """
    with store.reading() as uow:
        barred = learning_rows.refused_studies(uow)
        signed = learning_rows.signed_decisions(uow, learning_rows.REAL)
    open_ = [d for d in signed if d.study_uid not in barred]
    series, unreadable = frozen.freeze(store, files, open_)
    sealed = {row["series_uid"] for row in frozen.refuse_sealed(store, series)}
    usable = [one for one in series if one.series_uid not in sealed]
    taught = [one for one in usable if any(d.positive or d.negative for d in one.decisions)]
    if not taught:
        raise DataRefused(f"{name} holds no signed decision to learn from")
    cases = tuple(_case(one, _patient(store, one.study_uid), files) for one in taught)
    document = frozen.to_bytes(learning_rows.REAL, taught)
    return DataSet(
        name=name,
        digest=hashlib.sha256(document).hexdigest(),
        licence="this installation's own; not to be handed on",
        cases=cases,
        roles={
            case.patient: Role.SELECT if fold_of(case.patient) in SELECT_FOLDS else Role.TRAIN
            for case in cases
        },
        left_out=(
            *(f"{uid}: {why}" for uid, why in sorted(unreadable.items())),
            *(f"{uid}: holds slices of a sealed test patient" for uid in sorted(sealed)),
            *(f"study {uid}: refused before: {why}" for uid, why in sorted(barred.items())),
        ),
    )


def _patient(store: Store, study_uid: str) -> str:
    """A name for the patient that is none: the same person in two studies has the same one."""
    with store.reading() as uow:
        identity = learning_rows.patient_of(uow, study_uid)
    said = "\n".join(identity) if identity[0] else study_uid
    return f"own-{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _case(one: FrozenSeries, patient: str, files: Files) -> Case:
    return Case(
        name=one.series_uid,
        patient=patient,
        series_uid=one.series_uid,
        all_marked=False,
        nodules=tuple(_nodules(one.decisions)),
        small=tuple(_small(one.decisions)),
        path=files.root,
        pixels=partial(_pixels, one, files),
    )


def _pixels(one: FrozenSeries, files: Files, _: Path) -> Volume:
    return frozen.volume_of(one.slices, files)


def _nodules(decisions: Sequence[SignedDecision]) -> Iterable[MarkedNodule]:
    for one in decisions:
        size = _size_mm(one)
        if one.positive and size is not None:
            yield MarkedNodule(one.center_lps_mm, size, positive=True, readers=1)


def _small(decisions: Sequence[SignedDecision]) -> list[SmallFinding]:
    """Rejected marks, and nodules nobody measured; dismissed marks are nothing."""
    marks: dict[str, list[SignedDecision]] = defaultdict(list)
    for one in decisions:
        if one.negative:
            marks["rejected"].append(one)
        elif one.positive and _size_mm(one) is None:
            marks["nodule_without_size"].append(one)
    return [SmallFinding(d.center_lps_mm, (kind,)) for kind, own in marks.items() for d in own]


def _size_mm(one: SignedDecision) -> float | None:
    sizes = [s for s in (one.long_mm, one.short_mm) if s is not None]
    return sum(sizes) / len(sizes) if sizes else None
