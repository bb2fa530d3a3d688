"""Growth of one nodule between two exams: volume change, significance, doubling time.

Sources: BTS 2015 (Callister, Thorax 2015;70 Suppl 2) and NELSON for the 25 % gate and the doubling
time classes; VDT = t ln 2 / ln(V2/V1). A volume estimated from diameters is marked so and never
compared with a segmented one. A doubling time is given only for significant growth: never a
negative or infinite number, never one that is within measurement variability.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from triage.core.work import Json
from triage.rules.inputs import GrowthPair, Size, TimePoint
from triage.rules.intervals import Interval, exam_interval
from triage.rules.payload import read
from triage.rules.quantity import TENTH, WHOLE, half_up
from triage.rules.result import (
    Notes,
    Reason,
    Refusal,
    Result,
    ResultStatus,
    missing,
    refused,
)
from triage.rules.sizes import Measured, measure, sphere_volume_mm3
from triage.rules.words import NoduleType

EDITION = "Nodule growth (BTS 2015 volume change and doubling time)"
BTS = "BTS 2015, volume doubling time of solid nodules"
GATE = "BTS 2015 / NELSON: >= 25 % volume change is significant"
SIGNIFICANT_PERCENT = Decimal(25)
INFLAMMATORY_DAYS = Decimal(30)
THIN_MM = Decimal("1.5")
LN2 = Decimal(2).ln()


@dataclass(frozen=True, slots=True)
class VdtClass:
    """Doubling times up to and including `max_days` (D7: the more suspicious class)."""

    name: str
    max_days: Decimal | None
    management: str


VDT_CLASSES = (
    VdtClass("lt400", Decimal(400), "Doubling time below 400 days: further work-up."),
    VdtClass(
        "400_to_600",
        Decimal(600),
        "Doubling time 400 to 600 days: biopsy or surveillance, by preference.",
    ),
    VdtClass("gt600", None, "Doubling time above 600 days: discharge or surveillance."),
)
# (trend, vdt_class, management) where there is no doubling time to interpret.
NO_VDT = {
    "stable": ("not_growing", "Same size: no doubling time."),
    "decreased": ("not_growing", "Smaller than before: no doubling time."),
    "not_significant": (
        "not_significant",
        "Change below 25 %: within measurement variability, doubling time not interpreted.",
    ),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two volumes that may be compared, mm3, and where they come from."""

    before: Decimal
    now: Decimal
    source: str

    @property
    def percent(self) -> Decimal:
        """100 x (V2 - V1) / V1."""
        return 100 * (self.now - self.before) / self.before

    @property
    def trend(self) -> str:
        """``stable``, ``decreased``, ``not_significant`` or ``growing``."""
        if self.now == self.before:
            return "stable"
        if self.now < self.before:
            return "decreased"
        return "growing" if self.percent >= SIGNIFICANT_PERCENT else "not_significant"


def growth(payload: Mapping[str, object]) -> dict[str, Json]:
    """Growth of one nodule between two exams: JSON in, the result contract out.

    Parameters
    ----------
    payload : mapping
        ``{"current": {"size", "date", ...}, "prior": {...}, "interval", "type"}`` (`GrowthPair`).

    Returns
    -------
    dict
        The result contract; ``category`` is always null, growth is no category.

    Raises
    ------
    Unprocessable
        The payload is not a JSON object.
    """
    pair = read(payload, GrowthPair)
    return (compare(pair) if isinstance(pair, GrowthPair) else refused(EDITION, pair)).as_json()


def compare(pair: GrowthPair) -> Result:
    """Growth of one nodule, typed.

    Parameters
    ----------
    pair : GrowthPair

    Returns
    -------
    Result
        ``cannot_categorise`` with every reason when a size or the interval is missing, or one exam
        has only a volume and the other only a diameter.
    """
    reasons: list[Reason] = []
    now = _measured(pair.current.size, "current.size", reasons)
    before = _measured(pair.prior.size, "prior.size", reasons)
    interval = _interval(pair, reasons)
    if now and before and not (volumes := _comparable(now, before)):
        because = (
            "one exam has only a volume and the other only a diameter (or was not measured): "
            "volume and diameter are never mixed"
        )
        reasons.append(Refusal("volume_and_diameter", "prior.size", because).reason)
    if reasons or not now or not before or interval is None:
        return refused(EDITION, reasons)
    return _judged(pair, now, volumes, interval)


def _measured(size: Size | None, path: str, reasons: list[Reason]) -> Measured | None:
    try:
        if size is None:
            raise missing(path, f"the {path.replace('.', ' ')}")
        return measure(size, path, path.replace(".", " "))
    except Refusal as refusal:
        reasons.append(refusal.reason)
        return None


def _interval(pair: GrowthPair, reasons: list[Reason]) -> Interval | None:
    before, now = pair.prior.date, pair.current.date
    try:
        found = exam_interval(
            pair.interval, before, now, date_field="prior.date", interval_field="interval"
        )
        if found is None:
            raise missing("interval", "the interval (or both exam dates)")
    except Refusal as refusal:
        reasons.append(refusal.reason)
        return None
    return found


