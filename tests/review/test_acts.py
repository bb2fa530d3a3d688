"""Decisions as pure functions: the table of states, what belongs to what, undo as a fold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.review.test_axes import GRID, LONG, SHORT, cross
from triage.errors import Conflict
from triage.review.acts import NEXT_STATE, Place, StandingAct, changed, decide
from triage.review.problems import FieldsRefused
from triage.review.requests import Attributes, DecisionIn
from triage.store.reading_rows import IMAGE_FIELDS

PLACE = Place(GRID, tuple(f"1.2.{k}" for k in range(40)))
STATES = ("pending", "confirmed", "rejected", "corrected", "added", "dismissed", "withdrawn")


def image(state: str = "pending", **known: Any) -> dict[str, Any]:
    blank: dict[str, Any] = dict.fromkeys(IMAGE_FIELDS)
    blank |= {"state": state, "status": "baseline", "center_lps_mm": [-16.0, 0.0, -250.0]}
    blank |= {"long_mm": 12.0, "short_mm": 9.0, "solidity": "solid", "volume_mm3": 500.0}
    return blank | known


def body(decision: str, **more: Any) -> DecisionIn:
    if decision == "reject":
        more = {"reason": "vessel"} | more
    if decision == "correct" and not more:
        more = {"solidity": "ground_glass"}
    return DecisionIn(decision=decision, base_version=1, **more)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("decision", ["confirm", "reject", "correct"])
def test_every_pair_is_in_the_table_or_a_conflict(state: str, decision: str) -> None:
    expected = NEXT_STATE.get((state, decision))
    if expected is None:
        with pytest.raises(Conflict, match="already"):
            decide(image(state), body(decision), [], PLACE)
    else:
        decided = decide(image(state), body(decision), [], PLACE)
        assert decided.image["state"] == expected and decided.undoes is None


def test_confirming_keeps_every_proposed_value() -> None:
    proposed = image(calcification="none", margin="smooth", lobe="left_lower")
    confirmed = decide(proposed, body("confirm"), [], PLACE).image
    assert confirmed == proposed | {"state": "confirmed"}


def test_another_reason_is_news_and_the_same_is_not() -> None:
    rejected = image("rejected", reject_reason="vessel")
    assert decide(rejected, body("reject", reason="scar"), [], PLACE).image["reject_reason"] == (
        "scar"
    )
    with pytest.raises(Conflict):
        decide(rejected, body("reject", reason="vessel"), [], PLACE)


def test_a_decision_after_a_rejection_forgets_the_reason() -> None:
    rejected = image("rejected", reject_reason="vessel")
    assert decide(rejected, body("confirm"), [], PLACE).image["reject_reason"] is None


@pytest.mark.parametrize(
    ("decision", "more", "field"),
    [
        ("reject", {"reason": None}, "reason"),
        ("confirm", {"reason": "vessel"}, "reason"),
        ("confirm", {"long_mm": 4.0}, "long_mm"),
        ("reject", {"solidity": "solid"}, "solidity"),
        ("reopen", {"center_lps_mm": [0, 0, 0]}, "center_lps_mm"),
        ("retract", {"reason": "other"}, "reason"),
    ],
)
def test_fields_of_another_decision_are_refused(
    decision: str, more: dict[str, Any], field: str
) -> None:
    with pytest.raises(FieldsRefused) as refused:
        decide(image(), body(decision, **more), [], PLACE)
    assert field in refused.value.problems


def test_a_correction_says_what() -> None:
    nothing = DecisionIn(decision="correct", base_version=1)
    with pytest.raises(FieldsRefused, match="what is corrected"):
        decide(image(), nothing, [], PLACE)


def test_drawn_axes_set_lengths_centre_key_slice_and_drop_the_machines_volume() -> None:
    axes = cross(14.16, 8.04, z=-245.0)
    values = changed(image(), Attributes(**axes), PLACE)
    assert (values["long_mm"], values["short_mm"]) == (14.2, 8.0)
    assert values["center_lps_mm"] == pytest.approx([-16.0, 0.0, -245.0])
    assert values["key_sop_uid"] == "1.2.22"
    assert values["volume_mm3"] is None


def test_a_finding_that_is_moved_has_no_volume_any_more() -> None:
    values = changed(image(), Attributes(center_lps_mm=(-18.0, 2.0, -250.0)), PLACE)
    assert values["volume_mm3"] is None


@pytest.mark.parametrize(("long_mm", "kept"), [(10.0, 6.0), (5.5, None)])
def test_the_machines_solid_part_stays_where_it_fits(long_mm: float, kept: float | None) -> None:
    part_solid = image(solidity="part_solid", solid_long_mm=6.0, solid_short_mm=5.0)
    decided = {**part_solid, **changed(part_solid, Attributes(**cross(long_mm, 5.0)), PLACE)}
    assert decided["solid_long_mm"] == kept and decided["volume_mm3"] is None
    assert (decided["solid_short_mm"] is None) == (kept is None)


def test_typed_sizes_drop_end_points_that_would_contradict_them() -> None:
    drawn = image(**cross(12.0, 9.0))
    values = changed(drawn, Attributes(long_mm=10.0, short_mm=7.0), PLACE)
    assert values[LONG] is None and values[SHORT] is None and values["long_mm"] == 10.0


def test_the_solid_part_goes_when_the_type_is_no_longer_part_solid() -> None:
    part_solid = image(solidity="part_solid", solid_long_mm=6.0, solid_short_mm=5.0)
    values = changed(part_solid, Attributes(solidity="ground_glass"), PLACE)
    assert values["solid_long_mm"] is None and values["solid_short_mm"] is None


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"long_mm": 8.0}, "short_mm"),  # the short axis of 9.0 mm would be longer
        ({"short_mm": 12.1}, "short_mm"),
        ({"long_mm": None}, "long_mm"),
        ({"center_lps_mm": (900.0, 0.0, -250.0)}, "center_lps_mm"),
        ({"center_lps_mm": None}, "center_lps_mm"),
        ({"status": None}, "status"),
        ({"solid_long_mm": 4.0}, "solid_long_mm"),
        ({"solidity": "solid", "solid_short_mm": 4.0}, "solid_short_mm"),
        ({"solidity": "part_solid", "solid_long_mm": 12.5}, "solid_long_mm"),
        ({"solidity": "part_solid", "solid_long_mm": 4, "solid_short_mm": 5}, "solid_short_mm"),
    ],
)
def test_contradictions_are_refused_by_name(sent: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldsRefused) as refused:
        changed(image(), Attributes(**sent), PLACE)
    assert field in refused.value.problems, refused.value.problems


def test_attributes_can_be_corrected_without_a_volume_but_places_cannot() -> None:
    nowhere = Place(None)
    assert changed(image(), Attributes(margin="spiculated"), nowhere)["margin"] == "spiculated"
    with pytest.raises(FieldsRefused, match="no volume"):
        changed(image(), Attributes(center_lps_mm=(0.0, 0.0, -250.0)), nowhere)


def test_unknown_again_is_null_not_a_default() -> None:
    assert changed(image(), Attributes(solidity=None), PLACE)["solidity"] is None


class Ledger:
    """A finding and its events in memory: what the store does, in ten lines."""

    def __init__(self, first: dict[str, Any], *, added: bool) -> None:
        self.now = first
        self.acts = [StandingAct(0, None, first)] if added else []
        self.all_images = [first]
        self.seq = 0

    def do(self, order: DecisionIn) -> bool:
        try:
            decided = decide(self.now, order, self.acts, PLACE)
        except (Conflict, FieldsRefused):
            return False
        self.seq += 1
        if decided.undoes is None:
            self.acts.append(StandingAct(self.seq, self.now, decided.image))
        else:
            self.acts = [act for act in self.acts if act.seq != decided.undoes]
        self.now = decided.image
        self.all_images.append(decided.image)
        return True


ORDERS = st.sampled_from(
    [
        body("confirm"), body("reject"), body("reject", reason="scar"), body("correct"),
        body("correct", **cross(10.0, 7.0)), body("correct", long_mm=20.0, short_mm=9.0),
        body("reopen"), body("retract"),
    ]
)  # fmt: skip


@given(st.booleans(), st.lists(ORDERS, max_size=14))
def test_state_is_the_fold_of_standing_acts(added: bool, orders: list[DecisionIn]) -> None:
    first = image("added" if added else "pending")
    ledger = Ledger(first, added=added)
    for order in orders:
        ledger.do(order)
        # The last standing act leads to the present image, and each links to the one before.
        if ledger.acts:
            assert ledger.acts[-1].after == ledger.now
        elif added:
            assert ledger.now == first | {"state": "withdrawn"}
        else:
            assert ledger.now == first
        for earlier, later in zip(ledger.acts, ledger.acts[1:], strict=False):
            assert earlier.after == later.before


@given(st.lists(ORDERS, max_size=10))
def test_undoing_everything_restores_the_machines_proposal_exactly(
    orders: list[DecisionIn],
) -> None:
    first = image(calcification="popcorn", solid_long_mm=None)
    ledger = Ledger(first, added=False)
    for order in orders:
        ledger.do(order)
    while ledger.acts:
        assert ledger.do(body("retract"))
    assert ledger.now == first
    assert not ledger.do(body("retract"))


@given(st.lists(ORDERS, min_size=1, max_size=10))
def test_reopening_goes_back_to_the_first_image(orders: list[DecisionIn]) -> None:
    for added in (False, True):
        first = image("added" if added else "pending")
        ledger = Ledger(first, added=added)
        for order in orders:
            ledger.do(order)
        if ledger.do(body("reopen")):
            assert ledger.now == first
        else:
            assert ledger.now == first


def test_a_withdrawn_mark_comes_back_as_it_was() -> None:
    first = image("added")
    ledger = Ledger(first, added=True)
    assert ledger.do(body("retract")) and ledger.now["state"] == "withdrawn"
    assert not ledger.do(body("confirm")) and not ledger.do(body("correct"))
    assert ledger.do(body("reopen")) and ledger.now == first
    assert ledger.do(body("reject")) and ledger.do(body("reopen")) and ledger.now == first
