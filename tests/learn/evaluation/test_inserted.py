"""Planted nodules as scans: of one role, with twins and the untouched lung beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.detect import small_chest
from tests.learn.evaluation.folder import write_model
from tests.learn.insertion.made import ball_cube
from triage.errors import Unprocessable
from triage.learn.data import sources
from triage.learn.data.cases import Case, Role
from triage.learn.data.cases import DataSet as Described
from triage.learn.data.looks import Looks
from triage.learn.evaluation import inserted
from triage.learn.evaluation.assemble import Asked, assemble
from triage.learn.evaluation.inserted import Ask, insertion_set
from triage.learn.evaluation.material import DataSet, table_of
from triage.learn.evaluation.noise import noise_hu
from triage.learn.evaluation.reading import open_contenders, read_all
from triage.learn.evaluation.tables import ScanKind, TruthKind
from triage.settings import RuntimeChoice

ROLES = {
    "H-train": Role.TRAIN, "H-select": Role.SELECT, "H-test": Role.TEST, "H-open": Role.TEST,
    **{f"C-train-{n}": Role.TRAIN for n in range(2)},
    **{f"C-select-{n}": Role.SELECT for n in range(2)},
    **{f"C-test-{n}": Role.TEST for n in range(3)},
}  # fmt: skip


def host(patient: str, *, all_marked: bool = True) -> Case:
    return Case(
        patient, patient, f"1.2.{sum(patient.encode())}", all_marked, (), (), Path("made"),
        lambda _: small_chest.chest(), spacing_zyx_mm=(3.0, 3.0, 3.0), thickness_mm=3.0,
    )  # fmt: skip


def data(cases: Sequence[Case] | None = None, readers: int = 4) -> DataSet:
    hosts = [host(p) for p in ("H-train", "H-select", "H-test")] if cases is None else cases
    cubes = tuple(
        replace(ball_cube(10.0 + n % 3), patient=patient, readers=readers)
        for n, patient in enumerate(p for p in ROLES if p.startswith("C"))
    )
    described = Described("made", "d" * 64, "none", tuple(hosts), cubes, roles=ROLES)
    divided = sources.divide([described])
    tables = tuple(table_of(c) for c in divided.closed().cases)
    return DataSet("made", "d" * 64, divided.roles.digest, tables, divided)


@pytest.fixture
def looks(tmp_path: Path) -> Looks:
    return Looks(tmp_path / "looks.jsonl")


@pytest.mark.parametrize("role", [Role.SELECT, Role.TEST])
def test_hosts_and_nodules_are_of_the_role_and_nobody_else(role: Role, looks: Looks) -> None:
    made = insertion_set(data(), Ask(role, placements=2), looks, ["m"])
    assert {m.table.patient for m in made} == {f"H-{role.value}"}
    donors = {t.patient for m in made for t in m.table.truths}
    assert donors == {p for p, r in ROLES.items() if r is role and p.startswith("C")}
    assert len(looks.all()) == (1 if role is Role.TEST else 0)


def test_every_nodule_has_a_twin_and_every_twin_an_untouched_place(looks: Looks) -> None:
    made = insertion_set(data(), Ask(Role.TEST, placements=3), looks, ["m"])
    *planted, untouched = (m.table for m in made)
    assert {t.kind for t in planted} == {ScanKind.INSERTED}
    assert untouched.kind is ScanKind.UNTOUCHED
    assert not untouched.in_curve
    nodules = [t for table in planted for t in table.of(TruthKind.NODULE)]
    twins = [t for table in planted for t in table.of(TruthKind.TWIN)]
    assert len(nodules) == 9
    assert 6 <= len(twins) <= 9
    places = untouched.of(TruthKind.BACKGROUND)
    assert [p.center_lps_mm for p in places] == [t.center_lps_mm for t in twins]
    assert {t.lung for t in planted} == {"H-test"}
    assert all(t.hangs_on for t in nodules)


def test_what_is_read_is_what_the_table_says(looks: Looks) -> None:
    made = insertion_set(data(), Ask(Role.TEST, placements=1), looks, ["m"])
    first, untouched = made[0], made[-1]
    ready, plain = first.load().prepared, untouched.load().prepared
    for truth in first.table.of(TruthKind.NODULE):
        z, y, x = (round(float(v)) for v in ready.to_zyx(truth.center_lps_mm))
        assert ready.tensor[0, 0, z, y, x] - plain.tensor[0, 0, z, y, x] > 0.3
    assert np.array_equal(first.load().prepared.tensor, ready.tensor)
    again = insertion_set(data(), Ask(Role.TEST, placements=1), looks, ["m"])
    assert [m.table for m in again] == [m.table for m in made]
    assert [m.digest for m in again] == [m.digest for m in made]


def test_the_report_is_of_the_planted_ones_and_says_so(looks: Looks, tmp_path: Path) -> None:
    asked = data()
    made = asked.open(["H-test"], looks, ["m"]) + insertion_set(asked, Ask(Role.TEST), looks, ["m"])
    model = write_model(tmp_path / "small", scans=["S-9"])
    contenders = open_contenders([str(model)], RuntimeChoice.ONNX)
    scans, marks = read_all(made, contenders, None, lambda _: None)
    facts = [c.facts for c in contenders]
    report = assemble(Asked(scans, marks, facts, "made", "d" * 64, "x", resamples=200))
    assert report.data.scans == 4
    assert report.data.nodules == 12
    assert (report.data.patients, report.data.donors) == (1, 3)
    twins = report.models[0].twins
    assert twins is not None
    assert twins.background == twins.twins > 0
    assert any("real ones at made-up places" in note for note in report.notes)
    assert any("one lung, H-test" in note for note in report.notes)
    assert {row.kind for row in report.scans} == {"whole", "inserted", "untouched"}


# cases, readers of the cubes, role -> why nothing can be planted
NOTHING = {
    "no host": ([host("H-train")], 4, Role.TEST, "no host"),
    "a host not fully marked": ([host("H-open", all_marked=False)], 4, Role.TEST, "no host"),
    "nodules two readers saw": (None, 2, Role.SELECT, "no nodule"),
    "training": (None, 4, Role.TRAIN, "planted are select nodules"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTHING)
def test_where_nothing_can_be_planted_it_is_said(name: str, looks: Looks) -> None:
    cases, readers, role, said = NOTHING[name]
    with pytest.raises(Unprocessable, match=said):
        insertion_set(data(cases, readers), Ask(role), looks, ["m"])


def test_test_nodules_are_not_planted_without_a_counted_look() -> None:
    with pytest.raises(Unprocessable, match="counted look"):
        insertion_set(data(), Ask(Role.TEST))


def test_a_volume_holds_so_many_and_no_more(looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inserted, "PER_VOLUME", 2)
    made = insertion_set(data(), Ask(Role.TEST, placements=1), looks, ["m"])
    assert [len(m.table.of(TruthKind.NODULE)) for m in made[:-1]] == [2, 1]


def test_noise_is_that_of_the_host_as_of_any_scan(looks: Looks) -> None:
    made = insertion_set(data(), Ask(Role.TEST, placements=1), looks, ["m"])
    expected = noise_hu(small_chest.chest())
    assert expected is not None
    assert {m.load().noise_hu for m in made} == {expected}
