"""Pixels: the stored numbers become Hounsfield units exactly, or the slices are named."""

from __future__ import annotations

import hashlib
import json
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from tests.detect import small_chest
from triage.core.volume import Int16Array
from triage.detect import objects, pixels
from triage.detect.folder import read_files, unpack
from triage.detect.series import assess
from triage.detect.slices import Slice
from triage.errors import GeometryRefused, PixelsUnreadable

SIDE = 32


def picture(seed: int = 1, low: int = -1024, high: int = 3000) -> Int16Array:
    return np.random.default_rng(seed).integers(low, high, (SIDE, SIDE)).astype(np.int16)


def one(hu: Int16Array | None = None, z: int = 0, **changes: Any) -> Dataset:
    return small_chest.slice_dataset(picture() if hu is None else hu, z, **changes)


def raw(dataset: Dataset, stored: npt.NDArray[np.integer[Any]]) -> Dataset:
    """Put stored values in as they are."""
    dataset.PixelData = stored.tobytes()
    return dataset


def save(dataset: Dataset, folder: Path, name: str = "a") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    dataset.save_as(path, enforce_file_format=True)
    return path


def stack(folder: Path, objects: list[Dataset]) -> list[Slice]:
    """Slices in stack order, as the verdict gives them."""
    for number, dataset in enumerate(objects):
        save(dataset, folder, f"{number}")
    found, _ = read_files(sorted(folder.iterdir()))
    by_uid = {s.sop_uid: s for s in found[small_chest.SERIES_UID]}
    return [by_uid[str(d.SOPInstanceUID)] for d in objects]


def as_hu(dataset: Dataset, tmp_path: Path) -> Int16Array:
    read = objects.read_object(save(dataset, tmp_path / "one"), 10_000)
    return pixels.hounsfield(read, pixels.stored_values(read, SIDE, SIDE))


# ---------------------------------------------------------------- values


def test_signed_values_with_rescale(tmp_path: Path) -> None:
    assert np.array_equal(as_hu(one(), tmp_path), picture())


def test_unsigned_twelve_bits(tmp_path: Path) -> None:
    hu = picture(high=3071)
    dataset = one(hu, PixelRepresentation=0, BitsStored=12, HighBit=11)
    assert np.array_equal(as_hu(raw(dataset, (hu + 1024).astype("<u2")), tmp_path), hu)


def test_bits_outside_the_stored_ones_are_no_pixel_values(tmp_path: Path) -> None:
    # An overlay in the upper bits was allowed once (PS3.5 8.1.1); here all four are set.
    hu = picture(high=3071)
    stored = (hu + 1024).astype("<u2") | 0xF000
    dataset = one(hu, PixelRepresentation=0, BitsStored=12, HighBit=11)
    assert np.array_equal(as_hu(raw(dataset, stored), tmp_path), hu)


def test_signed_twelve_bits_are_extended(tmp_path: Path) -> None:
    hu = picture(low=-2048, high=2047)
    stored = hu.astype(np.int32) & 0x0FFF
    dataset = one(hu, BitsStored=12, HighBit=11, RescaleIntercept=0)
    assert np.array_equal(as_hu(raw(dataset, stored.astype("<u2")), tmp_path), hu)


def test_high_bit_above_the_stored_bits_is_honoured(tmp_path: Path) -> None:
    hu = picture(high=3071)
    stored = ((hu + 1024).astype("<u2") << 4).astype("<u2") | 5
    dataset = one(hu, PixelRepresentation=0, BitsStored=12, HighBit=15)
    assert np.array_equal(as_hu(raw(dataset, stored), tmp_path), hu)


def test_eight_bits(tmp_path: Path) -> None:
    stored = np.random.default_rng(2).integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
    dataset = one(BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0,
                  RescaleSlope=5.88, RescaleIntercept=-1350)  # fmt: skip
    dataset["PixelData"].VR = "OB"
    expected = np.rint(stored * 5.88 - 1350)
    assert np.array_equal(as_hu(raw(dataset, stored), tmp_path), expected)


