"""LIDC-IDRI folders: paired by UID, in millimetres, and what cannot be used is named."""

from __future__ import annotations

import json
import math
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.detect import small_chest
from tests.learn.data import lidc_shaped as shaped
from triage.detect import folder as dicom_folder
from triage.errors import DataRefused
from triage.learn.data import lidc
from triage.learn.data.cases import Case, DataSet
from triage.learn.data.shared import read_windows


def squares(*readers: int, hole: bool = False) -> tuple[str, ...]:
    """The same square on slices 10 and 11 by so many readers."""
    rois = [shaped.roi(shaped.sop_uid(1, z), shaped.SQUARE) for z in (10, 11)]
    if hole:
        rois.append(shaped.roi(shaped.sop_uid(1, 10), shaped.HOLE, inclusion="FALSE"))
    return shaped.reading(*(shaped.session(shaped.nodule(*rois, texture=4)) for _ in readers))


def folder(top: Path, *sessions: str, name: str = "069.xml") -> Path:
    series = shaped.write_series(top)
    (series / name).write_text(shaped.message(*(sessions or squares(1, 2, 3))))
    return top


def only(data: DataSet) -> Case:
    [case] = data.cases
    return case


def test_a_nodule_is_where_the_pixels_say_by_hand(tmp_path: Path) -> None:
    case = only(lidc.read(str(folder(tmp_path))))
    [nodule] = case.nodules
    x, y, z = small_chest.ORIGIN_LPS_MM
    # The square's middle is column 12, row 22, between slices 10 and 11; pixels and slices 3 mm.
    assert nodule.center_lps_mm == pytest.approx((x + 36.0, y + 66.0, z + 31.5))
    assert nodule.diameter_mm == pytest.approx((6 * 2 * 144 * 3 / math.pi) ** (1 / 3))
    assert nodule.max_axial_mm == pytest.approx(12 * math.sqrt(2))
    assert (nodule.readers, nodule.positive, nodule.texture) == (3, True, 4.0)


def test_the_case_is_described_by_its_files(tmp_path: Path) -> None:
    data = lidc.read(str(folder(tmp_path)))
    case = only(data)
    assert (case.patient, case.series_uid) == ("LIDC-IDRI-0901", shaped.series_uid(1))
    assert (case.spacing_zyx_mm, case.thickness_mm) == ((3.0, 3.0, 3.0), 3.0)
    assert (case.kernel, case.all_marked) == ("STANDARD", True)
    assert (data.licence, data.left_out) == ("CC BY 3.0", ())
    assert set(data.folds) == {"LIDC-IDRI-0901"}


def test_pixels_are_read_when_asked_for(tmp_path: Path) -> None:
    case = only(lidc.read(str(folder(tmp_path))))
    volume = case.volume()
    assert np.array_equal(volume.hu, np.maximum(small_chest.chest(seed=1).hu, -1024))
    assert np.allclose(volume.to_lps_mm((0, 0, 0)), small_chest.ORIGIN_LPS_MM)
    shutil.rmtree(case.path)
    with pytest.raises(DataRefused, match="no longer holds series"):
        case.volume()


@pytest.mark.parametrize(("readers", "positive"), [(1, False), (2, False), (3, True), (4, True)])
def test_readers_are_counted(tmp_path: Path, readers: int, positive: bool) -> None:
    [nodule] = only(lidc.read(str(folder(tmp_path, *squares(*range(readers)))))).nodules
    assert (nodule.readers, nodule.positive) == (readers, positive)


def test_a_hole_is_taken_off(tmp_path: Path) -> None:
    [nodule] = only(lidc.read(str(folder(tmp_path, *squares(1, 2, 3, hole=True))))).nodules
    assert nodule.diameter_mm == pytest.approx((6 * (2 * 144 - 36) * 3 / math.pi) ** (1 / 3))


def test_small_marks_of_all_readers_are_findings(tmp_path: Path) -> None:
    sop = shaped.sop_uid(1, 5)
    first = shaped.session(shaped.nodule(shaped.roi(sop, ((40, 30),))))
    second = shaped.session(shaped.non_nodule(sop, 40, 30), shaped.non_nodule(sop, 60, 30))
    case = only(lidc.read(str(folder(tmp_path, *shaped.reading(first, second)))))
    assert case.nodules == ()
    said = {(s.kinds, s.marks, s.may_be_nodule) for s in case.small}
    assert said == {
        (("nodule_lt_3mm", "non_nodule"), 2, True),
        (("non_nodule",), 1, False),
    }
    x, y, z = small_chest.ORIGIN_LPS_MM
    assert case.small[0].center_lps_mm == pytest.approx((x + 120, y + 90, z + 15))
    assert [i.reason for i in case.ignored] == [
        "a reader marked a nodule under 3 mm; a reader marked it as no nodule",
        "a reader marked it as no nodule",
    ]


