"""Runs plans durably. The only file that knows the workflow library (DBOS Transact 3.4).

One workflow runs one plan version, node after node; each node is a step that answers with a task
id and a cause, never with an exception. The body holds no clock, no chance and no query: all of
that lies in steps, so a workflow that another process takes over walks the same way.

What the library must be told, and why, stands in decision 1 of docs/decisions and beside the
settings below.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Final, cast

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions

from triage.core.work import Json, Queue
from triage.engine.calls import Calls
from triage.engine.critic import Budget
from triage.engine.lease import Lease
from triage.engine.loops import Loop
from triage.engine.nodes import NodeRun, patiently
from triage.engine.reactions import react
from triage.engine.registry import Candidate, Registry
from triage.engine.upkeep import Fate, Upkeep
from triage.engine.versions import Made, OnEnd, Submission, Versions
from triage.errors import ConfigurationError
from triage.store import work_rows
from triage.store.session import Store, UnitOfWork

APPLICATION = "triage"
# The library's default, a hash of the source, would strand running work at every update. Raised
# only when the workflow body below changes its steps; `sweep` then plans old work anew.
APPLICATION_VERSION = "1"
# How often a workflow may be taken over before its plan counts as one that kills its worker.
MAX_TAKE_OVERS = 20
_WORKFLOW = "run_plan"
# Status of a run that is over -> why its plan will not end by it.
_FATES = {
    "SUCCESS": "its run ended without closing it",
    "ERROR": "the engine broke while it ran; the worker's log has the trace",
    "CANCELLED": "its run was cancelled",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "its worker died again and again while it ran",
}
_OVER = list(_FATES)
_PATIENCE_S = 30.0

SLOTS = {Queue.CPU: 2, Queue.GPU: 1, Queue.TRAIN: 1}
"""Plans that one process runs at a time, by queue."""


class Runner:
    """Plans and runs: one per process.

    Parameters
    ----------
    store : Store
        Upgraded.
    registry : Registry
        The tools of this process.
    executor_id : str
        Unique among running processes and stable over restarts, e.g. ``host:worker-1``.
    lease_s : float
        `Settings.lease_s`.
    budget : Budget, optional
    on_plan_end : OnEnd, optional
        Keeps the subject's own state in step, in the unit of work that ends its plan.
    poll_s : float
        How often a queue is looked at.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        *,
        executor_id: str,
        lease_s: float = 15.0,
        budget: Budget | None = None,
        on_plan_end: OnEnd | None = None,
        poll_s: float = 0.25,
    ) -> None:
        self.store = store
        self.registry = registry
        self.executor_id = executor_id
        self.lease_s = lease_s
        self.poll_s = poll_s
        self.versions = Versions(registry, self._enqueue, budget or Budget(), on_plan_end)
        self.lease = Lease(store, executor_id, (), lease_s, self.recover)
        self._calls = Calls()
        self._nodes = NodeRun(store, registry, self._calls, executor_id)
        self._upkeep = Upkeep(self)
        self._loops: list[Loop] = []
        self._engine = store.open_for_workflows()
        self._client_lock = threading.Lock()
        self._client_made: DBOSClient | None = None

    # ------------------------------------------------------------ any process: planning

    def prepare(self) -> None:
        """Make the workflow library's tables and queues, after `Store.upgrade`, before `submit`.

        Every process may call it; a queue that stands there already when a worker is launched is
        served at once.
        """
        logging.getLogger("dbos").setLevel(logging.WARNING)
        DBOS.migrate(self.store.url)
        for queue in Queue:
            self._client().register_queue(
                queue.value,
                worker_concurrency=SLOTS[queue],
                polling_interval_sec=self.poll_s,
                on_conflict="always_update",
            )

    def submit(self, news: Submission) -> Made | None:
        """Plan for news and queue the plan, in one transaction.

        Returns
        -------
        Made or None
            None when the submission's guard called it off. The same goal on the same facts, while
            it is running, gives the plan that runs.

        Raises
        ------
        Unprocessable
            A subject that is empty or too long.
        sqlalchemy.exc.OperationalError
            The database was away for half a minute.
        """
        return patiently(self._calls, partial(self._submit_once, news), _PATIENCE_S)

    def _submit_once(self, news: Submission) -> Made | None:
        view = self.look()
        try:
            with self.store.unit_of_work() as uow:
                if news.guard is not None and not news.guard(uow):
                    raise _CalledOff
                made = self.versions.submit(uow, view, news)
        except _CalledOff:
            return None
        self.cancel(made.superseded)
        return made

    def look(self) -> tuple[Candidate, ...]:
        """The tools as the planner sees them now; health is asked outside any transaction."""
        with self.store.reading() as uow:
            seen = self.versions.seen(uow)
        return self.registry.view(seen, self._calls.hung())

    # ------------------------------------------------------------ a worker: running

    def launch(self, queues: Sequence[Queue] = (Queue.CPU,)) -> None:
        """Start to run plans from some queues, to beat, and to take over from the dead.

        Raises
        ------
        ConfigurationError
            Another runner is launched in this process: the workflow library allows one.
        """
        with _launch_lock:
            if _launched:
                raise ConfigurationError("a runner is launched in this process already")
            _launched.append(self)
        self.prepare()
        self.lease.queues = tuple(queue.value for queue in queues)
        self.lease.take()
        DBOS(config=self._config())
        self._register_workflow()
        DBOS.listen_queues(list(self.lease.queues))
        DBOS.launch()
        self._loops = [
            Loop("beat", self.lease_s / 5, self.lease.beat),
            Loop("reap", self.lease_s / 5, self.lease.reap),
            Loop("sweep", self.lease_s, self.sweep),
        ]
        for loop in self._loops:
            loop.start()

    def stop(self, grace_s: float = 3.0) -> None:
        """Stop: running tools get some seconds, what is left goes to the next worker.

        A tool that does not end in time lives on in a thread of this process, and its outcome is
        dropped; a process that wants to be gone then leaves with ``os._exit``.
        """
        for loop in self._loops:
            loop.stop()
        self._calls.drain(grace_s)
        self._calls.stop()
        if self in _launched:
            DBOS.destroy(destroy_registry=True)
            self.lease.let_go()
            _launched.remove(self)
        self._loops = []
        if self._client_made is not None:
            self._client_made.destroy()
        self._engine.dispose()

    def check(self) -> None:
        """Raise what ended one of this runner's loops, if anything did."""
        for loop in self._loops:
            loop.check()

    def sweep(self) -> None:
        """Look for what fell through: see `Upkeep.sweep`."""
        self._upkeep.sweep()

    # ------------------------------------------------------------ the workflow

    def _register_workflow(self) -> None:
        @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=MAX_TAKE_OVERS)
        def run_plan(plan_id: str) -> str:
            return self._walk(plan_id)

    def _walk(self, plan_id: str) -> str:
        """The body: deterministic, everything that asks or changes is a step."""
        done: dict[str, str] = {}
        for node in DBOS.run_step({"name": "load"}, self._load, plan_id):
            attempt = 1
            while True:
                said = DBOS.run_step(
                    {"name": "node"}, self._nodes.run, plan_id, node, dict(done), attempt
                )
                if said["ok"]:
                    done[node] = cast(str, said["task_id"])
                    break
                task_id = cast(str, said["task_id"])
                answer = DBOS.run_step({"name": "react"}, self._react, plan_id, task_id, dict(done))
                if answer["next"] != "retry":
                    return cast(str, answer["next"])
                DBOS.run_step({"name": "pause"}, self._pause, cast(float, answer["pause_s"]))
                attempt = cast(int, said["attempts"]) + 1
        return DBOS.run_step({"name": "finish"}, self._finish, plan_id)

    def _load(self, plan_id: str) -> list[str]:
        def read() -> list[str]:
            with self.store.reading() as uow:
                row = work_rows.plan(uow, plan_id)
            return [node["tool"] for node in row.graph["nodes"]] if row is not None else []

        return patiently(self._calls, read)

    def _react(self, plan_id: str, task_id: str, done: dict[str, str]) -> dict[str, Json]:
        def decide() -> dict[str, Json]:
            view = self.look()
            with self.store.unit_of_work() as uow:
                return react(self.versions, uow, view, plan_id, task_id=task_id, done=done)

        return patiently(self._calls, decide)

    def _pause(self, seconds: float) -> bool:
        self._calls.pause(seconds)
        return True

    def _finish(self, plan_id: str) -> str:
        def close() -> str:
            with self.store.unit_of_work() as uow:
                return self.versions.finish(uow, plan_id)

        return patiently(self._calls, close)

    # ------------------------------------------------------------ the library

    def _config(self) -> DBOSConfig:
        return {
            "name": APPLICATION,
            "application_version": APPLICATION_VERSION,
            # Two processes that share an id would each "recover" the other's living work.
            "executor_id": self.executor_id,
            # WAL, FULL and the busy timeout are ours to set, on an engine of ours.
            "system_database_engine": self._engine,
            # The default is pickle: who can write the database could run code in a worker.
            "serializer": DBOSPortableJSONSerializer(),
            "enable_otlp": False,
            "log_level": "WARNING",
        }

    def _client(self) -> DBOSClient:
        with self._client_lock:
            if self._client_made is None:
                self._client_made = DBOSClient(
                    system_database_engine=self._engine,
                    serializer=DBOSPortableJSONSerializer(),
                    application_name=APPLICATION,
                    lazy=True,
                )
            return self._client_made

    def _enqueue(self, uow: UnitOfWork, plan_id: str, queue: Queue, priority: int) -> None:
        options: EnqueueOptions = {
            "workflow_name": _WORKFLOW,
            "queue_name": queue.value,
            "workflow_id": plan_id,
            "app_version": APPLICATION_VERSION,
            # Unset would be 0, and run before everything that says it is urgent.
            "priority": max(1, priority),
        }
        self._client().enqueue_in_transaction(uow, options, plan_id)

    def cancel(self, plan_ids: Iterable[str]) -> None:
        """Cancel the runs of plans that are closed; takes effect at the next step of each."""
        ids = list(plan_ids)
        if ids:  # what is lost here by a kill is harmless: a closed plan's nodes answer SUPERSEDED
            self._client().cancel_workflows(ids)

    def recover(self, executors: list[str]) -> None:
        """Hand the work of dead executors back to its queues: the one use of an internal call.

        3.4.0 has no public one (its own service does it); the SIGKILL tests stand on this line.
        """
        DBOS._recover_pending_workflows(executors)

    def owners(self) -> set[str]:
        """Executors of the runs that are under way."""
        pending = self._client().list_workflows(
            status="PENDING", name=_WORKFLOW, load_input=False, load_output=False
        )
        return {one.executor_id for one in pending if one.executor_id}

    def fates(self, plan_ids: list[str]) -> dict[str, Fate]:
        """What became of the runs of plans; without those that are not known."""
        found = self._client().list_workflows(
            workflow_ids=plan_ids, load_input=False, load_output=False
        )
        return {
            one.workflow_id: Fate(
                _FATES.get(one.status, ""),
                outdated=int(one.app_version or 0) < int(APPLICATION_VERSION),
            )
            for one in found
        }

    def forget(self, before: datetime) -> None:
        """Delete the library's records of runs that were over before a time: ours say it all."""
        old = self._client().list_workflows(
            status=_OVER,
            name=_WORKFLOW,
            completed_before=before.isoformat(),
            limit=200,
            load_input=False,
            load_output=False,
        )
        if old:
            self._client().delete_workflows([one.workflow_id for one in old])


class _CalledOff(Exception):
    """A guard said no; raised to roll back what it wrote."""


_launch_lock = threading.Lock()
_launched: Final[list[Runner]] = []  # one at most: the library itself is one per process
