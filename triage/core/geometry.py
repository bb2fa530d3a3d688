"""Slice positions: order, steps, gaps, duplicates, tilt. What receive and detect both ask.

Image Position (Patient) is the centre of the first pixel, Image Orientation (Patient) the direction
cosines of row and column (PS3.3 C.7.6.2.1.1). Instance numbers are never used: they may run either
way, or repeat. Nothing here decides whether a series may be read; `triage.detect.series` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from triage.core.finding import PointLps

Float64Array: TypeAlias = npt.NDArray[np.float64]
Cosines: TypeAlias = tuple[float, float, float, float, float, float]

#: Largest difference of one direction cosine within a stack: 0.18 mm at the rim of a 360 mm field.
SAME_ORIENTATION = 1e-3
#: Length and right angle of the two direction vectors; headers carry as few as three decimals.
UNIT_TOLERANCE = 5e-3
#: Positions nearer than this are one place; Decimal Strings are often rounded to 0.01 mm.
SAME_PLACE_MM = 0.01
#: A step of more than this many steps means that a slice is missing.
GAP_STEPS = 1.5
#: Largest distance from an even grid, in steps: a fifth of the half-slice that a marked centre can
#: be off anyway. Positions rounded to 0.1 mm stay below it at 0.5 mm steps and above.
UNEVEN_STEPS = 0.1
#: Off-line drift of the first pixel within a stack, in mm: below half of the smallest pixel (0.5).
DRIFT_MM = 0.2
#: A dominant normal component of at least this (within 25 degrees) gives the plane its name.
PLANE_COSINE = 0.906


class Plane(StrEnum):
    """How a slice lies in the patient."""

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"
    OBLIQUE = "oblique"


@dataclass(frozen=True, slots=True)
class SlicePosition:
    """Where one slice lies.

    Attributes
    ----------
    key : str
        What the slice is called: a SOP Instance UID.
    position_lps_mm : tuple of float
        Image Position (Patient): x, y, z in mm, LPS.
    orientation : tuple of 6 floats
        Image Orientation (Patient): cosines of the row direction, then of the column direction.
    """

    key: str
    position_lps_mm: PointLps
    orientation: Cosines


@dataclass(frozen=True, slots=True)
class Gap:
    """A place where slices are missing.

    Attributes
    ----------
    before, after : int
        Indices (into the input) of the slices on either side, in stack order.
    step_mm : float
        Distance between the two.
    missing : int
        How many slices of the usual step would fit between them.
    """

    before: int
    after: int
    step_mm: float
    missing: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Slices put in order. All indices point into the input sequence.

    Attributes
    ----------
    order : tuple of int
        The largest group of one orientation, ascending along +z for axial stacks (towards the
        head), +y for coronal, +x for sagittal ones.
    along_mm : tuple of float
        Distance along the stacking direction of each slice of `order`, 0 for the first.
    spacing_mm : float or None
        Median step between different places; None with fewer than two.
    plane : Plane or None
        None when no slice has a usable position.
    gaps : tuple of Gap
    duplicates : tuple of tuple of int
        Slices that lie in the same place, two or more each.
    uneven : tuple of int
        Slices that lie off an even grid (gaps allowed) by more than `UNEVEN_STEPS` of a step.
    orientation_groups : tuple of tuple of int
        Slices by orientation, largest group first.
    invalid : tuple of int
        Slices whose position or orientation is not finite, or no pair of perpendicular unit
        vectors.
    tilt_deg : float
        Angle between the stacking line and the slice normal (gantry tilt), degrees.
    drift_mm : float
        Largest distance of a first pixel from the straight stacking line.
    """

    order: tuple[int, ...]
    along_mm: tuple[float, ...]
    spacing_mm: float | None
    plane: Plane | None
    gaps: tuple[Gap, ...]
    duplicates: tuple[tuple[int, ...], ...]
    uneven: tuple[int, ...]
    orientation_groups: tuple[tuple[int, ...], ...]
    invalid: tuple[int, ...]
    tilt_deg: float
    drift_mm: float

    @property
    def mixed_orientation(self) -> bool:
        """Whether slices of different directions lie together."""
        return len(self.orientation_groups) > 1

    @property
    def is_gap_free(self) -> bool:
        """Whether each step of the stack holds exactly one slice."""
        return not (self.gaps or self.duplicates or self.uneven)

    @property
    def is_regular(self) -> bool:
        """Whether all slices together form one even, straight, gap-free stack of two or more."""
        one_stack = len(self.order) > 1 and not self.mixed_orientation and not self.invalid
        return one_stack and self.is_gap_free and self.drift_mm <= DRIFT_MM


