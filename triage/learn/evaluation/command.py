"""``triage evaluate MODEL [MODEL ...] DATA``: models side by side on scans with truth; no torch.

Progress goes to stderr, the answer to stdout. With one model and no ``--out`` the answer is the
short JSON of `counts`, as before; otherwise a table, or with ``--json`` the whole report.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from triage.errors import Unprocessable
from triage.learn.data.cases import Role
from triage.learn.data.looks import Looks, of_installation
from triage.learn.evaluation import page, plots, terminal
from triage.learn.evaluation.assemble import Asked, assemble
from triage.learn.evaluation.inserted import PLACEMENTS, Ask, insertion_set
from triage.learn.evaluation.material import DataSet, Material, is_data, open_data
from triage.learn.evaluation.reading import Contender, left_out, open_contenders, read_all
from triage.learn.evaluation.report import LeftOut, Report, as_json
from triage.learn.evaluation.resample import RESAMPLES, SEED
from triage.learn.evaluation.rules import SHARED_DATA, Rule, outcome
from triage.learn.evaluation.runs import read_runs
from triage.learn.evaluation.tables import ModelMarks, ScanKind, ScanTable
from triage.settings import RuntimeChoice

#: The data folder's rule with small findings left out: its "LUNA16 way".
_LUNA_WAY = replace(SHARED_DATA, name="shared_data, small left out", leaves_out_small=True)
MARKS = "marks"
_REAL = frozenset({ScanKind.WHOLE, ScanKind.LUNG_CROP})

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True, slots=True)
class Question:
    """A command line.

    Attributes
    ----------
    models, data : tuple of str
    only : tuple of str
        Series by name; () = all.
    runtime : RuntimeChoice
    out : Path or None
    runs : tuple of Path
        Leave-one-patient-out rows.
    seed, resamples : int
    planted : Role or None
        Nodules of this role are planted in lungs of this role and judged beside the real scans.
    placements : int
        How often each.
    fold : int
        Which tenth is for testing, for sources without a split of their own.
    looks : Path or None
        Ledger of looks; None: that of this installation.
    """

    models: tuple[str, ...]
    data: tuple[str, ...]
    only: tuple[str, ...] = ()
    runtime: RuntimeChoice = RuntimeChoice.AUTO
    out: Path | None = None
    runs: tuple[Path, ...] = ()
    seed: int = SEED
    resamples: int = RESAMPLES
    planted: Role | None = None
    placements: int = PLACEMENTS
    fold: int = 0
    looks: Path | None = None

    @property
    def command(self) -> str:
        """What gives the same answer again."""
        words = ["triage", "evaluate", *self.models, *self.data, "--runtime", self.runtime.value]
        if self.planted:
            words += ["--planted", self.planted.value, "--placements", str(self.placements)]
        words += ["--fold", str(self.fold)] if self.fold else []
        words += [w for name in self.only for w in ("--case", name)]
        words += [w for path in self.runs for w in ("--runs", str(path))]
        return shlex.join([*words, "--seed", str(self.seed), "--resamples", str(self.resamples)])


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it."""

    report: Report
    scans: tuple[ScanTable, ...]
    models: tuple[ModelMarks, ...]


@app.command()
def main(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL... DATA",
            help="Model folders or names (MODEL@RUNTIME for one that another runtime serves), then "
            "the data: shared:DIR, lidc:DIR, luna16:DIR, own:DIR (several), or one plain folder.",
        ),
    ],
    *,
    case: Annotated[list[str] | None, typer.Option(help="Only these series, by name.")] = None,
    runtime: Annotated[RuntimeChoice, typer.Option(help="What runs them.")] = RuntimeChoice.AUTO,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.json, report.html, PNGs and marks.")
    ] = None,
    runs: Annotated[
        list[Path] | None, typer.Option(help="Rows of `figures series`: shown as counts.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = SEED,
    resamples: Annotated[int, typer.Option(min=100, help="How many draws.")] = RESAMPLES,
    planted: Annotated[
        Role | None, typer.Option(help="Also plant nodules of this role: select or test.")
    ] = None,
    placements: Annotated[int, typer.Option(min=1, help="How often each.")] = PLACEMENTS,
    fold: Annotated[int, typer.Option(help="Which tenth is for testing (lidc, luna16).")] = 0,
    looks: Annotated[
        Path | None, typer.Option(help="Ledger of looks; else looks.jsonl in TRIAGE_DATA.")
    ] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="Print the whole report.")] = False,
) -> None:
    """Score models on data with truth: FROC, intervals, strata, calibration; counts where few."""
    models, data = parted(words)
    asked = Question(
        models, data, tuple(case or ()), runtime, out, tuple(runs or ()), seed, resamples,
        planted, placements, fold, looks,
    )  # fmt: skip
    answer = ask(asked, lambda line: typer.echo(line, err=True))
    short = len(models) == 1 and out is None and not as_json_
    table = terminal.text(answer.report)
    typer.echo(table, err=short or as_json_)
    if as_json_:
        typer.echo(as_json(answer.report), nl=False)
    elif short:
        typer.echo(json.dumps(counts(answer), indent=1))


