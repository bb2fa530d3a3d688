"""Train the nodule detector. Read top to bottom: data, network, steps, result.

    python -m triage.learn.train runs/new --data lidc:DIR --data luna16:DIR     # see docs/data.md

The figures of models/nodule-s 0.1.0 come from these commands (one thread each), which divide the
development data as it was divided then:

    python -m triage.learn.train runs/nodule-s --released-split
    python -m triage.learn.train runs/without-0001 --released-split --leave-out LIDC-IDRI-0001
    python -m triage.learn.train runs/without-ct003 --released-split --leave-out LUNGx-CT003
    python -m triage.learn.train runs/without-0745 --released-split --leave-out LIDC-IDRI-0745
    python -m triage.learn.train runs/without-0009 --released-split --leave-out LIDC-IDRI-0009

A run that was stopped goes on from its last checkpoint when started again with the same words.
"""

from __future__ import annotations

import copy
import json
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
import typer
from safetensors.torch import save_file

from triage.errors import TriageError
from triage.learn import paste
from triage.learn.dataset import Example, Sampler
from triage.learn.lessons import Lessons, lessons, released_lessons
from triage.learn.losses import detection_loss
from triage.learn.mining import mine
from triage.learn.networks import NoduleNet
from triage.learn.scans import Scan, load_scan

