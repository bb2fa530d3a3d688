"""Spheres as a scanner shows them: exact truth, partial volume, slice profile, noise.

Drawn on a grid finer than the voxels, blurred by the in-plane point spread and averaged over the
slice; then sampled where the voxels lie, so that a centre can fall anywhere between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from triage.core.finding import Candidate, PointLps
from triage.core.volume import Volume, axial_affine

Floats = npt.NDArray[np.float64]
Kind = Literal["solid", "ground_glass", "part_solid"]
Place = Literal["isolated", "vessel", "wall"]

LUNG_HU, TISSUE_HU = -860.0, 40.0
#: In-plane point spread, 1.2 mm full width at half maximum; the slice is averaged over its own
#: thickness. A standard body kernel; sharper ones do better.
POINT_SPREAD_SIGMA_MM = 0.5
NOISE_HU, NOISE_GRAIN_MM = 25.0, 0.5
DIAMETERS_MM = (4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0)
#: Part-solid: below 8 mm a core would be smaller than what can be told apart.
SMALLEST_PART_SOLID_MM = 8.0
SPACINGS_ZYX_MM = ((1.0, 1.0, 1.0), (1.0, 0.7, 0.7), (1.25, 0.7, 0.7), (2.5, 0.7, 0.7))
GLASS_HU = (-650.0, -500.0, -350.0)
#: Depth of the sphere that the chest wall hides, in diameters.
SUNK = 0.15
WALL_RADIUS_MM = 90.0
VESSEL_DIAMETERS = 0.3, 3.0  # in nodule diameters, and the thickest in mm


@dataclass(frozen=True, slots=True)
class Sphere:
    """One sphere to draw.

    Attributes
    ----------
    diameter_mm : float
    kind, place
    spacing_zyx_mm : tuple of float
        The slice is as thick as the spacing.
    glass_hu : float
        Density of the ground glass.
    core_share : float
        Diameter of a solid core, in diameters.
    seed : int
        For the place between the voxels, the directions and the noise.
    """

    diameter_mm: float
    kind: Kind = "solid"
    place: Place = "isolated"
    spacing_zyx_mm: tuple[float, float, float] = (1.0, 0.7, 0.7)
    glass_hu: float = -600.0
    core_share: float = 0.5
    seed: int = 0

    @property
    def core_mm(self) -> float | None:
        """Diameter of the solid core."""
        return self.core_share * self.diameter_mm if self.kind == "part_solid" else None

    @property
    def sunk_mm(self) -> float:
        """How deep it lies in the wall."""
        return SUNK * self.diameter_mm if self.place == "wall" else 0.0

    @property
    def long_mm(self) -> float:
        """Longest axis: the wall hides less than half."""
        return self.diameter_mm

    @property
    def short_mm(self) -> float:
        """Axis towards the wall (nearly plane, along x), without what it hides."""
        return self.diameter_mm - self.sunk_mm


@dataclass(frozen=True, slots=True)
class Drawn:
    """The picture, with the truth of it."""

    volume: Volume
    center_lps_mm: PointLps
    volume_mm3: float
    core_mm3: float | None


def draw(sphere: Sphere) -> Drawn:
    """Draw one sphere with its surroundings."""
    rng = np.random.default_rng([sphere.seed, int(10 * sphere.diameter_mm)])
    spacing = np.array(sphere.spacing_zyx_mm)
    reach = np.maximum(1.3 * sphere.diameter_mm, sphere.diameter_mm / 2 + 12.0)
    counts = 2 * np.ceil(reach / spacing).astype(int) + 1
    parts = np.ceil(spacing / (0.22 if sphere.diameter_mm <= 10 else 0.36)).astype(int)
    step = spacing / parts
    # Zero is the voxel in the middle; the sphere lies anywhere within it.
    center = rng.uniform(-0.5, 0.5, 3) * spacing
    axes = [
        ((np.arange(n * p) + 0.5) / p - 0.5 - n // 2) * s - c
        for n, p, s, c in zip(counts, parts, spacing, center, strict=True)
    ]
    z, y, x = np.ix_(*(a.astype(np.float32) for a in axes))
    from_center = np.sqrt(z * z + y * y + x * x)
    fine_hu, inside, core = _paint(sphere, (z, y, x), from_center, float(step.mean()), rng)
    cell = float(np.prod(step))
    hu = _scanned(fine_hu, parts, step)
    hu += _noise(hu.shape, spacing, rng)
    affine = axial_affine(
        (-(counts[2] // 2) * spacing[2], -(counts[1] // 2) * spacing[1],
         -(counts[0] // 2) * spacing[0]),
        sphere.spacing_zyx_mm,
    )  # fmt: skip
    return Drawn(
        volume=Volume(np.rint(hu).clip(-1024, 3071).astype(np.int16), affine),
        center_lps_mm=(float(center[2]), float(center[1]), float(center[0])),
        volume_mm3=float(inside.sum(dtype=np.float64)) * cell,
        core_mm3=None if core is None else float(core.sum(dtype=np.float64)) * cell,
    )


def _paint(
    sphere: Sphere,
    points: tuple[npt.NDArray[np.float32], ...],
    from_center: npt.NDArray[np.float32],
    step: float,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32] | None]:
    """HU on the fine grid; what the sphere and its core fill of each cell."""
    radius = sphere.diameter_mm / 2
    ball = _share(radius - from_center, step)
    hu = np.full(from_center.shape, LUNG_HU, np.float32)
    own_hu = TISSUE_HU if sphere.kind == "solid" else sphere.glass_hu
    hu += ball * np.float32(own_hu - LUNG_HU)
    core = None
    if sphere.core_mm is not None:
        core = _share(sphere.core_mm / 2 - from_center, step)
        hu += core * np.float32(TISSUE_HU - own_hu)
    if sphere.place != "isolated":
        beside = _vessel(sphere, points, step, rng) * (1 - ball) if sphere.place == "vessel" else (
            _wall(sphere, points, step)
        )  # fmt: skip
        hu += beside * (np.float32(TISSUE_HU) - hu)
        if sphere.place == "wall":
            ball = ball * (1 - beside)
    return hu, ball, core


def _vessel(
    sphere: Sphere,
    points: tuple[npt.NDArray[np.float32], ...],
    step: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.float32]:
    """A vessel that runs into the sphere from one side and on from the other."""
    z, y, x = points
    along = rng.standard_normal(3)
    along /= np.linalg.norm(along)
    radius = min(VESSEL_DIAMETERS[0] * sphere.diameter_mm, VESSEL_DIAMETERS[1]) / 2
    beside = np.cross(along, rng.standard_normal(3))
    beside *= 0.25 * sphere.diameter_mm / np.linalg.norm(beside)
    dz, dy, dx = (p - np.float32(b) for p, b in zip((z, y, x), beside, strict=True))
    on = np.float32(along[0]) * dz + np.float32(along[1]) * dy + np.float32(along[2]) * dx
    off = np.sqrt(np.maximum(dz * dz + dy * dy + dx * dx - on * on, 0))
    return _share(np.float32(radius) - off, step)


def _wall(
    sphere: Sphere, points: tuple[npt.NDArray[np.float32], ...], step: float
) -> npt.NDArray[np.float32]:
    """The chest wall beyond x, curved around the lung."""
    z, y, x = points
    middle = sphere.diameter_mm / 2 - sphere.sunk_mm - WALL_RADIUS_MM
    away = np.sqrt((x - np.float32(middle)) ** 2 + y * y) + 0 * z
    return _share(away - np.float32(WALL_RADIUS_MM), step)


def _share(depth_mm: npt.NDArray[np.float32], step: float) -> npt.NDArray[np.float32]:
    """Share of a cell that lies inside, from the depth of its middle."""
    share: npt.NDArray[np.float32] = np.clip(depth_mm / np.float32(step) + np.float32(0.5), 0, 1)
    return share


def _scanned(fine_hu: npt.NDArray[np.float32], parts: Floats, step: Floats) -> Floats:
    """Point spread and slice profile; one value a voxel, taken at its middle in the plane."""
    sigma = POINT_SPREAD_SIGMA_MM / step
    blurred = ndimage.gaussian_filter(
        fine_hu, [0.35 * sigma[0], sigma[1], sigma[2]], mode="nearest"
    )
    nz, ny, nx = (n // p for n, p in zip(blurred.shape, parts, strict=True))
    pz, py, px = (int(p) for p in parts)
    # Over the whole slice along z and over the pixel in the plane.
    blocks = blurred.reshape(nz, pz, ny, py, nx, px)
    return np.asarray(blocks.mean(axis=(1, 3, 5)), dtype=np.float64)


def _noise(shape: tuple[int, ...], spacing: Floats, rng: np.random.Generator) -> Floats:
    """Noise with the grain of a body kernel in the plane."""
    grain = [0.0, NOISE_GRAIN_MM / spacing[1], NOISE_GRAIN_MM / spacing[2]]
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), grain)
    return np.asarray(noise * (NOISE_HU / noise.std()))


def pointed_at(drawn: Drawn, diameter_mm: float, seed: int) -> Candidate:
    """A candidate as the detector gives one: off by up to 2 mm, its size by up to a quarter.

    Never farther off than a third of the diameter: beyond that the detector has not found it.
    """
    rng = np.random.default_rng([seed, 7])
    off = rng.standard_normal(3)
    off *= rng.uniform(0, min(2.0, diameter_mm / 3)) / np.linalg.norm(off)
    x, y, z = np.array(drawn.center_lps_mm) + off
    stated_mm = diameter_mm * float(rng.uniform(0.75, 1.25))
    return Candidate((float(x), float(y), float(z)), stated_mm, 0.9)


def grid(
    diameters_mm: tuple[float, ...] = DIAMETERS_MM,
    spacings: tuple[tuple[float, float, float], ...] = SPACINGS_ZYX_MM,
    seeds: int = 1,
) -> Iterator[Sphere]:
    """Every kind at every place, size and spacing; ground glass goes through its densities."""
    kinds: tuple[Kind, ...] = ("solid", "ground_glass", "part_solid")
    places: tuple[Place, ...] = ("isolated", "vessel", "wall")
    every = product(spacings, diameters_mm, kinds, places, range(seeds))
    for number, (spacing, diameter_mm, kind, place, seed) in enumerate(every):
        if kind == "part_solid" and diameter_mm < SMALLEST_PART_SOLID_MM:
            continue
        glass_hu = GLASS_HU[number % 3] if kind == "ground_glass" else -600.0
        yield Sphere(diameter_mm, kind, place, spacing, glass_hu, 0.5, 1000 * seed + number)