def test_each_slice_has_its_own_rescale(tmp_path: Path) -> None:
    volume = pixels.load_volume(
        stack(tmp_path, [one(z=0), one(z=1, RescaleSlope=2, RescaleIntercept=-100.5)]), Path
    )
    assert np.array_equal(volume.hu[0], picture())
    stored = picture().astype(np.int32) + 1024
    assert np.array_equal(volume.hu[1], np.rint(stored * 2 - 100.5))


@pytest.mark.parametrize(("slope", "intercept"), [(1, 40000), (1, -70000), (100, 0), (1e9, 0)])
def test_values_beyond_int16_are_cut_to_its_ends(
    slope: float, intercept: float, tmp_path: Path
) -> None:
    hu = as_hu(one(RescaleSlope=slope, RescaleIntercept=intercept), tmp_path)
    exact = (picture().astype(np.float64) + 1024) * slope + intercept
    assert np.array_equal(hu, np.clip(exact, -32768, 32767))


@pytest.mark.parametrize(
    ("value", "limit"), [(-2000, None), (63536, None), (-2000, -1990), (63536, -1990)]
)
def test_padding_is_no_tissue(value: int, limit: int | None, tmp_path: Path) -> None:
    # 63536 is -2000 written with the wrong VR, as in the GE series of the shared data.
    hu = picture(low=-500)
    stored = hu.astype(np.int32) + 1024
    stored[0, :5] = -2000
    stored[0, 5] = -1990
    dataset = one(hu)
    dataset.add_new("PixelPaddingValue", "US" if value > 0 else "SS", value)
    if limit is not None:
        dataset.add_new("PixelPaddingRangeLimit", "SS", limit)
    found = as_hu(raw(dataset, stored.astype("<i2")), tmp_path)
    assert (found[0, :5] == pixels.PADDING_HU).all()
    assert found[0, 5] == (-1990 - 1024 if limit is None else pixels.PADDING_HU)
    assert np.array_equal(found[1:], hu[1:])


def test_a_padding_range_up_to_nought(tmp_path: Path) -> None:
    hu = picture(low=-500)
    stored = hu.astype(np.int32) + 1024
    stored[0, :3] = [-2000, -1, 0]
    dataset = one(hu)
    dataset.add_new("PixelPaddingValue", "SS", -2000)
    dataset.add_new("PixelPaddingRangeLimit", "SS", 0)
    found = as_hu(raw(dataset, stored.astype("<i2")), tmp_path)
    assert (found[0, :3] == pixels.PADDING_HU).all()
    assert np.array_equal(found[1:], hu[1:])


def test_padding_of_unsigned_pixels_with_the_wrong_vr(tmp_path: Path) -> None:
    # -2000 in SS is 63536 in the pixels: read as tissue it would be the brightest of all.
    hu = picture(low=-500)
    stored = (hu.astype(np.int32) + 1024).astype("<u2")
    stored[0, :5] = 63536
    dataset = one(hu, PixelRepresentation=0)
    dataset.add_new("PixelPaddingValue", "SS", -2000)
    found = as_hu(raw(dataset, stored), tmp_path)
    assert (found[0, :5] == pixels.PADDING_HU).all()
    assert np.array_equal(found[1:], hu[1:])


@pytest.mark.parametrize(
    ("vr", "value"), [("UN", b"\x30\xf8"), ("SS", [-2000, -1]), ("SS", None), ("LO", "none")]
)
@pytest.mark.parametrize("keyword", ["PixelPaddingValue", "PixelPaddingRangeLimit"])
@pytest.mark.filterwarnings("ignore")
def test_a_padding_that_is_no_number_is_none(
    keyword: str, vr: str, value: object, tmp_path: Path
) -> None:
    dataset = one()
    if keyword == "PixelPaddingRangeLimit":
        dataset.add_new("PixelPaddingValue", "SS", -2000)
    dataset.add_new(keyword, vr, value)
    assert np.array_equal(as_hu(dataset, tmp_path), picture())


SIGNS = {"signed 16": (1, 16), "unsigned 16": (0, 16), "signed 12": (1, 12), "unsigned 12": (0, 12)}