def parted(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Models and data: the words at the end that name a kind of data, or else the last one.

    Raises
    ------
    Unprocessable
        No model, or data among the models.
    """
    first = len(words) - 1
    while is_data(words[first]) and first > 0 and is_data(words[first - 1]):
        first -= 1
    models, data = words[:first], words[first:]
    if not models or is_data(models[0]):
        raise Unprocessable("say at least one model, then the data", code="no_models")
    if early := [word for word in models if is_data(word)]:
        raise Unprocessable(f"{early[0]} stands before a model: the data come last")
    return tuple(models), tuple(data)


def ask(asked: Question, tell: Callable[[str], None]) -> Answer:
    """Open, read, evaluate, write.

    Parameters
    ----------
    asked : Question
    tell : callable
        Is told how far it is.

    Returns
    -------
    Answer

    Raises
    ------
    TriageError
        By name: what cannot be read, served or evaluated.
    """
    runs = read_runs(asked.runs)
    data = open_data(asked.data, asked.only, asked.fold)
    contenders = open_contenders(asked.models, asked.runtime)
    known = left_out(data.tables, contenders)
    names = _fresh(data, known, asked.planted)
    digests = [c.folder.digest for c in contenders]
    ledger = Looks(asked.looks) if asked.looks else of_installation()
    fresh = data.open(names, ledger, digests)
    if asked.planted:
        tell(f"planting the nodules of the {asked.planted} role")
        fresh += _planted(data, asked, contenders, ledger)
    looks = ledger.count(data.divided.roles.test_digest)
    kept_in = asked.out / MARKS if asked.out else None
    scans, models = read_all(fresh, contenders, kept_in, tell)
    question = Asked(
        scans, models, [c.facts for c in contenders], data.name, data.digest, asked.command,
        data.split, looks, asked.seed, asked.resamples, runs, known, _notes(contenders),
    )  # fmt: skip
    report = assemble(question, tell)
    if asked.out:
        write(report, asked.out)
        tell(f"written: {asked.out / 'report.html'}")
    return Answer(report, tuple(scans), tuple(models))


def _fresh(data: DataSet, known: Sequence[LeftOut], planted: Role | None) -> list[str]:
    """Names of scans that no model learned from; there must be one, or something planted."""
    barred = {one.scan for one in known}
    fresh = [t.name for t in data.tables if t.name not in barred]
    if not fresh and planted is None:
        said = "; ".join(f"{k.label} learned from {k.patient} ({k.scan})" for k in known)
        raise Unprocessable(f"no series is left to evaluate on: {said}", code="trained_on")
    return fresh


def _planted(
    data: DataSet, asked: Question, contenders: Sequence[Contender], ledger: Looks
) -> list[Material]:
    """The insertion set; refused when a model learned from anybody in it."""
    assert asked.planted is not None
    people = frozenset(data.divided.roles.of(asked.planted))
    for one in contenders:
        # Whoever chose a model's operating point may be planted to choose by, not to be judged by.
        if met := (one.learned if asked.planted is Role.SELECT else one.knows) & people:
            raise Unprocessable(f"{one.label} learned from {min(met)}: nothing can be planted")
    ask_ = Ask(asked.planted, asked.placements, asked.seed)
    return insertion_set(data, ask_, ledger, [c.folder.digest for c in contenders])


def _notes(contenders: Sequence[Contender]) -> tuple[str, ...]:
    fallback = [c.label for c in contenders if "bf16" in c.runtime.name]
    precision = tuple(f"{label} was read in bf16, not fp32." for label in fallback)
    return precision if plots.can_draw() else (*precision, plots.HOW_TO_GET)


def write(report: Report, out: Path) -> None:
    """Write report.json, report.html and the figures.

    Parameters
    ----------
    report : Report
    out : Path
        Made when missing.
    """
    out.mkdir(parents=True, exist_ok=True)
    figures = plots.draw(report)
    (out / "report.json").write_text(as_json(report), encoding="utf-8")
    (out / "report.html").write_text(page.html(report, figures), encoding="utf-8")
    for key, content in figures.items():
        (out / f"{_file_name(key)}.png").write_bytes(content)


def _file_name(key: str) -> str:
    return "".join(c if c.isalnum() or c in "-." else "_" for c in key)


def counts(answer: Answer) -> dict[str, Any]:
    """The short answer for one model: counts per series by the data folder's rule."""
    (one,), (marks,) = answer.report.models, answer.models
    return {
        "model": one.model.name,
        "digest": one.model.digest,
        "runtime": one.model.runtime,
        "threshold": one.model.threshold,
        "split": answer.report.data.split_hash,
        "looks": answer.report.data.looks,
        "series": [_counts_row(s, marks) for s in answer.scans if s.kind in _REAL],
        "trained_on": [left.scan for left in answer.report.left_out],
    }


def _counts_row(scan: ScanTable, model: ModelMarks) -> dict[str, Any]:
    shown = [m for m in model.marks[scan.scan] if m.probability >= model.threshold]
    said = outcome(scan, shown, SHARED_DATA)

    def false(rule: Rule) -> int | None:
        return len(outcome(scan, shown, rule).false) if scan.all_marked else None

    return {
        "case": scan.name,
        "positive_nodules": len(said.hits),
        "found": sum(p is not None for p in said.hits),
        "probabilities": list(said.hits),
        "false_positives_luna": false(_LUNA_WAY),
        "false_positives_strict": false(SHARED_DATA),
    }


if __name__ == "__main__":
    app()
