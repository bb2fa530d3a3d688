"""Running doors for tests: one in this process, one as a process that can be killed."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port
from triage.receive.cstore import serve
from triage.settings import Settings
from triage.store.files import Files
from triage.store.session import Store

REPOSITORY = Path(__file__).resolve().parents[2]


def dcmtk(name: str) -> str:
    """A program of dcmtk; the venv has scripts of the same names, so the path is absolute."""
    path = Path("/usr/bin") / name
    if not path.exists():
        pytest.skip("dcmtk is not installed (apt-get install dcmtk)")
    return str(path)


def run(*command: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=timeout_s, check=False, errors="replace"
    )


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """What all of Python allocated at most inside the block, bytes; filled when it ends."""
    peak: list[int] = []
    tracemalloc.start()
    try:
        yield peak
    finally:
        peak.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()


@contextmanager
def open_door(settings: Settings, store: Store, files: Files, quarantine: Files) -> Iterator[int]:
    """A door in this process; yields its port."""
    ready, stop, ports = threading.Event(), threading.Event(), list[int]()

    def on_ready(port: int) -> None:
        ports.append(port)
        ready.set()

    thread = threading.Thread(
        target=serve, args=(settings, store, files, quarantine, on_ready), kwargs={"stop": stop}
    )
    thread.start()
    try:
        assert ready.wait(timeout=120)
        yield ports[0]
    finally:
        stop.set()
        thread.join(timeout=60)
        assert not thread.is_alive()


class DoorProcess:
    """A door that can be killed and started again on the same port and data.

    With `told` it says on its standard output what reaches it: `wait_for` reads that.
    """

    def __init__(self, data: Path, *, told: bool = False) -> None:
        self.data = data
        self.port = free_port()
        self.more = ("told",) if told else ()
        self.start()

    def start(self, *prefix: str) -> None:
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "tests.receive.door_process", str(self.data),
             str(self.port), *self.more],
            cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready"), line

    def wait_for(self, *lines: str) -> None:
        """Read what the door says until it has said all of these, in this order."""
        assert self.process.stdout is not None
        left = list(lines)
        while left:
            said = self.process.stdout.readline()
            assert said, f"the door ended before it said {left[0]!r}"
            if said.strip() == left[0]:
                left.pop(0)

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.killpg(self.process.pid, number)
        self.process.wait(timeout=60)

    def end(self) -> None:
        if self.process.poll() is None:
            self.kill()


# ---------------------------------------------------------------- a peer that can misbehave


def pdu(kind: int, body: bytes, length: int | None = None) -> bytes:
    """One PDU (PS3.8 9.3) with the length it is told to claim."""
    return struct.pack(">BBL", kind, 0, len(body) if length is None else length) + body


def _item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(body)) + body


def associate_request(sop_class: str, syntax: str, calling: str = "EVIL") -> bytes:
    """An A-ASSOCIATE-RQ with one presentation context, id 1."""
    context = _item(0x30, sop_class.encode()) + _item(0x40, syntax.encode())
    user = _item(0x51, struct.pack(">L", 1 << 20)) + _item(0x52, b"1.2.3.4")
    body = struct.pack(">HH16s16s32x", 1, 0, b"TRIAGE".ljust(16), calling.encode().ljust(16))
    body += _item(0x10, b"1.2.840.10008.3.1.1.1")
    body += _item(0x20, struct.pack("BBBB", 1, 0, 0, 0) + context) + _item(0x50, user)
    return pdu(0x01, body)


def p_data(body: bytes, *, command: bool, last: bool = True) -> bytes:
    """A P-DATA-TF with one presentation data value."""
    value = struct.pack(">LBB", len(body) + 2, 1, (1 if command else 0) | (2 if last else 0)) + body
    return pdu(0x04, value)


def store_command(sop_class: str, sop_uid: str) -> bytes:
    """The command set of a C-STORE request (PS3.7 9.3.1), implicit VR little endian."""

    def element(number: int, value: bytes) -> bytes:
        value += b"\0" * (len(value) % 2)
        return struct.pack("<HHL", 0, number, len(value)) + value

    body = (
        element(0x0002, sop_class.encode())
        + element(0x0100, struct.pack("<H", 1))
        + element(0x0110, struct.pack("<H", 7))
        + element(0x0700, struct.pack("<H", 0))
        + element(0x0800, struct.pack("<H", 1))
        + element(0x1000, sop_uid.encode())
    )
    return element(0x0000, struct.pack("<L", len(body))) + body


class Peer:
    """A raw connection to the door."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> bytes:
        """What comes in one piece; b"" when the door has closed."""
        try:
            return self.socket.recv(1 << 20)
        except ConnectionResetError:
            return b""

    def associate(self, sop_class: str, syntax: str, calling: str = "EVIL") -> None:
        self.send(associate_request(sop_class, syntax, calling))
        assert self.receive()[:1] == b"\x02"

    def until_closed(self, timeout_s: float = 60.0) -> bytes:
        """Everything until the door closes."""
        self.socket.settimeout(timeout_s)
        whole = b""
        while piece := self.receive():
            whole += piece
        return whole

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def status_of(response: bytes) -> int:
    """Status (0000,0900) of a response that came as one P-DATA-TF."""
    at = response.index(b"\x00\x00\x00\x09\x02\x00\x00\x00")
    return int(struct.unpack_from("<H", response, at + 8)[0])