def _comparable(now: Measured, before: Measured) -> list[Pair]:
    """Segmented volumes first, then volumes estimated from diameters; never one of each."""
    pairs = []
    if now.exact_volume_mm3 is not None and before.exact_volume_mm3 is not None:
        pairs.append(Pair(before.exact_volume_mm3, now.exact_volume_mm3, "segmented"))
    if now.exact_mean_mm is not None and before.exact_mean_mm is not None:
        spheres = sphere_volume_mm3(before.exact_mean_mm), sphere_volume_mm3(now.exact_mean_mm)
        pairs.append(Pair(*spheres, "diameter_derived"))
    return pairs


def _judged(pair: GrowthPair, now: Measured, volumes: list[Pair], interval: Interval) -> Result:
    volume, notes = volumes[0], Notes()
    if len({both.trend == "growing" for both in volumes}) > 1:
        notes.ask("D5", "segmented volume and diameter do not agree on growth: volume is used")
    percent = half_up(volume.percent, TENTH)
    notes.say(
        "BTS15.volume_change",
        f"{percent} %, {volume.trend}",
        GATE,
        before=f"{half_up(volume.before, WHOLE)} mm3 ({volume.source})",
        now=f"{half_up(volume.now, WHOLE)} mm3 ({volume.source})",
        interval=interval.text,
    )
    if volume.percent == SIGNIFICANT_PERCENT:
        notes.ask("D6", "a change of exactly 25 % is read as significant")
    days, name, management = _doubling(pair, volume, interval, notes)
    caution = _caution(pair, notes)
    return Result(
        EDITION,
        ResultStatus.OK,
        management=management,
        mean_diameter_mm=now.mean_mm,
        volume_mm3=half_up(volume.now, WHOLE),
        volume_source=volume.source,
        growth=volume.trend == "growing",
        percent_change=percent,
        vdt_days=days,
        vdt_class=name,
        trend=volume.trend,
        caution=caution,
        needs_review=bool(notes.review),
        review=tuple(notes.review),
        trace=tuple(notes.trace),
    )


def doubling_days(volume: Pair, interval: Interval) -> Decimal:
    """VDT = t ln 2 / ln(V2/V1), t in whole days; V2 > V1."""
    days = half_up(interval.days, WHOLE)
    return days * LN2 / (volume.now / volume.before).ln()


def _doubling(
    pair: GrowthPair, volume: Pair, interval: Interval, notes: Notes
) -> tuple[Decimal | None, str | None, str]:
    if volume.trend != "growing":
        name, management = NO_VDT[volume.trend]
        notes.say("product.no_vdt", name, "product decision; 25 % gate: BTS 2015", vdt="none")
        return None, name, management
    days = doubling_days(volume, interval)
    shown = half_up(days, TENTH)
    if pair.type in (NoduleType.PART_SOLID, NoduleType.GROUND_GLASS):
        notes.say("BTS15.vdt", "no class: classes are for solid nodules", BTS, vdt=f"{shown} days")
        return shown, None, "Subsolid nodules grow slowly; doubling time classes do not apply."
    row = next(r for r in VDT_CLASSES if r.max_days is None or days <= r.max_days)
    if days == row.max_days:
        notes.ask("D7", f"a doubling time of exactly {row.max_days} days: more suspicious class")
    kind = pair.type.value if pair.type else None
    notes.say("BTS15.vdt", row.name, BTS, vdt=f"{shown} days", type=kind)
    usual = " Below 30 days is usually inflammatory." if days < INFLAMMATORY_DAYS else ""
    return shown, row.name, row.management + usual


def _caution(pair: GrowthPair, notes: Notes) -> bool | None:
    """True when either exam is thick or the two were made differently; None when not stated."""
    now, before = pair.current, pair.prior
    thick = [
        point.slice_thickness.value > THIN_MM for point in (now, before) if point.slice_thickness
    ]
    pairs = [_ways(now, before, name) for name in ("slice_thickness", "kernel", "vendor")]
    caution: bool | None = None
    if any(thick) or "differ" in pairs:
        caution = True
    elif len(thick) == 2 and "unknown" not in pairs:
        caution = False
    words = {True: "caution: wide interval", False: "no caution", None: "not fully stated"}
    notes.say(
        "product.acquisition",
        words[caution],
        "slices > 1.5 mm, or other thickness, kernel or vendor (Nietert 2009; product gate)",
        current=_way_text(now),
        prior=_way_text(before),
    )
    return caution


def _ways(now: TimePoint, before: TimePoint, name: str) -> str:
    a, b = getattr(now, name), getattr(before, name)
    if a is None or b is None:
        return "unknown"
    return "same" if getattr(a, "value", a) == getattr(b, "value", b) else "differ"


def _way_text(point: TimePoint) -> str:
    thickness = point.slice_thickness.typed if point.slice_thickness else "not stated"
    return f"thickness {thickness}, kernel {point.kernel}, vendor {point.vendor}"
