"""Nodes, queries and sending against a real Orthanc, and against everything that is none."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from tests.outputs import reports
from tests.outputs.reports import final, finding_row, images, preliminary
from tests.peers.orthanc import Orthanc
from tests.ports import free_port
from triage import upkeep, wiring
from triage.core.work import Effect, Facts, Json
from triage.engine.effects import Outgoing
from triage.errors import ConfigurationError, NotFound, PeerRefused, PeerUnreachable, TriageError
from triage.outputs import sr
from triage.outputs.images import patient_and_study
from triage.peers.node import Node, destinations, echo, nodes_of
from triage.peers.query import holds
from triage.peers.send import StoreSr, store
from triage.settings import PacsNode, load
from triage.store import outbox_rows, work_rows
from triage.store.files import Files
from triage.store.session import Store


def written(tmp_path: Path, files: Files, report: Any) -> dict[str, Any]:
    """A report in the file store, and the payload of its effect."""
    patient = patient_and_study(reports.write_source(tmp_path / "source.dcm"))
    document = sr.build(report, patient, images(), station="TRIAGE")
    return {
        "sop_uid": str(document.SOPInstanceUID),
        "digest": files.put(sr.encode(document)),
        "node": "pacs",
        "study_uid": reports.STUDY,
        "series_uid": str(document.SeriesInstanceUID),
    }


def node_at(port: int, **changes: Any) -> Node:
    settings = PacsNode(name="pacs", ae_title="ELSEWHERE", host="127.0.0.1", port=port)
    return replace(Node(settings, "TRIAGE", connect_s=2.0, answer_s=2.0), **changes)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


# ---------------------------------------------------------------- a living archive


@pytest.mark.orthanc
def test_sent_found_and_the_same_bytes(archive: Orthanc, tmp_path: Path, files: Files) -> None:
    handler = StoreSr({"pacs": Node(archive.node("pacs"), "TRIAGE")}, files)
    payload = written(tmp_path, files, final([finding_row(state="confirmed")]))
    assert handler.already_there(payload) is None
    handler.send(payload)
    receipt = handler.confirm(payload)
    assert receipt is not None
    assert (receipt["node"], receipt["sop_uid"]) == ("pacs", payload["sop_uid"])
    [there] = archive.bytes_of(payload["sop_uid"])
    sent = dcmread(files.path_of(payload["digest"]))
    found = dcmread(BytesIO(there))
    assert found == sent
    assert found.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID


@pytest.mark.orthanc
def test_another_object_of_the_study_is_no_receipt(
    archive: Orthanc, tmp_path: Path, files: Files
) -> None:
    handler = StoreSr({"pacs": Node(archive.node("pacs"), "TRIAGE")}, files)
    handler.send(written(tmp_path, files, preliminary()))
    assert handler.already_there(written(tmp_path, files, final())) is None


@pytest.mark.orthanc
def test_echo_and_a_query_for_nothing(archive: Orthanc) -> None:
    node = Node(archive.node("pacs"), "TRIAGE")
    assert echo(node) < 5.0
    assert not holds(node, "1.2.3", "1.2.4", "1.2.5")


@pytest.mark.orthanc
def test_the_verb_echo_says_whom_it_reached(archive: Orthanc, tmp_path: Path) -> None:
    settings = load(data=tmp_path, pacs=[archive.node("pacs")])
    answer = wiring.echo_node(settings, "pacs")
    assert (answer["node"], answer["ae_title"]) == ("pacs", "ORTHANC")
    with pytest.raises(ConfigurationError, match="there is: pacs"):
        wiring.echo_node(settings, "other")


@pytest.mark.orthanc
def test_the_doctor_asks_every_node_and_names_the_mend(archive: Orthanc, tmp_path: Path) -> None:
    dead = PacsNode(name="dead", ae_title="X", host="127.0.0.1", port=free_port())
    settings = load(data=tmp_path, pacs=[archive.node("pacs"), dead])
    said = {one["name"]: one for one in upkeep.doctor(settings)}
    assert said["PACS pacs"]["ok"]
    assert said["PACS pacs"]["message"].endswith("answers C-ECHO and C-FIND")
    assert not said["PACS dead"]["ok"]
    assert "does not answer" in said["PACS dead"]["message"]


@pytest.mark.orthanc
def test_an_archive_that_does_not_know_us_is_a_refusal_with_its_mend(tmp_path: Path) -> None:
    strict = Orthanc(
        tmp_path / "strict",
        {"OTHER": 104},
        DicomAlwaysAllowEcho=False,
        DicomAlwaysAllowStore=False,
        DicomAlwaysAllowFind=False,
        DicomCheckCalledAet=True,
    )
    strict.start()
    try:
        settings = strict.node("pacs").model_copy(update={"ae_title": "WRONG"})
        with pytest.raises(PeerRefused, match="must know our AE title TRIAGE"):
            echo(Node(settings, "TRIAGE"))
        with pytest.raises(TriageError):
            holds(Node(strict.node("pacs"), "TRIAGE"), "1.2.3", "1.2.4", "1.2.5")
    finally:
        strict.stop()


def test_a_peer_without_our_sop_class_says_so(tmp_path: Path, files: Files) -> None:
    payload = written(tmp_path, files, preliminary())
    port = free_port()
    # dcmtk's storescp with a profile of implicit VR only takes no Explicit VR Little Endian.
    receiver = subprocess.Popen(
        ["storescp", "+xi", "-od", str(tmp_path), str(port)], stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        with pytest.raises(PeerRefused, match="accepted none"):
            store(node_at(port), files.path_of(payload["digest"]))
    finally:
        receiver.terminate()
        receiver.wait(60)


def test_a_peer_without_query_gives_no_receipt(tmp_path: Path) -> None:
    port = free_port()
    receiver = subprocess.Popen(
        ["storescp", "-od", str(tmp_path), str(port)], stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        with pytest.raises(PeerRefused, match="accepted none"):
            holds(node_at(port), "1.2.3", "1.2.4", "1.2.5")
    finally:
        receiver.terminate()
        receiver.wait(60)


def _wait_for(port: int) -> None:
    # A program that says nothing when it listens: asked again after a pause, not in a busy loop.
    deadline, pause = time.monotonic() + 120, threading.Event()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 10).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            pause.wait(0.05)


# ---------------------------------------------------------------- nobody there


def test_nobody_listens() -> None:
    with pytest.raises(PeerUnreachable, match=r"pacs \(ELSEWHERE at 127\.0\.0\.1"):
        echo(node_at(free_port()))


def test_a_silent_peer_costs_its_time_once_and_then_fails_at_once(silent_port: int) -> None:
    ticks = iter([0.0, 0.0, 2.0, 2.0, 10.0])
    asked: list[float] = []

    def clock() -> float:
        asked.append(next(ticks))
        return asked[-1]

    node = node_at(silent_port, answer_s=1.0, clock=clock)
    with pytest.raises(PeerUnreachable, match="does not answer"):
        echo(node)
    with pytest.raises(PeerUnreachable, match="a moment ago"):
        echo(node)
    assert next(ticks, None) is None, "the second call asked the time and nothing else"


def test_a_dead_peer_holds_up_nobodys_report(store: Store, tmp_path: Path, files: Files) -> None:
    taken: list[str] = []

    class Living(StoreSr):
        def already_there(self, payload: Facts) -> Mapping[str, Json] | None:
            if payload["node"] == "living":
                taken.append(str(payload["sop_uid"]))
                return {"node": "living"}
            return super().already_there(payload)

    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        dead = node_at(server.getsockname()[1], answer_s=1.5)
        with store.unit_of_work() as uow:
            for k in range(6):
                node = "living" if k == 5 else "dead"
                payload: dict[str, Json] = {
                    "node": node,
                    "sop_uid": f"1.2.{k}",
                    "study_uid": "1",
                    "series_uid": "1",
                }
                work_rows.add_effect(uow, "1.2", Effect("store_sr", f"{k}", payload))
        outgoing = Outgoing(store, [Living({"dead": dead}, files)], "test:1", lambda: ["test:1"])
        outgoing.deliver_due(limit=6)
        server.setblocking(False)
        server.accept()[0].close()
        with pytest.raises(BlockingIOError):
            server.accept()  # five reports, one attempt to connect
    assert taken == ["1.2.5"]
    with store.reading() as uow:
        rows = {row.key: row for row in outbox_rows.effects_of(uow, "1.2")}
    assert [rows[f"{k}"].state for k in range(6)] == ["waiting"] * 5 + ["done"]
    assert all("pacs (ELSEWHERE" in rows[f"{k}"].last_error for k in range(5))


def test_a_peer_that_comes_back_is_asked_again(silent_port: int) -> None:
    now = [0.0]
    node = node_at(silent_port, answer_s=1.0, clock=lambda: now[0])
    node._silent_until = 5.0
    with pytest.raises(PeerUnreachable, match="a moment ago"):
        echo(node)
    now[0] = 5.0
    with pytest.raises(PeerUnreachable, match="does not answer"):
        echo(node)


def test_a_quick_refusal_does_not_silence_the_node() -> None:
    node = node_at(free_port())
    for _ in range(2):
        with pytest.raises(PeerUnreachable, match="does not answer"):
            echo(node)


def test_a_line_that_breaks_in_the_middle(tmp_path: Path, files: Files) -> None:
    payload = written(tmp_path, files, preliminary())
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.recv(64)
            connection.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        with pytest.raises(PeerUnreachable):
            store(node_at(server.getsockname()[1]), files.path_of(payload["digest"]))
        thread.join(60)


# ---------------------------------------------------------------- settings and payloads


def test_a_node_that_is_not_configured_any_more(tmp_path: Path, files: Files) -> None:
    payload = written(tmp_path, files, preliminary())
    with pytest.raises(ConfigurationError, match="named pacs"):
        StoreSr({}, files).already_there(payload)


def test_a_file_that_is_gone_is_said(tmp_path: Path, files: Files) -> None:
    payload = {**written(tmp_path, files, preliminary()), "digest": "0" * 64}
    with pytest.raises(NotFound, match="triage verify"):
        StoreSr({"pacs": node_at(1)}, files).send(payload)


def test_destinations_are_those_that_want_this_output(tmp_path: Path) -> None:
    blocks = [
        {"name": "a", "roles": ["destination"], "outputs": ["sr3d"]},
        {"name": "b", "roles": ["source"], "outputs": ["sr3d"]},
        {"name": "c", "roles": ["destination"], "outputs": ["seg"]},
        {"name": "d", "roles": ["destination", "priors"], "outputs": ["seg", "sr3d"]},
    ]
    common = {"ae_title": "X", "host": "h", "port": 104}
    settings = load(data=tmp_path, pacs=[{**common, **one} for one in blocks])
    assert destinations(settings, "sr3d") == ("a", "d")
    assert set(nodes_of(settings)) == {"a", "b", "c", "d"}
    twice = load(data=tmp_path, pacs=[{**common, "name": "a"}, {**common, "name": "a"}])
    with pytest.raises(ConfigurationError, match="same name"):
        nodes_of(twice)
