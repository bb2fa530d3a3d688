"""Patches to learn from: real lung, real nodules put into it, and what the network must answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from triage.detect.decode import STRIDE
from triage.detect.lungs import Float32Array
from triage.learn import paste
from triage.learn.scans import Scan, Target

PATCH = 64
CELLS = PATCH // STRIDE
HARD_SHARE = 0.38
OWN_SHARE = 0.12
POSITIVE_SHARE = 0.7
SEAM_SHARE = 0.45
BALL_SHARE = 0.3
CONTEXT_SHARE, SOFT_SHARE = 0.40, 0.30
PARENCHYMA_NEEDED = 0.85
PLEURAL_NEEDED = 0.55
TRIES = 8
PLAIN_TRIES = 100
IGNORE_MARGIN_MM = 4.0
Index = tuple[int, int, int]


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
    donors : sequence of paste.Donor
    """

    def __init__(self, scans: Sequence[Scan], donors: Sequence[paste.Donor]) -> None:
        self.scans = scans
        self.donors = donors

    def draw(self, rng: np.random.Generator) -> Example:
        """One example."""
        scan = self.scans[int(rng.integers(len(self.scans)))]
        start = self._start(scan, rng)
        patch = cut(scan.volume, start)
        targets = [
            t
            for t in (moved(t, start) for t in scan.targets)
            if all(-16 <= c < PATCH + 16 for c in t.zyx)
        ]
        targets = self._lay_look_alikes(patch, targets, rng)
        if rng.random() < POSITIVE_SHARE:
            for _ in range(rng.integers(1, 3)):
                targets = self._lay_nodule(patch, targets, rng)
        return finish(patch, targets, rng)

    def _start(self, scan: Scan, rng: np.random.Generator) -> Index:
        """Lower corner of a patch: at a mined false positive, at an own nodule, or anywhere."""
        dice = rng.random()
        own = [t.zyx for t in scan.targets if t.positive]
        if dice < HARD_SHARE and len(scan.hard):
            center, jitter = scan.hard[rng.integers(len(scan.hard))], 14
        elif dice < HARD_SHARE + OWN_SHARE and own:
            center, jitter = np.array(own[rng.integers(len(own))]), 18
        else:
            center, jitter = scan.air[rng.integers(len(scan.air))].astype(float), 24
        center = center + rng.uniform(-jitter, jitter, 3)
        low = np.rint(center).astype(int) - PATCH // 2
        z, y, x = np.clip(low, 0, np.array(scan.volume.shape) - PATCH)
        return int(z), int(y), int(x)

    def _lay_look_alikes(
        self, patch: Float32Array, targets: list[Target], rng: np.random.Generator
    ) -> list[Target]:
        """Seams without a nodule: a feathered box, a soft ball."""
        if rng.random() < SEAM_SHARE:
            size = int(rng.integers(20, 56))
            piece = self._plain_lung(size, rng)
            start = rng.integers(-size // 3, PATCH - 2 * size // 3, 3)
            if piece is not None:
                paste.blend(patch, piece, paste.feather(piece.shape), start)
                targets = uncovered(targets, start, piece.shape)
        for _ in range(2):
            if rng.random() < BALL_SHARE:
                alpha = paste.ball(float(rng.uniform(2.0, 9.0)))
                piece = self._plain_lung(alpha.shape[0], rng)
                start = rng.integers(0, PATCH - alpha.shape[0], 3)
                middle, width = start + alpha.shape[0] / 2.0, alpha.shape[0]
                if piece is not None and not any(clashes(t, middle, width) for t in targets):
                    paste.blend(patch, piece, alpha, start)
        return targets

    def _plain_lung(self, size: int, rng: np.random.Generator) -> Float32Array | None:
        """A cube of lung without any marked nodule from any scan; None when none was met."""
        for _ in range(PLAIN_TRIES):
            scan = self.scans[int(rng.integers(len(self.scans)))]
            center = scan.air[rng.integers(len(scan.air))]
            if len(scan.hard) and rng.random() < HARD_SHARE:
                center = scan.hard[rng.integers(len(scan.hard))]
            low = np.rint(center).astype(int) - size // 2
            low = np.clip(low, 0, np.array(scan.volume.shape) - size)
            if not any(clashes(t, low + size / 2.0, size) for t in scan.targets):
                window = tuple(slice(int(a), int(a) + size) for a in low)
                piece: Float32Array = scan.volume[window]
                return piece
        return None

    def _lay_nodule(
        self, patch: Float32Array, targets: list[Target], rng: np.random.Generator
    ) -> list[Target]:
        """Put one nodule in: its whole surroundings, or the nodule alone into aerated lung."""
        donor = paste.turn(self.donors[int(rng.integers(len(self.donors)))], rng)
        dice = rng.random()
        context, soft = dice < CONTEXT_SHARE, dice < CONTEXT_SHARE + SOFT_SHARE
        needed = 0.0 if context else PARENCHYMA_NEEDED if soft else PLEURAL_NEEDED
        for _ in range(TRIES):
            center = rng.uniform(6, PATCH - 6, 3)
            start = np.rint(center - donor.center_zyx).astype(int)
            z, y, x = (float(s + c) for s, c in zip(start, donor.center_zyx, strict=True))
            target = Target((z, y, x), donor.diameter_mm, True)
            if any(clashes(t, np.array(target.zyx), target.diameter_mm) for t in targets):
                continue
            if needed and paste.parenchyma_share(patch, donor.alpha, start) < needed:
                continue
            if context:
                paste.blend(patch, donor.values, paste.feather(donor.values.shape), start)
                return [*uncovered(targets, start, donor.values.shape), target]
            lay = paste.blend if soft else paste.blend_brighter
            lay(patch, donor.values, donor.alpha, start)
            return [*targets, target]
        return targets


def cut(volume: Float32Array, start: Index) -> Float32Array:
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


def uncovered(
    targets: Sequence[Target], start: npt.NDArray[np.int64], shape: tuple[int, ...]
) -> list[Target]:
    """Targets that a box laid over the patch leaves visible.

    One that is half covered is kept as "nothing taught here".
    """
    low, high = np.array(start), np.array(start) + shape
    kept = []
    for t in targets:
        depth = float(np.minimum(np.array(t.zyx) - low, high - np.array(t.zyx)).min())
        if depth < -t.diameter_mm / 2.0:
            kept.append(t)
        elif depth < t.diameter_mm / 2.0 + paste.FEATHER_VOXELS:
            kept.append(Target(t.zyx, t.diameter_mm, False))
    return kept


def finish(patch: Float32Array, targets: Sequence[Target], rng: np.random.Generator) -> Example:
    """Turn, disturb, and write the answer down."""
    axes = tuple(int(a) for a in rng.permutation(3))
    flips = tuple(int(f) for f in rng.choice([1, -1], 3))
    image = patch.transpose(axes)[tuple(slice(None, None, f) for f in flips)]
    turned = []
    for t in targets:
        center = [t.zyx[a] for a in axes]
        center_zyx = paste.mirrored(center, flips, image.shape)
        turned.append(Target(center_zyx, t.diameter_mm, t.positive))
    heat, weight, shape = answer(turned)
    return Example(disturb(image, rng), heat, weight, shape)


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
