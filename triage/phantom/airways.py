"""Trachea, bronchi, pulmonary arteries and veins: one tree of each for each lobe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triage.phantom.grid import Float32, Float64, Grid, sample
from triage.phantom.mediastinum import BLOOD_HU
from triage.phantom.shapes import lay, tube
from triage.phantom.strokes import Strokes, draw
from triage.phantom.thorax import LOBES, Thorax
from triage.phantom.trees import Tree, grow

LUMEN_HU = -985.0
WALL_HU = 10.0

# Per lobe: where bronchus, artery and vein enter (x, y, z mm) and their radii.
_Entry = tuple[tuple[float, float, float], float]
HILA: dict[str, tuple[_Entry, _Entry, _Entry]] = {
    "right upper": (((-44, 10, -8), 3.9), ((-40, 2, -10), 5.2), ((-36, -10, -24), 4.6)),
    "right middle": (((-44, 0, -44), 2.8), ((-48, -2, -38), 3.6), ((-36, -12, -40), 3.4)),
    "right lower": (((-40, 16, -48), 4.2), ((-50, 10, -42), 6.2), ((-32, 8, -56), 5.4)),
    "left upper": (((50, 8, -22), 4.0), ((44, 10, -6), 5.6), ((42, -8, -30), 4.8)),
    "left lower": (((45, 20, -44), 4.0), ((50, 28, -34), 5.8), ((38, 10, -56), 5.2)),
}
# Large airways (x, y, z, lumen radius).
TRUNKS: tuple[tuple[tuple[float, float, float, float], ...], ...] = (
    ((0, 2, 140, 8.6), (0, 4, 70, 8.8), (1, 9, 20, 8.8), (0, 13, 2, 9.2)),
    ((-1, 13, 3, 8.0), (-14, 13, -8, 7.0), (-29, 12, -16, 6.3)),
    ((-27, 12, -14, 5.0), (-36, 11, -11, 4.6), (-44, 10, -8, 4.0)),
    ((-28, 12, -15, 6.0), (-35, 13, -30, 5.4), (-40, 16, -48, 4.6)),
    ((-37, 13, -37, 3.8), (-41, 6, -41, 3.2), (-44, 0, -44, 2.9)),
    ((1, 13, 3, 7.6), (18, 14, -9, 6.2), (38, 15, -21, 5.6)),
    ((37, 15, -20, 5.0), (44, 12, -21, 4.6), (50, 8, -22, 4.0)),
    ((37, 15, -20, 5.2), (42, 18, -32, 4.8), (45, 20, -44, 4.2)),
)
# Great vessels on their way to the lobes (x, y, z, radius).
FEEDERS: tuple[tuple[tuple[float, float, float, float], ...], ...] = (
    ((-30, -4, -20, 8.5), (-40, 2, -10, 5.4)),
    ((-36, -3, -22, 9.0), (-46, 0, -32, 7.6), (-50, 10, -42, 6.4)),
    ((-46, 0, -32, 4.5), (-48, -2, -38, 3.7)),
    ((36, 6, -5, 9.0), (44, 10, -6, 5.8)),
    ((42, 20, -10, 8.8), (48, 26, -22, 7.2), (50, 28, -34, 6.0)),
    ((-20, -2, -42, 8), (-28, -6, -34, 6.4), (-36, -10, -24, 4.8)),
    ((-20, -2, -44, 5), (-30, -8, -42, 4.2), (-36, -12, -40, 3.5)),
    ((-22, 6, -54, 8), (-32, 8, -56, 5.6)),
    ((26, 0, -42, 7.5), (36, -4, -36, 6), (42, -8, -30, 5)),
    ((26, 8, -54, 8), (38, 10, -56, 5.4)),
)


@dataclass(frozen=True, slots=True)
class Vessels:
    """What was grown, before it is drawn.

    Attributes
    ----------
    blood : Strokes
        Arteries and veins.
    lumen : Strokes
        Bronchi with their inner radii.
    """

    blood: Strokes
    lumen: Strokes


def grow_lungs(
    chest: Thorax, rng: np.random.Generator, *, terminal_mm: float, step_mm: float
) -> Vessels:
    """Grow all trees.

    Parameters
    ----------
    chest : Thorax
    rng : Generator
    terminal_mm : float
        Mean distance between neighbouring end points of one tree.
    step_mm : float
        Longest straight stroke.
    """
    lobes = chest.lobe()
    cell = float(np.prod(chest.grid.spacing_zyx_mm))
    blood: list[Strokes] = []
    lumen: list[Strokes] = []
    for number, name in enumerate(LOBES):
        room = np.argwhere((lobes == number) & (chest.lung < -2.0))
        count = int(len(room) * cell / terminal_mm**3)
        if count < 2:
            continue
        bronchus, artery, vein = HILA[name]
        for kind, (root, radius) in (("artery", artery), ("vein", vein)):
            ends = _scatter(chest.grid, room, count, rng)
            tree = grow(np.array(root), _outward(np.array(root), ends), ends, radius, rng)
            blood.append(_in_lung(tree.strokes(step_mm), chest))
            if kind == "artery":
                lumen.append(_in_lung(_bronchi(tree, bronchus).strokes(step_mm), chest))
    return Vessels(Strokes.joined(blood), Strokes.joined(lumen))


def _scatter(
    grid: Grid, room: np.ndarray[tuple[int, int], np.dtype[np.intp]], count: int,
    rng: np.random.Generator,
) -> Float64:  # fmt: skip
    """End points anywhere in the cells of `room`, each cell at most once."""
    pick = room[rng.choice(len(room), min(count, len(room)), replace=False)]
    zyx = grid.origin_zyx_mm + (pick + rng.uniform(-0.5, 0.5, pick.shape)) * grid.spacing_zyx_mm
    points: Float64 = zyx[:, ::-1]
    return points


def _outward(root: Float64, ends: Float64) -> Float64:
    aim = ends.mean(0) - root
    way: Float64 = aim / np.linalg.norm(aim)
    return way


def _in_lung(strokes: Strokes, chest: Thorax) -> Strokes:
    """Only strokes that end in the lung or just beside it: none through heart or diaphragm."""
    return strokes.chosen(sample(chest.lung, chest.grid, strokes.end) < 2.5)


def _bronchi(artery: Tree, entry: _Entry) -> Tree:
    """The bronchi beside an artery's tree: lumen a little narrower than the artery."""
    root, radius = entry
    trunk = artery.thicker_than(0.8).beside(1.9)
    start = trunk.start.copy()
    start[trunk.parent < 0] = root
    share = radius / trunk.radius[0] if len(trunk.radius) else 1.0
    return Tree(start, trunk.end, trunk.heading, trunk.radius * min(share, 0.8), trunk.parent)


