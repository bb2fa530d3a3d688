"""Packed slices as they lie in the file store, read in any order.

The packing itself is `triage.outputs.volume_stream`, made by the engine's ``pack_volume`` task.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zstandard

from triage.core.volume import Volume
from triage.errors import NotFound
from triage.outputs import volume_stream


@dataclass(frozen=True, slots=True)
class Stream:
    """The packed pixels of one series.

    Attributes
    ----------
    path : Path
    key : str
        SHA-256 of the file.
    shape_zyx : tuple of int
    affine : ndarray, float64, shape (4, 4)
        Voxel indices (z, y, x, 1) to mm (x, y, z, 1), LPS.
    offsets : tuple of int
        First byte of each slice's frame, and the end of the last: one more than slices.
    """

    path: Path
    key: str
    shape_zyx: tuple[int, int, int]
    affine: npt.NDArray[np.float64]
    offsets: tuple[int, ...]

    @property
    def depth(self) -> int:
        """Number of slices."""
        return self.shape_zyx[0]

    def length(self, k: int) -> int:
        """Stored bytes of slice `k`."""
        return self.offsets[k + 1] - self.offsets[k]

    def outward(self, first: int) -> list[int]:
        """Slice indices in sending order: first, first+1, first-1, …; `first` is clipped."""
        return volume_stream.outward(first, self.depth)

    def stored(self, order: Sequence[int]) -> Iterator[bytes]:
        """Frames as they lie in the file."""
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            for k in order:
                yield os.pread(descriptor, self.length(k), self.offsets[k])
        finally:
            os.close(descriptor)

    def plain(self, order: Sequence[int]) -> Iterator[bytes]:
        """Frames without their zstd coat: ``2 * rows * cols`` bytes each."""
        _, rows, cols = self.shape_zyx
        inflater = zstandard.ZstdDecompressor()
        for frame in self.stored(order):
            yield inflater.decompress(frame, max_output_size=2 * rows * cols)

    def volume(self, start: int, stop: int) -> Volume:
        """Decode slices ``start`` to ``stop`` (exclusive) to Hounsfield units."""
        _, rows, cols = self.shape_zyx
        slices = self.plain(range(start, stop))
        hu = np.stack([volume_stream.decode_slice(planes, rows, cols) for planes in slices])
        affine = self.affine.copy()
        affine[:3, 3] += self.affine[:3, 0] * start
        return Volume(hu, affine)


def opened(path: Path, key: str, info: Mapping[str, Any]) -> Stream:
    """Describe a stored stream from what the packer wrote about it.

    Raises
    ------
    NotFound
        The file is gone or shorter than it was: said before the first byte is sent.
    """
    z, y, x = info["shape_zyx"]
    size = path.stat().st_size if path.is_file() else 0
    if size < info["frame_offsets"][-1]:
        raise NotFound("the packed pixels are missing", code="pixels_missing")
    return Stream(
        path=path,
        key=key,
        shape_zyx=(int(z), int(y), int(x)),
        affine=np.asarray(info["affine"], dtype=np.float64),
        offsets=tuple(int(offset) for offset in info["frame_offsets"]),
    )
