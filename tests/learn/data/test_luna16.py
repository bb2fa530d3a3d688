"""LUNA16 folders: the world frame exactly, also where axes are turned; refusals by name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.learn.data import luna_shaped as shaped
from triage.errors import DataRefused
from triage.learn.data import luna16, mhd

TRUTH = f"{shaped.UID},-98.5,-48.5,-26.0,6.25"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    shaped.write_scan(tmp_path)
    shaped.write_tables(tmp_path, [TRUTH])
    return tmp_path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (1, 1, -1), (-1, 1, 1)])
def test_every_voxel_lies_where_the_file_says(
    tmp_path: Path, signs: tuple[int, int, int], packed: bool
) -> None:
    """World = origin + direction x spacing x index, worked out for every voxel of the file."""
    volume = mhd.read_volume(shaped.write_scan(tmp_path, signs=signs, packed=packed))
    stored = np.maximum(shaped.voxels(), -1024)
    z, y, x = np.meshgrid(*map(np.arange, shaped.SHAPE_ZYX), indexing="ij")
    steps = np.array(signs) * np.array(shaped.SPACING)
    world = np.array(shaped.ORIGIN) + np.stack([x, y, z], -1) * steps
    found = np.rint(volume.to_zyx(world)).astype(int)
    assert np.allclose(volume.to_zyx(world), found, atol=1e-9)
    assert np.array_equal(volume.hu[tuple(np.moveaxis(found, -1, 0))], stored)
    assert (np.diff(volume.to_lps_mm([(0, 0, 0), (1, 1, 1)]), axis=0) > 0).all()
    assert volume.spacing_zyx_mm == pytest.approx(shaped.SPACING[::-1])


def test_oblique_axes_are_refused(tmp_path: Path) -> None:
    path = shaped.write_scan(tmp_path)
    text = path.read_text().replace("1 0 0 0 1 0 0 0 1", "0.8 0.6 0 -0.6 0.8 0 0 0 1")
    path.write_text(text)
    with pytest.raises(DataRefused, match="not those of the patient"):
        mhd.read_volume(path)


def test_a_scan_is_described_without_its_voxels(top: Path) -> None:
    data = luna16.read(str(top))
    [case] = data.cases
    [nodule] = case.nodules
    assert (case.patient, case.series_uid, case.all_marked) == (shaped.UID, shaped.UID, True)
    assert case.spacing_zyx_mm == (2.0, 0.75, 0.5)
    assert (case.thickness_mm, case.kernel) == (None, "")
    assert (nodule.center_lps_mm, nodule.diameter_mm) == ((-98.5, -48.5, -26.0), 6.25)
    assert (nodule.positive, nodule.readers) == (True, None)
    assert data.licence == "CC BY 4.0"
    zyx = case.volume().to_zyx(nodule.center_lps_mm)
    assert zyx == pytest.approx((2.0, 2.0, 3.0))


def test_excluded_places_are_ignored_with_their_reason(top: Path) -> None:
    excluded = [f"{shaped.UID},-99,-49,-28,4.5", f"{shaped.UID},-98,-47,-24,-1"]
    shaped.write_tables(top, [TRUTH], excluded)
    [case] = luna16.read(str(top)).cases
    assert [(n.diameter_mm, n.positive) for n in case.nodules] == [(6.25, True), (4.5, False)]
    assert [(s.kinds, s.may_be_nodule) for s in case.small] == [(("excluded",), True)]
    assert [i.reason for i in case.ignored] == [
        "too few readers outlined it",
        "on LUNA16's list of excluded places",
    ]


def test_a_fold_is_the_number_of_the_subset(top: Path) -> None:
    shaped.write_scan(top, shaped.OTHER, fold=7)
    data = luna16.read(str(top))
    assert data.folds == {shaped.UID: 0, shaped.OTHER: 7}


def test_a_table_of_patients_names_them(top: Path) -> None:
    (top / "patients.csv").write_text(f"seriesuid,patient\n{shaped.UID},LIDC-IDRI-0333\n")
    [case] = luna16.read(str(top)).cases
    assert case.patient == "LIDC-IDRI-0333"


@pytest.mark.parametrize("folder", ["CSVFILES", "evaluationScript/annotations"])
def test_tables_may_lie_where_the_archives_put_them(top: Path, folder: str) -> None:
    (top / folder).mkdir(parents=True)
    for name in ("annotations.csv", "annotations_excluded.csv"):
        (top / name).rename(top / folder / name)
    assert len(luna16.read(str(top)).cases) == 1


def test_annotated_series_of_other_subsets_are_counted(top: Path) -> None:
    shaped.write_tables(top, [TRUTH, f"{shaped.OTHER},1,2,3,5"])
    assert luna16.read(str(top)).left_out == ("1 annotated series are in no subset here",)


@pytest.mark.parametrize("change", ["truth", "header", "nothing"])
def test_the_digest_follows_tables_and_headers(top: Path, change: str) -> None:
    before = luna16.read(str(top)).digest
    if change == "truth":
        shaped.write_tables(top, [TRUTH, f"{shaped.UID},-98,-48,-25,5"])
    if change == "header":
        path = top / "subset0" / f"{shaped.UID}.mhd"
        path.write_text(path.read_text().replace("Offset = -100", "Offset = -101"))
    assert (luna16.read(str(top)).digest == before) == (change == "nothing")


# ---------------------------------------------------------------- bad folders


def _scan(top: Path) -> Path:
    return top / "subset0" / f"{shaped.UID}.mhd"


def _edit(old: str, new: str) -> Callable[[Path], None]:
    def change(top: Path) -> None:
        text = _scan(top).read_text()
        assert old in text
        _scan(top).write_text(text.replace(old, new))

    return change


def _table(row: str, name: str = "annotations.csv") -> Callable[[Path], None]:
    def change(top: Path) -> None:
        (top / name).write_text(f"{shaped.HEADER}\n{row}\n")

    return change


def _header(top: Path) -> None:
    shaped.write_tables(top, header="seriesuid,x,y,z,diameter_mm")


def _no_raw(top: Path) -> None:
    _scan(top).with_suffix(".raw").unlink()


def _short_raw(top: Path) -> None:
    raw = _scan(top).with_suffix(".raw")
    raw.write_bytes(raw.read_bytes()[:-2])


def _twice(top: Path) -> None:
    shaped.write_scan(top, fold=3)


def _no_subsets(top: Path) -> None:
    _scan(top).unlink()


def _odd_name(top: Path) -> None:
    _scan(top).rename(top / "subset0" / "patient one.mhd")


def _half_a_map(top: Path) -> None:
    (top / "patients.csv").write_text("seriesuid,patient\n1.2.3,LIDC-IDRI-0001\n")


def _gone(name: str) -> Callable[[Path], None]:
    return lambda top: (top / name).unlink()


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "no truth": (_gone("annotations.csv"), "annotations.csv is missing"),
    "no ignore list": (_gone("annotations_excluded.csv"), "annotations_excluded.csv is missing"),
    "wrong columns": (_header, "no column coordX, coordY, coordZ"),
    "a place that is no number": (_table(f"{shaped.UID},x,1,2,3"), "line 2: coordX is 'x'"),
    "NaN": (_table(f"{shaped.UID},nan,1,2,3"), "line 2: coordX is 'nan'"),
    "a short row": (_table(f"{shaped.UID},1,2"), "line 2: too few values"),
    "a nodule of no size": (_table(f"{shaped.UID},1,2,3,0"), "line 2: a nodule of 0.0 mm"),
    "no subsets": (_no_subsets, "no subset with a .mhd"),
    "voxels are missing": (_no_raw, "its voxels are missing"),
    "voxels end early": (_short_raw, "has 418 bytes, 420 are promised"),
    "the same series twice": (_twice, "lies in subset0 too"),
    "a name that is no UID": (_odd_name, "its name is no series UID"),
    "a patient is not in the map": (_half_a_map, "does not name the patient"),
    "NaN spacing": (_edit("ElementSpacing = 0.5", "ElementSpacing = nan"), "ElementSpacing"),
    "no spacing": (_edit("ElementSpacing = 0.5 0.75 2\n", ""), "no ElementSpacing"),
    "negative spacing": (_edit("ElementSpacing = 0.5", "ElementSpacing = -0.5"), "Spacing"),
    "a huge size": (_edit("DimSize = 7 6 5", "DimSize = 70000 60000 5"), "DimSize"),
    "an empty size": (_edit("DimSize = 7 6 5", "DimSize = 7 0 5"), "DimSize"),
    "two dimensions": (_edit("DimSize = 7 6 5", "DimSize = 7 6"), "DimSize"),
    "another kind of voxel": (_edit("MET_SHORT", "MET_STRING"), "ElementType is MET_STRING"),
    "voxels elsewhere": (
        _edit(f"ElementDataFile = {shaped.UID}", "ElementDataFile = ../../x"),
        "expected a file beside it",
    ),
    "voxels in the header": (
        _edit(f"ElementDataFile = {shaped.UID}.raw", "ElementDataFile = LOCAL"),
        "expected a file beside it",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_folder_is_refused_by_name(top: Path, name: str) -> None:
    change, why = BAD[name]
    change(top)
    with pytest.raises(DataRefused, match=why):
        luna16.read(str(top))


@pytest.mark.parametrize("place", ["nowhere", "empty"])
def test_a_folder_that_is_none_of_it_says_what_is_expected(tmp_path: Path, place: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataRefused, match="expected LUNA16"):
        luna16.read(str(tmp_path / place))


def test_damaged_packed_voxels_are_refused(tmp_path: Path) -> None:
    path = shaped.write_scan(tmp_path, packed=True)
    packed = path.with_suffix(".zraw")
    packed.write_bytes(packed.read_bytes()[:20])
    with pytest.raises(DataRefused, match="cannot be read"):
        mhd.read_volume(path)


def test_without_simpleitk_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shaped.write_scan(tmp_path, shaped.UID)
    [header] = tmp_path.rglob("*.mhd")
    assert mhd.read_volume(header).hu.size
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(DataRefused, match="make setup-train"):
        mhd.read_volume(header)
