"""Ribs, spine, sternum, clavicles and shoulder blades: cortex around marrow."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from triage.phantom.build import Build
from triage.phantom.grid import Box, Float32, Float64, Grid
from triage.phantom.shapes import lay, tube

CORTEX_HU = 780.0
MARROW_HU = 85.0
CARTILAGE_HU = 105.0
DISC_HU = 85.0

# Rib n: where it leaves the spine (z), how far its front lies below, share of bone, half height.
RIBS = [
    (92, 34, 0.86, 5.0),
    (78, 48, 0.84, 5.5),
    (56, 56, 0.82, 6.0),
    (33, 62, 0.80, 6.2),
    (9, 66, 0.78, 6.4),
    (-15, 68, 0.76, 6.6),
    (-39, 68, 0.73, 6.6),
    (-63, 64, 0.68, 6.6),
    (-88, 56, 0.62, 6.4),
    (-113, 46, 0.54, 6.0),
    (-139, 34, 0.42, 5.4),
    (-165, 20, 0.28, 4.6),
]
VERTEBRA_MM = 24.5


def paint_bones(hu: Float32, grid: Grid, body: Build, rng: np.random.Generator) -> None:
    """Lay the skeleton into the tissue (changes `hu`)."""
    soft_mm = grid.spacing_zyx_mm[1]
    for side in (-1, 1):
        for rib in RIBS:
            _paint_rib(hu, grid, _rib_line(body, side, *rib[:2]), *rib[2:])
    _paint_spine(hu, grid, body, soft_mm, rng)
    for bone in _flat_bones(grid, body):
        _paint_bone(hu, *bone, cortex_hu=0.8 * CORTEX_HU, soft_mm=soft_mm, rng=rng)


def _rib_line(body: Build, side: int, z_back: float, drop: float) -> Float64:
    """Axis of a rib and its cartilage from spine to front, shape (n, 3)."""
    t = np.linspace(0.0, 1.0, 41)
    angle = np.pi * (0.13 + 0.80 * t)  # from beside the spine round the side to the front
    z = z_back - drop * np.clip(t / 0.85, 0, 1) ** 1.15 + 26 * np.clip((t - 0.8) / 0.2, 0, 1) ** 2
    _, width, middle, depth = body.cage(np.minimum(z, 62).astype(np.float32))
    shrink = np.clip((z - 62) / 60, 0, 0.5)  # the first ribs close round the apex
    power = 2 / 2.35
    x = np.sin(angle) ** power * (width * (1 - shrink) + 5.5)
    y = (
        middle
        + shrink * 14
        + np.sign(-np.cos(angle))
        * -1
        * np.abs(np.cos(angle)) ** power
        * (depth * (1 - 0.6 * shrink) + 5.5)
    )
    line = np.stack([side * x, y, z], axis=1)
    head = np.array([[side * 19.0, body.spine(z_back)[1] + 14, z_back + 2]])
    return np.concatenate([head, line])


def _paint_rib(hu: Float32, grid: Grid, line: Float64, bony: float, half_height_mm: float) -> None:
    soft_mm = grid.spacing_zyx_mm[1]
    cut = round(bony * 0.92 * len(line))
    thick, ratio = 3.4, half_height_mm / 3.4
    for part, bone in ((line[cut - 1 :], False), (line[:cut], True)):
        along = np.diff(part, axis=0)
        up = np.array([0.0, 0.0, 1.0]) - along * (along[:, 2:] / (along**2).sum(1)[:, None])
        up /= np.linalg.norm(up, axis=1)[:, None]
        radii = np.full(len(part), thick if bone else 3.6)
        box, distance = tube(grid, part, radii, 2.0, (up, ratio if bone else 1.5))
        if not distance.size:
            continue
        if bone:
            lay(hu, box, distance, CORTEX_HU, soft_mm)
            lay(hu, box, distance + 1.25, MARROW_HU, soft_mm)
        elif len(line) - cut < 22:
            lay(hu, box, distance, CARTILAGE_HU, soft_mm)


def _paint_spine(
    hu: Float32, grid: Grid, body: Build, soft_mm: float, rng: np.random.Generator
) -> None:
    z_all = grid.axes_mm()[0]
    if not z_all.size:
        return
    low, high = float(z_all.min()) - 1, float(z_all.max()) + 1
    box = grid.box((-48, 10, low), (48, 118, high))
    z, y, x = grid.axes_mm(box)
    mid_x, mid_y = (np.asarray(m, np.float32) for m in body.spine(z))
    x, y = x - mid_x, y - mid_y
    phase = (z + 2) / VERTEBRA_MM
    along = (phase - np.round(phase)) * VERTEBRA_MM  # 0 in the middle of a vertebra
    flare = 1.8 * (np.abs(along) / 10) ** 2
    trunk = np.sqrt((x / 1.12) ** 2 + y * y) - (14.5 + flare)
    trunk = np.maximum(trunk, 11 - np.hypot(x, y - 24))  # the back of the body is hollow
    body_mm = np.maximum(trunk, np.abs(along) - 10.2)
    disc_mm = np.maximum(trunk, 10.2 - np.abs(along))
    canal = np.hypot(x / 1.05, y - 23) - 8.6
    arch = np.maximum(np.abs(canal - 2.6) - 2.9, np.abs(along + 3) - 9 + 0.15 * np.abs(y - 20))
    arch = np.maximum(arch, 12 - y)
    tip = along + 3 + 0.55 * (y - 32)
    spinous = np.hypot(np.maximum(np.abs(x) - 1.0, 0), tip * 0.45) - 3.0
    spinous = np.maximum(spinous, np.abs(y - 40) - 11)
    wing = 13 + 0.22 * np.abs(x)
    process = np.maximum(np.hypot(y - wing - 7, along + 2) - 5.2, np.abs(np.abs(x) - 19) - 11)
    rear = np.minimum(np.minimum(arch, spinous), process).astype(np.float32)
    bone = np.minimum(body_mm, rear).astype(np.float32)
    lay(hu, box, disc_mm.astype(np.float32), DISC_HU, soft_mm)
    lay(hu, box, np.maximum(canal, -2 - 0 * bone).astype(np.float32), 12.0, soft_mm)
    lay(hu, box, (np.hypot(x / 1.2, y - 22.5) - 5 + 0 * z).astype(np.float32), 38.0, soft_mm)
    _paint_bone(hu, box, bone, 1.3, cortex_hu=0.62 * CORTEX_HU, soft_mm=soft_mm, rng=rng)


def _flat_bones(grid: Grid, body: Build) -> Iterator[tuple[Box, Float32, float]]:
    """Sternum, clavicles, shoulder blades: box, distance, thickness of the cortex."""
    z = np.linspace(-78, 60, 18)
    _, _, middle, depth = body.cage(z.astype(np.float32))
    half = np.where(z > 28, 13 + 0.35 * (z - 28), 12.0 + 3 * np.exp(-(((z + 30) / 25) ** 2)))
    line = np.stack([0 * z, middle - depth - 4.5 - np.clip(z - 40, 0, 30) * 0.15, z], axis=1)
    across = np.tile([1.0, 0.0, 0.0], (len(z) - 1, 1))
    yield *tube(grid, line, np.full(len(z), 5.0), 2.0, (across, float(half.mean() / 5.0))), 1.1
    for side in (-1, 1):
        bend = [(14, -33, 64), (40, -33, 76), (75, -22, 86), (110, -4, 92), (150, 10, 96)]
        points = np.array([(side * a, b, c) for a, b, c in bend], dtype=float)
        yield *tube(grid, points, [8.5, 6.5, 5.5, 6, 7], 2.0), 1.8
        yield *_blade(grid, side), 1.3
        spine = np.array([(side * 92, 90, 48), (side * 125, 88, 62), (side * 160, 66, 78)], float)
        yield *tube(grid, spine, [3.5, 4.5, 6.5], 2.0), 1.3


def _blade(grid: Grid, side: int) -> tuple[Box, Float32]:
    """The plate of a shoulder blade: a thin triangle hugging the cage from behind."""
    low, high = sorted((side * 60.0, side * 165.0))
    box = grid.box((low, 10, -50), (high, 112, 88))
    z, y, x = grid.axes_mm(box)
    out = np.abs(x)
    plane = 92 - 0.0068 * (out - 78) ** 2 - 0.1 * np.clip(z, 0, 99)
    thick = 2.2 + 2.2 * np.exp(-(((out - 142) / 9) ** 2))
    inner = 72 + 0.22 * np.clip(40 - z, 0, 99) - out  # the medial border slants
    outer = out - (104 + 0.52 * (z + 42))  # the lateral border runs up to the joint
    tall = np.maximum(z - 72, -44 - z)
    edge = np.maximum(np.maximum(inner, np.minimum(outer, out)), tall)
    rim = np.maximum(edge + 3, 0)  # the edges are rounded
    return box, (np.hypot(np.abs(y - plane), rim) - thick).astype(np.float32)


def _paint_bone(
    hu: Float32,
    box: Box,
    distance: Float32,
    cortex_mm: float,
    *,
    cortex_hu: float,
    soft_mm: float,
    rng: np.random.Generator,
) -> None:
    if not distance.size:
        return
    low = [max(1, n // 3) for n in distance.shape]
    grain = ndimage.gaussian_filter(rng.standard_normal(low, dtype=np.float32), 0.7)
    zoomed = ndimage.zoom(grain, [n / m for n, m in zip(distance.shape, low, strict=True)], order=1)
    lay(hu, box, distance, cortex_hu, soft_mm)
    lay(hu, box, distance + cortex_mm, MARROW_HU + 10 + 190 * zoomed, soft_mm)
