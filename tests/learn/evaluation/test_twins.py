"""A model that fires at seams has no insertion score."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.learn.evaluation.worked import at, scan, truth
from triage.learn.evaluation.resample import draws_of
from triage.learn.evaluation.tables import ModelMarks, ScanKind, ScanTable, TruthKind
from triage.learn.evaluation.twins import TwinCheck, TwinVerdict, fires, twin_check

HOSTS = 12


def hosts(twins: int, background: int) -> list[ScanTable]:
    """Each with places 100 mm apart: twins first, then untouched ones."""
    rows = [truth(f"t{i}", TruthKind.TWIN, 100.0 * i, 8.0) for i in range(twins)]
    rows += [
        truth(f"b{i}", TruthKind.BACKGROUND, 100.0 * (twins + i), 8.0) for i in range(background)
    ]
    return [scan(f"h{i:02d}", *rows, kind=ScanKind.INSERTED) for i in range(HOSTS)]


def checked(
    twins: int, background: int, twin_fires: int, background_fires: int, p: float = 0.5
) -> TwinCheck:
    """The first so many hosts have a mark on their first twin and first untouched place."""
    scans = hosts(twins, background)
    marks = {
        s.scan: ([at(1.0, p)] if i < twin_fires else [])
        + ([at(100.0 * twins, p)] if i < background_fires else [])
        for i, s in enumerate(scans)
    }
    return twin_check(scans, ModelMarks("m", 0.4, marks), draws_of(scans, 0, 400))


# twins and places of each host, hosts where they fire -> verdict, ratio
VERDICTS = {
    "as often as elsewhere": ((4, 4, 6, 6), TwinVerdict.STANDS, 1.0),
    "one and a half times is accepted": ((4, 4, 9, 6), TwinVerdict.STANDS, 1.5),
    "more is not": ((4, 4, 10, 6), TwinVerdict.VOID, 10 / 6),
    "shares count, not counts": ((2, 4, 6, 6), TwinVerdict.VOID, 2.0),
    "twins fire and nothing else does": ((4, 4, 1, 0), TwinVerdict.VOID, None),
    "neither fires": ((4, 4, 0, 0), TwinVerdict.STANDS, None),
    "no twins": ((0, 4, 0, 6), TwinVerdict.NOT_CHECKED, None),
    "nothing to compare with": ((4, 0, 6, 0), TwinVerdict.NOT_CHECKED, None),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict(name: str) -> None:
    asked, verdict, ratio = VERDICTS[name]
    said = checked(*asked)
    assert said.verdict is verdict
    assert said.ratio.value == (None if ratio is None else pytest.approx(ratio))
    assert (said.twins_fired, said.background_fired) == asked[2:]
    assert ("VOID" in said.words) is (verdict is TwinVerdict.VOID)


def test_the_ratio_has_an_interval() -> None:
    ratio = checked(4, 4, 9, 9).ratio
    assert ratio.lower is None  # both fire in the same hosts: every draw says 1
    two = checked(4, 4, 10, 8).ratio
    assert two.lower is not None and two.upper is not None
    assert 1.0 <= two.lower < 1.25 < two.upper


def test_marks_below_the_operating_point_do_not_count() -> None:
    assert checked(4, 4, 12, 12, p=0.39).twins_fired == 0


def test_a_place_fires_within_its_radius_or_5_mm() -> None:
    small, large = (truth("t", TruthKind.TWIN, 0.0, d) for d in (4.0, 20.0))
    assert fires(small, [at(5.0, 0.5)], 0.5)
    assert not fires(small, [at(5.1, 0.5)], 0.5)
    assert fires(large, [at(10.0, 0.5)], 0.5)
    assert not fires(replace(large, center_lps_mm=(0.0, 0.0, 3.0)), [at(10.0, 0.5)], 0.5)
