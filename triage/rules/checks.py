"""What contradicts itself: refused before anything is graded (clinical rules, section 5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from triage.rules.inputs import ComponentSize, Exam, Finding, Size
from triage.rules.lungrads_growth import interval_of
from triage.rules.result import Reason, Refusal
from triage.rules.sizes import Measured, is_zero, larger, measure
from triage.rules.words import FindingStatus, Kind, NoduleType, PriorCt


def contradictions(finding: Finding, exam: Exam, path: str) -> list[Reason]:
    """Every contradiction inside one finding, and between it and its exam.

    Parameters
    ----------
    finding : Finding
    exam : Exam
    path : str
        ``findings[0]``, for the reasons.

    Returns
    -------
    list of Reason
        Empty when there is none. Missing inputs are not contradictions and are not listed.
    """
    found: list[Reason] = []
    for check in _CHECKS:
        try:
            found += [refusal.reason for refusal in check(finding, exam, path)]
        except Refusal as refusal:
            found.append(refusal.reason)
    return [reason for reason in dict.fromkeys(found) if reason.code != "missing"]


def duplicate_ids(findings: Sequence[Finding]) -> list[Reason]:
    """Two findings with one id cannot be told apart in a report."""
    counts = Counter(name_of(finding, index) for index, finding in enumerate(findings))
    return [
        Refusal("id_twice", "findings", f"the finding id {name!r:.60} is used {count} times").reason
        for name, count in counts.items()
        if count > 1
    ]


def name_of(finding: Finding, index: int) -> str:
    """Its id, or its place in the list when it has none."""
    return finding.id or f"findings[{index}]"


def _measured(size: Size | ComponentSize | None, path: str, what: str) -> Measured | None:
    try:
        return measure(size, path, what) if size else None
    except Refusal as refusal:
        if refusal.reason.code == "missing":
            return None
        raise


def _sizes(finding: Finding, exam: Exam, path: str) -> Iterator[Refusal]:
    whole = _measured(finding.size, f"{path}.size", "size")
    yield from _component(finding.type, finding.solid_component, whole, path)


def _prior_sizes(finding: Finding, exam: Exam, path: str) -> Iterator[Refusal]:
    if finding.prior:
        whole = _measured(finding.prior.size, f"{path}.prior.size", "prior size")
        prior = finding.prior
        yield from _component(prior.type, prior.solid_component, whole, f"{path}.prior")


def _component(
    kind: NoduleType | None, part: ComponentSize | None, whole: Measured | None, path: str
) -> Iterator[Refusal]:
    if part is None:
        return
    field = f"{path}.solid_component"
    measured = _measured(part, field, "solid component size")
    stated = [q.value for q in (part.long, part.short, part.mean, part.volume) if q]
    if kind in (NoduleType.SOLID, NoduleType.GROUND_GLASS) and any(stated):
        because = f"a {kind.value} nodule has no separate solid component, and one is given"
        yield Refusal("solid_component_contradicts_type", field, because)
    if kind is NoduleType.PART_SOLID and stated and not all(stated):
        because = "the solid component size of a part-solid nodule is not above 0"
        yield Refusal("value_not_positive", field, because)
    if measured and whole and not is_zero(part) and larger(measured, whole):
        because = "the solid component is larger than the whole nodule"
        yield Refusal("solid_component_larger", field, because)


def _status(finding: Finding, exam: Exam, path: str) -> Iterator[Refusal]:
    status, prior = finding.status, finding.prior
    first = status in (FindingStatus.BASELINE, FindingStatus.NEW)
    if first and prior and (prior.size or prior.solid_component):
        because = f"the status is {status} and a prior size of the same finding is given"
        yield Refusal("status_contradicts_prior", f"{path}.status", because)
    compared = status is not None and status is not FindingStatus.BASELINE
    if compared and exam.prior_ct is PriorCt.NONE:
        because = f"the status is {status} and there is no prior CT (prior_ct none)"
        yield Refusal("status_contradicts_prior_ct", f"{path}.status", because)
    if first and finding.slow_growth:
        because = f"slow growth is asserted (growth trend) and the status is {status}"
        yield Refusal("trend_contradicts_status", f"{path}.slow_growth", because)


def _trend(finding: Finding, exam: Exam, path: str) -> Iterator[Refusal]:
    if not finding.slow_growth or finding.prior is None:
        return
    now = _measured(finding.size, f"{path}.size", "size")
    before = _measured(finding.prior.size, f"{path}.prior.size", "prior size")
    if now and before and _smaller(now, before):
        because = "slow growth is asserted (growth trend) and the nodule is smaller than before"
        yield Refusal("trend_contradicts_size", f"{path}.slow_growth", because)


def _smaller(now: Measured, before: Measured) -> bool:
    pairs = ((now.mean_mm, before.mean_mm), (now.volume_mm3, before.volume_mm3))
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    return bool(known) and all(a < b for a, b in known)


def _dates(finding: Finding, exam: Exam, path: str) -> Iterator[Refusal]:
    if finding.prior:
        interval_of(finding.prior, exam, path)
    yield from ()


def _kind(finding: Finding, exam: Exam, path: str) -> Iterator[Refusal]:
    """Details of one kind of finding on another."""
    for field, kind in (("airway", Kind.AIRWAY), ("cyst", Kind.CYST)):
        if getattr(finding, field) is not None and finding.kind not in (kind, None):
            because = f"the finding is called {finding.kind} and carries details of kind {kind}"
            yield Refusal("kind_contradicts", f"{path}.{field}", because)


_CHECKS: tuple[Callable[[Finding, Exam, str], Iterator[Refusal]], ...] = (
    _sizes, _prior_sizes, _status, _trend, _dates, _kind,
)  # fmt: skip
