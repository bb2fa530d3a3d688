"""The scoring rule of the data folder's truth.json: hits, false positives, what is ignored.

* A *hit*: a candidate's centre within half the diameter (at least 5 mm) of a positive nodule, or
  inside its box where the truth is a point. Further candidates on the same nodule do not count.
* *Ignored*: nodules that one or two readers outlined. A candidate there is neither.
* *Small findings* (marks under 3 mm, and what readers called no nodule): LUNA16 ignores candidates
  within 5 mm of them (`false_positives_luna`); the strict count takes them as false
  (`false_positives_strict`).
* False positives are counted only where all nodules are marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from triage.core.finding import Candidate
from triage.learn.data.cases import Case, MarkedNodule

HIT_AT_LEAST_MM = 5.0
SMALL_REACH_MM = 5.0


class Role(StrEnum):
    """What a candidate turned out to be."""

    HIT = "hit"
    AGAIN = "again"
    IGNORED = "ignored"
    SMALL = "small"
    FALSE = "false"


@dataclass(frozen=True, slots=True)
class NoduleScore:
    """How a positive nodule was found.

    Attributes
    ----------
    diameter_mm : float
    probability : float or None
        Of the most probable candidate on it; None when there is none.
    false_above : int
        Strict false positives more probable than that (all of them when not found).
    """

    diameter_mm: float
    probability: float | None
    false_above: int


@dataclass(frozen=True, slots=True)
class Score:
    """One series at one operating point.

    Attributes
    ----------
    nodules : tuple of NoduleScore
        Positive ones only.
    false_positives_luna, false_positives_strict : int or None
        None where not all nodules are marked.
    roles : tuple of Role
        Per candidate, in the order given.
    """

    nodules: tuple[NoduleScore, ...]
    false_positives_luna: int | None
    false_positives_strict: int | None
    roles: tuple[Role, ...]

    @property
    def found(self) -> int:
        """How many positive nodules were hit."""
        return sum(n.probability is not None for n in self.nodules)


def score(case: Case, candidates: Sequence[Candidate]) -> Score:
    """Score the candidates of one series.

    Parameters
    ----------
    case : Case
        Truth.
    candidates : sequence of Candidate
        By falling probability, cut at the operating point.

    Returns
    -------
    Score
    """
    owner: dict[int, Candidate] = {}
    roles = [_role(case, candidate, owner) for candidate in candidates]
    wrong = [
        c.probability
        for c, role in zip(candidates, roles, strict=True)
        if role in {Role.SMALL, Role.FALSE}
    ]
    nodules = tuple(
        _nodule_score(nodule, owner.get(i), wrong)
        for i, nodule in enumerate(case.nodules)
        if nodule.positive
    )
    counts = (roles.count(Role.FALSE), len(wrong)) if case.all_marked else (None, None)
    return Score(nodules, counts[0], counts[1], tuple(roles))


def _nodule_score(
    nodule: MarkedNodule, hit: Candidate | None, wrong: Sequence[float]
) -> NoduleScore:
    if hit is None:
        return NoduleScore(nodule.diameter_mm, None, len(wrong))
    return NoduleScore(nodule.diameter_mm, hit.probability, sum(p > hit.probability for p in wrong))


def _role(case: Case, candidate: Candidate, owner: dict[int, Candidate]) -> Role:
    """Role of one candidate; `owner` remembers which nodule was hit first and by whom."""
    touched = [i for i, n in enumerate(case.nodules) if is_on(n, candidate)]
    positive = [i for i in touched if case.nodules[i].positive]
    fresh = [i for i in positive if i not in owner]
    for i in fresh:
        owner[i] = candidate
    if positive:
        return Role.HIT if fresh else Role.AGAIN
    if touched:
        return Role.IGNORED
    near_small = any(
        _gap_mm(s.center_lps_mm, candidate.center_lps_mm) <= SMALL_REACH_MM for s in case.small
    )
    return Role.SMALL if near_small else Role.FALSE


def is_on(nodule: MarkedNodule, candidate: Candidate) -> bool:
    """Whether the candidate's centre counts as on the nodule."""
    reach_mm = max(nodule.diameter_mm / 2.0, HIT_AT_LEAST_MM)
    if _gap_mm(nodule.center_lps_mm, candidate.center_lps_mm) <= reach_mm:
        return True
    if nodule.bbox_lps_mm is None:
        return False
    low, high = np.array(nodule.bbox_lps_mm)
    point = np.array(candidate.center_lps_mm)
    return bool(((point >= low) & (point <= high)).all())


def _gap_mm(a: Sequence[float], b: Sequence[float]) -> float:
    return float(np.linalg.norm(np.array(a) - np.array(b)))


@dataclass(frozen=True, slots=True)
class FrocPoint:
    """One point of a FROC curve.

    Attributes
    ----------
    threshold : float
    found, positives : int
    false_per_scan : float
        Strict.
    """

    threshold: float
    found: int
    positives: int
    false_per_scan: float


def froc(
    hits: Sequence[float], false: Sequence[float], positives: int, scans: int
) -> list[FrocPoint]:
    """The curve over all thresholds at which a nodule is gained.

    Parameters
    ----------
    hits : sequence of float
        Probability of the best candidate of each nodule that has one.
    false : sequence of float
        Probabilities of false positives in all scans.
    positives, scans : int
        How many nodules and scans stand behind it.

    Returns
    -------
    list of FrocPoint
        By falling threshold.
    """
    wrong = np.sort(np.array(false, dtype=float))
    points = []
    for threshold in sorted(set(hits), reverse=True):
        above = len(wrong) - int(np.searchsorted(wrong, threshold, side="left"))
        found = sum(h >= threshold for h in hits)
        points.append(FrocPoint(threshold, found, positives, above / scans))
    return points
