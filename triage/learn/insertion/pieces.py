"""Nodules cut out of their cubes so that they can be laid elsewhere, and their healthy twins.

A nodule is kept as *how much of it* each voxel is (`cover`, 0 lung .. 1 tissue) and *what it is
made of* (`tissue`). Cover is read off the density, between the donor's own lung and its own core,
inside a softened outline: at the edge of the nodule it falls to nothing by itself, whatever the
outline says, and ground glass stays transparent for the vessels of its host.

The **twin** is a cut of healthy lung made the same way: same outline, same softening, same density
rule, same size. What a detector says of twins is what it says of cutting and laying. Wall is not
cut: the readers' outline ends where the wall begins, and a chip of wall moved elsewhere would be a
lump on the pleura, which a detector should find.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from triage.detect.lungs import BoolArray, Float32Array
from triage.detect.prepare import HU_LOW, HU_RANGE, normalise
from triage.learn.data.cases import Cube

#: Outlines of the cubes hold 1.2 times the readers' volume in the median (data README).
LOOSE_OUTLINE = 1.2
OUTLINE_SIGMA = 0.7
#: Full cover is tissue at least this dense: ground glass then covers a third, as it should.
LEAST_CORE_HU = -150.0
LUNG_BELOW_HU = -600.0
USUAL_LUNG_HU = -850.0
DENSE_HU = -500.0
#: The ring around a nodule that tells what it hangs on, mm from its outline.
RING_MM = (1.5, 4.0)
#: Dense beyond this in the ring: a vessel runs into it; wall beyond that: it sits on a wall.
VESSEL_SHARE = 0.06
WALL_SHARE = 0.10
#: Tissue thicker than twice this is wall (pleura, mediastinum, heart), not vessel.
WALL_HALF_MM = 4.0
#: A scanner blurs a point by about this much in the plane (sigma, mm).
SCANNER_SIGMA_MM = 0.6
NOISE_WINDOW = 5
#: The quietest fifth of small windows of aerated lung holds noise, no structure.
NOISE_PERCENTILE = 20.0
SCALE_RANGE = (0.35, 1.25)
SMALLEST_MM, LARGEST_MM = 3.5, 32.0
SIZES = 6


class Host(StrEnum):
    """What a nodule hangs on."""

    LUNG = "lung"
    VESSEL = "vessel"
    WALL = "wall"


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that can be laid into a scan.

    Attributes
    ----------
    patient : str
        Whose it is; for a twin, whose outline it wears.
    cover : ndarray, float32, shape (z, y, x)
        0 where the host stays, 1 where it is replaced; 1 mm grid, z towards the head.
    tissue : ndarray, float32, shape (z, y, x)
        What is laid, normalised to 0..1 as the network reads it.
    outline : ndarray, bool, shape (z, y, x)
        The nodule's own voxels.
    center_zyx : tuple of float
        Centre of the outline, voxels.
    diameter_mm : float
    hangs_on : Host
    wall_zyx : tuple of float
        Unit vector from the centre to the wall; zeros unless it hangs on one.
    thickness_mm : float
        Slice thickness it was seen with, at its present size; 0 when not known.
    noise : float
        Noise of the lung it was cut from (`noise_of`), at its present size; 0 when not known.
    twin : bool
        Healthy lung in the outline of a nodule.
    """

    patient: str
    cover: Float32Array
    tissue: Float32Array
    outline: BoolArray
    center_zyx: tuple[float, float, float]
    diameter_mm: float
    hangs_on: Host
    wall_zyx: tuple[float, float, float]
    thickness_mm: float
    noise: float
    twin: bool = False


def cut_out(cube: Cube, scale: float = 1.0) -> Piece:
    """The nodule of a cube, at another size if wished.

    Parameters
    ----------
    cube : Cube
    scale : float
        New size over old, taken to the nearest whole voxel of the cube's side. A smaller nodule
        is blurred by what the scanner would have added.

    Returns
    -------
    Piece
    """
    hangs_on, wall = surroundings(cube.hu, cube.mask)
    hu, outline = cube.hu.astype(np.float32), cube.mask
    lung, core = levels(hu, outline)
    if scale != 1.0:
        # A whole number of voxels: the size that is made is the size that is said.
        scale = round(len(hu) * scale) / len(hu)
        hu = ndimage.zoom(hu, scale, order=1, grid_mode=True, mode="nearest")
        hu = ndimage.gaussian_filter(hu, SCANNER_SIGMA_MM * max(0.0, 1.0 - scale**2) ** 0.5)
        soft = ndimage.gaussian_filter(outline.astype(np.float32), 0.4 / scale)
        outline = ndimage.zoom(soft, scale, order=1, grid_mode=True, mode="nearest") >= 0.5
    cover, tissue = covered(hu, outline, lung, core)
    z, y, x = (float(v) for v in ndimage.center_of_mass(outline))
    volume_mm3 = float(cube.mask.sum()) / LOOSE_OUTLINE * scale**3
    return _trimmed(
        Piece(
            patient=cube.patient,
            cover=cover,
            tissue=tissue,
            outline=outline,
            center_zyx=(z, y, x),
            diameter_mm=float(np.cbrt(volume_mm3 * 6.0 / np.pi)),
            hangs_on=hangs_on,
            wall_zyx=wall,
            thickness_mm=(cube.thickness_mm or 0.0) * scale,
            noise=_lung_noise(cube) / max(1.0, 2.0 - scale**2) ** 0.5,
        )
    )


