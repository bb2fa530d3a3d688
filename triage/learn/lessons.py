"""What a run may learn from: the train role of any data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from triage.learn.data.cases import Case, Cube
from triage.learn.data.sources import open_data

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
