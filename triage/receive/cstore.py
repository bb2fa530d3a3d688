"""The DICOM door: C-ECHO and C-STORE SCP, in a process of its own (design decision 5).

The only file that imports pynetdicom here, and the one place for everything it does differently
from that library, written against 3.0.4 (`PINNED`; a test fails when another is installed):

=====================  ================================================================
`BoundedDul`           a claimed PDU length is refused before anything is read for it,
                       ``recv_into`` one buffer, a deadline for every PDU, sleep when idle
`BoundedDimse`         a message has a size, a queue has a length, junk ends the association
`DoorAssociation`      its end is always told, also when a thread of the library dies
`DoorServer`           connections are counted before threads start; TCP_NODELAY
=====================  ================================================================
"""

from __future__ import annotations

import logging
import queue
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from pydicom.dataset import Dataset
from pynetdicom import AE, _config, evt
from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dul import DULServiceProvider
from pynetdicom.transport import AssociationServer, AssociationSocket, RequestHandler

from triage.errors import ConfigurationError, OutOfResources
from triage.receive import classes
from triage.receive.callers import may_send
from triage.receive.intake import MAX_OBJECT_BYTES, SUCCESS, Intake, Message
from triage.settings import Settings
from triage.store.files import Files
from triage.store.session import Store

log = logging.getLogger(__name__)

PINNED: Final = "3.0.4"
MAX_PDU_BYTES: Final = 1 << 20
#: Association requests hold names and lists only.
MAX_REQUEST_BYTES: Final = 256 << 10
MAX_COMMAND_BYTES: Final = 64 << 10
MAX_CONNECTIONS: Final = 96
#: Closed to make room, but their threads have not ended yet.
MAX_ENDING: Final = 16
#: A peer that invokes one operation at a time never has more than one message waiting.
MAX_WAITING_MESSAGES: Final = 4
#: Association request / release timer (PS3.8 9.1.5): a silent connection is closed after it.
ARTIM_S: Final = 8.0
#: An association without traffic is aborted after it.
IDLE_S: Final = 60.0
#: Slowest sender that is served; a PDU that comes slower is taken for a dead one.
MIN_BYTES_PER_S: Final = 16 << 10
#: How long a C-STORE in progress may go on after SIGTERM; then how long until all is shut.
FINISH_S, SHUT_S = 4.0, 1.0
#: A part of a file that is older has no living writer.
STALE_PART_S: Final = 60.0

#: A connection without traffic for this many turns of 1 ms is waited for, `_WAIT_S` at a time.
_COLD_TURNS, _WAIT_S = 200, 0.02
_HEAD = struct.Struct(">BBL")
_P_DATA, _REQUEST_TYPES = 0x04, frozenset({0x01, 0x02, 0x03})
_CONTROL_TYPES = frozenset({0x05, 0x06, 0x07})  # release and abort: four bytes (PS3.8 9.3.6-8)


def largest_pdu(pdu_type: int) -> int:
    """Bytes that a PDU of a type may claim after its head (PS3.8 9.3); 0 for no such type."""
    if pdu_type == _P_DATA:
        return MAX_PDU_BYTES
    if pdu_type in _REQUEST_TYPES:
        return MAX_REQUEST_BYTES
    return 4 if pdu_type in _CONTROL_TYPES else 0


