"""Whether a challenger may replace the champion: a pure function of what both said of sealed cases.

The same table always gives the same verdict. There are three:

* ``promote``: shown to be better, or shown not to be worse by more than a margin, overall, at the
  operating point, and in false marks;
* ``refuse``: shown to be worse in one of these;
* ``not_enough_evidence``: neither. With few cases this is the honest answer, not a failure.

Cases are resampled whole and for both models at once (paired bootstrap over patients), because
nodules of one patient are not independent and both models read the same patients. How small a loss
can be excluded follows from the number of cases: in simulated FROC tables the standard error of a
difference of mean sensitivity is about 0.18 / sqrt(n), so that with 80 % power a margin of 0.05
needs about 100 cases and one of 0.02 about 600.

Every look at the same sealed cases spends some of the error that is allowed (`alpha_of`): who asks
often enough would otherwise be told yes by chance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from triage.core.work import digest_of

Float64Array: TypeAlias = npt.NDArray[np.float64]

#: False marks per scan at which sensitivity is averaged (LUNA16's competition metric, CPM).
RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
#: Below these nothing is judged at all.
FEWEST_CASES = 20
FEWEST_NODULES = 20
#: From here on "not worse by the margin" is enough; before, only "better" is.
CASES_FOR_MARGIN = 100
SMALLEST_MARGIN, LARGEST_MARGIN = 0.02, 0.05
_MARGIN_AT_1 = 0.504  # (1.96 + 0.84) x 0.18: 97.5 % bound, 80 % power
#: Sensitivity at the operating point is one point of the curve and varies more.
POINT_MARGIN_FACTOR = 2.0
#: False marks per scan may rise by a tenth, or by one in four scans where there are few.
FALSE_SHARE, FALSE_SLACK = 0.10, 0.25
#: One-sided error that all looks together may spend.
ALPHA = 0.05
RESAMPLES = 2000
_CHUNK = 200


class Verdict(StrEnum):
    """What the gate says."""

    PROMOTE = "promote"
    REFUSE = "refuse"
    NOT_ENOUGH_EVIDENCE = "not_enough_evidence"


@dataclass(frozen=True, slots=True)
class Read:
    """What one model said of one case.

    Attributes
    ----------
    hits : tuple of float or None
        Per true nodule, the probability of the best mark on it; None when there is none.
    false : tuple of float
        Probabilities of the false marks.
    threshold : float
        The model's operating point, a probability.
    """

    hits: tuple[float | None, ...]
    false: tuple[float, ...]
    threshold: float


@dataclass(frozen=True, slots=True)
class CasePair:
    """One patient, read by both; every nodule of it is known."""

    label: str
    champion: Read
    challenger: Read


@dataclass(frozen=True, slots=True)
class Change:
    """A difference, challenger minus champion, with its interval.

    Attributes
    ----------
    champion, challenger : float
    difference, lower, upper : float
        The bounds hold each with confidence 1 - alpha of this look.
    margin : float
        The largest loss that is accepted (for false marks: the largest gain).
    finding : str
        ``better`` | ``not_worse`` | ``worse`` | ``unclear``.
    """

    champion: float
    challenger: float
    difference: float
    lower: float
    upper: float
    margin: float
    finding: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict and everything it rests on.

    Attributes
    ----------
    verdict : Verdict
    reason : str
        For people, one or two sentences.
    cases, nodules, look : int
    alpha : float
        One-sided error spent by this look.
    changes : dict
        ``cpm`` (mean sensitivity over `RATES`), ``sensitivity`` (at each model's operating point),
        ``false_per_scan`` (there too). Empty below the fewest cases.
    curves : dict
        Per model, sensitivity at each of `RATES`.
    table_digest : str
        Of the table that was judged.
    """

    verdict: Verdict
    reason: str
    cases: int
    nodules: int
    look: int
    alpha: float
    changes: dict[str, Change]
    curves: dict[str, list[float]]
    table_digest: str

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "verdict": self.verdict.value, "rates": list(RATES)}


