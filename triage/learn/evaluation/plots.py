"""The report's figures as PNG, by matplotlib (extra ``train``); without it there are none.

The same report gives the same bytes on the same installation: nothing in a file tells when.
"""

from __future__ import annotations

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING

from triage.learn.evaluation.report import ModelReport, Report, Scores
from triage.learn.evaluation.rules import LUNA16
from triage.learn.evaluation.sections import CALIBRATION, FROC, RATE_NAMES, STRATA

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HOW_TO_GET = "No figures: they need matplotlib. Run `make setup-train` and evaluate again."
_DPI = 110
_WIDTH_IN = 7.0


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def draw(report: Report) -> dict[str, bytes]:
    """All figures there is something to draw in.

    Parameters
    ----------
    report : Report

    Returns
    -------
    dict
        Section key to PNG; empty without matplotlib.
    """
    if not can_draw():
        return {}
    found: dict[str, bytes] = {}
    pairs = [(m, s) for m in report.models for s in m.scores if s.rule == LUNA16.name and s.curve]
    if pairs:
        found[FROC] = _png(_froc(pairs))
    for one in report.models:
        if any(p.at_rate.value is not None for p in one.strata):
            found[f"{STRATA} {one.model.label}"] = _png(_forest(one))
        if one.calibration and not one.calibration.why:
            found[f"{CALIBRATION} {one.model.label}"] = _png(_reliability(one))
    return found


def _figure(height_in: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(_WIDTH_IN, height_in), dpi=_DPI, layout="constrained")
    return figure, figure.add_subplot()


def _png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    out = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _froc(pairs: list[tuple[ModelReport, Scores]]) -> Figure:
    figure, axes = _figure(4.6)
    for number, (model, scores) in enumerate(pairs):
        void = " (void)" if model.is_void else ""
        colour = f"C{number}"
        false, share = zip(*scores.curve, strict=True)
        axes.plot([*false, max(8.0, false[-1])], [*share, share[-1]], color=colour, zorder=3,
                  label=f"{model.model.label}{void}: mean {scores.cpm.value:.3f}")  # fmt: skip
        if scores.band:
            rate, lower, upper = zip(*scores.band, strict=True)
            axes.fill_between(rate, lower, upper, color=colour, alpha=0.18, linewidth=0)
    axes.set_xscale("log", base=2)
    axes.set_xlim(0.125, 8.0)
    axes.set_ylim(0.0, 1.0)
    axes.set_xticks([2.0**n for n in range(-3, 4)], RATE_NAMES)
    axes.set_xlabel("false marks per scan")
    axes.set_ylabel("sensitivity")
    axes.set_title("FROC, LUNA16's rule; bands: 95 % intervals over patients")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    return figure


def _forest(one: ModelReport) -> Figure:
    rows = [p for p in one.strata if p.at_rate.value is not None]
    figure, axes = _figure(1.2 + 0.34 * len(rows))
    for place, part in enumerate(rows):
        said = part.at_rate
        if said.lower is not None and said.upper is not None:
            axes.plot([said.lower, said.upper], [place, place], color="C0", linewidth=1.5)
        if said.value is not None:
            axes.plot([said.value], [place], "s", color="C0", markersize=6)
    names = [f"{p.kind}: {p.name}  (n = {p.nodules})" for p in rows]
    axes.set_yticks(range(len(rows)), names)
    axes.invert_yaxis()
    axes.set_xlim(0.0, 1.0)
    axes.set_xlabel("sensitivity at 1 false mark per scan, 95 % interval")
    void = " (void)" if one.is_void else ""
    axes.set_title(f"{one.model.label}{void}", loc="left")
    axes.grid(axis="x", alpha=0.3)
    return figure


def _reliability(one: ModelReport) -> Figure:
    figure, axes = _figure(4.6)
    said = one.calibration
    if said is None or said.prevalence is None:
        raise ValueError(f"{one.model.label} has no calibration to draw")
    axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1, label="as it says")
    axes.axhline(said.prevalence, color="0.6", linestyle=":", linewidth=1,
                 label=f"prevalence {100 * said.prevalence:.1f} %")  # fmt: skip
    filled = [b for b in said.bins if b.mean_probability is not None and b.share is not None]
    x, y = [b.mean_probability or 0.0 for b in filled], [b.share or 0.0 for b in filled]
    axes.plot(x, y, "o-", color="C0", label=one.model.label)
    for b, across, up in zip(filled, x, y, strict=True):
        axes.annotate(f"{b.marks}", (across, up), (4, 6), textcoords="offset points", fontsize=8)
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.0)
    axes.set_xlabel("probability said (mean of the bin)")
    axes.set_ylabel("share of marks that are nodules")
    axes.set_title(
        f"Calibration at {said.nodules_per_scan:.2f} nodules per scan; numbers: marks", loc="left"
    )
    axes.legend(loc="upper left")
    return figure
