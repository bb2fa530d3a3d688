"""How a result was made: the engine's account, with what people did and what is left to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from triage.core.finding import StudyState
from triage.errors import NotBuiltYet
from triage.pathway import FACT_TITLES, GOAL_TITLES, PUBLISHED, SIGNED, VERDICT
from triage.review.plan_schema import Account, HowMade, PersonStep, RoundHead, StudyHead, Titles
from triage.review.services import Services
from triage.store import learning_rows, reading_rows
from triage.store.session import UnitOfWork
from triage.store.tables import Round, Study

_TITLES = Titles(facts=dict(FACT_TITLES), goals=dict(GOAL_TITLES))
_READABLE = frozenset({StudyState.READY, StudyState.IN_REVIEW, StudyState.SIGNED})


def of_study(uow: UnitOfWork, world: Services, row: Study, to_do: Sequence[str]) -> HowMade:
    """How a study's result was made.

    Parameters
    ----------
    uow : UnitOfWork
    world : Services
    row : Study
    to_do : sequence of str
        What is left before it can be signed, in words.

    Raises
    ------
    NotBuiltYet
        There is no engine behind this API.
    """
    account = _account(uow, world, row.study_uid)
    start = account.started_at
    return HowMade(
        **dict(account),
        study=StudyHead.model_validate(row),
        round=None,
        titles=_TITLES,
        people=_reading(uow, row, to_do, start) if row.state in _READABLE else [],
        last_image_at_s=_since(start, row.last_received_at),
        ready_at_s=_since(start, row.ready_at),
    )


def of_round(uow: UnitOfWork, world: Services, row: Round) -> HowMade:
    """How a round's verdict was made; raises as `of_study` does."""
    account = _account(uow, world, row.id)
    return HowMade(
        **dict(account),
        study=None,
        round=RoundHead.model_validate(row),
        titles=_TITLES,
        people=_promoting(uow, row, account.started_at),
        last_image_at_s=None,
        ready_at_s=None,
    )


def _account(uow: UnitOfWork, world: Services, subject: str) -> Account:
    if world.explain is None:
        raise NotBuiltYet("no engine stands behind this page")
    return Account.model_validate(dict(world.explain(uow, subject)))


def _since(start: datetime | None, moment: datetime | None) -> float | None:
    if start is None or moment is None:
        return None
    return round((moment - start).total_seconds(), 3)


def _reading(
    uow: UnitOfWork, row: Study, to_do: Sequence[str], start: datetime | None
) -> list[PersonStep]:
    """The reader: a signature stands until a decision after it opens the study again."""
    signed = row.state == StudyState.SIGNED.value
    last = reading_rows.last_signing(uow, row.study_uid) if signed else None
    at = last.at if last is not None else None
    return [
        _step(
            "read",
            (PUBLISHED, SIGNED),
            done=last is not None,
            by=last.actor if last is not None else row.reader or None,
            at=at,
            at_s=_since(start, at),
            missing=[] if last is not None else [*to_do, "Sign"],
        )
    ]


def _promoting(uow: UnitOfWork, row: Round, start: datetime | None) -> list[PersonStep]:
    """Promotion is an act of its own; a round whose verdict is another asks for none."""
    if row.verdict.get("verdict") != "promote":
        return []
    models = {one.digest: one for one in learning_rows.models(uow)}
    model = models.get(row.challenger or "")
    at = model.promoted_at if model is not None else None
    named = f"{model.name} {model.version}" if model is not None else "the challenger"
    return [
        _step(
            "promote",
            (VERDICT, ""),
            done=at is not None,
            by=model.promoted_by if model is not None else None,
            at=at,
            at_s=_since(start, at),
            missing=[] if at is not None else [f"Promote {named}, or leave it"],
        )
    ]


def _step(act: str, facts: tuple[str, str], *, done: bool, **more: Any) -> PersonStep:
    needs, gives = facts
    return PersonStep.model_validate(
        {
            "act": act,
            "needs": [needs],
            "gives": [gives] if gives else [],
            "state": "done" if done else "waiting",
            **more,
        }
    )