def judge(table: Sequence[CasePair], look: int = 1) -> Judgement:
    """Compare a challenger with the champion.

    Parameters
    ----------
    table : sequence of CasePair
        One row a patient; the order does not matter.
    look : int
        1 for the first time these sealed cases are asked, 2 for the second ...

    Returns
    -------
    Judgement
    """
    rows = sorted(table, key=lambda row: row.label)
    nodules = sum(len(row.champion.hits) for row in rows)
    alpha = alpha_of(look)
    digest = digest_of([asdict(row) for row in rows])
    if len(rows) < FEWEST_CASES or nodules < FEWEST_NODULES:
        return Judgement(
            Verdict.NOT_ENOUGH_EVIDENCE, _too_few(len(rows), nodules), len(rows), nodules, look,
            alpha, {}, {}, digest,
        )  # fmt: skip
    draws = _draws(len(rows), int(digest[:8], 16))
    champion = _Side([row.champion for row in rows])
    challenger = _Side([row.challenger for row in rows])
    changes = _changes(champion, challenger, draws, alpha)
    verdict, reason = _verdict(changes, len(rows), alpha)
    curves = {"champion": champion.curve(), "challenger": challenger.curve()}
    return Judgement(verdict, reason, len(rows), nodules, look, alpha, changes, curves, digest)


def margin_of(cases: int) -> float:
    """The loss of mean sensitivity that so many cases can exclude, within the accepted range."""
    return min(max(_MARGIN_AT_1 / math.sqrt(cases), SMALLEST_MARGIN), LARGEST_MARGIN)


def alpha_of(look: int) -> float:
    """One-sided error spent by a look: 0.025, 0.0083, 0.0042 ...; all together `ALPHA`."""
    if look < 1:
        raise ValueError("looks are counted from 1")
    return ALPHA / (look * (look + 1))


def _too_few(cases: int, nodules: int) -> str:
    return (
        f"{cases} sealed cases with {nodules} nodules; below {FEWEST_CASES} cases or "
        f"{FEWEST_NODULES} nodules nothing can be told, and a loss of {LARGEST_MARGIN:g} can be "
        f"excluded from about {CASES_FOR_MARGIN} cases on"
    )


# ---------------------------------------------------------------- statistics


class _Side:
    """One model's answers, laid out so that all resamples are counted at once."""

    def __init__(self, reads: Sequence[Read]) -> None:
        events = [(h, i, 1) for i, r in enumerate(reads) for h in r.hits if h is not None]
        events += [(f, i, 0) for i, r in enumerate(reads) for f in r.false]
        # A false mark as probable as a hit counts first: no model gains by ties.
        events.sort(key=lambda e: (-e[0], e[2], e[1]))
        self.case = np.array([e[1] for e in events], dtype=np.intp)
        self.is_hit = np.array([e[2] for e in events], dtype=np.float64)
        self.nodules = np.array([len(r.hits) for r in reads], dtype=np.float64)
        self.found = np.array(
            [sum(h is not None and h >= r.threshold for h in r.hits) for r in reads], dtype=float
        )
        self.false = np.array([sum(f >= r.threshold for f in r.false) for r in reads], dtype=float)

    def rates(self, draws: Float64Array) -> Float64Array:
        """Sensitivity at each of `RATES`, shape (draws, 7); `draws` (draws, cases) holds counts."""
        parts = [self._some(draws[i : i + _CHUNK]) for i in range(0, len(draws), _CHUNK)]
        return np.concatenate(parts)

    def _some(self, draws: Float64Array) -> Float64Array:
        weight = draws[:, self.case]
        hits = np.cumsum(weight * self.is_hit, axis=1)
        false = np.cumsum(weight * (1.0 - self.is_hit), axis=1)
        total = np.maximum(draws @ self.nodules, 1.0)
        scans = draws.sum(axis=1)
        out = np.zeros((len(draws), len(RATES)))
        for column, rate in enumerate(RATES):
            reached = (false <= (rate * scans)[:, None]).sum(axis=1)
            last = np.maximum(reached - 1, 0)
            taken = np.take_along_axis(hits, last[:, None], axis=1)[:, 0] if hits.size else 0.0
            out[:, column] = np.where(reached > 0, taken, 0.0) / total
        return out

    def curve(self) -> list[float]:
        """Sensitivity at each of `RATES` on the cases as they are."""
        return [float(v) for v in self.rates(np.ones((1, len(self.nodules))))[0]]


