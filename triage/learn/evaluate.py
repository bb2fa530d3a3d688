"""Score a released model on data with truth, by the clinic's own code; no torch needed.

    python -m triage.learn.evaluate models/nodule-s ../shared/data

Series whose patient the model was trained or tuned on are named and not scored. A look at test
patients is written down first, and counted. Figures are counts; how the released card came about is
in `triage.learn.figures`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from triage.detect import runtimes, tiles
from triage.detect.decode import decode
from triage.detect.model_folder import ModelFolder, open_model
from triage.detect.prepare import prepare
from triage.learn.data.cases import Case
from triage.learn.data.looks import Looks, of_installation
from triage.learn.data.sources import open_data
from triage.learn.froc import Score, score
from triage.settings import RuntimeChoice


def main(
    model: Annotated[Path, typer.Argument(help="Model folder, e.g. models/nodule-s.")],
    data: Annotated[
        list[str], typer.Argument(help="shared:DIR, lidc:DIR, luna16:DIR, own:DIR, or a folder.")
    ],
    *,
    case: Annotated[list[str] | None, typer.Option(help="Only these series, by name.")] = None,
    fold: Annotated[int, typer.Option(help="Which tenth is for testing (lidc, luna16).")] = 0,
    looks: Annotated[
        Path | None, typer.Option(help="Ledger of looks; else looks.jsonl in TRIAGE_DATA.")
    ] = None,
    runtime: Annotated[RuntimeChoice, typer.Option(help="What runs it.")] = RuntimeChoice.AUTO,
) -> None:
    """Print what a model finds in every series it was not trained on, as JSON."""
    ledger = Looks(looks) if looks else of_installation()
    typer.echo(json.dumps(evaluate(model, data, case, runtime, looks=ledger, fold=fold), indent=1))


def evaluate(
    model: Path,
    data: Sequence[str],
    names: Sequence[str] | None,
    runtime: RuntimeChoice,
    *,
    looks: Looks,
    fold: int = 0,
) -> dict[str, Any]:
    """Score a model folder on data with truth.

    Parameters
    ----------
    model : Path
    data : sequence of str
        Sources, ``kind:place``.
    names : sequence of str or None
        Series by case name; None: all.
    runtime : RuntimeChoice
    looks : Looks
    fold : int

    Returns
    -------
    dict
        ``series``: a row each; ``trained_on``: the names that were left out for that reason;
        ``looks``: how often these test patients were looked at, this time included.

    Raises
    ------
    SystemExit
        A name that the data do not have.
    """
    folder = open_model(model)
    training = json.loads((model / "configs" / "metadata.json").read_text())["training"]
    divided = open_data(data, fold)
    known_names = {c.name: c for c in divided.closed().cases}
    if unknown := set(names or ()) - set(known_names):
        raise SystemExit(f"{', '.join(data)} has no series {', '.join(sorted(unknown))}")
    wanted = list(names or known_names)
    known = [name for name in wanted if is_trained_on(known_names[name], training)]
    cases = divided.cases(
        [name for name in wanted if name not in known],
        looks, model=folder.digest, purpose=f"evaluate {folder.name}",
    )  # fmt: skip
    started = runtimes.choose(runtime, folder)
    return {
        "model": folder.name,
        "digest": folder.digest,
        "runtime": started.name,
        "threshold": folder.decode.threshold,
        "split": divided.roles.digest,
        "looks": looks.count(divided.roles.test_digest),
        "series": [_row(c, _score(c, folder, started)) for c in cases],
        "trained_on": known,
    }


def is_trained_on(case: Case, training: Mapping[str, Any]) -> bool:
    """Whether the series, or anything else of the same patient, was learned from or tuned on.

    Parameters
    ----------
    case : Case
    training : Mapping
        The ``training`` part of a model's metadata.

    Returns
    -------
    bool
    """
    people = ("cube_patients", "select_patients", "patients")
    by_name = case.name in training["scans"]
    by_patient = any(case.patient in training.get(name, ()) for name in people)
    return by_name or by_patient or case.scan_uid in training.get("series_uids", ())


def _score(case: Case, folder: ModelFolder, runtime: tiles.Runtime) -> Score:
    ready = prepare(case.volume())
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
