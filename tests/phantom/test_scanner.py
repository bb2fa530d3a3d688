"""The scanner alone: noise as strong as the protocol says, sharp edges blurred, bits kept."""

from __future__ import annotations

import numpy as np
import pytest

from triage.phantom.grid import Float32, Grid
from triage.phantom.scanner import HIGHEST_HU, LOWEST_HU, Protocol, expose

GRID = Grid((10, 160, 160), (2.0, 1.0, 1.0), (-79.5, -79.5, -60.0))
FAR_BELOW_MM = 300.0  # no couch in the image


def _water(value: float = 40.0) -> Float32:
    return np.full(GRID.shape_zyx, value, np.float32)


def _exposed(hu: Float32, protocol: Protocol, seed: int = 0, back: float = FAR_BELOW_MM) -> Float32:
    scanned = expose(hu, GRID, back, protocol, np.random.default_rng(seed))
    assert scanned.dtype == np.int16
    return scanned.astype(np.float32)


@pytest.mark.parametrize("noise_hu", [10.0, 21.0, 40.0])
def test_noise_is_as_strong_as_the_protocol(noise_hu: float) -> None:
    middle = _exposed(_water(), Protocol(noise_hu=noise_hu))[:, 60:100, 60:100]
    assert middle.std() == pytest.approx(noise_hu, rel=0.12)
    assert middle.mean() == pytest.approx(40, abs=noise_hu / 8)


def test_noise_has_little_power_at_low_frequencies() -> None:
    noise = _exposed(_water(), Protocol())[:, 48:112, 48:112] - 40
    power = (np.abs(np.fft.fft2(noise)) ** 2).mean(0)
    f = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(64)[None])
    low, peak = power[(f > 0) & (f < 0.05)].mean(), power[(f > 0.25) & (f < 0.42)].mean()
    assert low < 0.3 * peak


def test_neighbouring_slices_share_noise() -> None:
    noise = _exposed(_water(), Protocol())[:, 50:110, 50:110] - 40
    assert 0.2 < np.corrcoef(noise[4].ravel(), noise[5].ravel())[0, 1] < 0.7
    assert abs(np.corrcoef(noise[2].ravel(), noise[7].ravel())[0, 1]) < 0.1


def test_shoulders_are_noisier() -> None:
    high = Grid(GRID.shape_zyx, GRID.spacing_zyx_mm, (-79.5, -79.5, 90.0))
    shoulders = expose(_water(), high, FAR_BELOW_MM, Protocol(), np.random.default_rng(0))
    low = _exposed(_water(), Protocol())
    assert shoulders[:, 60:100, 60:100].std() > 1.3 * low[:, 60:100, 60:100].std()


def test_an_edge_is_blurred_by_the_point_spread() -> None:
    edge = _water(-1000.0)
    edge[:, :, 80:] = 40
    quiet = Protocol(noise_hu=0.0, blur_mm=0.8, slice_blur=0.0)
    row = _exposed(edge, quiet)[5, 80]
    assert row[70] == -1000
    assert row[90] == 40
    assert -1000 < row[79] < row[80] < 40
    assert row[79] + row[80] == pytest.approx(-960, abs=2)


def test_slices_blend_with_their_neighbours() -> None:
    hu = _water(0.0)
    hu[5] = 1000
    blended = _exposed(hu, Protocol(noise_hu=0.0, slice_blur=0.1))[:, 80, 80]
    assert blended[4:7] == pytest.approx([100, 800, 100], abs=1)
    assert blended[3] == 0


def test_the_range_is_twelve_bits_and_padding_is_its_own_value() -> None:
    hu = _water(9000.0)
    hu[:, 60:100, 60:100] = -1000
    scanned = _exposed(hu, Protocol(noise_hu=60.0))
    assert scanned.max() == HIGHEST_HU
    assert scanned[:, 65:95, 65:95].min() == LOWEST_HU + 1
    assert scanned[0, 0, 0] == LOWEST_HU


def test_the_couch_lies_under_the_back() -> None:
    column = _exposed(_water(-1000.0), Protocol(noise_hu=0.0), back=30.0)[5, :, 80]
    first = int(np.flatnonzero(column > -700)[0])
    assert 30 <= GRID.axes_mm()[1][0, first, 0] < 40
    assert column[: first - 8].max() == -1000
