"""Completeness: the rules with a given clock, the queries on both databases, a real slow sender."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, update

from tests.commits import until_committed
from tests.receive import objects
from tests.receive.conftest import send
from tests.receive.doors import dcmtk, open_door, run
from tests.receive.objects import ct, data_set, file_bytes, write_series
from triage.errors import NotFound
from triage.pathway import COMPLETENESS, INSTANCES
from triage.receive.completeness import DueStudy, Evidence, due_studies, evidence
from triage.receive.importer import import_paths
from triage.receive.intake import Intake, Message
from triage.receive.quiet import NOTHING_READ, Sender, is_gap_free, judge
from triage.settings import PacsNode, Settings
from triage.store.files import Files
from triage.store.session import Store
from triage.store.tables import Association, Study, now

T0 = datetime(2026, 1, 2, 10, 0, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def sender(**changes: Any) -> Sender:
    """A released sender of 15 s quiet time that was last heard of at T0."""
    known: dict[str, Any] = {
        "name": "CT1",
        "is_import": False,
        "open": 0,
        "last_closed_at": T0,
        "broke_off": False,
        "quiet_s": 15.0,
    }
    return Sender(**(known | changes))


# What the senders do; seconds after T0 when the study counts as complete; a word of the reason.
RULES: list[tuple[str, list[Sender], float, str]] = [
    ("released", [sender()], 15, "CT1 quiet for 15 s"),
    ("own quiet time", [sender(quiet_s=3)], 3, "quiet for 3 s"),
    ("no quiet time", [sender(quiet_s=0)], 0, "quiet for 0 s"),
    ("later association of it", [sender(last_closed_at=at(100))], 115, "quiet"),
    ("open one", [sender(open=1)], 300, "is sending"),
    ("long quiet time, open", [sender(open=1, quiet_s=60)], 1200, "1200 s"),
    ("a router that is never quiet", [sender(last_closed_at=at(299))], 300, "goes on sending"),
    ("broke off", [sender(broke_off=True)], 60, "broke off"),
    ("import", [sender(is_import=True)], 0, "import is closed"),
    ("import broke off", [sender(is_import=True, broke_off=True)], 60, "broke off"),
    ("import runs", [sender(is_import=True, open=1, last_closed_at=None)], 300, "is sending"),
    ("two senders: the later", [sender(), sender(name="CT2", quiet_s=40)], 40, "CT2"),
    ("import and sender", [sender(is_import=True), sender()], 15, "CT1"),
]


@pytest.mark.parametrize(
    ("senders", "seconds", "word"), [r[1:] for r in RULES], ids=[r[0] for r in RULES]
)
def test_rule(senders: list[Sender], seconds: float, word: str) -> None:
    timing = judge(senders, T0, at(seconds))
    assert (timing.publish_at, timing.publish_ok) == (at(seconds), True)
    assert word in timing.why
    assert not judge(senders, T0, at(seconds - 0.001)).publish_ok


def test_nobody_sent_anything() -> None:
    timing = judge([], T0, at(1e6))
    assert (timing.publish_ok, timing.publish_at, timing.why) == (False, None, NOTHING_READ)


def _stack(*places_mm: float, **changes: Any) -> dict[str, dict[str, Any]]:
    header = {"image_orientation_patient": [1, 0, 0, 0, 1, 0], "image_type": ["ORIGINAL"]}
    return {
        f"1.{i}": header | {"image_position_patient": [0.0, 0.0, z]} | changes
        for i, z in enumerate(places_mm)
    }


EVEN = [float(z) for z in range(20)]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (_stack(*EVEN), True),
        (_stack(*reversed(EVEN)), True),
        (_stack(*EVEN[:19]), False),
        (_stack(*EVEN[:9], *EVEN[10:], 20.0), False),
        (_stack(*EVEN, 3.0), False),
        (_stack(*EVEN) | {"x": {}}, True),
        (_stack(*EVEN) | {"x": {"image_type": ["ORIGINAL", "LOCALIZER"]}}, True),
        (_stack(*EVEN, image_orientation_patient=None), False),
        ({}, False),
    ],
    ids=["even", "down", "19", "gap", "double", "no place", "localiser", "no direction", "none"],
)
def test_gap_free(headers: dict[str, dict[str, Any]], expected: bool) -> None:
    assert is_gap_free(headers) is expected


# ---------------------------------------------------------------- asking the store

SETTINGS = Settings(pacs=(PacsNode(name="fast", ae_title="FAST", host="h", port=1, quiet_s=3),))


def send_series(intake: Intake, numbers: range, ae: str = "CT1", **options: Any) -> str:
    """A series in one association that stays open; its id."""
    association = intake.open("dimse", calling_ae=ae)
    for number in numbers:
        ds = ct(number, **options)
        message = Message(objects.EXPLICIT, objects.CT, str(ds.SOPInstanceUID), ae)
        assert intake.receive(association, data_set(ds), message).dimse_status == 0
    return association


def ask(store: Store, seconds: float, study: str = objects.STUDY) -> Evidence:
    """Evidence some seconds after the last association was closed (or now, if none was)."""
    with store.reading() as uow:
        closed = uow.scalars(select(Association.closed_at)).all()
        last = max((c for c in closed if c is not None), default=now())
        return evidence(uow, study, SETTINGS, last + timedelta(seconds=seconds))


def due(store: Store, seconds: float) -> list[DueStudy]:
    with store.reading() as uow:
        closed = uow.scalars(select(Association.closed_at)).all()
        last = max((c for c in closed if c is not None), default=now())
        return due_studies(uow, SETTINGS, last + timedelta(seconds=seconds))


def test_open_then_released_then_quiet(any_store: Store, any_intake: Intake) -> None:
    association = send_series(any_intake, range(1, 25))
    open_ = ask(any_store, 0)
    assert (open_.speculative_ok, open_.publish_ok) == (False, False)
    any_intake.close(association, "released")
    released = ask(any_store, 0.5)
    assert (released.speculative_ok, released.publish_ok) == (True, False)
    assert released.publish_at is not None
    quiet = ask(any_store, 15)
    assert (quiet.publish_ok, quiet.why) == (True, "CT1 quiet for 15 s")
    assert quiet.revision == 24


def test_quiet_time_of_the_node(store: Store, intake: Intake) -> None:
    intake.close(send_series(intake, range(1, 3), ae="FAST"), "released")
    assert not ask(store, 2.9).publish_ok
    assert ask(store, 3).publish_ok


def test_another_association_of_that_sender_starts_the_quiet_time_anew(
    store: Store, intake: Intake
) -> None:
    intake.close(send_series(intake, range(1, 3)), "released")
    other = send_series(intake, range(1, 3), study=objects.uid(5))
    assert "is sending" in ask(store, 16).why
    intake.close(other, "released")
    assert not ask(store, 14).publish_ok
    assert ask(store, 15).publish_ok


def test_another_sender_does_not(store: Store, intake: Intake) -> None:
    intake.close(send_series(intake, range(1, 3)), "released")
    send_series(intake, range(1, 3), ae="CT2", study=objects.uid(5))
    assert ask(store, 15).publish_ok


@pytest.mark.parametrize("reason", ["aborted", "lost"])
def test_a_broken_transfer_waits_for_the_second_try(
    reason: str, store: Store, intake: Intake
) -> None:
    intake.close(send_series(intake, range(1, 25)), reason)
    broken = ask(store, 15)
    assert (broken.speculative_ok, broken.publish_ok) == (False, False)
    assert "broke off" in broken.why
    intake.close(send_series(intake, range(25, 30)), "released")
    assert ask(store, 15).publish_ok


def test_a_gap_forbids_the_early_start_only(store: Store, intake: Intake) -> None:
    association = send_series(intake, range(1, 15))
    intake.close(association, "released")
    intake.close(send_series(intake, range(16, 30)), "released")
    gap = ask(store, 1)
    assert (gap.speculative_ok, gap.publish_ok) == (False, False)
    assert ask(store, 15).publish_ok
    intake.close(send_series(intake, range(15, 16)), "released")
    assert ask(store, 1).speculative_ok


def test_one_image_per_association_never_starts_early(store: Store, intake: Intake) -> None:
    for number in range(1, 31):
        send(intake, ct(number))
    assert not ask(store, 10).speculative_ok
    assert not ask(store, 10).publish_ok
    assert ask(store, 15).publish_ok


def test_an_import_is_complete_when_it_is_closed(
    any_store: Store, any_intake: Intake, tmp_path: Path
) -> None:
    write_series(tmp_path / "in", 22)
    import_paths(any_intake, [tmp_path / "in"])
    done = ask(any_store, 0)
    assert (done.publish_ok, done.why) == (True, "the import is closed")


def test_another_import_that_runs_does_not_hold_it_back(
    store: Store, intake: Intake, tmp_path: Path
) -> None:
    write_series(tmp_path / "in", 2)
    import_paths(intake, [tmp_path / "in"])
    intake.open("import")
    assert ask(store, 0).publish_ok


def test_a_study_without_images_is_never_due(store: Store, intake: Intake) -> None:
    send(intake, ct(1, SOPClassUID=objects.DOSE_SR, Modality="SR", PixelData=None))
    report_only = ask(store, 1e6)
    assert (report_only.publish_ok, report_only.why) == (False, NOTHING_READ)
    assert due(store, 1e6) == []


def test_unknown_study_is_a_named_error(store: Store) -> None:
    with pytest.raises(NotFound):
        ask(store, 0, study="1.2")


def test_facts_name_what_takes_part(any_store: Store, any_intake: Intake) -> None:
    send(any_intake, ct(1))
    send(any_intake, ct(1, series=2))
    before = ask(any_store, 15)
    send(any_intake, ct(1, RescaleIntercept="-1000"))  # a conflict takes no part
    report = ct(1, series=9, SOPClassUID=objects.DOSE_SR, Modality="SR", PixelData=None)
    send(any_intake, report)  # and neither does what is never read
    after = ask(any_store, 15)
    assert after.instances_digest == before.instances_digest
    assert (before.revision, after.revision) == (2, 3)
    facts = after.facts()
    assert {uid: s["n"] for uid, s in facts[INSTANCES]["series"].items()} == {
        objects.uid(1): 1,
        objects.uid(2): 1,
    }
    assert facts[COMPLETENESS] == {"complete": True, "why": "CT1 quiet for 15 s", "revision": 3}
    send(any_intake, ct(2))
    late = ask(any_store, 0)
    assert late.instances_digest != before.instances_digest
    assert late.series[objects.uid(2)] == before.series[objects.uid(2)]
    assert late.series[objects.uid(1)].digest != before.series[objects.uid(1)].digest


def test_digest_does_not_depend_on_the_order_of_arrival(store: Store, intake: Intake) -> None:
    other = objects.uid(66)
    for number in (1, 2, 3):
        send(intake, ct(number))
    for number in (3, 1, 2):
        send(intake, ct(number, study=other, StudyInstanceUID=other))
    first, second = ask(store, 0), ask(store, 0, study=other)
    assert first.instances_digest != second.instances_digest  # other UIDs
    again = ask(store, 5)
    assert again.instances_digest == first.instances_digest


# ---------------------------------------------------------------- the watch loop's question


def _set(store: Store, **columns: Any) -> None:
    with store.unit_of_work() as uow:
        uow.execute(update(Study).where(Study.study_uid == objects.STUDY).values(**columns))


def test_due_by_revision(any_store: Store, any_intake: Intake) -> None:
    association = send_series(any_intake, range(1, 25))
    assert due(any_store, 0) == []
    any_intake.close(association, "released")
    early = due(any_store, 1)
    assert [(d.news.study_uid, d.evidence.speculative_ok) for d in early] == [(objects.STUDY, True)]
    _set(any_store, planned_revision=24)
    assert due(any_store, 1) == []
    complete = due(any_store, 15)
    assert [(d.evidence.publish_ok, d.news.planned_revision) for d in complete] == [(True, 24)]
    _set(any_store, published_revision=24)
    assert due(any_store, 1e6) == []
    send(any_intake, ct(25))
    late = due(any_store, 15)
    assert [(d.news.revision, d.news.published_revision) for d in late] == [(25, 24)]


def test_asking_is_cheap_while_nothing_has_changed(store: Store, intake: Intake) -> None:
    for study in range(30):
        send(intake, ct(1, study=objects.uid(1000 + study)))
    with store.unit_of_work() as uow:
        uow.execute(update(Study).values(published_revision=1, planned_revision=1))
    intake.close(send_series(intake, range(1, 25)), "released")
    statements: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        statements.append(statement)

    known: dict[tuple[str, int], bool] = {}
    with store.reading() as uow:
        due_studies(uow, SETTINGS, now(), known=known)
        event.listen(store.engine, "before_cursor_execute", note)
        found = due_studies(uow, SETTINGS, now(), known=known)
        event.remove(store.engine, "before_cursor_execute", note)
        plan = uow.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + _first(statements), (64, 0))
        uses = " ".join(str(row) for row in plan)
    assert len(found) == 1
    # 30 finished studies cost nothing; the one with news costs a handful of indexed queries.
    assert len(statements) <= 6
    assert not [s for s in statements if "triage_instance.header" in s]
    assert "triage_study_news" in uses


def _first(statements: list[str]) -> str:
    return next(s for s in statements if "revision >" in s)


# ---------------------------------------------------------------- over real sockets


@pytest.fixture
def quick(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, dicom_port=0, quiet_s=1.2, disk_reserve_mb=0)


@pytest.fixture
def quick_door(quick: Settings, store: Store, files: Files, quarantine: Files) -> Iterator[int]:
    with open_door(quick, store, files, quarantine) as port:
        yield port


def test_a_sender_with_one_association_per_image_and_pauses_publishes_nothing_early(
    store: Store, files: Files, quarantine: Files, tmp_path: Path
) -> None:
    slow = Settings(data=tmp_path, dicom_port=0, quiet_s=60, disk_reserve_mb=0)
    paths = write_series(tmp_path / "in", 4)
    early: list[DueStudy] = []
    published: list[DueStudy] = []
    last_sent, stop, pause = threading.Event(), threading.Event(), threading.Event()
    complete = threading.Event()

    def watch() -> None:
        while not stop.wait(timeout=0.05) and not published:
            with store.reading() as uow:
                # Once everything is sent, as if the quiet time were over: nobody waits for it.
                ahead = timedelta(seconds=slow.quiet_s if last_sent.is_set() else 0)
                found = due_studies(uow, slow, now() + ahead)
            (published if ahead else early).extend(found)
        complete.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    with open_door(slow, store, files, quarantine) as port:
        for path in paths:
            # The sender's own pause, a small part of the quiet time.
            pause.wait(timeout=1.0)
            command = (dcmtk("storescu"), "-aet", "SLOW", "127.0.0.1", str(port), str(path))
            assert run(*command).returncode == 0
        last_sent.set()
        assert complete.wait(timeout=120), "the study never counts as complete"
    stop.set()
    watcher.join(timeout=60)
    assert early == []
    assert published[0].evidence.series[objects.uid(1)].n == 4
    with store.reading() as uow:
        closed = [c for c in uow.scalars(select(Association.closed_at)) if c is not None]
    assert len(closed) == 4
    assert published[0].evidence.publish_at == max(closed) + timedelta(seconds=slow.quiet_s)


def test_a_whole_series_starts_early_and_a_late_slice_is_news(
    quick: Settings, quick_door: int, store: Store, tmp_path: Path
) -> None:
    paths = write_series(tmp_path / "in", 24)
    command = (dcmtk("storescu"), "-aet", "CT1", "127.0.0.1", str(quick_door))
    assert run(*command, *map(str, paths)).returncode == 0

    def evidence_at(when: datetime) -> Evidence:
        with store.reading() as uow:
            return evidence(uow, objects.STUDY, quick, when)

    def closed() -> list[datetime]:
        with store.reading() as uow:
            return [c for c in uow.scalars(select(Association.closed_at)) if c is not None]

    [end] = until_committed(closed, "the association is closed")
    first = evidence_at(end)
    assert (first.speculative_ok, first.publish_ok) == (True, False)
    assert first.series[objects.uid(1)].n == 24
    assert first.publish_at == end + timedelta(seconds=quick.quiet_s)
    assert evidence_at(first.publish_at).publish_ok
    (tmp_path / "late.dcm").write_bytes(file_bytes(ct(25)))
    assert run(*command, str(tmp_path / "late.dcm")).returncode == 0
    late_end = max(until_committed(lambda: len(closed()) == 2 and closed(), "the late one closed"))
    late = evidence_at(late_end)
    assert (late.revision, late.publish_ok) == (25, False)
    assert late.instances_digest != first.instances_digest
