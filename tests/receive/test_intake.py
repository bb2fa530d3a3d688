"""One object through the door, on both databases: what is answered, what is kept, what is not."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from sqlalchemy import event, func, select

from tests.receive import objects
from tests.receive.conftest import send
from tests.receive.objects import ct, data_set
from triage.errors import OutOfResources
from triage.receive.intake import Intake, Message, Outcome, Receipt
from triage.store import events
from triage.store.files import Files
from triage.store.session import Store
from triage.store.tables import Association, Base, Instance, Quarantine, Series, Study


def count(store: Store, table: type[Base]) -> int:
    with store.reading() as uow:
        return int(uow.scalar(select(func.count()).select_from(table)) or 0)


def study_of(store: Store, study_uid: str = objects.STUDY) -> Study:
    with store.reading() as uow:
        return uow.get_one(Study, study_uid)


def kept(files: Files) -> list[str]:
    return sorted(files.keys())


# ---------------------------------------------------------------- what is taken


def test_an_instance_becomes_file_and_rows(
    any_store: Store, any_intake: Intake, files: Files
) -> None:
    receipt = send(any_intake, ct(5))
    assert (receipt.outcome, receipt.dimse_status) == (Outcome.STORED, 0x0000)
    assert kept(files) == [receipt.digest]
    study = study_of(any_store)
    assert (study.patient_id, study.patient_name) == ("P1", "Wang^XiaoDong=王^小东")
    assert (study.accession, study.study_date, study.state) == ("A77", "20260102", "receiving")
    assert (study.revision, study.planned_revision) == (1, 0)
    with any_store.reading() as uow:
        series = uow.get_one(Series, objects.uid(1))
        instance = uow.scalars(select(Instance)).one()
    assert (series.instances, series.kernel, series.modality) == (1, "B60f", "CT")
    assert instance.header["image_position_patient"] == [-10.0, -10.0, 5.0]
    assert instance.size == files.path_of(receipt.digest).stat().st_size


def test_stored_file_holds_the_data_set_byte_for_byte(intake: Intake, files: Files) -> None:
    receipt = send(intake, ct(5))
    stored = files.read(receipt.digest)
    assert stored.endswith(data_set(ct(5)))
    assert stored[:132] == b"\0" * 128 + b"DICM"
    again = pydicom.dcmread(files.path_of(receipt.digest))
    assert again.file_meta.TransferSyntaxUID == objects.EXPLICIT
    assert again.pixel_array[0, 0] == 5


def test_pixel_offset_in_the_row_is_true(store: Store, intake: Intake, files: Files) -> None:
    receipt = send(intake, ct(9))
    with store.reading() as uow:
        header = uow.scalars(select(Instance.header)).one()
    whole, start = files.read(receipt.digest), header["pixel_offset"]
    assert whole[start : start + header["pixel_length"]] == b"\x09\x00" * objects.SIZE**2
    assert header["encapsulated"] is False


def test_same_object_again_is_success_and_changes_nothing(
    any_store: Store, any_intake: Intake, files: Files
) -> None:
    first, second = send(any_intake, ct(1)), send(any_intake, ct(1))
    assert (second.outcome, second.dimse_status) == (Outcome.DUPLICATE, 0x0000)
    assert second.digest == first.digest
    assert (count(any_store, Instance), len(kept(files))) == (1, 1)
    assert study_of(any_store).revision == 1


def test_same_object_by_network_and_by_file_is_one(
    store: Store, intake: Intake, files: Files
) -> None:
    send(intake, ct(1))
    association = intake.open("import")
    whole = objects.file_bytes(ct(1), preamble=b"MZ" + b"\x01" * 126)
    receipt = intake.receive_file(association, whole, "x.dcm")
    assert receipt.outcome is Outcome.DUPLICATE
    assert len(kept(files)) == 1


def test_same_uid_with_other_content_keeps_both(
    any_store: Store, any_intake: Intake, files: Files
) -> None:
    send(any_intake, ct(1))
    other = send(any_intake, ct(1, RescaleIntercept="-1000"))
    assert (other.outcome, other.dimse_status) == (Outcome.CONFLICT, 0x0000)
    assert len(kept(files)) == 2
    with any_store.reading() as uow:
        conflicts = dict(uow.execute(select(Instance.digest, Instance.conflict)).all())
        assert uow.get_one(Series, objects.uid(1)).instances == 1
    assert conflicts[other.digest] is True
    assert sorted(conflicts.values()) == [False, True]
    assert [f["code"] for f in study_of(any_store).flags] == ["same_uid_other_content"]
    # The third time is no new conflict: both are known.
    assert send(any_intake, ct(1, RescaleIntercept="-1000")).outcome is Outcome.DUPLICATE


def test_a_dose_report_is_stored_and_is_no_news(any_store: Store, any_intake: Intake) -> None:
    report = ct(1, series=7, SOPClassUID=objects.DOSE_SR, Modality="SR", PixelData=None)
    assert send(any_intake, report).outcome is Outcome.STORED
    study = study_of(any_store)
    assert (study.revision, study.state) == (0, "receiving")
    assert "no image" in study.state_reason
    send(any_intake, ct(1))
    study = study_of(any_store)
    assert (study.revision, study.state_reason) == (1, "")


def test_other_name_for_one_patient_is_flagged_and_the_first_is_shown(
    store: Store, intake: Intake
) -> None:
    send(intake, ct(1))
    send(intake, ct(2, PatientName="Li^Si"))
    study = study_of(store)
    assert study.patient_name.startswith("Wang")
    assert [f["code"] for f in study.flags] == ["patient_details_differ"]


def test_issuer_counts_only_where_both_name_one(store: Store, intake: Intake) -> None:
    send(intake, ct(1))
    assert send(intake, ct(2, IssuerOfPatientID="HOSP-A")).outcome is Outcome.STORED
    study = objects.uid(88)
    send(intake, ct(1, study=study, IssuerOfPatientID="HOSP-A"))
    other = send(intake, ct(2, study=study, IssuerOfPatientID="HOSP-B"))
    assert other.code == "other_patient"


def test_over_long_texts_fit_their_columns(any_store: Store, any_intake: Intake) -> None:
    with pytest.warns(UserWarning, match="exceeds"):
        long = ct(1, StudyDescription="D" * 500, PatientAge="1234567Y", BodyPartExamined="B" * 99)
        receipt = send(any_intake, long)
    assert receipt.outcome is Outcome.STORED
    assert study_of(any_store).description == "D" * 64


# ---------------------------------------------------------------- what is not: the table


@dataclass(frozen=True)
class Bad:
    """One bad object: how it is made, and everything that must follow."""

    name: str
    make: Callable[
        [], tuple[bytes, str, str, str]
    ]  # data set, syntax, class and UID of the message
    status: int
    code: str
    words: str


def _sent(ds: Dataset, syntax: str = objects.EXPLICIT) -> tuple[bytes, str, str, str]:
    return data_set(ds, syntax), syntax, str(ds.SOPClassUID), str(ds.SOPInstanceUID)


def _raw(raw: bytes, syntax: str = objects.EXPLICIT) -> tuple[bytes, str, str, str]:
    return raw, syntax, objects.CT, objects.uid(1, 1)


def _with_uid(bad: str) -> tuple[bytes, str, str, str]:
    """The bad UID in message and data set alike: only its own form is wrong."""
    raw = data_set(ct(SOPInstanceUID="1.9"))
    sop = raw.index(b"\x08\x00\x18\x00UI")
    value = bad.encode() + b"\0" * (len(bad) % 2)
    own = objects.element(0x00080018, b"UI", value)
    return raw[:sop] + own + raw[sop + 12 :], objects.EXPLICIT, objects.CT, bad


BAD = [
    Bad("not DICOM", lambda: _raw(b"GIF89a" * 50), 0xC000, "bad_encoding", "transfer syntax"),
    Bad("0 bytes", lambda: _raw(b""), 0xC000, "bad_uid", "missing"),
    Bad(
        "other modality",
        lambda: _sent(ct(SOPClassUID=objects.MR, Modality="MR")),
        0x0122,
        "class_not_supported",
        "MR",
    ),
    Bad(
        "no pixel spacing",
        lambda: _sent(ct(PixelSpacing=None)),
        0xC000,
        "no_pixel_spacing",
        "(0028,0030) Pixel Spacing is missing; sizes in mm are not possible",
    ),
    Bad("no place", lambda: _sent(ct(ImagePositionPatient=None)), 0xC000, "no_position", "place"),
    Bad(
        "truncated pixels",
        lambda: _raw(data_set(ct())[:-200]),
        0xC000,
        "truncated_pixels",
        "512 bytes are claimed, 312 are there",
    ),
    Bad(
        "truncated RLE",
        lambda: _raw(data_set(objects.compressed(ct()), objects.JPEG_LS)[:-8], objects.JPEG_LS),
        0xC000,
        "truncated_pixels",
        "ends early",
    ),
    Bad(
        "deflate bomb",
        lambda: _raw(objects.deflate_bomb(64), objects.DEFLATED),
        0xC000,
        "deflate_bomb",
        "bound",
    ),
    Bad("500 deep", lambda: _raw(objects.deep_bytes(500)), 0xC000, "too_deep", "nested"),
    Bad(
        "length bomb",
        lambda: _raw(objects.element(0x00091001, b"OB", b"", 0xFFFFFFF0)),
        0xC000,
        "truncated",
        "claims 4294967280 bytes",
    ),
    Bad("empty UID", lambda: _with_uid(""), 0xC000, "bad_uid", "is empty"),
    Bad("path as UID", lambda: _with_uid("../../../tmp/x"), 0xC000, "bad_uid", "9.1"),
    Bad("NUL in UID", lambda: _with_uid("1.2\0.3"), 0xC000, "bad_uid", "9.1"),
    Bad("65 in UID", lambda: _with_uid("1." + "2" * 63), 0xC000, "bad_uid", "9.1"),
    Bad(
        "other UID in message",
        lambda: (data_set(ct()), objects.EXPLICIT, objects.CT, objects.uid(1, 99)),
        0xA900,
        "identity_mismatch",
        "SOP Instance UID",
    ),
    Bad(
        "other class in message",
        lambda: (data_set(ct()), objects.EXPLICIT, objects.DOSE_SR, objects.uid(1, 1)),
        0xA900,
        "identity_mismatch",
        "SOP Class UID",
    ),
    Bad(
        "big endian",
        lambda: _raw(data_set(ct()), objects.BIG_ENDIAN),
        0xC000,
        "transfer_syntax",
        "Big Endian",
    ),
]


@pytest.mark.parametrize("bad", BAD, ids=[b.name for b in BAD])
def test_bad_object_is_set_aside_with_a_reason_and_the_association_lives(
    bad: Bad, any_store: Store, any_intake: Intake, files: Files, quarantine: Files, tmp_path: Path
) -> None:
    raw, syntax, sop_class, sop_uid = bad.make()
    association = any_intake.open("dimse", calling_ae="CT1")
    message = Message(syntax, sop_class, sop_uid, "CT1 10.0.0.7")
    receipts = [any_intake.receive(association, raw, message) for _ in range(2)]
    for receipt in receipts:
        assert (receipt.outcome, receipt.dimse_status) == (Outcome.QUARANTINED, bad.status)
        assert receipt.code == bad.code
        assert bad.words in receipt.message
    with any_store.reading() as uow:
        row = uow.scalars(select(Quarantine)).one()
    assert (row.code, row.dimse_status, row.times) == (bad.code, bad.status, 2)
    assert (row.message, row.source) == (receipts[0].message, "CT1 10.0.0.7")
    assert kept(quarantine) == [row.digest]
    assert quarantine.read(row.digest).endswith(raw)
    assert kept(files) == []
    assert (count(any_store, Study), count(any_store, Instance)) == (0, 0)
    # Nothing lies outside the two folders, whatever the UID says.
    allowed = {"objects", "quarantine"}
    assert {p.name for p in tmp_path.iterdir() if p.is_dir()} <= allowed
    # A sound object on the same association is taken.
    sound = Message(objects.EXPLICIT, objects.CT, objects.uid(1, 7), "CT1")
    assert any_intake.receive(association, data_set(ct(7)), sound).outcome is Outcome.STORED


def test_another_patient_in_one_study_is_set_aside(
    any_store: Store, any_intake: Intake, quarantine: Files
) -> None:
    send(any_intake, ct(1))
    receipt = send(any_intake, ct(2, PatientID="P2"))
    assert (receipt.code, receipt.dimse_status) == ("other_patient", 0xA900)
    assert kept(quarantine) == [receipt.digest]
    assert (count(any_store, Instance), study_of(any_store).revision) == (1, 1)


def test_without_patient_id_name_and_birth_date_must_agree(store: Store, intake: Intake) -> None:
    send(intake, ct(1, PatientID=""))
    assert send(intake, ct(2, PatientID="")).outcome is Outcome.STORED
    assert send(intake, ct(3, PatientID="", PatientName="Li^Si")).code == "other_patient"
    assert send(intake, ct(4)).code == "other_patient"


def test_one_series_in_two_studies_is_set_aside(any_store: Store, any_intake: Intake) -> None:
    send(any_intake, ct(1))
    other = ct(2, StudyInstanceUID=objects.uid(77))
    receipt = send(any_intake, other)
    assert (receipt.code, receipt.dimse_status) == ("other_study", 0xA900)
    assert count(any_store, Study) == 1


@pytest.mark.parametrize("first", ["good", "bad"])
@pytest.mark.parametrize("how", ["no spacing", "truncated"])
def test_a_study_says_that_something_of_it_was_set_aside(
    first: str, how: str, any_store: Store, any_intake: Intake
) -> None:
    ds = ct(2, PixelSpacing=None) if how == "no spacing" else ct(2)
    raw = data_set(ds) if how == "no spacing" else data_set(ds)[:-10]

    def bad() -> None:
        message = Message(objects.EXPLICIT, objects.CT, objects.uid(1, 2), "CT1")
        association = any_intake.open("dimse", calling_ae="CT1")
        receipt = any_intake.receive(association, raw, message)
        assert (receipt.outcome, receipt.study_uid) == (Outcome.QUARANTINED, objects.STUDY)
        any_intake.close(association, "released")

    if first == "bad":
        bad()
    send(any_intake, ct(1))
    if first == "good":
        bad()
    assert [f["code"] for f in study_of(any_store).flags] == ["object_set_aside"]
    assert study_of(any_store).revision == 1


def test_another_modality_of_the_study_is_not_missed(store: Store, intake: Intake) -> None:
    send(intake, ct(1, SOPClassUID=objects.MR, Modality="MR"))
    send(intake, ct(1))
    assert study_of(store).flags == []


HOSTILE = [
    b"\x00\x01\x02\x1b\x7f",
    b"'; DROP TABLE triage_study; --",
    b"<script>alert(1)</script>",
    b"\xff\xfe\xed\xa0\x80",
    "\u202etxt.exe".encode(),
    b"../../../../etc/passwd\x00",
    b"\\" * 64,
    b"CON",
    b"A" * 4000,
    b"{{7*7}}%s%n$(id)",
]


def test_hostile_text_in_every_field_is_text_or_refused(
    any_store: Store, any_intake: Intake, tmp_path: Path
) -> None:
    keywords = ["PatientName", "PatientID", "AccessionNumber", "StudyDescription"]
    keywords += ["SeriesDescription", "ConvolutionKernel", "PatientAge", "PatientSex"]
    receipts: list[Receipt] = []
    association = any_intake.open("dimse", calling_ae="CT1")
    for n, (text, keyword) in enumerate(itertools.product(HOSTILE, keywords), start=100):
        ds = ct(1, study=objects.uid(n))
        delattr(ds, keyword)
        value = text + b" " * (len(text) % 2)
        raw = objects.element(int(Tag(keyword)), b"LO", value) + data_set(ds)
        message = Message(objects.EXPLICIT, objects.CT, str(ds.SOPInstanceUID), "CT1")
        receipts.append(any_intake.receive(association, raw, message))
    any_intake.close(association, "released")
    taken = [r for r in receipts if r.outcome is Outcome.STORED]
    assert {r.code for r in receipts if r not in taken} == {"bad_identity"}
    assert len(taken) >= len(receipts) - 4
    assert count(any_store, Study) == len(taken)
    assert {p.name for p in tmp_path.iterdir() if p.is_dir()} <= {"objects", "quarantine"}


# ---------------------------------------------------------------- resources


def test_below_the_disk_reserve_nothing_is_taken_and_nothing_is_visible(
    any_store: Store, quarantine: Files, tmp_path: Path
) -> None:
    full = Files(tmp_path / "objects", reserve_bytes=1 << 60)
    intake = Intake(any_store, full, quarantine)
    with pytest.raises(OutOfResources) as refusal:
        send(intake, ct(1))
    assert refusal.value.dimse_status == 0xA700
    assert (kept(full), count(any_store, Study), count(any_store, Instance)) == ([], 0, 0)
    full.reserve_bytes = 0
    assert send(intake, ct(1)).outcome is Outcome.STORED


def test_full_disk_refuses_what_would_go_to_quarantine_too(
    store: Store, files: Files, tmp_path: Path
) -> None:
    full = Files(tmp_path / "quarantine", reserve_bytes=1 << 60)
    with pytest.raises(OutOfResources):
        send(Intake(store, files, full), ct(1, PixelSpacing=None))
    assert (kept(full), count(store, Quarantine)) == ([], 0)


def test_full_database_is_no_success(store: Store, intake: Intake) -> None:
    send(intake, ct(1))

    def squeeze(connection: object, *_: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute(
            "PRAGMA max_page_count=1"
        )  # SQLite's own full disk: it goes to the present size
        cursor.close()

    event.listen(store.engine, "checkout", squeeze)
    big = "X" * 60
    taken = 0
    with pytest.raises(OutOfResources, match="database"):
        for number in range(2, 2000):
            send(intake, ct(number, SeriesDescription=big))
            taken += 1
    event.remove(store.engine, "checkout", squeeze)
    with store.reading() as uow:
        assert uow.scalar(select(func.count()).select_from(Instance)) in (taken + 1, taken + 2)


# ---------------------------------------------------------------- many at once


def test_eight_senders_of_one_study_store_each_object_once(
    any_store: Store, any_intake: Intake, files: Files
) -> None:
    receipts: list[Receipt] = []

    def sender(number: int) -> None:
        association = any_intake.open("dimse", calling_ae=f"CT{number}")
        for n in range(1, 11):
            message = Message(objects.EXPLICIT, objects.CT, objects.uid(1, n), "x")
            receipts.append(any_intake.receive(association, data_set(ct(n)), message))
        any_intake.close(association, "released")

    threads = [threading.Thread(target=sender, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert len(receipts) == 80
    assert sum(r.outcome is Outcome.STORED for r in receipts) == 10
    assert sum(r.outcome is Outcome.DUPLICATE for r in receipts) == 70
    assert (count(any_store, Instance), len(kept(files))) == (10, 10)
    study = study_of(any_store)
    assert study.revision == 10
    with any_store.reading() as uow:
        assert uow.get_one(Series, objects.uid(1)).instances == 10


def test_same_uid_other_content_at_once_has_one_winner(
    any_store: Store, any_intake: Intake
) -> None:
    barrier = threading.Barrier(4)

    def sender(number: int) -> None:
        barrier.wait(timeout=30)
        send(any_intake, ct(1, RescaleIntercept=str(-number)))

    threads = [threading.Thread(target=sender, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    with any_store.reading() as uow:
        conflicts = sorted(uow.scalars(select(Instance.conflict)))
    assert conflicts == [False, True, True, True]


# ---------------------------------------------------------------- associations and events


def test_an_instance_costs_one_commit(store: Store, intake: Intake) -> None:
    send(intake, ct(1))
    association = intake.open("dimse", calling_ae="CT1")
    written: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement == "BEGIN IMMEDIATE":
            written.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    message = Message(objects.EXPLICIT, objects.CT, objects.uid(1, 2), "CT1")
    intake.receive(association, data_set(ct(2)), message)
    event.remove(store.engine, "before_cursor_execute", note)
    assert written == ["BEGIN IMMEDIATE"]


def test_closing_tells_each_study_once(any_store: Store, any_intake: Intake) -> None:
    association = any_intake.open("dimse", calling_ae="CT1", called_ae="TRIAGE", address="10.0.0.7")
    for ds in (ct(1), ct(2), ct(1, series=2), ct(1, study=objects.uid(5))):
        message = Message(objects.EXPLICIT, objects.CT, str(ds.SOPInstanceUID), "CT1")
        any_intake.receive(association, data_set(ds), message)
    assert any_intake.close(association, "released") == [objects.STUDY, objects.uid(5)]
    assert any_intake.close(association, "lost") == []
    with any_store.reading() as uow:
        told = events.after(uow, 0)
        row = uow.get_one(Association, association)
    received = [e for e in told if e.kind == "study.received"]
    assert [e.study_uid for e in received] == [objects.STUDY, objects.uid(5)]
    assert received[0].after is not None
    assert received[0].after | {"association": ""} == {
        "door": "dimse",
        "sender": "CT1",
        "association": "",
        "instances": 3,
        "series": 2,
        "reason": "released",
    }
    assert [e.kind for e in told].count("study.state") == 2
    assert (row.stored, row.quarantined, row.close_reason) == (4, 0, "released")
    assert (row.calling_ae, row.called_ae, row.address) == ("CT1", "TRIAGE", "10.0.0.7")


def test_recover_closes_what_a_dead_process_left_and_nothing_else(
    any_store: Store, any_intake: Intake
) -> None:
    mine = any_intake.open("dimse", calling_ae="CT1")
    host = any_intake.process.split("/")[0]
    others = {"dead": f"{host}/999999999/1", "elsewhere": "other-machine/1/1"}
    with any_store.unit_of_work() as uow:
        for name, process in others.items():
            uow.add(Association(id=name, door="dimse", calling_ae="CT1", process=process))
    assert any_intake.recover() == 1
    with any_store.reading() as uow:
        reasons = {a.id: a.close_reason for a in uow.scalars(select(Association))}
    assert reasons == {mine: "", "dead": "lost", "elsewhere": ""}


@pytest.mark.real
def test_real_slices_are_taken_and_decode(
    store: Store, intake: Intake, files: Files, shared_data: Path
) -> None:
    import zipfile

    taken = 0
    for case in ("LIDC-IDRI-0001", "LIDC-IDRI-0050", "LUNGx-CT003"):
        with zipfile.ZipFile(shared_data / "series" / f"{case}.zip") as archive:
            names = [n for n in archive.namelist() if not n.endswith("/")][:3]
            association = intake.open("import")
            for name in names:
                receipt = intake.receive_file(association, archive.read(name), name)
                assert receipt.outcome is Outcome.STORED, receipt.message
                assert pydicom.dcmread(files.path_of(receipt.digest)).pixel_array.shape == (
                    512,
                    512,
                )
                taken += 1
    assert (taken, count(store, Study), count(store, Instance)) == (9, 3, 9)
