"""Fleischner 2017: one nodule: benign or not, its column, its solid component, its growth."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from triage.rules.fleischner_tables import (
    BENIGN,
    COMPONENT_ASK_MM,
    GROWTH_MM,
    SOLID_BINS,
    SUBSOLID_BINS,
    TABLE,
    Bin,
)
from triage.rules.inputs import Finding
from triage.rules.lungrads_tables import BENIGN_CALCIFICATION, JUXTAPLEURAL_SHAPES
from triage.rules.quantity import WHOLE, half_up
from triage.rules.result import Notes, Refusal, missing
from triage.rules.sizes import Measured, measure
from triage.rules.words import FindingStatus, Kind, Margin, NoduleType

LYMPH_NODE_ASK_MM = Decimal(10)
D16_MM3 = Decimal(100)


@dataclass(frozen=True, slots=True)
class Nodule:
    """A nodule that counts: its bin, and what is needed to choose the dominant one."""

    name: str
    finding: Finding
    column: Bin
    order: int
    measured: Measured
    growth: bool | None

    @property
    def solid(self) -> bool:
        """Solid, as against part-solid and ground glass."""
        return self.finding.type is NoduleType.SOLID


def place(finding: Finding, path: str, notes: Notes) -> Nodule | None:
    """The nodule in its column; None when it is benign or gone.

    Raises
    ------
    Refusal
        ``missing`` kind, type or size; ``not_covered`` for airway, cyst and cavitary findings.
    """
    if finding.status is FindingStatus.RESOLVED:
        notes.say("F17.resolved", "no longer counts", "product decision", status="resolved")
        return None
    if finding.calcification in BENIGN_CALCIFICATION or finding.fat_containing:
        _say_benign("calcification or fat", finding, notes)
        return None
    if finding.kind is None:
        raise missing(f"{path}.kind", "the kind of finding (type)")
    if finding.kind is not Kind.NODULE:
        because = f"Fleischner 2017 has no row for the kind {finding.kind}"
        raise Refusal("not_covered", f"{path}.kind", because)
    if finding.type is None:
        raise missing(f"{path}.type", "the type (solid, part-solid, ground glass)")
    if _lymph_node(finding, path, notes):
        return None
    if finding.size is None:
        raise missing(f"{path}.size", "the size")
    measured = measure(finding.size, f"{path}.size")
    column, order = _column(finding.type, measured, notes)
    _ask_component(finding, path, column, notes)
    growth = _growth(finding, measured, path, notes)
    return Nodule(notes.finding or path, finding, column, order, measured, growth)


def _say_benign(what: str, finding: Finding, notes: Notes) -> None:
    calcification = finding.calcification.value if finding.calcification else None
    notes.say("F17.benign", "no follow-up", f"{TABLE}, {BENIGN.source_row}", pattern=what,
              calcification=calcification, size="not needed")  # fmt: skip


def _lymph_node(finding: Finding, path: str, notes: Notes) -> bool:
    """Typical intrapulmonary lymph node: solid, at pleura or fissure, smooth, typical shape."""
    typical = (
        finding.type is NoduleType.SOLID
        and finding.juxtapleural_shape in JUXTAPLEURAL_SHAPES
        and finding.margin is Margin.SMOOTH
    )
    if typical:
        _say_benign("typical intrapulmonary lymph node", finding, notes)
        mean = measure(finding.size, f"{path}.size").exact_mean_mm if finding.size else None
        if mean is not None and mean >= LYMPH_NODE_ASK_MM:
            notes.ask("lymph_node_size", f"a lymph node pattern of {mean} mm: large for one")
    return typical


def whole_mm(measured: Measured) -> Decimal | None:
    """Mean of the axes, rounded once to whole mm, half up: 5.4 -> 5, 5.45 -> 5, 5.5 -> 6."""
    mean = measured.exact_mean_mm
    return None if mean is None else half_up(mean, WHOLE)


def _column(kind: NoduleType, measured: Measured, notes: Notes) -> tuple[Bin, int]:
    bins = SOLID_BINS if kind is NoduleType.SOLID else SUBSOLID_BINS
    mm, mm3 = whole_mm(measured), measured.exact_volume_mm3
    found: list[int] = [0] if measured.at_most_3_mm else []
    found += [i for i, column in enumerate(bins) if mm is not None and column.holds_mm(mm)]
    found += [i for i, column in enumerate(bins) if mm3 is not None and column.holds_mm3(mm3)]
    if len(set(found)) > 1:
        notes.ask("D5", "diameter and volume lie in different size classes: the higher is used")
    if kind is not NoduleType.SOLID and mm3 == D16_MM3:
        notes.ask("D16", "a subsolid nodule of exactly 100 mm3 is read as >= 6 mm")
    order = max(found)
    shown = f"{mm} mm (mean {measured.exact_mean_mm} mm)" if mm is not None else measured.text
    notes.say(
        "F17.size",
        bins[order].name,
        f"{TABLE}, columns; mean rounded once to whole mm",
        type=kind.value,
        size=shown,
        volume=f"{mm3} mm3" if mm3 is not None else None,
    )
    return bins[order], order


def _ask_component(finding: Finding, path: str, column: Bin, notes: Notes) -> None:
    """D13, D14: a part-solid nodule >= 6 mm with a solid component >= 6 mm."""
    if finding.type is not NoduleType.PART_SOLID or column is SUBSOLID_BINS[0]:
        return
    part = finding.solid_component
    measured = measure(part, f"{path}.solid_component", "solid component size") if part else None
    longest = measured.long_mm if measured else None
    if measured and longest is None and measured.exact_mean_mm is not None:
        longest = measured.exact_mean_mm
        notes.ask(
            "D14", "Fleischner uses the longest axis of the solid component; the mean is used"
        )
    if longest is None:
        notes.ask("D13", "the solid component has no diameter: whether it is >= 6 mm is not known")
    elif longest >= COMPONENT_ASK_MM:
        notes.ask("D13", f"solid component {longest} mm: CT at 3 to 6 months first, or PET/CT or "
                         "biopsy at once")  # fmt: skip


def _growth(finding: Finding, now: Measured, path: str, notes: Notes) -> bool | None:
    """>= 2 mm more in the whole-mm mean; None when there is no prior diameter."""
    prior = finding.prior
    if prior is None or prior.size is None:
        return None
    before = whole_mm(measure(prior.size, f"{path}.prior.size", "prior size"))
    present = whole_mm(now)
    if before is None or present is None:
        return None
    grows = present - before >= GROWTH_MM
    notes.say(
        "F17.growth",
        "growing" if grows else "not growing",
        "Fleischner 2017, growth >= 2 mm in the whole-mm mean",
        now=f"{present} mm",
        before=f"{before} mm",
    )
    if grows:
        notes.ask("growth", "the nodule grows: the table is for nodules at first detection")
    return grows
