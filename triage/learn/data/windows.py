"""Nodule windows: flat pictures of 64 x 64 pixels around a nodule, packed as JPEG-LS.

Many more and smaller nodules than the cubes, but the slices end where the outlines end, and the
Hounsfield units are estimates (half of them within 25 HU, nine in ten within about 75): for a
second stage, for texture and for small nodules, never to measure density.
"""

from __future__ import annotations

import functools
import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import jpeg_ls
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from triage.errors import DataRefused

SIDE = 64
#: Around another nodule, and around a small mark, no negatives are taken: mm.
OTHER_NODULE_MM, OTHER_MARK_MM = 15.0, 5.0
#: Smallest spacing of LIDC-IDRI pixels and slices: where it is not known, more is kept clear.
_SMALLEST_MM = (0.6, 0.46, 0.46)


@dataclass(frozen=True, slots=True)
class Other:
    """A further nodule or mark inside or near a window.

    Attributes
    ----------
    x, y, slice : float
        Window pixels; slices from the window's first one, may lie outside.
    kind : str
        ``nodule``, ``nodule_lt_3mm``, ``non_nodule``.
    readers : int
    """

    x: float
    y: float
    slice: float
    kind: str
    readers: int


@dataclass(frozen=True, slots=True)
class NoduleWindow:
    """One nodule's flat pictures.

    Attributes
    ----------
    name, patient, role : str
        Role as the data set suggests: ``train`` or ``val``.
    readers : int
    positive : bool
        Three or four readers.
    n_slices : int
    diameter_mm, texture : float or None
        None: not matched to an outline.
    spacing_zyx_mm : tuple of float or None
    series_uid : str
        Empty for the few that were not matched.
    match_cost : float or None
        Above 0.6 the match is doubtful.
    marked_small : int
        How many readers called this very spot a small nodule or no nodule.
    others : tuple of Other
    hu_intercept, hu_slope : tuple of float
        Estimated, one a slice.
    offset : int
        First slice in the table of reader outlines.
    sha256 : str
        First 16 digits, of the decoded grey levels.
    archive, outlines : Path
        ZIP of JPEG-LS pictures; table of reader outlines.
    """

    name: str
    patient: str
    role: str
    readers: int
    positive: bool
    n_slices: int
    diameter_mm: float | None
    texture: float | None
    spacing_zyx_mm: tuple[float, float, float] | None
    series_uid: str
    match_cost: float | None
    marked_small: int
    others: tuple[Other, ...]
    hu_intercept: tuple[float, ...]
    hu_slope: tuple[float, ...]
    offset: int
    sha256: str
    archive: Path
    outlines: Path

    @property
    def thickness_mm(self) -> float | None:
        """Distance of its slices; None: not known."""
        return self.spacing_zyx_mm[0] if self.spacing_zyx_mm else None

    def hu(self) -> npt.NDArray[np.float32]:
        """Decode the pictures.

        Returns
        -------
        ndarray, float32, shape (n_slices, 64, 64)
            Estimated HU, slices by ascending z.

        Raises
        ------
        DataRefused
            They are missing, damaged, or not the ones that were described.
        """
        grey = self._grey()
        if hashlib.sha256(grey.tobytes()).hexdigest()[: len(self.sha256)] != self.sha256:
            raise DataRefused(f"{self.archive}: {self.name} is not the picture it was")
        low, step = (np.array(v, np.float32)[:, None, None] for v in self._scale())
        return low + step * grey.astype(np.float32)

    def _scale(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return self.hu_intercept, self.hu_slope

    def _grey(self) -> npt.NDArray[np.uint8]:
        try:
            with zipfile.ZipFile(self.archive) as archive:
                packed = archive.read(f"{self.name}.jls")
            flat = jpeg_ls.decode(np.frombuffer(packed, np.uint8))
            grey: npt.NDArray[np.uint8] = flat.reshape(self.n_slices, SIDE, SIDE)
        except (OSError, KeyError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError) as e:
            raise DataRefused(f"{self.archive}: {self.name} cannot be read: {e}") from e
        return grey

    def reader_counts(self) -> npt.NDArray[np.uint8]:
        """How many readers' outlines cover each pixel, shape (n_slices, 64, 64)."""
        return _all_counts(self.outlines)[self.offset : self.offset + self.n_slices]

    def may_be_negative(self, margin_mm: float = 5.0) -> npt.NDArray[np.bool_]:
        """Pixels that show no nodule for sure, shape (n_slices, 64, 64).

        Parameters
        ----------
        margin_mm : float
            Kept clear around every reader's outline; around further nodules 15 mm, around small
            marks 5 mm.
        """
        spacing = self.spacing_zyx_mm or _SMALLEST_MM
        outside = self.reader_counts() == 0
        if outside.all():  # a few windows lack their outlines: where the nodule ends is not known
            return np.zeros(outside.shape, dtype=np.bool_)
        away = ndimage.distance_transform_edt(outside, sampling=spacing)
        free: npt.NDArray[np.bool_] = np.asarray(away) > margin_mm
        z, y, x = np.ogrid[: self.n_slices, :SIDE, :SIDE]
        for one in self.others:
            reach = OTHER_NODULE_MM if one.kind == "nodule" else OTHER_MARK_MM
            dz, dy, dx = ((a - b) * mm for a, b, mm in zip(
                (z, y, x), (one.slice, one.y, one.x), spacing, strict=True))  # fmt: skip
            free &= dz**2 + dy**2 + dx**2 > reach**2
        return free


@functools.lru_cache(maxsize=2)
def _all_counts(path: Path) -> npt.NDArray[np.uint8]:
    """Of all windows; small (36 MB) and asked for again and again."""
    try:
        with np.load(path, allow_pickle=False) as table:
            counts: npt.NDArray[np.uint8] = table["readers"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataRefused(f"{path} cannot be read: {error}") from error
    return counts
