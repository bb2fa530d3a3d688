"""Which series may be read as one volume, and which of them is read.

A series that is not one even stack of CT slices is never silently built into a volume: each rule
below names the slices to blame. Rules are a table; the worst verdict wins and all reasons are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from triage.core.finding import Reason, SeriesVerdict
from triage.core.geometry import arrange
from triage.detect.series_rules import RULES, Case, Objection, name_slices, positions_of, slices_at
from triage.detect.slices import Slice
from triage.pathway import CHOICES, SiteChoices

_RANK = {
    SeriesVerdict.RUN: 0,
    SeriesVerdict.RUN_FLAGGED: 1,
    SeriesVerdict.MERGE: 2,
    SeriesVerdict.SPLIT: 3,
    SeriesVerdict.REFUSE: 4,
}
READABLE = frozenset(v for v in SeriesVerdict if v is not SeriesVerdict.REFUSE)


@dataclass(frozen=True, slots=True)
class SeriesAssessment:
    """The verdict on one series.

    Attributes
    ----------
    series_uid : str
    verdict : SeriesVerdict
    reasons : tuple of Reason
        Empty only with RUN.
    sop_uids : tuple of str
        The slices to build the volume from, in stack order; empty with REFUSE. With SPLIT the one
        part that may be read.
    spacing_mm : float or None
        Step between slices.
    span_mm : float
        Length of the stack along its direction.
    kernel : str
    derived : bool
    """

    series_uid: str
    verdict: SeriesVerdict
    reasons: tuple[Reason, ...]
    sop_uids: tuple[str, ...]
    spacing_mm: float | None
    span_mm: float
    kernel: str
    derived: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """Which series is read.

    Attributes
    ----------
    series_uid : str or None
        None when no series may be read.
    reasons : tuple of Reason
        Why this one, or why none.
    """

    series_uid: str | None
    reasons: tuple[Reason, ...]


def assess(
    series_uid: str, slices: Sequence[Slice], choices: SiteChoices = CHOICES
) -> SeriesAssessment:
    """Judge whether a series may be read as one volume.

    Parameters
    ----------
    series_uid : str
    slices : sequence of Slice
        All instances of the series, any order.
    choices : SiteChoices

    Returns
    -------
    SeriesAssessment
        Never raises for odd input: it names it.
    """
    kept, flags = _set_localisers_aside(slices)
    part, split = _largest_part(kept)
    case = Case(part, arrange(positions_of(part)), choices)
    found = [*flags, *split, *(f for rule in RULES if (f := rule(case)) is not None)]
    verdict = max((f[0] for f in found), key=_RANK.__getitem__, default=SeriesVerdict.RUN)
    readable = verdict in READABLE
    along = case.stack.along_mm
    return SeriesAssessment(
        series_uid=series_uid,
        verdict=verdict,
        reasons=tuple(Reason(code, message, series_uid) for _, code, message in found),
        sop_uids=tuple(s.sop_uid for s in slices_at(part, case.stack.order if readable else ())),
        spacing_mm=case.stack.spacing_mm,
        span_mm=along[-1] if along else 0.0,
        kernel=part[0].kernel if part else "",
        derived=any(s.image_type[:1] == ("DERIVED",) for s in part),
    )


def assess_study(
    series: Mapping[str, Sequence[Slice]], choices: SiteChoices = CHOICES
) -> list[SeriesAssessment]:
    """Judge all series of a study; halves of one stack in two series are told as MERGE.

    Parameters
    ----------
    series : mapping of series UID to its slices
    choices : SiteChoices

    Returns
    -------
    list of SeriesAssessment
        In the order of `series`.
    """
    judged = {uid: assess(uid, slices, choices) for uid, slices in series.items()}
    for uid, one in judged.items():
        partner = next((o for o in judged if o != uid and _halves(series, judged, uid, o)), None)
        if partner is not None:
            message = (
                f"continues in series {partner}: the two are one stack of slices, sent apart; "
                "each is read by itself and neither shows the whole"
            )
            reasons = (*one.reasons, Reason("continues_in_other_series", message, uid))
            judged[uid] = replace(one, verdict=SeriesVerdict.MERGE, reasons=reasons)
    return list(judged.values())


def choose(assessments: Sequence[SeriesAssessment]) -> Choice:
    """Take the thinnest axial series that shows enough, by points.

    Parameters
    ----------
    assessments : sequence of SeriesAssessment

    Returns
    -------
    Choice
        Deterministic: with equal points the smaller UID.
    """
    readable = [a for a in assessments if a.verdict in READABLE]
    if not readable:
        return Choice(None, _why_none(assessments))
    longest_mm = max(a.span_mm for a in readable)
    ranked = sorted(readable, key=lambda a: (-points(a, longest_mm), a.series_uid))
    best = ranked[0]
    rest = ", ".join(f"{a.series_uid} {points(a, longest_mm):.0f}" for a in ranked[1:])
    message = (
        f"{len(best.sop_uids)} axial slices, {best.spacing_mm or 0.0:.2f} mm apart, "
        f"kernel {best.kernel or 'not stated'}, over {best.span_mm:.0f} mm: "
        f"{points(best, longest_mm):.0f} points"
        + (f"; others: {rest}" if rest else "; the only one that can be read")
    )
    return Choice(best.series_uid, (Reason("chosen", message, best.series_uid), *best.reasons))


def points(one: SeriesAssessment, longest_mm: float) -> float:
    """What speaks for a series: cover first, then thin slices, then clean and smooth pictures.

    A hard kernel costs a little: nodules are measured on it, but noise answers as nodules.
    """
    cover = min(1.0, one.span_mm / max(longest_mm, 1.0))
    return (
        100.0 * (cover if cover < 0.9 else 1.0)
        - 10.0 * max(one.spacing_mm or 10.0, 0.6)
        - {SeriesVerdict.RUN: 0.0, SeriesVerdict.RUN_FLAGGED: 2.0}.get(one.verdict, 20.0)
        - 5.0 * one.derived
        - 3.0 * is_sharp(one.kernel)
    )


def is_sharp(kernel: str) -> bool:
    """Whether a kernel's name is one of the makers' edge-enhancing ones."""
    name = kernel.upper()
    siemens = re.match(r"[BIQ][A-Z]?(\d\d)", name)
    words = ("LUNG", "BONE", "EDGE", "SHARP", "FC5", "FC8")
    return (siemens is not None and int(siemens[1]) >= 50) or any(w in name for w in words)


def as_json(one: SeriesAssessment) -> dict[str, Any]:
    """Plain values, for a fact."""
    plain = asdict(one)
    plain["verdict"] = one.verdict.value
    plain["reasons"] = [asdict(r) for r in one.reasons]
    plain["sop_uids"] = list(one.sop_uids)
    return plain


def from_json(plain: Mapping[str, Any]) -> SeriesAssessment:
    """Back from `as_json`."""
    return SeriesAssessment(
        series_uid=plain["series_uid"],
        verdict=SeriesVerdict(plain["verdict"]),
        reasons=tuple(Reason(**r) for r in plain["reasons"]),
        sop_uids=tuple(plain["sop_uids"]),
        spacing_mm=plain["spacing_mm"],
        span_mm=plain["span_mm"],
        kernel=plain["kernel"],
        derived=plain["derived"],
    )


# ---------------------------------------------------------------- before the rules


def _set_localisers_aside(slices: Sequence[Slice]) -> tuple[list[Slice], list[Objection]]:
    """Scouts among true slices are not part of the stack; a series of scouts is refused by rule."""
    kept = [s for s in slices if "LOCALIZER" not in s.image_type]
    aside = [s for s in slices if "LOCALIZER" in s.image_type]
    if not kept or not aside:
        return list(slices), []
    message = f"localiser set aside: {name_slices(aside)}"
    return kept, [(SeriesVerdict.RUN_FLAGGED, "localiser_set_aside", message)]


def _largest_part(slices: Sequence[Slice]) -> tuple[Sequence[Slice], list[Objection]]:
    """One whole axial stack beside slices of other directions may be read; they are named."""
    stack = arrange(positions_of(slices))
    if not stack.mixed_orientation:
        return slices, []
    by_uid = {s.sop_uid: s for s in slices}
    positions = positions_of(slices)
    main = [by_uid[positions[i].key] for i in stack.orientation_groups[0]]
    taken = {s.sop_uid for s in main}
    others = [s for s in slices if s.sop_uid not in taken]
    message = f"slices of {len(stack.orientation_groups)} directions in one series"
    if arrange(positions_of(main)).is_regular and len(others) * 4 <= len(main):
        message += f"; read without {name_slices(others)}"
        return main, [(SeriesVerdict.SPLIT, "mixed_orientations", message)]
    message += f"; they form no single volume: {name_slices(others)}"
    return main, [(SeriesVerdict.REFUSE, "mixed_orientations", message)]


# ---------------------------------------------------------------- across series


def _halves(
    series: Mapping[str, Sequence[Slice]],
    judged: Mapping[str, SeriesAssessment],
    one: str,
    other: str,
) -> bool:
    """Whether two readable series lie end to end as one even stack of the same kind."""
    if any(judged[uid].verdict not in READABLE for uid in (one, other)):
        return False
    a, b = ([s for s in series[uid] if s.sop_uid in judged[uid].sop_uids] for uid in (one, other))
    same = (a[0].frame_of_reference, a[0].kernel, a[0].rows, a[0].columns, a[0].pixel_spacing_mm)
    if same != (
        b[0].frame_of_reference, b[0].kernel, b[0].rows, b[0].columns, b[0].pixel_spacing_mm
    ):  # fmt: skip
        return False
    return bool(a[0].frame_of_reference) and arrange(positions_of([*a, *b])).is_regular


def _why_none(assessments: Sequence[SeriesAssessment]) -> tuple[Reason, ...]:
    """All reasons; what is no CT at all is told only when there is nothing else to tell."""
    reasons = tuple(r for a in assessments for r in a.reasons)
    of_ct = tuple(r for r in reasons if r.code not in {"not_ct", "localiser"})
    return of_ct or reasons or (Reason("no_ct_series", "the study holds no CT series"),)
