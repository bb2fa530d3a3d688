"""Soft tissue slice by slice: skin, fat, muscle, the fat between the lungs, the upper abdomen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from triage.phantom.build import Build
from triage.phantom.grid import Float32, Grid, Planes, blend_max, inside, texture
from triage.phantom.shapes import ellipsoid, turned
from triage.phantom.thorax import Thorax

Read = Callable[[Float32], Float32]  # a coarse field to its plane at one slice

AIR_HU = -1000.0
FAT_HU = -102.0
SKIN_HU = 15.0
MUSCLE_HU = 56.0


@dataclass(frozen=True, slots=True)
class Soft:
    """Coarse fields of the soft tissues, float32, on the thorax' grid.

    Attributes
    ----------
    fat_mm : ndarray
        Depth under the skin at which muscle begins.
    planes : ndarray
        Fat planes between muscles: negative inside a plane, mm.
    liver, spleen, stomach, gas : ndarray
        Signed distances, mm.
    cloth : ndarray
        Distance from a thin sheet of clothing, mm.
    grain : ndarray
        Unit-variance texture.
    """

    fat_mm: Float32
    planes: Float32
    liver: Float32
    spleen: Float32
    stomach: Float32
    gas: Float32
    cloth: Float32
    grain: Float32


def soft(body: Build, chest: Thorax, rng: np.random.Generator) -> Soft:
    """Draw the soft tissues of one phantom."""
    grid = chest.grid
    z, y, x = grid.axes_mm()
    wavy, fine = texture(rng, grid, 30), texture(rng, grid, 8)
    broad = texture(rng, grid, 60)
    front = np.clip((-y - 40) / 40, 0, 1) * np.clip((5 - z) / 30, 0, 1)
    side = np.clip((np.abs(x) - 80) / 40, 0, 1) * np.clip(1 - np.abs(z - 45) / 70, 0, 1)
    low = np.clip((-60 - z) / 60, 0, 1)
    breast = 16.0 if body.sex == "F" else 4.0
    fat = body.fat_mm * (0.8 + 0.35 * low) + breast * front + 6 * side * (1 + wavy)
    fat = fat - 5 * np.clip((y - 60) / 30, 0, 1) + 1.6 * wavy
    # Fat between the muscles: sheets that follow the ribs, and the hollow of the armpit.
    sheets = np.abs(((0.8 * chest.cage + 4 * broad + 1.5 * wavy) % np.float32(17)) - 8.5)
    hollow = np.hypot(np.abs(x) - 138, (y - 8) / 1.5) - 20 + 6 * wavy + np.abs(z - 50) / 4
    planes = np.minimum(sheets - (1.2 + 0.7 * fine), hollow)
    planes = np.where(chest.cage < 9, 9, planes)
    cloth = chest.skin - np.maximum(5 + 5 * broad + 2 * wavy, 1.5) + np.clip(y, 0, 60) * 0.2
    liver, spleen, stomach, gas = _organs(chest, wavy)
    sheets_mm, cloth_mm = planes.astype(np.float32), cloth.astype(np.float32)
    return Soft(fat.astype(np.float32), sheets_mm, liver, spleen, stomach, gas, cloth_mm, fine)


def _organs(chest: Thorax, wavy: Float32) -> tuple[Float32, Float32, Float32, Float32]:
    grid = chest.grid
    z, y, x = grid.axes_mm()
    everywhere = (slice(None),) * 3
    room = np.maximum(chest.cage + 1.5, 3.5 - chest.dome)  # under the diaphragm, within the ribs
    slant = (x - 38 + 0.45 * (y + 30) + 0.35 * (z + 100)) / np.float32(1.15)
    liver = blend_max(room, slant + 2 * wavy, 14)
    liver = blend_max(liver, 44 - np.hypot(x - 4, y - 55) + 0 * z, 10)
    spleen = ellipsoid(grid, everywhere, (92, 40, -148), (32, 46, 44), turned("z", 25))
    stomach = ellipsoid(grid, everywhere, (62, -22, -146), (44, 48, 36), turned("z", -12))
    stomach = blend_max(np.maximum(stomach + 1.5 * wavy, 2.5 - liver), room, 6)
    gas = np.maximum(stomach + 4.5, y + 36)
    return liver, blend_max(spleen + wavy, room, 6), stomach, gas


def compose(hu: Float32, grid: Grid, planes: Planes, chest: Thorax, tissue: Soft) -> None:
    """Fill every slice of `hu` with air, wall, mediastinal fat and abdomen (changes `hu`)."""
    soft_mm = grid.spacing_zyx_mm[1]
    for k in range(grid.shape_zyx[0]):
        hu[k] = _slice(partial(planes.read, k=k), chest, tissue, soft_mm)


def _slice(read: Read, chest: Thorax, tissue: Soft, soft_mm: float) -> Float32:
    skin, cage, grain = read(chest.skin), read(chest.cage), read(tissue.grain)
    plane = np.full_like(skin, FAT_HU) + 7 * grain
    plane = _over(plane, MUSCLE_HU + 5 * grain, skin + read(tissue.fat_mm), 1.5 * soft_mm)
    plane = _over(plane, FAT_HU + 30 + 8 * grain, read(tissue.planes), 2 * soft_mm)
    plane = _over(plane, MUSCLE_HU, np.abs(cage - 4.5) - np.float32(4), soft_mm)
    plane = _over(plane, FAT_HU + 10 + 9 * grain, cage, soft_mm)
    plane = _abdomen(plane, read, chest, tissue, soft_mm)
    plane = _over(plane, SKIN_HU, -skin - np.float32(1.8), soft_mm)
    air = np.full_like(plane, AIR_HU)
    air = _over(air, -840.0, np.abs(read(tissue.cloth)) - np.float32(0.4), 1.5 * soft_mm)
    return _over(air, plane, skin, soft_mm)


def _abdomen(plane: Float32, read: Read, chest: Thorax, tissue: Soft, soft_mm: float) -> Float32:
    dome, grain = read(chest.dome), read(tissue.grain)
    if dome.max() < -soft_mm:
        return plane
    wall = np.maximum(
        np.abs(dome - 1.6) - np.float32(1.6), read(chest.cage)
    )  # the muscle of the diaphragm
    plane = _over(plane, MUSCLE_HU, wall, soft_mm)
    plane = _over(plane, 56 + 3 * grain, read(tissue.liver), soft_mm)
    plane = _over(plane, 48 + 3 * grain, read(tissue.spleen), soft_mm)
    plane = _over(plane, 28 + 14 * grain, read(tissue.stomach), soft_mm)
    return _over(plane, -970.0, read(tissue.gas), soft_mm)


def _over(below: Float32, above: Float32 | float, distance: Float32, soft_mm: float) -> Float32:
    share = inside(distance, soft_mm)
    mixed: Float32 = below + share * (above - below)
    return mixed


def fill_lungs(
    hu: Float32,
    grid: Grid,
    planes: Planes,
    chest: Thorax,
    *,
    base_hu: float,
    rng: np.random.Generator,
) -> None:
    """Lay the parenchyma: denser towards the back, lobular texture, fissures (changes `hu`)."""
    lobular, broad = texture(rng, chest.grid, 5), texture(rng, chest.grid, 28)
    y = grid.axes_mm()[1][0]
    right = grid.axes_mm()[2][0] < 0
    soft_mm = grid.spacing_zyx_mm[1]
    for k in range(grid.shape_zyx[0]):
        lung = planes.read(chest.lung, k)
        if lung.min() > soft_mm:
            continue
        air = base_hu + 0.32 * y + 13 * planes.read(lobular, k) + 7 * planes.read(broad, k)
        oblique = planes.read(chest.oblique, k)
        horizontal = planes.read(chest.horizontal, k)
        minor = np.where(right & (oblique > 0), horizontal, np.float32(99))
        dense = 190 * np.clip(1 + 0.3 * planes.read(broad, k), 0, 1.5)
        for sheet in (oblique, minor):
            air = air + dense * _thin(sheet, 0.75, grid)
        hu[k] = _over(hu[k], air.astype(np.float32), lung, soft_mm)


def _thin(distance: Float32, thick_mm: float, grid: Grid) -> Float32:
    """Share of a voxel that a thin sheet fills, soft over the voxel."""
    wide = np.float32(max(thick_mm, grid.voxel_mm))
    share: Float32 = np.float32(thick_mm) / wide * np.exp(-((distance / wide) ** 2))
    return share
