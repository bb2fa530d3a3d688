"""Sending an object to a peer: C-STORE, and the sender of reports for the outbox.

The one presentation context is what the file itself is: its SOP class and its transfer syntax. A
peer that accepts neither says so, instead of getting something converted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pydicom import dcmread

from triage.core.work import Facts, Json
from triage.errors import ConfigurationError, NotFound
from triage.peers.node import Node, status_of
from triage.peers.query import holds
from triage.store.files import Files

#: Success, and warnings: the peer has stored it, perhaps coerced (PS3.4 B.2.3).
_STORED: Final = frozenset({0x0000, 0xB000, 0xB006, 0xB007})
_OUT_OF_RESOURCES: Final = range(0xA700, 0xA800)


def store(node: Node, path: Path) -> None:
    """Send one file (C-STORE).

    Parameters
    ----------
    node : Node
    path : Path
        A DICOM file.

    Raises
    ------
    PeerUnreachable
        No connection, the line broke, or the peer is out of resources.
    PeerRefused
        It does not take this kind of object, or answered with a failure.
    """
    document = dcmread(path)
    sop_class = str(document.SOPClassUID)
    syntax = str(document.file_meta.TransferSyntaxUID)
    with node.association([(sop_class, [syntax])]) as association:
        status = status_of(node, association.send_c_store(document), "C-STORE")
    if status in _OUT_OF_RESOURCES:
        raise node.unreachable(f"is out of resources (0x{status:04X})")
    if status not in _STORED:
        raise node.refused(f"answered C-STORE with status 0x{status:04X}")


class StoreSr:
    """Sends ``store_sr``: an `triage.engine.effects.EffectHandler`.

    Parameters
    ----------
    nodes : mapping of str to Node
        By name.
    files : Files
        Where the objects lie.
    """

    kind = "store_sr"

    def __init__(self, nodes: Mapping[str, Node], files: Files) -> None:
        self._nodes = nodes
        self._files = files

    def already_there(self, payload: Facts) -> Mapping[str, Json] | None:
        """Ask the peer for the object; its answer is the receipt."""
        node, sop_uid = self._node(payload), str(payload["sop_uid"])
        if not holds(node, str(payload["study_uid"]), str(payload["series_uid"]), sop_uid):
            return None
        return {
            "node": node.settings.name,
            "ae_title": node.settings.ae_title,
            "sop_uid": sop_uid,
            "found_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def send(self, payload: Facts) -> None:
        """Send the object.

        Raises
        ------
        TriageError
            It could not be sent.
        """
        path = self._files.path_of(str(payload["digest"]))
        if not path.exists():
            raise NotFound(f"the file of {payload['sop_uid']} is gone; `triage verify` tells more")
        store(self._node(payload), path)

    def confirm(self, payload: Facts) -> Mapping[str, Json] | None:
        """Find it at the peer."""
        return self.already_there(payload)

    def _node(self, payload: Facts) -> Node:
        name: Any = payload["node"]
        node = self._nodes.get(name)
        if node is None:
            raise ConfigurationError(f"no [[pacs]] block is named {name}; add it to triage.toml")
        return node
