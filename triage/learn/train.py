"""Train the nodule detector. Read top to bottom: data, network, steps, result.

    triage train student runs/student --data shared:DIR        # see docs/data.md for lidc:, luna16:
    triage train teacher runs/teacher --data shared:DIR
    triage train student runs/taught --data shared:DIR --teacher runs/teacher --term output

A run that was stopped goes on from its last checkpoint when started again with the same words, to
the same weights: the patches of a step depend on seed and step alone. Same seed, data, thread count
and torch build give the same SHA-256 of the weights.
"""

from __future__ import annotations

import copy
import json
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
import typer
from torch.utils.tensorboard import SummaryWriter

from triage.errors import TriageError
from triage.learn import checkpoint
from triage.learn.data.sums import sha256_of
from triage.learn.dataset import Example, Sampler
from triage.learn.distil import Distiller, Term
from triage.learn.insertion.pieces import Piece, cut_out_at_sizes
from triage.learn.lessons import Lessons, lessons
from triage.learn.losses import detection_loss
from triage.learn.mining import mine
from triage.learn.networks import NETWORKS, Detector, laid_out
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
    network : str
        Of `networks.NETWORKS`.
    leave_out : tuple of str
        Patients whose series and cubes are not trained on, besides those who select or test.
    steps, batch, seed : int
    threads : int
        Sums are rounded otherwise with another number.
    teacher : str
        SHA-256 of the teacher's weights; empty without one.
    terms : tuple of str
        What the teacher teaches.
    split : str
        Digest of data and roles: a run does not go on with others.
    """

    network: str = "student"
    leave_out: tuple[str, ...] = ()
    steps: int = 3000
    batch: int = 8
    seed: int = 0
    threads: int = 1
    teacher: str = ""
    terms: tuple[str, ...] = ()
    split: str = ""


def main(
    out: Annotated[Path, typer.Argument(help="Folder of the run: checkpoint, log, result.")],
    *,
    network: Annotated[str, typer.Option(help=", ".join(NETWORKS))] = "student",
    data: Annotated[
        list[str] | None,
        typer.Option(help="shared:DIR, lidc:DIR, luna16:DIR or own:DIR; may be given again."),
    ] = None,
    fold: Annotated[int, typer.Option(help="Which tenth is for testing (lidc, luna16).")] = 0,
    leave_out: Annotated[list[str] | None, typer.Option(help="Patient to leave out.")] = None,
    teacher: Annotated[Path | None, typer.Option(help="Finished run to learn from.")] = None,
    term: Annotated[
        list[Term] | None, typer.Option(help="What the teacher teaches; all when not given.")
    ] = None,
    steps: int = 3000,
    batch: int = 8,
    seed: int = 0,
    threads: int = 1,
) -> None:
    """Train one model, showing progress; the result is ``model.safetensors`` and ``run.json``."""
    if network not in NETWORKS:
        raise typer.BadParameter(f"no network {network}; there are {', '.join(NETWORKS)}")
    torch.set_num_threads(threads)
    terms = tuple(sorted(t.value for t in term or Term)) if teacher else ()
    told = sha256_of(teacher / checkpoint.RESULT) if teacher else ""
    taught = lessons(data or [DATA], tuple(sorted(leave_out or ())), fold)
    plan = Plan(
        network, tuple(sorted(leave_out or ())), steps, batch, seed, threads, told, terms,
        taught.split_digest,
    )  # fmt: skip
    pieces = cut_out_at_sizes(taught.cubes, np.random.default_rng([seed, 1]))
    shelf = out / "scans"
    scans, taught = prepared_scans(taught, shelf, out)
    say(out, f"{len(scans)} scans, {len(taught.cubes)} cubes, {len(pieces)} nodule sizes, {plan}")
    state = begin(plan, scans, checkpoint.network_of(teacher) if teacher else None)
    learned = fit(state, pieces, out)
    digest = checkpoint.finish(learned, describe(plan, taught), out)
    shutil.rmtree(shelf, ignore_errors=True)
    say(out, f"finished: {out / checkpoint.RESULT}, sha256 {digest}")


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
    network, average : Detector
        The trained one, and its running mean: the result.
    optimizer : Optimizer
    device : torch.device
    teacher : Detector or None
        Frozen.
    distiller : Distiller or None
    step : int
        Steps done.
    last : dict
        Parts of the last loss by name, for whoever watches.
    """

    plan: Plan
    scans: list[Scan]
    network: Detector
    average: Detector
    optimizer: torch.optim.Optimizer
    device: torch.device
    teacher: Detector | None = None
    distiller: Distiller | None = None
    step: int = 0
    last: dict[str, float] = field(default_factory=dict)

    @property
    def kept(self) -> checkpoint.Kept:
        """What goes into the checkpoint."""
        parts: dict[str, torch.nn.Module | torch.optim.Optimizer] = {
            "network": self.network,
            "average": self.average,
            "optimizer": self.optimizer,
        }
        if self.distiller is not None:
            parts["distiller"] = self.distiller
        return checkpoint.Kept(json.dumps(asdict(self.plan)), parts)


