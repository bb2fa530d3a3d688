"""What there is, in numbers: by role, size, texture, thickness and readers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from triage.learn.data.cases import Case, Cube, DataSet, Kind, MarkedNodule, Role
from triage.learn.data.sources import Divided
from triage.learn.data.windows import NoduleWindow

#: Lower ends of the size classes, mm.
SIZES_MM = (0.0, 4.0, 6.0, 8.0, 15.0, 30.0)
THICKNESSES_MM = (0.0, 1.0, 1.5, 2.0, 2.5, 3.0)
UNKNOWN = "not known"
_Thing = TypeVar("_Thing")


def facts(divided: Divided) -> dict[str, Any]:
    """Counts of everything, for people and programs.

    Returns
    -------
    dict
        ``data, licence, split, test, roles {train, select, test}, left_out``. Numbers only: no
        patient is named.
    """
    whole, roles = divided.closed(), divided.roles
    return {
        "data": roles.data,
        "licence": divided.licence,
        "split": roles.digest,
        "test": roles.test_digest,
        "roles": {role.value: _role(whole, set(roles.of(role))) for role in Role},
        "reader_outlines": len(whole.outlines),
        "reader_marks": len(whole.marks),
        "left_out": list(divided.left_out),
    }


def _role(whole: DataSet, patients: set[str]) -> dict[str, Any]:
    return {
        "patients": len(patients),
        "series": _series([c for c in whole.cases if c.patient in patients]),
        "cubes": _cubes([c for c in whole.cubes if c.patient in patients]),
        "windows": _windows([w for w in whole.windows if w.patient in patients]),
    }


def _series(cases: Sequence[Case]) -> dict[str, Any]:
    positive = [n for c in cases for n in c.nodules if n.positive]
    return {
        "whole": sum(c.kind is Kind.WHOLE for c in cases),
        "lung_crops": sum(c.kind is Kind.LUNG_CROP for c in cases),
        "fully_marked": sum(c.all_marked for c in cases),
        "nodules": len(positive),
        "ignored_nodules": sum(not n.positive for c in cases for n in c.nodules),
        "small_findings": sum(len(c.small) for c in cases),
        "thickness_mm": _counted(cases, lambda c: _class(c.thickness_mm, THICKNESSES_MM)),
        **_by_nodule(positive),
    }


def _by_nodule(nodules: Sequence[MarkedNodule]) -> dict[str, Any]:
    return {
        "size_mm": _counted(nodules, lambda n: _class(n.diameter_mm, SIZES_MM)),
        "texture": _counted(nodules, lambda n: _texture(n.texture)),
        "readers": _counted(nodules, lambda n: _readers(n.readers)),
    }


def _cubes(cubes: Sequence[Cube]) -> dict[str, Any]:
    return {
        "count": len(cubes),
        "size_mm": _counted(cubes, lambda c: _class(c.diameter_mm, SIZES_MM)),
        "texture": _counted(cubes, lambda c: _texture(c.texture)),
        "readers": _counted(cubes, lambda c: _readers(c.readers)),
        "thickness_mm": _counted(cubes, lambda c: _class(c.thickness_mm, THICKNESSES_MM)),
    }


def _windows(windows: Sequence[NoduleWindow]) -> dict[str, Any]:
    return {
        "nodules": len(windows),
        "pictures": sum(w.n_slices for w in windows),
        "agreed": sum(w.positive for w in windows),
        "size_mm": _counted(windows, lambda w: _class(w.diameter_mm, SIZES_MM)),
        "texture": _counted(windows, lambda w: _texture(w.texture)),
        "readers": _counted(windows, lambda w: _readers(w.readers)),
        "thickness_mm": _counted(windows, lambda w: _class(w.thickness_mm, THICKNESSES_MM)),
    }


def _counted(things: Iterable[_Thing], key: Callable[[_Thing], str]) -> dict[str, int]:
    return dict(sorted(Counter(map(key, things)).items(), key=lambda kv: _order(kv[0])))


def _order(name: str) -> tuple[int, float]:
    first = name.partition(" ")[0].rstrip("+")
    return (1, 0.0) if name == UNKNOWN else (0, float(first))


def _class(value: float | None, edges: Sequence[float]) -> str:
    if value is None:
        return UNKNOWN
    for low, high in pairwise(edges):
        if low <= value < high:
            return f"{low:g} to {high:g}"
    return f"{edges[-1]:g}+"


def _texture(value: float | None) -> str:
    return UNKNOWN if value is None else f"{round(value)}"


def _readers(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value}"
