"""Figures of a trained model, as counts: whole series it has not seen, and planted nodules.

python -m triage.learn.figures choose runs/student --out runs/point.json
python -m triage.learn.figures series runs/without-0001 LIDC-IDRI-0001 --point runs/point.json
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from triage.core.finding import Candidate
from triage.detect import tiles
from triage.detect.decode import DecodeSettings, decode
from triage.detect.prepare import Prepared
from triage.learn.calibrate import FALSE_PER_SCAN, calibrate, threshold_for
from triage.learn.checkpoint import network_of
from triage.learn.data.cases import Case
from triage.learn.data.cases import Role as DataRole
from triage.learn.data.looks import Looks, of_installation
from triage.learn.data.sources import open_data
from triage.learn.data.sums import sha256_of
from triage.learn.evaluation import material as evaluated
from triage.learn.evaluation.inserted import Ask, insertion_set
from triage.learn.evaluation.material import Material
from triage.learn.evaluation.rules import SHARED_DATA, is_on, outcome
from triage.learn.evaluation.tables import Mark, ScanKind, Truth, TruthKind
from triage.learn.froc import Score, score
from triage.learn.mining import OPEN, TorchRuntime
from triage.learn.scans import load_scan

app = typer.Typer(help=__doc__, pretty_exceptions_enable=False)
DataOption = Annotated[Path, typer.Option(help="Development data.")]
DATA = Path("../shared/data")


def candidates(
    runtime: tiles.Runtime, prepared: Prepared, settings: DecodeSettings
) -> list[Candidate]:
    """What the clinic would be told, by the clinic's own code."""
    return decode(tiles.run(runtime, prepared.tensor), prepared, settings)


@dataclass(frozen=True, slots=True)
class PlantedFigures:
    """What a model says of planted nodules.

    Attributes
    ----------
    hit_logits : list of float
        Strongest answer on each planted nodule that was answered at all.
    hit_diameters_mm : list of float
    planted_diameters_mm : list of float
        Of all planted nodules.
    false_logits : list of float
        Strict false positives of the scan itself, nothing planted.
    twin_logits : list of float or None
        Strongest answer on each healthy twin; None where there was none.
    """

    hit_logits: list[float]
    hit_diameters_mm: list[float]
    planted_diameters_mm: list[float]
    false_logits: list[float]
    twin_logits: list[float | None]


def planted_figures(runtime: tiles.Runtime, made: Iterable[Material]) -> PlantedFigures:
    """Look at an insertion set.

    Parameters
    ----------
    runtime : Runtime
    made : iterable of Material
        See `triage.learn.evaluation.inserted.insertion_set`; nothing in it was trained on.

    Returns
    -------
    PlantedFigures
    """
    said = PlantedFigures([], [], [], [], [])
    for one in made:
        found = candidates(runtime, one.load().prepared, OPEN)
        marks = [Mark(c.center_lps_mm, c.diameter_mm, c.probability) for c in found]
        if one.table.kind is ScanKind.UNTOUCHED:
            said.false_logits.extend(map(_logit, outcome(one.table, marks, SHARED_DATA).false))
            continue
        said.twin_logits.extend(_answer(t, marks) for t in one.table.of(TruthKind.TWIN))
        for truth in one.table.of(TruthKind.NODULE):
            if not truth.patient or truth.diameter_mm is None:
                continue  # the host's own
            said.planted_diameters_mm.append(truth.diameter_mm)
            if (logit := _answer(truth, marks)) is not None:
                said.hit_logits.append(logit)
                said.hit_diameters_mm.append(truth.diameter_mm)
    return said


def _answer(truth: Truth, marks: Sequence[Mark]) -> float | None:
    """Logit of the strongest mark on a place; None when there is none."""
    on_it = [m.probability for m in marks if is_on(truth, m, SHARED_DATA)]
    return _logit(max(on_it)) if on_it else None


def _logit(probability: float) -> float:
    return float(np.log(probability) - np.log1p(-probability))


