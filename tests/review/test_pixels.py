"""The volume stream and the small pictures: right bytes, right place, right side."""

from __future__ import annotations

import gzip
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import zstandard

from tests.review.conftest import House
from tests.review.seed import ball
from triage.core.volume import Volume, axial_affine
from triage.outputs import volume_stream
from triage.review import crops, frames
from triage.review.pixels import encoding_of
from triage.store.files import Files

VOLUME, MARK = ball()
DEPTH, ROWS, COLS = VOLUME.shape_zyx


def stream_of(house: House, uid: str) -> dict[str, Any]:
    found: dict[str, Any] = house.get(uid)["series"][0]["volume"]
    return found


def fetch(house: House, url: str, encoding: str, **headers: str) -> Any:
    with house.reader.stream(
        "GET", url, headers={"Accept-Encoding": encoding, **headers}
    ) as answer:
        answer.read_raw = b"".join(answer.iter_raw())
    return answer


def unpack(encoding: str, raw: bytes) -> bytes:
    if encoding == "gzip":
        # One stream, as a browser reads it: nothing may follow the first member.
        reader = zlib.decompressobj(31)
        planes = reader.decompress(raw) + reader.flush()
        assert reader.eof and reader.unused_data == b"" and planes == gzip.decompress(raw)
        return planes
    if encoding == "zstd":
        planes, rest = b"", raw
        while rest:
            reader_z = zstandard.ZstdDecompressor().decompressobj()
            planes += reader_z.decompress(rest)
            rest = reader_z.unused_data
        return planes
    return raw


@pytest.mark.parametrize("encoding", ["zstd", "gzip", "identity"])
@pytest.mark.parametrize("first", [0, 20, 39, 10_000])
def test_slices_come_outward_and_lossless(house: House, encoding: str, first: int) -> None:
    info = stream_of(house, house.study())
    answer = fetch(house, f"{info['url']}&first={first}", encoding)
    assert answer.status_code == 200
    assert answer.headers.get("content-encoding", "identity") == encoding
    planes = unpack(encoding, answer.read_raw)
    size = 2 * ROWS * COLS
    assert len(planes) == DEPTH * size
    k = min(first, DEPTH - 1)
    order = sorted(range(DEPTH), key=lambda z: (abs(z - k), z < k))
    for i, z in enumerate(order):
        part = planes[i * size : (i + 1) * size]
        assert np.array_equal(volume_stream.decode_slice(part, ROWS, COLS), VOLUME.hu[z]), z


def test_only_the_key_slice_can_be_asked_for_early(house: House) -> None:
    info = stream_of(house, house.study())
    answer = fetch(house, f"{info['url']}&first=7&count=1", "identity")
    slice_7 = volume_stream.decode_slice(answer.read_raw, ROWS, COLS)
    assert np.array_equal(slice_7, VOLUME.hu[7])


def test_the_study_says_where_every_voxel_lies(house: House) -> None:
    info = stream_of(house, house.study())
    assert info["shape_zyx"] == [DEPTH, ROWS, COLS]
    assert np.allclose(info["affine"], VOLUME.affine)
    assert np.allclose(info["spacing_zyx_mm"], VOLUME.spacing_zyx_mm)
    assert len(info["sop_uids"]) == DEPTH
    sent = fetch(house, info["url"], "zstd")
    assert info["bytes"] == len(sent.read_raw) == int(sent.headers["content-length"])


def test_the_address_is_for_ever_only_with_its_version(house: House) -> None:
    info = stream_of(house, house.study())
    kept = fetch(house, info["url"], "zstd")
    assert "immutable" in kept.headers["cache-control"]
    assert "private" in kept.headers["cache-control"]
    for url in (info["url"].split("?")[0], info["url"][:-1]):
        assert "no-cache" in fetch(house, url, "zstd").headers["cache-control"]


def test_what_the_browser_has_is_not_sent_again(house: House) -> None:
    info = stream_of(house, house.study())
    tag = fetch(house, info["url"], "zstd").headers["etag"]
    again = fetch(house, info["url"], "zstd", **{"If-None-Match": tag})
    assert again.status_code == 304 and again.read_raw == b""
    other = fetch(house, info["url"], "gzip", **{"If-None-Match": tag})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "gzip"),
        ("zstd;q=0, gzip", "gzip"),
        ("zstd;q=0.1, gzip;q=1.0", "zstd"),
        ("", "identity"),
        ("identity", "identity"),
        ("*", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip;q=nonsense", "identity"),
        ("br", "identity"),
        ("ZSTD", "zstd"),
    ],
)
def test_negotiation(accept: str, chosen: str) -> None:
    assert encoding_of(accept) == chosen


def test_pixels_that_are_not_packed_yet_are_an_honest_404(house: House) -> None:
    uid = house.study(pixels=False)
    series = house.get(uid)["series"][0]
    assert series["volume"] is None
    answer = house.reader.get(f"/api/series/{series['series_uid']}/volume")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_packed")


# ---------------------------------------------------------------- pictures


