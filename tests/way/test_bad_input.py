"""Bad input through the whole house: a clear answer, nothing half-visible, nothing lost.

Each row is a series a department could meet. What must never come out of it is an empty list of
findings under the word "assessed".
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import MRImageStorage

from tests.way.product import Product, until
from tests.way.relabel import new_uid, relabel
from triage.phantom.chest import make_chest
from triage.phantom.dicom import write_series

pytestmark = pytest.mark.timeout(900)
Change = Callable[[list[Path]], None]


@dataclass(frozen=True)
class Case:
    """What is sent, and what it must get.

    Attributes
    ----------
    change : callable
        Spoils a good series, in place.
    quarantined : tuple of str
        Codes that the import names; empty when everything is taken.
    status : str or None
        Of the result; None when no study comes of it.
    codes : tuple of str
        Reasons of the result, at least these.
    source : str
        Which phantom.
    """

    change: Change
    quarantined: tuple[str, ...] = ()
    status: str | None = None
    codes: tuple[str, ...] = field(default=())
    source: str = "whole"


def edit(path: Path, change: Callable[[Dataset], object]) -> None:
    ds = dcmread(path)
    change(ds)
    ds.save_as(path)


def only_one(files: list[Path]) -> None:
    for path in files[1:]:
        path.unlink()


def without_middle(files: list[Path]) -> None:
    for path in files[50:53]:
        path.unlink()


def one_twice(files: list[Path]) -> None:
    twin = files[0].with_name("twin.dcm")
    shutil.copyfile(files[40], twin)

    def rename(ds: Dataset) -> None:
        ds.SOPInstanceUID = new_uid("twin", str(twin))
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.InstanceNumber = 900

    edit(twin, rename)


def turned(files: list[Path]) -> None:
    for path in files[:30]:
        edit(path, lambda ds: setattr(ds, "ImageOrientationPatient", [1, 0, 0, 0, 0, -1]))


def no_spacing(files: list[Path]) -> None:
    for path in files:
        edit(path, lambda ds: ds.__delattr__("PixelSpacing"))


def cut_short(files: list[Path]) -> None:
    for path in files[10:13]:
        path.write_bytes(path.read_bytes()[:-20_000])


def other_modality(files: list[Path]) -> None:
    def as_mr(ds: Dataset) -> None:
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = MRImageStorage
        ds.Modality = "MR"

    for path in files:
        edit(path, as_mr)


def emptied(files: list[Path]) -> None:
    for path in files:
        path.write_bytes(b"")


def not_dicom(files: list[Path]) -> None:
    for path in files:
        path.write_bytes(b"this is a letter, not an image\n" * 20)


def untouched(_files: list[Path]) -> None:
    return None


CASES: dict[str, Case] = {
    "one slice": Case(only_one, status="not_assessed", codes=("one_slice",)),
    "missing slices": Case(without_middle, status="not_assessed", codes=("missing_slices",)),
    "a slice twice": Case(one_twice, status="not_assessed", codes=("duplicate_slices",)),
    "mixed orientations": Case(turned, status="not_assessed", codes=("mixed_orientations",)),
    "no pixel spacing": Case(no_spacing, quarantined=("no_pixel_spacing",)),
    "truncated pixels": Case(
        cut_short,
        quarantined=("truncated_pixels",),
        status="not_assessed",
        codes=("missing_slices",),
    ),
    "other modality": Case(other_modality, quarantined=("class_not_supported",)),
    "0-byte files": Case(emptied, quarantined=("empty",)),
    "not DICOM": Case(not_dicom, quarantined=("not_dicom",)),
    "lung cut off below": Case(
        untouched, status="partly_assessed", codes=("lung_not_covered",), source="cut below"
    ),
    "lung cut off above": Case(
        untouched, status="partly_assessed", codes=("lung_not_covered",), source="cut above"
    ),
    "a good one, after all that": Case(untouched, status="assessed"),
}
# Millimetres left out below and above.
SOURCES: dict[str, tuple[float, float]] = {
    "whole": (0.0, 0.0),
    "cut below": (60.0, 0.0),
    "cut above": (0.0, 50.0),
}


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for number, (name, (below, above)) in enumerate(SOURCES.items()):
        made[name] = tmp_path_factory.mktemp("phantom")
        chest = make_chest(
            3, nodules=3, slices=110, matrix=160, cut_bottom_mm=below, cut_top_mm=above
        )
        write_series(chest, made[name], seed=30 + number)
    return made


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    product = Product(tmp_path_factory.mktemp("bad") / "data", TRIAGE_QUIET_S="1").start()
    yield product
    product.stop()


@pytest.fixture(scope="module")
def client(running: Product) -> Iterator[httpx.Client]:
    with running.client() as opened:
        yield opened


@pytest.mark.parametrize("name", CASES)
def test_each_gets_a_clear_answer(
    running: Product,
    client: httpx.Client,
    phantoms: dict[str, Path],
    tmp_path: Path,
    name: str,
) -> None:
    case = CASES[name]
    study_uid, files = relabel(phantoms[case.source], tmp_path / "send", list(CASES).index(name))
    case.change(files)
    present = [path for path in (tmp_path / "send").iterdir() if path.is_file()]
    report = json.loads(running.run("import", str(tmp_path / "send"), "--json").stdout)
    assert sorted({one["code"] for one in report["refused"]}) == sorted(case.quarantined)
    assert report["taken"] + len(report["refused"]) == len(present), "nothing may vanish"
    assert all(one["kept"] and one["message"] for one in report["refused"])
    if case.status is None:
        assert client.get(f"/api/studies/{study_uid}").status_code == 404
        return
    study = until(f"{name}: an answer", lambda: answered(client, study_uid), 240)
    assert study["result"]["status"] == case.status, study["result"]
    codes = {reason["code"] for reason in study["result"]["reasons"]}
    assert codes >= set(case.codes), codes
    assert all(reason["message"] for reason in study["result"]["reasons"])
    if case.status == "not_assessed":
        assert study["findings"] == []


def answered(client: httpx.Client, study_uid: str) -> dict[str, Any] | None:
    answer = client.get(f"/api/studies/{study_uid}")
    if answer.status_code == 404:
        return None
    study: dict[str, Any] = answer.json()
    return study if study["state"] in ("ready", "failed") else None


def test_a_zip_with_names_that_lead_out_writes_nothing_outside(
    running: Product, phantoms: dict[str, Path], tmp_path: Path
) -> None:
    _, files = relabel(phantoms["whole"], tmp_path / "send", 77)
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        # Names as an attacker writes them; `write` would make them harmless.
        opened.writestr(zipfile.ZipInfo("../../outside.dcm"), files[0].read_bytes())
        opened.writestr(zipfile.ZipInfo("/tmp/absolute.dcm"), files[1].read_bytes())
        opened.write(files[2], "fine.dcm")
    report = json.loads(running.run("import", str(archive), "--json").stdout)
    assert report["taken"] == 1 and len(report["refused"]) == 2
    for top in (tmp_path, running.data):
        assert not list(top.rglob("outside.dcm"))
        assert not any((above / "outside.dcm").exists() for above in top.parents)
    assert not Path("/tmp/absolute.dcm").exists()


def test_a_full_disk_refuses_and_later_takes_the_same_object(
    phantoms: dict[str, Path], tmp_path: Path
) -> None:
    _, files = relabel(phantoms["whole"], tmp_path / "send", 78)
    full = Product(tmp_path / "data", TRIAGE_DISK_RESERVE_MB=str(1 << 40))
    done = full.run("import", str(files[0]))
    assert done.returncode == 1 and "free" in done.stderr
    full.environment["TRIAGE_DISK_RESERVE_MB"] = "0"
    report = json.loads(full.run("import", str(files[0]), "--json").stdout)
    assert report["taken"] == 1
    assert full.run("verify").returncode == 0
