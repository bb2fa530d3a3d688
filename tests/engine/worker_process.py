"""A worker that the tests start as a process, stop at a gate, and kill.

``python worker_process.py '{"url": …, "executor": …, "folder": …, "gates": [...]}'``

At an armed gate it writes ``at <gate>`` to standard output and waits for a line on standard input:
``go`` lets it pass (once), ``stop`` ends the worker in good order. The tools append a line to
``calls`` in the folder each time they are called; the peer of the sender is the folder ``peer``.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.engine.toys import Toy, news, registry_of, spec
from triage.core.work import Call, Cause, Effect, Facts, Json, Outcome
from triage.engine import runner as runner_module
from triage.engine.nodes import NodeRun
from triage.engine.runner import Runner
from triage.engine.worker import Worker
from triage.store.session import Store, UnitOfWork


class Gates:
    """Points at which the test holds this process."""

    def __init__(self, armed: list[str]) -> None:
        self._armed = set(armed)
        self._lock = threading.Lock()
        self._go = threading.Event()
        self.stop = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin:
            (self._go if line.strip() == "go" else self.stop).set()
        os._exit(7)  # the test is gone: so are we

    def say(self, text: str) -> None:
        with self._lock:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def passes(self, gate: str) -> bool:
        return gate in self._armed

    def at(self, gate: str) -> None:
        if gate in self._armed:
            self._armed.discard(gate)
            self.say(f"at {gate}")
            self._go.wait()
            self._go.clear()


class Sender:
    """Sends into a folder, and writes down every send."""

    kind = "store"

    def __init__(self, folder: Path, gates: Gates) -> None:
        self._peer = folder / "peer"
        self._peer.mkdir(exist_ok=True)
        self._sends = folder / "sends"
        self._gates = gates

    def _look(self, payload: Facts) -> dict[str, Json] | None:
        path = self._peer / str(payload["uid"])
        return {"found": path.name} if path.exists() else None

    def already_there(self, payload: Facts) -> dict[str, Json] | None:
        return self._look(payload)

    def send(self, payload: Facts) -> None:
        self._gates.at("before_send")
        note(self._sends, str(payload["uid"]))
        (self._peer / str(payload["uid"])).write_text("object")
        self._gates.at("sent")

    def confirm(self, payload: Facts) -> dict[str, Json] | None:
        found = self._look(payload)
        self._gates.at("confirmed")
        return found


def note(path: Path, line: str) -> None:
    """Append a line so that a kill in the middle leaves whole lines."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def tools(folder: Path, gates: Gates) -> list[Toy]:
    """load, then a tool that fails, then another for the same fact, then publish."""

    def counted(name: str) -> None:
        note(folder / "calls", name)
        gates.at(f"inside.{name}")
        if gates.passes(f"die.{name}"):
            os.kill(os.getpid(), signal.SIGKILL)

    def load(facts: Facts, _call: Call) -> Outcome:
        counted("load")
        return Outcome(facts={"volume": f"volume of {facts['images']}"})

    def fast(_facts: Facts, _call: Call) -> Outcome:
        counted("fast")
        return Outcome(cause=Cause.CONTRACT_VIOLATED, message="broken on purpose")

    def slow(facts: Facts, _call: Call) -> Outcome:
        counted("slow")
        return Outcome(facts={"findings": f"findings in {facts['volume']}"})

    def publish(facts: Facts, call: Call) -> Outcome:
        counted("publish")
        uid = f"sr-{call.subject}"
        effect = Effect("store", uid, {"uid": uid})
        return Outcome(facts={"report": f"report on {facts['findings']}"}, effects=(effect,))

    return [
        Toy(spec("load", ("images",), ("volume",)), load),
        Toy(spec("fast", ("volume",), ("findings",)), fast),
        Toy(spec("slow", ("volume",), ("findings",), cost_s=9.0), slow),
        Toy(spec("publish", ("findings",), ("report",)), publish),
    ]


class GatedNodes(NodeRun):
    """Stops between the committed outcome and the library's note that the step is over."""

    gates: Gates

    def run(
        self, plan_id: str, tool: str, done: Mapping[str, str], attempt: int
    ) -> dict[str, Json]:
        said = super().run(plan_id, tool, done, attempt)
        self.gates.at(f"recorded.{tool}")
        return said


def gated(runner: Runner, gates: Gates) -> None:
    """Put the gates around the steps of a runner."""
    nodes = GatedNodes(runner.store, runner.registry, runner._calls, runner.executor_id)
    object.__setattr__(nodes, "gates", gates)
    runner._nodes = nodes
    for name in ("_load", "_react", "_finish"):
        step = getattr(runner, name)

        def around(*args: Any, _step: Any = step, _name: str = name) -> Any:
            gates.at(f"before{_name}")
            answer = _step(*args)
            gates.at(f"after{_name}")
            return answer

        setattr(runner, name, around)


def submit(runner: Runner, gates: Gates, subject: str) -> None:
    """Submit with gates inside and after the transaction."""
    enqueue, cancel = runner.versions.enqueue, runner.cancel

    def gated_enqueue(uow: UnitOfWork, *args: Any) -> None:
        gates.at("before_enqueue")
        enqueue(uow, *args)
        gates.at("enqueued")

    def gated_cancel(*args: Any) -> None:
        gates.at("committed")
        cancel(*args)

    object.__setattr__(runner.versions, "enqueue", gated_enqueue)
    setattr(runner, "cancel", gated_cancel)  # noqa: B010 - a method, for this process only
    runner.submit(news(subject, ("report",), {"images": "i2"}, why="news"))
    gates.say("submitted")


def main() -> None:
    """Run as the arguments say."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    told = json.loads(sys.argv[1])
    folder = Path(told["folder"])
    gates = Gates(told["gates"])
    store = Store(told["url"])
    runner = Runner(
        store,
        registry_of(*tools(folder, gates)),
        executor_id=told["executor"],
        lease_s=told.get("lease_s", 1.0),
        poll_s=0.05,
    )
    if "submit" in told:
        submit(runner, gates, told["submit"])
        return
    runner_module.MAX_TAKE_OVERS = told.get("take_overs", runner_module.MAX_TAKE_OVERS)
    gated(runner, gates)
    handlers = [Sender(folder, gates)] if told.get("send") else []
    Worker(runner, handlers=handlers, send_s=0.05).work(gates.stop)
    gates.say("stopped")
    # What an abandoned tool's thread still does is of no interest: leave as the product does.
    os._exit(0)


if __name__ == "__main__":
    main()
