"""Lay a piece into a host so that it was seen by the host's scanner: as thick, as noisy.

Both a nodule and its twin go through this, so whatever it leaves behind it leaves in both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from triage.detect.lungs import Float32Array, Float64Array
from triage.learn.insertion.ground import Ground
from triage.learn.insertion.pieces import Piece

#: Noise of a CT is not white: neighbours in the plane share it (sigma, mm).
GRAIN_SIGMA_MM = 0.6
#: Noise is never smoothed away more than by this factor: edges would go with it.
MOST_SMOOTHING = 2.0
TINY = 1e-4


def lay(
    volume: Float32Array,
    piece: Piece,
    start: Sequence[int],
    ground: Ground,
    rng: np.random.Generator,
) -> None:
    """Lay a piece into a volume, in place.

    Parameters
    ----------
    volume : ndarray, float32, shape (Z, Y, X)
        Of the ground's shape; may hold other pieces already.
    piece : Piece
    start : sequence of three int
        Where voxel (0, 0, 0) of the piece goes; the piece must lie inside.
    ground : Ground
    rng : Generator

    Raises
    ------
    ValueError
        The piece sticks out of the volume.
    """
    low, high = np.array(start), np.array(start) + piece.cover.shape
    if (low < 0).any() or (high > volume.shape).any():
        raise ValueError(f"a piece of {piece.cover.shape} at {list(start)} sticks out")
    depth, first = volume.shape[0], int(low[0])
    pad = int(np.ceil(ground.thickness_mm + ground.spacing_mm)) + 1
    z0, z1 = max(0, first - pad), min(depth, int(high[0]) + pad)
    seen = slice_weights(z0, z1, ground, piece.thickness_mm)
    wide = [(first - z0, z1 - int(high[0])), (0, 0), (0, 0)]
    cover, matter = (
        np.tensordot(seen, np.pad(part, wide), (1, 0)).astype(np.float32)
        for part in sharpness(piece, ground, rng)
    )
    window = (slice(z0, z1), slice(int(low[1]), int(high[1])), slice(int(low[2]), int(high[2])))
    volume[window] = np.clip(volume[window] * (1.0 - cover) + matter, 0.0, 1.0)


def slice_weights(z0: int, z1: int, ground: Ground, own_thickness_mm: float) -> Float64Array:
    """How the grid's planes z0..z1 are seen through the host's slices.

    Every slice averages over its thickness (less what the piece was averaged over already), and
    planes of the grid lie on straight lines between slices, as `prepare` lays them.

    Parameters
    ----------
    z0, z1 : int
        Planes of the ground; slice k of the host lies at ``k * spacing_mm`` of its whole grid.
    ground : Ground
    own_thickness_mm : float

    Returns
    -------
    ndarray, float64, shape (z1 - z0, z1 - z0)
        Rows sum to 1 away from the ends.
    """
    planes = np.arange(z0, z1, dtype=np.float64) + ground.first_plane
    width_mm = float(np.sqrt(max(0.0, ground.thickness_mm**2 - own_thickness_mm**2)))
    if ground.spacing_mm <= 1.0 and width_mm <= 1.0:
        return np.eye(len(planes))
    low, high = np.floor(planes[0] / ground.spacing_mm), np.ceil(planes[-1] / ground.spacing_mm)
    slices_mm = np.arange(low, high + 1) * ground.spacing_mm
    half = max(width_mm, 1.0) / 2.0
    # Overlap of each plane (1 mm thick) with each slice's slab.
    top = np.minimum(planes[None] + 0.5, slices_mm[:, None] + half)
    bottom = np.maximum(planes[None] - 0.5, slices_mm[:, None] - half)
    slab = np.maximum(top - bottom, 0.0) / (2.0 * half)
    between = 1.0 - np.abs(planes[:, None] - slices_mm[None]) / ground.spacing_mm
    return np.asarray(np.maximum(between, 0.0) @ slab)


def sharpness(
    piece: Piece, ground: Ground, rng: np.random.Generator
) -> tuple[Float32Array, Float32Array]:
    """The piece as smooth as its host, or as noisy.

    How noisy lung is tells how sharp its kernel was. A piece from noisier lung is smoothed until
    its noise is the host's; one from quieter lung is given the noise it lacks.

    Parameters
    ----------
    piece : Piece
    ground : Ground
    rng : Generator

    Returns
    -------
    cover, matter : ndarray, float32, shape of the piece
        `matter` is tissue times cover, so that smoothing mixes in nothing that was not covered.
    """
    cover, matter = piece.cover, piece.cover * piece.tissue
    if not piece.noise or not ground.noise:
        return cover, matter
    if piece.noise > ground.noise:
        ratio = min(piece.noise / ground.noise, MOST_SMOOTHING)
        sigma = GRAIN_SIGMA_MM * float(np.sqrt(ratio**2 - 1.0))
        smooth = (0.0, sigma, sigma)
        return ndimage.gaussian_filter(cover, smooth), ndimage.gaussian_filter(matter, smooth)
    white = rng.standard_normal(cover.shape, dtype=np.float32)
    grained = ndimage.gaussian_filter(white, (0.0, GRAIN_SIGMA_MM, GRAIN_SIGMA_MM))
    lacking = float(np.sqrt(ground.noise**2 - piece.noise**2)) / max(float(grained.std()), TINY)
    return cover, matter + cover * grained * np.float32(lacking)
