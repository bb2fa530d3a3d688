"""Lung-RADS v2022, the assessment table as literal rows (ACR, released November 2022).

One row here is one cell of the published table, in our own words. Lower bounds are inclusive,
upper bounds exclusive, everywhere. Rows of a table stand in rising order of size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from triage.rules.result import Months
from triage.rules.sizes import Measured, Point
from triage.rules.words import (
    AirwayChange,
    Calcification,
    CystChange,
    FindingStatus,
    JuxtapleuralShape,
    LungRads,
)

EDITION = "Lung-RADS v2022"
TABLE = "Lung-RADS v2022 assessment table"
OURS = "product decision"

C0, C1, C2, C3 = LungRads.C0, LungRads.C1, LungRads.C2, LungRads.C3
C4A, C4B, C4X = LungRads.C4A, LungRads.C4B, LungRads.C4X

RANK = {C1: 1, C2: 2, C3: 3, C4A: 4, C4B: 5, C4X: 6}

# Mean diameter in mm, and the whole mm3 printed beside it.
MM3_AT_MM = {4: 34, 6: 113, 8: 268, 10: 524, 15: 1767, 30: 14137}


@dataclass(frozen=True, slots=True)
class Band:
    """A size column: `low_mm` <= mean < `high_mm`, and the same in mm3; None is open."""

    low_mm: int | None
    high_mm: int | None

    def holds(self, point: Point) -> bool:
        """True when the measure lies in the column."""
        low, high = self._bounds(point.unit)
        return (low is None or point.value >= low) and (high is None or point.value < high)

    def _bounds(self, unit: str) -> tuple[int | None, int | None]:
        if unit == "mm":
            return self.low_mm, self.high_mm
        return MM3_AT_MM.get(self.low_mm or 0), MM3_AT_MM.get(self.high_mm or 0)


@dataclass(frozen=True, slots=True)
class Row:
    """One cell of the table.

    Attributes
    ----------
    rule_id, source_row : str
    size_class : str or None
        Name in the result contract.
    category : LungRads
    total : Band
        Of the whole nodule.
    component : Band or None
        Of the solid component; None when the row does not ask for it.
    """

    rule_id: str
    source_row: str
    size_class: str | None
    category: LungRads
    total: Band = Band(None, None)
    component: Band | None = None


def rank_of(row: Row) -> int:
    """Order of categories 1 < 2 < 3 < 4A < 4B < 4X."""
    return RANK[row.category]


def rows_for(table: Sequence[Row], total: Point, component: Point | None) -> list[Row]:
    """The rows that hold these measures; without a component, also rows that would need one."""
    return [
        row
        for row in table
        if row.total.holds(total)
        and (row.component is None or component is None or row.component.holds(component))
    ]


ANY = Band(None, None)
LT4, LT6, LT8, LT10, LT30 = (Band(None, high) for high in (4, 6, 8, 10, 30))
GE4, GE6, GE8, GE15, GE30 = (Band(low, None) for low in (4, 6, 8, 15, 30))
FROM4TO6, FROM6TO8, FROM8TO15 = Band(4, 6), Band(6, 8), Band(8, 15)

SOLID_BASELINE = (
    Row("LR22.solid_baseline.2", "2: solid nodule < 6 mm at baseline", "lt6", C2, LT6),
    Row("LR22.solid_baseline.3", "3: solid 6 to < 8 mm at baseline", "6_to_lt8", C3, FROM6TO8),
    Row("LR22.solid_baseline.4A", "4A: solid 8 to < 15 mm, baseline", "8_to_lt15", C4A, FROM8TO15),
    Row("LR22.solid_baseline.4B", "4B: solid >= 15 mm", "ge15", C4B, GE15),
)
SOLID_NEW = (
    Row("LR22.solid_new.2", "2: new solid < 4 mm", "lt4", C2, LT4),
    Row("LR22.solid_new.3", "3: new solid 4 to < 6 mm", "4_to_lt6", C3, FROM4TO6),
    Row("LR22.solid_new.4A", "4A: new solid 6 to < 8 mm", "6_to_lt8", C4A, FROM6TO8),
    Row("LR22.solid_new.4B", "4B: new solid >= 8 mm", "ge8", C4B, GE8),
)
SOLID_GROWING = (
    Row("LR22.solid_growing.4A", "4A: growing solid < 8 mm", "lt8", C4A, LT8),
    Row("LR22.solid_growing.4B", "4B: growing solid >= 8 mm", "ge8", C4B, GE8),
)
PART_SOLID_BASELINE = (
    Row("LR22.part_solid_baseline.2", "2: part-solid < 6 mm at baseline", "total_lt6", C2, LT6),
    Row(
        "LR22.part_solid_baseline.3",
        "3: part-solid total >= 6 mm, solid component < 6 mm at baseline",
        "total_ge6_solid_lt6",
        C3,
        GE6,
        LT6,
    ),
    Row(
        "LR22.part_solid_baseline.4A",
        "4A: part-solid total >= 6 mm, solid component 6 to < 8 mm at baseline",
        "total_ge6_solid_6_to_lt8",
        C4A,
        GE6,
        FROM6TO8,
    ),
    Row(
        "LR22.part_solid_baseline.4B",
        "4B: part-solid, solid component >= 8 mm",
        "total_ge6_solid_ge8",
        C4B,
        GE6,
        GE8,
    ),
)
PART_SOLID_NEW = (
    Row("LR22.part_solid_new.3", "3: new part-solid total < 6 mm", "total_lt6", C3, LT6),
    Row(
        "LR22.part_solid_new.4A",
        "4A: new solid component < 4 mm (read for a new part-solid >= 6 mm, D3)",
        "solid_component_new_or_growing_lt4",
        C4A,
        GE6,
        LT4,
    ),
    Row(
        "LR22.part_solid_new.4B",
        "4B: new solid component >= 4 mm (read for a new part-solid >= 6 mm, D3)",
        "solid_component_new_or_growing_ge4",
        C4B,
        GE6,
        GE4,
    ),
)
PART_SOLID_COMPONENT = (
    Row(
        "LR22.part_solid_component.4A",
        "4A: part-solid with a new or growing solid component < 4 mm",
        "solid_component_new_or_growing_lt4",
        C4A,
        ANY,
        LT4,
    ),
    Row(
        "LR22.part_solid_component.4B",
        "4B: part-solid with a new or growing solid component >= 4 mm",
        "solid_component_new_or_growing_ge4",
        C4B,
        ANY,
        GE4,
    ),
)
GROUND_GLASS = (
    Row("LR22.ground_glass.2", "2: GGN < 30 mm at baseline, new or growing", "lt30", C2, LT30),
    Row("LR22.ground_glass.3", "3: GGN >= 30 mm at baseline or new", "ge30", C3, GE30),
)
GROUND_GLASS_STABLE = (
    Row("LR22.ground_glass.2", "2: GGN < 30 mm at baseline, new or growing", "lt30", C2, LT30),
    Row("LR22.ground_glass_stable.2", "2: GGN >= 30 mm, stable or slow", "ge30", C2, GE30),
)
JUXTAPLEURAL = Row(
    "LR22.juxtapleural.2",
    "2: solid juxtapleural < 10 mm, smooth, oval, lentiform or triangular, baseline or new",
    "lt10",
    C2,
    LT10,
)
JUXTAPLEURAL_SHAPES = frozenset(
    {JuxtapleuralShape.OVAL, JuxtapleuralShape.LENTIFORM, JuxtapleuralShape.TRIANGULAR}
)
SLOW_GROWTH = Row(
    "LR22.slow_growth.4B",
    "4B: solid or part-solid, slow growing over multiple screening exams (note 8)",
    None,
    C4B,
)
CALCIFIED = Row(
    "LR22.benign.calcification",
    "1: nodule with complete, central, popcorn or concentric-ring calcification",
    None,
    C1,
)
FAT = Row("LR22.benign.fat", "1: fat-containing nodule", None, C1)
BENIGN_CALCIFICATION = frozenset(
    {
        Calcification.COMPLETE,
        Calcification.DIFFUSE,
        Calcification.CENTRAL,
        Calcification.POPCORN,
        Calcification.CONCENTRIC_RING,
        Calcification.LAMINATED,
    }
)
PROVEN_BENIGN = Row(
    "LR22.proven_benign.2", "2: prior category 4B, proven benign by work-up", None, C2
)


@dataclass(frozen=True, slots=True)
class StepDown:
    """Prior category `prior`, stable or decreased after `months` months, becomes `category`."""

    rule_id: str
    source_row: str
    months: int
    category: LungRads


STEP_DOWN = {
    C3: StepDown(
        "LR22.step_down.3_to_2", "2: prior category 3, stable or decreased at 6-month CT", 6, C2
    ),
    C4A: StepDown(
        "LR22.step_down.4A_to_3",
        "3: prior category 4A, stable or decreased at 3-month CT, not airway",
        3,
        C3,
    ),
}
STEP_DOWN_TOLERANCE_DAYS = 14
GROWTH_MM = Decimal("1.5")


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A cell that is chosen by words, not by size; `ask` is the disputed point it stands on."""

    rule_id: str
    source_row: str
    category: LungRads
    ask: str | None = None


