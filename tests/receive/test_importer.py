"""Import: files, folders, archives; what is refused, what is skipped, what is complete."""

from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.receive import objects
from tests.receive.objects import ct, file_bytes, write_series
from triage.errors import OutOfResources
from triage.receive import archive as archives
from triage.receive.importer import ImportReport, import_paths
from triage.receive.intake import Intake
from triage.store.files import Files
from triage.store.session import Store
from triage.store.tables import Association, Instance, Quarantine, Study


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def refused(report: ImportReport) -> dict[str, str]:
    """Short source to code."""
    return {r.source.rpartition("/")[2].rpartition("!")[2]: r.code for r in report.refused}


def test_a_folder_is_taken(store: Store, intake: Intake, tmp_path: Path) -> None:
    write_series(tmp_path / "in" / "a", 3)
    write_series(tmp_path / "in" / "b", 2, study=objects.uid(5))
    seen: list[tuple[int, str]] = []
    report = import_paths(intake, [tmp_path / "in"], progress=lambda n, s: seen.append((n, s)))
    assert {uid: s.taken for uid, s in report.studies.items()} == {
        objects.STUDY: 3,
        objects.uid(5): 2,
    }
    assert [n for n, _ in seen] == [1, 2, 3, 4, 5]
    assert report.complete
    with store.reading() as uow:
        row = uow.scalars(select(Association)).one()
        assert uow.scalar(select(func.count()).select_from(Study)) == 2
    assert (row.door, row.close_reason, row.stored) == ("import", "released", 5)


def test_a_second_run_takes_nothing_and_says_so(intake: Intake, tmp_path: Path) -> None:
    write_series(tmp_path / "in", 3)
    import_paths(intake, [tmp_path / "in"])
    again = import_paths(intake, [tmp_path / "in"]).to_json()
    assert (again["taken"], again["duplicates"], again["quarantined"]) == (0, 3, 0)
    assert json.loads(json.dumps(again)) == again


def test_a_zip_is_taken(intake: Intake, files: Files, tmp_path: Path) -> None:
    members = {f"study/{n}.dcm": file_bytes(ct(n)) for n in (1, 2)}
    report = import_paths(intake, [make_zip(tmp_path / "s.zip", members)])
    assert report.studies[objects.STUDY].taken == 2
    assert len(list(files.keys())) == 2


