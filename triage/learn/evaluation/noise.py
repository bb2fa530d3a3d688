"""How noisy a scan is: a relative figure, to part scans by."""

from __future__ import annotations

import numpy as np

from triage.core.volume import Volume

#: Aerated lung: neither the air around the patient nor vessels and walls.
_LUNG_HU = (-950, -700)
_FEWEST_VOXELS = 1000
#: What a voxel minus the mean of its two neighbours varies by, when every voxel varies by 1.
_SPREAD = float(np.sqrt(1.5))
_MAD_TO_SD = 1.4826
_EVERY = 4


def noise_hu(volume: Volume) -> float | None:
    """Standard deviation of voxels in aerated lung, as if neighbours were independent.

    Each voxel is compared with the mean of its left and right neighbour, on every fourth slice, and
    the median absolute difference is scaled to a standard deviation; edges hardly enter. Smooth
    kernels make neighbours alike, so their noise comes out lower than it is: compare scans by it,
    do not quote it.

    Parameters
    ----------
    volume : Volume

    Returns
    -------
    float or None
        HU, to one decimal; None when there is too little aerated lung to tell.
    """
    hu = volume.hu[::_EVERY].astype(np.float32)
    low, high = _LUNG_HU
    lung = (hu > low) & (hu < high)
    inside = lung[..., 1:-1] & lung[..., :-2] & lung[..., 2:]
    rest = (hu[..., 1:-1] - (hu[..., :-2] + hu[..., 2:]) / 2.0)[inside]
    if len(rest) < _FEWEST_VOXELS:
        return None
    return round(float(np.median(np.abs(rest))) * _MAD_TO_SD / _SPREAD, 1)
