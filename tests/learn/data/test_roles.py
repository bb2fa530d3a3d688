"""One role a patient, frozen under a digest; the more reserved role holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from triage.errors import DataRefused
from triage.learn.data.cases import Case, DataSet, Role
from triage.learn.data.folds import FOLDS, fold_of
from triage.learn.data.roles import NEVER_TRAINED_SERIES, Roles, assign

PEOPLE = tuple(f"P-{i:03}" for i in range(200))


def case(patient: str, uid: str = "") -> Case:
    return Case(patient, patient, uid or f"1.{patient}", True, (), (), Path("x"))


def data(
    *patients: str, roles: dict[str, Role] | None = None, folds: dict[str, int] | None = None
) -> DataSet:
    cases = tuple(case(p) for p in patients)
    return DataSet("made", "D", "none", cases, roles=roles or {}, folds=folds or {})


@pytest.mark.parametrize(
    ("train", "select", "test"),
    [(("A",), ("A",), ()), (("A",), (), ("A",)), ((), ("A",), ("B", "A")), (("A", "A"), (), ())],
)
def test_a_patient_in_two_roles_is_refused(
    train: tuple[str, ...], select: tuple[str, ...], test: tuple[str, ...]
) -> None:
    with pytest.raises(DataRefused, match="patient A has two roles"):
        Roles("D", train, select, test)


GIVEN = Roles("D", ("A", "B"), ("C",), ("E",))
OTHERS = {
    "one more to train on": Roles("D", ("A", "B", "F"), ("C",), ("E",)),
    "one less to train on": Roles("D", ("A",), ("C",), ("E",)),
    "one changes the role": Roles("D", ("A",), ("B", "C"), ("E",)),
    "one more to test on": Roles("D", ("A", "B"), ("C",), ("E", "F")),
    "other data": Roles("X", ("A", "B"), ("C",), ("E",)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_any_change_changes_the_digest(name: str) -> None:
    assert OTHERS[name].digest != GIVEN.digest
    same_people = OTHERS[name].test == GIVEN.test
    assert (OTHERS[name].test_digest == GIVEN.test_digest) == same_people


def test_the_order_of_names_changes_nothing() -> None:
    assert Roles("D", ("B", "A"), ("C",), ("E",)).digest == GIVEN.digest


def test_who_has_no_role_is_refused() -> None:
    assert GIVEN.role_of("C") is Role.SELECT
    with pytest.raises(DataRefused, match="patient Z has no role"):
        GIVEN.role_of("Z")


@pytest.mark.parametrize("fold", [0, 4, 9])
def test_by_fold_a_tenth_tests_and_a_tenth_selects(fold: int) -> None:
    given = assign([data(*PEOPLE, folds={p: i % FOLDS for i, p in enumerate(PEOPLE)})], "D", fold)
    assert (len(given.train), len(given.select), len(given.test)) == (160, 20, 20)
    assert PEOPLE[fold] in given.test
    assert PEOPLE[(fold + 1) % FOLDS] in given.select


def test_every_patient_is_tested_on_in_exactly_one_fold() -> None:
    folds = {p: fold_of(p) for p in PEOPLE}
    everybody = data(*PEOPLE, folds=folds)
    tested = Counter(p for k in range(FOLDS) for p in assign([everybody], "D", k).test)
    assert tested == dict.fromkeys(PEOPLE, 1)


def test_a_fold_never_changes() -> None:
    people = ("LIDC-IDRI-0001", "LIDC-IDRI-0050", "LIDC-IDRI-1012")
    assert [fold_of(p) for p in people] == [4, 4, 1]


@pytest.mark.parametrize("fold", [-1, 10])
def test_there_are_ten_folds(fold: int) -> None:
    with pytest.raises(DataRefused, match="folds 0 to 9"):
        assign([data("A")], "D", fold)


PAIRS = [
    (Role.TRAIN, Role.TEST, Role.TEST),
    (Role.SELECT, Role.TRAIN, Role.SELECT),
    (Role.SELECT, Role.TEST, Role.TEST),
    (Role.TRAIN, Role.TRAIN, Role.TRAIN),
]


@pytest.mark.parametrize(("one", "other", "holds"), PAIRS)
def test_where_sources_disagree_the_more_reserved_role_holds(
    one: Role, other: Role, holds: Role
) -> None:
    pair = [data("A", roles={"A": one}), data("A", roles={"A": other})]
    assert assign(pair, "D", 0).role_of("A") is holds
    assert assign(pair[::-1], "D", 0).role_of("A") is holds


def test_whom_nobody_ruled_on_is_for_testing() -> None:
    assert assign([data("A")], "D", 0).test == ("A",)


@pytest.mark.parametrize(
    "kept_back",
    [case("LIDC-IDRI-0050"), case("somebody", NEVER_TRAINED_SERIES[0])],
    ids=["by name", "by series"],
)
def test_the_patient_of_no_training_is_for_testing_whatever_anybody_says(kept_back: Case) -> None:
    given = DataSet("x", "D", "none", (kept_back,), roles={kept_back.patient: Role.TRAIN})
    assert assign([given], "D", 0).test == (kept_back.patient,)
