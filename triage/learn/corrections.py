"""What readers signed, as patches to learn from.

Taught are only the places somebody decided on: a nodule, or no nodule with a weight by the reason.
Everywhere else, dismissed marks included, nobody said anything; there the challenger is held to
what the champion answers, so that a round neither forgets nor invents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.core.finding import RejectReason
from triage.detect.decode import STRIDE
from triage.detect.lungs import Float32Array
from triage.detect.prepare import Prepared
from triage.learn import dataset
from triage.learn.dataset import CELLS, PATCH
from triage.learn.scans import Target, aerated_voxels
from triage.pathway import NEGATIVE_WEIGHT
from triage.store.learning_rows import SignedDecision

#: Half a piece: a patch of 64 fits in with its mark anywhere in the middle half.
REACH = 48
#: How far from a mark its word counts, mm: a little more than the mark.
TAUGHT_MM, TAUGHT_MARGIN_MM, SILENT_MARGIN_MM = 10.0, 6.0, 3.0
REJECTED_MM = 8.0
POSITIVE_SHARE, NEGATIVE_SHARE = 0.5, 0.35
PLAIN_PIECES = 2
INNER = 10


@dataclass(frozen=True, slots=True)
class Mark:
    """A decided place in a piece.

    Attributes
    ----------
    zyx : tuple of float
        Voxels of 1 mm.
    diameter_mm : float
    weight : float
        How much it counts; 0 means that nothing is taught here.
    positive : bool
    """

    zyx: tuple[float, float, float]
    diameter_mm: float
    weight: float
    positive: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A cut-out of a prepared scan around one mark, or of plain lung.

    Attributes
    ----------
    values : ndarray, float16, shape (z, y, x)
        At least 64 along each axis.
    marks : tuple of Mark
        Every decided place in it; the first is what it was cut for.
    """

    values: npt.NDArray[np.float16]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Lesson:
    """A patch, its answer, and where the champion's answer stands in for one.

    Attributes
    ----------
    example : dataset.Example
        Its `weight` is above 0 only around decided places.
    anchor : ndarray, float32, shape (16, 16, 16)
        1 where nobody decided.
    """

    example: dataset.Example
    anchor: Float32Array


def mark_of(decision: SignedDecision, prepared: Prepared) -> Mark:
    """A decision on the tensor grid; weight 0 when nothing may be taught from it."""
    z, y, x = (float(v) for v in prepared.to_zyx(decision.center_lps_mm))
    sizes = [s for s in (decision.long_mm, decision.short_mm) if s is not None]
    if decision.positive:
        # A size that nobody gave is not invented: such a nodule is not taught at all.
        size = sum(sizes) / len(sizes) if sizes else REJECTED_MM
        return Mark((z, y, x), size, 1.0 if sizes else 0.0, positive=True)
    if decision.negative:
        weight = NEGATIVE_WEIGHT[RejectReason(decision.reason or RejectReason.OTHER.value)]
        return Mark((z, y, x), REJECTED_MM, weight, positive=False)
    return Mark((z, y, x), REJECTED_MM, 0.0, positive=False)


def pieces_of(
    prepared: Prepared, decisions: Sequence[SignedDecision], rng: np.random.Generator
) -> list[Piece]:
    """Cut out what is taught of one scan, and a little plain lung.

    Parameters
    ----------
    prepared : Prepared
    decisions : sequence of SignedDecision
        Of this series.
    rng : Generator
        For the plain lung.

    Returns
    -------
    list of Piece
    """
    volume = at_least_a_patch(prepared.tensor[0, 0])
    marks = [mark_of(d, prepared) for d in decisions]
    taught = [m for m in marks if m.weight > 0.0]
    pieces = [cut_out(volume, mark, marks) for mark in taught]
    air = aerated_voxels(prepared.tensor[0, 0], prepared.lung)
    for _ in range(PLAIN_PIECES if len(air) else 0):
        z, y, x = (float(v) for v in air[rng.integers(len(air))])
        plain = Mark((z, y, x), REJECTED_MM, 0.0, positive=False)
        pieces.append(cut_out(volume, plain, marks))
    return pieces


def at_least_a_patch(volume: Float32Array) -> Float32Array:
    """The volume, continued at its far faces when it is smaller than a patch."""
    lacking = [(0, max(0, PATCH - n)) for n in volume.shape]
    return np.pad(volume, lacking, mode="edge") if any(n for _, n in lacking) else volume


