"""The offline door: folders and ZIPs, foreign and hostile files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.detect import small_chest
from triage.detect import folder
from triage.detect.folder import read_files, read_header, snake, unpack
from triage.detect.slices import KEYWORDS
from triage.errors import CannotUnderstand, NotDicom
from triage.receive.header import snake as snake_at_the_door


@pytest.fixture
def one_slice(tmp_path: Path) -> Path:
    dataset = small_chest.slice_dataset(small_chest.chest().hu[3], 3)
    return next(small_chest.write(tmp_path / "one", [dataset]).iterdir())


def test_a_header_is_read_as_the_door_reads_it(one_slice: Path) -> None:
    series_uid, found = read_header(one_slice)
    assert (series_uid, found.sop_uid) == (small_chest.SERIES_UID, small_chest.sop_uid(3))
    assert found.key == str(one_slice) and found.modality == "CT"
    assert found.position is not None
    assert found.position.position_lps_mm == (-142.5, -142.5, -40.5)
    assert found.pixel_spacing_mm == (3.0, 3.0) and found.has_rescale
    assert found.image_type == ("ORIGINAL", "PRIMARY", "AXIAL")


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_both_doors_call_a_value_the_same(keyword: str) -> None:
    assert snake(keyword) == snake_at_the_door(keyword)


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\x00" * 200, b"\x00" * 128 + b"DICM" + b"x" * 9]
)
def test_foreign_bytes_are_not_dicom(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(content)
    with pytest.raises(NotDicom):
        read_header(path)
    assert read_files([path]) == ({}, 1)


def test_the_same_object_twice_is_one_slice(one_slice: Path) -> None:
    found, foreign = read_files([one_slice, one_slice])
    assert foreign == 0 and len(found[small_chest.SERIES_UID]) == 1


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_names_in_a_zip_are_never_paths(tmp_path: Path) -> None:
    names = {"../../up": b"1", "/tmp/abs": b"2", "a/b/c": b"3", "..\\..\\win": b"4"}
    into = tmp_path / "in" / "to"
    into.mkdir(parents=True)
    found = list(unpack(make_zip(tmp_path / "z.zip", names), into))
    assert [p.parent for p in found] == [into] * 4
    assert sorted(p.read_bytes() for p in found) == [b"1", b"2", b"3", b"4"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "z.zip"]


def test_a_bomb_stops_at_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_MEMBER_BYTES", 1 << 20)
    path = make_zip(tmp_path / "z.zip", {"bomb": bytes(8 << 20)})
    (tmp_path / "into").mkdir()
    with pytest.raises(CannotUnderstand, match="too much"):
        list(unpack(path, tmp_path / "into"))
    assert sum(p.stat().st_size for p in (tmp_path / "into").iterdir()) <= 1 << 20


def test_many_members_together_stop_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_UNPACKED_BYTES", 2500)
    path = make_zip(tmp_path / "z.zip", {f"m{i}": bytes(1000) for i in range(5)})
    (tmp_path / "into").mkdir()
    with pytest.raises(CannotUnderstand, match="too much"):
        list(unpack(path, tmp_path / "into"))


def test_too_many_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_MEMBERS", 3)
    path = make_zip(tmp_path / "z.zip", {f"m{i}": b"" for i in range(4)})
    with pytest.raises(CannotUnderstand, match="too many"):
        list(unpack(path, tmp_path))


@pytest.mark.parametrize("at", [40, 60])
def test_a_broken_zip_says_so(at: int, tmp_path: Path) -> None:
    path = make_zip(tmp_path / "z.zip", {"a": bytes(range(256)) * 20})
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    content[at + 1] ^= 0xFF
    path.write_bytes(content)
    (tmp_path / "into").mkdir()
    with pytest.raises(CannotUnderstand) as caught:
        list(unpack(path, tmp_path / "into"))
    assert caught.value.detail_code == "zip_unreadable"
