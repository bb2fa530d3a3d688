"""Learning from the command line: start a round and follow it, promote, go back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from triage.core.work import Queue
from triage.errors import Conflict
from triage.settings import Settings
from triage.store import learning_rows, lease_rows
from triage.store.session import Store
from triage.store.tables import Model, Round
from triage.wiring import open_house

ACTOR = "command line"
_POLL_S = 0.5
_END_S = 10.0


def finetune(
    settings: Settings, *, phantom: bool = False, steps: int | None = None, seed: int = 0
) -> dict[str, Any]:
    """Start a round, or follow the one that is open, until it is judged or waits.

    Without a worker that trains, one is started for as long as the round takes.

    Returns
    -------
    dict
        ``{round, id, state, verdict, reason, challenger, look}``.

    Raises
    ------
    Conflict
        There is nothing to learn from.
    """
    store = open_house(settings).store
    population = learning_rows.PHANTOM if phantom else learning_rows.REAL
    try:
        with store.unit_of_work() as uow:
            order = {"steps": steps, "batch": None, "seed": seed}
            round_id = learning_rows.start_round(uow, population, order, actor=ACTOR).id
    except Conflict as error:
        if error.detail_code != "round_open":
            raise
        round_id = _open_round(store)
        sys.stderr.write(f"{error.message}: following it\n")
    with _a_trainer(settings, store):
        return _ended(_follow(store, round_id))


def _open_round(store: Store) -> str:
    with store.reading() as uow:
        states = learning_rows.OPEN_STATES
        return next(row.id for row in learning_rows.rounds(uow) if row.state in states)


@contextmanager
def _a_trainer(settings: Settings, store: Store) -> Iterator[None]:
    """Make sure that somebody serves the queue of training."""
    with store.reading() as uow:
        since_s = store.clock_s(uow) - settings.lease_s
        if lease_rows.serves(uow, Queue.TRAIN.value, since_s):
            yield
            return
    ours, theirs = os.pipe()
    command = [sys.executable, "-m", "triage.cli", "work", "--queues", "train"]
    child = subprocess.Popen([*command, "--life-fd", str(ours)], pass_fds=[ours])
    os.close(ours)
    try:
        yield
    finally:
        os.close(theirs)
        child.terminate()
        try:
            child.wait(_END_S)
        except subprocess.TimeoutExpired:
            child.kill()


def _follow(store: Store, round_id: str) -> Round:
    """Wait for the end, showing how far it is."""
    shown = ""
    while True:
        with store.reading() as uow:
            row = learning_rows.round_of(uow, round_id)
        line = progress_line(row.number, row.state, row.progress)
        if line != shown:
            sys.stderr.write(f"{line}\n")
            shown = line
        if row.state in (learning_rows.DONE, learning_rows.WAITING):
            return row
        time.sleep(_POLL_S)


def progress_line(number: int, state: str, progress: Mapping[str, Any]) -> str:
    """How far a round is, in one line."""
    parts = [f"round {number}: {progress.get('stage') or state}"]
    if "done" in progress:
        parts.append(f"{progress['done']} of {progress['of']}")
    if "loss" in progress:
        parts.append(f"loss {progress['loss']:.3f}")
    if "left_s" in progress:
        parts.append(f"{progress['left_s'] / 60:.1f} min left")
    return ", ".join(parts)


def _ended(row: Round) -> dict[str, Any]:
    return {
        "round": row.number,
        "id": row.id,
        "population": row.population,
        "state": row.state,
        "verdict": row.verdict.get("verdict"),
        "reason": row.reason,
        "challenger": row.challenger,
        "look": row.look,
    }


def promote(settings: Settings, digest: str, *, phantom: bool = False) -> dict[str, Any]:
    """Make a challenger the champion.

    Raises
    ------
    Conflict
        Another model is pinned, or there is no verdict that allows it.
    """
    _refuse_pinned(settings)
    with open_house(settings).store.unit_of_work() as uow:
        return _said(learning_rows.promote(uow, digest, actor=ACTOR, phantom=phantom))


def rollback(settings: Settings) -> dict[str, Any]:
    """Go back to the champion before.

    Raises
    ------
    Conflict
        Another model is pinned, or there is no earlier champion.
    """
    _refuse_pinned(settings)
    with open_house(settings).store.unit_of_work() as uow:
        row = learning_rows.champion(uow)
        if row is None:
            raise Conflict("there is no earlier champion", code="no_earlier_champion")
        return _said(learning_rows.rollback(uow, row.digest, actor=ACTOR))


def _refuse_pinned(settings: Settings) -> None:
    if settings.model:
        raise Conflict(
            f"TRIAGE_MODEL pins {settings.model}; unset it to let a champion read",
            code="model_pinned",
        )


def _said(row: Model) -> dict[str, Any]:
    return {
        "digest": row.digest,
        "name": row.name,
        "version": row.version,
        "state": row.state,
        "evidence": row.evidence,
    }
