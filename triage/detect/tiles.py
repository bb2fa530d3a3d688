"""Run a network over a whole volume: in one pass, or in chunks along z when memory is short.

A chunk is given 64 voxels of its neighbours on either side and begins at a multiple of 8, so that
its answer equals that of the whole volume: no answer depends on voxels farther than 63 away.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from triage.detect.decode import STRIDE
from triage.detect.lungs import Float32Array
from triage.detect.prepare import SIDE_MULTIPLE

HALO = 64
#: About 370 x 300 x 400 mm of lungs: larger than any chest seen, about 1 GB of working memory.
VOXEL_BUDGET = 45_000_000
SMALLEST_CORE = 64


class Runtime(Protocol):
    """Something that turns tensors into tensors."""

    name: str

    def infer(self, tensor: Float32Array) -> Float32Array:
        """(1, 1, Z, Y, X) to (1, 5, Z / 4, Y / 4, X / 4)."""
        ...


def run(runtime: Runtime, tensor: Float32Array, voxel_budget: int = VOXEL_BUDGET) -> Float32Array:
    """The network's answer for a whole volume.

    Parameters
    ----------
    runtime : Runtime
    tensor : ndarray, float32, shape (1, 1, Z, Y, X)
        Sides multiples of 8.
    voxel_budget : int
        Above so many voxels the volume is run in chunks along z.

    Returns
    -------
    ndarray, float32, shape (1, 5, Z / 4, Y / 4, X / 4)

    Raises
    ------
    ValueError
        The tensor has other dimensions, or a side that is not a multiple of 8.
    """
    if tensor.ndim != 5 or any(n % SIDE_MULTIPLE or n == 0 for n in tensor.shape[2:]):
        raise ValueError(f"sides must be multiples of {SIDE_MULTIPLE}, shape is {tensor.shape}")
    if tensor.size <= voxel_budget:
        return runtime.infer(tensor)
    depth = tensor.shape[2]
    core = _core(voxel_budget, tensor.size // depth)
    parts = [_chunk(runtime, tensor, z, min(z + core, depth)) for z in range(0, depth, core)]
    return np.concatenate(parts, axis=2)


def _core(voxel_budget: int, plane_voxels: int) -> int:
    """Slices answered per chunk: what the budget leaves beside the halo, a multiple of 8."""
    slices = voxel_budget // plane_voxels - 2 * HALO
    return max(SMALLEST_CORE, slices // SIDE_MULTIPLE * SIDE_MULTIPLE)


def _chunk(runtime: Runtime, tensor: Float32Array, start: int, stop: int) -> Float32Array:
    """Answer for slices start..stop; what the halo answered is thrown away."""
    low, high = max(0, start - HALO), min(tensor.shape[2], stop + HALO)
    answer = runtime.infer(np.ascontiguousarray(tensor[:, :, low:high]))
    first = (start - low) // STRIDE
    return answer[:, :, first : first + (stop - start) // STRIDE]
