"""Typed quantities: a number *as typed* and its unit, in Decimal from end to end.

A quantity without a unit, with an unknown unit, or with a unit of the wrong dimension is refused;
nothing is converted by guess. Binary floats never take part: ``round(14.95, 1)`` is 14.9, and the
difference decides a Lung-RADS category.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

TENTH = Decimal("0.1")
WHOLE = Decimal("1")
DAYS_PER_YEAR = Decimal("365.25")
DAYS_PER_MONTH = DAYS_PER_YEAR / 12  # 30.4375 exactly


class Dimension(StrEnum):
    """What a unit measures; values are kept in mm, mm3 and days."""

    LENGTH = "length"
    VOLUME = "volume"
    TIME = "time"


BASE_UNIT = {Dimension.LENGTH: "mm", Dimension.VOLUME: "mm3", Dimension.TIME: "days"}

# The whole list: 1 ml = 1 cm3 = 1000 mm3. "mL", "Mm", "month" are not on it, on purpose.
UNITS: dict[str, tuple[Dimension, Decimal]] = {
    "mm": (Dimension.LENGTH, Decimal(1)),
    "cm": (Dimension.LENGTH, Decimal(10)),
    "mm3": (Dimension.VOLUME, Decimal(1)),
    "cm3": (Dimension.VOLUME, Decimal(1000)),
    "ml": (Dimension.VOLUME, Decimal(1000)),
    "days": (Dimension.TIME, Decimal(1)),
    "weeks": (Dimension.TIME, Decimal(7)),
    "months": (Dimension.TIME, DAYS_PER_MONTH),
    "years": (Dimension.TIME, DAYS_PER_YEAR),
}

# Beyond these no chest holds the thing: a slip of unit or finger, so refused.
LARGEST = {
    Dimension.LENGTH: Decimal(300),
    Dimension.VOLUME: Decimal(14_000_000),
    Dimension.TIME: 100 * DAYS_PER_YEAR,
}

# Below these a value is reported as zero, or an interval has no whole day.
SMALLEST = {
    Dimension.LENGTH: Decimal("0.01"),
    Dimension.VOLUME: Decimal("0.001"),
    Dimension.TIME: Decimal(1),
}

_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?")
_TEXT = re.compile(r"\s*(?P<value>[+-]?[0-9][0-9.,]*)\s*(?P<unit>[^\s0-9][^\s]*)?\s*")


class QuantityError(ValueError):
    """A quantity that is not one.

    Parameters
    ----------
    code : str
        ``unit_missing``, ``unit_unknown``, ``unit_dimension``, ``value_missing``,
        ``value_not_a_number``, ``value_not_positive``, ``value_too_small``, ``value_too_large``.
    message : str
        The X of "cannot categorise, because X".
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Quantity:
    """A positive (or zero, where allowed) amount.

    Attributes
    ----------
    value : Decimal
        In mm, mm3 or days.
    dimension : Dimension
    typed : str
        Number and unit as they were typed: ``"0.6 cm"``.
    """

    value: Decimal
    dimension: Dimension
    typed: str


def half_up(value: Decimal, step: Decimal) -> Decimal:
    """Round to a multiple of `step`, ties upward: 5.95 -> 6.0, 14.95 -> 15.0, 5.5 -> 6."""
    return value.quantize(step, rounding=ROUND_HALF_UP)


def is_tie(value: Decimal, step: Decimal) -> bool:
    """True when `value` lies exactly half-way between two multiples of `step`."""
    return (value / step) % 1 == Decimal("0.5")


def number(raw: object) -> Decimal:
    """A finite Decimal from what JSON gave: text, int, Decimal or float (by its shortest text).

    Raises
    ------
    QuantityError
        ``value_missing`` or ``value_not_a_number``: null, bool, NaN, infinity, ``"5,9"``.
    """
    if raw is None:
        raise QuantityError("value_missing", "the size or interval has no value")
    wrong = QuantityError("value_not_a_number", f"the value {raw!r:.40} is not a plain number")
    if isinstance(raw, bool) or not isinstance(raw, int | float | str | Decimal):
        raise wrong
    if isinstance(raw, str) and not _NUMBER.fullmatch(raw.strip()):
        raise wrong
    if isinstance(raw, int) and abs(raw) > 10**20:
        raise QuantityError("value_too_large", "the value is beyond anything measurable")
    value = Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
    if not value.is_finite():
        raise wrong
    return value


def _split(raw: object) -> tuple[object, object]:
    """Value and unit of ``{"value": 6.2, "unit": "mm"}``, ``"6.2 mm"`` or a bare number."""
    if isinstance(raw, Mapping):
        extra = sorted(str(key) for key in raw if key not in ("value", "unit"))
        if extra:
            raise QuantityError("unknown_field", f"the quantity has an unknown field {extra[0]!r}")
        return raw.get("value"), raw.get("unit")
    if isinstance(raw, str) and (match := _TEXT.fullmatch(raw)):
        return match["value"], match["unit"]
    return raw, None


def quantity(raw: object, dimension: Dimension, *, zero_allowed: bool = False) -> Quantity:
    """Read one typed quantity.

    Parameters
    ----------
    raw : object
        ``{"value": number or text, "unit": text}``, or one text ``"6.2 mm"``.
    dimension : Dimension
        What the field asks for; a volume unit in a length field is refused.
    zero_allowed : bool
        True only where zero says "none" (a solid component that is not there).

    Returns
    -------
    Quantity
        In mm, mm3 or days.

    Raises
    ------
    QuantityError
        With the code of the first thing wrong: value, then unit, then range.
    """
    raw_value, unit = _split(raw)
    value = number(raw_value)
    allowed = ", ".join(name for name, (kind, _) in UNITS.items() if kind is dimension)
    if unit is None or unit == "":
        raise QuantityError("unit_missing", f"the unit of {value} is missing (one of {allowed})")
    if not isinstance(unit, str) or unit not in UNITS:
        raise QuantityError("unit_unknown", f"the unit {unit!r:.20} is not one of {allowed}")
    kind, factor = UNITS[unit]
    if kind is not dimension:
        message = f"the unit {unit} measures {kind}, and {dimension} is asked for ({allowed})"
        raise QuantityError("unit_dimension", message)
    amount = value * factor
    check_range(amount, dimension, zero_allowed=zero_allowed)
    return Quantity(amount, dimension, f"{value} {unit}")


def check_range(amount: Decimal, dimension: Dimension, *, zero_allowed: bool = False) -> None:
    """Refuse what is not above 0, too small to be one, or above `LARGEST`."""
    base = BASE_UNIT[dimension]
    what = "interval" if dimension is Dimension.TIME else "size"
    if amount < 0 or (amount == 0 and not zero_allowed):
        raise QuantityError("value_not_positive", f"the {what} value {amount} {base} is not > 0")
    if 0 < amount < SMALLEST[dimension]:
        message = f"the {what} value {amount} {base} is below {SMALLEST[dimension]} {base}"
        raise QuantityError("value_too_small", message)
    if amount > LARGEST[dimension]:
        message = f"the {what} value {amount} {base} is above {LARGEST[dimension]}"
        raise QuantityError("value_too_large", message)
