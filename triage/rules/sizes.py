"""From typed sizes to the numbers the tables ask for; contradictions inside one size are refused.

Lung-RADS v2022: each axis to 0.1 mm, their mean to 0.1 mm, volume to whole mm3. Fleischner 2017:
the mean of the axes as typed, rounded once to whole mm. Ties go up (D20).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from triage.rules.inputs import ComponentSize, Size
from triage.rules.quantity import TENTH, WHOLE, Quantity, half_up, is_tie
from triage.rules.result import Refusal, missing

PI = Decimal("3.14159265358979323846")
MEAN_TOLERANCE_MM = Decimal("0.1")
THREE_MM = Decimal(3)


@dataclass(frozen=True, slots=True)
class Point:
    """One measure of a size, in the unit of its table column (``mm`` or ``mm3``)."""

    value: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Measured:
    """One size, measured.

    Attributes
    ----------
    long_mm, short_mm : Decimal or None
        Axes as typed, mm.
    exact_mean_mm : Decimal or None
        Mean of the axes as typed (or the typed mean), mm, not rounded.
    mean_mm : Decimal or None
        Lung-RADS mean: axes to 0.1 mm, mean to 0.1 mm.
    tie : bool
        True when the last rounding of `mean_mm` was an exact tie.
    exact_volume_mm3, volume_mm3 : Decimal or None
        Segmented volume as typed, and to whole mm3.
    at_most_3_mm : bool
        Called "<= 3 mm" and not measured.
    """

    long_mm: Decimal | None = None
    short_mm: Decimal | None = None
    exact_mean_mm: Decimal | None = None
    mean_mm: Decimal | None = None
    tie: bool = False
    exact_volume_mm3: Decimal | None = None
    volume_mm3: Decimal | None = None
    at_most_3_mm: bool = False

    @property
    def points(self) -> tuple[Point, ...]:
        """The Lung-RADS measures at hand: mean diameter, volume, or both."""
        mean = THREE_MM if self.at_most_3_mm and self.mean_mm is None else self.mean_mm
        found = ((mean, "mm"), (self.volume_mm3, "mm3"))
        return tuple(Point(value, unit) for value, unit in found if value is not None)

    @property
    def text(self) -> str:
        """For a trace: ``6.0 mm (6.2 x 5.7 mm), 113 mm3``."""
        parts = []
        if self.mean_mm is not None:
            axes = f" ({self.long_mm} x {self.short_mm} mm)" if self.long_mm is not None else ""
            parts.append(f"{self.mean_mm} mm{axes}")
        if self.volume_mm3 is not None:
            parts.append(f"{self.volume_mm3} mm3")
        return ", ".join(parts) or "<= 3 mm, not measured"


def measure(size: Size | ComponentSize, field: str, what: str = "size") -> Measured:
    """Turn a typed size into numbers.

    Parameters
    ----------
    size : Size or ComponentSize
    field : str
        Its path, for refusals.
    what : str
        Its name in words: ``size``, ``solid component size``, ``prior size``.

    Raises
    ------
    Refusal
        ``missing`` (no size, or one axis of two), ``short_axis_longer``, ``mean_contradicts_axes``.
    """
    _check_axes(size, field, what)
    exact, shown = _means(size, field, what)
    volume = size.volume.value if size.volume else None
    tiny = isinstance(size, Size) and size.at_most_3_mm is True
    if exact is None and volume is None and not tiny:
        raise missing(field, f"the {what}")
    return Measured(
        long_mm=_value(size.long),
        short_mm=_value(size.short),
        exact_mean_mm=exact,
        mean_mm=None if shown is None else half_up(shown, TENTH),
        tie=shown is not None and is_tie(shown, TENTH),
        exact_volume_mm3=volume,
        volume_mm3=None if volume is None else half_up(volume, WHOLE),
        at_most_3_mm=tiny,
    )


def _value(quantity: Quantity | None) -> Decimal | None:
    return quantity.value if quantity else None


def _check_axes(size: Size | ComponentSize, field: str, what: str) -> None:
    if (size.long is None) != (size.short is None):
        axis = "long" if size.long is None else "short"
        raise missing(f"{field}.{axis}", f"the {axis} axis of the {what}")
    if size.long and size.short and size.short.value > size.long.value:
        because = f"the short axis of the {what} is longer than the long axis"
        raise Refusal("short_axis_longer", f"{field}.short", f"{because} ({field})")
    if isinstance(size, Size) and size.at_most_3_mm and (size.long or size.mean or size.volume):
        because = f"the {what} is called not measured (<= 3 mm) and measured at the same time"
        raise Refusal("size_contradicts", f"{field}.at_most_3_mm", because)


def _means(
    size: Size | ComponentSize, field: str, what: str
) -> tuple[Decimal | None, Decimal | None]:
    """Exact mean, and the mean of the axes at 0.1 mm before its own rounding."""
    stated = _value(size.mean)
    if size.long is None or size.short is None:
        return stated, stated
    exact = (size.long.value + size.short.value) / 2
    if stated is not None and abs(stated - exact) > MEAN_TOLERANCE_MM:
        because = f"the stated mean of the {what}, {stated} mm, is not that of its axes, {exact} mm"
        raise Refusal("mean_contradicts_axes", f"{field}.mean", because)
    axes = half_up(size.long.value, TENTH) + half_up(size.short.value, TENTH)
    return exact, axes / 2


def is_zero(size: ComponentSize) -> bool:
    """True when every stated measure is zero: "there is no solid component"."""
    stated = [q.value for q in (size.long, size.short, size.mean, size.volume) if q]
    return bool(stated) and not any(stated)


def larger(part: Measured, whole: Measured) -> bool:
    """True when a part exceeds its whole in any measure that both have."""
    pairs = (
        (part.long_mm, whole.long_mm),
        (part.mean_mm, whole.mean_mm),
        (part.volume_mm3, whole.volume_mm3),
    )
    return any(a is not None and b is not None and a > b for a, b in pairs)


def sphere_volume_mm3(diameter_mm: Decimal) -> Decimal:
    """pi/6 d^3 in mm3: an estimate, never to be mixed with a segmented volume."""
    return PI / 6 * diameter_mm**3
