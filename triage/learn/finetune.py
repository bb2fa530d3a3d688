"""Fine-tune a champion on signed decisions. Read top to bottom: start, steps, checkpoint, result.

The start is the champion's ONNX file, the very bytes its digest stands for: each convolution with
its folded batch norm becomes a convolution and a batch norm that does the same. Batch statistics
stay as they are, because a handful of decisions is no population to take statistics of.
"""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import load, save
from torch.nn import functional

from triage.errors import ModelRefused
from triage.learn.corrections import Lesson, LessonSampler, Piece
from triage.learn.losses import detection_loss
from triage.learn.networks import NoduleNet, laid_out
from triage.learn.train import Batch, collate, descend

LEARNING_RATE = 5e-4
WEIGHT_DECAY = 1e-3
WARM_UP_STEPS = 20
EMA_DECAY = 0.99
#: How strongly the champion's answer holds where nobody decided.
ANCHOR_WEIGHT = 0.1
SAVE_EVERY = 50
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True, slots=True)
class TunePlan:
    """What a round trains; the same plan gives the same model.

    Attributes
    ----------
    champion, dataset : str
        Digests.
    steps, batch, seed : int
    """

    champion: str
    dataset: str
    steps: int = 400
    batch: int = 4
    seed: int = 0


Report = Callable[[int, float, float], None]
"""Told the steps done, the mean loss and the seconds left, after every step."""


def tune(
    plan: TunePlan, champion: bytes, pieces: Sequence[Piece], folder: Path, report: Report
) -> bytes:
    """Fine-tune; goes on from the folder's checkpoint when that is of the same plan.

    Parameters
    ----------
    plan : TunePlan
    champion : bytes
        ONNX of the champion.
    pieces : sequence of Piece
    folder : Path
        For the checkpoint.
    report : Report

    Returns
    -------
    bytes
        Weights as safetensors.
    """
    torch.manual_seed(plan.seed)
    teacher = network_of(champion)
    state = _State(copy.deepcopy(teacher), copy.deepcopy(teacher))
    folder.mkdir(parents=True, exist_ok=True)
    state.restore(plan, folder)
    sampler = LessonSampler(pieces)
    losses: list[float] = []
    started, first = time.monotonic(), state.step
    while state.step < plan.steps:
        # The generator depends on the step alone: a resumed run draws what it would have drawn.
        rng = np.random.default_rng([plan.seed, 4, state.step])
        lessons = [sampler.draw(rng) for _ in range(plan.batch)]
        losses.append(_learn(state, teacher, lessons, plan))
        state.step += 1
        if state.step % SAVE_EVERY == 0:
            state.keep(plan, folder)
        pace_s = (time.monotonic() - started) / (state.step - first)
        report(state.step, float(np.mean(losses[-50:])), (plan.steps - state.step) * pace_s)
    return save({name: value.contiguous() for name, value in state.average.state_dict().items()})