def noise_of(volume: Float32Array, aerated: BoolArray) -> float:
    """Noise of aerated lung, in the plane: the quiet fifth of small windows.

    Parameters
    ----------
    volume : ndarray, float32, shape (Z, Y, X)
    aerated : ndarray, bool, shape (Z, Y, X)

    Returns
    -------
    float
        Standard deviation; 0 where there is no window of aerated lung.
    """
    size = (1, NOISE_WINDOW, NOISE_WINDOW)
    mean = ndimage.uniform_filter(volume, size)
    square = ndimage.uniform_filter(volume * volume, size)
    inside = ndimage.uniform_filter(aerated.astype(np.float32), size) > 0.999
    spread = np.sqrt(np.maximum(square - mean * mean, 0.0))[inside]
    return float(np.percentile(spread, NOISE_PERCENTILE)) if spread.size else 0.0


def _lung_noise(cube: Cube) -> float:
    """`noise_of` the lung around a cube's nodule."""
    away = ndimage.distance_transform_edt(~cube.mask)
    return noise_of(normalise(cube.hu.astype(np.float32)), (cube.hu < DENSE_HU) & (away > 3.0))


def cut_out_at_sizes(cubes: Sequence[Cube], rng: np.random.Generator) -> list[Piece]:
    """Several sizes of every cube, made once: scaling is slow, turning is free.

    Parameters
    ----------
    cubes : sequence of Cube
    rng : Generator

    Returns
    -------
    list of Piece
        `SIZES` a cube, from small to a little larger than it was, within what the scales can
        honestly make.
    """
    pieces = []
    for cube in cubes:
        own_mm = float(np.cbrt(cube.mask.sum() / LOOSE_OUTLINE * 6.0 / np.pi))
        low = max(SCALE_RANGE[0], SMALLEST_MM / own_mm)
        high = max(low, min(SCALE_RANGE[1], LARGEST_MM / own_mm))
        scales = np.exp(rng.uniform(np.log(low), np.log(high), SIZES))
        pieces += [cut_out(cube, float(s)) for s in scales]
    return pieces


def twin_of(piece: Piece, healthy: Float32Array, wall: BoolArray, noise: float) -> Piece:
    """Healthy lung cut by the same outline, the same way.

    Parameters
    ----------
    piece : Piece
        The nodule whose twin is wanted.
    healthy : ndarray, float32, shape of ``piece.cover``
        Lung without any mark, normalised to 0..1.
    wall : ndarray, bool, same shape
        Of it, what is wall.
    noise : float
        Of that lung, see `noise_of`.

    Returns
    -------
    Piece
    """
    hu = healthy * np.float32(HU_RANGE) + np.float32(HU_LOW)
    lung, core = levels(hu, piece.outline)
    cover, tissue = covered(hu, piece.outline, lung, core)
    cover = np.where(wall, np.float32(0.0), cover)
    return replace(piece, cover=cover, tissue=tissue, noise=noise, twin=True)


def covered(
    hu: Float32Array, outline: BoolArray, lung_hu: float, core_hu: float
) -> tuple[Float32Array, Float32Array]:
    """How much each voxel covers its host, and with what; see the module's words.

    Parameters
    ----------
    hu : ndarray, float32, shape (z, y, x)
    outline : ndarray, bool, shape (z, y, x)
    lung_hu, core_hu : float
        The donor's own lung and the inside of what is cut out.

    Returns
    -------
    cover, tissue : ndarray, float32, shape (z, y, x)
        `tissue` normalised to 0..1.
    """
    soft = ndimage.gaussian_filter(outline.astype(np.float32), OUTLINE_SIGMA)
    share = np.clip((hu - lung_hu) / max(core_hu - lung_hu, 1.0), 0.0, 1.0)
    cover: Float32Array = (np.clip(soft, 0.0, 1.0) * share).astype(np.float32)
    return cover, normalise(np.maximum(hu, np.float32(core_hu)))


