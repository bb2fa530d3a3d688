"""The scanner: couch, blur, noise with a kernel's spectrum, the padded circle, 12 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

from triage.core.volume import Int16Array
from triage.phantom.grid import Float32, Grid

LOWEST_HU = -1024
HIGHEST_HU = 3071


@dataclass(frozen=True, slots=True)
class Protocol:
    """How the phantom is scanned.

    Attributes
    ----------
    kernel : str
        Name written to the header.
    blur_mm : float
        Standard deviation of the in-plane point spread.
    slice_blur : float
        Weight of each neighbouring slice in a slice.
    noise_hu : float
        Standard deviation in soft tissue in the middle of the body.
    peak_per_mm : float
        Where the noise spectrum is strongest, line pairs per mm.
    """

    kernel: str = "STANDARD"
    blur_mm: float = 0.38
    slice_blur: float = 0.12
    noise_hu: float = 21.0
    peak_per_mm: float = 0.35


def expose(
    hu: Float32, grid: Grid, back_mm: float, protocol: Protocol, rng: np.random.Generator
) -> Int16Array:
    """What the scanner makes of the ideal body.

    Parameters
    ----------
    hu : ndarray, float32, shape (z, y, x)
        The ideal body in air.
    grid : Grid
    back_mm : float
        y where the back lies on the couch.
    protocol : Protocol
    rng : Generator

    Returns
    -------
    ndarray, int16, shape (z, y, x)
        -1024 .. 3071 HU; -1024 outside the circle of reconstruction, as a padded series reads.
    """
    out = np.empty(hu.shape, np.int16)
    z, y, x = grid.axes_mm()
    y, x = y[0], x[0]
    couch = _couch(y - back_mm, x, grid.spacing_zyx_mm[1])
    middle = [(c.max() + c.min()) / 2 for c in (y, x)]
    radius = np.hypot(y - middle[0], x - middle[1])
    circle = radius > (x.max() - x.min()) / 2 + grid.spacing_zyx_mm[2] / 2
    where = (0.68 + 0.34 * np.exp(-((radius / 115) ** 2))) * protocol.noise_hu
    spectra = _spectrum(grid, protocol.peak_per_mm, 1.0), _spectrum(grid, protocol.peak_per_mm, 4.0)
    sigma = [protocol.blur_mm / s for s in grid.spacing_zyx_mm[1:]]
    last = len(hu) - 1
    before = _noise(spectra[0], rng)
    for k in range(len(hu)):
        a, b = hu[max(k - 1, 0)], hu[min(k + 1, last)]
        plane = (1 - 2 * protocol.slice_blur) * hu[k] + protocol.slice_blur * (a + b)
        plane = ndimage.gaussian_filter(np.maximum(plane, couch), sigma)
        fresh = _noise(spectra[0], rng)
        shoulders = float(np.clip((z[k, 0, 0] - 50) / 45, 0, 1))
        grain = 0.87 * fresh + 0.5 * before
        before = fresh
        if shoulders:
            grain = grain * (1 + 0.35 * shoulders) + 0.9 * shoulders * _noise(spectra[1], rng)
        plane = plane + grain * where
        out[k] = np.clip(np.rint(plane), LOWEST_HU + 1, HIGHEST_HU).astype(np.int16)
        out[k][circle] = LOWEST_HU  # nothing inside the circle reads as padding
    return out


def _couch(below: Float32, x: Float32, soft_mm: float) -> Float32:
    """A carbon shell around foam, hollow to the patient; HU, air elsewhere."""
    depth = below - 4 + (x / 38) ** 2
    shell = np.minimum(np.abs(depth - 0.8), np.abs(depth - 24 + (x / 52) ** 2)) - 0.9
    foam = np.maximum(-depth, depth - 24 + (x / 52) ** 2)
    couch = -1000 + 30 * np.clip(0.5 - foam / soft_mm, 0, 1)
    mat = np.maximum(-depth - 2.5, depth) / soft_mm
    couch = np.maximum(couch, -1000 + 70 * np.clip(0.5 - mat, 0, 1))
    shelled: Float32 = np.maximum(couch, -1000 + 720 * np.clip(0.5 - shell / soft_mm, 0, 1))
    return shelled.astype(np.float32)


def _spectrum(grid: Grid, peak_per_mm: float, streak: float) -> Float32:
    """Amplitude filter of unit output variance: a ramp rolled off, `streak` longer along x."""
    _, ny, nx = grid.shape_zyx
    fy = fft.fftfreq(ny, grid.spacing_zyx_mm[1])[:, None]
    fx = fft.rfftfreq(nx, grid.spacing_zyx_mm[2])[None, :] * streak
    f = np.hypot(fy, fx) / peak_per_mm
    shape = (f + 0.12) * np.exp(-0.5 * f * f)
    weight = np.full(shape.shape[1], 2.0)
    weight[0] = 1
    if nx % 2 == 0:
        weight[-1] = 1
    power = float((shape**2 * weight).sum() / (ny * nx))
    unit: Float32 = (shape / np.sqrt(power)).astype(np.float32)
    return unit


def _noise(spectrum: Float32, rng: np.random.Generator) -> Float32:
    ny = spectrum.shape[0]
    nx = 2 * (spectrum.shape[1] - 1)
    white = rng.standard_normal((ny, nx), dtype=np.float32)
    grain: Float32 = fft.irfft2(fft.rfft2(white) * spectrum, s=(ny, nx)).astype(np.float32)
    return grain
