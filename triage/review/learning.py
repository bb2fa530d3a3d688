"""The learning loop for people: the queue, rounds, verdicts, models, and the one act of promotion.

Nothing here trains: a round is asked for, and a worker plans it as a goal of the engine.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Path, Request

from triage.core.finding import RejectReason
from triage.errors import Conflict
from triage.guard.access import Action
from triage.pathway import NEGATIVE_WEIGHT
from triage.review import made
from triage.review.learning_schema import (
    LearningQueue,
    ModelList,
    PromoteIn,
    QueueItem,
    RegisteredModel,
    RoundIn,
    RoundList,
    RoundView,
)
from triage.review.plan_schema import HowMade
from triage.review.services import Services
from triage.review.session import Caller, Who, World
from triage.store import learning_rows
from triage.store.learning_rows import SignedDecision
from triage.store.session import UnitOfWork
from triage.store.tables import Model

RoundId = Annotated[str, Path(pattern=r"^round-[0-9a-f]{12}$")]
ModelId = Annotated[str, Path(pattern=r"^[0-9a-f]{8,64}$")]
router = APIRouter(tags=["learning"])


# ---------------------------------------------------------------- queue


@router.get("/api/learning/queue")
def queue(who: Who, world: World) -> LearningQueue:
    """Signed decisions, newest first, and what became of each.

    Who may not see studies is given a pseudonym of the study instead of its UID.
    """
    with world.store.reading() as uow:
        decisions = learning_rows.signed_decisions(uow)
        used = learning_rows.used_in(uow)
        refused = learning_rows.refused_studies(uow)
    items = [_item(one, used, refused, who) for one in decisions if one.positive or one.negative]
    silent = [one for one in decisions if not (one.positive or one.negative)]
    return LearningQueue(
        items=items[::-1],
        counts=dict(Counter(item.state for item in items)),
        by_population=dict(Counter(item.population for item in items)),
        unlabelled=len(silent),
    )


def _item(
    one: SignedDecision, used: dict[str, int], refused: dict[str, str], who: Caller
) -> QueueItem:
    number = used.get(one.key)
    state = "refused" if one.study_uid in refused else "queued" if number is None else "used"
    seen = who.may(Action.SEE_STUDY)
    pseudonym = hashlib.sha256(one.study_uid.encode()).hexdigest()[:12]
    return QueueItem(
        item=one.key[:16],
        kind="positive" if one.positive else "negative",
        said=one.said,
        reason=one.reason,
        weight=1.0 if one.positive else NEGATIVE_WEIGHT[RejectReason(one.reason or "other")],
        reader=one.reader,
        study_uid=one.study_uid if seen else None,
        study=pseudonym,
        finding_id=one.finding_id if seen else None,
        number=one.number,
        population=one.population,
        signed_at=one.signed_at,
        state=state,
        round=number,
        why=f"holds slices of test patient {refused[one.study_uid]}" if state == "refused" else "",
    )


# ---------------------------------------------------------------- rounds


@router.get("/api/learning/rounds")
def rounds(_who: Who, world: World) -> RoundList:
    """Every round, newest first, with progress or verdict."""
    with world.store.reading() as uow:
        return RoundList(items=[RoundView.model_validate(r) for r in learning_rows.rounds(uow)])


@router.post("/api/learning/rounds", status_code=201)
def start(request: Request, who: Who, world: World, body: RoundIn | None = None) -> RoundView:
    """Ask for a round; 409 with the reason when there is nothing to learn or one is running."""
    order = body or RoundIn()
    with world.store.unit_of_work() as uow:
        row = learning_rows.start_round(
            uow, order.population, order.model_dump(exclude={"population"}), actor=who.name
        )
        answer = RoundView.model_validate(row)
    request.app.state.feed.nudge()
    return answer


@router.get("/api/learning/rounds/{round_id}")
def one_round(round_id: RoundId, _who: Who, world: World) -> RoundView:
    """One round."""
    with world.store.reading() as uow:
        return RoundView.model_validate(learning_rows.round_of(uow, round_id))


@router.get("/api/learning/rounds/{round_id}/plan")
def plan(round_id: RoundId, _who: Who, world: World) -> HowMade:
    """How a round was made: plan versions, tools tried and refused, with their reasons."""
    with world.store.reading() as uow:
        return made.of_round(uow, world, learning_rows.round_of(uow, round_id))


# ---------------------------------------------------------------- models


@router.get("/api/models")
def models(_who: Who, world: World) -> ModelList:
    """Models of this installation, newest first, and which one reads studies."""
    with world.store.reading() as uow:
        items = [_view(uow, row) for row in learning_rows.models(uow)]
    return ModelList(items=items, pinned=world.settings.model or None)


def _view(uow: UnitOfWork, row: Model) -> RegisteredModel:
    judged = None if row.round_id is None else learning_rows.round_of(uow, row.round_id)
    verdict = None if judged is None else judged.verdict.get("verdict")
    return RegisteredModel(
        digest=row.digest,
        name=row.name,
        version=row.version,
        parent=row.parent,
        state=row.state,
        evidence=row.evidence,
        round=None if judged is None else judged.number,
        verdict=verdict,
        made_at=row.made_at,
        promoted_at=row.promoted_at,
        promoted_by=row.promoted_by or None,
        replaced=row.replaced,
    )


@router.post("/api/models/{model_id}/promote")
def promote(
    model_id: ModelId, request: Request, who: Who, world: World, body: PromoteIn | None = None
) -> RegisteredModel:
    """Make a challenger the champion: the next study is read by it.

    409 without a verdict of promote, when another model is pinned, or, unless ``phantom`` is set,
    when the verdict rests on phantoms.
    """
    _refuse_pinned(world)
    with world.store.unit_of_work() as uow:
        said = body or PromoteIn()
        row = learning_rows.promote(uow, model_id, actor=who.name, phantom=said.phantom)
        answer = _view(uow, row)
    request.app.state.feed.nudge()
    return answer


@router.post("/api/models/{model_id}/rollback")
def rollback(model_id: ModelId, request: Request, who: Who, world: World) -> RegisteredModel:
    """Take the champion `model_id` back; the answer is the model that reads studies again."""
    _refuse_pinned(world)
    with world.store.unit_of_work() as uow:
        answer = _view(uow, learning_rows.rollback(uow, model_id, actor=who.name))
    request.app.state.feed.nudge()
    return answer


def _refuse_pinned(world: Services) -> None:
    if world.settings.model:
        raise Conflict(
            f"TRIAGE_MODEL pins {world.settings.model}; unset it to let a champion read",
            code="model_pinned",
        )
