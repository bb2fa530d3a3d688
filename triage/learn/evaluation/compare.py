"""Every model against the first one: differences of the same draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from triage.learn.evaluation.report import Difference
from triage.learn.evaluation.resample import Draws, Estimate, estimate
from triage.learn.evaluation.score import Scored


def differences(
    labels: Sequence[str], scored: Sequence[Mapping[str, Scored]], draws: Draws
) -> tuple[Difference, ...]:
    """Paired differences.

    Parameters
    ----------
    labels : sequence of str
        Of the models; the first is the reference.
    scored : sequence of mapping
        Of the same models, by rule.
    draws : Draws
        The ones all of them were scored under.

    Returns
    -------
    tuple of Difference
        Empty for one model, or where there are too few nodules.
    """
    rows = []
    for label, own in zip(labels[1:], scored[1:], strict=True):
        for rule, mine in own.items():
            theirs = scored[0][rule].draws
            for what, values in mine.draws.items():
                found = estimate(values - theirs[what], draws)
                rows.append(Difference(label, labels[0], rule, what, found, _words(found)))
    return tuple(rows)


def _words(found: Estimate) -> str:
    if found.lower is None or found.upper is None:
        if found.value == 0.0:
            return "no difference in any draw"
        return f"not judged: {found.why}"
    if found.lower <= 0.0 <= found.upper:
        return "the interval holds 0: no difference is shown"
    return "the interval excludes 0: a difference is shown"