class _State:
    """A run between two steps; all of it is in the checkpoint."""

    def __init__(self, network: NoduleNet, average: NoduleNet) -> None:
        self.network, self.average, self.step = network, average, 0
        self.optimizer = torch.optim.AdamW(
            network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY
        )

    def keep(self, plan: TunePlan, folder: Path) -> None:
        """Write the checkpoint whole or not at all."""
        whole = {
            "plan": json.dumps(asdict(plan)),
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        part = folder / f"{CHECKPOINT}.{os.getpid()}.part"
        torch.save(whole, part)
        part.replace(folder / CHECKPOINT)

    def restore(self, plan: TunePlan, folder: Path) -> None:
        """Take up a checkpoint of the same plan; one of another plan is left alone."""
        path = folder / CHECKPOINT
        if not path.exists():
            return
        whole: dict[str, Any] = torch.load(path, weights_only=True)
        if whole["plan"] != json.dumps(asdict(plan)):
            return
        self.network.load_state_dict(whole["network"])
        self.average.load_state_dict(whole["average"])
        self.optimizer.load_state_dict(whole["optimizer"])
        self.step = int(whole["step"])


def _learn(state: _State, teacher: NoduleNet, lessons: Sequence[Lesson], plan: TunePlan) -> float:
    """One step; the loss before it."""
    batch = collate([one.example for one in lessons])
    anchor = torch.from_numpy(np.stack([one.anchor for one in lessons]))
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(state.step, plan.steps)
    with torch.autocast("cpu", torch.bfloat16):
        answer = state.network(batch.image)
        with torch.no_grad():
            known = teacher(batch.image)
    loss = lesson_loss(answer.float(), known.float(), batch, anchor)
    decay = min(EMA_DECAY, (state.step + 1) / (state.step + 10))
    descend(loss, state.network, state.average, state.optimizer, decay)
    return float(loss.detach())


def lesson_loss(
    answer: torch.Tensor, known: torch.Tensor, batch: Batch, anchor: torch.Tensor
) -> torch.Tensor:
    """What was decided, and the champion's word where nothing was.

    Parameters
    ----------
    answer, known : Tensor, float32, shape (B, 5, z, y, x)
        Of the challenger and of the champion.
    batch : Batch
    anchor : Tensor, float32, shape (B, z, y, x)

    Returns
    -------
    Tensor, scalar
    """
    taught = detection_loss(answer, batch.heat, batch.weight, batch.shape)
    chance = torch.sigmoid(known[:, 0])
    apart = functional.binary_cross_entropy_with_logits(answer[:, 0], chance, reduction="none")
    least = functional.binary_cross_entropy(chance, chance, reduction="none")
    held = ((apart - least) * anchor).sum() / len(answer)
    return taught + ANCHOR_WEIGHT * held


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine down to 1 %."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return LEARNING_RATE * warm * (0.505 + 0.495 * math.cos(math.pi * step / steps))


# ---------------------------------------------------------------- weights


def network_of(content: bytes) -> NoduleNet:
    """A trainable network that answers as an ONNX file of `export.to_onnx` does.

    Raises
    ------
    ModelRefused
        The file holds another kind of network.
    """
    model = onnx.load_model_from_string(content)
    weights = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    for node in model.graph.node:  # equal weights are stored once and named by an Identity
        if node.op_type == "Identity" and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
    try:
        width = weights["answer.weight"].shape[1]
        network = NoduleNet(width)
        network.load_state_dict(_unfolded(network, weights))
    except (KeyError, IndexError, RuntimeError) as error:
        raise ModelRefused(
            "the champion is not a network that rounds can go on from: its weights are named "
            f"differently ({type(error).__name__})"
        ) from error
    return laid_out(network, torch.channels_last_3d).eval()


def _unfolded(network: NoduleNet, weights: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """State of a network whose batch norms add the folded bias and change nothing else."""
    state = network.state_dict()
    modules = dict(network.named_modules())
    for name, module in modules.items():
        if isinstance(module, torch.nn.Conv3d):
            state[f"{name}.weight"] = _tensor(weights[f"{name}.weight"])
            if module.bias is not None:
                state[f"{name}.bias"] = _tensor(weights[f"{name}.bias"])
        if isinstance(module, torch.nn.BatchNorm3d):
            before = f"{name.rpartition('.')[0]}.0"  # always directly behind its convolution
            state[f"{name}.bias"] = _tensor(weights[f"{before}.bias"])
            state[f"{name}.weight"] = torch.full_like(
                state[f"{name}.weight"], math.sqrt(1.0 + module.eps)
            )
            state[f"{name}.running_mean"] = torch.zeros_like(state[f"{name}.running_mean"])
            state[f"{name}.running_var"] = torch.ones_like(state[f"{name}.running_var"])
    return state


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float32))


def network_from_weights(content: bytes) -> NoduleNet:
    """A network with the weights that `tune` gave."""
    weights = load(content)
    network = NoduleNet(weights["answer.weight"].shape[1])
    network.load_state_dict(weights)
    return network.eval()