def test_readers_who_marked_nothing_make_a_scan_without_nodules(tmp_path: Path) -> None:
    case = only(lidc.read(str(folder(tmp_path, *shaped.reading()))))
    assert (case.nodules, case.small, case.all_marked) == ((), (), True)


def test_a_reading_in_another_folder_finds_its_series(tmp_path: Path) -> None:
    shaped.write_series(tmp_path)
    (tmp_path / "tcia-lidc-xml" / "157").mkdir(parents=True)
    (tmp_path / "tcia-lidc-xml" / "157" / "158.XML").write_text(shaped.message(*squares(1, 2, 3)))
    assert len(only(lidc.read(str(tmp_path))).nodules) == 1


def test_a_reading_that_names_no_series_is_known_by_its_slices(tmp_path: Path) -> None:
    shaped.write_series(tmp_path)
    (tmp_path / "a.xml").write_text(shaped.message(*squares(1, 2, 3), series=""))
    assert only(lidc.read(str(tmp_path))).series_uid == shaped.series_uid(1)


def test_the_same_reading_twice_is_one(tmp_path: Path) -> None:
    top = folder(tmp_path)
    (tmp_path / "copy.xml").write_text(shaped.message(*squares(1, 2, 3)))
    assert lidc.read(str(top)).left_out == ()


def test_two_series_of_one_patient_are_two_cases_in_one_fold(tmp_path: Path) -> None:
    folder(tmp_path)
    second = shaped.write_series(tmp_path, number=2)
    (second / "b.xml").write_text(shaped.message(*shaped.reading(), series=shaped.series_uid(2)))
    data = lidc.read(str(tmp_path))
    assert len({c.name for c in data.cases}) == 2
    assert len(data.folds) == 1


# ---------------------------------------------------------------- left out, and named


def _add_unread(top: Path) -> None:
    shaped.write_series(top, "LIDC-IDRI-0902", 2)


def _add_stray_reading(top: Path) -> None:
    (top / "stray.xml").write_text(shaped.message(*shaped.reading(), series="1.2.3"))


def _add_other_reading(top: Path) -> None:
    series = shaped.write_series(top, "LIDC-IDRI-0902", 2)
    for name, readers in (("a.xml", 3), ("b.xml", 4)):
        text = shaped.message(*shaped.reading(readers=readers), series=shaped.series_uid(2))
        (series / name).write_text(text)


def _add_wrong_slices(top: Path) -> None:
    series = shaped.write_series(top, "LIDC-IDRI-0902", 2)
    text = shaped.message(*squares(1, 2, 3), series=shaped.series_uid(2))
    (series / "a.xml").write_text(text)


def _add_broken(top: Path) -> None:
    (top / "broken.xml").write_text("<LidcReadMessage>")


def _add_gap(top: Path) -> None:
    series = shaped.write_series(top, "LIDC-IDRI-0902", 2)
    (series / "a.xml").write_text(shaped.message(*shaped.reading(), series=shaped.series_uid(2)))
    files = sorted(series.glob("*.dcm"))
    for path in files[8:20]:
        path.unlink()


def _add_second_copy(top: Path) -> None:
    series = shaped.write_series(top, "LIDC-IDRI-0902", 2)
    shutil.copytree(series, top / "again")


def _add_nameless(top: Path) -> None:
    shaped.write_series(top, "LIDC-IDRI-0902", 2, PatientID="")


def _add_unknown_modality(top: Path) -> None:
    shaped.write_series(top, "LIDC-IDRI-0902", 2, Modality="MR")


