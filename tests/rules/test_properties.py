"""What must hold for every input: properties over generated exams."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.builders import (
    ADULT,
    FOLLOW_UP,
    INCIDENTAL,
    SCREENING,
    existing,
    mean,
    mm3,
    nodule,
    screening,
)
from triage.rules.fleischner import fleischner2017
from triage.rules.growth import growth
from triage.rules.lungrads import lungrads2022

ORDER = ["1", "2", "3", "4A", "4B", "4X"]
TENTHS = st.decimals("0.1", "120", places=2)

KINDS = st.sampled_from(["nodule", "cavitary", "airway", "cyst", None])
TYPES = st.sampled_from(["solid", "part_solid", "ground_glass", None])
STATUS = st.sampled_from(["baseline", "new", "existing", "resolved", None])
CATEGORIES = st.sampled_from(["0", *ORDER, None])


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Null half of the time."""
    return st.none() | strategy


LENGTH = st.builds(lambda value: {"value": str(value), "unit": "mm"}, TENTHS)
SIZE = st.fixed_dictionaries(
    {},
    optional={
        "long": LENGTH, "short": LENGTH, "mean": LENGTH,
        "volume": st.builds(lambda v: {"value": v, "unit": "mm3"}, st.integers(1, 20000)),
    },
)  # fmt: skip
GOOD_SIZE = st.builds(lambda length: {"mean": length}, LENGTH)
ANY_SIZE = maybe(GOOD_SIZE | SIZE)
PRIOR = st.fixed_dictionaries(
    {"size": ANY_SIZE, "solid_component": maybe(GOOD_SIZE), "category": CATEGORIES, "type": TYPES},
    optional={"interval": st.sampled_from(["3 months", "6 months", "14 months"])},
)
FINDING = st.fixed_dictionaries(
    {"kind": KINDS, "type": TYPES, "status": STATUS, "size": ANY_SIZE},
    optional={
        "solid_component": maybe(GOOD_SIZE),
        "prior": maybe(PRIOR),
        "calcification": st.sampled_from(["popcorn", "eccentric", None]),
        "juxtapleural_shape": st.sampled_from(["oval", "other", None]),
        "margin": st.sampled_from(["smooth", "spiculated", None]),
        "features": st.lists(st.sampled_from(["spiculation", "other"]), max_size=2),
        "slow_growth": maybe(st.booleans()),
        "airway": maybe(
            st.fixed_dictionaries({"level": st.sampled_from(["lobar", "subsegmental"])})
        ),
        "cyst": maybe(st.fixed_dictionaries({"locularity": st.just("multilocular")})),
    },
)
EXAM = st.fixed_dictionaries(
    {
        "purpose": st.sampled_from(["screening_ldct", "screening_ldct", "incidental", None]),
        "prior_ct": st.sampled_from(["none", "available", "available", "being_located", None]),
        "lungs_fully_evaluable": st.sampled_from([True, True, True, False, None]),
        "inflammatory_infectious_suspected": st.sampled_from([False, False, True, None]),
        "known_lung_cancer": st.sampled_from([False, False, True, None]),
    }
)
PATIENT = st.fixed_dictionaries(
    {
        "age_years": st.sampled_from([34, 35, 70, None]),
        "known_cancer": maybe(st.booleans()),
        "immunosuppressed": maybe(st.booleans()),
        "risk": st.sampled_from(["low", "high", None]),
    }
)
PAYLOAD = st.fixed_dictionaries(
    {"exam": EXAM, "patient": PATIENT, "findings": maybe(st.lists(FINDING, max_size=3))}
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["exam", "findings", "size", "purpose", "current", "prior", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=400)
@given(PAYLOAD)
def test_no_category_without_status_ok(payload: dict[str, Any]) -> None:
    for apply in (lungrads2022, fleischner2017):
        result: Any = apply(payload)
        assert result["status"] in ("ok", "cannot_categorise", "not_applicable")
        assert (result["category"] is not None) is (result["status"] == "ok")
        assert bool(result["reasons"]) is (result["status"] != "ok")
        assert result["needs_review"] is bool(result["review"])
        if result["status"] == "ok":
            assert result["trace"] and result["management"]
        for reason in result["reasons"]:
            assert reason["code"] and reason["field"] and "because" in reason["message"]


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(["exam", "findings", "patient", "current"]), JUNK))
def test_junk_is_refused_and_never_crashes(payload: dict[str, Any]) -> None:
    for apply in (lungrads2022, fleischner2017, growth):
        result = apply(payload)
        assert result["category"] is None
        assert result["status"] != "ok"


@given(
    TENTHS, TENTHS, st.sampled_from(["baseline", "new"]), st.sampled_from(["solid", "ground_glass"])
)
def test_monotone_in_size(a: Decimal, b: Decimal, status: str, kind: str) -> None:
    small, large = sorted((a, b))
    categories = [screening(nodule(kind, status, str(size)))["category"] for size in (small, large)]
    assert ORDER.index(categories[0]) <= ORDER.index(categories[1])


@given(TENTHS, TENTHS)
def test_part_solid_is_monotone_in_its_component(a: Decimal, b: Decimal) -> None:
    small, large = sorted((a, b))
    categories = [
        screening(nodule("part_solid", "baseline", 120, solid_component=mean(str(part))))[
            "category"
        ]
        for part in (small, large)
    ]
    assert ORDER.index(categories[0]) <= ORDER.index(categories[1])


@given(TENTHS)
def test_new_is_never_below_baseline(size: Decimal) -> None:
    new, baseline = (
        screening(nodule("solid", status, str(size)))["category"] for status in ("new", "baseline")
    )
    assert ORDER.index(new) >= ORDER.index(baseline)


