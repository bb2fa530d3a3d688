"""Which study comes first, and why in words: one literal table (look.md section 6).

Only suspicion, growth and wait set the order; growth joins with the prior-comparison issue. Sizes
are the longest axis of the largest finding of a type that no reader has rejected, in mm. The bounds
are the site's reading order, not a guideline's category: they only borrow the size steps of
Lung-RADS v2022 so that the order feels familiar (solid 6, 8, 15; part-solid and ground glass 6).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from triage.core.finding import ResultStatus, StudyState
from triage.pathway import CHOICES
from triage.review.schema import Priority
from triage.store.worklist_rows import RANK_NOT_READY, RANK_SIGNED, RankRule, Row

NOW, NEXT, SOON, IN_TURN = 0, 1, 2, 3
NAMES: Final[dict[int, Priority]] = {NOW: "now", NEXT: "next", SOON: "soon", IN_TURN: "in_turn"}

# Near the promised limit a study is read now, whatever is in it.
MAX_WAIT = timedelta(hours=CHOICES.max_wait_h)
NEAR_LIMIT = 0.9 * MAX_WAIT

# First match wins. A finding whose type is not known is ranked like a solid one.
RULES: Final[tuple[RankRule, ...]] = (
    RankRule(NOW, "solid", "solid_mm", 15.0),
    RankRule(NOW, "untyped", "untyped_mm", 15.0),
    RankRule(NOW, "waited", "waited"),
    RankRule(NEXT, "part_solid", "part_solid_mm", 6.0),
    RankRule(NEXT, "solid", "solid_mm", 8.0),
    RankRule(NEXT, "untyped", "untyped_mm", 8.0),
    RankRule(NEXT, "not_assessed", "status", ResultStatus.NOT_ASSESSED.value),
    RankRule(NEXT, "no_result", "status", ""),
    RankRule(SOON, "solid", "solid_mm", 6.0),
    RankRule(SOON, "untyped", "untyped_mm", 6.0),
    RankRule(SOON, "ground_glass", "ground_glass_mm", 6.0),
    RankRule(SOON, "part_solid", "part_solid_mm", 0.0),
    RankRule(SOON, "partly_assessed", "status", ResultStatus.PARTLY_ASSESSED.value),
    RankRule(SOON, "unmeasured", "unmeasured", 1),
    RankRule(IN_TURN, "solid", "solid_mm", 0.0),
    RankRule(IN_TURN, "untyped", "untyped_mm", 0.0),
    RankRule(IN_TURN, "ground_glass", "ground_glass_mm", 0.0),
)

WhyValues = dict[str, float | int | str]

# Reason to English words; the same codes are translated by the page.
WORDS: Final[dict[str, str]] = {
    "solid": "Solid {mm:.1f} mm",
    "part_solid": "Part-solid {mm:.1f} mm",
    "ground_glass": "Ground glass {mm:.1f} mm",
    "untyped": "Type not known, {mm:.1f} mm",
    "unmeasured": "Findings without a size: {count}",
    "waited": "Waited {waited}, limit {limit}",
    "not_assessed": "Not assessed: {reason}",
    "partly_assessed": "Partly assessed: {reason}",
    "no_result": "Not assessed: no result",
    "no_mark_kept": "No mark kept of {count}",
    "no_nodule": "No nodule found, whole lung assessed",
    "signed": "Signed",
    "failed": "{reason}",
    "running": "Finding nodules",
    "receiving": "{count} images so far",
    "incomplete": "{count} images, not complete yet",
}


def clock_words(seconds: float) -> str:
    """Hours and minutes as the worklist prints a wait: ``3:48``."""
    minutes = int(seconds // 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def priority_of(row: Row) -> Priority | None:
    """Return the urgency of a row; None while it cannot be read, and once it is signed."""
    return NAMES.get(row.rank)


def why(row: Row, wait_s: float, reason: str, instances: int) -> tuple[str, str, WhyValues]:
    """Why a study stands where it stands.

    Parameters
    ----------
    row : Row
    wait_s : float
        Seconds it has waited.
    reason : str
        First reason of its result or state, in words.
    instances : int
        Images that have arrived.

    Returns
    -------
    words, code, values
        One English sentence, its stable code, and the values in it.
    """
    code = _code(row)
    values: WhyValues = {}
    if f"{code}_mm" in row.by_type_mm:
        values["mm"] = round(row.by_type_mm[f"{code}_mm"], 1)
    elif code == "waited":
        values |= {"waited": clock_words(wait_s), "limit": clock_words(MAX_WAIT.total_seconds())}
    elif code in {"receiving", "incomplete"}:
        values["count"] = instances
    elif code in {"no_mark_kept", "unmeasured"}:
        values["count"] = row.marks if code == "no_mark_kept" else row.active
    if "{reason}" in WORDS[code]:
        values["reason"] = reason or "cause not recorded"
    words = WORDS[code].format(**values)
    # What the engine says of a study on its way beats our general words.
    if row.rank == RANK_NOT_READY and row.study.state_reason:
        words = row.study.state_reason
    return words, code, values


def _code(row: Row) -> str:
    if row.rank == RANK_SIGNED:
        return StudyState.SIGNED.value
    if row.rank == RANK_NOT_READY:
        return row.study.state
    if row.rule >= 0:
        return RULES[row.rule].code
    return "no_mark_kept" if row.marks else "no_nodule"
