"""A training run on disk: its checkpoint, its result, what it learned from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save, save_file
from torch import nn

from triage.learn.networks import NETWORKS, Detector, laid_out

CHECKPOINT, RESULT, DESCRIPTION = "checkpoint.pt", "model.safetensors", "run.json"


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a run goes into its checkpoint.

    Attributes
    ----------
    plan : str
        JSON of the plan: a checkpoint is taken up by the same plan only.
    parts : mapping of name to Module or Optimizer
    """

    plan: str
    parts: Mapping[str, nn.Module | torch.optim.Optimizer]


def keep(kept: Kept, step: int, hard: Mapping[str, torch.Tensor], out: Path) -> None:
    """Write the checkpoint whole or not at all.

    Parameters
    ----------
    kept : Kept
    step : int
        Steps done.
    hard : mapping of scan name to Tensor
        Mined places.
    out : Path
        Folder of the run.
    """
    whole = {name: part.state_dict() for name, part in kept.parts.items()}
    part = out / f"{CHECKPOINT}.part"
    torch.save(whole | {"plan": kept.plan, "step": step, "hard": dict(hard)}, part)
    part.replace(out / CHECKPOINT)


def restore(kept: Kept, out: Path) -> tuple[int, dict[str, torch.Tensor]]:
    """Take up a checkpoint of the same plan, if there is one.

    Parameters
    ----------
    kept : Kept
        Its parts are filled.
    out : Path

    Returns
    -------
    step : int
        0 when there is none.
    hard : dict of scan name to Tensor

    Raises
    ------
    SystemExit
        The folder holds a checkpoint of another plan.
    """
    path = out / CHECKPOINT
    if not path.exists():
        return 0, {}
    whole: dict[str, Any] = torch.load(path, weights_only=True)
    if whole["plan"] != kept.plan:
        raise SystemExit(f"{path} belongs to another plan: {whole['plan']}; choose another folder")
    for name, part in kept.parts.items():
        part.load_state_dict(whole[name])
    return int(whole["step"]), whole["hard"]


def finish(network: Detector, described: Mapping[str, Any], out: Path) -> str:
    """Write the result and what it learned from; gives the SHA-256 of the weights.

    Parameters
    ----------
    network : Detector
    described : mapping
        For ``run.json``.
    out : Path

    Returns
    -------
    str
        The same seed, data, thread count and torch build give the same one.
    """
    tensors = weights(network)
    digest = hashlib.sha256(save(tensors)).hexdigest()
    save_file(tensors, out / RESULT)
    (out / DESCRIPTION).write_text(json.dumps({**described, "sha256": digest}, indent=1) + "\n")
    return digest


def weights(network: nn.Module) -> dict[str, torch.Tensor]:
    """Plainly laid out copies, as safetensors wants them."""
    return {n: value.detach().cpu().contiguous() for n, value in network.state_dict().items()}


def network_of(run: Path, file: str = RESULT) -> Detector:
    """The network of a finished run.

    Parameters
    ----------
    run : Path
        Folder of the run; without ``run.json`` it is a student's.
    file : str

    Returns
    -------
    Detector
        Answering, not learning.
    """
    about = run / DESCRIPTION
    name = json.loads(about.read_text()).get("network", "student") if about.exists() else "student"
    network = NETWORKS[name]()
    network.load_state_dict(load_file(run / file))
    return laid_out(network, torch.channels_last_3d).eval()