def levels(hu: Float32Array, outline: BoolArray) -> tuple[float, float]:
    """Density of the lung around an outline and of the tissue inside, HU."""
    away = ndimage.distance_transform_edt(~outline)
    around = hu[(away > 3.0) & (away < 8.0)]
    lung = around[around < LUNG_BELOW_HU]
    inside = hu[outline]
    core = float(np.percentile(inside, 70)) if inside.size else LEAST_CORE_HU
    return float(np.median(lung)) if lung.size >= 50 else USUAL_LUNG_HU, max(core, LEAST_CORE_HU)


def surroundings(
    hu: npt.NDArray[np.int16], outline: BoolArray
) -> tuple[Host, tuple[float, float, float]]:
    """What a nodule hangs on, and where its wall is.

    Parameters
    ----------
    hu : ndarray, int16, shape (z, y, x)
        1 mm.
    outline : ndarray, bool, shape (z, y, x)

    Returns
    -------
    host : Host
    wall_zyx : tuple of float
        Unit vector from the nodule to its wall; zeros when there is none.
    """
    away = ndimage.distance_transform_edt(~outline)
    ring = (away > RING_MM[0]) & (away <= RING_MM[1])
    dense = (hu > DENSE_HU) & (away > 1.0)
    wall = ring & thick(dense)
    if wall.sum() >= WALL_SHARE * ring.sum():
        to_wall = np.argwhere(wall).mean(0) - np.argwhere(outline).mean(0)
        length = float(np.linalg.norm(to_wall))
        if length > 0.0:
            z, y, x = (float(v) for v in to_wall / length)
            return Host.WALL, (z, y, x)
    share = float((ring & dense).sum()) / max(1, int(ring.sum()))
    return (Host.VESSEL if share >= VESSEL_SHARE else Host.LUNG), (0.0, 0.0, 0.0)


def thick(dense: BoolArray, grid_mm: float = 1.0) -> BoolArray:
    """Tissue that a ball of `WALL_HALF_MM` fits into; it goes on beyond the picture.

    Parameters
    ----------
    dense : ndarray, bool, shape (z, y, x)
    grid_mm : float

    Returns
    -------
    ndarray, bool, shape of `dense`
    """
    reach = int(np.ceil(WALL_HALF_MM / grid_mm)) + 1
    padded = np.pad(dense, reach, mode="edge")
    inner = ndimage.distance_transform_edt(padded, sampling=grid_mm) > WALL_HALF_MM
    if not inner.any():
        return np.zeros_like(dense)
    opened: BoolArray = ndimage.distance_transform_edt(~inner, sampling=grid_mm) <= WALL_HALF_MM
    return opened[reach:-reach, reach:-reach, reach:-reach] & dense


def turn(piece: Piece, quarter: int, flips: Sequence[int]) -> Piece:
    """Turn in the axial plane and mirror; the head-foot axis stays, because slices lie across it.

    Parameters
    ----------
    piece : Piece
    quarter : int
        Quarter turns in the plane, 0..3.
    flips : sequence of three int
        1, or -1 for an axis that is mirrored (after the turn).

    Returns
    -------
    Piece
    """
    window = tuple(slice(None, None, f) for f in flips)

    def turned(array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return np.ascontiguousarray(np.rot90(array, quarter, (1, 2))[window])

    outline = turned(piece.outline).astype(bool)
    z, y, x = (float(v) for v in ndimage.center_of_mass(outline))
    wall = np.array(piece.wall_zyx)
    for _ in range(quarter % 4):
        # `np.rot90` from axis 1 to axis 2 takes (y, x) to (-x, y).
        wall = np.array([wall[0], -wall[2], wall[1]])
    a, b, c = (float(v) for v in wall * np.array(flips))
    return replace(
        piece,
        cover=turned(piece.cover).astype(np.float32),
        tissue=turned(piece.tissue).astype(np.float32),
        outline=outline,
        center_zyx=(z, y, x),
        wall_zyx=(a, b, c),
    )


def _trimmed(piece: Piece) -> Piece:
    """Cut to what covers anything: small pieces are quick to place and to lay."""
    box = ndimage.find_objects((piece.outline | (piece.cover > 0.01)).astype(np.uint8))[0]
    window = tuple(
        slice(max(0, s.start - 1), min(n, s.stop + 1))
        for s, n in zip(box, piece.cover.shape, strict=True)
    )
    z, y, x = (c - w.start for c, w in zip(piece.center_zyx, window, strict=True))
    return replace(
        piece,
        cover=np.ascontiguousarray(piece.cover[window]),
        tissue=np.ascontiguousarray(piece.tissue[window]),
        outline=np.ascontiguousarray(piece.outline[window]),
        center_zyx=(z, y, x),
    )
