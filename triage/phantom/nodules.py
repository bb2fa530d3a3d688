"""Nodules: where they lie, what they are made of, and their true sizes.

Sizes are measured on the shape itself, sampled finer than the voxels; nothing here looks at the
finished image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from triage.core.finding import PointLps, Solidity
from triage.phantom.grid import Box, Float32, Float64, Grid, sample
from triage.phantom.strokes import Strokes, draw
from triage.phantom.thorax import Thorax

Place = Literal["parenchymal", "juxtavascular", "subpleural"]
Bools = npt.NDArray[np.bool_]

SMALLEST_MM, LARGEST_MM = 4.0, 18.0
_FINE_MM = 0.4
# Smallest diameter per density: a part-solid nodule must have room for its core.
_KINDS: tuple[tuple[Solidity, float], ...] = (
    (Solidity.SOLID, 4.0),
    (Solidity.PART_SOLID, 9.0),
    (Solidity.GROUND_GLASS, 6.0),
    (Solidity.SOLID, 6.0),
)
_PLACES: tuple[Place, ...] = ("parenchymal", "juxtavascular", "subpleural")
_ROOM_MM = 8.0
_AT_ONCE, _THROWS = 128, 32
_BUMPS = (0.07, 0.12, 0.17)  # smooth, uneven, lobulated


@dataclass(frozen=True, slots=True)
class PhantomNodule:
    """One nodule as it was made.

    Attributes
    ----------
    center_lps_mm : tuple of float
        Centroid, x y z in mm, LPS.
    diameter_mm : float
        Diameter of the sphere of equal volume (halo included).
    long_mm, short_mm : float
        Longest axis and the width across it, in the axial plane of largest area.
    solidity : Solidity
    solid_diameter_mm : float or None
        Sphere of equal volume of the solid part; None without one.
    place : {"parenchymal", "juxtavascular", "subpleural"}
    """

    center_lps_mm: PointLps
    diameter_mm: float
    long_mm: float
    short_mm: float
    solidity: Solidity
    solid_diameter_mm: float | None
    place: Place


@dataclass(frozen=True, slots=True)
class Seat:
    """A place that is free for a nodule."""

    center_lps_mm: Float64
    radius_mm: float
    solidity: Solidity
    place: Place


def seats(
    count: int,
    chest: Thorax,
    blood: Strokes,
    heights_mm: tuple[float, float],
    rng: np.random.Generator,
) -> list[Seat]:
    """Find free places for `count` nodules between two heights (z, mm); never overlapping.

    Raises
    ------
    ValueError
        When so many do not fit.
    """
    found: list[Seat] = []
    large = blood.thicker_than(2.0)
    start = int(rng.integers(len(_PLACES)))
    for i in range(count):
        solidity, least = _KINDS[i % len(_KINDS)]
        place = _PLACES[(start + i) % len(_PLACES)]
        for _ in range(_THROWS):
            radius = 0.5 * np.exp(rng.uniform(np.log(least), np.log(LARGEST_MM), _AT_ONCE))
            center = _draw_places(place, radius, chest, blood, rng)
            inside = (center[:, 2] > heights_mm[0] + 1.4 * radius) & (
                center[:, 2] < heights_mm[1] - 1.4 * radius
            )
            free = np.flatnonzero(inside & _is_free(center, radius, found, chest, large))
            if len(free):
                first = free[0]
                found.append(Seat(center[first], float(radius[first]), solidity, place))
                break
        else:
            raise ValueError(f"no room for {count} nodules: {len(found)} were placed")
    return found


def _draw_places(
    place: Place, radius: Float64, chest: Thorax, blood: Strokes, rng: np.random.Generator
) -> Float64:
    """Points to try, shape (n, 3), one for each radius."""
    fit = np.flatnonzero((blood.start_radius > 0.7) & (blood.start_radius < 1.8))
    if place == "juxtavascular" and len(fit):
        pick = blood.chosen(rng.choice(fit, len(radius)))
        beside = np.cross(pick.end - pick.start, rng.standard_normal((len(radius), 3)))
        beside /= np.linalg.norm(beside, axis=1)[:, None] + 1e-9
        at: Float64 = pick.end + beside * (0.85 * radius + pick.end_radius)[:, None]
        return at
    points = rng.uniform([-135, -90, -150], [135, 92, 100], (len(radius), 3))
    if place == "subpleural":
        points = _to_pleura(points, radius * rng.uniform(0.7, 0.95, len(radius)), chest)
    return points


def _to_pleura(points: Float64, depth_mm: Float64, chest: Thorax) -> Float64:
    """Move points in the lung outward until they lie `depth_mm` under the chest wall."""
    steps = np.eye(3) * 1.5
    for _ in range(3):
        ahead = sample(chest.cage, chest.grid, points[:, None] + steps)
        behind = sample(chest.cage, chest.grid, points[:, None] - steps)
        out = ahead - behind
        out = out / (np.linalg.norm(out, axis=1)[:, None] + 1e-6)
        here = sample(chest.cage, chest.grid, points)
        points = points + out * (-depth_mm - here)[:, None]
    return points


def _is_free(
    center: Float64, radius: Float64, found: list[Seat], chest: Thorax, large: Strokes
) -> Bools:
    """Which points lie in the lung by the right amount, off large vessels and neighbours."""
    depth = -sample(chest.lung, chest.grid, center)
    wall = -sample(chest.cage, chest.grid, center)
    at_wall = (np.abs(depth - wall) < 1.5) & (depth > 0.5 * radius) & (depth < 1.1 * radius)
    free: Bools = (depth > 1.35 * radius + 2) | at_wall
    for other in found:
        apart = np.linalg.norm(center - other.center_lps_mm, axis=1) - other.radius_mm
        free &= apart > 1.4 * radius + _ROOM_MM
    left = np.flatnonzero(free)
    away = np.linalg.norm(large.end - center[left, None], axis=2) - large.end_radius
    free[left] = away.min(1, initial=np.inf) > 1.2 * radius[left] + 1
    return free


@dataclass(frozen=True, slots=True)
class _Shape:
    """A nodule sampled finer than the voxels, in a box of whole voxels."""

    box: Box
    parts: tuple[int, int, int]
    fine: Grid
    whole: Bools
    core: Bools

    def share(self, mask: Bools) -> Float32:
        """Share of each voxel of the box that `mask` fills, 0..1."""
        z, y, x = (n // p for n, p in zip(mask.shape, self.parts, strict=True))
        pz, py, px = self.parts
        blocks = mask.reshape(z, pz, y, py, x, px)
        filled: Float32 = blocks.mean(axis=(1, 3, 5), dtype=np.float32)
        return filled


def make_nodule(
    hu: Float32,
    grid: Grid,
    chest: Thorax,
    seat: Seat,
    *,
    ground_hu: float,
    rng: np.random.Generator,
) -> PhantomNodule:
    """Lay one nodule into the lung (changes `hu`) and measure what was laid."""
    shape = _shape(grid, chest, seat, rng)
    noise = rng.standard_normal([s.stop - s.start for s in shape.box])
    grain = ndimage.gaussian_filter(noise, 0.9).astype(np.float32)
    grain /= max(float(grain.std()), 1e-6)
    solid_hu = float(rng.uniform(20, 60))
    hazy_hu = float(rng.uniform(-640, -560))
    if seat.solidity is Solidity.SOLID:
        _raise(hu, shape, shape.whole, solid_hu + 6 * grain)
        if seat.radius_mm > 4.5 and rng.random() < 0.6:
            _spicules(hu, grid, seat, ground_hu, rng)
    else:
        _raise(hu, shape, shape.whole, hazy_hu + 26 * grain)
    if seat.solidity is Solidity.PART_SOLID:
        _raise(hu, shape, shape.core, solid_hu - 15 + 8 * grain)
    return _measured(shape, seat)


def _shape(grid: Grid, chest: Thorax, seat: Seat, rng: np.random.Generator) -> _Shape:
    reach = 1.35 * seat.radius_mm + 1
    box = grid.box(seat.center_lps_mm - reach, seat.center_lps_mm + reach)
    parts = [max(1, int(np.ceil(s / _FINE_MM))) for s in grid.spacing_zyx_mm]
    step = [s / p for s, p in zip(grid.spacing_zyx_mm, parts, strict=True)]
    count = [(b.stop - b.start) * p for b, p in zip(box, parts, strict=True)]
    first = [
        o + b.start * s - s / 2 + h / 2
        for o, b, s, h in zip(grid.origin_zyx_mm, box, grid.spacing_zyx_mm, step, strict=True)
    ]
    fine = Grid(
        (count[0], count[1], count[2]),
        (step[0], step[1], step[2]),
        (float(first[2]), float(first[1]), float(first[0])),
    )
    bumps, fuzz_mm = float(rng.choice(_BUMPS)), 0.12
    if seat.solidity is not Solidity.SOLID:
        bumps, fuzz_mm = 0.11, 0.7
    whole = _blob(fine, seat.center_lps_mm, seat.radius_mm, rng, bumps=bumps, fuzz_mm=fuzz_mm)
    shift = rng.uniform(-0.18, 0.18, 3) * seat.radius_mm
    inner = seat.radius_mm * rng.uniform(0.38, 0.6)
    core = _blob(fine, seat.center_lps_mm + shift, inner, rng, bumps=0.14, fuzz_mm=0.2)
    z, y, x = np.broadcast_arrays(*fine.axes_mm())
    lung = sample(chest.lung, chest.grid, np.stack([x, y, z], axis=-1)) < 0
    parts3 = (parts[0], parts[1], parts[2])
    return _Shape(box, parts3, fine, whole & lung, core & whole & lung)


def _blob(
    fine: Grid,
    center: Float64,
    radius: float,
    rng: np.random.Generator,
    *,
    bumps: float,
    fuzz_mm: float,
) -> Bools:
    """A ball stretched a little, with smooth bumps and a fuzzy edge."""
    z, y, x = fine.axes_mm()
    stretch = rng.uniform(0.88, 1.14, 3)
    stretch /= np.prod(stretch) ** (1 / 3)
    dx, dy, dz = (
        ((a - c) / s).astype(np.float32) for a, c, s in zip((x, y, z), center, stretch, strict=True)
    )
    far = np.sqrt(dx * dx + dy * dy + dz * dz) + np.float32(1e-3)
    surface = np.ones((1, 1, 1), np.float32)
    fuzz = np.float32(fuzz_mm / radius)
    for _ in range(7):
        way = rng.standard_normal(3)
        way *= rng.uniform(1.5, 4.5) / np.linalg.norm(way)
        swing = (way[0] * dx + way[1] * dy + way[2] * dz) / far + rng.uniform(0, 2 * np.pi)
        surface = surface + np.float32(bumps * rng.uniform(0.3, 1)) * np.sin(swing)
    if fuzz:
        grain = ndimage.gaussian_filter(rng.standard_normal(far.shape, dtype=np.float32), 1.4)
        surface = surface + fuzz * grain / np.float32(grain.std())
    # Bumps and fuzz change the volume; bring it back to that of the ball.
    radius = radius / float(np.cbrt((np.clip(surface, 0, None) ** 3).mean()))
    blob: Bools = far < radius * surface
    return blob


def _raise(hu: Float32, shape: _Shape, mask: Bools, value_hu: Float32) -> None:
    here = hu[shape.box]
    here += shape.share(mask) * np.maximum(value_hu - here, 0)


def _spicules(
    hu: Float32, grid: Grid, seat: Seat, ground_hu: float, rng: np.random.Generator
) -> None:
    """Thin strands into the lung around; they are not part of the measured nodule."""
    ways = rng.standard_normal((int(rng.integers(6, 13)), 3))
    ways /= np.linalg.norm(ways, axis=1)[:, None]
    far = seat.radius_mm * rng.uniform(1.2, 1.7, len(ways))
    lines = Strokes(
        seat.center_lps_mm + ways * (0.8 * seat.radius_mm),
        seat.center_lps_mm + ways * far[:, None],
        np.full(len(ways), 0.75),
        np.full(len(ways), 0.2),
    )
    draw(hu, grid, lines, 0.0, ground_hu)


def _measured(shape: _Shape, seat: Seat) -> PhantomNodule:
    cell = float(np.prod(shape.fine.spacing_zyx_mm))
    zyx = np.array(ndimage.center_of_mass(shape.whole))
    x, y, z = (shape.fine.origin_zyx_mm + zyx * shape.fine.spacing_zyx_mm)[::-1]
    long_mm, short_mm = _axes(shape)
    part_solid = seat.solidity is Solidity.PART_SOLID
    return PhantomNodule(
        center_lps_mm=(round(float(x), 3), round(float(y), 3), round(float(z), 3)),
        diameter_mm=round(_ball_mm(shape.whole.sum() * cell), 3),
        long_mm=round(long_mm, 3),
        short_mm=round(short_mm, 3),
        solidity=seat.solidity,
        solid_diameter_mm=round(_ball_mm(shape.core.sum() * cell), 3) if part_solid else None,
        place=seat.place,
    )


def _ball_mm(volume_mm3: float) -> float:
    return float((6 * volume_mm3 / np.pi) ** (1 / 3))


def _axes(shape: _Shape) -> tuple[float, float]:
    plane = shape.whole[int(shape.whole.sum((1, 2)).argmax())]
    _, dy, dx = shape.fine.spacing_zyx_mm
    rows, columns = np.nonzero(plane)
    points = np.stack([columns * dx, rows * dy])
    angle = np.radians(np.arange(180))
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1) @ points
    width = along.max(1) - along.min(1) + (dx + dy) / 2
    longest = int(width.argmax())
    return float(width[longest]), float(width[(longest + 90) % 180])
