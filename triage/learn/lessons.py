"""What a run may learn from: the train role of any data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from triage.learn.data.cases import Case, Cube
from triage.learn.data.shared import read_cases, read_cubes
from triage.learn.data.sources import open_data
from triage.learn.split import NEVER_TRAINED, split_cubes

#: Cubes that one reader alone outlined are not taught.
FEWEST_READERS = 2


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a model may learn from, and who places its operating point.

    Attributes
    ----------
    cases : tuple of Case
    cubes : tuple of Cube
    split_digest : str
    select_patients : tuple of str
    left_out : tuple of str
        What was there and cannot be used, and why.
    """

    cases: tuple[Case, ...]
    cubes: tuple[Cube, ...]
    split_digest: str
    select_patients: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def lessons(sources: Sequence[str], leave_out: Sequence[str], fold: int = 0) -> Lessons:
    """Everything of the train role, from any source.

    Parameters
    ----------
    sources : sequence of str
        ``kind:place``.
    leave_out : sequence of str
        Patients.
    fold : int

    Returns
    -------
    Lessons
        Nothing of a patient who is left out, selected or tested on.
    """
    divided = open_data(sources, fold)
    taught = divided.train(leave_out)
    cubes = tuple(c for c in taught.cubes if c.readers >= FEWEST_READERS)
    known = divided.roles
    return Lessons(taught.cases, cubes, known.digest, known.select, divided.left_out)


def released_lessons(sources: Sequence[str], leave_out: Sequence[str]) -> Lessons:
    """The train role as nodule-s 0.1.0 knew it: one development folder, four series.

    Raises
    ------
    SystemExit
        More or other data are named.
    """
    kind, _, place = sources[0].rpartition(":")
    if len(sources) != 1 or kind not in ("", "shared"):
        raise SystemExit("--released-split divides one shared:DIR and nothing else")
    cases, cubes = read_cases(Path(place)), read_cubes(Path(place))
    split = split_cubes(cubes, [c.patient for c in cases.values()])
    barred = {*leave_out, *NEVER_TRAINED}
    taught = tuple(
        c
        for c in cubes
        if c.patient in split.train and c.patient not in barred and c.readers >= FEWEST_READERS
    )
    shown = tuple(cases[n] for n in split.cases if cases[n].patient not in barred)
    return Lessons(shown, taught, split.digest, split.select)
