"""Who may do what: roles, actions, and one literal table. Pure; default deny.

An action that stands in no role's row is denied, and a role that does not exist may do nothing.
Separation of duties: who administers does not read, who reads does not promote a model, and the
auditor changes nothing (docs: roles).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Role(StrEnum):
    """Roles of contract.md."""

    RADIOLOGIST = "radiologist"
    ADJUDICATOR = "adjudicator"
    PACS_ADMIN = "pacs_admin"
    ML_ENGINEER = "ml_engineer"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Action(StrEnum):
    """Everything the API lets somebody do."""

    SEE_SELF = "see_self"
    SEE_WORKLIST = "see_worklist"
    SEE_STUDY = "see_study"
    SEE_PIXELS = "see_pixels"
    SEE_PLAN = "see_plan"
    SEE_EVENTS = "see_events"
    FOLLOW = "follow"
    CLAIM = "claim"
    DECIDE = "decide"
    SET_CONTEXT = "set_context"
    SIGN = "sign"
    SEE_QUARANTINE = "see_quarantine"
    SEE_USERS = "see_users"
    MANAGE_USERS = "manage_users"
    SEE_METRICS = "see_metrics"
    SEE_LEARNING = "see_learning"
    RUN_LEARNING = "run_learning"
    PROMOTE_MODEL = "promote_model"
    READ_DICOMWEB = "read_dicomweb"
    STORE_DICOMWEB = "store_dicomweb"
    INFER = "infer"
    ADJUDICATE = "adjudicate"


_READS = frozenset(
    {
        Action.SEE_SELF,
        Action.SEE_WORKLIST,
        Action.SEE_STUDY,
        Action.SEE_PIXELS,
        Action.SEE_PLAN,
        Action.SEE_EVENTS,
        Action.FOLLOW,
    }
)
_ACTS_ON_STUDIES = frozenset({Action.CLAIM, Action.DECIDE, Action.SET_CONTEXT, Action.SIGN})

POLICY: dict[Role, frozenset[Action]] = {
    Role.RADIOLOGIST: _READS | _ACTS_ON_STUDIES | {Action.SEE_LEARNING, Action.READ_DICOMWEB},
    Role.ADJUDICATOR: _READS
    | _ACTS_ON_STUDIES
    | {Action.SEE_LEARNING, Action.READ_DICOMWEB, Action.ADJUDICATE},
    # Sees the list, what arrived and where it went; opens no study and no image.
    Role.PACS_ADMIN: frozenset(
        {
            Action.SEE_SELF,
            Action.SEE_WORKLIST,
            Action.SEE_PLAN,
            Action.FOLLOW,
            Action.SEE_QUARANTINE,
            Action.SEE_METRICS,
            Action.READ_DICOMWEB,
            Action.STORE_DICOMWEB,
        }
    ),
    # Works on de-identified data only: no worklist, no study, no pixels of patients.
    Role.ML_ENGINEER: frozenset(
        {
            Action.SEE_SELF,
            Action.SEE_METRICS,
            Action.SEE_LEARNING,
            Action.RUN_LEARNING,
            Action.PROMOTE_MODEL,
            Action.INFER,
        }
    ),
    Role.AUDITOR: frozenset(
        {
            Action.SEE_SELF,
            Action.SEE_WORKLIST,
            Action.SEE_STUDY,
            Action.SEE_PLAN,
            Action.SEE_EVENTS,
            Action.FOLLOW,
            Action.SEE_QUARANTINE,
            Action.SEE_USERS,
            Action.SEE_LEARNING,
        }
    ),
    Role.ADMIN: _READS
    | {
        Action.SEE_QUARANTINE,
        Action.SEE_USERS,
        Action.MANAGE_USERS,
        Action.SEE_METRICS,
        Action.SEE_LEARNING,
        Action.RUN_LEARNING,
        Action.PROMOTE_MODEL,
        Action.READ_DICOMWEB,
    },
}

# With TRIAGE_AUTH=off (loopback only) one named local user stands for these roles at once.
LOCAL_ROLES = frozenset({Role.RADIOLOGIST, Role.ADMIN})


def permissions(roles: Iterable[str]) -> frozenset[Action]:
    """All actions that a holder of these roles may do.

    Parameters
    ----------
    roles : iterable of str
        Names of roles; unknown ones count for nothing.

    Returns
    -------
    frozenset of Action
    """
    known = {role.value: role for role in Role}
    granted: frozenset[Action] = frozenset()
    for name in roles:
        if name in known:
            granted |= POLICY[known[name]]
    return granted


def may(roles: Iterable[str], action: Action) -> bool:
    """Whether a holder of these roles may do `action`; False for anything not granted."""
    return action in permissions(roles)
