"""How much memory one series takes, in a process of its own: ``python -m tests.detect.footprint``.

Prints what the process held before, the most it held while reading and preparing, and the sizes of
what it must hold.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from tests.detect import small_chest
from triage.core.volume import Int16Array
from triage.detect import folder
from triage.detect.pixels import load_volume
from triage.detect.prepare import prepare
from triage.detect.series import assess

LENGTH_MM, WIDTH_MM = 360.0, 288.0


def slices(count: int, side: int) -> Iterator[Dataset]:
    """A body with two lungs, as so many slices of one size of chest."""
    grid = (np.arange(side) - (side - 1) / 2) * WIDTH_MM / side
    y, x = grid[:, None], grid[None]
    body = (x / 135) ** 2 + (y / 105) ** 2 <= 1
    rng = np.random.default_rng(1)
    for k in range(count):
        z = (k - (count - 1) / 2) * LENGTH_MM / count
        plane = np.where(body, small_chest.BODY_HU, small_chest.AIR_HU)
        for middle in (-60.0, 60.0):
            lung = ((x - middle) / 48) ** 2 + (y / 75) ** 2 + (z / 150) ** 2 <= 1
            plane[lung] = small_chest.LUNG_HU
        plane = plane + rng.normal(0, 12, plane.shape)
        yield _slice(plane.astype(np.int16), k, LENGTH_MM / count, WIDTH_MM / side)


def _slice(hu: Int16Array, k: int, step_mm: float, pixel_mm: float) -> Dataset:
    return small_chest.slice_dataset(
        hu,
        k,
        ImagePositionPatient=[-144.0, -144.0, round(k * step_mm, 4)],
        PixelSpacing=[pixel_mm, pixel_mm],
        SliceThickness=round(step_mm, 4),
    )


def write(into: Path, count: int, side: int) -> Path:
    """The slices as files."""
    into.mkdir()
    for k, dataset in enumerate(slices(count, side)):
        dataset.save_as(into / f"{k:04d}", enforce_file_format=True)
    return into


def _status(name: str) -> int:
    """VmRSS or VmHWM (the most since it was last cleared), in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (line,) = [one for one in lines if one.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


def main() -> None:
    """Read and prepare a small chest, so that all is imported and warm, and then the series."""
    prepare(small_chest.chest())
    found, _ = folder.read_files(sorted(Path(sys.argv[1]).iterdir()))
    ((uid, headers),) = found.items()
    judged = assess(uid, headers)
    by_uid = {s.sop_uid: s for s in headers}
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak counts from here
    before = _status("VmRSS")
    volume = load_volume([by_uid[u] for u in judged.sop_uids], Path)
    loaded = _status("VmHWM")
    ready = prepare(volume)
    sizes = {
        "verdict": judged.verdict.value,
        "volume": volume.hu.nbytes,
        "prepared": ready.tensor.nbytes + ready.lung.nbytes,
        "load": loaded - before,
        "all": _status("VmHWM") - before,
    }
    print(json.dumps(sizes))


if __name__ == "__main__":
    main()
