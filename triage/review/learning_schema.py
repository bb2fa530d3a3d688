"""Requests and answers of the learning pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Population = Literal["real", "phantom"]


class QueueItem(BaseModel):
    """One signed decision that teaches something."""

    item: str
    kind: Literal["positive", "negative"]
    said: str
    reason: str | None
    weight: float
    reader: str
    study_uid: str | None
    study: str
    finding_id: str | None
    number: int
    population: Population
    signed_at: datetime
    state: Literal["queued", "used", "refused"]
    round: int | None
    why: str


class LearningQueue(BaseModel):
    """The queue; `unlabelled` counts signed marks that nobody decided on: never negatives."""

    items: list[QueueItem]
    counts: dict[str, int]
    by_population: dict[str, int]
    unlabelled: int


class RoundIn(BaseModel):
    """What a round shall be."""

    model_config = ConfigDict(extra="forbid")

    population: Population = "real"
    steps: int | None = Field(default=None, ge=1, le=100_000)
    batch: int | None = Field(default=None, ge=1, le=64)
    seed: int = Field(default=0, ge=0)


class RoundView(BaseModel):
    """A round. `verdict` is empty until it is judged; `reason` says why it waits or ended so."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    number: int
    population: Population
    state: Literal["queued", "running", "done", "waiting"]
    reason: str
    champion: str
    challenger: str | None
    dataset: str | None
    look: int | None
    items: list[str]
    refused: list[dict[str, Any]]
    progress: dict[str, Any]
    verdict: dict[str, Any]
    started_by: str
    started_at: datetime
    ended_at: datetime | None


class RoundList(BaseModel):
    """Rounds, newest first."""

    items: list[RoundView]


class RegisteredModel(BaseModel):
    """A model of this installation."""

    digest: str
    name: str
    version: str
    parent: str | None
    state: Literal["champion", "challenger", "retired"]
    evidence: Literal["released", "real", "phantom"]
    round: int | None
    verdict: str | None
    made_at: datetime
    promoted_at: datetime | None
    promoted_by: str | None
    replaced: str | None


class ModelList(BaseModel):
    """Models, newest first; `pinned` is TRIAGE_MODEL, which no promotion changes."""

    items: list[RegisteredModel]
    pinned: str | None


class PromoteIn(BaseModel):
    """The act of promotion; `phantom`: wanted although no patient stands behind the verdict."""

    model_config = ConfigDict(extra="forbid")

    phantom: bool = False
