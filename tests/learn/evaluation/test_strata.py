"""Each nodule and scan falls into one stratum of every kind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.learn.evaluation.worked import NODULE, scan, truth
from triage.learn.evaluation.strata import FIXED, strata_of
from triage.learn.evaluation.tables import ScanTable, Truth

SIZES = {5.9: "under 6 mm", 6.0: "6 to 8 mm", 8.0: "8 to 15 mm", 15.0: "15 mm and more"}
TEXTURES = {
    1.0: "ground glass (rating under 2.5)", 2.5: "part solid (2.5 to 3.5)",
    3.5: "solid (3.5 and more)", None: "not rated",
}  # fmt: skip
SLICES = {0.6: "up to 1.25 mm", 1.25: "up to 1.25 mm", 2.5: "1.25 to 2.5 mm", 5.0: "over 2.5 mm",
          None: "not known"}  # fmt: skip


def names(kind: str, one: ScanTable, nodule: Truth) -> list[str]:
    mine = [s for s in strata_of([one]) if s.kind == kind]
    return [s.name for s in mine if s.scan(one) and s.nodule(one, nodule)]


@pytest.mark.parametrize("size", SIZES)
def test_size(size: float) -> None:
    nodule = truth("n", NODULE, 0.0, size)
    assert names("size", scan("A", nodule), nodule) == [SIZES[size]]


@pytest.mark.parametrize("rating", TEXTURES)
def test_texture(rating: float | None) -> None:
    nodule = replace(truth("n", NODULE, 0.0, 8.0), texture=rating)
    assert names("texture", scan("A", nodule), nodule) == [TEXTURES[rating]]


@pytest.mark.parametrize("thickness", SLICES)
def test_thickness(thickness: float | None) -> None:
    nodule = truth("n", NODULE, 0.0, 8.0)
    one = replace(scan("A", nodule), slice_mm=thickness)
    assert names("thickness", one, nodule) == [SLICES[thickness]]


def test_noise_is_parted_at_the_median_and_the_unmeasured_are_named() -> None:
    scans = [replace(scan(f"s{n}"), noise_hu=n) for n in (10.0, 20.0, 30.0)] + [scan("s")]
    parts = [s for s in strata_of(scans) if s.kind == "noise"]
    assert [s.name for s in parts] == ["up to the median, 20.0 HU", "over 20.0 HU", "not measured"]
    assert [[one.scan for one in scans if s.scan(one)] for s in parts] == [
        ["s10.0", "s20.0"], ["s30.0"], ["s"],
    ]  # fmt: skip


def test_hosts_and_lungs_are_strata_by_name() -> None:
    nodules = [
        replace(truth(f"n{i}", NODULE, 50.0 * i, 8.0), hangs_on=on)
        for i, on in enumerate(("wall", "vessel", ""))
    ]
    scans = [replace(scan(n, *nodules), lung=h) for n, h in (("a", "2"), ("b", "1"), ("c", ""))]
    parts = strata_of(scans)
    hosts = [
        (s.name, [n.id for n in nodules if s.nodule(scans[0], n)])
        for s in parts
        if s.kind == "host"
    ]
    assert hosts == [("vessel", ["n1"]), ("wall", ["n0"])]
    lungs = [
        (s.name, [one.scan for one in scans if s.scan(one)]) for s in parts if s.kind == "lung"
    ]
    assert lungs == [("1", ["b"]), ("2", ["a"])]


@given(
    st.floats(0.1, 100),
    st.none() | st.floats(1, 5),
    st.none() | st.floats(0.1, 20),
)
def test_one_stratum_of_each_kind(
    size: float, rating: float | None, slice_mm: float | None
) -> None:
    nodule = replace(truth("n", NODULE, 0.0, size), texture=rating)
    one = replace(scan("A", nodule), slice_mm=slice_mm)
    for kind in {s.kind for s in FIXED} | {"noise"}:
        assert len(names(kind, one, nodule)) == 1, kind
