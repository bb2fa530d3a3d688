"""The critic's table, row by row: nothing about a failure's text, all about its type."""

from __future__ import annotations

import pytest

from triage.core.work import Cause
from triage.engine.critic import REACTIONS, Budget, Reaction, cause_of, judge, pause_s
from triage.errors import (
    ConfigurationError,
    GeometryRefused,
    ModelRefused,
    NotFound,
    OutOfResources,
    PeerRefused,
    PeerUnreachable,
    PixelsUnreadable,
    RuntimeDown,
    TriageError,
    Unprocessable,
)

RETRY, BACK, OTHER = Reaction.RETRY, Reaction.BACK_TRACK, Reaction.OTHER_TOOL
ASK, STOP = Reaction.ASK, Reaction.STOP

# cause, tries left, a tool gave the blamed fact -> what is open, best first
ROWS = [
    (Cause.INPUT_MISSING, True, True, (BACK, OTHER, ASK)),
    (Cause.INPUT_MISSING, True, False, (OTHER, ASK)),
    (Cause.INPUT_BAD, True, True, (BACK, OTHER, ASK)),
    (Cause.INPUT_BAD, True, False, (OTHER, ASK)),
    (Cause.TOOL_DOWN, True, False, (OTHER, RETRY, ASK)),
    (Cause.TOOL_DOWN, False, True, (OTHER, ASK)),
    (Cause.RESOURCE, True, False, (RETRY, OTHER, ASK)),
    (Cause.RESOURCE, False, False, (OTHER, ASK)),
    (Cause.REJECTED_BY_PEER, True, True, (OTHER, ASK)),
    (Cause.CONTRACT_VIOLATED, True, True, (BACK, OTHER, ASK)),
    (Cause.CONTRACT_VIOLATED, True, False, (OTHER, ASK)),
    (Cause.TIMEOUT, True, False, (OTHER, RETRY, ASK)),
    (Cause.TIMEOUT, False, False, (OTHER, ASK)),
    (Cause.LOW_QUALITY, True, True, (BACK, OTHER, ASK)),
    (Cause.LOW_QUALITY, True, False, (OTHER, ASK)),
    (Cause.SUPERSEDED, True, True, (STOP,)),
]


@pytest.mark.parametrize(("cause", "left", "giver", "expected"), ROWS)
def test_reactions(cause: Cause, left: bool, giver: bool, expected: tuple[Reaction, ...]) -> None:
    attempts = 1 if left else 2
    found = judge(cause, attempts=attempts, attempts_allowed=2, can_back_track=giver)
    assert found == expected


def test_every_cause_has_a_row_here_and_in_the_table() -> None:
    assert {row[0] for row in ROWS} == set(REACTIONS) == set(Cause)


def test_every_row_ends_where_nothing_goes_on_by_itself() -> None:
    assert all(reactions[-1] in (ASK, STOP) for reactions in REACTIONS.values())


def test_pauses_double_and_are_bounded() -> None:
    assert [pause_s(Cause.TOOL_DOWN, n) for n in (1, 2, 3)] == [1.0, 2.0, 4.0]
    assert [pause_s(Cause.RESOURCE, n) for n in (1, 2)] == [5.0, 10.0]
    assert pause_s(Cause.RESOURCE, 50) == 60.0


ERRORS: list[tuple[Exception, Cause]] = [
    (OutOfResources("full"), Cause.RESOURCE),
    (PeerUnreachable("no route"), Cause.RESOURCE),
    (PeerRefused("no"), Cause.REJECTED_BY_PEER),
    (PixelsUnreadable("short"), Cause.INPUT_BAD),
    (GeometryRefused("gap"), Cause.INPUT_BAD),
    (ModelRefused("digest"), Cause.TOOL_DOWN),
    (RuntimeDown("none"), Cause.TOOL_DOWN),
    (ConfigurationError("port"), Cause.TOOL_DOWN),
    (NotFound("file"), Cause.INPUT_MISSING),
    (Unprocessable("field"), Cause.INPUT_BAD),
    (TriageError("any"), Cause.INPUT_BAD),
    (MemoryError(), Cause.RESOURCE),
    (ModuleNotFoundError("openvino"), Cause.TOOL_DOWN),
    (FileNotFoundError("x"), Cause.TOOL_DOWN),
    (KeyError("x"), Cause.CONTRACT_VIOLATED),
    (ZeroDivisionError(), Cause.CONTRACT_VIOLATED),
]


@pytest.mark.parametrize(("error", "cause"), ERRORS, ids=[type(e).__name__ for e, _ in ERRORS])
def test_exceptions_have_a_cause(error: Exception, cause: Cause) -> None:
    assert cause_of(error) is cause


def test_the_budget_says_which_limit_is_reached() -> None:
    budget = Budget(versions=3, seconds=60)
    assert budget.spent(2, 59) is None
    assert budget.spent(3, 0) == "3 plans were made for this and none led to the goal"
    assert budget.spent(1, 60) == "the goal was not reached within 60 s"