_BASELINE, _NEW, _EXISTING = FindingStatus.BASELINE, FindingStatus.NEW, FindingStatus.EXISTING
_SUB = "2: airway nodule, subsegmental, at baseline, new or stable"
_PROX = "4A: airway nodule, segmental or more proximal, at baseline"
_PROX_FOLLOW = "4B: airway nodule, segmental or more proximal, stable or growing"

AIRWAY_SECRETIONS = ChangeRow(
    "LR22.airway.secretions", "2: airway, air favours secretions, no soft-tissue nodule", C2
)
# (proximal?, status, change); change None: whatever it is.
AIRWAY: dict[tuple[bool, FindingStatus, AirwayChange | None], ChangeRow] = {
    (False, _BASELINE, None): ChangeRow("LR22.airway.sub.baseline", _SUB, C2),
    (False, _NEW, None): ChangeRow("LR22.airway.sub.new", _SUB, C2),
    (False, _EXISTING, AirwayChange.STABLE): ChangeRow("LR22.airway.sub.stable", _SUB, C2),
    (False, _EXISTING, AirwayChange.DECREASED): ChangeRow("LR22.airway.sub.stable", _SUB, C2),
    (False, _EXISTING, AirwayChange.GROWING): ChangeRow(
        "product.airway.sub.growing", "no row: subsegmental, growing", C4A, "D10"
    ),
    (True, _BASELINE, None): ChangeRow("LR22.airway.proximal.baseline", _PROX, C4A),
    (True, _NEW, None): ChangeRow(
        "product.airway.proximal.new", "no row: segmental, new at follow-up", C4A, "D10"
    ),
    (True, _EXISTING, AirwayChange.STABLE): ChangeRow(
        "LR22.airway.proximal.follow_up", _PROX_FOLLOW, C4B
    ),
    (True, _EXISTING, AirwayChange.GROWING): ChangeRow(
        "LR22.airway.proximal.follow_up", _PROX_FOLLOW, C4B
    ),
    (True, _EXISTING, AirwayChange.DECREASED): ChangeRow(
        "product.airway.proximal.decreased", "no row: segmental, decreased", C4B, "airway_decreased"
    ),
    (True, _EXISTING, None): ChangeRow("LR22.airway.proximal.follow_up", _PROX_FOLLOW, C4B),
}

