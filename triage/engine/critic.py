"""What a failure means: its type, never its text, selects what happens next.

The critic is a table. It neither runs nor stores anything: `judge` answers with the reactions that
are open to this failure, best first, and the runner takes the first that is possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from triage.core.work import Cause
from triage.errors import (
    ConfigurationError,
    NotFound,
    OutOfResources,
    PeerRefused,
    ReadingError,
    Remedy,
    TriageError,
)


class Reaction(StrEnum):
    """What the engine may do after a failed task."""

    RETRY = "retry"  # the same tool on the same input, after a pause
    BACK_TRACK = "back_track"  # set the task aside that gave the bad fact, and plan again
    OTHER_TOOL = "other_tool"  # plan again without this tool on this input
    ASK = "ask"  # stop and wait for a person, with the reason
    STOP = "stop"  # nothing to do: a newer plan has taken over


# Best first. A transient fault of a dependency is worth another tool before it is worth a wait; a
# full disk is not. What is deterministic is never tried twice.
REACTIONS: dict[Cause, tuple[Reaction, ...]] = {
    Cause.INPUT_MISSING: (Reaction.BACK_TRACK, Reaction.OTHER_TOOL, Reaction.ASK),
    Cause.INPUT_BAD: (Reaction.BACK_TRACK, Reaction.OTHER_TOOL, Reaction.ASK),
    Cause.TOOL_DOWN: (Reaction.OTHER_TOOL, Reaction.RETRY, Reaction.ASK),
    Cause.RESOURCE: (Reaction.RETRY, Reaction.OTHER_TOOL, Reaction.ASK),
    Cause.REJECTED_BY_PEER: (Reaction.OTHER_TOOL, Reaction.ASK),
    Cause.CONTRACT_VIOLATED: (Reaction.BACK_TRACK, Reaction.OTHER_TOOL, Reaction.ASK),
    Cause.TIMEOUT: (Reaction.OTHER_TOOL, Reaction.RETRY, Reaction.ASK),
    Cause.LOW_QUALITY: (Reaction.BACK_TRACK, Reaction.OTHER_TOOL, Reaction.ASK),
    Cause.SUPERSEDED: (Reaction.STOP,),
}

_FIRST_PAUSE_S: dict[Cause, float] = {Cause.RESOURCE: 5.0}
_DEFAULT_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True, slots=True)
class Budget:
    """How much planning one goal on one set of facts may use before a person is asked.

    Attributes
    ----------
    versions : int
        Plan versions made for the same subject, goal and facts.
    seconds : float
        Since the first of them.
    """

    versions: int = 12
    seconds: float = 4 * 3600.0

    def spent(self, versions: int, seconds: float) -> str | None:
        """Which limit is reached, in words; None while there is room."""
        if versions >= self.versions:
            return f"{versions} plans were made for this and none led to the goal"
        if seconds >= self.seconds:
            return f"the goal was not reached within {self.seconds:.0f} s"
        return None


def judge(
    cause: Cause, *, attempts: int, attempts_allowed: int, can_back_track: bool
) -> tuple[Reaction, ...]:
    """Reactions that are open to a failure, best first.

    Parameters
    ----------
    cause : Cause
    attempts : int
        How often this tool was tried on this input, the failed try included.
    attempts_allowed : int
        `ToolSpec.attempts`.
    can_back_track : bool
        The failure blames a fact that a tool gave.

    Returns
    -------
    tuple of Reaction
        Never empty: it ends in ASK or STOP.
    """
    closed = set()
    if attempts >= attempts_allowed:
        closed.add(Reaction.RETRY)
    if not can_back_track:
        closed.add(Reaction.BACK_TRACK)
    return tuple(reaction for reaction in REACTIONS[cause] if reaction not in closed)


def pause_s(cause: Cause, attempts: int) -> float:
    """Seconds to wait before try number ``attempts + 1``: doubled each time, bounded."""
    first = _FIRST_PAUSE_S.get(cause, _DEFAULT_PAUSE_S)
    return float(min(_LONGEST_PAUSE_S, first * 2 ** (attempts - 1)))


# A tool should return its cause. When it raises one of our errors all the same, the error's own
# place in the tree, else its remedy, says which cause it is.
_CAUSE_OF_ERROR: tuple[tuple[type[TriageError], Cause], ...] = (
    (OutOfResources, Cause.RESOURCE),
    (PeerRefused, Cause.REJECTED_BY_PEER),
    (ReadingError, Cause.INPUT_BAD),
    (NotFound, Cause.INPUT_MISSING),
    (ConfigurationError, Cause.TOOL_DOWN),
)
_CAUSE_OF_REMEDY: dict[Remedy, Cause] = {
    Remedy.RETRY: Cause.RESOURCE,
    Remedy.OTHER_TOOL: Cause.TOOL_DOWN,
    Remedy.HUMAN: Cause.INPUT_BAD,
}
# Every other exception is a defect of the tool or of the machine.
_CAUSE_OF_DEFECT: tuple[tuple[type[Exception], Cause], ...] = (
    (MemoryError, Cause.RESOURCE),
    (ImportError, Cause.TOOL_DOWN),
    (OSError, Cause.TOOL_DOWN),
)


def cause_of(error: Exception) -> Cause:
    """The cause that an exception out of a tool stands for."""
    if isinstance(error, TriageError):
        for kind, cause in _CAUSE_OF_ERROR:
            if isinstance(error, kind):
                return cause
        return _CAUSE_OF_REMEDY[error.remedy]
    for defect, cause in _CAUSE_OF_DEFECT:
        if isinstance(error, defect):
            return cause
    return Cause.CONTRACT_VIOLATED
