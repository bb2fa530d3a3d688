"""Who is trained on, who is tuned on, who is tested on: by patient, one role each, with a digest.

Thresholds, early stopping and both calibrations (of probabilities, of INT8) use *select* alone;
each look at *test* is counted (`triage.learn.data.looks`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from triage.core.work import Json, digest_of
from triage.errors import DataRefused
from triage.learn.data.cases import DataSet, Role
from triage.learn.data.folds import FOLDS
from triage.learn.split import NEVER_TRAINED

#: Series of `NEVER_TRAINED`, for sources that do not say who the patient is.
NEVER_TRAINED_SERIES = (
    "1.3.6.1.4.1.14519.5.2.1.6279.6001.183982839679953938397312236359",  # LIDC-IDRI-0050
)
_MOST_RESERVED = {Role.TEST: 2, Role.SELECT: 1, Role.TRAIN: 0}


@dataclass(frozen=True, slots=True)
class Roles:
    """The frozen roles of everybody in the data.

    Attributes
    ----------
    data : str
        Digest of the data set.
    train, select, test : tuple of str
        Patients; nobody is in two of them.

    Raises
    ------
    DataRefused
        Somebody is in two of them, or twice in one.
    """

    data: str
    train: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        everybody = [*self.train, *self.select, *self.test]
        seen: set[str] = set()
        for patient in everybody:
            if patient in seen:
                raise DataRefused(f"patient {patient} has two roles")
            seen.add(patient)

    @property
    def digest(self) -> str:
        """SHA-256 of data and roles: the same digest means the same split of the same data."""
        people: dict[str, Json] = {r.value: [*sorted(self.of(r))] for r in Role}
        return digest_of({"data": self.data, **people})

    @property
    def test_digest(self) -> str:
        """SHA-256 of the test patients alone: looks at the same people add up."""
        return digest_of([*sorted(self.test)])

    def of(self, role: Role) -> tuple[str, ...]:
        """Patients of one role."""
        return {Role.TRAIN: self.train, Role.SELECT: self.select, Role.TEST: self.test}[role]

    def role_of(self, patient: str) -> Role:
        """The role of one patient.

        Raises
        ------
        DataRefused
            Nobody gave it one.
        """
        found = next((role for role in Role if patient in self.of(role)), None)
        if found is None:
            raise DataRefused(f"patient {patient} has no role")
        return found


def assign(sources: Sequence[DataSet], data: str, fold: int) -> Roles:
    """Give everybody one role.

    A source's own rule decides; by fold otherwise: the fold that is asked for is for testing, the
    next one for selecting, the other eight for training. Where two sources disagree about a
    patient the more reserved role holds, and `NEVER_TRAINED` is for testing whatever anybody says.

    Parameters
    ----------
    sources : sequence of DataSet
        The same patient has the same name in all of them (`triage.learn.data.sources`).
    data : str
        Digest of all of them together.
    fold : int
        0..9.

    Raises
    ------
    DataRefused
        No such fold.
    """
    if not 0 <= fold < FOLDS:
        raise DataRefused(f"fold {fold}: there are folds 0 to {FOLDS - 1}")
    roles: dict[str, Role] = {}
    for one in sources:
        for patient in one.patients:
            role = _role_in(one, patient, fold)
            roles[patient] = max(role, roles.get(patient, role), key=_MOST_RESERVED.__getitem__)
    roles |= dict.fromkeys(_never_trained(sources), Role.TEST)
    return of_mapping(roles, data)


def _role_in(source: DataSet, patient: str, fold: int) -> Role:
    if patient in source.roles:
        return source.roles[patient]
    if patient not in source.folds:
        return Role.TEST
    by_fold = {fold: Role.TEST, (fold + 1) % FOLDS: Role.SELECT}
    return by_fold.get(source.folds[patient], Role.TRAIN)


def _never_trained(sources: Iterable[DataSet]) -> set[str]:
    cases = [case for one in sources for case in one.cases]
    return {
        c.patient for c in cases if c.patient in NEVER_TRAINED or c.scan_uid in NEVER_TRAINED_SERIES
    }


def of_mapping(roles: Mapping[str, Role], data: str) -> Roles:
    """Roles from patient to role."""
    by_role = {role: tuple(sorted(p for p, r in roles.items() if r is role)) for role in Role}
    return Roles(data, by_role[Role.TRAIN], by_role[Role.SELECT], by_role[Role.TEST])
