"""Samples on the grid against interpolation written out plainly."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from triage.detect import threads
from triage.detect.resample import Axis, Float32Array, Numbers, axis, each_plane


def sampled(
    values: Numbers, shape: tuple[int, ...], origin_mm: Any, spacing_mm: Any
) -> Float32Array:
    along = zip(shape, values.shape, origin_mm, spacing_mm, strict=True)
    z, y, x = (axis(*one) for one in along)
    grid = np.full(shape, np.nan, dtype=np.float32)

    def finish(k: int, plane: Float32Array) -> None:
        assert np.isnan(grid[k]).all(), "a plane came twice"
        grid[k] = plane

    each_plane(values, (z, y, x), finish)
    return grid


def plainly(
    values: Numbers, shape: tuple[int, ...], origin_mm: Any, spacing_mm: Any
) -> npt.NDArray[np.float64]:
    at = np.indices(shape).reshape(3, -1).T
    at = (at - np.array(origin_mm)) / np.array(spacing_mm)
    out: npt.NDArray[np.float64] = ndimage.map_coordinates(
        values.astype(np.float64), at.T, order=1, mode="nearest"
    )
    return out.reshape(shape)


# shape, origin mm, spacing mm
GRIDS = {
    "finer than the voxels": ((40, 24, 24), (0.0, 0.0, 0.0), (2.5, 1.5, 1.5)),
    "coarser than the voxels": ((8, 8, 8), (0.0, 0.0, 0.0), (0.5, 0.7, 0.6)),
    "the same": ((12, 14, 16), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "beyond both ends": ((30, 32, 40), (5.0, 4.3, 2.2), (1.25, 0.7, 0.7)),
    "beginning inside": ((8, 8, 8), (-3.0, -2.5, -6.1), (1.0, 1.0, 1.0)),
    "one plane": ((1, 8, 8), (0.0, 0.0, 0.0), (1.0, 0.7, 0.7)),
}


@pytest.mark.parametrize("kind", [np.int16, np.float32])
@pytest.mark.parametrize("name", GRIDS)
def test_each_place_lies_between_its_voxels(name: str, kind: type) -> None:
    numbers = np.random.default_rng(1).integers(-32768, 32767, (12, 14, 16))
    values: Numbers = numbers.astype(kind)
    assert sampled(values, *GRIDS[name]) == pytest.approx(plainly(values, *GRIDS[name]), abs=0.02)


def test_a_single_slice_is_repeated() -> None:
    values = np.arange(12, dtype=np.int16).reshape(1, 3, 4)
    grid = sampled(values, (3, 3, 4), (0.0, 0.0, 0.0), (3.0, 1.0, 1.0))
    assert np.array_equal(grid, np.repeat(values, 3, axis=0))


@pytest.mark.parametrize("processors", [1, 2, 7])
def test_processors_do_not_change_a_bit(processors: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).integers(-1000, 400, (12, 14, 16)).astype(np.int16)
    monkeypatch.setattr(threads, "usable_threads", lambda: processors)
    monkeypatch.setattr("triage.detect.resample.usable_threads", lambda: processors)
    grid = sampled(values, (17, 16, 16), (0.0, 0.0, 0.0), (1.4, 0.9, 0.9))
    monkeypatch.undo()
    assert np.array_equal(grid, sampled(values, (17, 16, 16), (0.0, 0.0, 0.0), (1.4, 0.9, 0.9)))


def test_no_copy_of_the_volume_is_made() -> None:
    values = np.zeros((400, 128, 128), dtype=np.int16)
    axes = [axis(n, v, 0.0, 1.0) for n, v in zip((400, 64, 64), values.shape, strict=True)]
    tracemalloc.start()
    try:
        each_plane(values, (axes[0], axes[1], axes[2]), lambda k, plane: None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < values.nbytes / 10


def test_what_goes_wrong_in_a_thread_is_told() -> None:
    def broken(k: int, plane: Float32Array) -> None:
        raise OSError("no room")

    one = Axis(np.arange(4), np.arange(4), np.zeros(4, dtype=np.float32))
    with pytest.raises(OSError, match="no room"):
        each_plane(np.zeros((4, 4, 4), dtype=np.int16), (one, one, one), broken)
