"""The report as titled tables of words; `terminal` and `page` only lay them out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from triage.learn.evaluation.reliability import Reliability, shown_words
from triage.learn.evaluation.report import ModelReport, Report, Scores
from triage.learn.evaluation.resample import FEWEST, Estimate, many
from triage.learn.evaluation.rules import LUNA16

NOT_TOLD = "not told"
DASH = "–"
RATE_NAMES = ("1/8", "1/4", "1/2", "1", "2", "4", "8")
#: Section keys that have a figure.
FROC, STRATA, CALIBRATION = "froc", "strata", "calibration"


@dataclass(frozen=True, slots=True)
class Section:
    """A titled table.

    Attributes
    ----------
    key, title : str
    words : tuple of str
        Said above the table.
    header : tuple of str
    rows : tuple of tuple of str
    """

    key: str
    title: str
    words: tuple[str, ...]
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def sections_of(report: Report) -> list[Section]:
    """Everything the report says, in reading order; empty tables are left out."""
    made = [
        _what(report),
        _models(report),
        _twins(report),
        *(_points(report, rule) for rule in report.rules),
        _large(report),
        _differences(report),
        *(_strata(one) for one in report.models),
        *(_calibration(one) for one in report.models),
        _scans(report),
        _runs(report),
        _left_out(report),
        Section("notes", "Notes", report.notes),
    ]
    return [s for s in made if s.rows or s.words]


def short(found: Estimate, sign: str = "") -> str:
    """A figure for a table cell; `sign` "+" shows it of differences."""
    if found.value is None:
        return DASH
    if found.lower is None or found.upper is None:
        return f"{found.value:{sign}.3f} (no interval)"
    return f"{found.value:{sign}.3f} ({found.lower:{sign}.3f} to {found.upper:{sign}.3f})"


def _what(report: Report) -> Section:
    data = report.data
    counted = (
        many(data.patients, "patient"), many(data.scans, "scan"), many(data.nodules, "nodule"),
    )  # fmt: skip
    looks = NOT_TOLD if data.looks is None else str(data.looks)
    rows = [
        ("command", report.command),
        ("data", data.name),
        ("data digest", data.digest),
        ("split hash", data.split_hash or NOT_TOLD),
        ("looks at these test patients, this one included", looks),
        ("in the curve", ", ".join(counted)),
        ("tissue of other patients", many(data.donors, "patient")),
        (
            "intervals",
            f"{100 * report.level:g} %, percentile, {report.resamples} draws of patients",
        ),
        ("seed", str(report.seed)),
        ("version", report.product),
        *((f"rule {name}", words) for name, words in report.rules.items()),
    ]
    return Section("what", "What was evaluated", (), (), tuple(rows))


def _models(report: Report) -> Section:
    rows = [
        (m.label, f"{m.name} {m.version}", m.digest, m.runtime, f"{m.threshold:.4g}")
        for m in (one.model for one in report.models)
    ]
    silent = [one.model.label for one in report.models if not one.model.says_what_it_learned]
    words = tuple(
        f"{label} does not say what it learned from: that it has seen these patients cannot be "
        "ruled out."
        for label in silent
    )
    header = ("called", "model", "digest", "runtime", "operating point")
    return Section("models", "Models", words, header, tuple(rows))


def _twins(report: Report) -> Section:
    words = tuple(f"{m.model.label}: {m.twins.words}" for m in report.models if m.twins)
    return Section("twins", "Healthy twins", words)


def _points(report: Report, rule: str) -> Section:
    pairs = [(m, s) for m in report.models for s in m.scores if s.rule == rule]
    words = (*_unique(f"{s.words}." for _, s in pairs if s.words), *_few_lungs(report, pairs))
    header = (
        "model", *(f"at {name}" for name in RATE_NAMES), "mean (CPM)", "nodules found",
        "sensitivity at its point", "false marks", "per scan",
    )  # fmt: skip
    title = f"Sensitivity by false marks per scan, rule {rule}"
    rows = tuple(_points_row(m, s) for m, s in pairs if not s.words)
    key = FROC if rows and rule == LUNA16.name else f"table {rule}"
    return Section(key, title, words, header if rows else (), rows)


def _few_lungs(report: Report, pairs: Iterable[tuple[ModelReport, Scores]]) -> tuple[str, ...]:
    """Many nodules in few lungs: the false marks are known less well than it looks."""
    owners = report.data.patients
    if owners >= FEWEST or all(s.words for _, s in pairs):
        return ()
    said = f"All false marks come from {many(owners, 'patient')}"
    return (f"{said}: of that part of every figure the interval is only rough.",)


def _points_row(model: ModelReport, scores: Scores) -> tuple[str, ...]:
    void = "VOID " if model.is_void else ""
    return (
        void + model.model.label,
        *(short(p.sensitivity) for p in scores.points),
        void + short(scores.cpm),
        f"{scores.found} of {scores.nodules}",
        short(scores.sensitivity),
        str(scores.false_marks),
        short(scores.false_per_scan),
    )


def _large(report: Report) -> Section:
    rows, words = [], []
    rates: tuple[float, ...] = ()
    for model, scores in ((m, s) for m in report.models for s in m.scores):
        told = [p for p in scores.large if p.sensitivity.value is not None]
        if told:
            rates = tuple(p.rate for p in told)
            void = "VOID " if model.is_void else ""
            count = str(scores.large_nodules)
            cells = (short(p.sensitivity) for p in told)
            rows.append((void + model.model.label, scores.rule, count, *cells))
        elif scores.large:
            words.append(f"{scores.large[0].sensitivity.why}.")
    header = ("model", "rule", "nodules", *(f"at {rate:g}" for rate in rates))
    title = "Nodules of 6 mm and more, by false marks per scan"
    return Section("large", title, _unique(words), header if rows else (), tuple(rows))


def _differences(report: Report) -> Section:
    void = {m.model.label for m in report.models if m.is_void}
    rows = [
        (
            f"{d.label} − {d.reference}", d.rule, d.what, short(d.difference, "+"),
            "VOID" if void & {d.label, d.reference} else d.words,
        )
        for d in report.differences
    ]  # fmt: skip
    words = ("Paired: every model was judged on the same draws of patients.",) if rows else ()
    header = ("difference", "rule", "of", "value", "reading")
    return Section("differences", "Differences", words, header, tuple(rows))


def _strata(one: ModelReport) -> Section:
    void = "VOID " if one.is_void else ""
    rows = [
        (
            p.kind, void + p.name, str(p.patients), str(p.scans), f"{p.found} of {p.nodules}",
            "too few: counts only" if p.words else short(p.at_point),
            DASH if p.words else short(p.at_rate),
        )
        for p in one.strata
    ]  # fmt: skip
    header = (
        "by", "stratum", "patients with nodules", "scans", "found", "sensitivity at its point",
        "at 1 false mark per scan",
    )  # fmt: skip
    title = f"Strata: {one.model.label}, rule {LUNA16.name}"
    return Section(f"{STRATA} {one.model.label}", title, (), header, tuple(rows))


def _calibration(one: ModelReport) -> Section:
    said = one.calibration
    title = f"Calibration: {one.model.label}, rule {LUNA16.name}"
    key = f"{CALIBRATION} {one.model.label}"
    if said is None:
        return Section(key, title, ())
    if said.why:
        return Section(key, title, (f"{said.why}.",))
    return Section(key, title, _calibration_words(said), _BINS, tuple(_bin_rows(said)))


_BINS = ("probability", "marks", "nodules", "mean said", "share that is")


def _calibration_words(said: Reliability) -> tuple[str, ...]:
    share = 0.0 if said.prevalence is None else 100 * said.prevalence
    return (
        f"Of {said.marks} shown marks {said.hits} are nodules: prevalence {share:.1f} %, at "
        f"{said.nodules_per_scan:.2f} nodules per scan. All figures hold for that prevalence.",
        f"Calibration error (ten bins) {said.ece}; Brier score {said.brier}, against "
        f"{said.brier_of_prevalence:.3f} for saying the prevalence of every mark.",
        shown_words(said.elsewhere),
    )


def _bin_rows(said: Reliability) -> Iterable[tuple[str, ...]]:
    for one in said.bins:
        if one.mean_probability is not None and one.share is not None:
            yield (
                f"{one.low:.1f} to {one.high:.1f}", str(one.marks), str(one.hits),
                f"{one.mean_probability:.3f}", f"{one.share:.3f}",
            )  # fmt: skip


def _scans(report: Report) -> Section:
    rules = tuple(report.rules)
    rows = []
    for one in report.scans:
        found = (f"{one.found[r]} of {one.nodules}" for r in rules)
        false = (_count(one.false_marks[r]) for r in rules)
        where = "yes" if one.in_curve else "no"
        rows.append((one.label, one.scan, one.kind.replace("_", " "), where, *found, *false))
    header = (
        "model", "scan", "kind", "in the curve", *(f"found, {r}" for r in rules),
        *(f"false marks, {r}" for r in rules),
    )  # fmt: skip
    title = "Scan by scan at the operating point: counts, not sensitivities"
    return Section("scans", title, (), header, tuple(rows))


def _runs(report: Report) -> Section:
    rows = []
    for run in report.runs:
        best = ", ".join(
            f"{n.diameter_mm:g} mm: missed"
            if n.probability is None
            else f"{n.diameter_mm:g} mm: {n.probability:.3f}, {n.false_above} false above"
            for n in run.ranked
        )
        false = (_count(n) for n in (run.false_positives_luna, run.false_positives_strict))
        rows.append(
            (run.case, run.run, f"{run.found_at_point} of {run.nodules}", best or DASH, *false)
        )
    nodules, scans = sum(r.nodules for r in report.runs), len({r.case for r in report.runs})
    words = (
        f"Models trained by one recipe, each without the patient it is asked about: {nodules} "
        f"nodules in {scans} scans are examples, no sensitivity. They speak of the recipe.",
    )
    header = (
        "series", "model", "found", "each nodule's probability", "false marks, LUNA16 way",
        "strict",
    )  # fmt: skip
    title = "Leave one patient out: counts, not sensitivities"
    return Section("runs", title, words if rows else (), header, tuple(rows))


def _left_out(report: Report) -> Section:
    rows = tuple((one.scan, one.patient, one.label) for one in report.left_out)
    words = ("A model learned from these patients: nobody is scored on them.",) if rows else ()
    header = ("scan", "patient", "model that learned from the patient")
    return Section("left out", "Left out", words, header, rows)


def _count(value: int | None) -> str:
    return "not counted" if value is None else str(value)


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