class Batch(NamedTuple):
    """Examples of one step, see `dataset.Example`; image (B, 1, 64, 64, 64)."""

    image: torch.Tensor
    heat: torch.Tensor
    weight: torch.Tensor
    shape: torch.Tensor


def begin(plan: Plan, scans: list[Scan], teacher: Detector | None = None) -> State:
    """Fresh networks, the same ones for the same seed; on a GPU where there is one."""
    torch.manual_seed(plan.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = NETWORKS[plan.network]()
    laid_out(network.to(device), torch.channels_last_3d)
    average = copy.deepcopy(network).eval()
    parameters, distiller = list(network.parameters()), None
    if teacher is not None:
        teacher = teacher.to(device).eval().requires_grad_(False)
        distiller = Distiller(network, teacher, [Term(t) for t in plan.terms]).to(device)
        parameters += list(distiller.parameters())
    optimizer = torch.optim.AdamW(parameters, LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    return State(plan, scans, network, average, optimizer, device, teacher, distiller)


def fit(state: State, pieces: Sequence[Piece], out: Path) -> Detector:
    """The steps: draw, learn, average, mine, save.

    Parameters
    ----------
    state : State
        Fresh; taken up from the checkpoint in `out` when there is one of the same plan.
    pieces : sequence of Piece
        Nodules to lay.
    out : Path
        Where checkpoint, log and curves lie or will lie.

    Returns
    -------
    Detector
        The averaged network.
    """
    out.mkdir(parents=True, exist_ok=True)
    plan, scans = state.plan, state.scans
    state.step, hard = checkpoint.restore(state.kept, out)
    for scan in scans:
        scan.hard = hard[scan.name].numpy() if scan.name in hard else scan.hard
    sampler = Sampler(scans, pieces)
    mine_at = {int(share * plan.steps) for share in MINE_AT}
    losses: list[float] = []
    started, first = time.monotonic(), state.step
    with SummaryWriter(str(out), purge_step=state.step) as curves:
        while state.step < plan.steps:
            # The generator depends on the step alone: a resumed run draws what it would have drawn.
            rng = np.random.default_rng([plan.seed, 2, state.step])
            losses.append(learn(state, collate([sampler.draw(rng) for _ in range(plan.batch)])))
            state.step += 1
            if state.step in mine_at:
                for scan in scans:
                    scan.hard = mine(state.average, scan)
            if state.step % REPORT_EVERY == 0:
                pace = (state.step - first) / (time.monotonic() - started)
                loss = float(np.mean(losses[-REPORT_EVERY:]))
                say(out, progress(state, loss, pace))
                for name, value in {"loss": loss, **state.last}.items():
                    curves.add_scalar(name, value, state.step)
            if state.step % SAVE_EVERY == 0:
                mined = {scan.name: torch.from_numpy(scan.hard) for scan in scans}
                checkpoint.keep(state.kept, state.step, mined, out)
    return state.average


def learn(state: State, batch: Batch) -> float:
    """One step; the loss before it."""
    for group in state.optimizer.param_groups:
        group["lr"] = learning_rate(state.step, state.plan.steps)
    state.network.train()
    image, heat, weight, shape = (part.to(state.device) for part in batch)
    with torch.autocast(state.device.type, torch.bfloat16):
        seen = state.network.see(image)
    parts = {"truth": detection_loss(seen.maps.float(), heat, weight, shape)}
    if state.teacher is not None and state.distiller is not None:
        with torch.no_grad(), torch.autocast(state.device.type, torch.bfloat16):
            told = state.teacher.see(image)
        parts |= {term.value: loss for term, loss in state.distiller(seen, told).items()}
    loss = torch.stack(list(parts.values())).sum()
    decay = min(EMA_DECAY, (state.step + 1) / (state.step + 10))
    descend(loss, state.network, state.average, state.optimizer, decay)
    state.last = {name: float(part.detach()) for name, part in parts.items()}
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


def descend(
    loss: torch.Tensor,
    network: Detector,
    average: Detector,
    optimizer: torch.optim.Optimizer,
    decay: float,
) -> None:
    """One step down the loss, within a limit; the average keeps `decay` of itself."""
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_LIMIT)
    optimizer.step()
    follow(average, network, decay)


@torch.no_grad()
def follow(average: Detector, network: Detector, decay: float) -> None:
    """Move the averaged network towards the trained one, batch statistics too."""
    for mean, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(new, 1.0 - decay)
        else:
            mean.copy_(new)


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
