"""Signed decisions of an installation as data: signed only, dismissed marks nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.detect import small_chest
from tests.learn.data import lidc_shaped
from triage import wiring
from triage.errors import DataRefused
from triage.learn.data import own, sources
from triage.learn.data.cases import Case, DataSet, Role
from triage.learn.data.folds import fold_of
from triage.learn.sealed import slice_hashes
from triage.settings import Settings
from triage.store import events, learning_rows
from triage.store.tables import FindingRow
from triage.wiring import House

# state, reason, size in mm
Said = tuple[str, str | None, float | None]
HERE = (-55.0, 0.0, 0.0)


class Installation:
    """A house with small studies taken in through its own door."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(data=folder / "data")
        self.house: House = wiring.open_house(self.settings)

    def take_in(self, number: int, patient: str, **changes: object) -> None:
        folder = lidc_shaped.write_series(
            self.folder / "files", patient, number, PatientName="Test^T", **changes
        )
        wiring.import_paths(self.settings, [folder])

    def sign(self, number: int, *said: Said) -> None:
        """What a reader leaves behind: findings, and the event of the signature."""
        study = f"{lidc_shaped.series_uid(number)}.0"
        rows = []
        with self.house.store.unit_of_work() as uow:
            for place, (state, reason, size) in enumerate(said, start=1):
                identity = str(uuid.uuid4())
                uow.add(
                    FindingRow(
                        finding_id=identity, study_uid=study, number=place,
                        series_uid=lidc_shaped.series_uid(number), center_lps_mm=list(HERE),
                        tracking_uid=f"1.2.{number}.{place}",
                    )
                )  # fmt: skip
                rows.append(
                    {
                        "finding_id": identity, "number": place, "state": state,
                        "reject_reason": reason, "center_lps_mm": list(HERE),
                        "long_mm": size, "short_mm": None if size is None else size - 2.0,
                    }
                )  # fmt: skip
            uow.flush()
            events.append(
                uow, "study.signed", actor="reader", study_uid=study, after={"findings": rows}
            )

    def read(self) -> DataSet:
        return own.read(str(self.settings.data))


@pytest.fixture
def inst(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    yield made
    made.house.store.close()


def only(data: DataSet) -> Case:
    [case] = data.cases
    return case


SAID: dict[str, tuple[Said, int, tuple[str, ...]]] = {
    "confirmed": (("confirmed", None, 9.0), 1, ()),
    "corrected": (("corrected", None, 9.0), 1, ()),
    "added": (("added", None, 9.0), 1, ()),
    "rejected": (("rejected", "vessel", 9.0), 0, ("rejected",)),
    "confirmed without a size": (("confirmed", None, None), 0, ("nodule_without_size",)),
}


@pytest.mark.parametrize("name", SAID)
def test_what_was_signed_is_what_is_described(inst: Installation, name: str) -> None:
    said, nodules, small = SAID[name]
    inst.take_in(1, "P-1")
    inst.sign(1, said)
    case = only(inst.read())
    assert len(case.nodules) == nodules
    assert tuple(k for s in case.small for k in s.kinds) == small
    for nodule in case.nodules:
        assert (nodule.center_lps_mm, nodule.diameter_mm, nodule.readers) == (HERE, 8.0, 1)


def test_a_dismissed_mark_is_nothing_and_no_case_is_fully_marked(inst: Installation) -> None:
    inst.take_in(1, "P-1")
    inst.sign(1, ("confirmed", None, 9.0), ("dismissed", None, 5.0))
    case = only(inst.read())
    assert (len(case.nodules), case.small, case.all_marked) == (1, (), False)


def test_a_study_of_dismissed_marks_teaches_nothing(inst: Installation) -> None:
    inst.take_in(1, "P-1")
    inst.sign(1, ("dismissed", None, 5.0))
    with pytest.raises(DataRefused, match="no signed decision to learn from"):
        inst.read()


def test_what_is_not_signed_is_not_there(inst: Installation) -> None:
    inst.take_in(1, "P-1")
    with pytest.raises(DataRefused, match="no signed decision"):
        inst.read()


def test_an_amendment_replaces_what_was_signed(inst: Installation) -> None:
    inst.take_in(1, "P-1")
    inst.sign(1, ("confirmed", None, 9.0))
    before = inst.read()
    inst.sign(1, ("rejected", "scar", None))
    after = inst.read()
    assert (len(only(before).nodules), len(only(after).nodules)) == (1, 0)
    assert before.digest != after.digest


def test_pixels_are_those_of_the_study(inst: Installation) -> None:
    inst.take_in(1, "P-1")
    inst.sign(1, ("confirmed", None, 9.0))
    volume = only(inst.read()).volume()
    assert np.array_equal(volume.hu, small_chest.chest(seed=1).hu)


def test_two_studies_of_one_person_have_one_name_and_one_role(inst: Installation) -> None:
    for number, patient in ((1, "P-1"), (2, "P-1"), (3, "P-3")):
        inst.take_in(number, patient)
        inst.sign(number, ("confirmed", None, 9.0))
    data = inst.read()
    assert len(data.cases) == 3
    assert len(data.patients) == len(data.roles) == 2
    assert not any("P-1" in name or "P-3" in name for name in data.patients)
    roles = sources.divide([data]).roles
    assert roles.test == ()
    for patient in data.patients:
        wanted = Role.SELECT if fold_of(patient) in own.SELECT_FOLDS else Role.TRAIN
        assert roles.role_of(patient) is wanted


def test_phantoms_are_no_people(inst: Installation) -> None:
    inst.take_in(1, "P-1", Manufacturer=learning_rows.PHANTOM_MAKER)
    inst.sign(1, ("confirmed", None, 9.0))
    with pytest.raises(DataRefused, match="no signed decision"):
        inst.read()


def test_a_sealed_test_patient_is_left_out_under_any_name(inst: Installation) -> None:
    for number in (1, 2):
        inst.take_in(number, f"P-{number}")
        inst.sign(number, ("confirmed", None, 9.0))
    with inst.house.store.unit_of_work() as uow:
        hashes = slice_hashes(small_chest.chest(seed=2))
        learning_rows.seal(uow, hashes[5:6], "sealed person", "set")
    data = inst.read()
    assert only(data).series_uid == lidc_shaped.series_uid(1)
    [why] = data.left_out
    assert why.startswith(lidc_shaped.series_uid(2))
    assert "sealed test patient" in why


@pytest.mark.parametrize("missing", ["triage.sqlite", "objects"])
def test_half_an_installation_is_refused(tmp_path: Path, missing: str) -> None:
    for name in {"triage.sqlite", "objects"} - {missing}:
        (tmp_path / name).mkdir()
    with pytest.raises(DataRefused, match="expected the data folder of an installation"):
        own.read(str(tmp_path))
