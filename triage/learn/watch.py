"""From an asked-for round to the engine, and from the end of its plan back to the round."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from triage.core.work import Json
from triage.detect.champion import Champion
from triage.detect.model_folder import ModelFolder, open_model
from triage.engine.versions import PlanEnd, Submission
from triage.errors import ModelError
from triage.pathway import LEARN, ROUND
from triage.store import learning_rows, work_rows
from triage.store.session import Store, UnitOfWork
from triage.store.tables import Round

STEPS, BATCH = 400, 4


class RoundWatch:
    """An engine watcher over rounds that somebody asked for.

    Parameters
    ----------
    store : Store
    champion : Champion
    """

    def __init__(self, store: Store, champion: Champion) -> None:
        self._store = store
        self._champion = champion

    def due(self) -> Iterable[Submission]:
        """What is to be planned now; cheap when there is nothing."""
        with self._store.reading() as uow:
            waiting = learning_rows.queued_rounds(uow)
        if not waiting:
            return []
        try:
            folder = self._champion.folder()
            model = open_model(folder)
            metadata = json.loads((folder / "configs" / "metadata.json").read_text())
        except ModelError as error:
            self._halt(waiting, error.message)
            return []
        return [self._submission(row, model, metadata) for row in waiting]

    def _halt(self, rounds: Iterable[Round], why: str) -> None:
        with self._store.unit_of_work() as uow:
            for row in rounds:
                learning_rows.halt_round(uow, row.id, why)

    def _submission(self, row: Round, model: ModelFolder, metadata: dict[str, Any]) -> Submission:
        fact: dict[str, Json] = {
            "key": row.id,
            "number": row.number,
            "population": row.population,
            "champion": model.digest,
            "steps": int(row.order.get("steps") or STEPS),
            "batch": int(row.order.get("batch") or BATCH),
            "seed": int(row.order.get("seed") or 0),
            "up_to": int(row.order["up_to"]),
        }

        def still_queued(uow: UnitOfWork) -> bool:
            # One of the processes that saw this wins; the others find it planned.
            now = learning_rows.round_of(uow, row.id, for_change=True)
            if now.state != learning_rows.QUEUED:
                return False
            now.state, now.champion = learning_rows.RUNNING, model.digest
            if learning_rows.champion(uow) is None:
                learning_rows.register_released(
                    uow, model.digest, model.name, model.version, metadata.get("training") or {}
                )
            return True

        why = f"{row.started_by} asked for round {row.number}"
        return Submission(row.id, LEARN, {ROUND: fact}, why, guard=still_queued)


def on_round_end(uow: UnitOfWork, end: PlanEnd) -> None:
    """Say on the round why its plan cannot go on, in the unit of work that ends the plan."""
    if end.goal == LEARN.name and end.state in (work_rows.WAITING, work_rows.FAILED):
        learning_rows.halt_round(uow, end.subject, end.why)