def arrange(slices: Sequence[SlicePosition]) -> Arrangement:
    """Put slices in order and say what is wrong with the stack.

    Parameters
    ----------
    slices : sequence of SlicePosition
        In any order; may be empty.

    Returns
    -------
    Arrangement
        Never raises for odd geometry: it names it.
    """
    invalid = tuple(i for i, one in enumerate(slices) if not _is_valid(one))
    groups = _orientation_groups(slices, frozenset(invalid))
    if not groups:
        return _with_invalid(invalid)
    main = np.array(groups[0])
    normal = stacking_direction(slices[groups[0][0]].orientation)
    positions = np.array([slices[i].position_lps_mm for i in groups[0]], dtype=np.float64)
    along = positions @ normal
    rank = np.argsort(along, kind="stable")
    order, along, positions = main[rank], along[rank] - along.min(), positions[rank]
    steps = np.diff(along)
    real_steps = steps[steps > SAME_PLACE_MM]
    spacing = float(np.median(real_steps)) if real_steps.size else None
    tilt_deg, drift_mm = _straightness(positions, normal)
    return Arrangement(
        order=tuple(int(i) for i in order),
        along_mm=tuple(float(a) for a in along),
        spacing_mm=spacing,
        plane=plane_of(slices[groups[0][0]].orientation),
        gaps=_gaps(order, steps, spacing),
        duplicates=_duplicates(order, steps),
        uneven=_uneven(order, along, spacing),
        orientation_groups=groups,
        invalid=invalid,
        tilt_deg=tilt_deg,
        drift_mm=drift_mm,
    )


def normal_of(orientation: Cosines) -> Float64Array:
    """Slice normal, row x column, unit length, LPS (PS3.3 C.7.6.2.1.1)."""
    normal = np.cross(orientation[:3], orientation[3:])
    unit: Float64Array = normal / np.linalg.norm(normal)
    return unit


def stacking_direction(orientation: Cosines) -> Float64Array:
    """The normal, turned so that its largest component is positive: to the head when axial."""
    normal = normal_of(orientation)
    turned: Float64Array = normal * np.sign(normal[int(np.argmax(np.abs(normal)))])
    return turned


def plane_of(orientation: Cosines) -> Plane:
    """Name of the plane by the normal's largest component."""
    share = np.abs(normal_of(orientation))
    axis = int(np.argmax(share))
    if share[axis] < PLANE_COSINE:
        return Plane.OBLIQUE
    return (Plane.SAGITTAL, Plane.CORONAL, Plane.AXIAL)[axis]


def stack_affine(
    first_lps_mm: PointLps,
    last_lps_mm: PointLps,
    slice_count: int,
    orientation: Cosines,
    pixel_spacing_mm: tuple[float, float],
) -> Float64Array:
    """Voxel to patient for an even stack, exact also with a tilted gantry (a shear).

    Parameters
    ----------
    first_lps_mm, last_lps_mm : tuple of float
        Image Position (Patient) of the first and of the last slice in stack order, mm.
    slice_count : int
        At least 2.
    orientation : tuple of 6 floats
        Image Orientation (Patient).
    pixel_spacing_mm : tuple of float
        Pixel Spacing: between rows (along y), then between columns (along x) (PS3.3 10.7.1.3).

    Returns
    -------
    ndarray, float64, shape (4, 4)
        Voxel ``(z, y, x, 1)`` to LPS mm, as `triage.core.volume.Volume` wants it.
    """
    affine = np.eye(4, dtype=np.float64)
    span = np.subtract(last_lps_mm, first_lps_mm)
    affine[:3, 0] = span / (slice_count - 1)
    affine[:3, 1] = np.array(orientation[3:]) * pixel_spacing_mm[0]
    affine[:3, 2] = np.array(orientation[:3]) * pixel_spacing_mm[1]
    affine[:3, 3] = first_lps_mm
    return affine


