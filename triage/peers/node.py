"""A node of the ``[[pacs]]`` settings as something to talk to: associations with bounded times.

Only the peers room and the DICOM door import pynetdicom. Every wait ends: connecting, the answer to
a request, silence on the line. What goes wrong is one of two things, because they have different
remedies: `PeerUnreachable` (nobody there, or the line broke: later) and `PeerRefused` (an answer
that says no: a person).
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from pynetdicom import AE, evt
from pynetdicom.presentation import build_context

from triage.errors import ConfigurationError, PeerRefused, PeerUnreachable
from triage.settings import PacsNode, Settings

CONNECT_S: Final = 5.0
ANSWER_S: Final = 20.0
#: A failure that took longer than this is one that holds others up.
_SLOW_S: Final = 1.0
#: After a slow failure the node is not asked again for this long.
_LEFT_ALONE_S: Final = 30.0
_SUCCESS: Final = 0x0000
_VERIFICATION: Final = "1.2.840.10008.1.1"
_IMPLICIT: Final = "1.2.840.10008.1.2"

#: SOP class and its transfer syntaxes.
Context = tuple[str, Sequence[str]]


@dataclass
class Node:
    """One other system, and when it was last found silent.

    A node that swallows packets costs `CONNECT_S` once in `_LEFT_ALONE_S`; in between every call
    fails at once, so that a dead archive holds up nobody's report to a living one.

    Attributes
    ----------
    settings : PacsNode
    calling_ae : str
        Our own title.
    connect_s, answer_s : float
        Longest waits, s.
    """

    settings: PacsNode
    calling_ae: str
    connect_s: float = CONNECT_S
    answer_s: float = ANSWER_S
    clock: Callable[[], float] = time.monotonic
    _silent_until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def association(self, contexts: Sequence[Context]) -> Iterator[Any]:
        """An established association, released at the end.

        Parameters
        ----------
        contexts : sequence of (SOP class, transfer syntaxes)

        Raises
        ------
        PeerUnreachable
            No connection, no answer, or the line broke.
        PeerRefused
            The peer rejected the association or every context.
        """
        self._refuse_while_silent()
        began = self.clock()
        association = self._associate(contexts)
        if not association.is_established:
            self._note_silence(began)
            raise self._why_not(association)
        try:
            yield association
        finally:
            if association.is_established:
                association.release()
            else:
                association.abort()

    def unreachable(self, what: str) -> PeerUnreachable:
        """The error for a peer that does not answer."""
        one = self.settings
        return PeerUnreachable(
            f"{one.name} ({one.ae_title} at {one.host}:{one.port}) {what}; tried again later"
        )

    def refused(self, what: str) -> PeerRefused:
        """The error for a peer that says no."""
        return PeerRefused(f"{self.settings.name} ({self.settings.ae_title}) {what}")

    def _associate(self, contexts: Sequence[Context]) -> Any:
        ae = AE(ae_title=self.calling_ae)
        ae.connection_timeout = self.connect_s
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = self.answer_s
        ae.maximum_pdu_size = 1 << 20
        return ae.associate(
            self.settings.host,
            self.settings.port,
            contexts=[build_context(uid, list(syntaxes)) for uid, syntaxes in contexts],
            ae_title=self.settings.ae_title,
            tls_args=(ssl.create_default_context(), self.settings.host)
            if self.settings.tls
            else None,
            evt_handlers=[(evt.EVT_CONN_OPEN, _send_at_once)],
        )

    def _why_not(self, association: Any) -> PeerUnreachable | PeerRefused:
        if association.is_rejected:
            primitive = association.acceptor.primitive
            return self.refused(
                f"rejected the association ({primitive.reason_str}); it must know our AE title "
                f"{self.calling_ae}"
            )
        if association.is_aborted and association.acceptor.primitive is not None:
            return self.refused("accepted none of what was proposed")
        return self.unreachable("does not answer")

    def _refuse_while_silent(self) -> None:
        with self._lock:
            if self.clock() < self._silent_until:
                raise self.unreachable("did not answer a moment ago")

    def _note_silence(self, began: float) -> None:
        with self._lock:
            if self.clock() - began > _SLOW_S:
                self._silent_until = self.clock() + _LEFT_ALONE_S


def _send_at_once(event: Any) -> None:
    """TCP_NODELAY: with Nagle's algorithm each small message waits some 40 ms."""
    connection = event.assoc.dul.socket.socket
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def status_of(node: Node, answer: Any, what: str) -> int:
    """Status of a response.

    Raises
    ------
    PeerUnreachable
        There was none: the line broke, or the time was up.
    """
    if answer is None or "Status" not in answer:
        raise node.unreachable(f"gave no answer to {what}")
    return int(answer.Status)


def echo(node: Node) -> float:
    """Verify the connection (C-ECHO, PS3.4 Annex A).

    Returns
    -------
    float
        Seconds until the answer.

    Raises
    ------
    PeerUnreachable, PeerRefused
    """
    began = time.monotonic()
    with node.association([(_VERIFICATION, [_IMPLICIT])]) as association:
        status = status_of(node, association.send_c_echo(), "C-ECHO")
    if status != _SUCCESS:
        raise node.refused(f"answered C-ECHO with status 0x{status:04X}")
    return time.monotonic() - began


def nodes_of(settings: Settings) -> dict[str, Node]:
    """Every configured node, by name.

    Raises
    ------
    ConfigurationError
        Two nodes have one name.
    """
    found = {one.name: Node(one, settings.ae_title) for one in settings.pacs}
    if len(found) != len(settings.pacs):
        raise ConfigurationError("two [[pacs]] blocks have the same name")
    return found


def destinations(settings: Settings, output: str) -> tuple[str, ...]:
    """Names of the nodes that want a kind of output."""
    return tuple(
        one.name for one in settings.pacs if "destination" in one.roles and output in one.outputs
    )
