"""The role policy: a literal matrix, and deny by default."""

from __future__ import annotations

import pytest

from triage.guard import access
from triage.guard.access import Action, Role

# Written out by hand: a change of the policy must change this table, too.
MATRIX: dict[Action, str] = {
    #                     R radiologist, J adjudicator, P pacs_admin, M ml_engineer,
    #                     A auditor, X admin
    Action.SEE_SELF: "R J P M A X",
    Action.SEE_WORKLIST: "R J P A X",
    Action.SEE_STUDY: "R J A X",
    Action.SEE_PIXELS: "R J X",
    Action.SEE_PLAN: "R J P A X",
    Action.SEE_EVENTS: "R J A X",
    Action.FOLLOW: "R J P A X",
    Action.CLAIM: "R J",
    Action.DECIDE: "R J",
    Action.SET_CONTEXT: "R J",
    Action.SIGN: "R J",
    Action.SEE_QUARANTINE: "P A X",
    Action.SEE_USERS: "A X",
    Action.MANAGE_USERS: "X",
    Action.SEE_METRICS: "P M X",
    Action.SEE_LEARNING: "R J M A X",
    Action.RUN_LEARNING: "M X",
    Action.PROMOTE_MODEL: "M X",
    Action.READ_DICOMWEB: "R J P X",
    Action.STORE_DICOMWEB: "P",
    Action.INFER: "M",
    Action.ADJUDICATE: "J",
}
LETTERS = {
    "R": Role.RADIOLOGIST,
    "J": Role.ADJUDICATOR,
    "P": Role.PACS_ADMIN,
    "M": Role.ML_ENGINEER,
    "A": Role.AUDITOR,
    "X": Role.ADMIN,
}


def test_the_matrix_names_every_action() -> None:
    assert set(MATRIX) == set(Action)


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("letter", list(LETTERS))
def test_policy_is_the_matrix(action: Action, letter: str) -> None:
    assert access.may([LETTERS[letter]], action) == (letter in MATRIX[action].split())


@pytest.mark.parametrize("roles", [[], ["nobody"], ["RADIOLOGIST"], [""], ["root", "superuser"]])
@pytest.mark.parametrize("action", list(Action))
def test_unknown_roles_may_nothing(roles: list[str], action: Action) -> None:
    assert not access.may(roles, action)


def test_every_role_has_a_row() -> None:
    assert set(access.POLICY) == set(Role)


def test_two_roles_add_up() -> None:
    both = access.permissions([Role.AUDITOR, Role.RADIOLOGIST])
    assert both == access.POLICY[Role.AUDITOR] | access.POLICY[Role.RADIOLOGIST]


def test_nobody_both_decides_and_promotes() -> None:
    # Separation of duties: no single role both makes training truth and releases a model.
    for role, actions in access.POLICY.items():
        assert not {Action.DECIDE, Action.PROMOTE_MODEL} <= actions, role


def test_ml_engineer_sees_no_patient() -> None:
    patients = {Action.SEE_WORKLIST, Action.SEE_STUDY, Action.SEE_PIXELS, Action.SEE_EVENTS}
    assert not patients & access.POLICY[Role.ML_ENGINEER]


def test_auditor_changes_nothing() -> None:
    assert all(action.startswith(("see_", "follow")) for action in access.POLICY[Role.AUDITOR])
