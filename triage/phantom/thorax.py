"""Skin, chest cage, lungs, diaphragm and fissures as signed distances on a coarse grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RectBivariateSpline

from triage.phantom.build import LUNG_BOTTOM_MM, LUNG_TOP_MM, Build
from triage.phantom.grid import Float32, Grid, as_distance, blend_max, blend_min, texture
from triage.phantom.shapes import ellipsoid, turned

LOBES = ("right upper", "right middle", "right lower", "left upper", "left lower")


@dataclass(frozen=True, slots=True)
class Thorax:
    """Coarse fields, each float32 on `grid`, mm, negative inside.

    Attributes
    ----------
    grid : Grid
    skin, cage, lung : ndarray
        Body surface, inside of the ribs, both lungs.
    dome : ndarray
        Negative above the diaphragm.
    oblique, horizontal : ndarray
        Distance above the fissures' sheets; `horizontal` means something in the right lung only.
    """

    grid: Grid
    skin: Float32
    cage: Float32
    lung: Float32
    dome: Float32
    oblique: Float32
    horizontal: Float32

    def lobe(self) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
        """Index into `LOBES` of each coarse voxel, -1 outside the lungs."""
        right = np.broadcast_to(self.grid.axes_mm()[2] < 0, self.lung.shape)
        lower = self.oblique < 0
        name = np.select(
            [right & lower, right & (self.horizontal < 0), right, lower], [2, 1, 0, 4], 3
        )
        lobes: np.ndarray[tuple[int, ...], np.dtype[np.int8]] = np.where(
            self.lung < 0, name, -1
        ).astype(np.int8)
        return lobes


def thorax(grid: Grid, body: Build, middle: Float32, rng: np.random.Generator) -> Thorax:
    """Shape the chest.

    Parameters
    ----------
    grid : Grid
        Coarse grid.
    body : Build
    middle : ndarray, float32
        Distance to what lies between the lungs (heart, great vessels), on `grid`.
    rng : Generator
        For the irregularities that no two bodies share.
    """
    wavy = texture(rng, grid, 45)
    uneven = texture(rng, grid, 120)  # no chest is its own mirror image
    fine = texture(rng, grid, 12)
    cage = _cage(grid, body) + 0.9 * wavy + 1.8 * uneven + 0.25 * fine
    dome = _dome(grid, body) + 2.0 * wavy
    oblique, horizontal = _fissures(grid, body, wavy)
    lung = blend_max(cage, _medial(grid, body) + 1.2 * wavy, 14)
    lung = blend_max(lung, np.float32(1.4) - middle, 6)
    lung = blend_max(lung, dome, 3)
    z = grid.axes_mm()[0]
    lung = blend_max(lung, np.maximum(LUNG_BOTTOM_MM - z, z - LUNG_TOP_MM) + 0 * lung, 6)
    skin = _skin(grid, body, wavy + 2.5 * uneven)
    return Thorax(grid, skin, cage, lung, dome, oblique, horizontal)


def _cage(grid: Grid, body: Build) -> Float32:
    z, y, x = grid.axes_mm()
    side, width, middle, depth = body.cage(z)
    u = np.abs(np.abs(x) - side) / width
    v = np.abs(y - middle) / depth
    section = (u ** np.float32(2.35) + v ** np.float32(2.35)) ** np.float32(1 / 2.35) - 1
    walls = as_distance(section * np.minimum(width, depth), grid)
    cut: Float32 = np.maximum(walls, z - np.float32(LUNG_TOP_MM))
    return cut


def _medial(grid: Grid, body: Build) -> Float32:
    z, y, x = grid.axes_mm()
    reach = []
    for right in (True, False):
        nodes_z, nodes_y, table = body.medial(right)
        at_z = np.clip(z.ravel(), nodes_z[0], nodes_z[-1])
        at_y = np.clip(y.ravel(), nodes_y[0], nodes_y[-1])
        plane = RectBivariateSpline(nodes_z, nodes_y, table, kx=3, ky=3)(at_z, at_y)
        reach.append(plane.astype(np.float32)[:, :, None])
    spine_x = body.spine(z)[0].astype(np.float32)
    field = np.where(x < 0, reach[0] + x - spine_x, reach[1] - x + spine_x)
    return as_distance(field, grid)


def _dome(grid: Grid, body: Build) -> Float32:
    z, y, x = grid.axes_mm()
    blend = np.float32(1) / (1 + np.exp(-x / np.float32(14)))
    top = body.dome_right_mm + (body.dome_left_mm - body.dome_right_mm) * blend
    aside = np.abs(x) - 66
    out = np.hypot(np.where(aside > 0, aside / 72, aside / 135), (y + 14) / 98)
    level = top - 60 * out ** np.float32(2.4) - 12 * np.maximum(y / 90, 0) ** 2
    return as_distance(level - z, grid)


def _fissures(grid: Grid, body: Build, wavy: Float32) -> tuple[Float32, Float32]:
    z, y, x = grid.axes_mm()
    lateral = (np.abs(x) - 70) / 60
    slope = np.where(x < 0, np.float32(1.08), np.float32(1.2))
    sheet = -44 + body.fissure_mm + slope * y + 9 * lateral * lateral - 0.0022 * y * y
    oblique = as_distance((z - sheet + 3.5 * wavy).astype(np.float32), grid)
    sheet = -24 + body.fissure_mm + 0.16 * y - 7 * lateral - 5 * lateral * lateral
    horizontal = as_distance((z - sheet + 2.2 * wavy).astype(np.float32), grid)
    return oblique, horizontal


def _skin(grid: Grid, body: Build, wavy: Float32) -> Float32:
    z, y, x = grid.axes_mm()
    width, depth, back = body.skin(z)
    u, v = np.abs(x) / width, np.abs(y - (back - depth)) / depth
    groove = 5 * np.exp(-((x / 16) ** 2)) * (y > 0)  # the back's furrow along the spine
    section = (u ** np.float32(2.5) + v ** np.float32(2.5)) ** np.float32(1 / 2.5) - 1
    skin = as_distance(section * np.minimum(width, depth), grid) + groove + wavy
    mound = (58, 34, 54) if body.sex == "F" else (56, 22, 48)
    for side in (-1, 1):
        breast = ellipsoid(
            grid, (slice(None),) * 3, (side * 70, -76, -30), mound, turned("z", side * 18)
        )
        skin = blend_min(skin, breast, 30)
    body_surface: Float32 = skin.astype(np.float32)
    return body_surface
