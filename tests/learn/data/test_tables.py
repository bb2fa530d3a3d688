"""Tables and nodule windows: columns checked, pictures decoded, no negatives where nodules lie."""

from __future__ import annotations

import gzip
import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import jpeg_ls
import numpy as np
import pytest

from triage.errors import DataRefused
from triage.learn.data.reader_tables import read_marks, read_outlines, rows
from triage.learn.data.windows import NoduleWindow, Other

MARK = "patient,series_uid,kind,x_px,y_px,z_mm,reader,spacing_px_mm"


def packed(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_a_mark_is_read(tmp_path: Path) -> None:
    path = packed(tmp_path / "m.csv.gz", f"{MARK},extra\nP,1.2,non_nodule,3,4,-5.5,2,0.7,x\n")
    [mark] = read_marks(path)
    assert (mark.patient, mark.series_uid, mark.kind) == ("P", "1.2", "non_nodule")
    assert (mark.x_px, mark.y_px, mark.z_mm, mark.reader, mark.pixel_mm) == (3, 4, -5.5, 2, 0.7)


BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (gzip.compress(b""), "no column patient"),
    "other columns": (gzip.compress(b"a,b\n1,2\n"), "no column patient, series_uid"),
    "a short row": (gzip.compress(f"{MARK}\nP,1.2\n".encode()), "line 2: too few"),
    "no number": (
        gzip.compress(f"{MARK}\nP,1,k,3,4,inf,2,0.7\n".encode()),
        "line 2: z_mm is 'inf'",
    ),
    "not packed": (b"patient", "cannot be read"),
    "cut off": (gzip.compress(f"{MARK}\n".encode() * 99)[:30], "cannot be read"),
    "not text": (gzip.compress(b"\xff\xfe\x00"), "cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_refused_by_name(tmp_path: Path, name: str) -> None:
    content, why = BAD[name]
    (tmp_path / "m.csv.gz").write_bytes(content)
    with pytest.raises(DataRefused, match=why) as refused:
        read_marks(tmp_path / "m.csv.gz")
    assert "m.csv.gz" in refused.value.message


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="is missing"):
        read_outlines(tmp_path / "none.csv.gz")


def test_plain_tables_with_a_mark_of_byte_order_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("\ufeffa,b\n1,2\n", encoding="utf-8")
    assert [(line, row["a"]) for line, row in rows(tmp_path / "t.csv", ["a"])] == [(2, "1")]


# ---------------------------------------------------------------- windows

SPACING = (2.0, 1.0, 1.0)


def window(folder: Path, **changes: object) -> NoduleWindow:
    """Three slices; the nodule is a block of 4 x 4 pixels in the middle one."""
    grey = (np.arange(3 * 64 * 64) % 251).astype(np.uint8).reshape(3, 64, 64)
    counts = np.zeros((5, 64, 64), np.uint8)
    counts[2, 30:34, 30:34] = 3
    np.savez_compressed(folder / "readers.npz", readers=counts)
    with zipfile.ZipFile(folder / "slices.zip", "w") as archive:
        encoded = jpeg_ls.encode(grey.reshape(3 * 64, 64))
        archive.writestr("n0.jls", np.asarray(encoded).tobytes())
    made = NoduleWindow(
        name="n0", patient="P", role="train", readers=3, positive=True, n_slices=3,
        diameter_mm=4.0, texture=5.0, spacing_zyx_mm=SPACING, series_uid="1.2", match_cost=0.1,
        marked_small=0, others=(), hu_intercept=(-1000.0, -900.0, -800.0),
        hu_slope=(10.0, 11.0, 12.0), offset=1, sha256=_sha(grey), archive=folder / "slices.zip",
        outlines=folder / "readers.npz",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def _sha(grey: np.ndarray) -> str:
    return hashlib.sha256(grey.tobytes()).hexdigest()[:16]


def test_pictures_are_estimated_hu(tmp_path: Path) -> None:
    hu = window(tmp_path).hu()
    assert hu.shape == (3, 64, 64)
    assert hu.dtype == np.float32
    assert hu[0, 0, 1] == -1000 + 10 * 1
    assert hu[2, 0, 0] == -800 + 12 * (2 * 64 * 64 % 251)


def test_readers_cover_the_nodule(tmp_path: Path) -> None:
    counts = window(tmp_path).reader_counts()
    assert (counts.shape, counts[1, 30, 33], counts[0].max()) == ((3, 64, 64), 3, 0)


def test_no_negatives_near_the_nodule(tmp_path: Path) -> None:
    free = window(tmp_path).may_be_negative(5.0)
    assert not free[1, 30:34, 30:34].any()
    assert (free[1, 32, 38], free[1, 32, 39]) == (False, True)  # 5 and 6 mm beside it
    assert (free[0, 32, 37], free[0, 32, 38]) == (False, True)  # 2 mm above: 4.5 and 5.4 mm
    assert free[1, 5, 5]


@pytest.mark.parametrize(
    ("kind", "reach"), [("nodule", 15), ("nodule_lt_3mm", 5), ("non_nodule", 5)]
)
def test_no_negatives_near_others_either(tmp_path: Path, kind: str, reach: int) -> None:
    free = window(tmp_path, others=(Other(0.0, 0.0, 1.0, kind, 1),)).may_be_negative()
    assert (free[1, 0, reach], free[1, 0, reach + 1]) == (False, True)


def test_another_one_outside_the_window_reaches_in(tmp_path: Path) -> None:
    free = window(tmp_path, others=(Other(5.0, 5.0, -2.0, "non_nodule", 1),)).may_be_negative()
    assert (free[0, 5, 5], free[1, 5, 5]) == (False, True)  # 4 mm and 6 mm below


def test_without_outlines_nothing_is_negative(tmp_path: Path) -> None:
    assert not window(tmp_path, offset=0, n_slices=1).may_be_negative().any()


def test_where_the_spacing_is_not_known_more_is_kept_clear(tmp_path: Path) -> None:
    known = window(tmp_path).may_be_negative()
    unknown = window(tmp_path, spacing_zyx_mm=None).may_be_negative()
    assert unknown.sum() < known.sum()
    assert window(tmp_path, spacing_zyx_mm=None).thickness_mm is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"sha256": "0" * 16}, "not the picture it was"),
        ({"name": "n1"}, "cannot be read"),
        ({"n_slices": 4}, "cannot be read"),
        ({"archive": Path("nowhere.zip")}, "cannot be read"),
    ],
)
def test_a_wrong_picture_is_refused(tmp_path: Path, changes: dict[str, object], why: str) -> None:
    with pytest.raises(DataRefused, match=why):
        window(tmp_path, **changes).hu()


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    made = window(tmp_path)
    made.archive.write_bytes(made.archive.read_bytes()[:100])
    with pytest.raises(DataRefused, match="cannot be read"):
        made.hu()