def cut_out(volume: Float32Array, about: Mark, marks: Sequence[Mark]) -> Piece:
    """A piece of up to 96 voxels a side around a mark, with every mark that reaches into it."""
    low = [
        int(np.clip(round(c) - REACH, 0, max(0, n - 2 * REACH)))
        for c, n in zip(about.zyx, volume.shape, strict=True)
    ]
    window = tuple(slice(a, a + 2 * REACH) for a in low)
    others = [m for m in marks if m is not about]
    moved = [_moved(m, low) for m in (about, *others)]
    return Piece(volume[window].astype(np.float16), tuple(moved))


def _moved(mark: Mark, low: Sequence[int]) -> Mark:
    z, y, x = (c - a for c, a in zip(mark.zyx, low, strict=True))
    return Mark((z, y, x), mark.diameter_mm, mark.weight, mark.positive)


class LessonSampler:
    """Draws lessons; the same generator state always gives the same lesson.

    Parameters
    ----------
    pieces : sequence of Piece
        At least one of them teaches something.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        taught = [p for p in pieces if p.marks[0].weight > 0.0]
        if not taught:
            raise ValueError("nothing to teach")
        self.positive = [p for p in taught if p.marks[0].positive]
        self.negative = [p for p in taught if not p.marks[0].positive]
        self.plain = [p for p in pieces if p.marks[0].weight == 0.0]

    def draw(self, rng: np.random.Generator) -> Lesson:
        """One lesson."""
        piece = self._piece(rng)
        start = _start(piece, rng)
        patch = dataset.cut(piece.values, start).astype(np.float32)
        marks = [_moved(m, start) for m in piece.marks]
        return _turned(patch, marks, rng)

    def _piece(self, rng: np.random.Generator) -> Piece:
        dice = rng.random()
        kinds = (
            (POSITIVE_SHARE, self.positive),
            (POSITIVE_SHARE + NEGATIVE_SHARE, self.negative),
            (1.0, self.plain),
        )
        pool = next((pieces for edge, pieces in kinds if dice < edge and pieces), None)
        pool = pool or self.positive or self.negative
        return pool[int(rng.integers(len(pool)))]


def _start(piece: Piece, rng: np.random.Generator) -> dataset.Index:
    """Lower corner of a patch in which the piece's own mark is well inside."""
    corner = []
    for c, n in zip(piece.marks[0].zyx, piece.values.shape, strict=True):
        wished = round(c) - int(rng.integers(INNER, PATCH - INNER))
        corner.append(int(np.clip(wished, 0, n - PATCH)))
    return corner[0], corner[1], corner[2]


def _turned(patch: Float32Array, marks: Sequence[Mark], rng: np.random.Generator) -> Lesson:
    """Swap and flip axes, disturb, and write the answer down."""
    axes = tuple(int(a) for a in rng.permutation(3))
    flips = tuple(int(f) for f in rng.choice([1, -1], 3))
    image = patch.transpose(axes)[tuple(slice(None, None, f) for f in flips)]
    turned = [
        Mark(
            dataset.mirrored([m.zyx[a] for a in axes], flips, image.shape),
            m.diameter_mm, m.weight, m.positive,
        )
        for m in marks
    ]  # fmt: skip
    taught = [m for m in turned if m.positive and m.weight > 0.0]
    inside = [m for m in taught if all(0.0 <= c < PATCH for c in m.zyx)]
    heat, faces, shape = dataset.answer([Target(m.zyx, m.diameter_mm, True) for m in inside])
    weight = _weights(turned) * faces
    anchor = np.where((weight == 0.0) & (faces > 0.0), np.float32(1.0), np.float32(0.0))
    return Lesson(dataset.Example(dataset.disturb(image, rng), heat, weight, shape), anchor)


def _weights(marks: Sequence[Mark]) -> Float32Array:
    """How much is taught in each cell.

    Nodules first, rejections beside them; around a mark of which nobody said anything there is
    silence, but never in the middle of a nodule.
    """
    grid = np.stack(np.meshgrid(*[np.arange(CELLS, dtype=np.float32) * STRIDE] * 3, indexing="ij"))
    weight = np.zeros(grid.shape[1:], dtype=np.float32)
    middle = np.zeros(weight.shape, dtype=bool)
    for mark in sorted(marks, key=lambda m: (m.weight > 0.0, m.positive), reverse=True):
        away = np.sqrt(((grid - np.array(mark.zyx).reshape(3, 1, 1, 1)) ** 2).sum(0))
        if mark.weight == 0.0:
            weight[(away <= mark.diameter_mm / 2.0 + SILENT_MARGIN_MM) & ~middle] = 0.0
            continue
        reach = max(TAUGHT_MM, mark.diameter_mm / 2.0 + TAUGHT_MARGIN_MM)
        weight[(away <= reach) & (weight == 0.0)] = mark.weight
        if mark.positive:
            middle |= away <= mark.diameter_mm / 2.0 + STRIDE / 2.0
    return weight