class BoundedDul(DULServiceProvider):
    """Upper layer that believes no length and waits for nobody for ever."""

    refused = False
    idle_turns = 0

    def _read_pdu_data(self) -> None:
        try:
            head = self._receive(_HEAD.size, time.monotonic() + ARTIM_S)
            pdu_type, _, length = _HEAD.unpack(head)
            if length > largest_pdu(pdu_type):
                log.warning("refused a PDU of type %#04x claiming %d bytes", pdu_type, length)
                self.refused = True
                self.event_queue.put("Evt19")  # unrecognised or invalid PDU: abort (PS3.8 9.2)
                return
            deadline = time.monotonic() + ARTIM_S + length / MIN_BYTES_PER_S
            whole = head + self._receive(length, deadline)
        except OSError:
            self._closed()
            return
        self._understand(whole)

    def _receive(self, count: int, deadline: float) -> bytearray:
        """Exactly `count` bytes, or OSError when they do not come in time."""
        connection = self.socket.socket if self.socket is not None else None
        if connection is None:
            raise ConnectionError("closed")
        buffer = bytearray(count)
        view, got = memoryview(buffer), 0
        while got < count:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("the rest of a PDU did not come in time")
            connection.settimeout(left_s)
            received = connection.recv_into(view[got:])
            if received == 0:
                raise ConnectionError("closed half way")
            got += received
        return buffer

    def _understand(self, whole: bytearray) -> None:
        try:
            pdu, event = self._decode_pdu(whole)
        except Exception as error:  # noqa: BLE001 - any of the library's; the association ends
            # Bytes of a stranger in a decoder that promises no kind of exception: what slipped
            # through would end the thread and leave the connection open.
            log.warning("refused a PDU that does not decode: %s", type(error).__name__)
            self.refused = True
            self.event_queue.put("Evt19")
            return
        self.event_queue.put(event)
        self._recv_pdu.put(pdu)

    def _is_transport_event(self) -> bool:
        # After a refusal the abort is sent and nothing more is read, whatever still comes.
        if self.refused and self.state_machine.current_state == "Sta13":
            self._closed()
            return True
        if super()._is_transport_event():
            self.idle_turns = 0
            return True
        self.idle_turns += 1
        if self.idle_turns > _COLD_TURNS:
            self._wait_for_data()
        return False

    def _wait_for_data(self) -> None:
        """Sleep on the socket instead of asking it a thousand times a second."""
        connection = self.socket.socket if self.socket is not None else None
        if connection is not None:
            with suppress(OSError, ValueError):  # closed meanwhile; the next turn notices
                select.select([connection], [], [], _WAIT_S)

    def _closed(self) -> None:
        if self.socket is not None:
            self.socket.close()  # puts Evt17, transport connection closed

    def end_now(self) -> None:
        """Cut the connection; threads that wait for it wake up."""
        if self.socket is not None:
            self.socket._shutdown_socket()


class BoundedDimse(DIMSEServiceProvider):
    """Messages with a size and a queue with a length."""

    _dul: BoundedDul

    def __init__(self, association: Association, dul: BoundedDul) -> None:
        super().__init__(association)
        self._dul = dul

    def get_msg(self, block: bool = False) -> Any:
        """The next message, waited for a moment: the association's loop asks without end."""
        with suppress(queue.Empty):
            return self.msg_queue.get(timeout=_WAIT_S)
        return None, None

    def receive_primitive(self, primitive: Any) -> None:
        """Collect one fragment; refuse what grows beyond a bound or does not decode."""
        if self.msg_queue.qsize() >= MAX_WAITING_MESSAGES:
            self._refuse("messages are sent without waiting for answers")
            return
        try:
            super().receive_primitive(primitive)
        except Exception as error:  # noqa: BLE001 - as in `BoundedDul._understand`
            self._refuse(f"a message does not decode: {type(error).__name__}")
            return
        message = self.message
        if message is None:
            return
        too_long = message.encoded_command_set.tell() > MAX_COMMAND_BYTES
        if too_long or (message.data_set and message.data_set.tell() > MAX_OBJECT_BYTES):
            self._refuse(f"an object is larger than {MAX_OBJECT_BYTES} bytes")

    def _refuse(self, why: str) -> None:
        log.warning("aborting an association: %s", why)
        self.message = None
        self._dul.refused = True
        self._dul.event_queue.put("Evt19")


class DoorAssociation(Association):
    """An association whose end is always told, and that ends early when the door closes."""

    dul: BoundedDul

    def __init__(self, ae: AE, door: _Door) -> None:
        super().__init__(ae, MODE_ACCEPTOR)
        self.door = door
        self.row_id: str | None = None
        self.is_serving = False
        self.is_evicted = False
        self.dul = BoundedDul(self)
        self.dimse = BoundedDimse(self, self.dul)
        # The library sets its timers on the objects that have just been replaced.
        self.acse_timeout, self.network_timeout = ae.acse_timeout, ae.network_timeout

    def run_reactor(self) -> None:
        """Run to the end, then note it whatever ended it."""
        try:
            super().run_reactor()
        finally:
            self.door.ended(self, "released" if self.is_released else "lost")

    def _serve_request(self, msg: Any, context_id: int) -> None:
        self.is_serving = True
        try:
            super()._serve_request(msg, context_id)
        finally:
            self.is_serving = False
        if self.door.stopping.is_set() and self.is_established:
            self.abort(block=False)

    @property
    def is_busy(self) -> bool:
        """Whether a message is on its way in or being answered."""
        return self.is_serving or self.dimse.message is not None or not self.dimse.msg_queue.empty()


