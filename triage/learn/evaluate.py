"""Score a released model on a data folder with truth, by the clinic's own code; no torch needed.

    python -m triage.learn.evaluate models/nodule-s ../shared/data

Series whose patient the model was trained on are named and not scored. Figures are counts; how the
released card came about is in `triage.learn.figures`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from triage.detect import runtimes, tiles
from triage.detect.decode import decode
from triage.detect.model_folder import ModelFolder, open_model
from triage.detect.prepare import prepare
from triage.learn.froc import Score, score
from triage.learn.sources import Case, read_cases, read_volume
from triage.settings import RuntimeChoice


def main(
    model: Annotated[Path, typer.Argument(help="Model folder, e.g. models/nodule-s.")],
    data: Annotated[Path, typer.Argument(help="Folder with truth.json and the series.")],
    *,
    case: Annotated[list[str] | None, typer.Option(help="Only these series, by name.")] = None,
    runtime: Annotated[RuntimeChoice, typer.Option(help="What runs it.")] = RuntimeChoice.AUTO,
) -> None:
    """Print what a model finds in every series it was not trained on, as JSON."""
    typer.echo(json.dumps(evaluate(model, data, case, runtime), indent=1))


def evaluate(
    model: Path, data: Path, names: list[str] | None, runtime: RuntimeChoice
) -> dict[str, Any]:
    """Score a model folder on a data folder.

    Parameters
    ----------
    model, data : Path
    names : list of str or None
        Series by case name; None: all.
    runtime : RuntimeChoice

    Returns
    -------
    dict
        ``series``: a row each; ``trained_on``: the names that were left out for that reason.

    Raises
    ------
    SystemExit
        A name that the data folder does not have.
    """
    folder = open_model(model)
    training = json.loads((model / "configs" / "metadata.json").read_text())["training"]
    cases = read_cases(data)
    if unknown := set(names or ()) - set(cases):
        raise SystemExit(f"{data} has no series {', '.join(sorted(unknown))}")
    wanted = [cases[n] for n in names or cases]
    known = [c.name for c in wanted if is_trained_on(c, training)]
    started = runtimes.choose(runtime, folder)
    rows = [_row(c, _score(c, folder, started)) for c in wanted if c.name not in known]
    return {
        "model": folder.name,
        "digest": folder.digest,
        "runtime": started.name,
        "threshold": folder.decode.threshold,
        "series": rows,
        "trained_on": known,
    }


def is_trained_on(case: Case, training: Mapping[str, Any]) -> bool:
    """Whether the series, or a cube of the same patient, was learned from.

    Parameters
    ----------
    case : Case
    training : Mapping
        The ``training`` part of a model's metadata.

    Returns
    -------
    bool
    """
    return case.name in training["scans"] or case.patient in training["cube_patients"]


def _score(case: Case, folder: ModelFolder, runtime: tiles.Runtime) -> Score:
    ready = prepare(read_volume(case.path))
    return score(case, decode(tiles.run(runtime, ready.tensor), ready, folder.decode))


def _row(case: Case, scored: Score) -> dict[str, Any]:
    return {
        "case": case.name,
        "positive_nodules": len(scored.nodules),
        "found": scored.found,
        "probabilities": [n.probability for n in scored.nodules],
        "false_positives_luna": scored.false_positives_luna,
        "false_positives_strict": scored.false_positives_strict,
    }


if __name__ == "__main__":
    typer.run(main)
