"""A gate before an archive: it counts what is asked, and can hold back what comes after a store."""

from __future__ import annotations

import contextlib
import socket
import threading

FIND, STORE = "find", "store"
#: Abstract syntax in the association request -> what the association is for.
_ASKED = {b"1.2.840.10008.5.1.4.1.2.2.1": FIND, b"1.2.840.10008.5.1.4.1.1.88.34": STORE}
#: A-ASSOCIATE-RQ (PS3.8 9.3.2): type, reserved, length of the rest in 4 bytes.
_HEAD = 6


class Gate:
    """Passes associations on, one thread each way.

    Attributes
    ----------
    asked : list of str
        ``find`` or ``store`` for every association, in order.
    holding : Event
        Set while an association waits at the closed gate.

    Parameters
    ----------
    to_port : int
        Of the archive on this machine.
    """

    def __init__(self, to_port: int) -> None:
        self.asked: list[str] = []
        self.holding = threading.Event()
        self._to_port = to_port
        self._open = threading.Event()
        self._open.set()
        self._close_after_store = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close_after_next_store(self) -> None:
        """Let one store through, then hold whatever comes."""
        self._close_after_store = True

    def open(self) -> None:
        """Let everything through again."""
        self.holding.clear()
        self._open.set()

    def end(self) -> None:
        """Take no more connections."""
        self.open()
        self._server.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                threading.Thread(target=self._pass_on, args=(connection,), daemon=True).start()

    def _pass_on(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            request = _request(connection)
            kind = next((word for uid, word in _ASKED.items() if uid in request), "")
            if not self._open.is_set():
                self.holding.set()
                self._open.wait()
            self.asked.append(kind)
            with socket.create_connection(("127.0.0.1", self._to_port)) as archive:
                if kind == STORE and self._close_after_store:
                    self._close_after_store = False
                    self._open.clear()
                archive.sendall(request)
                back = threading.Thread(target=_pump, args=(archive, connection), daemon=True)
                back.start()
                _pump(connection, archive)
                back.join()


def _request(connection: socket.socket) -> bytes:
    head = _exactly(connection, _HEAD)
    return head + _exactly(connection, int.from_bytes(head[2:], "big"))


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = connection.recv(size - len(found))
        if not piece:
            raise OSError("the line was closed")
        found += piece
    return found


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