def paint_vessels(hu: Float32, grid: Grid, vessels: Vessels, ground_hu: float) -> None:
    """Draw vessels, bronchial walls, then all lumina (changes `hu`)."""
    soft_mm = grid.spacing_zyx_mm[1]
    for line in FEEDERS:
        table = np.array(line)
        box, distance = tube(grid, table[:, :3], table[:, 3], 2.0)
        lay(hu, box, distance, BLOOD_HU, soft_mm)
    draw(hu, grid, vessels.blood, BLOOD_HU, ground_hu)
    draw(hu, grid, vessels.lumen.with_radius(1.1, 0.42), WALL_HU, ground_hu)
    tubes = [tube(grid, np.array(t)[:, :3], np.array(t)[:, 3], 4.0) for t in TRUNKS]
    for box, distance in tubes:
        here = hu[box]
        np.maximum(here, _ring(distance, soft_mm, here), out=here)
    draw(hu, grid, vessels.lumen, LUMEN_HU, WALL_HU)
    for box, distance in tubes:
        lay(hu, box, distance, LUMEN_HU, soft_mm)


def _ring(distance: Float32, soft_mm: float, here: Float32) -> Float32:
    share = np.clip(0.5 - (distance - 1.6) / soft_mm, 0, 1)
    wall: Float32 = (here + share * (30 - here)).astype(np.float32)
    return wall
