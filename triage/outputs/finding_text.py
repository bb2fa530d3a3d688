"""One nodule in words, each value with its source.

Every number is the one the SR carries. A likelihood is "is a nodule", never "is cancer"; what is
not known is said to be not known.
"""

from __future__ import annotations

from typing import Final

from triage.outputs.report import ReportedFinding
from triage.outputs.spans import From, Source, Span, joined, plain

#: Least probability -> word (bands of the reading page).
BANDS: Final = ((0.90, "very likely"), (0.60, "likely"), (0.30, "possible"), (0.0, "unlikely"))
SOLIDITY_WORDS: Final = {
    "solid": "Solid nodule",
    "part_solid": "Part-solid nodule",
    "ground_glass": "Ground-glass nodule",
}
#: Lobe of the HTTP contract -> words.
LOBE_WORDS: Final = {
    "right_upper": "right upper lobe",
    "right_middle": "right middle lobe",
    "right_lower": "right lower lobe",
    "left_upper": "left upper lobe",
    "lingula": "lingula",
    "left_lower": "left lower lobe",
}


def finding_words(one: ReportedFinding) -> str:
    """One nodule: what, where, how large, how it compares, whose it is."""
    return plain(finding_spans(one))


def finding_spans(one: ReportedFinding) -> list[Span]:
    """`finding_words`, each value with the field it comes from."""
    spans = [*joined(_kind(one), ", "), Span(": "), *size_spans(one)]
    if one.status == "baseline":
        spans += [Span(". "), _said(one, "status", "Baseline, no prior CT")]
    elif one.status:
        spans += [Span(". Compared with prior: "), _said(one, "status", one.status)]
    likelihood = likelihood_words(one)
    if likelihood:
        spans += [Span(". "), _said(one, "probability", likelihood)]
    if one.state != "pending":
        state = {"added": "Added by the reader"}.get(one.state, one.state.capitalize())
        spans += [Span(". "), _said(one, "state", state)]
    return [*spans, Span(".")]


def _said(one: ReportedFinding, field: str, words: str) -> Span:
    return Span(words, Source(From.FINDING, one.finding_id, field))


def _kind(one: ReportedFinding) -> list[Span]:
    head = SOLIDITY_WORDS.get(one.solidity or "", "Nodule, solidity not known")
    parts = [_said(one, "solidity", head)]
    if one.margin:
        parts.append(_said(one, "margin", f"{one.margin} margin"))
    if one.calcification:
        kind = "no" if one.calcification == "none" else one.calcification.replace("_", " ")
        parts.append(_said(one, "calcification", f"{kind} calcification"))
    if one.juxtapleural_shape:
        shape = f"juxtapleural, {one.juxtapleural_shape}"
        parts.append(_said(one, "juxtapleural_shape", shape))
    return [*parts, _said(one, "lobe", LOBE_WORDS.get(one.lobe or "", "lobe not known"))]


def size_spans(one: ReportedFinding) -> list[Span]:
    """Axes, mean, volume and solid component, each with its unit; what is not known is said."""
    if one.long_mm is None or one.short_mm is None:
        spans = [_said(one, "long_mm", "size not measured")]
    else:
        spans = [
            _said(one, "long_mm", f"{_mm(one.long_mm)} × {_mm(one.short_mm)} mm"),
            Span(", mean "),
            _said(one, "mean_mm", f"{one.mean_mm:.1f} mm"),
        ]
    if one.volume_mm3 is not None:
        spans += [Span(", "), _said(one, "volume_mm3", f"{one.volume_mm3:g} mm³")]
    if one.solid_long_mm is not None and one.solid_short_mm is not None:
        part = f"{_mm(one.solid_long_mm)} × {_mm(one.solid_short_mm)} mm"
        spans += [Span(", solid component "), _said(one, "solid_long_mm", part)]
    elif one.solidity == "part_solid":
        spans += [Span(", "), _said(one, "solid_long_mm", "solid component not measured")]
    return spans


def _mm(value: float) -> str:
    """A length as it is stored, with at least one decimal."""
    return f"{value:.1f}" if round(value, 1) == value else f"{value:g}"


def likelihood_words(one: ReportedFinding) -> str:
    """Word and number, and what it is about; "" when no algorithm gave one."""
    if one.probability is None or one.likelihood_percent is None:
        return ""
    word = next(word for least, word in BANDS if one.probability >= least)
    return f"Nodule: {word} {one.likelihood_percent:g} %"