def _draws(cases: int, seed: int) -> Float64Array:
    """How often each case is in each resample, shape (1 + resamples, cases); row 0: as they are."""
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(cases, np.full(cases, 1.0 / cases), size=RESAMPLES)
    return np.concatenate([np.ones((1, cases)), counts]).astype(np.float64)


def _changes(
    champion: _Side, challenger: _Side, draws: Float64Array, alpha: float
) -> dict[str, Change]:
    cases = draws.shape[1]
    margin = margin_of(cases)
    total = np.maximum(draws @ champion.nodules, 1.0)
    scans = draws.sum(axis=1)
    cpm = [side.rates(draws).mean(axis=1) for side in (champion, challenger)]
    found = [draws @ side.found / total for side in (champion, challenger)]
    false = [draws @ side.false / scans for side in (champion, challenger)]
    allowed = max(FALSE_SHARE * float(false[0][0]), FALSE_SLACK)
    return {
        "cpm": _change(cpm, alpha, margin),
        "sensitivity": _change(found, alpha, POINT_MARGIN_FACTOR * margin),
        "false_per_scan": _change(false, alpha, allowed, more_is_better=False),
    }


def _change(
    sides: Sequence[Float64Array], alpha: float, margin: float, *, more_is_better: bool = True
) -> Change:
    champion, challenger = sides
    difference = challenger - champion
    lower, upper = (float(v) for v in np.quantile(difference[1:], [alpha, 1.0 - alpha]))
    worst, best = (lower, upper) if more_is_better else (-upper, -lower)
    if worst > 0.0:
        finding = "better"
    elif best < 0.0 and (more_is_better or -best > margin):
        finding = "worse"
    elif worst > -margin:
        finding = "not_worse"
    else:
        finding = "unclear"
    return Change(
        float(champion[0]), float(challenger[0]), float(difference[0]), lower, upper, margin,
        finding,
    )  # fmt: skip


# ---------------------------------------------------------------- verdict

_NAMES: Mapping[str, str] = {
    "cpm": "mean sensitivity",
    "sensitivity": "sensitivity at the operating point",
    "false_per_scan": "false marks per scan",
}
_GOOD = frozenset({"better", "not_worse"})


def _verdict(changes: Mapping[str, Change], cases: int, alpha: float) -> tuple[Verdict, str]:
    worse = [name for name, change in changes.items() if change.finding == "worse"]
    if worse:
        return Verdict.REFUSE, "Worse: " + _words(changes, worse, alpha)
    overall = changes["cpm"].finding
    enough = overall == "better" or (overall == "not_worse" and cases >= CASES_FOR_MARGIN)
    unclear = [name for name, change in changes.items() if change.finding not in _GOOD]
    if enough and not unclear:
        said = "Better: " if overall == "better" else "Not worse by more than the margin: "
        return Verdict.PROMOTE, said + _words(changes, ["cpm"], alpha)
    if not unclear:
        unclear = ["cpm"]
    return Verdict.NOT_ENOUGH_EVIDENCE, (
        f"{cases} sealed cases do not settle it: " + _words(changes, unclear, alpha)
    )


def _words(changes: Mapping[str, Change], names: Sequence[str], alpha: float) -> str:
    share = f"{100 * (1 - 2 * alpha):.4g} %"
    return "; ".join(
        f"{_NAMES[name]} {c.champion:.3f} → {c.challenger:.3f}, difference {c.difference:+.3f} "
        f"({share} interval {c.lower:+.3f} to {c.upper:+.3f}, margin {c.margin:.3f})"
        for name, c in changes.items()
        if name in names
    )
