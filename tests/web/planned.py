"""Studies and rounds that the real engine has planned for, on the store of a seeded server.

The tools are small and do as they are told; planning, running, failing, going back and delivering
are the engine's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.engine.toys import Toy, news, renamed, settled, submitted, toy
from triage.core.work import Call, Cause, Effect, Facts, Health, Json, Outcome
from triage.engine.effects import Outgoing
from triage.engine.registry import Registry
from triage.engine.runner import Runner
from triage.pathway import (
    CHOSEN_SERIES,
    DETECTION,
    INSTANCES,
    PUBLISH,
    PUBLISHED,
    REPORT,
    REPORT_PRELIMINARY,
    RESULT,
    SERIES_VERDICTS,
    VOLUME_STREAM,
)
from triage.store.session import Store

NODE = "PACS-ARCHIVE"
KIND = "store_sr"


@dataclass
class Archive:
    """Holds what it was sent, once it is open."""

    kind: str = KIND
    opened: bool = True
    held: set[str] = field(default_factory=set)

    def already_there(self, payload: Facts) -> dict[str, Json] | None:
        uid = str(payload["sop_uid"])
        return {"node": NODE, "sop_uid": uid} if uid in self.held else None

    def send(self, payload: Facts) -> None:
        if self.opened:
            self.held.add(str(payload["sop_uid"]))

    def confirm(self, payload: Facts) -> dict[str, Json] | None:
        return self.already_there(payload)


@dataclass
class Engine:
    """A launched runner on a store, and the archive it delivers to."""

    store: Store
    runner: Runner
    registry: Registry
    archive: Archive = field(default_factory=Archive)

    def use(self, *tools: Toy) -> None:
        """Replace every tool."""
        for one in self.registry.specs():
            self.registry.remove(one.name)
        for tool in tools:
            self.registry.add(tool)

    def publish(self, study_uid: str, why: str = "332 new images") -> None:
        """Plan for the result of a study and walk until it stands."""
        wants = (PUBLISHED, VOLUME_STREAM)
        asked = news(study_uid, wants, {INSTANCES: {"digest": study_uid}}, why=why)
        submitted(self.runner, renamed(asked, PUBLISH.name))
        settled(self.store, study_uid)

    def report(self, study_uid: str) -> None:
        """Plan for the report of a published study; what it wants sent lies in the outbox."""
        asked = news(study_uid, (REPORT,), {PUBLISHED: {"key": study_uid}}, replaces=(REPORT,))
        submitted(self.runner, renamed(asked, REPORT_PRELIMINARY.name))
        settled(self.store, study_uid)

    def deliver(self) -> None:
        """Try everything that is due."""
        alive = self.runner.lease.alive
        Outgoing(self.store, [self.archive], "test:worker-1", alive).deliver_due()


@contextmanager
def engine_on(store: Store) -> Iterator[Engine]:
    """Run an engine on a store that others read meanwhile."""
    registry = Registry()
    runner = Runner(store, registry, executor_id="test:worker-1", lease_s=30.0, poll_s=0.05)
    runner.prepare()
    runner.launch()
    yield Engine(store, runner, registry)
    runner.stop()


def says(fact: str, value: Json, message: str) -> Callable[[Facts, Call], Outcome]:
    """Work that gives one fact and says one sentence."""
    return lambda _facts, _call: Outcome({fact: value}, message=message)


def report_effect(_facts: Facts, call: Call) -> Outcome:
    """A report for the archive."""
    uid = f"{call.subject}.7"
    payload: dict[str, Json] = {"sop_uid": uid, "node": NODE, "study_uid": call.subject}
    effect = Effect(KIND, f"{KIND}:{NODE}:{uid}"[:128], payload)
    return Outcome(
        {REPORT: {"sop_uid": uid}}, message=f"preliminary, for {NODE}", effects=(effect,)
    )


def eventful_tools() -> tuple[Toy, ...]:
    """A walk with a way back, a tool that fails, one that is not installed, and a report."""

    def find(facts: Facts, _call: Call) -> Outcome:
        if facts[CHOSEN_SERIES] == "abdomen":
            message = "mask too small for a chest"
            return Outcome(cause=Cause.CONTRACT_VIOLATED, message=message, bad_fact=CHOSEN_SERIES)
        return Outcome({"lung": "41 %"}, message="41 % of the chest")

    bad = Outcome(cause=Cause.TOOL_DOWN, message="its self-test differs by 0.21, at most 0.02")
    torch = toy("detect_torch", ("lung",), (DETECTION,), cost_s=0.9, by="Torch")
    torch.up = Health(False, "not installed here")
    first, second = (
        says(CHOSEN_SERIES, name, said)
        for name, said in (("abdomen", "abdomen 3 mm"), ("lung", "lung 1.0 mm"))
    )
    verdicts = says(SERIES_VERDICTS, "v", "3 CT series, 2 of them readable")
    pack = says(VOLUME_STREAM, "p", "332 slices")
    found = says(DETECTION, "d", "4 findings, whole lung assessed")
    return (
        toy("judge_series", (INSTANCES,), (SERIES_VERDICTS,), verdicts),
        toy("choose_series", (SERIES_VERDICTS,), (CHOSEN_SERIES,), first, cost_s=0.1),
        toy("choose_another", (SERIES_VERDICTS,), (CHOSEN_SERIES,), second, cost_s=0.5),
        toy("find_lungs", (CHOSEN_SERIES,), ("lung",), find),
        toy("pack_volume", (CHOSEN_SERIES, "lung"), (VOLUME_STREAM,), pack),
        toy(
            "detect_openvino",
            ("lung",),
            (DETECTION,),
            lambda _f, _c: bad,
            cost_s=0.2,
            by="OpenVINO",
        ),
        toy("detect_onnx", ("lung",), (DETECTION,), found, cost_s=1.0, by="ONNX Runtime"),
        torch,
        toy("store_findings", (DETECTION,), (RESULT,), says(RESULT, "r", "4 findings")),
        toy("publish_result", (RESULT,), (PUBLISHED,), says(PUBLISHED, "x", "ready: all is there")),
        toy("write_report", (PUBLISHED,), (REPORT,), report_effect),
    )