LEFT_OUT: dict[str, tuple[Callable[[Path], None], str]] = {
    "a series nobody read": (_add_unread, "no reading of it"),
    "a reading without its series": (_add_stray_reading, "1.2.3 is not here"),
    "two different readings": (_add_other_reading, "2 different readings"),
    "a reading of other slices": (_add_wrong_slices, "slices that series .* does not have"),
    "a broken reading": (_add_broken, "cannot be read"),
    "slices are missing": (_add_gap, "no readable stack"),
    "the same series twice": (_add_second_copy, "lies in two folders"),
    "no patient": (_add_nameless, "no Patient ID"),
    "another modality": (_add_unknown_modality, "modality MR"),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_cannot_be_used_is_left_out_and_named(tmp_path: Path, name: str) -> None:
    top = folder(tmp_path)
    add, why = LEFT_OUT[name]
    add(top)
    data = lidc.read(str(top))
    assert [c.patient for c in data.cases] == ["LIDC-IDRI-0901"]
    assert any(re.search(why, line) for line in data.left_out), data.left_out


def test_radiographs_of_the_same_people_are_passed_over(tmp_path: Path) -> None:
    top = folder(tmp_path)
    other = shaped.write_series(tmp_path, "LIDC-IDRI-0901", 2, Modality="DX")
    (other / "x.xml").write_text(shaped.message(root="IdriReadMessage"))
    data = lidc.read(str(top))
    assert (len(data.cases), data.left_out) == (1, ())


@pytest.mark.parametrize("place", ["", "nowhere", "empty"])
def test_a_folder_without_a_usable_series_is_refused(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")  # no place said is the folder one stands in
    with pytest.raises(DataRefused, match="expected LIDC-IDRI as TCIA hands it out"):
        lidc.read(str(tmp_path / place) if place else "")


@pytest.mark.parametrize("change", ["reading", "slice"])
def test_the_digest_follows_readings_and_slices(tmp_path: Path, change: str) -> None:
    top = folder(tmp_path)
    before = lidc.read(str(top)).digest
    assert lidc.read(str(top)).digest == before
    xml = next(top.rglob("*.xml"))
    if change == "reading":
        xml.write_text(shaped.message(*squares(1, 2)))
    else:
        last = max(xml.parent.glob("*.dcm"))  # the lowest slice: names run against the order
        last.unlink()
    assert lidc.read(str(top)).digest != before


# ---------------------------------------------------------------- on a real scan


@pytest.mark.real
def test_a_real_scan_with_its_outlines_gives_the_published_nodule(
    tmp_path: Path, shared_data: Path
) -> None:
    """The reader counts of a nodule window, written as four outlines of the real slices."""
    series = tmp_path / "LIDC-IDRI-0001" / "study" / "series"
    with zipfile.ZipFile(shared_data / "series" / "LIDC-IDRI-0001.zip") as archive:
        archive.extractall(series)
    truth = json.loads((shared_data / "truth.json").read_text())["series"]
    uid, row = next((u, r) for u, r in truth.items() if r["case"] == "LIDC-IDRI-0001")
    sops = _sops_by_z(series)
    window = next(w for w in read_windows(shared_data) if w.name == "LIDC-IDRI-0001_n0")
    sessions = [
        shaped.session(shaped.nodule(*_rois(window.reader_counts() >= readers, sops)))
        for readers in (1, 2, 3, 4)
    ]
    (series / "069.xml").write_text(shaped.message(*sessions, series=uid))
    case = only(lidc.read(str(tmp_path)))
    [nodule], [published] = case.nodules, row["nodules"]
    assert nodule.readers == published["readers"] == 4
    assert nodule.center_lps_mm == pytest.approx(published["center_mm"], abs=1.5)
    assert nodule.diameter_mm == pytest.approx(published["diameter_mm"], rel=0.1)
    assert case.spacing_zyx_mm == pytest.approx((2.5, 0.703125, 0.703125))


def _sops_by_z(series: Path) -> dict[float, str]:
    found, _ = dicom_folder.read_files(sorted(p for p in series.rglob("*") if p.is_file()))
    [slices] = found.values()
    return {round(s.position.position_lps_mm[2], 2): s.sop_uid for s in slices if s.position}


def _rois(masks: np.ndarray, sops: dict[float, str]) -> list[str]:
    """Row by row the leftmost and the rightmost pixel; window pixel (32, 32) is (316.3, 367)."""
    rois = []
    for k, mask in enumerate(masks):
        rows = [(y, np.flatnonzero(line)) for y, line in enumerate(mask) if line.any()]
        left = [(xs[0] + 316.3 - 32, y + 367.0 - 32) for y, xs in rows]
        right = [(xs[-1] + 316.3 - 32, y + 367.0 - 32) for y, xs in reversed(rows)]
        if len(rows) > 1:
            rois.append(shaped.roi(sops[round(-125.0 + 2.5 * k, 2)], [*left, *right]))
    return rois
