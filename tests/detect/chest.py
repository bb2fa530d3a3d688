"""A plain chest to prepare: a body with two lungs, as arrays; every part can be moved or cut."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from triage.core.volume import Volume, axial_affine

SPACING_ZYX_MM = (2.5, 1.5, 1.5)
ORIGIN_LPS_MM = (-150.0, -120.0, -310.0)
SHAPE_ZYX = (72, 160, 200)


@dataclass(frozen=True, slots=True)
class Ball:
    """An ellipsoid of one density: centre and radii in mm from the first voxel, z y x."""

    center_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    hu: float


LEFT = Ball((90.0, 120.0, 85.0), (70.0, 65.0, 45.0), -850.0)
RIGHT = Ball((90.0, 120.0, 215.0), (70.0, 65.0, 45.0), -850.0)
BODY_RADII_MM = (105.0, 138.0)


@dataclass(frozen=True, slots=True)
class Chest:
    """What to draw.

    Attributes
    ----------
    balls : tuple of Ball
        Drawn in order, over the body.
    room_hu, body_hu : float
    cut : slice
        Slices kept.
    """

    balls: tuple[Ball, ...] = (LEFT, RIGHT)
    room_hu: float = -1000.0
    body_hu: float = 40.0
    cut: slice = field(default_factory=lambda: slice(None))

    def volume(self, affine: npt.NDArray[np.float64] | None = None) -> Volume:
        """Draw it, with a little noise that is the same every time."""
        z, y, x = (
            np.arange(n).reshape([-1 if a == i else 1 for a in range(3)]) * s
            for i, (n, s) in enumerate(zip(SHAPE_ZYX, SPACING_ZYX_MM, strict=True))
        )
        hu = np.full(SHAPE_ZYX, self.room_hu, dtype=np.float32)
        ry, rx = BODY_RADII_MM
        body = ((y - 120.0) / ry) ** 2 + ((x - 150.0) / rx) ** 2 <= 1.0
        hu[np.broadcast_to(body, hu.shape)] = self.body_hu
        for ball in self.balls:
            offsets = (
                ((axis - c) / r) ** 2
                for axis, c, r in zip((z, y, x), ball.center_mm, ball.radii_mm, strict=True)
            )
            hu[sum(offsets, np.zeros(())) <= 1.0] = ball.hu
        hu += np.random.default_rng(5).normal(0.0, 12.0, hu.shape).astype(np.float32)
        grid = axial_affine(ORIGIN_LPS_MM, SPACING_ZYX_MM) if affine is None else affine
        whole = Volume(np.rint(hu).astype(np.int16), grid)
        start, stop, _ = self.cut.indices(SHAPE_ZYX[0])
        return whole.crop((start, 0, 0), (stop, *SHAPE_ZYX[1:]))