@given(TENTHS, TENTHS)
def test_growing_is_never_below_the_row_by_size(now: Decimal, before: Decimal) -> None:
    grown = screening(existing("solid", str(now), str(before)))
    if grown["growth"]:
        baseline = screening(nodule("solid", "baseline", str(now)))
        assert ORDER.index(grown["category"]) >= ORDER.index(baseline["category"])


@settings(max_examples=150)
@given(st.lists(TENTHS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_order_of_findings_does_not_matter(sizes: list[Decimal], shuffler: random.Random) -> None:
    kinds = ["solid", "ground_glass"]
    findings = [nodule(kinds[i % 2], "new", str(s), id=f"n{i}") for i, s in enumerate(sizes)]
    mixed = list(findings)
    shuffler.shuffle(mixed)
    same = ("status", "category", "dominant_finding", "size_class", "needs_review")
    first, second = screening(*findings), screening(*mixed)
    assert [first[name] for name in same] == [second[name] for name in same]
    payloads = [{"exam": INCIDENTAL, "patient": ADULT, "findings": f} for f in (findings, mixed)]
    a, b = (fleischner2017(payload) for payload in payloads)
    assert [a[name] for name in same] == [b[name] for name in same]


@settings(max_examples=200)
@given(st.lists(FINDING, max_size=3), FINDING)
def test_one_more_finding_never_lowers_the_exam(
    findings: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    before: Any = lungrads2022({"exam": FOLLOW_UP, "findings": findings})
    after: Any = lungrads2022({"exam": FOLLOW_UP, "findings": [*findings, more]})
    if before["status"] == after["status"] == "ok":
        assert ORDER.index(after["category"]) >= ORDER.index(before["category"])
    if before["status"] == "cannot_categorise":
        assert after["status"] == "cannot_categorise"


# Exams where every input plays a part; deleting any of them must be heard.
PRIOR_3 = {"category": "3", "interval": "6 months"}
COMPLETE: dict[str, dict[str, Any]] = {
    "solid baseline": nodule("solid", "baseline", {"long": "9 mm", "short": "8 mm"}),
    "solid new": nodule("solid", "new", 7),
    "solid growing": existing("solid", 9, 7),
    "solid stable": existing("solid", 9, 9, prior=PRIOR_3),
    "solid crossing": existing("solid", "8.2", "7.5", prior=PRIOR_3),
    "solid stepped down": existing("solid", 5, 5, prior={"category": "4A"}),
    "part-solid baseline": nodule("part_solid", "baseline", 12, solid_component=mean(7)),
    "part-solid new": nodule("part_solid", "new", 12, solid_component=mean(7)),
    "part-solid component grows": existing(
        "part_solid", 12, 12, solid_component=mean(7), prior={"solid_component": mean(5)}
    ),
    "part-solid component new": existing(
        "part_solid", 12, 12, solid_component=mean(7), prior={"type": "ground_glass"}
    ),
    "ground glass": nodule("ground_glass", "new", 31),
    "ground glass grows": existing("ground_glass", 35, 31),
    "ground glass was 4A": existing("ground_glass", 12, 12, prior={"category": "4A"}),
    "volume": nodule("solid", "baseline", {"volume": mm3(300)}),
    "airway": {"id": "a", "kind": "airway", "status": "existing", "airway": {"level": "lobar"}},
    "airway grows": {
        "id": "a", "kind": "airway", "status": "existing",
        "airway": {"level": "subsegmental", "change": "growing"},
    },
    "cyst": {
        "id": "a", "kind": "cyst", "status": "existing",
        "cyst": {"wall": "thick", "locularity": "unilocular",
                 "changes": ["wall_or_nodularity_growing"]},
    },
}  # fmt: skip


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every field inside nested objects."""
    if isinstance(value, dict) and set(value) != {"value", "unit"}:
        for key, inner in value.items():
            yield (*here, key)
            yield from paths(inner, (*here, key))
    elif isinstance(value, dict):
        yield (*here, "unit")
        yield (*here, "value")


def without(payload: dict[str, Any], path: tuple[Any, ...], null: bool) -> dict[str, Any]:
    """The payload with one field deleted, or set to null."""
    copied = copy.deepcopy(payload)
    place: Any = copied
    for step in path[:-1]:
        place = place[step]
    if null:
        place[path[-1]] = None
    else:
        del place[path[-1]]
    return copied


@pytest.mark.parametrize("null", [False, True], ids=["deleted", "null"])
@pytest.mark.parametrize("name", COMPLETE)
def test_deleting_an_input_never_lowers_the_category_silently(name: str, null: bool) -> None:
    finding = COMPLETE[name]
    exam = SCREENING if finding["status"] == "baseline" else FOLLOW_UP
    whole = {"exam": exam, "findings": [finding]}
    before: Any = lungrads2022(whole)
    assert before["status"] == "ok"
    deleted = [("findings", 0, *path) for path in paths(finding)]
    for path in [("exam", field) for field in exam] + deleted:
        after: Any = lungrads2022(without(whole, path, null))
        if after["status"] == "ok":
            lower = ORDER.index(after["category"]) < ORDER.index(before["category"])
            assert not lower or after["needs_review"], (path, after["category"])
        else:
            assert after["status"] == "cannot_categorise"
            assert after["reasons"], path


@pytest.mark.parametrize("field", ["purpose", "age_years", "known_cancer", "immunosuppressed"])
def test_fleischner_never_assumes(field: str) -> None:
    part = "exam" if field == "purpose" else "patient"
    whole = {
        "exam": dict(INCIDENTAL), "patient": dict(ADULT), "findings": [nodule("solid", "new", 9)],
    }  # fmt: skip
    assert fleischner2017(whole)["status"] == "ok"
    assert fleischner2017(without(whole, (part, field), null=False))["status"] != "ok"