@pytest.mark.parametrize("layout", SIGNS)
@pytest.mark.parametrize(
    "name", ["implicit", "big endian", "deflated", "RLE", "JPEG-LS", "JPEG 2000"]
)
@pytest.mark.parametrize(("slope", "intercept"), [(1, -1024), (0.5, -1000.5), (-1, 0), (2, 24)])
def test_every_syntax_with_every_sign_and_rescale(
    slope: float, intercept: float, name: str, layout: str, tmp_path: Path
) -> None:
    signed, bits = SIGNS[layout]
    low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if signed else (0, 1 << bits)
    stored = np.random.default_rng(7).integers(low, high, (SIDE, SIDE))
    stored[0, :2] = low, high - 1  # the ends as well
    dataset = one(PixelRepresentation=signed, BitsStored=bits, HighBit=bits - 1,
                  RescaleSlope=slope, RescaleIntercept=intercept)  # fmt: skip
    dataset.PixelData = stored.astype("<i2" if signed else "<u2").tobytes()
    found = as_hu(compressed(SYNTAXES[name], dataset), tmp_path)
    exact = np.clip(stored * slope + intercept, -32768, 32767)
    assert np.array_equal(found, np.rint(exact).astype(np.int16))


# ---------------------------------------------------------------- transfer syntaxes


def jpeg_lossless(stored: npt.NDArray[np.uint16]) -> bytes:
    # T.81 annex H: first order prediction, and one Huffman table of seventeen five-bit codes.
    """JPEG Lossless, first order prediction (T.81 annex H), with seventeen codes of five bits."""
    rows, columns = stored.shape
    bits = ""
    for y in range(rows):
        for x in range(columns):
            near = stored[y, x - 1] if x else stored[y - 1, 0] if y else 1 << 15
            difference = (int(stored[y, x]) - int(near) + 32767) % 65536 - 32767
            size = 16 if difference == 32768 else abs(difference).bit_length()
            bits += f"{size:05b}"
            if 0 < size < 16:
                value = difference if difference > 0 else difference + (1 << size) - 1
                bits += f"{value:0{size}b}"
    bits += "1" * (-len(bits) % 8)
    coded = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    lengths = bytes([0, 0, 0, 0, 17, *[0] * 11])
    return b"".join(
        [
            b"\xff\xd8",
            b"\xff\xc3" + struct.pack(">HBHHB", 11, 16, rows, columns, 1) + bytes([1, 0x11, 0]),
            b"\xff\xc4" + struct.pack(">HB", 36, 0) + lengths + bytes(range(17)),
            b"\xff\xda" + struct.pack(">HB", 8, 1) + bytes([1, 0, 1, 0, 0]),
            coded,
            b"\xff\xd9",
        ]
    )


def compressed(syntax: Any, dataset: Dataset | None = None) -> Dataset:
    """In a transfer syntax; a slice of unsigned values unless one is given."""
    dataset = one(picture(high=3071), PixelRepresentation=0) if dataset is None else dataset
    if syntax in {DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian}:
        dataset.file_meta.TransferSyntaxUID = syntax
    elif syntax == ExplicitVRBigEndian:
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    elif syntax == JPEGLosslessSV1:
        stored = np.frombuffer(dataset.PixelData, "<u2").reshape(SIDE, SIDE)
        stream = jpeg_lossless(stored.astype(np.uint16))
        dataset.PixelData = encapsulate([stream])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = syntax
    else:
        dataset.compress(syntax, generate_instance_uid=False)
    return dataset


SYNTAXES = {
    "implicit": ImplicitVRLittleEndian,
    "big endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "RLE": RLELossless,
    "JPEG-LS": JPEGLSLossless,
    "JPEG 2000": JPEG2000Lossless,
    "JPEG lossless": JPEGLosslessSV1,
}


@pytest.mark.parametrize("name", SYNTAXES)
def test_every_lossless_syntax_gives_the_same_values(name: str, tmp_path: Path) -> None:
    assert np.array_equal(as_hu(compressed(SYNTAXES[name]), tmp_path), picture(high=3071))


