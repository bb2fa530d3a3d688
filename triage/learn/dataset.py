"""Patches to learn from: real lung, real nodules laid into it, healthy twins, and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from triage.detect.decode import STRIDE
from triage.detect.lungs import Float32Array
from triage.learn.insertion.ground import STEP, Ground
from triage.learn.insertion.lay import lay
from triage.learn.insertion.pieces import Piece
from triage.learn.insertion.planted import place, place_twin
from triage.learn.scans import Scan, Target

PATCH = 64
CELLS = PATCH // STRIDE
HARD_SHARE = 0.38
OWN_SHARE = 0.12
POSITIVE_SHARE = 0.7
#: Two twins are tried a patch, each with this chance: about as many as nodules.
TWIN_SHARE = 0.5
#: Between the edges of what lies in one patch.
APART_IN_PATCH_MM = 4.0
IGNORE_MARGIN_MM = 4.0
SLICES_STAY_SHARE = 0.5
Index = tuple[int, int, int]
FloatT = TypeVar("FloatT", bound=np.floating[Any])


@dataclass(frozen=True, slots=True)
class Example:
    """One patch and its answer on the cell grid.

    Attributes
    ----------
    image : ndarray, float32, shape (64, 64, 64)
    heat : ndarray, float32, shape (16, 16, 16)
        1 at cells that hold a nodule centre, a Gaussian around.
    weight : ndarray, float32, shape (16, 16, 16)
        0 where nothing is taught.
    shape : ndarray, float32, shape (4, 16, 16, 16)
        log diameter (mm), offset z y x (cells); valid near nodules, where `heat` is not 0.
    """

    image: Float32Array
    heat: Float32Array
    weight: Float32Array
    shape: Float32Array


class Sampler:
    """Draws patches; the same generator state always gives the same patch.

    Parameters
    ----------
    scans : sequence of Scan
    pieces : sequence of Piece
        Nodules to lay. None are needed where the scans hold enough of their own.
    """

    def __init__(self, scans: Sequence[Scan], pieces: Sequence[Piece]) -> None:
        self.scans = scans
        self.pieces = pieces

    def draw(self, rng: np.random.Generator) -> Example:
        """One example."""
        scan = self.scans[int(rng.integers(len(self.scans)))]
        start = self._start(scan, rng)
        ground = scan.ground.window(start, PATCH)
        targets = [
            t
            for t in (moved(t, start) for t in scan.targets)
            if all(-16 <= c < PATCH + 16 for c in t.zyx)
        ]
        if self.pieces:
            targets = self._lay(ground, targets, rng)
        return finish(ground.volume, targets, rng)

    def _lay(self, ground: Ground, targets: list[Target], rng: np.random.Generator) -> list[Target]:
        """Nodules and twins, some of each; the targets with them."""
        if rng.random() < POSITIVE_SHARE:
            for _ in range(rng.integers(1, 3)):
                targets = self._lay_nodule(ground, targets, rng)
        for _ in range(2):
            if rng.random() < TWIN_SHARE:
                self._lay_twin(ground, targets, rng)
        return targets

    def _start(self, scan: Scan, rng: np.random.Generator) -> Index:
        """Lower corner of a patch: at a hard place, at an own nodule, or anywhere."""
        dice = rng.random()
        own = [t.zyx for t in scan.targets if t.positive]
        if dice < HARD_SHARE and len(scan.hard):
            center, jitter = scan.hard[rng.integers(len(scan.hard))], 14
        elif dice < HARD_SHARE + OWN_SHARE and own:
            center, jitter = np.array(own[rng.integers(len(own))]), 18
        else:
            center, jitter = scan.air[rng.integers(len(scan.air))].astype(float), 24
        center = center + rng.uniform(-jitter, jitter, 3)
        low = (np.rint(center).astype(int) - PATCH // 2) // STEP * STEP
        z, y, x = np.clip(low, 0, (np.array(scan.volume.shape) - PATCH) // STEP * STEP)
        return int(z), int(y), int(x)

    def _lay_nodule(
        self, ground: Ground, targets: list[Target], rng: np.random.Generator
    ) -> list[Target]:
        """A nodule at a place of its kind, if this patch has one; the targets with it."""
        piece = self.pieces[int(rng.integers(len(self.pieces)))]
        placed = place(ground, piece, targets, rng, apart_mm=APART_IN_PATCH_MM)
        if placed is None:
            return targets
        turned, start = placed
        lay(ground.volume, turned, start, ground, rng)
        z, y, x = (float(s + c) for s, c in zip(start, turned.center_zyx, strict=True))
        return [*targets, Target((z, y, x), turned.diameter_mm, True)]

    def _lay_twin(
        self, ground: Ground, targets: Sequence[Target], rng: np.random.Generator
    ) -> None:
        """Healthy lung of this patch, cut and laid like a nodule: nothing to be found."""
        piece = self.pieces[int(rng.integers(len(self.pieces)))]
        placed = place_twin(ground, piece, targets, rng, APART_IN_PATCH_MM)
        if placed is not None:
            lay(ground.volume, *placed, ground, rng)


def cut(volume: npt.NDArray[FloatT], start: Index) -> npt.NDArray[FloatT]:
    """A patch as a copy."""
    window = tuple(slice(a, a + PATCH) for a in start)
    return volume[window].copy()


def moved(target: Target, start: Index) -> Target:
    """The target in a patch that begins at `start`."""
    z, y, x = (c - s for c, s in zip(target.zyx, start, strict=True))
    return Target((z, y, x), target.diameter_mm, target.positive)


def clashes(target: Target, center: npt.NDArray[np.float64], size: float) -> bool:
    """Whether a thing of `size` at `center` would touch the target."""
    gap = np.abs(np.array(target.zyx) - center).max()
    return bool(gap < (target.diameter_mm + size) / 2.0 + 3.0)


def mirrored(
    center: Sequence[float], flips: Sequence[int], shape: Sequence[int]
) -> tuple[float, float, float]:
    """Where a point lies after the axes marked -1 in `flips` were turned round."""
    z, y, x = (
        c if flip == 1 else n - 1 - c for c, flip, n in zip(center, flips, shape, strict=True)
    )
    return z, y, x


def finish(patch: Float32Array, targets: Sequence[Target], rng: np.random.Generator) -> Example:
    """Turn, disturb, and write the answer down."""
    axes = _axes(rng)
    flips = tuple(int(f) for f in rng.choice([1, -1], 3))
    image = patch.transpose(axes)[tuple(slice(None, None, f) for f in flips)]
    turned = []
    for t in targets:
        center = [t.zyx[a] for a in axes]
        center_zyx = mirrored(center, flips, image.shape)
        turned.append(Target(center_zyx, t.diameter_mm, t.positive))
    heat, weight, shape = answer(turned)
    return Example(disturb(image, rng), heat, weight, shape)


def _axes(rng: np.random.Generator) -> tuple[int, ...]:
    """An order of the axes; every second time slices stay slices, because they are thick."""
    if rng.random() < SLICES_STAY_SHARE:
        return (0, *(int(a) for a in rng.permutation([1, 2])))
    return tuple(int(a) for a in rng.permutation(3))


def disturb(image: Float32Array, rng: np.random.Generator) -> Float32Array:
    """Brightness, contrast, noise and thick slices, each at random."""
    out = image * np.float32(rng.uniform(0.94, 1.06)) + np.float32(rng.uniform(-0.025, 0.025))
    if rng.random() < 0.3:
        blur, axis = float(rng.uniform(0.4, 1.1)), int(rng.integers(3))
        out = ndimage.gaussian_filter1d(out, blur, axis=axis)
    if rng.random() < 0.5:
        noise = rng.standard_normal(out.shape, dtype=np.float32)
        out = out + noise * np.float32(rng.uniform(0.0, 0.03))
    clipped: Float32Array = np.ascontiguousarray(np.clip(out, 0.0, 1.0), dtype=np.float32)
    return clipped


def answer(targets: Sequence[Target]) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Heat, weight and shape maps for targets in patch voxels; see `Example`."""
    heat = np.zeros((CELLS,) * 3, dtype=np.float32)
    weight = np.ones_like(heat)
    shape = np.zeros((4, *heat.shape), dtype=np.float32)
    for face in (0, -1):
        weight[face], weight[:, face], weight[:, :, face] = 0.0, 0.0, 0.0
    grid = np.stack(np.meshgrid(*[np.arange(CELLS, dtype=np.float32)] * 3, indexing="ij"))
    for t in targets:
        center = np.array(t.zyx, dtype=np.float32) / STRIDE
        away = center.reshape(3, 1, 1, 1) - grid
        if not t.positive:
            reach = (t.diameter_mm / 2.0 + IGNORE_MARGIN_MM) / STRIDE
            weight[(away**2).sum(0) <= reach**2] = 0.0
            continue
        nearest = np.rint(center)
        sigma = max(0.6, t.diameter_mm / 20.0)
        bump = np.exp(-((grid - nearest.reshape(3, 1, 1, 1)) ** 2).sum(0) / (2.0 * sigma**2))
        mine = bump > heat
        heat = np.maximum(heat, bump)
        shape[0][mine] = np.log(t.diameter_mm)
        shape[1:, mine] = away[:, mine]
    return heat, weight, shape
