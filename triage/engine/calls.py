"""One call of one tool: under a deadline, and judged against what the tool promised.

A tool runs in a thread of its own, so that a hang is noticed. What that cannot do: a hung thread
is not ended, it keeps its memory, and a library that holds the GIL holds up the deadline too. The
tool counts as down in this process until the thread ends; a killable process for such tools is a
tool's own business (`detect` may start one).
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from triage.core.work import Call, Cause, Facts, Outcome, Tool, ToolSpec
from triage.engine.critic import cause_of
from triage.engine.registry import HANGS
from triage.errors import TriageError

_log = logging.getLogger(__name__)


class WorkerStopping(BaseException):
    """The process is going down: leave everything as it is, another one takes over.

    Not an `Exception`: nothing on the way may take it for the failure of a task.
    """


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended and how long it took."""

    outcome: Outcome
    seconds: float


class _Running:
    def __init__(self) -> None:
        self.changed = threading.Event()
        self.outcome: Outcome | None = None


class Calls:
    """The calls of this process: deadlines, hung ones, and the order to stop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[_Running] = set()
        self._hung: Counter[str] = Counter()
        self._stopping = threading.Event()
        self._draining = False
        self._idle = threading.Condition(self._lock)
        self._busy = 0

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Hold up `drain` for as long as the block runs.

        Raises
        ------
        WorkerStopping
            Nothing new is begun.
        """
        with self._lock:
            if self._draining or self._stopping.is_set():
                raise WorkerStopping
            self._busy += 1
        try:
            yield
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def drain(self, grace_s: float) -> None:
        """Begin nothing new, and give what runs some seconds to end."""
        with self._idle:
            self._draining = True
            self._idle.wait_for(lambda: self._busy == 0, grace_s)

    def stop(self) -> None:
        """Make every waiting caller leave with `WorkerStopping`, now and from now on."""
        self._stopping.set()
        with self._lock:
            for running in self._running:
                running.changed.set()

    def pause(self, seconds: float) -> None:
        """Wait before another try.

        Raises
        ------
        WorkerStopping
        """
        if self._stopping.wait(seconds):
            raise WorkerStopping

    def hung(self) -> frozenset[str]:
        """Tools of which a call passed its deadline and has not come back."""
        with self._lock:
            return frozenset(tool for tool, count in self._hung.items() if count > 0)

    def call(self, tool: Tool, facts: Facts, call: Call) -> Ended:
        """Run a tool and judge what it says.

        Returns
        -------
        Ended
            With TIMEOUT after ``spec.timeout_s``, CONTRACT_VIOLATED when the outcome is not what
            the spec promises, and the cause of `critic.cause_of` when the tool raised.

        Raises
        ------
        WorkerStopping
        """
        spec = tool.spec
        if spec.name in self.hung():
            return Ended(Outcome(cause=Cause.TOOL_DOWN, message=HANGS), 0.0)
        running = _Running()
        with self._lock:
            if self._stopping.is_set():
                raise WorkerStopping
            self._running.add(running)
        thread = threading.Thread(
            target=self._run,
            args=(tool, facts, call, running),
            name=f"tool-{spec.name}",
            daemon=True,
        )
        started = time.monotonic()
        thread.start()
        running.changed.wait(spec.timeout_s)
        seconds = time.monotonic() - started
        with self._lock:
            self._running.discard(running)
            outcome = running.outcome
            late = outcome is None and not self._stopping.is_set()
            if late:
                self._hung[spec.name] += 1
        if late:
            message = f"not done after {spec.timeout_s:g} s"
            return Ended(Outcome(cause=Cause.TIMEOUT, message=message), seconds)
        if outcome is None:
            raise WorkerStopping
        return Ended(outcome, seconds)

    def _run(self, tool: Tool, facts: Facts, call: Call, running: _Running) -> None:
        outcome = judged(tool.spec, run_caught(tool, facts, call))
        with self._lock:
            running.outcome = outcome
            if running not in self._running and self._hung[tool.spec.name] > 0:
                self._hung[tool.spec.name] -= 1
        running.changed.set()


def run_caught(tool: Tool, facts: Facts, call: Call) -> Outcome:
    """Run a tool; an exception becomes an outcome here and nowhere else."""
    try:
        return tool.run(facts, call)
    except TriageError as error:
        return Outcome(cause=cause_of(error), message=error.message)
    except Exception as error:  # noqa: BLE001 - the one boundary: a defect of a tool is recorded
        # The text of a foreign exception may quote the study: only its type and place are kept.
        trace = "".join(traceback.format_tb(error.__traceback__))
        digest = hashlib.sha256(trace.encode()).hexdigest()[:12]
        name = type(error).__name__
        _log.error("%s raised %s, trace %s\n%s", tool.spec.name, name, digest, trace)
        return Outcome(cause=cause_of(error), message=f"it raised {name} (trace {digest})")


def judged(spec: ToolSpec, outcome: Outcome) -> Outcome:
    """Hold an outcome against the spec: a good one gives exactly ``spec.gives``.

    Returns
    -------
    Outcome
        The same one, or CONTRACT_VIOLATED in its place. A failure keeps its cause, and loses a
        `bad_fact` that the tool never needed.
    """
    if not isinstance(outcome, Outcome):
        return _violated(f"it returned {type(outcome).__name__}, not an Outcome")
    if not outcome.ok:
        known = outcome.bad_fact is None or outcome.bad_fact in spec.needs
        return replace(outcome, facts={}, effects=(), bad_fact=outcome.bad_fact if known else None)
    given, promised = set(outcome.facts), set(spec.gives)
    if given == promised:
        return _as_json(outcome)
    faults = [f"without {name}" for name in sorted(promised - given)]
    faults += [f"with {name}, which it does not declare" for name in sorted(given - promised)]
    return _violated(f"it answered {', '.join(faults)}")


def _as_json(outcome: Outcome) -> Outcome:
    # What is kept is what comes back from a row: digests of it must not depend on which it was.
    try:
        facts = json.loads(json.dumps(outcome.facts, allow_nan=False))
        json.dumps([effect.payload for effect in outcome.effects], allow_nan=False)
    except (TypeError, ValueError):
        return _violated("it answered with something that is not JSON")
    return replace(outcome, facts=facts)


def _violated(message: str) -> Outcome:
    return Outcome(cause=Cause.CONTRACT_VIOLATED, message=message)