@app.command()
def choose(
    run: Annotated[Path, typer.Argument(help="Finished run.")],
    out: Annotated[Path, typer.Option(help="Where the choice is written.")],
    data: DataOption = DATA,
    weights: str = "model.safetensors",
) -> None:
    """Calibration and operating point: nodules of the select role planted in its lungs.

    Nobody trains on the select role, so every model chooses on its own answers.
    """
    made = insertion_set(evaluated.open_data([str(data)]), Ask(DataRole.SELECT))
    figures = planted_figures(TorchRuntime(network_of(run, weights)), made)
    hosts = sorted({one.table.lung for one in made if one.table.lung})
    temperature, bias = calibrate(figures.hit_logits, figures.false_logits, len(hosts))
    allowed = FALSE_PER_SCAN * len(hosts)
    threshold = threshold_for(figures.false_logits, temperature, bias, allowed)
    settings = DecodeSettings(temperature, bias, threshold)
    chosen = {
        "decode": asdict(settings),
        "evidence": {"scans": hosts, **_evidence(figures, settings)},
    }
    out.write_text(json.dumps(chosen, indent=1) + "\n")
    typer.echo(json.dumps(chosen, indent=1))


def _evidence(figures: PlantedFigures, settings: DecodeSettings) -> dict[str, Any]:
    """Counts behind the choice."""
    scale = [h / settings.temperature + settings.bias for h in figures.hit_logits]
    edge = _logit(settings.threshold)
    hit = [d for s, d in zip(scale, figures.hit_diameters_mm, strict=True) if s >= edge]
    all_mm = figures.planted_diameters_mm
    false = [f / settings.temperature + settings.bias for f in figures.false_logits]
    return {
        "planted": len(all_mm),
        "planted_found": len(hit),
        "planted_under_8_mm": sum(d < 8 for d in all_mm),
        "planted_under_8_mm_found": sum(d < 8 for d in hit),
        "false_positives_strict": sum(f >= edge for f in false),
        "twins": len(figures.twin_logits),
        "twins_that_fire": sum(
            t is not None and t / settings.temperature + settings.bias >= edge
            for t in figures.twin_logits
        ),
        "found_at_false_positives": {
            str(n): sum(h >= _nth(figures.false_logits, n) for h in figures.hit_logits)
            for n in (0, 1, 2, 4, 8, 16)
        },
    }


def _nth(values: Sequence[float], n: int) -> float:
    """What must be reached so that at most n of the values lie above it."""
    ordered = sorted(values, reverse=True)
    return ordered[n] if n < len(ordered) else -np.inf


@app.command()
def series(
    run: Annotated[Path, typer.Argument(help="Run that left this series out.")],
    case_name: Annotated[str, typer.Argument(help="Case name, e.g. LIDC-IDRI-0001.")],
    *,
    point: Annotated[Path, typer.Option(help="Output of choose.")] = Path(
        "runs/operating_point.json"
    ),
    data: DataOption = DATA,
    weights: str = "model.safetensors",
    looks: Annotated[
        Path | None, typer.Option(help="Ledger of looks; else looks.jsonl in TRIAGE_DATA.")
    ] = None,
) -> None:
    """One whole series: nodules found or not, false positives, at the chosen operating point."""
    divided = open_data([str(data)])
    about = next(c for c in divided.closed().cases if c.name == case_name)
    described = json.loads((run / "run.json").read_text())
    if about.name in described["scans"] or about.patient in described["cube_patients"]:
        raise SystemExit(f"{run} was trained on {about.patient}: no figure from it counts")
    [case] = divided.cases(
        [case_name], Looks(looks) if looks else of_installation(),
        model=sha256_of(run / weights), purpose=f"figures of {run.name} on {case_name}",
    )  # fmt: skip
    settings = DecodeSettings(**json.loads(point.read_text())["decode"])
    runtime = TorchRuntime(network_of(run, weights))
    scan = load_scan(case)
    ranked = candidates(runtime, scan.prepared, replace(settings, threshold=0.0))
    cut = [c for c in ranked if c.probability >= settings.threshold]
    typer.echo(json.dumps(_row(run, case, score(case, ranked), score(case, cut), ranked), indent=1))


def _row(
    run: Path, case: Case, ranked: Score, at_point: Score, found: Sequence[Candidate]
) -> dict[str, Any]:
    return {
        "run": run.name,
        "case": case.name,
        "nodules": len(ranked.nodules),
        "found_at_point": at_point.found,
        "ranked": [asdict(n) for n in ranked.nodules],
        "false_positives_luna": at_point.false_positives_luna,
        "false_positives_strict": at_point.false_positives_strict,
        "top": [
            {
                "probability": round(c.probability, 4),
                "role": role.value,
                "diameter_mm": round(c.diameter_mm, 1),
                "center_lps_mm": [round(v, 1) for v in c.center_lps_mm],
            }
            for c, role in list(zip(found, ranked.roles, strict=True))[:12]
        ],
    }


if __name__ == "__main__":
    app()