@pytest.mark.parametrize("has_end", [True, False], ids=["end marker kept", "cut off"])
@pytest.mark.parametrize("name", ["RLE", "JPEG-LS", "JPEG 2000", "JPEG lossless"])
@pytest.mark.parametrize("share", [0.97, 0.9, 0.5, 0.2])
def test_a_compressed_frame_that_ends_early_is_never_filled_up(
    share: float, name: str, has_end: bool, tmp_path: Path
) -> None:
    dataset = compressed(SYNTAXES[name])
    whole = next(generate_frames(dataset.PixelData, number_of_frames=1)).rstrip(b"\x00")
    cut = whole[: int(len(whole) * share)] + (b"\xff\xd9" if has_end and name != "RLE" else b"")
    dataset.PixelData = encapsulate([cut + b"\x00" * (len(cut) % 2)])
    dataset["PixelData"].is_undefined_length = True
    with pytest.raises(PixelsUnreadable):
        as_hu(dataset, tmp_path)


def test_flat_last_rows_of_jpeg_lossless_are_no_fault(tmp_path: Path) -> None:
    hu = picture(high=3071)
    hu[-5:] = -1024
    dataset = one(hu, PixelRepresentation=0)
    stored = np.frombuffer(dataset.PixelData, "<u2").reshape(SIDE, SIDE).astype(np.uint16)
    dataset.PixelData = encapsulate([jpeg_lossless(stored)])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    assert np.array_equal(as_hu(dataset, tmp_path), hu)


@pytest.mark.parametrize("name", ["JPEG-LS", "JPEG 2000", "JPEG lossless"])
def test_a_frame_that_claims_another_size_is_refused_before_decoding(
    name: str, tmp_path: Path
) -> None:
    dataset = compressed(SYNTAXES[name])
    huge = struct.pack(">HH", 60000, 60000)
    content = dataset.PixelData
    if name == "JPEG 2000":
        at = content.index(b"\xff\x4f\xff\x51") + 8
        content = content[:at] + struct.pack(">II", 60000, 60000) + content[at + 8 :]
    else:
        marker = b"\xff\xf7" if name == "JPEG-LS" else b"\xff\xc3"
        at = content.index(marker) + 5
        content = content[:at] + huge + content[at + 4 :]
    dataset.PixelData = content
    dataset["PixelData"].is_undefined_length = True
    with pytest.raises(PixelsUnreadable, match="60000"):
        as_hu(dataset, tmp_path)


def test_a_deflated_bomb_does_not_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "MAX_BESIDE_PIXELS_BYTES", 1 << 16)
    path = save(compressed(DeflatedExplicitVRLittleEndian), tmp_path / "bomb")
    head = path.read_bytes()
    meta_end = 144 + int.from_bytes(head[140:144], "little")
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = deflater.compress(bytes(64 << 20)) + deflater.flush()
    path.write_bytes(head[:meta_end] + bomb)
    with pytest.raises(PixelsUnreadable, match="inflates"):
        objects.read_object(path, 2048)


# ---------------------------------------------------------------- refusals


def truncate(dataset: Dataset) -> None:
    dataset.PixelData = dataset.PixelData[:-100]


