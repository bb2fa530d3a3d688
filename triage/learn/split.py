"""Who is trained on, who is tuned on, who is never looked at: by patient, frozen, with a digest.

The data set suggests 106 cubes for training and 27 for validation. The 27 are left alone. Of the
106, 20 are set aside to choose the operating point: one from each of 20 strata of size, so that
small and large nodules are represented; within a stratum the patient with the lowest SHA-256.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from triage.core.work import digest_of
from triage.learn.data.cases import AGREED_READERS, Cube

SELECT_COUNT = 20
#: Test series for ever: no model is trained on this patient's series, cube or windows.
NEVER_TRAINED = ("LIDC-IDRI-0050",)
#: Whole series and lung crops that may be trained on, by case name.
TRAIN_CASES = ("LIDC-IDRI-0001", "LUNGx-CT003", "LIDC-IDRI-0009_lungs", "LIDC-IDRI-0745_lungs")


@dataclass(frozen=True, slots=True)
class Split:
    """The frozen roles of the data.

    Attributes
    ----------
    train, select, held_back : tuple of str
        Patients of cubes; no patient is in two of them.
    cases : tuple of str
        Series a model may be trained on.
    never_trained : tuple of str
        Patients no model is ever trained on.
    """

    train: tuple[str, ...]
    select: tuple[str, ...]
    held_back: tuple[str, ...]
    cases: tuple[str, ...] = TRAIN_CASES
    never_trained: tuple[str, ...] = NEVER_TRAINED

    @property
    def digest(self) -> str:
        """SHA-256 of the roles: the same digest means the same split."""
        return digest_of(
            {
                "train": list(self.train),
                "select": list(self.select),
                "held_back": list(self.held_back),
                "cases": list(self.cases),
                "never_trained": list(self.never_trained),
            }
        )


def split_cubes(cubes: Sequence[Cube], series_patients: Sequence[str]) -> Split:
    """Give every cube's patient one role.

    Parameters
    ----------
    cubes : sequence of Cube
        One per patient.
    series_patients : sequence of str
        Patients of whole series; never chosen for `select`, their scans are trained on.

    Returns
    -------
    Split
    """
    held_back = sorted(c.patient for c in cubes if c.role != "train")
    open_ = [c for c in cubes if c.role == "train" and c.patient not in NEVER_TRAINED]
    eligible = [
        c for c in open_ if c.readers >= AGREED_READERS and c.patient not in series_patients
    ]
    eligible.sort(key=lambda c: (c.diameter_mm, c.patient))
    select = sorted(
        min((c.patient for c in stratum), key=_shuffled) for stratum in _strata(eligible) if stratum
    )
    train = sorted(c.patient for c in open_ if c.patient not in select)
    return Split(tuple(train), tuple(select), tuple(held_back))


def _strata(cubes: Sequence[Cube]) -> list[Sequence[Cube]]:
    """Cut a list sorted by size into `SELECT_COUNT` runs of nearly equal length."""
    edges = [len(cubes) * i // SELECT_COUNT for i in range(SELECT_COUNT + 1)]
    return [cubes[a:b] for a, b in itertools.pairwise(edges)]


def _shuffled(patient: str) -> str:
    return hashlib.sha256(f"nodule-s/{patient}".encode()).hexdigest()
