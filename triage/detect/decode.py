"""From the network's maps to candidates in patient millimetres. Numpy and scipy only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.special import expit

from triage.core.finding import Candidate
from triage.detect.lungs import Float32Array, Float64Array
from triage.detect.prepare import Prepared
from triage.errors import ModelRefused

#: Voxels (mm) between neighbouring cells of the answer; cell i answers for voxel ``STRIDE * i``.
STRIDE = 4
CHANNELS = 5
#: What the network was taught; an answer outside is cut back to it.
DIAMETER_RANGE_MM = (2.0, 60.0)
OFFSET_LIMIT_CELLS = 2.0


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """How maps become candidates; travels with the model under ``decode`` of its metadata.

    Attributes
    ----------
    temperature, bias : float
        Calibration: ``probability = 1 / (1 + exp(-(logit / temperature + bias)))``.
    threshold : float
        Operating point, a calibrated probability; candidates below it are not given.
    max_candidates : int
        At most so many, the most probable.
    nms_distance_mm : float
        Of two candidates nearer than this, or nearer than the more probable one's radius, the more
        probable one stays. A large one is never hidden by a small one that lies within it.
    """

    temperature: float = 1.0
    bias: float = 0.0
    threshold: float = 0.5
    max_candidates: int = 50
    nms_distance_mm: float = 8.0

    def __post_init__(self) -> None:
        numbers = {f.name: getattr(self, f.name) for f in fields(self)}
        wild = [name for name, value in numbers.items() if not math.isfinite(value)]
        if wild:
            raise ModelRefused(f"decode {wild[0]} is no number: {numbers[wild[0]]}")
        if self.max_candidates < 1:
            raise ModelRefused(f"decode max_candidates must be 1 or more, is {self.max_candidates}")
        if self.nms_distance_mm < 0.0:
            raise ModelRefused(f"decode nms_distance_mm is negative: {self.nms_distance_mm}")
        if not self.temperature > 0.0:
            raise ModelRefused(f"decode temperature must be above 0, is {self.temperature}")
        if not 0.0 <= self.threshold <= 1.0:
            raise ModelRefused(f"decode threshold must lie in 0..1, is {self.threshold}")

    @classmethod
    def from_metadata(cls, values: Mapping[str, object]) -> DecodeSettings:
        """Settings from the ``decode`` part of a model's metadata.json.

        Raises
        ------
        ModelRefused
            A name is missing, or a value is no number: an operating point is never guessed.
        """
        try:
            numbers = {f.name: float(str(values[f.name])) for f in fields(cls)}
            whole = int(numbers["max_candidates"])
        except (KeyError, ValueError, OverflowError) as error:
            raise ModelRefused(f"metadata.json, decode: missing or no number: {error}") from error
        return cls(
            temperature=numbers["temperature"],
            bias=numbers["bias"],
            threshold=numbers["threshold"],
            max_candidates=whole,
            nms_distance_mm=numbers["nms_distance_mm"],
        )


@dataclass(frozen=True, slots=True)
class Peaks:
    """Local maxima of the heat map, most probable first.

    Attributes
    ----------
    zyx : ndarray, float64, shape (n, 3)
        Centres in tensor voxels.
    diameter_mm, probability : ndarray, float64, shape (n,)
    """

    zyx: Float64Array
    diameter_mm: Float64Array
    probability: Float64Array


def decode(maps: Float32Array, prepared: Prepared, settings: DecodeSettings) -> list[Candidate]:
    """Candidates of one volume.

    Parameters
    ----------
    maps : ndarray, float32, shape (1, 5, Z / 4, Y / 4, X / 4)
        Heat logit, log diameter (mm), offset z y x (cells).
    prepared : Prepared
        The volume the maps were made from.
    settings : DecodeSettings

    Returns
    -------
    list of Candidate
        By falling probability; each centre lies in the lung or its rim.

    Raises
    ------
    ModelRefused
        The maps do not fit the volume or hold values that are not numbers.
    """
    _check(maps, prepared)
    peaks = find_peaks(maps[0], settings)
    kept = suppress(in_lung(peaks, prepared.lung), settings.nms_distance_mm)
    lps_mm = prepared.to_lps_mm(kept.zyx)
    rows = zip(lps_mm.tolist(), kept.diameter_mm.tolist(), kept.probability.tolist(), strict=True)
    found = [Candidate((x, y, z), d, p) for (x, y, z), d, p in rows]
    return found[: settings.max_candidates]


def _check(maps: Float32Array, prepared: Prepared) -> None:
    expected = (1, CHANNELS, *(n // STRIDE for n in prepared.tensor.shape[2:]))
    if maps.shape != expected:
        raise ModelRefused(f"the model answered with shape {maps.shape}, expected {expected}")
    if not np.isfinite(maps).all():
        raise ModelRefused("the model answered with values that are not numbers")


def find_peaks(maps: Float32Array, settings: DecodeSettings) -> Peaks:
    """Cells that are the highest of their 3 x 3 x 3 neighbours and reach the threshold.

    Parameters
    ----------
    maps : ndarray, float32, shape (5, z, y, x)
    settings : DecodeSettings

    Returns
    -------
    Peaks
    """
    heat = maps[0]
    probability = expit(heat.astype(np.float64) / settings.temperature + settings.bias)
    highest = heat == ndimage.maximum_filter(heat, size=3, mode="nearest")
    cells = np.argwhere(highest & (probability >= settings.threshold))
    order = np.argsort(-probability[tuple(cells.T)], kind="stable")
    cells = cells[order]
    at = tuple(cells.T)
    offset = np.clip(
        np.stack([maps[2][at], maps[3][at], maps[4][at]], axis=-1).astype(np.float64),
        -OFFSET_LIMIT_CELLS,
        OFFSET_LIMIT_CELLS,
    )
    low, high = np.log(DIAMETER_RANGE_MM)
    diameter = np.exp(np.clip(maps[1][at].astype(np.float64), low, high))
    return Peaks((cells + offset) * STRIDE, diameter, probability[at])


def in_lung(peaks: Peaks, lung: npt.NDArray[np.bool_]) -> Peaks:
    """Those whose centre lies in `lung`, shape (Z, Y, X)."""
    nearest = np.rint(peaks.zyx).astype(int)
    inside = ((nearest >= 0) & (nearest < lung.shape)).all(axis=1)
    nearest = np.clip(nearest, 0, np.array(lung.shape) - 1)
    inside &= lung[tuple(nearest.T)]
    return _take(peaks, np.flatnonzero(inside))


def suppress(peaks: Peaks, distance_mm: float) -> Peaks:
    """Distance NMS: one candidate per place; `peaks` most probable first, 1 mm voxels."""
    kept: list[int] = []
    for i in range(len(peaks.probability)):
        gap = np.linalg.norm(peaks.zyx[kept] - peaks.zyx[i], axis=1)
        reach = np.maximum(distance_mm, peaks.diameter_mm[kept] / 2.0)
        if (gap > reach).all():
            kept.append(i)
    return _take(peaks, np.array(kept, dtype=int))


def _take(peaks: Peaks, index: npt.NDArray[np.intp]) -> Peaks:
    return Peaks(peaks.zyx[index], peaks.diameter_mm[index], peaks.probability[index])
