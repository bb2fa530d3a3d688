"""Tables from which no honest figure can come are refused, each by its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.learn.evaluation.worked import MARKS, MODEL, NODULE, SCANS, A, B, at, scan, truth
from triage.errors import Unprocessable
from triage.learn.evaluation.tables import Mark, ModelMarks, ScanKind, ScanTable, Truth, check

NAN = float("nan")
BOX = ((-60.0, -10.0, -10.0), (310.0, 10.0, 10.0))


def with_mark(mark: Mark) -> ModelMarks:
    return replace(MODEL, marks={**MARKS, "B": (*MARKS["B"], mark)})


# what is wrong -> scans, models, what the message says
REFUSED: dict[str, tuple[Sequence[ScanTable], Sequence[ModelMarks], str]] = {
    "no scan": ((), [MODEL], "no scan to evaluate on"),
    "no model": (SCANS, [], "no model"),
    "a scan twice": ((A, A), [MODEL], "scan A is there twice"),
    "a model twice": (SCANS, [MODEL, MODEL], "model worked is there twice"),
    "a truth twice": (
        (scan("A", truth("n1", NODULE, 0.0, 8.0), truth("n1", NODULE, 50.0, 8.0)), B),
        [MODEL],
        "A: truth n1 is there twice",
    ),
    "nobody's scan": ((replace(A, patient=""), B), [MODEL], "A: whose scan"),
    "a nodule of no size": (
        (scan("A", Truth("n1", NODULE, (0.0, 0.0, 0.0))), B),
        [MODEL],
        "truth n1: a nodule needs a diameter",
    ),
    "a diameter of 0": ((scan("A", truth("n1", NODULE, 0, 0.0)), B), [MODEL], "diameter is 0.0"),
    "a diameter of NaN": ((scan("A", truth("n1", NODULE, 0, NAN)), B), [MODEL], "diameter is nan"),
    "a truth nowhere": ((scan("A", truth("n1", NODULE, NAN, 8.0)), B), [MODEL], "is no place"),
    "a scan not read": (SCANS, [replace(MODEL, marks={"A": ()})], "did not read B"),
    "a scan of others": (
        SCANS, [replace(MODEL, marks={**MARKS, "C": ()})], "C, which is no scan here",
    ),
    "a probability of NaN": (SCANS, [with_mark(at(0.0, NAN))], "B, mark 6: nan is no probability"),
    "a probability over 1": (SCANS, [with_mark(at(0.0, 1.01))], "1.01 is no probability"),
    "a mark nowhere": (SCANS, [with_mark(at(float("inf"), 0.5))], "B, mark 6: .*is no place"),
    "a mark outside": (
        (A, replace(B, bounds_lps_mm=BOX)), [with_mark(at(310.1, 0.5))], "lies outside the scan",
    ),
    "no operating point": (SCANS, [replace(MODEL, threshold=NAN)], "operating point: nan"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_counted_is_refused_by_name(name: str) -> None:
    scans, models, said = REFUSED[name]
    with pytest.raises(Unprocessable, match=said):
        check(scans, models)


def test_the_worked_example_is_sound_and_a_mark_on_the_edge_is_inside() -> None:
    bounded = (A, replace(B, bounds_lps_mm=BOX))
    check(bounded, [with_mark(at(310.0, 0.5))])
    with pytest.raises(Unprocessable, match="outside the scan"):
        check(bounded, [with_mark(at(310.1, 0.5))])


def test_no_marks_at_all_is_an_answer_and_no_row_is_none() -> None:
    check(SCANS, [replace(MODEL, marks={"A": (), "B": ()})])
    with pytest.raises(Unprocessable, match="did not read"):
        check(SCANS, [replace(MODEL, marks={"A": ()})])


def test_only_whole_fully_marked_scans_enter_a_curve() -> None:
    assert A.in_curve
    assert replace(A, kind=ScanKind.INSERTED).in_curve
    assert not replace(A, kind=ScanKind.LUNG_CROP).in_curve
    assert not replace(A, all_marked=False).in_curve


def test_everybody_whose_tissue_is_in_a_scan_is_known() -> None:
    host = scan("H", truth("n", NODULE, 0.0, 8.0, patient="D"), truth("m", NODULE, 50.0, 8.0))
    assert host.patients == {"H", "D"}