THICK_FIRST = ChangeRow("LR22.cyst.thick.first", "4A: thick-walled cyst at first detection", C4A)
MULTI_FIRST = ChangeRow("LR22.cyst.multilocular.baseline", "4A: multilocular cyst at baseline", C4A)
_MULTI_4B = "4B: multilocular cyst growing, more loculation, or new or increased opacity"
THICK_CHANGE: dict[CystChange, ChangeRow] = {
    CystChange.CYSTIC_COMPONENT_GROWING: ChangeRow(
        "LR22.cyst.thick.component", "3: growing cystic component of a thick-walled cyst", C3
    ),
    CystChange.WALL_OR_NODULARITY_GROWING: ChangeRow(
        "LR22.cyst.thick.wall", "4B: thick-walled cyst, growing wall thickness or nodularity", C4B
    ),
    CystChange.OPACITY_NEW_OR_INCREASED: ChangeRow(
        "product.cyst.thick.opacity", "no row: unilocular cyst, new opacity", C4B, "cyst_opacity"
    ),
}
MULTI_CHANGE: dict[CystChange, ChangeRow] = {
    CystChange.CYSTIC_COMPONENT_GROWING: ChangeRow("LR22.cyst.multi.growing", _MULTI_4B, C4B),
    CystChange.MORE_LOCULATION: ChangeRow("LR22.cyst.multi.loculation", _MULTI_4B, C4B),
    CystChange.OPACITY_NEW_OR_INCREASED: ChangeRow("LR22.cyst.multi.opacity", _MULTI_4B, C4B),
    CystChange.WALL_OR_NODULARITY_GROWING: ChangeRow(
        "product.cyst.multi.wall", "no row: multilocular cyst, growing wall", C4B, "cyst_wall"
    ),
    CystChange.BECAME_MULTILOCULAR: ChangeRow(
        "LR22.cyst.became_multilocular", "4A: cyst that becomes multilocular", C4A
    ),
}


