"""One object through the door: check, file, row; only then may the door say "success".

The order is that of design decision 3. Every refusal but a full disk keeps the bytes in quarantine
with a reason, and the same object again gets the same answer.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from triage.errors import IntakeError, OutOfResources
from triage.receive import part10
from triage.receive.entries import entry_of
from triage.receive.header import Header, check_identity, read_header, study_uid_of
from triage.receive.part10 import FileParts
from triage.receive.process import is_dead, process_name
from triage.store import intake_rows
from triage.store.files import Files
from triage.store.intake_rows import QuarantineEntry, Recorded
from triage.store.session import Store

SUCCESS: Final = 0x0000
MAX_OBJECT_BYTES: Final = 1 << 30


class Outcome(StrEnum):
    """What the door did with one object."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to a sender.

    Attributes
    ----------
    outcome : Outcome
    dimse_status : int
        PS3.4 Table B.2-1: 0x0000, 0xA900, 0xC000 or 0x0122.
    code, message : str
        Why it was set aside; "" when it was taken.
    study_uid, sop_uid : str
        "" when the object did not tell.
    digest : str
        Key of its file, in the objects or in quarantine.
    """

    outcome: Outcome
    dimse_status: int
    code: str
    message: str
    study_uid: str
    sop_uid: str
    digest: str


@dataclass(frozen=True, slots=True)
class Message:
    """What carried a data set: a C-STORE request, or file meta information.

    Attributes
    ----------
    transfer_syntax, sop_class, sop_uid : str
        As the carrier says; never believed without the data set.
    source : str
        Who sent it or where it lay, for the quarantine list.
    """

    transfer_syntax: str
    sop_class: str
    sop_uid: str
    source: str


class Intake:
    """The one way in for every door.

    Parameters
    ----------
    store : Store
    files : Files
        Where understood objects lie.
    quarantine : Files
        Where refused ones lie; a folder of its own.
    """

    def __init__(self, store: Store, files: Files, quarantine: Files) -> None:
        self._store = store
        self._files = files
        self._quarantine = quarantine
        self.process = process_name()

    def open(
        self, door: str, *, calling_ae: str = "", called_ae: str = "", address: str = ""
    ) -> str:
        """Note that a sender has come.

        Returns
        -------
        str
            Id of the association row; every object it brings names it.
        """
        association_id = str(uuid.uuid4())
        with intake_rows.writing(self._store) as uow:
            intake_rows.open_association(
                uow,
                {
                    "id": association_id,
                    "door": door,
                    "calling_ae": calling_ae[:64],
                    "called_ae": called_ae[:64],
                    "address": address[:64],
                    "process": self.process,
                },
            )
        return association_id

    def close(self, association_id: str, reason: str) -> list[str]:
        """Note that a sender has gone: ``released``, ``aborted`` or ``lost``.

        Returns
        -------
        list of str
            Studies it brought something to.
        """
        with intake_rows.writing(self._store) as uow:
            arrived = intake_rows.close_association(uow, association_id, reason)
        return [one.study_uid for one in arrived]

    def recover(self) -> int:
        """Close what dead processes of this machine left open; call at the start of a door."""
        with intake_rows.writing(self._store) as uow:
            return intake_rows.close_left_open(uow, is_dead)

    def receive(
        self, association_id: str, data_set: bytes | memoryview, message: Message
    ) -> Receipt:
        """Take in one data set as a message carried it.

        Parameters
        ----------
        association_id : str
        data_set : bytes-like
            Encoded, without file meta information.
        message : Message

        Returns
        -------
        Receipt

        Raises
        ------
        OutOfResources
            Nothing was kept; the sender tries again (0xA700).
        """
        try:
            header = read_header(data_set, message.transfer_syntax)
            check_identity(header, message.sop_class, message.sop_uid)
            return self._keep(association_id, data_set, header)
        except OutOfResources:
            raise
        except IntakeError as refusal:
            head, body = part10.write_file(
                data_set, message.transfer_syntax, message.sop_class, message.sop_uid
            )
            study_uid = study_uid_of(data_set, message.transfer_syntax)
            return self._set_aside(association_id, (head, body), message, refusal, study_uid)

    def receive_file(self, association_id: str, data: bytes, source: str) -> Receipt:
        """Take in one file as it lay on a disk or in an archive; as `receive`."""
        parts: FileParts | None = None
        try:
            parts = part10.take_apart(data)
            header = read_header(parts.data_set, parts.transfer_syntax)
            if parts.sop_class is not None and parts.sop_uid is not None:
                check_identity(header, parts.sop_class, parts.sop_uid)
            return self._keep(association_id, parts.data_set, header)
        except OutOfResources:
            raise
        except IntakeError as refusal:
            message = Message("", "", (parts and parts.sop_uid) or "", source)
            study_uid = study_uid_of(parts.data_set, parts.transfer_syntax) if parts else ""
            return self._set_aside(association_id, (data,), message, refusal, study_uid)

    def _keep(self, association_id: str, data_set: bytes | memoryview, header: Header) -> Receipt:
        head, body = part10.write_file(
            data_set, header.transfer_syntax, header.sop_class, header.sop_uid
        )
        with intake_rows.looking(self._store) as uow:
            intake_rows.check_identity(uow, entry_of(header, association_id, "", 0, 0))
        digest = _put(self._files, (head, body))
        size = len(head) + len(body)
        with intake_rows.writing(self._store) as uow:
            entry = entry_of(header, association_id, digest, size, len(head))
            recorded = intake_rows.record(uow, entry)
        return Receipt(
            outcome=_OUTCOMES[recorded],
            dimse_status=SUCCESS,
            code="",
            message="",
            study_uid=header.study_uid,
            sop_uid=header.sop_uid,
            digest=digest,
        )

    def _set_aside(
        self,
        association_id: str,
        chunks: tuple[bytes | memoryview, ...],
        message: Message,
        refusal: IntakeError,
        study_uid: str,
    ) -> Receipt:
        digest = _put(self._quarantine, chunks)
        sop_uid = "".join(c if c.isprintable() else "?" for c in message.sop_uid)[:128]
        entry = QuarantineEntry(
            digest=digest,
            size=sum(len(chunk) for chunk in chunks),
            code=refusal.detail_code,
            message=refusal.message,
            dimse_status=refusal.dimse_status,
            association_id=association_id,
            source=message.source[:1024],
            sop_uid=sop_uid,
            study_uid=study_uid,
        )
        with intake_rows.writing(self._store) as uow:
            intake_rows.record_quarantine(uow, entry)
        return Receipt(
            outcome=Outcome.QUARANTINED,
            dimse_status=refusal.dimse_status,
            code=refusal.detail_code,
            message=refusal.message,
            study_uid=study_uid,
            sop_uid=sop_uid,
            digest=digest,
        )


_OUTCOMES: Final = {
    Recorded.STORED: Outcome.STORED,
    Recorded.DUPLICATE: Outcome.DUPLICATE,
    Recorded.CONFLICT: Outcome.CONFLICT,
}


def _put(files: Files, chunks: tuple[bytes | memoryview, ...]) -> str:
    """Write durably; a disk that cannot write is a refusal that the sender repeats."""
    try:
        return files.put(*chunks)
    except OSError as error:
        raise OutOfResources(f"the disk cannot write: {error.strerror}") from error