BAD: dict[str, Callable[[Dataset], object]] = {
    "truncated": truncate,
    "no pixels": lambda d: delattr(d, "PixelData"),
    "empty pixels": lambda d: setattr(d, "PixelData", b""),
    "inverted grey": lambda d: setattr(d, "PhotometricInterpretation", "MONOCHROME1"),
    "colour": lambda d: setattr(d, "SamplesPerPixel", 3),
    "two frames": lambda d: setattr(d, "NumberOfFrames", 2),
    "no slope": lambda d: delattr(d, "RescaleSlope"),
    "zero slope": lambda d: setattr(d, "RescaleSlope", 0),
    "32 bits": lambda d: setattr(d, "BitsAllocated", 32),
    "more bits than there are": lambda d: setattr(d, "BitsStored", 20),
    "zero bits": lambda d: setattr(d, "BitsStored", 0),
    "no sign": lambda d: delattr(d, "PixelRepresentation"),
    "no number of samples": lambda d: setattr(d, "SamplesPerPixel", None),
    "samples in words": lambda d: d.add_new("SamplesPerPixel", "LO", "one"),
    "frames in words": lambda d: d.add_new("NumberOfFrames", "LO", "many"),
    "no grey scale": lambda d: delattr(d, "PhotometricInterpretation"),
    "high bit below the stored ones": lambda d: setattr(d, "HighBit", 3),
    "two slopes": lambda d: setattr(d, "RescaleSlope", [1, 2]),
    "no number as intercept": lambda d: d.add_new("RescaleIntercept", "LO", "low"),
    "other rows": lambda d: setattr(d, "Rows", SIDE * 2),
    "huge rows": lambda d: setattr(d, "Rows", 60000),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", BAD)
def test_what_is_wrong_with_one_slice_is_told_with_its_name(kind: str, tmp_path: Path) -> None:
    slices = stack(tmp_path / "good", [one(z=0), one(z=1), one(z=2)])
    bad = one(z=1)
    BAD[kind](bad)
    save(bad, tmp_path / "good", "1")
    with pytest.raises(PixelsUnreadable, match=rf"1 slices .*\({small_chest.sop_uid(1)}\)"):
        pixels.load_volume(slices, Path)


@pytest.mark.parametrize("content", [b"", b"x" * 500, b"\x00" * 128 + b"DICM"])
def test_a_file_that_is_no_dicom_any_more(content: bytes, tmp_path: Path) -> None:
    slices = stack(tmp_path / "good", [one(z=0), one(z=1)])
    (tmp_path / "good" / "0").write_bytes(content)
    with pytest.raises(PixelsUnreadable, match=small_chest.sop_uid(0)):
        pixels.load_volume(slices, Path)


def test_a_file_cut_off_anywhere_is_read_right_or_not_at_all(tmp_path: Path) -> None:
    path = save(one(), tmp_path / "cut")
    content = path.read_bytes()
    for length in range(140, len(content), 211):
        path.write_bytes(content[:length])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(PixelsUnreadable):
                pixels.stored_values(objects.read_object(path, 2048), SIDE, SIDE)


def test_too_large_a_volume_is_refused_before_it_is_allocated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "MAX_VOLUME_BYTES", 2 * SIDE * SIDE * 2 - 1)
    slices = stack(tmp_path, [one(z=0), one(z=1)])
    with pytest.raises(GeometryRefused, match="more than one volume"):
        pixels.load_volume(slices, Path)


def test_one_slice_is_no_volume(tmp_path: Path) -> None:
    with pytest.raises(GeometryRefused):
        pixels.load_volume(stack(tmp_path, [one()]), Path)


def test_the_affine_places_every_voxel(tmp_path: Path) -> None:
    volume = pixels.load_volume(stack(tmp_path, [one(z=z) for z in range(4)]), Path)
    x, y, z = small_chest.ORIGIN_LPS_MM
    assert volume.to_lps_mm((3, 2, 1)) == pytest.approx((x + 3.0, y + 6.0, z + 9.0))


# ---------------------------------------------------------------- real


@pytest.mark.real
@pytest.mark.parametrize(
    ("case", "step", "lowest"), [("LIDC-IDRI-0001", 1, -2048), ("LUNGx-CT003", 16, -1024)]
)
def test_real_series_decode_to_the_published_pixels(
    case: str, step: int, lowest: int, shared_data: Path, tmp_path: Path
) -> None:
    truth = json.loads((shared_data / "truth.json").read_text())["series"]
    found, _ = read_files(unpack(shared_data / "series" / f"{case}.zip", tmp_path))
    ((uid, slices),) = found.items()
    judged = assess(uid, slices)
    by_uid = {s.sop_uid: s for s in slices}
    ordered = [by_uid[u] for u in judged.sop_uids]
    facts = truth[uid]
    assert len(ordered) == facts["n_slices"]
    volume = pixels.load_volume(ordered[::step], Path)
    assert volume.hu.min() == lowest
    assert volume.to_lps_mm((0, 0, 0)) == pytest.approx(facts["first_slice_position_mm"])
    if step == 1:
        stored = (volume.hu.astype(np.int32) + 1024).astype("<i2")
        assert hashlib.sha256(stored.tobytes()).hexdigest() == facts["pixel_sha256"]
