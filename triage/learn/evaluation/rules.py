"""What every mark turned out to be, under a named rule.

``luna16`` is the definition of the LUNA16 challenge (luna16.grand-challenge.org/Evaluation; Setio
et al., Medical Image Analysis 42 (2017) 1-13), in the details as its evaluation script has it:

* a mark hits a nodule when its centre is *nearer* than half the diameter; nothing is rounded up;
* several marks on one nodule count once, with the highest probability; a mark may hit two nodules;
* marks on anything in the list of excluded findings are left out: nodules of one or two readers
  (half their diameter), and nodules under 3 mm and non-nodules, which have no size in that list and
  count as 10 mm wide;
* of a scan with more than 100 marks only those more probable than its 101st are looked at;
* a missed nodule counts, a missed excluded finding does not.

``shared_data`` is the rule in the data folder's ``truth.json``. It differs in three things: a mark
at most 5 mm away is on a nodule however small it is, and exactly on the edge counts; where the
truth is a point or boxes, a mark inside the box counts too; small findings and non-nodules are
*not* left out (the strict count).

Under both rules marks on healthy twins are false: there is no nodule.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from triage.learn.evaluation.tables import Mark, ScanTable, Truth, TruthKind, within
from triage.learn.froc import Role

#: Findings that nobody measured are taken to be so wide (LUNA16's script, for a diameter below 0).
UNMEASURED_MM = 10.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A way of scoring.

    Attributes
    ----------
    name, words : str
    reach_at_least_mm : float
        A mark this near is on a finding of any size.
    edge_counts : bool
        Whether a mark at exactly the reach is on it.
    boxes : bool
        Whether a mark inside the truth's box is on it.
    leaves_out_small : bool
        Whether marks on small findings are left out; otherwise they are false.
    most_marks : int or None
        Of more marks than this, those up to the next one's probability are dropped.
    """

    name: str
    words: str
    reach_at_least_mm: float
    edge_counts: bool
    boxes: bool
    leaves_out_small: bool
    most_marks: int | None


LUNA16 = Rule(
    "luna16",
    "LUNA16: centre nearer than half the diameter; 1-2 readers, under 3 mm, non-nodules left out",
    reach_at_least_mm=0.0,
    edge_counts=False,
    boxes=False,
    leaves_out_small=True,
    most_marks=100,
)
SHARED_DATA = Rule(
    "shared_data",
    "data folder: within half the diameter or 5 mm, or in the box; 1-2 readers left out, small "
    "findings are false (strict)",
    reach_at_least_mm=5.0,
    edge_counts=True,
    boxes=True,
    leaves_out_small=False,
    most_marks=None,
)
RULES = (LUNA16, SHARED_DATA)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scan under one rule, at all thresholds.

    Attributes
    ----------
    hits : tuple of float or None
        Per nodule, in the order of the table, the highest probability on it; None = missed.
    false : tuple of float
        Probabilities of the false marks, falling.
    roles : tuple of Role
        Per mark that was looked at, by falling probability.
    """

    hits: tuple[float | None, ...]
    false: tuple[float, ...]
    roles: tuple[Role, ...]


def outcome(scan: ScanTable, marks: Sequence[Mark], rule: Rule) -> Outcome:
    """Judge all marks of one scan.

    Parameters
    ----------
    scan : ScanTable
    marks : sequence of Mark
        In any order.
    rule : Rule

    Returns
    -------
    Outcome
    """
    seen = looked_at(marks, rule)
    nodules = scan.of(TruthKind.NODULE)
    best: list[int | None] = [
        next((i for i, mark in enumerate(seen) if is_on(truth, mark, rule)), None)
        for truth in nodules
    ]
    firsts = {i for i in best if i is not None}
    roles = tuple(
        Role.HIT if i in firsts else _role(scan, nodules, mark, rule) for i, mark in enumerate(seen)
    )
    hits = tuple(None if i is None else seen[i].probability for i in best)
    false = tuple(m.probability for m, r in zip(seen, roles, strict=True) if r is Role.FALSE)
    return Outcome(hits, false, roles)


def looked_at(marks: Sequence[Mark], rule: Rule) -> list[Mark]:
    """The marks that count, by falling probability; equal ones by place, so order never matters."""
    ranked = sorted(marks, key=lambda m: (-m.probability, m.center_lps_mm))
    if rule.most_marks is None or len(ranked) <= rule.most_marks:
        return ranked
    edge = ranked[rule.most_marks].probability
    return [m for m in ranked if m.probability > edge]


def is_on(truth: Truth, mark: Mark, rule: Rule) -> bool:
    """Whether a mark is on a finding."""
    width = UNMEASURED_MM if truth.diameter_mm is None else truth.diameter_mm
    reach = max(width / 2.0, rule.reach_at_least_mm)
    gap = math.dist(truth.center_lps_mm, mark.center_lps_mm)
    if gap < reach or (rule.edge_counts and gap == reach):
        return True
    box = truth.box_lps_mm if rule.boxes else None
    return box is not None and within(mark.center_lps_mm, box)


def _role(scan: ScanTable, nodules: Sequence[Truth], mark: Mark, rule: Rule) -> Role:
    """Role of a mark that is nobody's best."""
    if any(is_on(truth, mark, rule) for truth in nodules):
        return Role.AGAIN
    if any(is_on(truth, mark, rule) for truth in scan.of(TruthKind.IGNORE)):
        return Role.IGNORED
    small = rule.leaves_out_small and any(
        is_on(truth, mark, rule) for truth in scan.of(TruthKind.SMALL)
    )
    return Role.SMALL if small else Role.FALSE