@dataclass(frozen=True, slots=True)
class Management:
    """What follows from a category: text in our words, and months from the exam that was read."""

    text: str
    next_ct_months: Months | None = None


_4B_NEXT = (
    "Referral for clinical evaluation; diagnostic chest CT with or without contrast, PET/CT when a "
    "solid nodule or component is >= 8 mm, tissue sampling: by clinical evaluation, patient "
    "preference and probability of malignancy."
)
MANAGEMENT: dict[LungRads, Management] = {
    C1: Management("Annual screening LDCT in 12 months.", (12, 12)),
    C2: Management("Annual screening LDCT in 12 months.", (12, 12)),
    C3: Management("LDCT in 6 months.", (6, 6)),
    C4A: Management(
        "LDCT in 3 months; PET/CT may be considered when there is a solid nodule or "
        "solid component >= 8 mm.",
        (3, 3),
    ),
    C4B: Management(_4B_NEXT),
    C4X: Management(_4B_NEXT),
}


@dataclass(frozen=True, slots=True)
class ZeroCause:
    """A reason why an exam is incomplete (category 0)."""

    rule_id: str
    source_row: str
    management: Management


ZERO_PRIOR = ZeroCause(
    "LR22.0.prior",
    "0: prior chest CT being located for comparison",
    Management("Compare with the prior chest CT when it arrives, then categorise again."),
)
ZERO_LUNGS = ZeroCause(
    "LR22.0.lungs",
    "0: part or all of the lungs cannot be evaluated",
    Management("Additional screening CT imaging is needed."),
)
ZERO_INFECTION = ZeroCause(
    "LR22.0.infection",
    "0: findings suggest an inflammatory or infectious process",
    Management("LDCT in 1 to 3 months, then the most suspicious nodule is graded.", (1, 3)),
)


@dataclass(frozen=True, slots=True)
class Grade:
    """What one finding contributes; `category` None: not classified, or no longer there."""

    finding: str
    category: LungRads | None
    size_class: str | None = None
    measured: Measured | None = None
    growth: bool | None = None
    solid_ge8: bool = False