LEARNING_RATE = 2e-3
WEIGHT_DECAY = 1e-2
WARM_UP_STEPS = 50
EMA_DECAY = 0.998
GRADIENT_LIMIT = 5.0
MINE_AT = (0.15, 0.35, 0.55, 0.75)
SAVE_EVERY = 200
REPORT_EVERY = 50
DATA = "shared:../shared/data"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is; the same plan on the same data gives the same model.

    Attributes
    ----------
    leave_out : tuple of str
        Patients whose series and cubes are not trained on, besides `split.NEVER_TRAINED`.
    steps, batch, seed : int
    split : str
        Digest of data and roles: a run does not go on with others.
    """

    leave_out: tuple[str, ...] = ()
    steps: int = 1500
    batch: int = 8
    seed: int = 0
    split: str = ""


def main(
    out: Annotated[Path, typer.Argument(help="Folder of the run: checkpoint, log, result.")],
    *,
    data: Annotated[
        list[str] | None,
        typer.Option(help="shared:DIR, lidc:DIR, luna16:DIR or own:DIR; may be given again."),
    ] = None,
    fold: Annotated[int, typer.Option(help="Which tenth is for testing (lidc, luna16).")] = 0,
    released_split: Annotated[
        bool, typer.Option("--released-split", help="Divide as for nodule-s 0.1.0.")
    ] = False,
    leave_out: Annotated[list[str] | None, typer.Option(help="Patient to leave out.")] = None,
    steps: int = 1500,
    batch: int = 8,
    seed: int = 0,
    threads: int = 1,
) -> None:
    """Train one model, showing progress; the result is ``model.safetensors`` and ``run.json``."""
    torch.set_num_threads(threads)
    barred, sources = tuple(sorted(leave_out or ())), data or [DATA]
    divided = partial(lessons, fold=fold) if not released_split else released_lessons
    taught = divided(sources, barred)
    plan = Plan(barred, steps, batch, seed, taught.split_digest)
    donors = paste.make_donors(taught.cubes, np.random.default_rng([seed, 1]))
    shelf = out / "scans"
    scans, taught = prepared_scans(taught, shelf, out)
    say(out, f"{len(scans)} scans, {len(taught.cubes)} cubes, {len(donors)} versions, {plan}")
    network = fit(plan, scans, donors, out)
    save_file(weights(network), out / "model.safetensors")
    described = describe(plan, taught)
    (out / "run.json").write_text(json.dumps(described, indent=1) + "\n")
    shutil.rmtree(shelf, ignore_errors=True)
    say(out, f"finished: {out / 'model.safetensors'}")


def prepared_scans(taught: Lessons, shelf: Path, out: Path) -> tuple[list[Scan], Lessons]:
    """Every case as it is read in the clinic, on the shelf; one that cannot be read is named.

    Raises
    ------
    SystemExit
        Not one could be prepared.
    """
    scans, cases = [], []
    for why in taught.left_out:
        say(out, f"left out: {why}")
    for case in taught.cases:
        try:
            scans.append(load_scan(case, shelf))
            cases.append(case)
        except TriageError as error:
            say(out, f"left out: {case.name}: {error.message}")
    if not scans:
        raise SystemExit("there is no scan to train on")
    return scans, replace(taught, cases=tuple(cases))


@dataclass(slots=True)
class State:
    """A run between two steps; all of it is in the checkpoint.

    Attributes
    ----------
    plan : Plan
    scans : list of Scan
        Their mined false positives belong to the state.
    network, average : NoduleNet
        The trained one, and its running mean: the result.
    optimizer : Optimizer
    step : int
        Steps done.
    """

    plan: Plan
    scans: list[Scan]
    network: NoduleNet
    average: NoduleNet
    optimizer: torch.optim.Optimizer
    step: int = 0


class Batch(NamedTuple):
    """Examples of one step, see `dataset.Example`; image (B, 1, 64, 64, 64)."""

    image: torch.Tensor
    heat: torch.Tensor
    weight: torch.Tensor
    shape: torch.Tensor


def fit(plan: Plan, scans: list[Scan], donors: list[paste.Donor], out: Path) -> NoduleNet:
    """The steps: draw, learn, average, mine, save.

    Parameters
    ----------
    plan : Plan
    scans, donors
        What patches are made of.
    out : Path
        Where the checkpoint lies or will lie.

    Returns
    -------
    NoduleNet
        The averaged network.
    """
    out.mkdir(parents=True, exist_ok=True)
    state = begin(plan, scans)
    restore(state, out)
    sampler = Sampler(scans, donors)
    mine_at = {int(share * plan.steps) for share in MINE_AT}
    losses: list[float] = []
    started, first = time.monotonic(), state.step
    while state.step < plan.steps:
        # The generator depends on the step alone, so a resumed run draws what it would have drawn.
        rng = np.random.default_rng([plan.seed, 2, state.step])
        losses.append(learn(state, collate([sampler.draw(rng) for _ in range(plan.batch)])))
        state.step += 1
        if state.step in mine_at:
            for scan in scans:
                scan.hard = mine(state.average, scan)
        if state.step % REPORT_EVERY == 0:
            pace = (state.step - first) / (time.monotonic() - started)
            say(out, progress(state, float(np.mean(losses[-REPORT_EVERY:])), pace))
        if state.step % SAVE_EVERY == 0:
            keep(state, out)
    return state.average


def begin(plan: Plan, scans: list[Scan]) -> State:
    """Fresh networks, the same ones for the same seed."""
    torch.manual_seed(plan.seed)
    network = NoduleNet()
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    return State(plan, scans, network, copy.deepcopy(network).eval(), optimizer)


def learn(state: State, batch: Batch) -> float:
    """One step; the loss before it."""
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(state.step, state.plan.steps)
    state.network.train()
    with torch.autocast("cpu", torch.bfloat16):
        answer = state.network(batch.image)
    loss = detection_loss(answer.float(), batch.heat, batch.weight, batch.shape)
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(state.network.parameters(), GRADIENT_LIMIT)
    state.optimizer.step()
    follow(state.average, state.network, min(EMA_DECAY, (state.step + 1) / (state.step + 10)))
    return float(loss.detach())


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine down to 1 %."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return LEARNING_RATE * warm * (0.505 + 0.495 * math.cos(math.pi * step / steps))


def collate(examples: Sequence[Example]) -> Batch:
    """Examples side by side."""
    image = torch.from_numpy(np.stack([e.image for e in examples]))[:, None]
    return Batch(
        image.to(memory_format=torch.channels_last_3d),
        torch.from_numpy(np.stack([e.heat for e in examples])),
        torch.from_numpy(np.stack([e.weight for e in examples])),
        torch.from_numpy(np.stack([e.shape for e in examples])),
    )


@torch.no_grad()
def follow(average: NoduleNet, network: NoduleNet, decay: float) -> None:
    """Move the averaged network towards the trained one, batch statistics too."""
    for mean, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(new, 1.0 - decay)
        else:
            mean.copy_(new)


def keep(state: State, out: Path) -> None:
    """Write the checkpoint whole or not at all."""
    whole = {
        "plan": json.dumps(asdict(state.plan)),
        "step": state.step,
        "network": state.network.state_dict(),
        "average": state.average.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "hard": {scan.name: torch.from_numpy(scan.hard) for scan in state.scans},
    }
    torch.save(whole, out / "checkpoint.part")
    (out / "checkpoint.part").replace(out / "checkpoint.pt")
    save_file(weights(state.average), out / "average.safetensors")


def restore(state: State, out: Path) -> None:
    """Take up a checkpoint of the same plan, if there is one.

    Raises
    ------
    SystemExit
        The folder holds a checkpoint of another plan.
    """
    path = out / "checkpoint.pt"
    if not path.exists():
        return
    whole: dict[str, Any] = torch.load(path, weights_only=True)
    if whole["plan"] != json.dumps(asdict(state.plan)):
        raise SystemExit(f"{path} belongs to another plan: {whole['plan']}; choose another folder")
    state.network.load_state_dict(whole["network"])
    state.average.load_state_dict(whole["average"])
    state.optimizer.load_state_dict(whole["optimizer"])
    for scan in state.scans:
        scan.hard = whole["hard"][scan.name].numpy()
    state.step = int(whole["step"])


def describe(plan: Plan, taught: Lessons) -> dict[str, Any]:
    """What the model learned from, for its metadata and for whoever asks later."""
    return {
        **asdict(plan),
        "scans": [case.name for case in taught.cases],
        "series_uids": [case.scan_uid for case in taught.cases],
        "patients": sorted({case.patient for case in taught.cases}),
        "cube_patients": sorted(c.patient for c in taught.cubes),
        "split_digest": taught.split_digest,
        "select_patients": list(taught.select_patients),
        "torch": torch.__version__,
    }


def weights(network: NoduleNet) -> dict[str, torch.Tensor]:
    """Plainly laid out copies, as safetensors wants them."""
    return {name: value.contiguous() for name, value in network.state_dict().items()}


def progress(state: State, loss: float, steps_per_s: float) -> str:
    """One line for whoever waits."""
    left_min = (state.plan.steps - state.step) / steps_per_s / 60.0
    done = f"step {state.step}/{state.plan.steps}"
    return f"{done} loss {loss:.3f} {steps_per_s:.2f} steps/s, {left_min:.0f} min left"


def say(out: Path, words: str) -> None:
    """Progress, on screen and in the run's log."""
    line = f"{time.strftime('%H:%M:%S')} {words}"
    typer.echo(line)
    out.mkdir(parents=True, exist_ok=True)
    with (out / "log.txt").open("a") as log:
        log.write(line + "\n")


if __name__ == "__main__":
    typer.run(main)
