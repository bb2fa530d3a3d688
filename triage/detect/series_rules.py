"""The rules of `triage.detect.series`: one function per thing that can be wrong, one table.

Each rule looks at the whole series and answers with a verdict, a stable code and a sentence that
names the slices to blame, or with None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from triage.core.finding import SeriesVerdict
from triage.core.geometry import DRIFT_MM, Arrangement, Plane, SlicePosition
from triage.detect.slices import Slice
from triage.pathway import CT_IMAGE_STORAGE, SiteChoices

#: An image made of many slices: a nodule may be smeared or doubled in it (PS3.3 C.8.16.1.3).
PROJECTION_TYPES = frozenset(
    {"MIP", "MINIP", "MNIP", "PROJECTION IMAGE", "PROJECTION", "MAXIMUM", "MINIMUM", "VOLREN",
     "VOLUME_RENDER", "SSD", "CURVED"}
)  # fmt: skip
#: Below, a sheared stack still shows a nodule in its shape (at most 0.18 mm aside per mm); above it
#: does not look like what the detector learned from.
FLAG_TILT_DEG = 1.0
REFUSE_TILT_DEG = 10.0
#: A step of more than this share of the slice thickness leaves tissue between slices unseen.
CONTIGUOUS = 1.25
MAX_SIDE_PX = 2048
MAX_SLICES = 5000


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule looks at."""

    slices: Sequence[Slice]
    stack: Arrangement
    choices: SiteChoices


Objection: TypeAlias = tuple[SeriesVerdict, str, str]  # verdict, code, message
Rule: TypeAlias = Callable[[Case], Objection | None]


def positions_of(slices: Sequence[Slice]) -> list[SlicePosition]:
    """Positions of the slices that have one; what `arrange` is given."""
    return [s.position for s in slices if s.position is not None]


def slices_at(slices: Sequence[Slice], indices: Iterable[int]) -> list[Slice]:
    """Slices by the indices of an `Arrangement` of `positions_of` the same slices."""
    positioned = [s for s in slices if s.position is not None]
    return [positioned[i] for i in indices]


def name_slices(slices: Sequence[Slice], limit: int = 3) -> str:
    """Slices by SOP Instance UID, the first few."""
    names = ", ".join(s.sop_uid for s in slices[:limit])
    more = len(slices) - limit
    return names + (f" and {more} more" if more > 0 else "")


def _not_ct(case: Case) -> Objection | None:
    bad = [s for s in case.slices if s.modality != "CT"]
    if not bad:
        return None
    return _refuse("not_ct", f"modality is {bad[0].modality or 'not stated'}, not CT")


def _class(case: Case) -> Objection | None:
    bad = [s for s in case.slices if s.sop_class != CT_IMAGE_STORAGE or s.frames != 1]
    if not bad:
        return None
    return _refuse(
        "not_single_frame_ct",
        f"not single-frame CT Image Storage, which is all that is read so far: {name_slices(bad)}",
    )


def _localiser(case: Case) -> Objection | None:
    if not any("LOCALIZER" in s.image_type for s in case.slices):
        return None
    return _refuse("localiser", "a localiser (scout), not a stack of slices")


def _projection(case: Case) -> Objection | None:
    bad = [s for s in case.slices if PROJECTION_TYPES & set(s.image_type)]
    if not bad:
        return None
    return _refuse("projection", f"made by projection ({'/'.join(bad[0].image_type)}), no slices")


def _derived(case: Case) -> Objection | None:
    if not any(s.image_type[:1] == ("DERIVED",) for s in case.slices):
        return None
    return _flag("derived", "derived pictures (resampled or processed), not the scanner's own")


def _no_position(case: Case) -> Objection | None:
    bad = [s for s in case.slices if s.position is None]
    bad += slices_at(case.slices, case.stack.invalid)
    if not bad:
        return None
    return _refuse("no_position", f"no usable position or orientation: {name_slices(bad)}")


def _no_spacing(case: Case) -> Objection | None:
    bad = [s for s in case.slices if s.pixel_spacing_mm is None]
    if not bad:
        return None
    return _refuse(
        "no_pixel_spacing", f"no Pixel Spacing, sizes would be guessed: {name_slices(bad)}"
    )


def _mixed_matrix(case: Case) -> Objection | None:
    kinds = {
        (s.rows, s.columns, *(round(mm, 4) for mm in s.pixel_spacing_mm or ())) for s in case.slices
    }
    if len(kinds) <= 1:
        return None
    return _refuse("mixed_matrix", f"{len(kinds)} picture sizes or pixel spacings in one series")


def _matrix_bounds(case: Case) -> Objection | None:
    sides = [side for s in case.slices for side in (s.rows, s.columns)]
    if all(side is not None and 16 <= side <= MAX_SIDE_PX for side in sides):
        return None
    return _refuse("matrix_size", f"rows and columns must lie in 16 to {MAX_SIDE_PX}")


