"""Where the network is wrong in its own training scans: the next patches are drawn there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from triage.detect.decode import DecodeSettings, Peaks, find_peaks, in_lung, suppress
from triage.detect.lungs import Float32Array
from triage.learn.dataset import clashes
from triage.learn.scans import Scan

MINED_PER_SCAN = 60
#: Everything counts while mining: the order matters, not the operating point.
OPEN = DecodeSettings(threshold=0.0, max_candidates=1000)


class TorchRuntime:
    """A torch network behind the interface of `triage.detect.tiles.Runtime`."""

    name = "torch"

    def __init__(self, network: nn.Module) -> None:
        self.network = network.eval()

    def infer(self, tensor: Float32Array) -> Float32Array:
        """(1, 1, Z, Y, X) to (1, 5, Z / 4, Y / 4, X / 4), float32, no autocast."""
        with torch.inference_mode():
            x = torch.from_numpy(np.ascontiguousarray(tensor))
            x = x.to(memory_format=torch.channels_last_3d)
            answer: Float32Array = self.network(x).contiguous().numpy()
        return answer


def scan_peaks(network: nn.Module, volume: Float32Array, scan: Scan) -> Peaks:
    """Everything the network points at in a volume of the scan's shape, strongest first."""
    maps = TorchRuntime(network).infer(volume[None, None])[0]
    return suppress(in_lung(find_peaks(maps, OPEN), scan.prepared.lung), OPEN.nms_distance_mm)


def mine(network: nn.Module, scan: Scan) -> npt.NDArray[np.float64]:
    """The strongest false positives of a scan whose nodules are all marked.

    Parameters
    ----------
    network : Module
    scan : Scan

    Returns
    -------
    ndarray, float64, shape (m, 3)
        Voxels; none near a marked nodule or a mark under 3 mm. First what readers called no
        nodule, and that alone for a scan in which unmarked nodules may lie: they would be taught
        as background over and over.
    """
    if not scan.may_mine:
        return scan.no_nodules
    peaks = scan_peaks(network, scan.volume, scan)
    wrong = [p for p in peaks.zyx if not any(clashes(t, p, 4.0) for t in scan.targets)]
    mined = np.array(wrong[:MINED_PER_SCAN]).reshape(-1, 3)
    return np.concatenate([scan.no_nodules, mined])
