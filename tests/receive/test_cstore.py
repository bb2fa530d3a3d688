"""The DICOM door over real sockets: dcmtk as the modality, raw sockets as the enemy."""

from __future__ import annotations

import importlib.metadata
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from sqlalchemy import select

from tests.commits import until_committed
from tests.receive import objects
from tests.receive.doors import (
    DoorProcess,
    Peer,
    associate_request,
    dcmtk,
    open_door,
    p_data,
    pdu,
    peak_memory,
    run,
    status_of,
    store_command,
)
from tests.receive.objects import ct, data_set, file_bytes, write_series
from triage.errors import ConfigurationError
from triage.receive import cstore
from triage.receive.callers import may_send, quiet_s_of
from triage.settings import PacsNode, Settings
from triage.store.files import Files
from triage.store.session import Store
from triage.store.tables import Association, Instance, Quarantine, Study


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, dicom_port=0, disk_reserve_mb=0)


ARTIM_S = 1.5  # a short association timer keeps these tests short; the rule is the same


@pytest.fixture
def door(
    settings: Settings,
    store: Store,
    files: Files,
    quarantine: Files,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[int]:
    monkeypatch.setattr(cstore, "ARTIM_S", ARTIM_S)
    with open_door(settings, store, files, quarantine) as port:
        yield port


def storescu(port: int, *paths: Path, ae: str = "CT1", options: tuple[str, ...] = ()) -> None:
    command = (dcmtk("storescu"), "-aet", ae, *options, "127.0.0.1", str(port), *map(str, paths))
    done = run(*command)
    assert done.returncode == 0, done.stderr


def closed_associations(store: Store) -> list[tuple[str, str, int, int]]:
    with store.reading() as uow:
        rows = uow.scalars(select(Association).where(Association.closed_at.is_not(None)))
        return [(a.calling_ae, a.close_reason, a.stored, a.quarantined) for a in rows]


def sound_store(port: int, number: int = 1) -> bytes:
    """One whole association by hand: associate, store, answer, release."""
    with Peer(port) as peer:
        peer.associate(objects.CT, objects.EXPLICIT, calling="GOOD")
        peer.send(p_data(store_command(objects.CT, objects.uid(1, number)), command=True))
        peer.send(p_data(data_set(ct(number)), command=False))
        answer = peer.receive()
        peer.send(pdu(0x05, b"\0" * 4))
        assert peer.receive()[:1] == b"\x06"
    return answer


def test_overrides_are_written_against_the_installed_library() -> None:
    assert importlib.metadata.version("pynetdicom") == cstore.PINNED


# ---------------------------------------------------------------- a modality


def test_echo(door: int, store: Store) -> None:
    assert run(dcmtk("echoscu"), "127.0.0.1", str(door)).returncode == 0
    # A verification is no sender: it must not stretch anyone's quiet time.
    with store.reading() as uow:
        assert uow.scalars(select(Association)).all() == []


@pytest.mark.parametrize("sender", ["storescu", "dcmsend"])
def test_dcmtk_sends_a_series(
    sender: str, door: int, store: Store, files: Files, tmp_path: Path
) -> None:
    paths = write_series(tmp_path / "in", 12)
    done = run(dcmtk(sender), "-aet", "CT1", "127.0.0.1", str(door), *map(str, paths))
    assert done.returncode == 0, done.stderr
    until_committed(lambda: closed_associations(store), "the association closed")
    assert closed_associations(store) == [("CT1", "released", 12, 0)]
    with store.reading() as uow:
        digests = set(uow.scalars(select(Instance.digest)))
        assert uow.scalars(select(Study.revision)).one() == 12
    assert digests == set(files.keys())
    assert all(files.verify(d) for d in digests)


def test_compressed_and_deflated_come_as_they_are(door: int, store: Store, tmp_path: Path) -> None:
    (tmp_path / "ls.dcm").write_bytes(file_bytes(objects.compressed(ct(1)), objects.JPEG_LS))
    (tmp_path / "df.dcm").write_bytes(file_bytes(ct(2), objects.DEFLATED))
    storescu(door, tmp_path / "ls.dcm", options=("-xt",))
    storescu(door, tmp_path / "df.dcm", options=("-xd",))
    with store.reading() as uow:
        kinds = dict(uow.execute(select(Instance.sop_uid, Instance.transfer_syntax)).all())
    assert kinds == {objects.uid(1, 1): objects.JPEG_LS, objects.uid(1, 2): objects.DEFLATED}


def test_other_modality_has_no_context(door: int, store: Store, tmp_path: Path) -> None:
    (tmp_path / "mr.dcm").write_bytes(file_bytes(ct(1, SOPClassUID=objects.MR, Modality="MR")))
    done = run(dcmtk("storescu"), "127.0.0.1", str(door), str(tmp_path / "mr.dcm"))
    assert done.returncode != 0
    with store.reading() as uow:
        assert uow.scalars(select(Instance)).all() == []


def test_bad_object_is_answered_and_the_association_lives(door: int, store: Store) -> None:
    spoilt = data_set(ct(2, PixelSpacing=None))
    with Peer(door) as peer:
        peer.associate(objects.CT, objects.EXPLICIT, calling="CT1")
        peer.send(p_data(store_command(objects.CT, objects.uid(1, 2)), command=True))
        peer.send(p_data(spoilt, command=False))
        refused = peer.receive()
        peer.send(p_data(store_command(objects.CT, objects.uid(1, 3)), command=True))
        peer.send(p_data(data_set(ct(3)), command=False))
        taken = peer.receive()
    assert status_of(refused) == 0xC000
    assert b"(0028,0030) Pixel Spacing is missing" in refused
    assert status_of(taken) == 0x0000
    with store.reading() as uow:
        row = uow.scalars(select(Quarantine)).one()
    assert (row.code, row.source, row.sop_uid) == (
        "no_pixel_spacing", "CT1 127.0.0.1", objects.uid(1, 2),
    )  # fmt: skip


def test_path_as_uid_writes_nothing_outside(door: int, store: Store, tmp_path: Path) -> None:
    evil = "../../../../../../tmp/pwned"
    before = {p for p in tmp_path.rglob("*") if p.is_file()}
    with Peer(door) as peer:
        peer.associate(objects.CT, objects.EXPLICIT)
        peer.send(p_data(store_command(objects.CT, evil), command=True))
        peer.send(p_data(data_set(ct(1)), command=False))
        assert status_of(peer.receive()) == 0xA900
    new = {p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file()} - before
    assert {p.parts[0] for p in new} - {"triage.sqlite-wal", "triage.sqlite-shm"} <= {
        "quarantine", "triage.sqlite",
    }  # fmt: skip
    assert not Path("/tmp/pwned").exists() and not Path("/tmp/pwned.dcm").exists()


def test_response_comes_in_one_piece_without_delay(door: int) -> None:
    with Peer(door) as peer:
        assert peer.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0
        peer.associate(objects.CT, objects.EXPLICIT)
        peer.send(p_data(store_command(objects.CT, objects.uid(1, 1)), command=True))
        peer.send(p_data(data_set(ct(1)), command=False))
        answer = peer.receive()
    kind, _, length = struct.unpack_from(">BBL", answer)
    assert (kind, len(answer)) == (0x04, length + 6)


def test_accepted_connections_do_not_wait_for_acknowledgements(
    settings: Settings, store: Store, files: Files, quarantine: Files
) -> None:
    with open_door(settings, store, files, quarantine) as port, Peer(port) as peer:
        peer.associate(objects.CT, objects.EXPLICIT)
        own = [t for t in threading.enumerate() if isinstance(t, cstore.DoorAssociation)]
        accepted = own[0].dul.socket
        assert accepted is not None and accepted.socket is not None
        assert accepted.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


# ---------------------------------------------------------------- enemies


@pytest.mark.parametrize(
    ("kind", "length"),
    [
        (0x01, 0xFFFFFFFF),
        (0x01, 2 << 30),
        (0x01, cstore.MAX_REQUEST_BYTES + 1),
        (0x04, 0xFFFFFFFF),
        (0x04, cstore.MAX_PDU_BYTES + 1),
        (0x07, 5),
        (0x99, 4),
        (0x00, 0),
    ],
)
def test_claimed_length_is_refused_before_it_is_read(door: int, kind: int, length: int) -> None:
    with peak_memory() as peak, Peer(door) as peer:
        peer.send(pdu(kind, b"", length))
        answer = peer.until_closed(timeout_s=15)  # less than waiting for the claimed bytes takes
    assert answer[:1] in (b"\x07", b"")
    assert peak[0] < 16 << 20
    assert status_of(sound_store(door)) == 0x0000


def test_claimed_length_inside_an_association_is_refused(door: int, store: Store) -> None:
    with Peer(door) as peer:
        peer.associate(objects.CT, objects.EXPLICIT)
        peer.send(pdu(0x04, b"", 0xFFFFFFFF))
        assert peer.until_closed()[:1] == b"\x07"
    until_committed(lambda: closed_associations(store), "the association closed")
    assert closed_associations(store)[0][1] in ("lost", "aborted")


def test_what_is_pumped_after_a_refusal_is_not_taken_in(door: int) -> None:
    with peak_memory() as peak, Peer(door) as peer:
        peer.send(pdu(0x01, b"", 2 << 30))
        block = bytes(1 << 20)
        with pytest.raises((ConnectionError, TimeoutError)):
            for _ in range(400):
                peer.send(block)
    assert peak[0] < 16 << 20


@pytest.mark.parametrize(
    "start",
    [b"", b"\x01", b"\x01\x00\x00", pdu(0x01, b"half", 200), b"GET / HTTP/1.1\r\n\r\n"],
    ids=["silent", "one byte", "half a head", "half a request", "web browser"],
)
def test_half_a_pdu_then_silence_is_closed(start: bytes, door: int) -> None:
    with Peer(door) as peer:
        if start:
            peer.send(start)
        # Sooner than the idle timer of an association (60 s) would close it.
        assert peer.until_closed(timeout_s=30)[:1] in (b"", b"\x07")


def test_half_an_object_then_gone_leaves_nothing(
    door: int, store: Store, files: Files, quarantine: Files
) -> None:
    with Peer(door) as peer:
        peer.associate(objects.CT, objects.EXPLICIT)
        peer.send(p_data(store_command(objects.CT, objects.uid(1, 1)), command=True))
        peer.send(p_data(data_set(ct(1))[:300], command=False, last=False))
    until_committed(lambda: closed_associations(store), "the association closed")
    assert closed_associations(store) == [("EVIL", "lost", 0, 0)]
    assert (list(files.keys()), list(quarantine.keys())) == ([], [])


def test_abort_is_told_apart(door: int, store: Store) -> None:
    with Peer(door) as peer:
        peer.associate(objects.CT, objects.EXPLICIT)
        peer.send(pdu(0x07, b"\0" * 4))
        peer.until_closed()
    until_committed(lambda: closed_associations(store), "the association closed")
    assert closed_associations(store) == [("EVIL", "aborted", 0, 0)]


@pytest.mark.parametrize(
    "message",
    [
        p_data(b"\xff" * 100, command=True),
        p_data(b"", command=True),
        p_data(store_command(objects.CT, "1" * 70), command=True) + p_data(b"x", command=False),
        p_data(b"\0" * (cstore.MAX_COMMAND_BYTES + 10), command=True, last=False),
        pdu(0x04, b"\x00\x00\x00\x01\x01"),
        pdu(0x04, b"\xff\xff\xff\xff\x01\x00"),
        pdu(0x01, b"\x00" * 10),
    ],
    ids=["junk", "empty", "long uid", "long command", "no header", "long value", "request"],
)
def test_junk_ends_the_association_and_only_it(message: bytes, door: int) -> None:
    with Peer(door) as peer:
        peer.associate(objects.CT, objects.EXPLICIT)
        peer.send(message)
        peer.until_closed()
    assert status_of(sound_store(door)) == 0x0000


def test_an_endless_object_is_ended(door: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cstore, "MAX_OBJECT_BYTES", 3 << 20)
    with Peer(door) as peer:
        peer.associate(objects.CT, objects.EXPLICIT)
        peer.send(p_data(store_command(objects.CT, objects.uid(1, 1)), command=True))
        with pytest.raises(ConnectionError):
            for _ in range(100):
                peer.send(p_data(bytes(500_000), command=False, last=False))
            peer.send(b"\0")


def test_messages_without_waiting_are_ended(door: int) -> None:
    one = p_data(store_command(objects.CT, objects.uid(1, 1)), command=True)
    one += p_data(data_set(ct(1)), command=False)
    with Peer(door) as peer:
        peer.associate(objects.CT, objects.EXPLICIT)
        peer.send(one * 200)
        whole = peer.until_closed()
    assert whole.count(b"\x00\x00\x00\x09\x02\x00\x00\x00") < 200


def test_sixty_silent_connections_hold_nobody_up(door: int) -> None:
    idle_threads = threading.active_count()
    peers = [Peer(door) for _ in range(60)]
    # One after the other they would be silent for 60 times the timer: more than a peer waits.
    assert status_of(sound_store(door)) == 0x0000
    for peer in peers:
        peer.until_closed()
    for one in _doors():
        one.join(timeout=60)
        one.dul.join(timeout=60)
    assert threading.active_count() <= idle_threads + 2


def test_more_connections_than_the_cap_make_the_oldest_silent_one_go(
    door: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cstore, "MAX_CONNECTIONS", 5)
    peers = [Peer(door) for _ in range(5)]
    # Connections are taken in the order in which they came: the sixth is the sound one.
    assert status_of(sound_store(door)) == 0x0000
    assert peers[0].until_closed() == b""
    for one in _doors():
        if one.is_evicted or one.requestor.primitive is not None:
            one.join(timeout=60)
    assert len(_doors()) == 4
    for peer in peers:
        peer.socket.close()


def test_above_the_cap_of_busy_ones_a_connection_is_closed_without_a_thread(
    door: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cstore, "MAX_CONNECTIONS", 3)
    peers = [Peer(door) for _ in range(3)]
    for peer in peers:
        peer.associate(objects.CT, objects.EXPLICIT)
    with Peer(door) as extra:
        assert extra.until_closed() == b""
    assert len(_doors()) == 3
    for peer in peers:
        peer.socket.close()


def _doors() -> list[cstore.DoorAssociation]:
    return [t for t in threading.enumerate() if isinstance(t, cstore.DoorAssociation)]


# ---------------------------------------------------------------- who may send

_LISTED = (
    PacsNode(name="ct1", ae_title="CT1", host="10.0.0.7", port=104, quiet_s=3),
    PacsNode(name="router", ae_title="ROUTER", host="router.hospital", port=104),
)


@pytest.mark.parametrize(
    ("bind", "ae", "address", "expected"),
    [
        ("127.0.0.1", "ANYBODY", "127.0.0.1", True),
        ("0.0.0.0", "CT1", "10.0.0.7", True),
        ("0.0.0.0", " CT1 ", "10.0.0.7", True),
        ("0.0.0.0", "CT1", "10.0.0.8", False),
        ("0.0.0.0", "ROUTER", "10.0.0.9", True),
        ("0.0.0.0", "ANYBODY", "10.0.0.7", False),
        ("0.0.0.0", "", "10.0.0.7", False),
    ],
)
def test_who_may_send(bind: str, ae: str, address: str, expected: bool) -> None:
    settings = Settings(dicom_bind=bind, pacs=_LISTED)
    assert may_send(settings, ae, address) is expected


def test_beyond_loopback_an_empty_list_is_nobody() -> None:
    assert not may_send(Settings(dicom_bind="0.0.0.0"), "CT1", "10.0.0.7")


def test_quiet_time_is_the_nodes_own() -> None:
    settings = Settings(pacs=_LISTED, quiet_s=15)
    assert [quiet_s_of(settings, ae) for ae in ("CT1", "ELSE")] == [3, 15]


def test_unlisted_caller_is_rejected_with_its_reason(
    store: Store, files: Files, quarantine: Files, tmp_path: Path
) -> None:
    listed = PacsNode(name="here", ae_title="GOOD", host="127.0.0.1", port=104)
    settings = Settings(data=tmp_path, dicom_bind="0.0.0.0", dicom_port=0, pacs=(listed,))
    with open_door(settings, store, files, quarantine) as port:
        with Peer(port) as peer:
            peer.send(associate_request(objects.CT, objects.EXPLICIT, calling="EVIL"))
            # A-ASSOCIATE-RJ: permanent, service user, calling AE title not recognised.
            assert peer.receive() == pdu(0x03, b"\x00\x01\x01\x03")
        assert status_of(sound_store(port)) == 0x0000


def test_taken_port_is_told_with_the_mend(
    door: int, settings: Settings, store: Store, files: Files, quarantine: Files
) -> None:
    taken = settings.model_copy(update={"dicom_port": door})
    with pytest.raises(ConfigurationError, match="TRIAGE_DICOM_PORT"):
        cstore.serve(taken, store, files, quarantine, print, stop=threading.Event())


# ---------------------------------------------------------------- full disk, death, farewell


def test_full_disk_is_0xa700_and_works_again_when_there_is_space(
    settings: Settings, store: Store, files: Files, quarantine: Files
) -> None:
    files.reserve_bytes = 1 << 60
    with open_door(settings, store, files, quarantine) as port:
        refused = sound_store(port)
        assert status_of(refused) == 0xA700
        assert b"disk space" in refused
        with store.reading() as uow:
            assert uow.scalars(select(Instance)).all() == []
        files.reserve_bytes = 0
        assert status_of(sound_store(port)) == 0x0000


def test_parts_of_dead_writers_are_swept_and_fresh_ones_are_not(
    settings: Settings, store: Store, files: Files, quarantine: Files
) -> None:
    import os

    old, fresh = (files.root / "incoming" / name for name in ("old.part", "fresh.part"))
    old.write_bytes(b"x")
    fresh.write_bytes(b"x")
    past = time.time() - 2 * cstore.STALE_PART_S
    os.utime(old, (past, past))
    with open_door(settings, store, files, quarantine):
        assert (old.exists(), fresh.exists()) == (False, True)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[DoorProcess]:
    running = DoorProcess(tmp_path / "data")
    yield running
    running.end()


def test_killed_while_receiving_loses_nothing_that_was_acknowledged(
    process: DoorProcess, tmp_path: Path
) -> None:
    acknowledged: set[str] = set()
    number = 0
    for round_ in range(3):
        peer = Peer(process.port)
        peer.associate(objects.CT, objects.EXPLICIT, calling="CT1")
        # Kills by the count of answers, so that each hits a transfer at another step.
        killer = threading.Timer(0.05 + 0.07 * round_, process.kill)
        killer.start()
        try:
            while True:
                number += 1
                sop_uid = objects.uid(1, number)
                peer.send(p_data(store_command(objects.CT, sop_uid), command=True))
                peer.send(p_data(data_set(ct(number)), command=False))
                answer = peer.receive()
                if not answer:
                    break
                assert status_of(answer) == 0x0000
                acknowledged.add(sop_uid)
        except ConnectionError:
            pass
        killer.join()
        peer.socket.close()
        process.start()
    store, files = (
        Store(f"sqlite:///{process.data / 'triage.sqlite'}"),
        Files(process.data / "objects"),
    )
    with store.reading() as uow:
        stored = dict(uow.execute(select(Instance.sop_uid, Instance.digest)).all())
        reasons = [a.close_reason for a in uow.scalars(select(Association))]
    store.close()
    assert acknowledged, "nothing was acknowledged before the kills: the test proves nothing"
    assert acknowledged <= stored.keys()
    for sop_uid, digest in stored.items():
        assert files.verify(digest)
        got = pydicom.dcmread(files.path_of(digest))
        assert got.SOPInstanceUID == sop_uid
        assert got.pixel_array[0, 0] == int(sop_uid.rsplit(".", 1)[1])
    # Each restart closed what the dead process had left open.
    assert reasons == ["lost"] * 3


@pytest.fixture
def telling(tmp_path: Path) -> Iterator[DoorProcess]:
    """A door that says what reaches it."""
    running = DoorProcess(tmp_path / "data", told=True)
    yield running
    running.end()


def test_sigterm_lets_a_store_in_progress_finish(telling: DoorProcess) -> None:
    raw = data_set(ct(1))
    with Peer(telling.port) as peer, Peer(telling.port) as idle:
        idle.associate(objects.CT, objects.EXPLICIT, calling="IDLE")
        peer.associate(objects.CT, objects.EXPLICIT, calling="CT1")
        peer.send(p_data(store_command(objects.CT, objects.uid(1, 1)), command=True))
        peer.send(p_data(raw[:400], command=False, last=False))
        telling.wait_for("fragment", "fragment")
        telling.process.send_signal(signal.SIGTERM)
        assert idle.until_closed()[:1] == b"\x07"
        peer.send(p_data(raw[400:], command=False))
        whole = peer.until_closed()
        assert status_of(whole) == 0x0000
        assert telling.process.wait(timeout=60) == 0


def test_sigterm_does_not_wait_for_a_sender_that_hangs(telling: DoorProcess) -> None:
    with Peer(telling.port) as peer:
        peer.associate(objects.CT, objects.EXPLICIT, calling="CT1")
        peer.send(p_data(store_command(objects.CT, objects.uid(1, 1)), command=True))
        peer.send(pdu(0x04, b"\x00", 1000))
        telling.wait_for("fragment", "body of 1000")
        telling.process.send_signal(signal.SIGTERM)
        assert telling.process.wait(timeout=60) == 0


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_disk_that_fails_half_way_is_no_success(call: str, error: str, tmp_path: Path) -> None:
    strace = Path("/usr/bin/strace")
    if not strace.exists():
        pytest.skip("strace is not installed (apt-get install strace)")
    process = DoorProcess(tmp_path / "data")
    # The fault hits the first file that is written after the door stands; SQLite uses fdatasync.
    tracer = subprocess.Popen(
        [strace, "-f", "-p", str(process.process.pid), "-o", tmp_path / "trace",
         "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when=1"],
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert tracer.stderr is not None
        assert b"attached" in tracer.stderr.readline()  # it says so once every thread is traced
        assert status_of(sound_store(process.port)) == 0xA700
        assert "(INJECTED)" in (tmp_path / "trace").read_text()
        assert not list((process.data / "objects").rglob("*.part"))
        tracer.terminate()  # the disk is well again
        tracer.wait(timeout=60)
        assert status_of(sound_store(process.port)) == 0x0000
    finally:
        process.end()
        tracer.kill()
        tracer.wait(timeout=60)