def _no_units(case: Case) -> Objection | None:
    bad = [s for s in case.slices if not s.has_rescale or s.rescale_type not in {"", "HU"}]
    if not bad:
        return None
    return _refuse("no_hounsfield_units", f"no rescale to Hounsfield units: {name_slices(bad)}")


def _grey(case: Case) -> Objection | None:
    bad = [s for s in case.slices if s.photometric != "MONOCHROME2" or s.samples != 1]
    if not bad:
        return None
    return _refuse(
        "not_monochrome2", f"{bad[0].photometric or 'colour'} pictures: {name_slices(bad)}"
    )


def _one_slice(case: Case) -> Objection | None:
    if len(case.slices) != 1:
        return None
    return _refuse("one_slice", "one slice is no volume")


def _too_few(case: Case) -> Objection | None:
    least = case.choices.min_slices
    if len(case.slices) == 1 or len(case.slices) >= least:
        return None
    return _refuse("too_few_slices", f"{len(case.slices)} slices; at least {least} make a chest")


def _too_many(case: Case) -> Objection | None:
    if len(case.slices) <= MAX_SLICES:
        return None
    return _refuse("too_many_slices", f"{len(case.slices)} slices; at most {MAX_SLICES} are read")


def _not_axial(case: Case) -> Objection | None:
    if case.stack.plane in {Plane.AXIAL, None}:
        return None
    return _refuse("not_axial", f"{case.stack.plane} slices; only axial ones are read")


def _duplicates(case: Case) -> Objection | None:
    if not case.stack.duplicates:
        return None
    first = name_slices(slices_at(case.slices, case.stack.duplicates[0]))
    return _refuse(
        "duplicate_slices",
        f"{len(case.stack.duplicates)} places hold more than one slice, first: {first}",
    )


def _gaps(case: Case) -> Objection | None:
    if not case.stack.gaps:
        return None
    missing = sum(g.missing for g in case.stack.gaps)
    gap = case.stack.gaps[0]
    either = slices_at(case.slices, (gap.before, gap.after))
    return _refuse(
        "missing_slices",
        f"about {missing} slices missing in {len(case.stack.gaps)} places, first: "
        f"{gap.step_mm:.2f} mm between {name_slices(either)}",
    )


def _uneven(case: Case) -> Objection | None:
    if not case.stack.uneven or case.stack.gaps:
        return None
    bad = slices_at(case.slices, case.stack.uneven)
    return _refuse("variable_spacing", f"{len(bad)} slices off the even step: {name_slices(bad)}")


def _crooked(case: Case) -> Objection | None:
    if case.stack.drift_mm <= DRIFT_MM:
        return None
    return _refuse(
        "not_straight",
        f"slices are shifted sideways by up to {case.stack.drift_mm:.1f} mm against each other",
    )


def _tilt(case: Case) -> Objection | None:
    tilt = case.stack.tilt_deg
    if tilt <= FLAG_TILT_DEG:
        return None
    rule = _flag if tilt <= REFUSE_TILT_DEG else _refuse
    return rule("gantry_tilt", f"the gantry was tilted by {tilt:.1f} degrees")


def _too_thick(case: Case) -> Objection | None:
    step, most = case.stack.spacing_mm, case.choices.max_slice_spacing_mm
    # A hair of rounding in the positions must not turn 3.0 into "more than 3".
    if step is None or step <= most + 0.01:
        return None
    return _refuse("too_thick", f"slices are {step:.2f} mm apart; at most {most:g} mm is read")


def _thick_slices(case: Case) -> Objection | None:
    thick = [s.thickness_mm for s in case.slices if s.thickness_mm is not None]
    if not thick or max(thick) <= case.choices.max_slice_spacing_mm:
        return None
    return _flag("thick_slices", f"slices are {max(thick):g} mm thick: small nodules fade in them")


def _not_contiguous(case: Case) -> Objection | None:
    step = case.stack.spacing_mm
    thick = [s.thickness_mm for s in case.slices if s.thickness_mm is not None]
    if step is None or not thick or step <= CONTIGUOUS * min(thick):
        return None
    return _flag(
        "not_contiguous",
        f"slices of {min(thick):g} mm every {step:.2f} mm: tissue between them was not scanned",
    )


def _lossy(case: Case) -> Objection | None:
    if not any(s.lossy for s in case.slices):
        return None
    return _flag("lossy", "pictures were compressed with loss")


def _refuse(code: str, message: str) -> Objection:
    return SeriesVerdict.REFUSE, code, message


def _flag(code: str, message: str) -> Objection:
    return SeriesVerdict.RUN_FLAGGED, code, message


RULES: tuple[Rule, ...] = (
    _not_ct,
    _class,
    _localiser,
    _projection,
    _no_position,
    _no_spacing,
    _matrix_bounds,
    _mixed_matrix,
    _no_units,
    _grey,
    _one_slice,
    _too_few,
    _too_many,
    _not_axial,
    _duplicates,
    _gaps,
    _uneven,
    _crooked,
    _too_thick,
    _tilt,
    _derived,
    _thick_slices,
    _not_contiguous,
    _lossy,
)
