"""Whether the numbers of a scan can be a chest in Hounsfield units at all.

A wrong rescale intercept makes pictures that look right at another window and give a detector
nothing it knows; metal makes streaks. What cannot be a chest is refused, what is odd is told.
"""

from __future__ import annotations

import numpy as np

from triage.detect.lungs import MARGIN_MM, RIM_MM, BoolArray, Coarse, Float32Array, lung_air
from triage.errors import GeometryRefused

#: Full breath of the largest lungs is about 9 litres; more is the room or a shifted scale.
MOST_ML = 12_000.0
LEAST_ML = 500.0
#: What a forgotten intercept moves the values by, either way.
USUAL_SHIFT_HU = 1024
#: Muscle, blood and fat around the lungs; in five real scans the median is 31 to 56 HU.
TISSUE_HU = (-150.0, 150.0)
#: Denser than any bone. Undiluted contrast in a vein reaches it too, up to 10 ml of it in one of
#: five real scans; an implant is larger.
METAL_HU = 2500
METAL_ML = 15.0


def check_lungs(coarse: Coarse, air: BoolArray) -> None:
    """Refuse a series whose lungs were not found, or cannot be lungs.

    Parameters
    ----------
    coarse : Coarse
    air : ndarray of bool, shape (z, y, x)
        What `lung_air` took for lung in it.

    Raises
    ------
    GeometryRefused
        Code ``no_lung_found`` or ``implausible_lung``.
    """
    if not air.any():
        raise GeometryRefused(
            f"no lung was found in this series; nothing was looked at{_shift_hint(coarse)}",
            code="no_lung_found",
        )
    volume_ml = _ml(air, coarse)
    if volume_ml > MOST_ML:
        raise GeometryRefused(
            f"what looks like lung holds {volume_ml / 1e3:.1f} litres, more than any chest: "
            "the values may be no Hounsfield units; nothing was looked at",
            code="implausible_lung",
        )


def oddities(coarse: Coarse, distance_mm: Float32Array) -> tuple[tuple[str, str], ...]:
    """What a reader should know of the numbers of this scan.

    Parameters
    ----------
    coarse : Coarse
    distance_mm : ndarray, shape (z, y, x)
        To the lung, on the same grid.

    Returns
    -------
    tuple of (code, message)
    """
    told = []
    around = coarse.hu[(distance_mm > RIM_MM) & (distance_mm <= MARGIN_MM)]
    median = float(np.median(around)) if around.size else 0.0
    if not TISSUE_HU[0] <= median <= TISSUE_HU[1]:
        message = (
            f"what surrounds the lungs measures {median:.0f} HU in the middle, soft tissue "
            "measures about 40: the rescale to Hounsfield units may be wrong"
        )
        told.append(("implausible_hu", message))
    metal_ml = _ml(coarse.hu >= METAL_HU, coarse)
    if metal_ml >= METAL_ML:
        message = (
            f"{metal_ml:.0f} ml are denser than {METAL_HU} HU (metal): its streaks can hide "
            "nodules or look like them"
        )
        told.append(("metal", message))
    return tuple(told)


def _shift_hint(coarse: Coarse) -> str:
    """Whether there would be lungs if the usual intercept had been forgotten, or taken twice."""
    for shift in (USUAL_SHIFT_HU, -USUAL_SHIFT_HU):
        moved = (coarse.hu.astype(np.int32) - shift).clip(-32768, 32767).astype(np.int16)
        air, touches_side = lung_air(moved, coarse.spacing_mm)
        if not touches_side and LEAST_ML <= _ml(air, coarse) <= MOST_ML:
            way = "too high" if shift > 0 else "too low"
            return f" (there are lungs if all values are {abs(shift)} HU {way}: see the rescale)"
    return ""


def _ml(mask: BoolArray, coarse: Coarse) -> float:
    return float(np.count_nonzero(mask) * coarse.spacing_mm.prod() / 1e3)
