"""When a sender has been quiet for long enough, and when a stack has no gap; all of it pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from triage.core.geometry import SlicePosition, arrange
from triage.pathway import CHOICES

#: A sender whose association broke off will try again: this many quiet times are waited.
BROKEN_OFF_QUIETS: Final = 4
#: A sender that is never quiet (a router) must not hold a study back for ever: this many quiet
#: times without a new image of the study, and never less than `LONGEST_WAIT_S`, end the waiting.
LONGEST_WAIT_QUIETS, LONGEST_WAIT_S = 20, 300.0

NOTHING_READ: Final = "no image that is read has arrived yet"
_NEVER_READ_TYPES = frozenset({"LOCALIZER", "SCREEN SAVE"})
_POSITION, _ORIENTATION = "image_position_patient", "image_orientation_patient"


@dataclass(frozen=True, slots=True)
class Sender:
    """One sender of a study, and what it is doing.

    Attributes
    ----------
    name : str
        AE title, or the name of the door.
    is_import : bool
    open : int
        Its associations that are open now, also with other studies.
    last_closed_at : datetime or None
        When its last association was closed, also with other studies.
    broke_off : bool
        The last association that brought something to this study was aborted or lost.
    quiet_s : float
    """

    name: str
    is_import: bool
    open: int
    last_closed_at: datetime | None
    broke_off: bool
    quiet_s: float


@dataclass(frozen=True, slots=True)
class Timing:
    """When a study may be worked on and published, by its senders alone.

    Attributes
    ----------
    publish_ok : bool
    publish_at : datetime or None
        When it may be published if nothing more comes; None when nothing has come.
    why : str
    """

    publish_ok: bool
    publish_at: datetime | None
    why: str


def judge(senders: Sequence[Sender], last_received_at: datetime, now: datetime) -> Timing:
    """Say when a study may be published, from what its senders do.

    Parameters
    ----------
    senders : sequence of Sender
        Everyone who brought something to it.
    last_received_at, now : datetime
        Aware.

    Returns
    -------
    Timing
        The latest of all senders decides.
    """
    if not senders:
        return Timing(publish_ok=False, publish_at=None, why=NOTHING_READ)
    at, why = max(_quiet_at(sender, last_received_at) for sender in senders)
    return Timing(publish_ok=now >= at, publish_at=at, why=why)


def _quiet_at(sender: Sender, last_received_at: datetime) -> tuple[datetime, str]:
    """When this sender will have been quiet for long enough, and why then."""
    waited_s = max(LONGEST_WAIT_QUIETS * sender.quiet_s, LONGEST_WAIT_S)
    at_last = last_received_at + timedelta(seconds=waited_s)
    if sender.open or sender.last_closed_at is None:
        return at_last, f"{sender.name} is sending; at the latest {waited_s:g} s after an image"
    quiet_s, why = _quiet(sender)
    at = sender.last_closed_at + timedelta(seconds=quiet_s)
    if at > at_last:
        return at_last, f"no new image for {waited_s:g} s, although {sender.name} goes on sending"
    return at, why


def _quiet(sender: Sender) -> tuple[float, str]:
    if sender.broke_off:
        quiet_s = BROKEN_OFF_QUIETS * sender.quiet_s
        return quiet_s, f"the last transfer of {sender.name} broke off; quiet for {quiet_s:g} s"
    if sender.is_import:
        return 0.0, "the import is closed"
    return sender.quiet_s, f"{sender.name} quiet for {sender.quiet_s:g} s"


def is_gap_free(headers: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the slices of one series form an even stack that could be a chest.

    Parameters
    ----------
    headers : mapping of SOP UID to stored header

    Returns
    -------
    bool
        Only a reason to start early; whether the series is read is decided elsewhere.
    """
    slices = [
        SlicePosition(
            uid, tuple(header["image_position_patient"]), tuple(header["image_orientation_patient"])
        )
        for uid, header in headers.items()
        if _has_place(header)
    ]
    if len(slices) < CHOICES.min_slices:
        return False
    stack = arrange(slices)
    return stack.is_gap_free and not stack.mixed_orientation


def _has_place(header: Mapping[str, Any]) -> bool:
    kinds = header.get("image_type") or []
    lengths = [
        len(header.get(k) or []) for k in ("image_position_patient", "image_orientation_patient")
    ]
    return lengths == [3, 6] and _NEVER_READ_TYPES.isdisjoint(kinds)
