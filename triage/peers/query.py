"""Looking for an object at a peer: C-FIND, Study Root, IMAGE level (PS3.4 Annex C.6.2)."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

from triage.peers.node import Node, status_of

_STUDY_ROOT_FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"
_SYNTAXES: Final = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
_PENDING: Final = frozenset({0xFF00, 0xFF01})
_SUCCESS: Final = 0x0000


def holds(node: Node, study_uid: str, series_uid: str, sop_uid: str) -> bool:
    """Whether a peer has one SOP Instance.

    Parameters
    ----------
    node : Node
    study_uid, series_uid, sop_uid : str
        All three are unique keys at IMAGE level.

    Returns
    -------
    bool
        True only when the peer itself names that very instance.

    Raises
    ------
    PeerUnreachable
        It did not answer: nothing is known.
    PeerRefused
        It does not allow the query: nothing is known either.
    """
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "IMAGE"
    wanted.StudyInstanceUID, wanted.SeriesInstanceUID = study_uid, series_uid
    wanted.SOPInstanceUID = sop_uid
    found = False
    with node.association([(_STUDY_ROOT_FIND, _SYNTAXES)]) as association:
        for answer, identifier in association.send_c_find(wanted, _STUDY_ROOT_FIND):
            status = status_of(node, answer, "C-FIND")
            if status in _PENDING:
                found = found or (
                    identifier is not None and identifier.get("SOPInstanceUID") == sop_uid
                )
            elif status != _SUCCESS:
                raise node.refused(f"answered C-FIND with status 0x{status:04X}")
    return found
