"""Fleischner Society 2017 (MacMahon et al., Radiology 2017;284:228-243), Table 1 as literal rows.

Bins are on the mean of long and short axis, rounded once to whole mm (half up): below 6 is 5 or
less, 6 to 8 is 6, 7, 8, above 8 is 9 or more. Volumes: < 100, 100 to 250, > 250 mm3.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from triage.rules.result import Months
from triage.rules.words import Risk

EDITION = "Fleischner Society 2017"
TABLE = "Fleischner 2017, Table 1"
MIN_AGE_YEARS = 35
THICK_SLICE_MM = Decimal("1.5")
GROWTH_MM = Decimal(2)
COMPONENT_ASK_MM = Decimal(6)
COMPONENT_SUSPICIOUS_MM = Decimal(8)


@dataclass(frozen=True, slots=True)
class Bin:
    """A size column: whole mm `low_mm`..`high_mm` and mm3 `low_mm3`..`high_mm3`, None is open.

    ``low_mm3`` is inclusive, or exclusive with `above`; ``high_mm3`` is exclusive below 100 and
    inclusive at 250.
    """

    name: str
    low_mm: int
    high_mm: int | None
    low_mm3: int
    high_mm3: int | None
    high_inclusive: bool = False
    low_exclusive: bool = False

    def holds_mm(self, whole_mm: Decimal) -> bool:
        """True when the rounded mean lies in the column."""
        return self.low_mm <= whole_mm and (self.high_mm is None or whole_mm <= self.high_mm)

    def holds_mm3(self, volume: Decimal) -> bool:
        """True when the volume lies in the column."""
        above = volume > self.low_mm3 if self.low_exclusive else volume >= self.low_mm3
        if self.high_mm3 is None:
            return above
        return above and (
            volume <= self.high_mm3 if self.high_inclusive else volume < self.high_mm3
        )


SOLID_BINS = (
    Bin("lt6", 0, 5, 0, 100),
    Bin("6_to_8", 6, 8, 100, 250, high_inclusive=True),
    Bin("gt8", 9, None, 250, None, low_exclusive=True),
)
SUBSOLID_BINS = (Bin("lt6", 0, 5, 0, 100), Bin("ge6", 6, None, 100, None))


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of Table 1.

    Attributes
    ----------
    source_row : str
    management : str
        In our words.
    next_ct_months, later_ct_months : pair of int or None
    next_optional, later_optional : bool or None
        The guideline says "consider" or "optional".
    """

    source_row: str
    management: str
    next_ct_months: Months | None = None
    next_optional: bool | None = None
    later_ct_months: Months | None = None
    later_optional: bool | None = None


_NONE = "No routine follow-up."
_OPTIONAL_12 = "CT at 12 months is optional."
_GT8 = "Consider CT at 3 months, PET/CT or tissue sampling."
_6_12_CONSIDER = "CT at 6 to 12 months, then consider CT at 18 to 24 months."
_6_12_THEN = "CT at 6 to 12 months, then CT at 18 to 24 months."
_3_6_CONSIDER = "CT at 3 to 6 months, then consider CT at 18 to 24 months."
_3_6_THEN = "CT at 3 to 6 months, then CT at 18 to 24 months."
LOW, HIGH = Risk.LOW, Risk.HIGH
_18_24 = (18, 24)

# category -> risk -> cell; risk None: both columns say the same, risk is not needed.
CELLS: dict[str, dict[Risk | None, Cell]] = {
    "solid_single_lt6": {
        LOW: Cell("solid, single, < 6 mm, low risk", _NONE),
        HIGH: Cell("solid, single, < 6 mm, high risk", _OPTIONAL_12, (12, 12), True),
    },
    "solid_single_6to8": {
        LOW: Cell("solid, single, 6-8 mm, low risk", _6_12_CONSIDER, (6, 12), False, _18_24, True),
        HIGH: Cell("solid, single, 6-8 mm, high risk", _6_12_THEN, (6, 12), False, _18_24, False),
    },
    "solid_single_gt8": {None: Cell("solid, single, > 8 mm", _GT8, (3, 3), True)},
    "solid_multiple_lt6": {
        LOW: Cell("solid, multiple, < 6 mm, low risk", _NONE),
        HIGH: Cell("solid, multiple, < 6 mm, high risk", _OPTIONAL_12, (12, 12), True),
    },
    "solid_multiple_6to8": {
        LOW: Cell("solid, multiple, 6-8 mm, low risk", _3_6_CONSIDER, (3, 6), False, _18_24, True),
        HIGH: Cell("solid, multiple, 6-8 mm, high risk", _3_6_THEN, (3, 6), False, _18_24, False),
    },
    "solid_multiple_gt8": {
        LOW: Cell("solid, multiple, > 8 mm, low risk", _3_6_CONSIDER, (3, 6), False, _18_24, True),
        HIGH: Cell("solid, multiple, > 8 mm, high risk", _3_6_THEN, (3, 6), False, _18_24, False),
    },
    "ggn_single_lt6": {
        None: Cell(
            "ground glass, single, < 6 mm",
            "No routine follow-up; for selected suspicious nodules close to 6 mm consider CT at 2 "
            "and 4 years.",
        )
    },
    "ggn_single_ge6": {
        None: Cell(
            "ground glass, single, >= 6 mm",
            "CT at 6 to 12 months to confirm persistence, then CT every 2 years until 5 years.",
            (6, 12), False, (24, 60), False,
        )
    },
    "part_solid_single_lt6": {
        None: Cell(
            "part-solid, single, < 6 mm",
            "No routine follow-up; below 6 mm a part-solid nodule cannot be called reliably.",
        )
    },
    "part_solid_single_ge6": {
        None: Cell(
            "part-solid, single, >= 6 mm",
            "CT at 3 to 6 months to confirm persistence; when unchanged and the solid component is "
            "< 6 mm, CT every year for 5 years. A persistent solid component >= 6 mm is highly "
            "suspicious. A growing component, very suspicious morphology or a component > 8 mm: "
            "PET/CT, biopsy or resection.",
            (3, 6), False, (12, 60), False,
        )
    },
    "subsolid_multiple_lt6": {
        None: Cell(
            "subsolid, multiple, < 6 mm",
            "CT at 3 to 6 months; when stable consider CT at 2 and 4 years.",
            (3, 6), False, (24, 48), True,
        )
    },
    "subsolid_multiple_ge6": {
        None: Cell(
            "subsolid, multiple, >= 6 mm",
            "CT at 3 to 6 months, then by the most suspicious nodule.",
            (3, 6), False,
        )
    },
}  # fmt: skip
BENIGN = Cell("benign calcification, fat, typical intrapulmonary lymph node", _NONE)
