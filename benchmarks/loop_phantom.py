"""The learning loop, shown whole on phantoms, and what a round on real cases honestly says.

    triage bench loop_phantom

Each part writes a row to ``benchmarks/results/loop_phantom.jsonl``. ``LOOP_COUNTS=small`` runs the
same with one study, few steps and two sealed phantoms: it shows that the loop runs, and its row
says ``"full": false``.

A champion that was deliberately stopped far too early reads phantom studies; a reader who knows
the truth confirms, rejects, adds and signs through the API; a round of the real engine learns from
that and is judged on sealed phantoms. PHANTOMS ARE NO CLINICAL EVIDENCE: this shows that the loop
works and that its gate can say yes. Then the same on one real case, where the verdict must be that
there is not enough evidence (needs the development data, ``TRIAGE_SHARED_DATA``).
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import record
from tests.commits import until_committed
from triage import wiring
from triage.core.work import Queue
from triage.detect import model_folder
from triage.detect.decode import DecodeSettings
from triage.detect.prepare import prepare
from triage.engine.runner import Runner
from triage.learn import export
from triage.learn.corrections import LessonSampler, pieces_of
from triage.learn.data.cases import MarkedNodule
from triage.learn.data.shared import read_cases
from triage.learn.froc import HIT_AT_LEAST_MM
from triage.learn.losses import detection_loss
from triage.learn.networks import NoduleNet
from triage.learn.sealed import SEALED_PHANTOMS, PhantomPopulation, sealed_phantom
from triage.learn.train import collate
from triage.learn.watch import RoundWatch
from triage.phantom.dicom import write_series
from triage.receive.watch import StudyWatch
from triage.review.api import create_app
from triage.settings import Settings
from triage.store.learning_rows import SignedDecision
from triage.store.tables import now

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

WIDTH, EARLY_STEPS, STEPS = 16, 200, 1500
READ = range(100, 116)
EARLY = range(200, 203)
REAL_CASE, REAL_STEPS = "LIDC-IDRI-0001", 20
_WITHIN_S = 3600.0


def main() -> int:
    """Run both parts; 0 when the verdicts are those that are due."""
    counts = Counts.of(os.environ.get("LOOP_COUNTS", "full"))
    with tempfile.TemporaryDirectory(prefix="triage-loop-") as scratch:
        phantom = on_phantoms(Path(scratch) / "phantom", counts)
    _keep("phantom", counts, phantom)
    shared = Path(os.environ.get("TRIAGE_SHARED_DATA", "../shared/data"))
    real: dict[str, Any] = {"skipped": "no development data (TRIAGE_SHARED_DATA)"}
    if (shared / "truth.json").exists():
        with tempfile.TemporaryDirectory(prefix="triage-loop-") as scratch:
            real = on_people(Path(scratch), shared)
    _keep("real", counts, real)
    due = real.get("verdict") in (None, "not_enough_evidence")
    if not counts.full:
        print("SMALL COUNTS: this shows that the loop runs, not what it comes to", flush=True)
        return 0 if phantom["verdict"] and due else 1
    return 0 if phantom["verdict"] == "promote" and due else 1


@dataclass(frozen=True)
class Counts:
    """How much of everything; only the full ones measure something."""

    full: bool
    read: Sequence[int]
    early_steps: int
    steps: int
    sealed: int

    @classmethod
    def of(cls, name: str) -> Counts:
        """``full``, or ``small`` to see that it runs (``LOOP_COUNTS``)."""
        if name not in ("full", "small"):
            raise SystemExit(f"LOOP_COUNTS is full or small, not {name!r}")
        full = name == "full"
        read = READ if full else READ[:1]
        steps = (EARLY_STEPS, STEPS, SEALED_PHANTOMS) if full else (20, 20, 2)
        return cls(full, read, *steps)


def _keep(part: str, counts: Counts, said: dict[str, Any]) -> None:
    """Show what a part came to and write its row; what could not run has none."""
    print(json.dumps(said, indent=1))
    if "skipped" not in said:
        asked = {"studies": len(counts.read), "early_steps": counts.early_steps}
        steps = counts.steps if part == "phantom" else REAL_STEPS
        row = {"part": part, "full": counts.full, "steps": steps, **said}
        record.write("loop_phantom", row | (asked if part == "phantom" else {}))


def on_phantoms(folder: Path, counts: Counts) -> dict[str, Any]:
    """The whole loop on phantoms."""
    released = folder / "released"
    write_model(released / "nodule-s", early_network(counts.early_steps))
    model_folder.MODEL_ROOTS = (released,)
    sealed = PhantomPopulation(folder / "sealed", counts.sealed)
    bench = Bench(Settings(data=folder / "data", auth="off"), sealed)
    for seed in counts.read:
        chest = sealed_phantom(seed)
        series = folder / f"study-{seed}"
        write_series(chest, series, seed=seed)
        wiring.import_paths(bench.settings, [series])
        [study] = json.loads((series / "truth.json").read_text())["series"].values()
        truth = [MarkedNodule(n.center_lps_mm, n.diameter_mm, True) for n in chest.nodules]
        bench.read_and_sign(study["study_uid"], truth)
    said = bench.round("phantom", counts.steps)
    bench.close()
    return {"what": "PHANTOMS, no clinical evidence", **said}


def on_people(folder: Path, shared: Path) -> dict[str, Any]:
    """One real series signed as its truth says; judged on the sealed real series there are."""
    model_folder.MODEL_ROOTS = _RELEASED
    bench = Bench(Settings(data=folder / "data", auth="off", sealed=shared))
    case = read_cases(shared)[REAL_CASE]
    wiring.import_paths(bench.settings, [case.path])
    uid = bench.only_study()
    bench.read_and_sign(uid, [n for n in case.nodules if n.positive])
    said = bench.round("real", REAL_STEPS)
    bench.close()
    return {"what": f"signed: {REAL_CASE}", **said}


_RELEASED = model_folder.MODEL_ROOTS


class Bench:
    """An installation with its engine and API in this process."""

    def __init__(self, settings: Settings, sealed: PhantomPopulation | None = None) -> None:
        self.settings = settings
        self.house = wiring.open_house(settings)
        self.runner = Runner(
            self.house.store, wiring.registry_of(self.house, sealed), executor_id="bench:1",
            on_plan_end=wiring.plan_ended,
        )  # fmt: skip
        self.watchers = (
            StudyWatch(self.house.store, settings),
            RoundWatch(self.house.store, wiring.champion_of(self.house)),
        )
        self.client = TestClient(
            create_app(wiring.services(self.house)), "http://127.0.0.1",
            headers={"X-Triage-Request": "1"}, client=("127.0.0.1", 50000),
        )  # fmt: skip
        self.acts = 0
        self.runner.launch([Queue.CPU, Queue.TRAIN])

    def close(self) -> None:
        """Stop the engine."""
        self.runner.stop()
        self.house.store.close()

    def get(self, address: str) -> dict[str, Any]:
        """GET, or fail."""
        said: dict[str, Any] = self.client.get(address).raise_for_status().json()
        return said

    def post(self, address: str, body: Any) -> dict[str, Any]:
        """POST, or fail."""
        self.acts += 1
        key = {"Idempotency-Key": f"bench-key-{self.acts}"}
        answer = self.client.post(address, json=body, headers=key)
        if answer.is_error:
            raise RuntimeError(f"{address}: {answer.text}")
        said: dict[str, Any] = answer.json()
        return said

    def only_study(self) -> str:
        """UID of the one study there is."""
        [row] = self.get("/api/worklist")["items"]
        return str(row["study_uid"])

    def until(self, address: str, states: Sequence[str]) -> dict[str, Any]:
        """Tick the engine until a thing is in one of these states."""
        shown = "{}"

        def reached() -> dict[str, Any] | None:
            nonlocal shown
            said = self.get(address)
            line = json.dumps(said.get("progress") or {})
            if line not in (shown, "{}"):
                print(line, flush=True)
                shown = line
            return said if said["state"] in states else None

        def plan_what_is_due() -> None:
            for watcher in self.watchers:
                for news in watcher.due():
                    self.runner.submit(news)
            self.runner.check()

        found: dict[str, Any] = until_committed(
            reached, f"{address} is one of {states}", _WITHIN_S, between=plan_what_is_due
        )
        return found

    def read_and_sign(self, uid: str, truth: Sequence[MarkedNodule]) -> None:
        """What a reader who knows the truth does."""
        study = self.until(f"/api/studies/{uid}", ("ready", "failed"))
        left = list(truth)
        for finding in study["findings"]:
            hit = [n for n in left if _gap(n, finding) <= max(n.diameter_mm / 2, HIT_AT_LEAST_MM)]
            left = [n for n in left if n not in hit]
            said = {"decision": "confirm"} if hit else {"decision": "reject", "reason": "vessel"}
            self.post(
                f"/api/findings/{finding['finding_id']}/decisions",
                {**said, "base_version": finding["version"]},
            )
        for nodule in left:
            size = {"long_mm": nodule.diameter_mm, "short_mm": nodule.diameter_mm}
            place = {
                "series_uid": study["result"]["series_uid"],
                "center_lps_mm": list(nodule.center_lps_mm),
            }
            self.post(f"/api/studies/{uid}/findings", {**place, **size})
        self.post(f"/api/studies/{uid}/sign", {})
        marks = len(study["findings"])
        print(f"signed: {marks} marks, {len(truth)} nodules, {len(left)} added", flush=True)

    def round(self, population: str, steps: int) -> dict[str, Any]:
        """One round: verdict, interval, what it cost."""
        started = time.monotonic()
        asked = self.post("/api/learning/rounds", {"population": population, "steps": steps})
        ended = self.until(f"/api/learning/rounds/{asked['id']}", ("done", "waiting"))
        said = ended["verdict"]
        return {
            "verdict": said.get("verdict"),
            "reason": ended["reason"],
            "decisions": len(ended["items"]),
            "sealed_cases": said.get("cases"),
            "nodules": said.get("nodules"),
            "changes": said.get("changes"),
            "curves": said.get("curves"),
            "seconds": round(time.monotonic() - started, 1),
        }


def _gap(nodule: MarkedNodule, finding: dict[str, Any]) -> float:
    return float(np.linalg.norm(np.subtract(nodule.center_lps_mm, finding["center_lps_mm"])))


def early_network(steps: int) -> NoduleNet:
    """A narrow network that was stopped far too early."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = NoduleNet(WIDTH).train()
    rng = np.random.default_rng(0)
    pieces = []
    for seed in EARLY:
        chest = sealed_phantom(seed)
        signed = [
            SignedDecision(
                str(seed), str(seed), str(n), n, "added", None, one.center_lps_mm, one.diameter_mm,
                one.diameter_mm, "phantom", "", now(), 0,
            )
            for n, one in enumerate(chest.nodules)
        ]  # fmt: skip
        pieces += pieces_of(prepare(chest.volume), signed, rng)
    sampler = LessonSampler(pieces)
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    for step in range(steps):
        draw = np.random.default_rng([9, step])
        batch = collate([sampler.draw(draw).example for _ in range(4)])
        loss = detection_loss(network(batch.image), batch.heat, batch.weight, batch.shape)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return network.eval()


def write_model(folder: Path, network: NoduleNet) -> None:
    """A model folder as the exporter writes it."""
    content = export.to_onnx(network)
    digest = hashlib.sha256(content).hexdigest()
    (folder / "configs").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(content)
    (folder / "sha256").write_text(f"{digest}  model.onnx\n")
    (folder / "selftest.npz").write_bytes(export.self_test(network, export.self_test_tile()))
    settings = DecodeSettings(max_candidates=30)
    metadata = {"name": folder.name, "version": "0.0.1", "sha256": digest}
    decode = {"decode": asdict(settings), "training": {}}
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata | decode))


if __name__ == "__main__":
    raise SystemExit(main())
