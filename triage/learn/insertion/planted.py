"""Sets of planted nodules and twins: which nodule went where, in which host, and why.

Planted nodules rank models, choose an operating point and compare INT8 with fp32. They are real
nodules at made-up places: what is found among them is no sensitivity in patients, and everything
that prints it says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.detect.lungs import Float32Array
from triage.learn.insertion.ground import STEP, Ground, places, wall_direction
from triage.learn.insertion.lay import lay
from triage.learn.insertion.pieces import Host, Piece, turn, twin_of
from triage.learn.scans import Target

TRIES = 60
#: Between the edges of what is planted or marked: no answer is then owed to a neighbour.
APART_MM = 16.0
#: A wall must be met from the side the nodule was cut from: cosine of the angle between.
FACING = 0.7


@dataclass(frozen=True, slots=True)
class Planting:
    """One thing laid into a host.

    Attributes
    ----------
    patient : str
        Of the nodule; a twin wears this nodule's outline.
    target : Target
        Where, on the host's grid, and how large.
    hangs_on : Host
    twin : bool
    """

    patient: str
    target: Target
    hangs_on: Host
    twin: bool


@dataclass(frozen=True, slots=True)
class Planted:
    """A host with what was laid into it.

    Attributes
    ----------
    volume : ndarray, float32, shape (Z, Y, X)
    plantings : tuple of Planting
        Every nodule is followed by its twin, when a place was found for it.
    left_out : tuple of str
        Patients whose nodule found no place here.
    """

    volume: Float32Array
    plantings: tuple[Planting, ...]
    left_out: tuple[str, ...]


def plant(
    ground: Ground,
    taken: Sequence[Target],
    pieces: Sequence[Piece],
    rng: np.random.Generator,
    *,
    twins: bool = True,
) -> Planted:
    """Lay every piece, and its twin, at a place of its own kind.

    Parameters
    ----------
    ground : Ground
    taken : sequence of Target
        What the host holds already: nodules, ignored ones, small findings.
    pieces : sequence of Piece
    rng : Generator
    twins : bool

    Returns
    -------
    Planted
    """
    volume = ground.volume.copy()
    busy, plantings, left_out = list(taken), list[Planting](), list[str]()
    for piece in pieces:
        placed = place(ground, piece, busy, rng)
        if placed is None:
            left_out.append(piece.patient)
            continue
        turned, start = placed
        lay(volume, turned, start, ground, rng)
        plantings.append(_planting(turned, start))
        busy.append(plantings[-1].target)
        if twins and (other := place_twin(ground, piece, busy, rng)) is not None:
            lay(volume, *other, ground, rng)
            plantings.append(_planting(*other))
            busy.append(plantings[-1].target)
    return Planted(volume, tuple(plantings), tuple(left_out))


def place(
    ground: Ground,
    piece: Piece,
    busy: Sequence[Target],
    rng: np.random.Generator,
    *,
    apart_mm: float = APART_MM,
    wall_mm: float | None = None,
) -> tuple[Piece, tuple[int, int, int]] | None:
    """A turn of the piece and a corner for it; None when the host has no place of its kind.

    Parameters
    ----------
    ground : Ground
    piece : Piece
    busy : sequence of Target
        What is kept away from.
    rng : Generator
    apart_mm : float
        From edge to edge.
    wall_mm : float, optional
        Only places so far from the nearest wall, within a step of the grid.

    Returns
    -------
    piece, start : Piece and three int, or None
    """
    open_ = places(ground, piece.diameter_mm / 2.0, piece.hangs_on)
    if wall_mm is not None:
        near = [abs(ground.wall_mm(p) - wall_mm) <= STEP / 2.0 for p in open_]
        open_ = open_[np.array(near, dtype=bool)]
    for _ in range(TRIES if len(open_) else 0):
        middle = open_[rng.integers(len(open_))]
        turned = facing(ground, piece, middle, rng)
        if turned is None or not _is_free(middle, apart_mm + piece.diameter_mm / 2.0, busy):
            continue
        start = np.rint(middle - np.array(turned.center_zyx)).astype(int)
        stop = start + turned.cover.shape
        if (start >= 0).all() and (stop <= ground.volume.shape).all():
            z, y, x = (int(v) for v in start)
            return turned, (z, y, x)
    return None


def facing(
    ground: Ground, piece: Piece, middle: npt.NDArray[np.int64], rng: np.random.Generator
) -> Piece | None:
    """The piece turned at random; one that hangs on a wall, turned towards the wall there."""
    if piece.hangs_on is not Host.WALL:
        return turn(piece, int(rng.integers(4)), [int(f) for f in rng.choice([1, -1], 3)])
    wall = wall_direction(ground, middle)
    ways = [(q, (a, b, 1)) for q in range(4) for a in (1, -1) for b in (1, -1)]
    fits = [float(_turned_vector(piece.wall_zyx, q, f) @ wall) for q, f in ways]
    best = int(np.argmax(fits))
    return turn(piece, *ways[best]) if fits[best] >= FACING else None


def _turned_vector(
    vector: Sequence[float], quarter: int, flips: Sequence[int]
) -> npt.NDArray[np.float64]:
    """What `turn` does to a direction."""
    z, y, x = vector
    for _ in range(quarter):
        y, x = -x, y
    return np.array([z, y, x], dtype=np.float64) * np.array(flips, dtype=np.float64)


def place_twin(
    ground: Ground,
    piece: Piece,
    busy: Sequence[Target],
    rng: np.random.Generator,
    apart_mm: float = APART_MM,
) -> tuple[Piece, tuple[int, int, int]] | None:
    """Healthy lung of the same kind of place, cut like the piece, and a place to lay it.

    What was cut beside a wall is laid as far from one: wall comes to lie on wall.

    Parameters
    ----------
    ground : Ground
    piece : Piece
        The nodule.
    busy : sequence of Target
    rng : Generator
    apart_mm : float

    Returns
    -------
    piece, start : Piece and three int, or None
        See `place`.
    """
    source = place(ground, piece, busy, rng, apart_mm=apart_mm)
    if source is None:
        return None
    turned, start = source
    window = tuple(slice(a, a + n) for a, n in zip(start, turned.cover.shape, strict=True))
    wall = ground.wall_in(start, turned.cover.shape)
    twin = twin_of(turned, ground.volume[window], wall, ground.noise)
    middle = np.rint(np.array(start) + np.array(turned.center_zyx)).astype(np.int64)
    wall_mm = ground.wall_mm(middle) if piece.hangs_on is Host.WALL else None
    return place(ground, twin, busy, rng, apart_mm=apart_mm, wall_mm=wall_mm)


def _planting(piece: Piece, start: Sequence[int]) -> Planting:
    z, y, x = (float(s + c) for s, c in zip(start, piece.center_zyx, strict=True))
    target = Target((z, y, x), piece.diameter_mm, not piece.twin)
    return Planting(piece.patient, target, piece.hangs_on, piece.twin)


def _is_free(middle: npt.NDArray[np.int64], room_mm: float, busy: Sequence[Target]) -> bool:
    return all(
        float(np.linalg.norm(np.array(t.zyx) - middle)) >= room_mm + t.diameter_mm / 2.0
        for t in busy
    )
