"""A whole phantom chest: proportions drawn by seed, tissue laid organ by organ, then scanned.

The phantom and the detector know nothing of each other: nothing here was adjusted to what a
model finds, and what a model finds in it is no clinical evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triage.core.volume import Volume, axial_affine
from triage.phantom.airways import grow_lungs, paint_vessels
from triage.phantom.bones import paint_bones
from triage.phantom.build import LUNG_BOTTOM_MM, LUNG_TOP_MM, Build, build
from triage.phantom.grid import Float32, Grid, Planes
from triage.phantom.mediastinum import middle_distance, paint_mediastinum
from triage.phantom.nodules import PhantomNodule, make_nodule, seats
from triage.phantom.scanner import Protocol, expose
from triage.phantom.thorax import Thorax, thorax
from triage.phantom.tissue import compose, fill_lungs, soft

FIELD_OF_VIEW_MM = 358.4
MARGIN_MM = 10.5  # scanned beyond the lung at each end
LONGEST_MM = 330.0  # further up or down there is no anatomy
PARENCHYMA_HU = -892.0
_COARSE_MM = 2.5


@dataclass(frozen=True, slots=True)
class PhantomChest:
    """A phantom and its truth.

    Attributes
    ----------
    volume : Volume
        HU as scanned.
    nodules : tuple of PhantomNodule
        Every nodule there is.
    body : Build
        The proportions it was drawn with.
    protocol : Protocol
        How it was scanned.
    """

    volume: Volume
    nodules: tuple[PhantomNodule, ...]
    body: Build
    protocol: Protocol


def make_chest(
    seed: int,
    nodules: int = 4,
    slices: int = 240,
    spacing_zyx_mm: tuple[float, float, float] = (1.25, 0.7, 0.7),
    *,
    matrix: int = 512,
    cut_top_mm: float = 0.0,
    cut_bottom_mm: float = 0.0,
    protocol: Protocol | None = None,
) -> PhantomChest:
    """Make a phantom; the same arguments make the same voxels.

    Parameters
    ----------
    seed : int
        Not negative.
    nodules : int
        How many, all inside the scan.
    slices, matrix : int
        Size; at least 8 slices, and an even matrix of at least 64.
    spacing_zyx_mm : tuple of float
        Wished for. The whole lung is always scanned (but see the cuts), so slices lie further
        apart when there are few and closer when there would be more than a chest is long; a
        small matrix makes larger pixels over the same field of view.
    cut_top_mm, cut_bottom_mm : float
        Begin the scan this far below the top of the lungs, end it this far above their lowest
        point: a lung cut off at the last or first slice.
    protocol : Protocol, optional

    Returns
    -------
    PhantomChest

    Raises
    ------
    ValueError
        For sizes that make no chest, or nodules that do not fit.
    """
    if seed < 0 or nodules < 0 or slices < 8 or matrix < 64 or matrix % 2:
        raise ValueError(
            f"no chest of {slices} slices of {matrix} pixels with {nodules} nodules, seed {seed}"
        )
    protocol = protocol or Protocol()
    # Each part draws from its own stream, so that more nodules do not move the ribs.
    anatomy, vessels, lumps, photons = (np.random.default_rng([seed, part]) for part in range(4))
    body = build(anatomy)
    grid = sampling(slices, matrix, spacing_zyx_mm, cut_top_mm, cut_bottom_mm)
    coarse = grid.coarser(_COARSE_MM)
    chest = thorax(coarse, body, middle_distance(coarse, body), anatomy)
    hu = _body(grid, body, chest, anatomy)
    strokes = grow_lungs(
        chest,
        vessels,
        terminal_mm=max(5.6, 3.6 * grid.voxel_mm),
        step_mm=max(2.5, 1.5 * grid.voxel_mm),
    )
    paint_vessels(hu, grid, strokes, PARENCHYMA_HU)
    z = grid.axes_mm()[0]
    taken = seats(nodules, chest, strokes.blood, (float(z.min()), float(z.max())), lumps)
    made = tuple(
        make_nodule(hu, grid, chest, seat, ground_hu=PARENCHYMA_HU, rng=lumps) for seat in taken
    )
    back = float(body.skin(np.zeros(1, np.float32))[2][0])
    scanned = expose(hu, grid, back, protocol, photons)
    return PhantomChest(
        Volume(scanned, axial_affine(grid.origin_lps_mm, grid.spacing_zyx_mm)), made, body, protocol
    )


def sampling(
    slices: int,
    matrix: int,
    spacing_zyx_mm: tuple[float, float, float],
    cut_top_mm: float = 0.0,
    cut_bottom_mm: float = 0.0,
) -> Grid:
    """Voxels over the chest, as `make_chest` describes them.

    Positions are whole micrometres and spacings whole tenths of one, so that a header can say
    them exactly.

    Raises
    ------
    ValueError
        For a negative cut, or cuts that leave no chest.
    """
    if min(cut_top_mm, cut_bottom_mm) < 0:
        raise ValueError("a cut cannot be negative")
    dz, dy, dx = spacing_zyx_mm
    top = LUNG_TOP_MM - cut_top_mm if cut_top_mm else LUNG_TOP_MM + MARGIN_MM
    bottom = LUNG_BOTTOM_MM + cut_bottom_mm if cut_bottom_mm else LUNG_BOTTOM_MM - MARGIN_MM
    if top - bottom < 20:
        raise ValueError(f"cuts of {cut_top_mm} and {cut_bottom_mm} mm leave no chest")
    exact = bool(cut_top_mm or cut_bottom_mm)
    dz = (top - bottom) / (slices - 1) if exact else dz
    dz = min(max(dz, (top - bottom) / (slices - 1)), LONGEST_MM / (slices - 1))
    dz = round(dz, 4)
    dy, dx = (round(max(d, FIELD_OF_VIEW_MM / matrix), 4) for d in (dy, dx))
    first = round((top + bottom) / 2 - dz * (slices - 1) / 2, 3)
    half_y, half_x = (round(d * (matrix - 1) / 2, 3) for d in (dy, dx))
    return Grid((slices, matrix, matrix), (dz, dy, dx), (-half_x, -half_y, first))


def _body(grid: Grid, body: Build, chest: Thorax, rng: np.random.Generator) -> Float32:
    """Everything but the insides of the lungs, and their parenchyma; HU float32 (z, y, x)."""
    hu = np.empty(grid.shape_zyx, np.float32)
    planes = Planes.between(chest.grid, grid)
    compose(hu, grid, planes, chest, soft(body, chest, rng))
    paint_mediastinum(hu, grid, body, grid.spacing_zyx_mm[1])
    paint_bones(hu, grid, body, rng)
    fill_lungs(hu, grid, planes, chest, base_hu=PARENCHYMA_HU, rng=rng)
    return hu