def test_mixed_folder_is_told_item_by_item(
    store: Store, intake: Intake, quarantine: Files, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    write_series(folder, 2)
    bad = {
        "empty.dcm": (b"", "empty"),
        "noise": (b"not dicom at all" * 20, "not_dicom"),
        "spacing.dcm": (file_bytes(ct(7, PixelSpacing=None)), "no_pixel_spacing"),
        "mr.dcm": (file_bytes(ct(8, SOPClassUID=objects.MR, Modality="MR")), "class_not_supported"),
        "short.dcm": (file_bytes(ct(9))[:-50], "truncated_pixels"),
    }
    for name, (data, _) in bad.items():
        (folder / name).write_bytes(data)
    for name in ("notes.txt", "DICOMDIR", ".DS_Store", "truth.json"):
        (folder / name).write_bytes(b"clutter")
    report = import_paths(intake, [folder])
    assert refused(report) == {name: code for name, (_, code) in bad.items()}
    assert {Path(s).name for s in report.skipped} == {
        "notes.txt", "DICOMDIR", ".DS_Store", "truth.json",
    }  # fmt: skip
    with store.reading() as uow:
        rows = {Path(q.source).name: q for q in uow.scalars(select(Quarantine))}
    assert rows.keys() == bad.keys()
    for name, (data, _) in bad.items():
        assert quarantine.read(rows[name].digest) == data
    assert report.to_json()["reasons"] == {code: 1 for _, code in bad.values()}


def test_a_named_text_file_is_no_clutter(intake: Intake, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("meant as an object")
    assert refused(import_paths(intake, [tmp_path / "x.txt"])) == {"x.txt": "not_dicom"}


def test_dicom_named_like_clutter_is_taken(intake: Intake, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "slice.txt").write_bytes(file_bytes(ct(1)))
    assert import_paths(intake, [tmp_path / "in"]).studies[objects.STUDY].taken == 1


def test_links_and_pipes_in_folders_are_not_followed(intake: Intake, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_series(folder, 1)
    (tmp_path / "secret.dcm").write_bytes(file_bytes(ct(2)))
    (folder / "link.dcm").symlink_to(tmp_path / "secret.dcm")
    os.mkfifo(folder / "pipe.dcm")
    report = import_paths(intake, [folder])
    assert refused(report) == {"link.dcm": "not_a_file", "pipe.dcm": "not_a_file"}
    assert report.studies[objects.STUDY].taken == 1


@pytest.mark.parametrize(
    "name",
    ["../evil.dcm", "a/../../evil.dcm", "/etc/evil.dcm", "..\\evil.dcm", "C:\\evil.dcm", "C:evil"],
)
def test_names_that_lead_out_of_an_archive_are_refused_and_the_rest_is_taken(
    name: str, intake: Intake, tmp_path: Path
) -> None:
    members = {name: file_bytes(ct(1)), "good.dcm": file_bytes(ct(2))}
    (tmp_path / "deep" / "er").mkdir(parents=True)
    path = make_zip(tmp_path / "deep" / "er" / "s.zip", members)
    before = sorted(p for p in tmp_path.rglob("*evil*"))
    report = import_paths(intake, [path])
    assert [r.code for r in report.refused] == ["bad_name"]
    assert report.studies[objects.STUDY].taken == 1
    assert sorted(tmp_path.rglob("*evil*")) == before == []


def test_links_inside_an_archive_are_refused(intake: Intake, tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link.dcm")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert refused(import_paths(intake, [path])) == {"link.dcm": "not_a_file"}


def test_an_archive_in_an_archive_is_not_opened(intake: Intake, tmp_path: Path) -> None:
    inner = make_zip(tmp_path / "inner.zip", {"x.dcm": file_bytes(ct(1))}).read_bytes()
    outer = make_zip(tmp_path / "outer.zip", {"inner.bin": inner})
    assert refused(import_paths(intake, [outer])) == {"inner.bin": "nested_zip"}


def test_bombs_are_refused_unopened(intake: Intake, tmp_path: Path) -> None:
    bomb = make_zip(tmp_path / "bomb.zip", {"x.dcm": bytes(64 << 20)})
    report = import_paths(intake, [bomb])
    assert [r.code for r in report.refused] == ["zip_bomb"]


def test_one_steep_member_among_sound_ones_is_refused(intake: Intake, tmp_path: Path) -> None:
    members = {"bomb.dcm": bytes(20 << 20), "noise.bin": os.urandom(1 << 20)}
    report = import_paths(intake, [make_zip(tmp_path / "s.zip", members)])
    assert refused(report) == {"bomb.dcm": "zip_bomb", "noise.bin": "not_dicom"}


def test_a_member_that_lies_about_its_size_is_refused(intake: Intake, tmp_path: Path) -> None:
    path = tmp_path / "lie.zip"
    make_zip(path, {"x.dcm": bytes(5000)})
    raw = bytearray(path.read_bytes())
    at = raw.rindex(b"PK\x01\x02")
    raw[at + 24 : at + 28] = (100).to_bytes(4, "little")
    path.write_bytes(raw)
    assert refused(import_paths(intake, [path]))["x.dcm"] in ("zip_bomb", "bad_zip")


def test_too_many_members_are_refused(
    intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    path = make_zip(tmp_path / "s.zip", {f"{n}": b"" for n in range(3)})
    assert [r.code for r in import_paths(intake, [path]).refused] == ["zip_bomb"]


@pytest.mark.parametrize("raw", [b"PK\x03\x04", b"PK\x03\x04" + b"x" * 500])
def test_a_broken_archive_is_told(raw: bytes, intake: Intake, tmp_path: Path) -> None:
    (tmp_path / "s.zip").write_bytes(raw)
    assert [r.code for r in import_paths(intake, [tmp_path / "s.zip"]).refused] == ["bad_zip"]


def test_a_damaged_member_is_told(intake: Intake, tmp_path: Path) -> None:
    path = make_zip(tmp_path / "s.zip", {"x.dcm": os.urandom(4000), "y.dcm": file_bytes(ct(1))})
    raw = bytearray(path.read_bytes())
    raw[300] ^= 0xFF
    path.write_bytes(raw)
    report = import_paths(intake, [path])
    assert refused(report) == {"x.dcm": "bad_zip"}
    assert report.studies[objects.STUDY].taken == 1


def test_a_dicom_file_that_starts_like_an_archive_is_dicom(
    intake: Intake, files: Files, tmp_path: Path
) -> None:
    (tmp_path / "x.dcm").write_bytes(file_bytes(ct(1), preamble=b"PK\x03\x04" + bytes(124)))
    assert import_paths(intake, [tmp_path / "x.dcm"]).studies[objects.STUDY].taken == 1
    (key,) = files.keys()
    assert files.read(key)[:128] == bytes(128)


def test_full_disk_ends_the_run_as_broken_off(
    store: Store, quarantine: Files, tmp_path: Path
) -> None:
    write_series(tmp_path / "in", 3)
    full = Files(tmp_path / "objects", reserve_bytes=1 << 60)
    with pytest.raises(OutOfResources):
        import_paths(Intake(store, full, quarantine), [tmp_path / "in"])
    with store.reading() as uow:
        assert uow.scalars(select(Association.close_reason)).one() == "aborted"
        assert uow.scalar(select(func.count()).select_from(Instance)) == 0
    full.reserve_bytes = 0
    report = import_paths(Intake(store, full, quarantine), [tmp_path / "in"])
    assert report.studies[objects.STUDY].taken == 3


@pytest.mark.real
def test_a_real_zip_is_taken_whole(store: Store, intake: Intake, shared_data: Path) -> None:
    path = shared_data / "series" / "LIDC-IDRI-0001.zip"
    with zipfile.ZipFile(path) as archive:
        expected = len([i for i in archive.infolist() if not i.is_dir()])
    report = import_paths(intake, [path])
    (study,) = report.studies.values()
    assert (study.taken, report.refused, report.skipped) == (expected, [], [])
    with store.reading() as uow:
        assert uow.scalars(select(Study.revision)).one() == expected == 133


def test_import_of_nothing_is_no_error(intake: Intake, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    report = import_paths(intake, [tmp_path / "in"])
    assert (report.to_json()["taken"], report.complete) == (0, True)
    assert io.StringIO(json.dumps(report.to_json())).read()
