"""From marks and truths to the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from triage import __version__
from triage.learn.evaluation.compare import differences
from triage.learn.evaluation.curve import events_of
from triage.learn.evaluation.reliability import Reliability, reliability
from triage.learn.evaluation.report import (
    FORMAT,
    DataFacts,
    LeftOut,
    ModelFacts,
    ModelReport,
    Report,
    ScanRow,
)
from triage.learn.evaluation.resample import LEVEL, RESAMPLES, SEED, Draws, draws_of
from triage.learn.evaluation.rules import LUNA16, RULES, outcome
from triage.learn.evaluation.runs import RunRow
from triage.learn.evaluation.score import Scored, part_of, score
from triage.learn.evaluation.strata import strata_of
from triage.learn.evaluation.tables import (
    ModelMarks,
    ScanKind,
    ScanTable,
    TruthKind,
    check,
)
from triage.learn.evaluation.twins import TwinCheck, twin_check


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be evaluated, and what must be printed with it.

    Attributes
    ----------
    scans : sequence of ScanTable
        None that a model learned from.
    models : sequence of ModelMarks
        In the order of `facts`; the first is what the others are compared with.
    facts : sequence of ModelFacts
    data_name, data_digest, command : str
    split_hash, looks : see `DataFacts`
    seed, resamples : int
    runs, left_out, notes
        As in `Report`.
    """

    scans: Sequence[ScanTable]
    models: Sequence[ModelMarks]
    facts: Sequence[ModelFacts]
    data_name: str
    data_digest: str
    command: str
    split_hash: str | None = None
    looks: int | None = None
    seed: int = SEED
    resamples: int = RESAMPLES
    runs: tuple[RunRow, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = field(default=())


def assemble(asked: Asked, tell: Callable[[str], None] = lambda _: None) -> Report:
    """Evaluate.

    Parameters
    ----------
    asked : Asked
    tell : callable
        Is told what is being computed.

    Returns
    -------
    Report
        Always the same for the same question.

    Raises
    ------
    Unprocessable
        The tables are not sound (`tables.check`).
    """
    check(asked.scans, asked.models)
    scans = _in_curve(asked.scans)
    draws = draws_of(scans, asked.seed, asked.resamples)
    reports: list[ModelReport] = []
    scored: list[dict[str, Scored]] = []
    for facts, model in zip(asked.facts, asked.models, strict=True):
        tell(f"{facts.label}: {len(asked.scans)} scans, {asked.resamples} draws")
        scored.append({rule.name: score(scans, model, rule, draws) for rule in RULES})
        by_rule = tuple(one.scores for one in scored[-1].values())
        parts = (part_of(stratum, scans, model, draws) for stratum in strata_of(scans))
        calibration = _calibration(scans, model, draws)
        strata = tuple(p for p in parts if p.nodules)
        reports.append(ModelReport(facts, by_rule, strata, calibration, _twins(asked, model)))
    return Report(
        FORMAT, __version__, asked.command, asked.seed, asked.resamples, LEVEL,
        _data(asked, scans, draws), {rule.name: rule.words for rule in RULES}, tuple(reports),
        differences([f.label for f in asked.facts], scored, draws),
        tuple(_row(s, m) for m in asked.models for s in asked.scans),
        asked.runs, asked.left_out, (*asked.notes, *_planted_notes(scans, draws)),
    )  # fmt: skip


def _planted_notes(scans: Sequence[ScanTable], draws: Draws) -> tuple[str, ...]:
    """What must be said beside figures of planted nodules."""
    lungs = sorted({s.lung for s in scans if s.kind is ScanKind.INSERTED})
    if not lungs:
        return ()
    said = (
        "The curve is of planted nodules: real ones at made-up places. It ranks models; it is no "
        "sensitivity in patients. Real scans stand below it as counts."
    )
    alone = (
        f"All of them were planted in one lung, {lungs[0]}: intervals are over the nodules and say "
        "nothing of other lungs."
    )
    return (said, alone) if draws.one_lung else (said,)


def _in_curve(scans: Sequence[ScanTable]) -> list[ScanTable]:
    """The scans of the curve: planted ones by themselves where there are any, else whole ones."""
    found = sorted((s for s in scans if s.in_curve), key=lambda s: s.scan)
    planted = [s for s in found if s.kind is ScanKind.INSERTED]
    return planted or found


def _data(asked: Asked, scans: Sequence[ScanTable], draws: Draws) -> DataFacts:
    return DataFacts(
        asked.data_name,
        asked.data_digest,
        asked.split_hash,
        asked.looks,
        draws.owners,
        len(draws.patients) - draws.owners,
        len(scans),
        sum(len(s.of(TruthKind.NODULE)) for s in scans),
    )


def _calibration(scans: Sequence[ScanTable], model: ModelMarks, draws: Draws) -> Reliability | None:
    if not scans:
        return None
    outcomes = [outcome(s, model.marks[s.scan], LUNA16) for s in scans]
    return reliability(events_of(scans, outcomes, draws.patients), model.threshold, draws)


def _twins(asked: Asked, model: ModelMarks) -> TwinCheck | None:
    """Untouched places may lie in scans that enter no curve, so all scans are asked."""
    scans = sorted(asked.scans, key=lambda s: s.scan)
    if not any(s.kind is ScanKind.INSERTED or s.of(TruthKind.TWIN) for s in scans):
        return None
    return twin_check(scans, model, draws_of(scans, asked.seed, asked.resamples))


def _row(scan: ScanTable, model: ModelMarks) -> ScanRow:
    found: dict[str, int] = {}
    false: dict[str, int | None] = {}
    for rule in RULES:
        said = outcome(scan, model.marks[scan.scan], rule)
        found[rule.name] = sum(p is not None and p >= model.threshold for p in said.hits)
        count = sum(p >= model.threshold for p in said.false)
        false[rule.name] = count if scan.all_marked else None
    nodules = len(scan.of(TruthKind.NODULE))
    return ScanRow(
        model.label, scan.name, scan.patient, scan.kind.value, nodules, found, false, scan.in_curve
    )
