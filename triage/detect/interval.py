"""How sure a size is: a range that holds the readers' mean in 19 of 20 nodules.

The table is what `triage bench measure` printed (its lines "for triage/detect/interval.py"). Each
number is 1.96 times the root mean square of the differences on the training cubes (by size, against
the mean of three or four LIDC readers, half a pixel taken off their outlines), with what thick
slices add on spheres of known size; or that on the spheres where it is wider (by slice distance,
type and size; isolated, on vessels and on the wall). Nothing was measured at slices farther apart
than 3 mm, so nothing is said there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from triage.core.finding import Interval, Measurement, Solidity

#: Upper ends of the classes: distance of the slices in mm, diameter of the sphere of equal volume.
SLICES_MM = (1.3, 3.0)
SIZES_MM = (6.0, 10.0, 20.0, float("inf"))


@dataclass(frozen=True, slots=True)
class Spread:
    """Half-widths for one class of nodules.

    Attributes
    ----------
    length_mm : float
        Either axis lies within this of the readers' mean.
    volume_factor : float
        The volume lies between itself divided and multiplied by this.
    """

    length_mm: float
    volume_factor: float


#: Rows: slice distance and type; columns: `SIZES_MM`.
SPREADS: dict[tuple[float, bool], tuple[Spread, ...]] = {
    (1.3, True): (Spread(2.5, 1.89), Spread(3.4, 2.09), Spread(5.5, 1.71), Spread(14.4, 1.96)),
    (1.3, False): (Spread(2.6, 2.84), Spread(3.4, 2.09), Spread(5.5, 1.71), Spread(14.4, 1.96)),
    (3.0, True): (Spread(2.5, 2.04), Spread(3.4, 2.1), Spread(5.5, 1.71), Spread(14.4, 1.96)),
    (3.0, False): (Spread(2.6, 2.84), Spread(3.9, 3.39), Spread(5.5, 1.72), Spread(14.4, 1.96)),
}


def spread_of(equivalent_mm: float, kind: Solidity | None, slice_mm: float) -> Spread | None:
    """Half-widths for a nodule; without a type, the wider of both.

    Parameters
    ----------
    equivalent_mm : float
        Diameter of the sphere of equal volume.
    kind : Solidity or None
    slice_mm : float
        Distance of the slices.

    Returns
    -------
    Spread or None
        None for slices farther apart than any that were measured.
    """
    rows = [limit for limit in SLICES_MM if slice_mm <= limit]
    if not rows:
        return None
    column = next(i for i, limit in enumerate(SIZES_MM) if equivalent_mm < limit)
    types = (True, False) if kind is None else (kind is Solidity.SOLID,)
    found = [SPREADS[rows[0], is_solid][column] for is_solid in types]
    return Spread(max(f.length_mm for f in found), max(f.volume_factor for f in found))


def with_intervals(size: Measurement, kind: Solidity | None, slice_mm: float) -> Measurement:
    """Return a size with its intervals; each stays None where nothing is known.

    Parameters
    ----------
    size : Measurement
    kind : Solidity or None
    slice_mm : float
        Distance of the slices.
    """
    volume = size.volume_mm3
    mean_mm = (size.long_mm + size.short_mm) / 2
    equivalent_mm = mean_mm if volume is None else float(np.cbrt(volume * 6 / np.pi))
    spread = spread_of(equivalent_mm, kind, slice_mm)
    if spread is None:
        return size
    factor = spread.volume_factor
    return replace(
        size,
        long_interval_mm=_around(size.long_mm, spread.length_mm),
        short_interval_mm=_around(size.short_mm, spread.length_mm),
        volume_interval_mm3=(
            None if volume is None else (round(volume / factor, 1), round(volume * factor, 1))
        ),
    )


def _around(value: float, half: float) -> Interval:
    return round(max(value - half, 0.0), 1), round(value + half, 1)