class _Handler(RequestHandler):
    """One connection becomes one association thread pair."""

    server: DoorServer

    def _create_association(self) -> DoorAssociation:
        server = self.server
        association = DoorAssociation(self.ae, server.door)
        association._server = server
        association.name = f"AcceptorThread@{self.client_address[0]}"
        association.set_socket(AssociationSocket(association, client_socket=self.request))
        acceptor = association.acceptor
        acceptor.maximum_length = self.ae.maximum_pdu_size
        acceptor.ae_title = server.ae_title
        acceptor.address_info = self.local
        acceptor.implementation_class_uid = self.ae.implementation_class_uid
        acceptor.implementation_version_name = self.ae.implementation_version_name
        # Shared, not copied: negotiation only reads them (the copy costs milliseconds each time).
        acceptor.supported_contexts = server.contexts
        association.requestor.address_info = self.remote
        for event, handler in server.door.handlers():
            association.bind(event, handler)
        return association


class DoorServer(AssociationServer):
    """Listens, counts, and starts no thread for a connection too many."""

    request_queue_size = 128
    door: _Door

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept; small answers leave at once (with Nagle's algorithm they wait 40 ms)."""
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Make room by closing the oldest silent connection, or refuse this one."""
        there = [a for a in self.associations() if not a.is_evicted]
        if len(there) < MAX_CONNECTIONS:
            return True
        silent = [a for a in there if a.dul.state_machine.current_state in ("Sta1", "Sta2")]
        still_ending = len(self.associations()) - len(there)
        if not silent or still_ending > MAX_ENDING:
            log.warning("refused a connection from %s: %d are open", client_address[0], len(there))
            return False
        silent[0].is_evicted = True
        silent[0].dul.end_now()
        return True

    def associations(self) -> list[DoorAssociation]:
        """Living associations of this server, oldest first."""
        return [t for t in threading.enumerate() if isinstance(t, DoorAssociation)]


class _Door:
    """What the door does when something happens on an association."""

    def __init__(self, settings: Settings, intake: Intake) -> None:
        self.settings = settings
        self.intake = intake
        self.stopping = threading.Event()

    def handlers(self) -> list[tuple[Any, Callable[[Any], Any]]]:
        """Library events and who answers them."""
        return [
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_ACCEPTED, self._accepted),
            (evt.EVT_C_ECHO, lambda _event: SUCCESS),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_RELEASED, lambda event: self.ended(event.assoc, "released")),
            (evt.EVT_ACSE_RECV, self._acse_received),
        ]

    def _requested(self, event: Any) -> None:
        association = event.assoc
        calling, address = _caller(association)
        if may_send(self.settings, calling, address):
            return
        log.warning("rejected %r from %s: not a listed PACS node", calling, address)
        # Rejected permanently by the service user: calling AE title not recognised (PS3.8 9.3.4).
        association.acse.send_reject(0x01, 0x01, 0x03)
        association.kill()

    def _accepted(self, event: Any) -> None:
        association = event.assoc
        # A verification alone is no sender: monitoring must not stretch anyone's quiet time.
        accepted = {context.abstract_syntax for context in association.accepted_contexts}
        if accepted - {classes.VERIFICATION}:
            self._open(association)

    def _open(self, association: DoorAssociation) -> str:
        if association.row_id is None:
            calling, address = _caller(association)
            association.row_id = self.intake.open(
                "dimse",
                calling_ae=calling,
                called_ae=_request_of(association).called_ae_title.strip(),
                address=address,
            )
        return association.row_id

    def _store(self, event: Any) -> Dataset | int:
        """Answer a C-STORE request (PS3.4 B.2.3): 0x0000 means durable."""
        request, association = event.request, event.assoc
        calling, address = _caller(association)
        message = Message(
            transfer_syntax=str(event.context.transfer_syntax),
            sop_class=str(request.AffectedSOPClassUID or ""),
            sop_uid=str(request.AffectedSOPInstanceUID or ""),
            source=f"{calling} {address}",
        )
        data_set = request.DataSet.getbuffer() if request.DataSet else memoryview(b"")
        try:
            receipt = self.intake.receive(self._open(association), data_set, message)
        except OutOfResources as refusal:
            log.error("refused an object from %s: %s", message.source, refusal.message)
            return _status(refusal.dimse_status, refusal.message)
        if receipt.dimse_status != SUCCESS:
            log.warning("set aside from %s: %s (%s)", message.source, receipt.message, receipt.code)
            return _status(receipt.dimse_status, receipt.message)
        return SUCCESS

    def _acse_received(self, event: Any) -> None:
        reason = {"A_ABORT": "aborted", "A_P_ABORT": "lost"}.get(type(event.primitive).__name__)
        if reason is not None:
            self.ended(event.assoc, reason)

    def ended(self, association: DoorAssociation, reason: str) -> None:
        """Note the end of an association, once."""
        row_id, association.row_id = association.row_id, None
        if row_id is None:
            return
        try:
            studies = self.intake.close(row_id, reason)
        except OutOfResources as refusal:
            # The row stays open and is closed as lost at the next start of the receiver.
            log.error("could not note the end of an association: %s", refusal.message)
            return
        log.info("association %s %s, %d studies", row_id[:8], reason, len(studies))


def serve(
    settings: Settings,
    store: Store,
    files: Files,
    quarantine: Files,
    on_ready: Callable[[int], None],
    *,
    stop: threading.Event | None = None,
) -> None:
    """Receive until told to stop; lets a C-STORE in progress finish.

    Parameters
    ----------
    settings : Settings
        ``dicom_bind``, ``dicom_port`` (0: any free one), ``ae_title``, ``pacs``.
    store : Store
        With its schema.
    files, quarantine : Files
        Where objects lie; two folders.
    on_ready : callable
        Called once with the port when the door is open.
    stop : threading.Event, optional
        Set to end. Without it SIGTERM and SIGINT end it; only then must this be the main thread.

    Raises
    ------
    ConfigurationError
        The port is taken or not ours to open.
    """
    stop = stop if stop is not None else _stop_on_signals()
    server = _listen(settings, Intake(store, files, quarantine))
    files.sweep_incoming(older_than_s=STALE_PART_S)
    quarantine.sweep_incoming(older_than_s=STALE_PART_S)
    left = server.door.intake.recover()
    if left:
        log.warning("closed %d associations that a dead process left open", left)
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="triage-door")
    thread.start()
    on_ready(int(server.server_address[1]))
    stop.wait()
    _close(server)
    thread.join()


def _listen(settings: Settings, intake: Intake) -> DoorServer:
    _config.LOG_HANDLER_LEVEL = "none"  # its standard handlers format every PDU
    ae = AE(ae_title=settings.ae_title)
    ae.maximum_pdu_size = MAX_PDU_BYTES
    ae.maximum_associations = MAX_CONNECTIONS + 1  # counted by `DoorServer`, before threads
    ae.acse_timeout, ae.dimse_timeout, ae.network_timeout = ARTIM_S, IDLE_S, IDLE_S
    for abstract_syntax, syntaxes in classes.contexts():
        ae.add_supported_context(abstract_syntax, syntaxes)
    address = (settings.dicom_bind, settings.dicom_port)
    try:
        server = DoorServer(
            ae, address, settings.ae_title, ae.supported_contexts, request_handler=_Handler
        )
    except OSError as error:
        raise ConfigurationError(
            f"DICOM port {address[1]} on {address[0]} cannot be opened: {error.strerror}; "
            "set TRIAGE_DICOM_PORT"
        ) from error
    server.door = _Door(settings, intake)
    servers: list[Any] = ae._servers
    servers.append(server)  # its shutdown takes itself out of this list
    return server


def _close(server: DoorServer) -> None:
    """Stop listening, let messages in progress end, then end everything."""
    server.door.stopping.set()
    server.shutdown()
    asked: set[DoorAssociation] = set()

    def step(may_finish: bool) -> bool:
        there = server.associations()
        for association in set(there) - asked:
            if not (may_finish and association.is_busy):
                asked.add(association)
                if association.is_established:
                    association.abort(block=False)
                else:
                    association.dul.end_now()
        return not there

    if not _until(lambda: step(may_finish=True), FINISH_S):
        _until(lambda: step(may_finish=False), SHUT_S)
    for association in server.associations():
        association.dul.end_now()
        server.door.ended(association, "lost")


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    return stop


def _request_of(association: Association) -> Any:
    """The A-ASSOCIATE request of an association that has sent one."""
    return association.requestor.primitive


def _caller(association: Association) -> tuple[str, str]:
    """Calling AE title and address."""
    address = association.requestor.address_info
    assert address is not None  # set with the connection
    return _request_of(association).calling_ae_title.strip(), address.address


def _status(code: int, message: str) -> Dataset:
    """A status with a comment (PS3.7 C.4.2, Error Comment: 64 characters)."""
    status = Dataset()
    status.Status = code
    status.ErrorComment = message.encode("ascii", "replace").decode("ascii")[:64]
    return status
