"""One door to all data: kinds by name, one name a patient, each scan once, test cases shut."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.learn.data import luna_shaped
from tests.learn.material import cube
from triage.core.volume import Volume, axial_affine
from triage.errors import DataRefused
from triage.learn.data import sources
from triage.learn.data.cases import Case, DataSet, Kind, ReaderMark, Role
from triage.learn.data.looks import Looks

OPENED: list[str] = []


def pixels(path: Path) -> Volume:
    OPENED.append(path.name)
    return Volume(np.zeros((2, 2, 2), np.int16), axial_affine((0, 0, 0), (1, 1, 1)))


def case(patient: str, uid: str, name: str = "", **more: object) -> Case:
    made = Case(name or f"case of {patient}", patient, uid, True, (), (), Path(uid), pixels)
    return replace(made, **more)  # type: ignore[arg-type]


def data(name: str, *cases: Case, roles: dict[str, Role] | None = None) -> DataSet:
    return DataSet(name, f"digest of {name}", "none", cases, roles=roles or {})


THREE = data(
    "three",
    case("A", "1.1"),
    case("B", "1.2"),
    case("C", "1.3"),
    roles={"A": Role.TRAIN, "B": Role.SELECT, "C": Role.TEST},
)


@pytest.fixture
def looks(tmp_path: Path) -> Looks:
    OPENED.clear()
    return Looks(tmp_path / "looks.jsonl")


# ---------------------------------------------------------------- kinds


@pytest.mark.parametrize("source", ["dicom:x", "LIDC:x", "http://x", ":x"])
def test_an_unknown_kind_is_refused_and_the_known_ones_named(source: str) -> None:
    with pytest.raises(DataRefused, match="known are shared:DIR, lidc:DIR, luna16:DIR, own:DIR"):
        sources.read(source)


@pytest.mark.parametrize("kind", [*sources.SOURCES])
@pytest.mark.parametrize("place", ["", "nowhere", "a-file", "empty"])
def test_every_kind_says_what_it_expected(
    kind: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a-file").write_text("")
    Path("empty").mkdir()
    with pytest.raises(DataRefused, match="expected"):
        sources.read(f"{kind}:{place}")


def test_a_place_alone_is_the_development_data(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=r"truth\.json is missing"):
        sources.read(str(tmp_path))


def test_no_source_is_refused() -> None:
    with pytest.raises(DataRefused, match="no data were named"):
        sources.open_data([])


# ---------------------------------------------------------------- the door


def test_train_and_select_cost_no_look(looks: Looks) -> None:
    divided = sources.divide([THREE])
    assert [c.patient for c in divided.train().cases] == ["A"]
    assert [c.patient for c in divided.select().cases] == ["B"]
    assert divided.train(["A"]).cases == ()
    divided.train().cases[0].volume()
    assert (OPENED, looks.all()) == (["1.1"], [])


def test_test_cases_are_opened_with_a_look_written_down_first(looks: Looks) -> None:
    divided = sources.divide([THREE])
    [opened] = divided.test(looks, model="M", purpose="a trial").cases
    [look] = looks.all()
    assert (look.model, look.purpose) == ("M", "a trial")
    assert (look.data, look.split) == (divided.roles.data, divided.roles.digest)
    assert looks.count(divided.roles.test_digest) == 1
    opened.volume()
    assert OPENED == ["1.3"]


def test_without_a_ledger_nothing_of_the_test_role_is_opened(tmp_path: Path) -> None:
    OPENED.clear()
    (tmp_path / "file").write_text("")
    divided = sources.divide([THREE])
    with pytest.raises(DataRefused, match="cannot be written"):
        divided.test(Looks(tmp_path / "file" / "looks"), model="M", purpose="a trial")
    assert OPENED == []


def test_what_can_be_counted_cannot_be_read() -> None:
    shown = replace(THREE, cubes=(cube("A"), cube("C")), roles={**THREE.roles, "A": Role.TRAIN})
    closed = sources.divide([shown]).closed()
    by_patient = {c.patient: c for c in closed.cases}
    by_patient["A"].volume()
    with pytest.raises(DataRefused, match="open it through the ledger"):
        by_patient["C"].volume()
    assert [c.hu.size > 0 for c in closed.cubes] == [True, False]


@pytest.mark.parametrize(
    ("names", "counted"),
    [(["case of A"], 0), (["case of B", "case of A"], 0), (["case of C", "case of A"], 1)],
)
def test_cases_by_name_cost_a_look_only_where_one_is_for_testing(
    names: list[str], counted: int, looks: Looks
) -> None:
    found = sources.divide([THREE]).cases(names, looks, model="M", purpose="p")
    assert [c.name for c in found] == names
    assert len(looks.all()) == counted


def test_an_unknown_name_costs_nothing(looks: Looks) -> None:
    with pytest.raises(DataRefused, match="no series case of Z"):
        sources.divide([THREE]).cases(["case of C", "case of Z"], looks, model="M", purpose="p")
    assert looks.all() == []


# ---------------------------------------------------------------- several sources


def test_a_patient_known_by_a_series_gets_the_name_another_source_knows() -> None:
    nameless = data("luna", case("1.9", "1.9"), case("1.8", "1.8"))
    mark = ReaderMark("LIDC-IDRI-0007", "1.9", "non_nodule", 1, 1, 1, 0, pixel_mm=0.7)
    named = replace(THREE, marks=(mark,), roles={**THREE.roles, "LIDC-IDRI-0007": Role.TRAIN})
    for order in ([named, nameless], [nameless, named]):
        divided = sources.divide(order)
        assert "LIDC-IDRI-0007" in divided.roles.test  # in luna nobody ruled: more reserved
        assert "1.9" not in {c.patient for c in divided.closed().cases}


def test_a_test_patient_stays_one_under_the_name_of_a_series() -> None:
    """A series of LUNA16 whose patient the cubes test on is never trained on."""
    series = replace(cube("LIDC-IDRI-0020"), series_uid="1.20")
    cubes = DataSet("s", "S", "none", cubes=(series,), roles={"LIDC-IDRI-0020": Role.TEST})
    luna = DataSet("l", "L", "none", (case("1.20", "1.20"),), folds={"1.20": 5})
    assert sources.divide([luna]).roles.train == ("1.20",)
    assert sources.divide([luna, cubes]).roles.test == ("LIDC-IDRI-0020",)


def test_a_scan_in_two_sources_is_taken_once() -> None:
    other = data("other", case("A", "1.1", "again"), roles={"A": Role.TRAIN})
    divided = sources.divide([THREE, other])
    assert [c.name for c in divided.train().cases] == ["case of A"]
    assert divided.left_out == ("again: the same scan as case of A, which is used",)


def test_a_crop_gives_way_to_its_whole_scan() -> None:
    crop = case("A", "2.1", "crop", kind=Kind.LUNG_CROP, source_uid="1.1")
    divided = sources.divide([data("crops", crop, roles={"A": Role.TRAIN}), THREE])
    assert [c.name for c in divided.train().cases] == ["case of A"]


def test_the_same_data_twice_are_refused() -> None:
    with pytest.raises(DataRefused, match="named twice"):
        sources.divide([THREE, THREE])


def test_two_scans_of_one_name_are_refused() -> None:
    with pytest.raises(DataRefused, match="two scans are called case of A"):
        sources.divide([THREE, data("other", case("A", "7.7"))])


def test_the_digest_is_that_of_all_data() -> None:
    other = data("other", case("D", "1.4"))
    alone, both = sources.divide([THREE]).roles, sources.divide([THREE, other]).roles
    assert alone.data == "digest of three"
    assert len({alone.data, both.data, sources.divide([other, THREE]).roles.data}) == 3


def test_cubes_and_windows_keep_the_role_of_their_patient() -> None:
    shown = replace(THREE, cubes=(cube("A"), cube("B"), cube("C")))
    divided = sources.divide([shown])
    assert [c.patient for c in divided.train().cubes] == ["A"]
    assert [c.patient for c in divided.select().cubes] == ["B"]


def test_luna16_is_opened_by_one_command(tmp_path: Path) -> None:
    for fold in range(10):
        luna_shaped.write_scan(tmp_path, f"{luna_shaped.UID}{fold}", fold=fold)
    luna_shaped.write_tables(tmp_path, [f"{luna_shaped.UID}3,-98.5,-48.5,-26,6"])
    divided = sources.open_data([f"luna16:{tmp_path}"], fold=3)
    assert len(divided.train().cases) == 8
    assert divided.roles.test == (f"{luna_shaped.UID}3",)
    assert divided.roles.select == (f"{luna_shaped.UID}4",)


def test_describing_data_needs_no_torch() -> None:
    """A base install without torch describes every kind and opens the ledger."""
    words = (
        "import sys; import triage.learn.data.sources, triage.learn.data.describe; "
        "import triage.learn.lessons, triage.learn.evaluation.command; "
        "print('torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
