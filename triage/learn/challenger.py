"""From fine-tuned weights to a model folder: network, operating point, self-test, where it is from.

Only this file and `finetune` need torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from triage.core.finding import Candidate
from triage.core.volume import Volume
from triage.detect import tiles
from triage.detect.decode import DecodeSettings, decode
from triage.detect.model_folder import open_model
from triage.detect.nodule import Detector
from triage.detect.prepare import Prepared, prepare
from triage.detect.tiles import Runtime
from triage.learn.export import data_format, self_test, self_test_tile, to_onnx
from triage.learn.finetune import network_from_weights
from triage.learn.froc import HIT_AT_LEAST_MM
from triage.learn.mining import OPEN, TorchRuntime
from triage.store.learning_rows import SignedDecision


@dataclass(frozen=True, slots=True)
class SetAside:
    """A series that places the operating point."""

    volume: Volume
    decisions: tuple[SignedDecision, ...]


def make_folder(
    weights: bytes,
    champion: Detector,
    aside: Sequence[SetAside],
    provenance: Mapping[str, Any],
    models: Path,
) -> str:
    """Write a challenger's folder under its digest.

    Parameters
    ----------
    weights : bytes
        Safetensors of `finetune.tune`.
    champion : Detector
    aside : sequence of SetAside
        Series that were not trained on; without any the champion's operating point is kept.
    provenance : mapping
        Written to the metadata under ``training``: parent, dataset, round, steps, seed.
    models : Path
        Folder of all challengers.

    Returns
    -------
    str
        SHA-256 of the network.
    """
    network = network_from_weights(weights)
    content = to_onnx(network)
    digest = hashlib.sha256(content).hexdigest()
    point, how = operating_point(
        champion.model.decode, champion.runtime, TorchRuntime(network), aside
    )
    metadata = {
        "name": champion.model.name,
        "version": f"{champion.model.version.partition('+')[0]}+round.{provenance['round']}",
        "task": "Detection of lung nodules on chest CT",
        "intended_use": "Research. Not a cleared medical device; every mark is for a reader.",
        "sha256": digest,
        "network_data_format": data_format(),
        "decode": asdict(point),
        "operating_point": how,
        "training": dict(provenance),
    }
    parts = {
        "model.onnx": content,
        "sha256": f"{digest}  model.onnx\n".encode(),
        "selftest.npz": self_test(network, self_test_tile()),
        "weights.safetensors": weights,
        "configs/metadata.json": (json.dumps(metadata, indent=2) + "\n").encode(),
    }
    _write(models / digest, parts)
    open_model(models / digest)  # what cannot be opened must not become a challenger
    return digest


def _write(folder: Path, parts: Mapping[str, bytes]) -> None:
    """The folder whole or not at all; the same digest again is left as it is."""
    if folder.exists():
        return
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    for name, content in parts.items():
        path = part / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    part.rename(folder)


def operating_point(
    known: DecodeSettings, champion: Runtime, challenger: Runtime, aside: Sequence[SetAside]
) -> tuple[DecodeSettings, str]:
    """Where to cut the challenger so that readers get as many marks to reject as before.

    Parameters
    ----------
    known : DecodeSettings
        The champion's; its calibration is kept.
    champion, challenger : Runtime
    aside : sequence of SetAside

    Returns
    -------
    settings : DecodeSettings
    how : str
        In words.
    """
    if not aside:
        return known, "the champion's: no series was set aside"
    shown, answers = 0, []
    for one in aside:
        prepared = prepare(one.volume)
        now = _others(champion, prepared, one.decisions, known)
        shown += sum(c.probability >= known.threshold for c in now)
        answers += [c.probability for c in _others(challenger, prepared, one.decisions, known)]
    threshold = cut_at(answers, shown, known.threshold)
    how = f"as many other marks as the champion on {len(aside)} series set aside: {shown}"
    return replace(known, threshold=threshold), how


def cut_at(probabilities: Sequence[float], allowed: int, otherwise: float) -> float:
    """The probability that `allowed` of these exceed, half way to the next one.

    Parameters
    ----------
    probabilities : sequence of float
    allowed : int
        0 puts the cut above all of them.
    otherwise : float
        When there are too few to tell.

    Returns
    -------
    float
        0.01 .. 0.99.
    """
    ordered = sorted(probabilities, reverse=True)
    if len(ordered) <= allowed:
        return otherwise
    above = ordered[allowed - 1] if allowed else 1.0
    logits = [np.log(p) - np.log1p(-p) for p in np.clip([above, ordered[allowed]], 0.001, 0.999)]
    # Nothing lies above the first one: a step of half a logit, not half way to certainty.
    middle = np.mean(logits) if allowed else min(np.mean(logits), logits[1] + 0.5)
    return float(np.clip(expit(middle), 0.01, 0.99))


def _others(
    runtime: Runtime,
    prepared: Prepared,
    decisions: Sequence[SignedDecision],
    known: DecodeSettings,
) -> list[Candidate]:
    """Candidates that lie on no nodule of a reader, most probable first."""
    settings = replace(known, threshold=0.0, max_candidates=OPEN.max_candidates)
    found = decode(tiles.run(runtime, prepared.tensor), prepared, settings)
    nodules = [d for d in decisions if d.positive]
    return [c for c in found if not any(_is_on(d, c) for d in nodules)]


def _is_on(decision: SignedDecision, candidate: Candidate) -> bool:
    gap = np.linalg.norm(np.subtract(decision.center_lps_mm, candidate.center_lps_mm))
    return bool(gap <= max((decision.long_mm or 0.0) / 2.0, HIT_AT_LEAST_MM))
