"""Fine-tuning: it starts as the champion, can be killed and goes on, and says how far it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import load

from tests.detect import small_model
from tests.learn import tiny
from triage.detect import model_folder
from triage.errors import ModelRefused
from triage.learn import export
from triage.learn.challenger import cut_at
from triage.learn.corrections import Piece
from triage.learn.finetune import (
    CHECKPOINT,
    SAVE_EVERY,
    TunePlan,
    lesson_loss,
    network_from_weights,
    network_of,
    tune,
)
from triage.learn.train import collate

PLAN = TunePlan("c", "d", steps=4, batch=1, seed=0)


@pytest.fixture(scope="module")
def champion() -> bytes:
    return export.to_onnx(tiny.half_trained(2))


@pytest.fixture(scope="module")
def pieces() -> list[Piece]:
    sampler = tiny.lessons([1])
    return [*sampler.positive, *sampler.plain]


def silent(_step: int, _loss: float, _left_s: float) -> None:
    """Nobody listens."""


@pytest.mark.parametrize("kind", ["fresh", "half trained", "released"])
def test_it_starts_exactly_as_the_champion(kind: str, champion: bytes) -> None:
    content = {
        "fresh": lambda: export.to_onnx(tiny.narrow()),
        "half trained": lambda: champion,
        "released": (model_folder.locate() / "model.onnx").read_bytes,
    }[kind]()
    x = np.random.default_rng(0).random((1, 1, 64, 64, 64), dtype=np.float32)
    [known] = onnxruntime.InferenceSession(content).run(None, {"image": x})
    with torch.no_grad():
        answer = network_of(content)(torch.from_numpy(x)).numpy()
    assert np.abs(answer - known).max() < 1e-4


def test_another_kind_of_network_is_refused() -> None:
    with pytest.raises(ModelRefused, match="not a network that rounds can go on from"):
        network_of(small_model.network(*small_model.weights()))


def test_the_same_plan_gives_the_same_weights_and_another_seed_others(
    champion: bytes, pieces: list[Piece], tmp_path: Path
) -> None:
    first = tune(PLAN, champion, pieces, tmp_path / "a", silent)
    assert tune(PLAN, champion, pieces, tmp_path / "b", silent) == first
    assert tune(replace(PLAN, seed=1), champion, pieces, tmp_path / "c", silent) != first


def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_happened(
    champion: bytes, pieces: list[Piece], tmp_path: Path
) -> None:
    plan = replace(PLAN, steps=SAVE_EVERY + 4)
    whole = tune(plan, champion, pieces, tmp_path / "whole", silent)

    def dies(step: int, _loss: float, _left_s: float) -> None:
        if step == SAVE_EVERY + 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(plan, champion, pieces, tmp_path / "killed", dies)
    steps: list[int] = []
    resumed = tune(
        plan, champion, pieces, tmp_path / "killed", lambda step, _l, _s: steps.append(step)
    )
    assert steps[0] == SAVE_EVERY + 1
    known, found = load(whole), load(resumed)
    assert all(torch.equal(known[name], found[name]) for name in known)


def test_a_checkpoint_of_another_plan_is_left_alone(
    champion: bytes, pieces: list[Piece], tmp_path: Path
) -> None:
    long = replace(PLAN, steps=SAVE_EVERY)
    tune(long, champion, pieces, tmp_path, silent)
    assert (tmp_path / CHECKPOINT).exists()
    steps: list[int] = []
    tune(PLAN, champion, pieces, tmp_path, lambda step, _l, _s: steps.append(step))
    assert steps == [1, 2, 3, 4]


def test_batch_statistics_stay_those_of_the_champion(
    champion: bytes, pieces: list[Piece], tmp_path: Path
) -> None:
    before = network_of(champion).state_dict()
    after = network_from_weights(tune(PLAN, champion, pieces, tmp_path, silent)).state_dict()
    running = [name for name in before if "running" in name]
    assert running
    assert all(torch.equal(before[name], after[name]) for name in running)
    assert not torch.equal(before["answer.weight"], after["answer.weight"])


def test_what_the_champion_says_costs_nothing_where_nobody_decided(champion: bytes) -> None:
    lesson = tiny.lessons([1]).draw(np.random.default_rng(0))
    batch = collate([lesson.example])._replace(weight=torch.zeros(1, 16, 16, 16))
    anchor = torch.from_numpy(lesson.anchor)[None]
    with torch.no_grad():
        known = network_of(champion)(batch.image)
    assert float(lesson_loss(known, known, batch, anchor)) == pytest.approx(0.0, abs=1e-3)
    moved = known.clone()
    moved[:, 0] += 2.0
    assert float(lesson_loss(moved, known, batch, anchor)) > 0.1


@pytest.mark.parametrize(
    ("probabilities", "allowed", "low", "high"),
    [
        ([0.9, 0.6, 0.2, 0.1], 2, 0.2, 0.6),  # between the second and the third
        ([0.3, 0.2], 0, 0.3, 0.5),  # above all, by half a logit
        ([0.3], 1, 0.44, 0.46),  # too few to tell: as it was
        ([], 0, 0.44, 0.46),
        ([0.9999], 0, 0.98, 1.0),
    ],
)
def test_where_a_challenger_is_cut(
    probabilities: list[float], allowed: int, low: float, high: float
) -> None:
    assert low < cut_at(probabilities, allowed, 0.45) < high


def test_exported_weights_are_those_that_were_tuned(champion: bytes) -> None:
    network = network_of(champion)
    again = onnx.load_model_from_string(export.to_onnx(network))
    assert {o.name for o in again.graph.output} == {"answer"}
