"""Put real nodules, and look-alikes that are none, into real lung.

A network that only ever sees nodules with a seam around them learns seams. So the same seams are
laid around lung without a nodule: boxes of other lung (`paste_box`), and soft balls of vessel or
parenchyma (`paste_ball`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from triage.detect.lungs import BoolArray, Float32Array
from triage.detect.prepare import normalise
from triage.learn.scans import PARENCHYMA
from triage.learn.sources import Cube

#: Outlines of the cubes hold 1.2 times the readers' volume in the median.
LOOSE_OUTLINE = 1.2
FEATHER_VOXELS = 6.0
SCALE_RANGE = (0.35, 1.25)
SMALLEST_MM = 4.0
LARGEST_MM = 32.0
VERSIONS = 6
#: Lower corner of a piece in a patch, voxels; may be negative.
Start: TypeAlias = Sequence[int] | npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Donor:
    """A nodule ready to be put somewhere.

    Attributes
    ----------
    patient : str
    values : ndarray, float32, shape (z, y, x)
        Normalised to 0..1, 1 mm.
    alpha : ndarray, float32, shape (z, y, x)
        1 in the nodule, soft edge, 0 outside.
    center_zyx : tuple of float
        Nodule centre in `values`.
    diameter_mm : float
    """

    patient: str
    values: Float32Array
    alpha: Float32Array
    center_zyx: tuple[float, float, float]
    diameter_mm: float


def make_donor(cube: Cube, scale: float) -> Donor:
    """Scale a cube and soften its outline.

    Parameters
    ----------
    cube : Cube
    scale : float
        New size over old size.

    Returns
    -------
    Donor
    """
    values = ndimage.zoom(normalise(cube.hu.astype(np.float32)), scale, order=1)
    soft = ndimage.gaussian_filter(ndimage.zoom(cube.mask.astype(np.float32), scale, order=1), 0.8)
    z, y, x = (float(v) for v in ndimage.center_of_mass(soft))
    volume_mm3 = float(cube.mask.sum()) / LOOSE_OUTLINE * scale**3
    diameter_mm = float(np.cbrt(volume_mm3 * 6.0 / np.pi))
    return Donor(cube.patient, values, np.clip(soft, 0, 1), (z, y, x), diameter_mm)


def make_donors(cubes: Sequence[Cube], rng: np.random.Generator) -> list[Donor]:
    """Several sizes of every cube, made once: scaling is slow, turning (`turn`) is free."""
    donors = []
    for cube in cubes:
        own_mm = float(np.cbrt(cube.mask.sum() / LOOSE_OUTLINE * 6.0 / np.pi))
        low = max(SCALE_RANGE[0], SMALLEST_MM / own_mm)
        high = max(low, min(SCALE_RANGE[1], LARGEST_MM / own_mm))
        scales = np.exp(rng.uniform(np.log(low), np.log(high), VERSIONS))
        donors += [make_donor(cube, float(s)) for s in scales]
    return donors


def turn(donor: Donor, rng: np.random.Generator) -> Donor:
    """The donor with axes swapped and flipped at random."""
    axes = tuple(int(a) for a in rng.permutation(3))
    flips = tuple(int(f) for f in rng.choice([1, -1], 3))
    window = tuple(slice(None, None, f) for f in flips)
    values = donor.values.transpose(axes)[window]
    alpha = donor.alpha.transpose(axes)[window]
    center = [donor.center_zyx[a] for a in axes]
    return Donor(
        donor.patient, values, alpha, mirrored(center, flips, values.shape), donor.diameter_mm
    )


def mirrored(
    center: Sequence[float], flips: Sequence[int], shape: Sequence[int]
) -> tuple[float, float, float]:
    """Where a point lies after the axes marked -1 in `flips` were turned round."""
    z, y, x = (
        c if flip == 1 else n - 1 - c for c, flip, n in zip(center, flips, shape, strict=True)
    )
    return z, y, x


def feather(shape: tuple[int, ...]) -> Float32Array:
    """1 inside a box, falling to 0 over `FEATHER_VOXELS` towards its faces."""
    weight = np.ones((1, 1, 1), dtype=np.float32)
    for axis, n in enumerate(shape):
        to_face = np.minimum(np.arange(n), np.arange(n)[::-1]) + 1
        ramp = np.clip(to_face / FEATHER_VOXELS, 0.0, 1.0).astype(np.float32)
        weight = weight * ramp.reshape([-1 if a == axis else 1 for a in range(3)])
    return weight


def windows(
    patch_shape: tuple[int, ...], piece_shape: tuple[int, ...], start: Start
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where a piece laid at `start` (may be negative) meets the patch: patch and piece windows."""
    corner = [int(s) for s in start]
    lows = [max(0, s) for s in corner]
    highs = [min(n, s + m) for n, m, s in zip(patch_shape, piece_shape, corner, strict=True)]
    in_patch = tuple(slice(a, max(a, b)) for a, b in zip(lows, highs, strict=True))
    in_piece = tuple(slice(w.start - s, w.stop - s) for w, s in zip(in_patch, corner, strict=True))
    return in_patch, in_piece


def blend(patch: Float32Array, piece: Float32Array, alpha: Float32Array, start: Start) -> None:
    """Lay `piece` over `patch` in place, `alpha` of it."""
    here, there = windows(patch.shape, piece.shape, start)
    patch[here] += alpha[there] * (piece[there] - patch[here])


def blend_brighter(
    patch: Float32Array, piece: Float32Array, alpha: Float32Array, start: Start
) -> None:
    """Like `blend`, but vessels and wall that are brighter than the piece stay."""
    here, there = windows(patch.shape, piece.shape, start)
    laid = patch[here] + alpha[there] * (piece[there] - patch[here])
    np.maximum(patch[here], laid, out=patch[here])


def parenchyma_share(patch: Float32Array, alpha: Float32Array, start: Start) -> float:
    """Share of the nodule's surroundings (outline grown by 2) that is aerated lung, 0..1."""
    grown: BoolArray = ndimage.binary_dilation(alpha > 0.2, iterations=2)
    here, there = windows(patch.shape, alpha.shape, start)
    around = patch[here][grown[there]]
    return float((around < PARENCHYMA).sum()) / max(1, int(grown.sum()))


def ball(radius_voxels: float) -> Float32Array:
    """A soft ball: alpha of a look-alike, shape (n, n, n)."""
    reach = int(np.ceil(radius_voxels)) + 2
    axis = np.arange(-reach, reach + 1, dtype=np.float32)
    distance = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    soft: Float32Array = np.clip((radius_voxels + 1.5 - distance) / 3.0, 0.0, 1.0)
    return soft.astype(np.float32)
