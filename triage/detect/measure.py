"""Axes, volume, solid part and proposed texture of a candidate, on the original voxels.

What cannot be measured is None, never a made-up number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage

from triage.core.finding import Candidate, Measurement, Solidity
from triage.core.volume import Volume
from triage.detect.axes import axes
from triage.detect.fill import solid_part, volume_mm3
from triage.detect.interval import with_intervals
from triage.detect.segment import Segment, segment_nodule

#: The detector's size and the measured one may differ by this factor; beyond, one of them is wrong.
DISAGREE = 2.0
LEAST_MM = 2.0
#: Denser than this is solid tissue; its share of the inside makes the texture. Between the ranges
#: nothing is proposed. Set on 104 training cubes against the mean texture rating of the readers.
SOLID_HU = -300.0
SOLID_SHARE = 0.75
PART_SOLID_SHARE = (0.2, 0.6)
GROUND_GLASS_SHARE = 0.05
GROUND_GLASS_MEDIAN_HU = -450.0
#: A solid nodule whose surroundings are so much denser than lung may be part-solid: ask the reader.
UNSURE_HALO_HU = 100.0
#: Part-solid cannot be told reliably in smaller nodules (clinical_rules.md 2.4).
PART_SOLID_LEAST_MM = 6.0
#: Names of a `Measurement` as rows, JSON and the HTTP contract have them.
MORE_SIZES = ("volume_mm3", "solid_long_mm", "solid_short_mm", "solid_volume_mm3")
INTERVALS = ("long_interval_mm", "short_interval_mm", "volume_interval_mm3")


@dataclass(frozen=True, slots=True)
class Sizing:
    """What could be said of a candidate's size and texture."""

    measurement: Measurement | None
    solidity: Solidity | None


def measure(volume: Volume, candidate: Candidate) -> Sizing:
    """Measure one candidate.

    Parameters
    ----------
    volume : Volume
        The scan on its original voxels.
    candidate : Candidate

    Returns
    -------
    Sizing
        Either part is None when it cannot be told.
    """
    segment = segment_nodule(volume, candidate)
    if segment is None:
        return Sizing(None, None)
    found = axes(segment)
    if found is None or not _plausible(found[0], candidate.diameter_mm):
        return Sizing(None, None)
    long_mm, short_mm, long_ends, short_ends = found
    filled_mm3 = volume_mm3(segment)
    size = Measurement(
        long_mm, short_mm, long_ends, short_ends,
        volume_mm3=None if filled_mm3 is None else round(filled_mm3, 1),
    )  # fmt: skip
    kind = texture(segment, long_mm)
    if kind is Solidity.PART_SOLID:
        size = _with_solid_part(size, segment)
    return Sizing(with_intervals(size, kind, volume.spacing_zyx_mm[0]), kind)


def _with_solid_part(size: Measurement, segment: Segment) -> Measurement:
    """With axes and volume of the solid part, if it can be told and fits into the nodule."""
    part = solid_part(segment)
    found = axes(part[0]) if part else None
    if part is None or found is None or found[0] > size.long_mm:
        return size
    return replace(
        size,
        solid_long_mm=found[0],
        solid_short_mm=found[1],
        solid_volume_mm3=round(part[1], 1),
    )


def as_plain(size: Measurement | None) -> dict[str, Any]:
    """Sizes and intervals by their names in the HTTP contract; all None without a measurement."""
    names = ("long_mm", "short_mm", *MORE_SIZES)
    plain: dict[str, Any] = {name: getattr(size, name, None) for name in names}
    for name in INTERVALS:
        interval = getattr(size, name, None)
        plain[name] = None if interval is None else list(interval)
    return plain


def texture(segment: Segment, long_mm: float) -> Solidity | None:
    """Proposed texture by the share of solid tissue inside; None when the densities do not say.

    Parameters
    ----------
    segment : Segment
    long_mm : float
        Measured long axis.

    Returns
    -------
    Solidity or None
    """
    inside = ndimage.binary_erosion(segment.mask)
    values = segment.window.hu[inside if inside.sum() >= 10 else segment.mask]
    share, median = float(np.mean(values > SOLID_HU)), float(np.median(values))
    if share >= SOLID_SHARE:
        return Solidity.SOLID if segment.halo_hu < UNSURE_HALO_HU else None
    if share <= GROUND_GLASS_SHARE and median <= GROUND_GLASS_MEDIAN_HU:
        return Solidity.GROUND_GLASS
    # Where glass was seen around a solid part, a smaller part is enough.
    least = GROUND_GLASS_SHARE if segment.has_glass else PART_SOLID_SHARE[0]
    is_part = least <= share <= PART_SOLID_SHARE[1]
    return Solidity.PART_SOLID if is_part and long_mm >= PART_SOLID_LEAST_MM else None


def _plausible(long_mm: float, diameter_mm: float) -> bool:
    return long_mm >= LEAST_MM and 1.0 / DISAGREE <= long_mm / diameter_mm <= DISAGREE
