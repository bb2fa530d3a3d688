"""The volume stream: every voxel comes back exactly, whatever slice is sent first."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from triage.core.volume import Int16Array, Volume, axial_affine
from triage.outputs import volume_stream
from triage.outputs.volume_stream import Packed


def make(count: int = 7, rows: int = 16, columns: int = 20) -> Volume:
    rng = np.random.default_rng(3)
    hu = rng.integers(-32768, 32768, (count, rows, columns)).astype(np.int16)
    return Volume(hu, axial_affine((-180.0, -170.0, -300.0), (2.5, 0.7, 0.6)))


def uids(count: int) -> list[str]:
    return [f"1.2.{i}" for i in range(count)]


@pytest.fixture(scope="module")
def packed() -> Packed:
    return volume_stream.pack(make(), uids(7))


def received(packed: Packed, first: int) -> bytes:
    """What a browser holds after the content encoding is undone: frames as ranges of one file."""
    stored = b"".join(packed.frames)
    sent = b"".join(stored[a : a + n] for a, n in volume_stream.frames_from(first, packed.info))
    reader = zstandard.ZstdDecompressor().stream_reader(sent, read_across_frames=True)
    return reader.read()


@pytest.mark.parametrize("first", [0, 3, 6, -5, 99])
def test_every_voxel_comes_back_in_sending_order(packed: Packed, first: int) -> None:
    volume = make()
    planes = received(packed, first)
    size = 16 * 20 * 2
    for place, k in enumerate(volume_stream.outward(first, 7)):
        one = volume_stream.decode_slice(planes[place * size : (place + 1) * size], 16, 20)
        assert np.array_equal(one, volume.hu[k])


@settings(max_examples=60, deadline=None)
@given(arrays(np.int16, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_any_slice_survives(plane: Int16Array) -> None:
    packed = volume_stream.encode_slice(plane)
    assert len(packed) == plane.size * 2
    assert np.array_equal(volume_stream.decode_slice(packed, *plane.shape), plane)


def test_the_protocol_byte_by_byte() -> None:
    # -1000, then -1, +2; zigzag 1999, 1, 4; low bytes, then high bytes.
    plane = np.array([[-1000, -1001, -999]], np.int16)
    assert volume_stream.encode_slice(plane) == bytes([0xCF, 1, 4, 0x07, 0, 0])


def test_a_view_that_is_not_contiguous_is_packed_right() -> None:
    wide = make().hu[2]
    view = wide[::2, ::3]
    back = volume_stream.decode_slice(volume_stream.encode_slice(view), *view.shape)
    assert np.array_equal(back, view)


@pytest.mark.parametrize(
    ("first", "count", "order"),
    [
        (0, 1, [0]),
        (0, 4, [0, 1, 2, 3]),
        (3, 4, [3, 2, 1, 0]),
        (1, 5, [1, 2, 0, 3, 4]),
        (2, 5, [2, 3, 1, 4, 0]),
        (9, 3, [2, 1, 0]),
        (-1, 3, [0, 1, 2]),
    ],
)
def test_outward_order(first: int, count: int, order: list[int]) -> None:
    assert volume_stream.outward(first, count) == order


def test_info_tells_the_viewer_where_everything_is(packed: Packed) -> None:
    info = json.loads(json.dumps(packed.info))
    assert info["shape_zyx"] == [7, 16, 20]
    assert info["spacing_zyx_mm"] == pytest.approx([2.5, 0.7, 0.6])
    assert info["slice_origins_lps_mm"][2] == pytest.approx([-180.0, -170.0, -295.0])
    assert info["sop_uids"] == uids(7)
    assert info["frame_offsets"][-1] == sum(map(len, packed.frames))
    assert info["hu_range"] == [int(make().hu.min()), int(make().hu.max())]


def test_gzip_for_other_browsers_is_one_member_with_the_same_planes(packed: Packed) -> None:
    frames = [packed.frames[k] for k in volume_stream.outward(3, 7)]
    zipped = b"".join(volume_stream.as_gzip(frames))
    assert zipped.count(b"\x1f\x8b\x08") == 1
    assert gzip.decompress(zipped) == received(packed, 3)


def test_the_same_volume_is_packed_to_the_same_bytes(packed: Packed) -> None:
    assert volume_stream.pack(make(), uids(7)) == packed


def test_a_uid_too_few_is_refused() -> None:
    with pytest.raises(ValueError, match="7 slices, 6"):
        volume_stream.pack(make(), uids(6))


@pytest.mark.real
def test_real_cubes_pack_to_less_than_raw(shared_data: Path) -> None:
    with np.load(shared_data / "cubes" / "lidc_cubes.npz") as stored:
        cubes = stored["hu"][:20]
    for cube in cubes:
        real = Volume(np.ascontiguousarray(cube), axial_affine((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))
        found = volume_stream.pack(real, uids(len(cube)))
        assert sum(map(len, found.frames)) < 0.8 * real.hu.nbytes
        raw = zstandard.ZstdDecompressor().decompress(found.frames[25])
        assert np.array_equal(volume_stream.decode_slice(raw, 51, 51), cube[25])
