"""The example that is worked by hand: two scans, four nodules, small enough for paper.

Scan A (patient A): nodule n1, 10 mm, at x = 0; nodule n2, 8 mm, at x = 100.
Scan B (patient B): nodule n3, 8 mm, at x = 0; nodule n4, 6 mm, at x = 100;
                    a nodule of two readers, 6 mm, at x = 200; a non-nodule at x = 300.

mark                 p     LUNA16 rule
A  x =   1.0         .9    on n1
A  x =  -2.0         .8    on n1 again: not counted
A  x = 103.0         .7    on n2 (radius 4)
A  x = 104.5         .7    false: 4.5 mm off a radius of 4
B  x = 201.0         .95   on the nodule of two readers: left out
B  x = 304.0         .6    within 5 mm of the non-nodule: left out
B  x =  50.0         .5    false
B  x =   3.9         .4    on n3 (radius 4)
B  x = -50.0         .4    false
                           n4 is missed

threshold   found / 4   false / 2 scans
  .9         1  .25       0  0
  .7         2  .50       1  .5      (a hit and a false mark enter together)
  .5         2  .50       2  1
  .4         3  .75       3  1.5

read at     1/8    1/4    1/2   1     2     4     8
            .3125  .375   .5    .5    .75   .75   .75      1/8: .25 + (.125 / .5) x .25
their mean  (.3125 + .375 + .5 + .5 + 3 x .75) / 7 = 3.9375 / 7 = .5625

Under the data folder's rule x = 104.5 is within 5 mm of n2 (on it, again), so it is not false; the
mark on the non-nodule is false; everything else stays.

threshold   found / 4   false / 2 scans
  .9         1  .25       0  0
  .7         2  .50       0  0
  .6         2  .50       1  .5
  .5         2  .50       2  1
  .4         3  .75       3  1.5
read at     .5 .5 .5 .5 .75 .75 .75: mean 4.25 / 7
"""

from __future__ import annotations

from triage.learn.evaluation.tables import Mark, ModelMarks, ScanKind, ScanTable, Truth, TruthKind

NODULE, IGNORE, SMALL = TruthKind.NODULE, TruthKind.IGNORE, TruthKind.SMALL


def at(x: float, p: float) -> Mark:
    """A mark on the x axis."""
    return Mark((x, 0.0, 0.0), 6.0, p)


def truth(name: str, kind: TruthKind, x: float, diameter: float | None, patient: str = "") -> Truth:
    """A truth on the x axis."""
    return Truth(name, kind, (x, 0.0, 0.0), diameter, patient=patient)


def scan(
    name: str, *truths: Truth, all_marked: bool = True, kind: ScanKind = ScanKind.WHOLE
) -> ScanTable:
    """A scan of a patient of the same name."""
    return ScanTable(name, name, name, kind, all_marked, truths)


A = scan("A", truth("n1", NODULE, 0.0, 10.0), truth("n2", NODULE, 100.0, 8.0))
B = scan(
    "B",
    truth("n3", NODULE, 0.0, 8.0),
    truth("n4", NODULE, 100.0, 6.0),
    truth("i1", IGNORE, 200.0, 6.0),
    truth("s1", SMALL, 300.0, None),
)
SCANS = (A, B)
MARKS = {
    "A": (at(1.0, 0.9), at(-2.0, 0.8), at(103.0, 0.7), at(104.5, 0.7)),
    "B": (at(201.0, 0.95), at(304.0, 0.6), at(50.0, 0.5), at(3.9, 0.4), at(-50.0, 0.4)),
}
MODEL = ModelMarks("worked", 0.5, MARKS)
