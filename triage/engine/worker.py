"""The life of a worker process: it runs plans, watches for news, and sends what is due."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Protocol

from triage.core.work import Queue
from triage.engine.effects import EffectHandler, Outgoing
from triage.engine.loops import Loop
from triage.engine.runner import Runner
from triage.engine.versions import Submission


class Watcher(Protocol):
    """Says for which subjects there is news.

    Several processes may ask at the same time: the submission's guard makes the conditional update
    (``planned_revision``) that lets one of them win.
    """

    def due(self) -> Iterable[Submission]:
        """What is to be planned now."""
        ...


class Worker:
    """A runner with its watchers and senders.

    Parameters
    ----------
    runner : Runner
    watchers : collection of Watcher
    handlers : collection of EffectHandler
    watch_s, send_s : float
        Pauses between two looks.
    """

    def __init__(
        self,
        runner: Runner,
        watchers: Collection[Watcher] = (),
        handlers: Collection[EffectHandler] = (),
        *,
        watch_s: float = 0.5,
        send_s: float = 0.5,
    ) -> None:
        self.runner = runner
        outgoing = Outgoing(runner.store, handlers, runner.executor_id, runner.lease.alive)
        self._loops = [
            Loop(f"watch-{number}", watch_s, partial(self._watch, watcher))
            for number, watcher in enumerate(watchers)
        ]
        self._loops.append(Loop("send", send_s, outgoing.deliver_due))

    def work(self, stop: threading.Event, queues: Sequence[Queue] = (Queue.CPU,)) -> None:
        """Work until told to stop; returns with everything handed over.

        Raises
        ------
        Exception
            What ended one of the loops: a defect. The process should end, and be started again.
        """
        self.runner.launch(queues)
        for loop in self._loops:
            loop.start()
        try:
            while not stop.wait(0.5):
                self.runner.check()
                for loop in self._loops:
                    loop.check()
        finally:
            for loop in self._loops:
                loop.stop()
            self.runner.stop()

    def _watch(self, watcher: Watcher) -> None:
        for news in watcher.due():
            self.runner.submit(news)
