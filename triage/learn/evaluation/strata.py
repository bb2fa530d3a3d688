"""Kinds of nodules and scans that are looked at on their own.

The edges are fixed, so that two reports can be compared: size at the Lung-RADS steps for solid
nodules (6, 8, 15 mm), texture by the LIDC rating, slice thickness at 1.25 and 2.5 mm. Noise has no
natural edge: scans are parted at their median, which is printed. Host is what a nodule hangs on,
lung whose lung it was put into. A stratum of scans (thickness, noise, lung) counts false marks of
its own scans only; one of nodules (size, texture, host) those of all.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from triage.learn.evaluation.curve import Which
from triage.learn.evaluation.tables import ScanTable, Truth

OfScan: TypeAlias = Callable[[ScanTable], bool]


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the data.

    Attributes
    ----------
    kind, name : str
        E.g. ``size``, ``6 to 8 mm``.
    nodule : callable
        Whether a nodule belongs.
    scan : callable
        Whether a scan, with its false marks, belongs.
    """

    kind: str
    name: str
    nodule: Which
    scan: OfScan


def _any_scan(_: ScanTable) -> bool:
    return True


def _any_nodule(_: ScanTable, __: Truth) -> bool:
    return True


def _sized(name: str, low: float, high: float) -> Stratum:
    def belongs(_: ScanTable, truth: Truth) -> bool:
        return truth.diameter_mm is not None and low <= truth.diameter_mm < high

    return Stratum("size", name, belongs, _any_scan)


def _textured(name: str, low: float, high: float) -> Stratum:
    def belongs(_: ScanTable, truth: Truth) -> bool:
        return truth.texture is not None and low <= truth.texture < high

    return Stratum("texture", name, belongs, _any_scan)


def _sliced(name: str, low: float, high: float) -> Stratum:
    def belongs(scan: ScanTable) -> bool:
        return scan.slice_mm is not None and low < scan.slice_mm <= high

    return Stratum("thickness", name, _any_nodule, belongs)


_INF = float("inf")
#: Nodules a Lung-RADS reader must not miss.
AT_LEAST_6_MM = _sized("6 mm and more", 6.0, _INF)
FIXED = (
    _sized("under 6 mm", 0.0, 6.0),
    _sized("6 to 8 mm", 6.0, 8.0),
    _sized("8 to 15 mm", 8.0, 15.0),
    _sized("15 mm and more", 15.0, _INF),
    _textured("ground glass (rating under 2.5)", 0.0, 2.5),
    _textured("part solid (2.5 to 3.5)", 2.5, 3.5),
    _textured("solid (3.5 and more)", 3.5, _INF),
    Stratum("texture", "not rated", lambda _, truth: truth.texture is None, _any_scan),
    _sliced("up to 1.25 mm", 0.0, 1.25),
    _sliced("1.25 to 2.5 mm", 1.25, 2.5),
    _sliced("over 2.5 mm", 2.5, _INF),
    Stratum("thickness", "not known", _any_nodule, lambda scan: scan.slice_mm is None),
)


def strata_of(scans: Sequence[ScanTable]) -> list[Stratum]:
    """All strata of some scans, those without any scan or nodule included."""
    return [*FIXED, *_noise(scans), *_hosts(scans), *_lungs(scans)]


def _noise(scans: Sequence[ScanTable]) -> list[Stratum]:
    known = [s.noise_hu for s in scans if s.noise_hu is not None]
    unknown = Stratum("noise", "not measured", _any_nodule, lambda scan: scan.noise_hu is None)
    if not known:
        return [unknown]
    edge = statistics.median(known)
    quiet = Stratum("noise", f"up to the median, {edge:.1f} HU", _any_nodule, _up_to(edge))
    loud = Stratum("noise", f"over {edge:.1f} HU", _any_nodule, _over(edge))
    return [quiet, loud] + ([unknown] if len(known) < len(scans) else [])


def _up_to(edge: float) -> OfScan:
    return lambda scan: scan.noise_hu is not None and scan.noise_hu <= edge


def _over(edge: float) -> OfScan:
    return lambda scan: scan.noise_hu is not None and scan.noise_hu > edge


def _hosts(scans: Sequence[ScanTable]) -> list[Stratum]:
    names = sorted({t.hangs_on for s in scans for t in s.truths if t.hangs_on})
    return [Stratum("host", name, _on(name), _any_scan) for name in names]


def _on(name: str) -> Which:
    return lambda _, truth: truth.hangs_on == name


def _lungs(scans: Sequence[ScanTable]) -> list[Stratum]:
    names = sorted({s.lung for s in scans if s.lung})
    return [Stratum("lung", name, _any_nodule, _in_lung(name)) for name in names]


def _in_lung(name: str) -> OfScan:
    return lambda scan: scan.lung == name
