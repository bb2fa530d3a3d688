"""What a model may learn from: the train role of any sources, without whom is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import typer

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
    """

    cases: tuple[Case, ...]
    cubes: tuple[Cube, ...]
    split_digest: str
    select_patients: tuple[str, ...]


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
    for why in divided.left_out:
        typer.echo(f"left out: {why}", err=True)
    taught = divided.train(leave_out)
    cubes = tuple(c for c in taught.cubes if c.readers >= FEWEST_READERS)
    return Lessons(taught.cases, cubes, divided.roles.digest, divided.roles.select)
