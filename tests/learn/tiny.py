"""A loop so small that a test can walk it: narrow network, small chests with balls, real doors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydicom.dataset import Dataset

from tests.commits import until_committed
from tests.detect import small_chest
from tests.detect.small_chest import Ball
from triage import wiring
from triage.core.volume import Volume
from triage.core.work import Queue
from triage.detect.decode import DecodeSettings
from triage.detect.prepare import prepare
from triage.engine.runner import Runner
from triage.engine.worker import Watcher
from triage.learn import export
from triage.learn.corrections import LessonSampler, pieces_of
from triage.learn.losses import detection_loss
from triage.learn.networks import NoduleNet
from triage.learn.sealed import PhantomPopulation
from triage.learn.train import collate
from triage.learn.watch import RoundWatch
from triage.receive.watch import StudyWatch
from triage.settings import Settings
from triage.store.learning_rows import PHANTOM_MAKER, SignedDecision
from triage.store.tables import now
from triage.wiring import House

SCORE_TOP = DecodeSettings(temperature=1.0, bias=0.0, threshold=0.5)


@dataclass(frozen=True)
class SmallChest:
    """What `PhantomPopulation` asks of a made chest."""

    volume: Volume
    nodules: Sequence[Ball]


def balls(seed: int, count: int = 2) -> tuple[Ball, ...]:
    """Balls of 9 to 14 mm well inside the lungs, never two at one place."""
    rng = np.random.default_rng([seed, 11])
    found: list[Ball] = []
    for number in range(count):
        side = -60.0 if number % 2 else 60.0
        x, y, z = rng.uniform((-22, -35, -16), (22, 35, 16))
        found.append(Ball((float(side + x), float(y), float(z)), float(rng.uniform(9, 14))))
    return tuple(found)


def sealed_chest(seed: int) -> SmallChest:
    nodules = balls(seed)
    return SmallChest(small_chest.chest(nodules, seed=seed), nodules)


def objects(seed: int, maker: str = PHANTOM_MAKER, **changes: Any) -> list[Dataset]:
    """The DICOM files of one small chest, under UIDs of its own."""
    volume = small_chest.chest(balls(seed), seed=seed)
    study = f"1.2.826.0.1.3680043.8.498.77.{seed}"
    values = {
        "StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.1",
        "FrameOfReferenceUID": f"{study}.9", "Manufacturer": maker, "PatientID": f"T-{seed}",
        "PatientName": "Phantom^T", **changes,
    }  # fmt: skip
    return [
        small_chest.slice_dataset(plane, z, SOPInstanceUID=f"{study}.1.{z + 1}", **values)
        for z, plane in enumerate(volume.hu)
    ]


def study_uid(seed: int) -> str:
    return f"1.2.826.0.1.3680043.8.498.77.{seed}"


def write_model(
    folder: Path, network: NoduleNet, settings: DecodeSettings = SCORE_TOP, **training: Any
) -> str:
    """A model folder as `triage.learn.export` writes it; its digest."""
    content = export.to_onnx(network)
    digest = hashlib.sha256(content).hexdigest()
    (folder / "configs").mkdir(parents=True)
    (folder / "model.onnx").write_bytes(content)
    (folder / "sha256").write_text(f"{digest}  model.onnx\n")
    (folder / "selftest.npz").write_bytes(export.self_test(network, export.self_test_tile()))
    metadata = {
        "name": folder.name, "version": "0.0.1", "sha256": digest, "decode": asdict(settings),
        "training": training,
    }  # fmt: skip
    (folder / "configs" / "metadata.json").write_text(json.dumps(metadata))
    return digest


def narrow(seed: int = 0, width: int = 8) -> NoduleNet:
    """A network that has learned nothing."""
    torch.manual_seed(seed)
    return NoduleNet(width).eval()


class Installation:
    """House, engine and watchers in this process, ticked by the test."""

    def __init__(self, folder: Path, *, patients: int = 20, **settings: Any) -> None:
        self.settings = Settings(data=folder / "data", **settings)
        self.house: House = wiring.open_house(self.settings)
        self.phantoms = PhantomPopulation(folder / "sealed", patients, sealed_chest)
        self.runner = Runner(
            self.house.store,
            wiring.registry_of(self.house, self.phantoms),
            executor_id="test:1",
            on_plan_end=wiring.plan_ended,
            poll_s=0.05,
        )
        self.watchers: list[Watcher] = [
            StudyWatch(self.house.store, self.settings),
            RoundWatch(self.house.store, wiring.champion_of(self.house)),
        ]

    def until(self, done: Callable[[], bool], within_s: float = 200.0) -> None:
        """Let everything that is due be planned and run until a condition holds."""

        def plan_what_is_due() -> None:
            for watcher in self.watchers:
                for news in watcher.due():
                    self.runner.submit(news)
            self.runner.check()

        until_committed(done, "the engine came to it", within_s, between=plan_what_is_due)


@contextmanager
def installation(folder: Path, **more: Any) -> Iterator[Installation]:
    """An installation whose engine runs."""
    opened = Installation(folder, **more)
    opened.runner.launch([Queue.CPU, Queue.TRAIN])
    try:
        yield opened
    finally:
        opened.runner.stop()
        opened.house.store.close()


def decisions(nodules: Sequence[Ball], seed: int = 0) -> list[SignedDecision]:
    """What a reader who knows the truth would sign."""
    return [
        SignedDecision(
            f"study {seed}", f"series {seed}", f"{seed}.{n}", n, "added", None, b.center_lps_mm,
            b.diameter_mm, b.diameter_mm, "phantom", "reader", now(), 1,
        )
        for n, b in enumerate(nodules, start=1)
    ]  # fmt: skip


def lessons(seeds: Sequence[int]) -> LessonSampler:
    """A sampler over small chests, all nodules signed."""
    rng = np.random.default_rng(0)
    return LessonSampler(
        [
            piece
            for seed in seeds
            for piece in pieces_of(
                prepare(small_chest.chest(balls(seed), seed=seed)), decisions(balls(seed), seed),
                rng,
            )
        ]
    )  # fmt: skip


def half_trained(steps: int = 30) -> NoduleNet:
    """A network that was stopped early: it sees something, and much that is nothing."""
    network = narrow().train()
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    sampler = lessons([101, 102, 103])
    for step in range(steps):
        rng = np.random.default_rng([1, step])
        batch = collate([sampler.draw(rng).example for _ in range(4)])
        loss = detection_loss(network(batch.image), batch.heat, batch.weight, batch.shape)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return network.eval()
