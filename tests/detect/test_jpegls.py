"""JPEG-LS without the interpreter lock: the same pixels as pydicom's way, and two at a time."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

import jpeg_ls
import numpy as np
import numpy.typing as npt
import pytest

from triage.detect import jpegls
from triage.detect.frames import Told, tell
from triage.errors import PixelsUnreadable


def free() -> jpegls.Decode:
    decode = jpegls.decoder()
    assert decode is not None, "the pinned wheel of pyjpegls offers it"
    return decode


def picture(bits: int, side: int = 64) -> npt.NDArray[np.uint16]:
    high = (1 << bits) - 1
    smooth = np.add.outer(np.arange(side), np.arange(side)) * high // (2 * side)
    noise = np.random.default_rng(bits).integers(-3, 4, (side, side))
    pixels: npt.NDArray[np.uint16] = (smooth + noise).clip(0, high).astype(np.uint16)
    return pixels


def encoded(pixels: npt.NDArray[np.uint16], bits: int, lossy: int = 0) -> bytes:
    stored = pixels.astype(np.uint8) if bits <= 8 else pixels
    frame = jpeg_ls.encode_pixel_data(
        stored.tobytes(), lossy_error=lossy, interleave_mode=0,
        rows=pixels.shape[0], columns=pixels.shape[1], samples_per_pixel=1, bits_stored=bits,
    )  # fmt: skip
    return bytes(frame)


@pytest.mark.parametrize("bits", [2, 8, 9, 12, 16])
def test_every_depth_comes_back_as_it_was(bits: int) -> None:
    pixels = picture(bits)
    frame = encoded(pixels, bits)
    told = tell(frame)
    assert told == Told(64, 64, bits, 1)
    back = free()(frame, told)
    assert back.dtype == (np.uint8 if bits <= 8 else np.uint16)
    assert np.array_equal(back, pixels)


def test_near_lossless_gives_what_pydicom_gives() -> None:
    frame = encoded(picture(12), 12, lossy=2)
    told = tell(frame)
    assert told is not None
    theirs = np.frombuffer(jpeg_ls.decode_pixel_data(frame)[0], "<u2").reshape(64, 64)
    assert np.array_equal(free()(frame, told), theirs)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_frame_that_ends_early_is_told(share: float) -> None:
    frame = encoded(picture(12), 12)
    told = tell(frame)
    assert told is not None
    with pytest.raises(PixelsUnreadable, match="do not decode"):
        free()(frame[: int(len(frame) * share)], told)


# A frame of 64 x 64 pixels of 12 bits, and what is claimed of it.
CLAIMS = {
    "smaller": Told(32, 32, 12, 1),
    "fewer bits": Told(64, 64, 8, 1),
    "colour": Told(64, 64, 12, 3),
    "no bits": Told(64, 64, 0, 1),
    "too many bits": Told(64, 64, 17, 1),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_false_claim_is_refused_and_nothing_is_written_beyond(name: str) -> None:
    with pytest.raises(PixelsUnreadable):
        free()(encoded(picture(12), 12), CLAIMS[name])


@pytest.mark.parametrize("seed", range(40))
def test_broken_bytes_are_refused_or_decoded_and_never_worse(seed: int) -> None:
    frame = bytearray(encoded(picture(12), 12))
    rng = np.random.default_rng(seed)
    for at in rng.integers(0, len(frame), 6):
        frame[at] = rng.integers(0, 256)
    told = tell(bytes(frame))
    if told is None or told.rows * told.columns > 1 << 16:
        return
    try:
        assert free()(bytes(frame), told).shape == (told.rows, told.columns)
    except PixelsUnreadable as error:
        assert error.message


def goes_on_during(decode: Callable[[], object]) -> bool:
    """Whether this thread runs while another one decodes, though nobody makes that one yield."""
    entered, ended = threading.Event(), threading.Event()

    def work() -> None:
        entered.set()
        decode()
        ended.set()

    thread = threading.Thread(target=work)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(3600.0)  # the lock is handed over only by who lets it go
    try:
        thread.start()
        entered.wait()
        return not ended.is_set()
    finally:
        sys.setswitchinterval(usual)
        thread.join()


def test_the_interpreter_goes_on_while_a_frame_is_decoded() -> None:
    frame = encoded(picture(16, 1024), 16)
    told = tell(frame)
    assert told is not None
    decode = free()
    # On a busy machine this thread may be woken too late; not every time.
    assert any(goes_on_during(lambda: decode(frame, told)) for _ in range(50))
    assert not any(goes_on_during(lambda: jpeg_ls.decode_pixel_data(frame)) for _ in range(3))


def test_where_the_wheel_does_not_offer_it_pydicom_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(jpegls, "import_module", gone)
    assert jpegls.decoder.__wrapped__() is None