def _with_invalid(invalid: tuple[int, ...]) -> Arrangement:
    return Arrangement((), (), None, None, (), (), (), (), invalid, 0.0, 0.0)


def _is_valid(one: SlicePosition) -> bool:
    row, column = np.array(one.orientation[:3]), np.array(one.orientation[3:])
    if not (np.isfinite(one.position_lps_mm).all() and np.isfinite(one.orientation).all()):
        return False
    faults = [np.linalg.norm(row) - 1.0, np.linalg.norm(column) - 1.0, row @ column]
    return bool(np.abs(faults).max() <= UNIT_TOLERANCE)


def _orientation_groups(
    slices: Sequence[SlicePosition], left_out: frozenset[int]
) -> tuple[tuple[int, ...], ...]:
    """Slices whose cosines agree with the first of their group; largest group first."""
    groups: list[list[int]] = []
    for i, one in enumerate(slices):
        if i in left_out:
            continue
        for group in groups:
            difference = np.subtract(slices[group[0]].orientation, one.orientation)
            if np.abs(difference).max() <= SAME_ORIENTATION:
                group.append(i)
                break
        else:
            groups.append([i])
    return tuple(tuple(g) for g in sorted(groups, key=len, reverse=True))


def _gaps(
    order: npt.NDArray[np.intp], steps: Float64Array, spacing: float | None
) -> tuple[Gap, ...]:
    if spacing is None:
        return ()
    wide = np.flatnonzero(steps > GAP_STEPS * spacing)
    return tuple(
        Gap(
            before=int(order[i]),
            after=int(order[i + 1]),
            step_mm=float(steps[i]),
            missing=max(1, round(float(steps[i]) / spacing) - 1),
        )
        for i in wide
    )


def _duplicates(order: npt.NDArray[np.intp], steps: Float64Array) -> tuple[tuple[int, ...], ...]:
    """Runs of slices in one place."""
    places = np.split(order, np.flatnonzero(steps > SAME_PLACE_MM) + 1)
    return tuple(tuple(int(i) for i in place) for place in places if len(place) > 1)


def _uneven(
    order: npt.NDArray[np.intp], along: Float64Array, spacing: float | None
) -> tuple[int, ...]:
    """Slices off the grid that fits the stack best; a missing slice leaves a hole in that grid."""
    if spacing is None:
        return ()
    steps = np.diff(along)
    counts = np.where(steps <= SAME_PLACE_MM, 0, np.maximum(1, np.rint(steps / spacing)))
    grid = np.concatenate([[0.0], np.cumsum(counts)])
    slope, start = np.polyfit(grid, along, 1)
    off = np.abs(along - (start + slope * grid)) > UNEVEN_STEPS * spacing
    return tuple(int(i) for i in order[off])


def _straightness(positions: Float64Array, normal: Float64Array) -> tuple[float, float]:
    """Tilt in degrees and largest drift in mm of first pixels from their own line."""
    span = positions[-1] - positions[0]
    length = float(np.linalg.norm(span))
    if length <= SAME_PLACE_MM:
        return 0.0, 0.0
    line = span / length
    away = (positions - positions[0]) - np.outer((positions - positions[0]) @ line, line)
    tilt = float(np.degrees(np.arccos(np.clip(abs(float(line @ normal)), 0.0, 1.0))))
    return tilt, float(np.linalg.norm(away, axis=1).max())
