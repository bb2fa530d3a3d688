"""The proportions of one phantom: tables of a typical adult chest, varied a little by seed.

The numbers are a drawing of common proportions (carina at z = 0), not measurements of a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.interpolate import PchipInterpolator

from triage.phantom.grid import Float32, Float64

# z, middle of one lung from the midline, half width, y of the middle, half depth (mm).
_CAGE = np.array(
    [
        [-190, 0, 136, 2, 86],
        [-150, 0, 137, 1, 90],
        [-110, 0, 137, 1, 91],
        [-80, 0, 135, 2, 90],
        [-50, 0, 131, 3, 87],
        [-20, 0, 125, 5, 82],
        [10, 0, 116, 9, 75],
        [40, 1, 102, 16, 64],
        [60, 6, 84, 21, 54],
        [76, 14, 64, 26, 43],
        [89, 23, 44, 30, 32],
        [98, 30, 28, 33, 21],
        [105, 35, 13, 35, 10],
        [109, 37, 3, 36, 2.5],
    ]
)
# z, half width, half depth, y of the back (mm).
_SKIN = np.array(
    [
        [-190, 158, 104, 104],
        [-150, 160, 107, 107],
        [-110, 162, 109, 109],
        [-50, 162, 108, 110],
        [0, 165, 100, 112],
        [40, 174, 90, 111],
        [70, 186, 79, 107],
        [100, 196, 69, 101],
        [130, 186, 62, 96],
    ]
)
# How far the middle of the chest reaches into each half: rows z, columns y (mm).
_MEDIAL_Z = np.array([-160, -95, -50, -20, 10, 40, 75, 110])
_MEDIAL_Y = np.array([-95, -70, -45, -15, 10, 35, 60, 95])
_MEDIAL_RIGHT = np.array(
    [
        [28, 30, 30, 28, 24, 20, 22, 24],
        [16, 26, 28, 26, 20, 16, 22, 25],
        [8, 18, 25, 26, 22, 16, 22, 25],
        [3, 13, 26, 30, 27, 17, 22, 25],
        [3, 13, 27, 31, 22, 16, 22, 25],
        [8, 17, 28, 29, 20, 16, 21, 25],
        [18, 24, 27, 25, 20, 17, 21, 24],
        [22, 25, 26, 25, 22, 19, 21, 24],
    ]
)
_MEDIAL_LEFT = np.array(
    [
        [25, 30, 30, 28, 24, 24, 24, 25],
        [20, 28, 28, 24, 18, 22, 25, 25],
        [7, 17, 25, 24, 20, 20, 25, 25],
        [3, 13, 28, 30, 26, 20, 25, 25],
        [3, 14, 29, 30, 26, 20, 24, 25],
        [7, 17, 27, 28, 24, 20, 23, 25],
        [17, 23, 25, 25, 23, 20, 21, 24],
        [22, 25, 26, 25, 23, 20, 21, 24],
    ]
)
LUNG_TOP_MM = 109.0
LUNG_BOTTOM_MM = -168.0


@dataclass(frozen=True, slots=True)
class Build:
    """One body's proportions.

    Attributes
    ----------
    sex : {"F", "M"}
    width, depth : float
        Factors on the cage's half width and half depth.
    fat_mm : float
        Thickness of the fat under the skin.
    dome_right_mm, dome_left_mm : float
        z of the tops of the diaphragm.
    heart : float
        Factor on the size of the heart.
    fissure_mm : float
        Shift of the fissures along z.
    lean_mm : float
        How far the spine bends to the left half way up.
    """

    sex: Literal["F", "M"]
    width: float
    depth: float
    fat_mm: float
    dome_right_mm: float
    dome_left_mm: float
    heart: float
    fissure_mm: float
    lean_mm: float

    def cage(self, z: Float32) -> tuple[Float32, Float32, Float32, Float32]:
        """Lung's middle |x|, half width, middle y, half depth of the cage's inside, at each z."""
        side, width, middle, depth = _rows(_CAGE, z)
        return side, width * np.float32(self.width), middle, depth * np.float32(self.depth)

    def skin(self, z: Float32) -> tuple[Float32, Float32, Float32]:
        """Half width, half depth and y of the back of the skin, at each z."""
        width, depth, back = _rows(_SKIN, z)
        more = np.float32(self.fat_mm - 15)
        return width + more, depth + more, back + more

    def medial(self, right: bool) -> tuple[Float64, Float64, Float64]:
        """Table of the mediastinum's reach: z nodes, y nodes, mm from the midline."""
        return _MEDIAL_Z, _MEDIAL_Y, _MEDIAL_RIGHT if right else _MEDIAL_LEFT

    def spine(self, z: Float32 | Float64 | float) -> tuple[Float64, Float64]:
        """Where the middle of the vertebral bodies lies: x and y at each z."""
        at = np.asarray(z, dtype=float)
        x = self.lean_mm * np.exp(-(((at - 10) / 70) ** 2))
        y = 48 - 10 * ((at - (-10)) / 110) ** 2 * np.where(at > -10, 1.0, 0.45)
        return x, y


def _rows(table: Float64, z: Float32) -> list[Float32]:
    at = np.clip(z, table[0, 0], table[-1, 0])
    smooth = PchipInterpolator(table[:, 0], table[:, 1:])(at.ravel())
    return [c.reshape(z.shape).astype(np.float32) for c in smooth.T]


def build(rng: np.random.Generator) -> Build:
    """Draw the proportions of one phantom."""
    sex: Literal["F", "M"] = "F" if rng.random() < 0.5 else "M"
    dome = rng.uniform(-92, -84)
    return Build(
        sex=sex,
        width=rng.uniform(0.97, 1.03),
        depth=rng.uniform(0.96, 1.03),
        fat_mm=rng.uniform(13, 20),
        dome_right_mm=dome,
        dome_left_mm=dome - rng.uniform(5, 10),
        heart=rng.uniform(0.98, 1.08),
        fissure_mm=rng.uniform(-8, 8),
        lean_mm=rng.uniform(-3, 3),
    )