def grey(png: bytes) -> npt.NDArray[np.uint8]:
    """Read an unfiltered 8-bit grey PNG without the writer's help."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(png[i : i + 4], "big") for i in (16, 20))
    assert png[24:26] == b"\x08\x00"  # 8 bit, grey
    data, at = b"", 8
    while at < len(png):
        length, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        body = png[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + body) == int.from_bytes(
            png[at + 8 + length : at + 12 + length], "big"
        )
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:]


def octants(tmp_files: Files) -> frames.Stream:
    """A volume whose eight corners differ: tells right from left, front from back, up from down."""
    hu = np.full((30, 40, 50), -1300, np.int16)
    hu[:, :, 25:] += 400  # patient's left
    hu[:, 20:, :] += 200  # posterior
    hu[15:, :, :] += 100  # towards the head
    volume = Volume(hu, axial_affine((-24.5, -19.5, -14.5), (1.0, 1.0, 1.0)))
    packed = volume_stream.pack(volume, [str(k) for k in range(30)])
    key = tmp_files.put(*packed.frames)
    return frames.opened(tmp_files.path_of(key), key, packed.info)


@pytest.mark.parametrize(
    ("plane", "right_is", "down_is"),
    [("axial", 400, 200), ("coronal", 400, -100), ("sagittal", 200, -100)],
)
def test_sides_are_where_a_radiologist_expects_them(
    files: Files, plane: Any, right_is: int, down_is: int
) -> None:
    # Steps in HU across the middle: +400 towards the patient's left, +200 posterior, +100 head.
    center = {"axial": (0.0, 0.0, 5.0), "coronal": (0.0, 5.0, 0.0), "sagittal": (5.0, 0.0, 0.0)}
    view = crops.View(center[plane], plane, (20.0, 20.0), (20, 20))
    hu = crops.sampled(octants(files), view)
    assert hu[5, 15] - hu[5, 5] == right_is
    assert hu[15, 5] - hu[5, 5] == down_is


def test_a_picture_is_centred_on_its_place(files: Files) -> None:
    packed = volume_stream.pack(VOLUME, [str(k) for k in range(DEPTH)])
    key = files.put(*packed.frames)
    stream = frames.opened(files.path_of(key), key, packed.info)
    for plane in ("axial", "coronal", "sagittal"):
        view = crops.View(MARK.center_lps_mm, plane, (30.0, 30.0), (60, 60))
        bright = crops.windowed(crops.sampled(stream, view)) > 128
        rows, cols = np.nonzero(bright)
        assert abs(rows.mean() - 29.5) < 1.0 and abs(cols.mean() - 29.5) < 1.0
        # 12 mm of 30 mm in 60 pixels; sampled at up to 2.5 mm.
        assert np.ptp(cols) + 1 == pytest.approx(24, abs=4)


@pytest.mark.parametrize(
    ("hu", "shade"), [(-1350, 0), (-2000, 0), (-600, 128), (150, 255), (3000, 255)]
)
def test_lung_window(hu: int, shade: int) -> None:
    assert crops.windowed(np.array([[hu]], np.float32))[0, 0] == shade


def test_outside_the_volume_is_air(files: Files) -> None:
    view = crops.View((-24.0, -19.0, -14.0), "axial", (20.0, 20.0), (20, 20))
    assert (crops.sampled(octants(files), view)[:5, :5] == crops.AIR_HU).all()
    far = crops.View((900.0, 900.0, 900.0), "coronal", (20.0, 20.0), (20, 20))
    assert (crops.sampled(octants(files), far) == crops.AIR_HU).all()


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_thumbnails_through_the_api(house: House, plane: str) -> None:
    uid = house.study()
    finding = house.get(uid)["findings"][0]
    address = f"/api/series/{finding['series_uid']}/thumbnail"
    asked = {"finding": finding["finding_id"], "plane": plane, "mm": 30, "px": 44}
    answer = house.reader.get(address, params=asked)
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    picture = grey(answer.content)
    assert picture.shape == (44, 44) and picture[22, 22] > 200 > picture[2, 2]
    again = house.reader.get(
        address, params=asked, headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304


def test_a_corrected_place_is_another_picture(house: House) -> None:
    uid = house.study()
    finding = house.get(uid)["findings"][0]
    address = f"/api/series/{finding['series_uid']}/thumbnail"
    asked = {"finding": finding["finding_id"]}
    before = house.reader.get(address, params=asked)
    house.decide(finding, "correct", center_lps_mm=[-36.0, 0.0, -250.0])
    after = house.reader.get(address, params=asked)
    assert before.headers["etag"] != after.headers["etag"]
    assert grey(before.content)[48, 48] > 200 > grey(after.content)[48, 48]


def test_a_finding_of_another_series_is_not_shown(house: House) -> None:
    a, b = (house.get(house.study()) for _ in range(2))
    answer = house.reader.get(
        f"/api/series/{a['series'][0]['series_uid']}/thumbnail",
        params={"finding": b["findings"][0]["finding_id"]},
    )
    assert answer.status_code == 404


def test_the_key_image_shows_the_first_mark_that_is_left(house: House) -> None:
    uid = house.study()
    [item] = house.reader.get("/api/worklist").json()["items"]
    answer = house.reader.get(item["key_image_url"])
    picture = grey(answer.content)
    assert picture.shape == (400, 608) and picture[200, 304] > 200
    for finding in house.get(uid)["findings"]:
        house.decide(finding, "reject", reason="vessel")
    assert house.reader.get(item["key_image_url"]).status_code == 404
    [item] = house.reader.get("/api/worklist").json()["items"]
    assert item["key_image_url"] is None


def test_missing_bytes_are_a_named_error_before_the_first_byte(house: House) -> None:
    uid = house.study()
    finding = house.get(uid)["findings"][0]
    [key] = list(house.services.files.keys())
    path = house.services.files.path_of(key)
    whole = path.read_bytes()
    series = f"/api/series/{finding['series_uid']}"
    for left in (whole[:-1], None):
        path.unlink()
        if left is not None:
            path.write_bytes(left)
        for address in (f"{series}/volume", f"{series}/thumbnail?finding={finding['finding_id']}"):
            answer = house.reader.get(address)
            assert (answer.status_code, answer.json()["code"]) == (404, "pixels_missing")
