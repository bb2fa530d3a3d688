"""What a decision does to a finding: one literal table of states, pure functions on images.

An image is what `triage.store.reading_rows.image` gives. Nothing here reads or writes a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from triage.core.finding import Solidity
from triage.errors import Conflict
from triage.review.axes import Grid, measured
from triage.review.problems import FieldsRefused
from triage.review.requests import Attributes, DecisionIn

Image = dict[str, Any]

# (state, decision) to the new state. A pair that is not here changes nothing and answers 409.
# A reader's own mark stays `added` when its reader corrects it.
NEXT_STATE: Final[dict[tuple[str, str], str]] = {
    ("pending", "confirm"): "confirmed",
    ("pending", "reject"): "rejected",
    ("pending", "correct"): "corrected",
    ("confirmed", "reject"): "rejected",
    ("confirmed", "correct"): "corrected",
    ("corrected", "reject"): "rejected",
    ("corrected", "correct"): "corrected",
    ("rejected", "confirm"): "confirmed",
    ("rejected", "reject"): "rejected",
    ("rejected", "correct"): "corrected",
    ("dismissed", "confirm"): "confirmed",
    ("dismissed", "reject"): "rejected",
    ("dismissed", "correct"): "corrected",
    ("added", "reject"): "rejected",
    ("added", "correct"): "added",
}
_ATTRIBUTES = frozenset(Attributes.model_fields)
_SIZES = frozenset({"long_mm", "short_mm", "long_axis_lps_mm", "short_axis_lps_mm"})
_SOLID = ("solid_long_mm", "solid_short_mm")
PERFECT_TENSE: Final[dict[str, str]] = {
    "pending": "undecided",
    "confirmed": "accepted",
    "rejected": "rejected",
    "corrected": "corrected",
    "added": "added",
    "dismissed": "dismissed on signing",
    "withdrawn": "withdrawn",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding lies: the grid of its series, and the SOP Instance UID of each slice."""

    grid: Grid | None
    sop_uids: tuple[str, ...] = ()

    def key_sop_uid(self, center_lps_mm: Sequence[float]) -> str | None:
        """SOP Instance UID of the slice nearest to a point; None when not known."""
        if self.grid is None or len(self.sop_uids) != self.grid.shape_zyx[0]:
            return None
        return self.sop_uids[self.grid.slice_of(center_lps_mm)]


@dataclass(frozen=True, slots=True)
class StandingAct:
    """An act on a finding that has not been taken back.

    Attributes
    ----------
    seq : int
    before, after : dict or None
        Images; `before` is None for the act that made the finding.
    """

    seq: int
    before: Image | None
    after: Image


@dataclass(frozen=True, slots=True)
class Decided:
    """The outcome of a decision: the new image, and which act it takes back."""

    image: Image
    undoes: int | None = None


def decide(
    image: Mapping[str, Any], body: DecisionIn, standing: Sequence[StandingAct], place: Place
) -> Decided:
    """Apply a decision to the present image of a finding.

    Parameters
    ----------
    image : mapping
        As the finding is now.
    body : DecisionIn
    standing : sequence of StandingAct
        Acts that stand, oldest first.
    place : Place

    Returns
    -------
    Decided

    Raises
    ------
    Conflict
        The decision changes nothing in this state.
    FieldsRefused
        Fields that do not belong to the decision, or break a rule.
    """
    _only_own_fields(body)
    if body.decision == "retract":
        return _retract(image, standing)
    if body.decision == "reopen":
        return Decided(_reopen(image, standing))
    state = NEXT_STATE.get((str(image["state"]), body.decision))
    unchanged = body.decision == "reject" and image["reject_reason"] == body.reason
    if state is None or unchanged:
        raise Conflict(
            f"the finding is {PERFECT_TENSE[str(image['state'])]} already", code="nothing_to_do"
        )
    new = {**image, "state": state, "reject_reason": body.reason}
    if body.decision == "correct":
        new |= changed(image, body, place)
    return Decided(new)


def changed(image: Mapping[str, Any], body: Attributes, place: Place) -> Image:
    """Return the attributes that a body changes, measured and checked by the server.

    Raises
    ------
    FieldsRefused
        With the name of each field that breaks a rule.
    """
    sent = {name: getattr(body, name) for name in body.model_fields_set & _ATTRIBUTES}
    values: Image = {name: _plain(value) for name, value in sent.items()}
    problems: dict[str, str] = {}
    if {"long_axis_lps_mm", "short_axis_lps_mm"} & sent.keys():
        lengths, problems = measured(sent, place.grid)
        values |= lengths
        if not problems and "center_lps_mm" not in sent:
            a, b = values["long_axis_lps_mm"]
            values["center_lps_mm"] = [(p + q) / 2 for p, q in zip(a, b, strict=True)]
    elif {"long_mm", "short_mm"} & sent.keys():
        # Typed sizes have no end points: the drawn ones would contradict them.
        values |= {"long_axis_lps_mm": None, "short_axis_lps_mm": None}
    if (_SIZES | {"center_lps_mm"}) & values.keys():
        # The machine's volume and solid part belong to the machine's outline.
        values |= {"volume_mm3": None, **_solid_that_does_not_fit(image, values, sent)}
    if values.get("solidity", image["solidity"]) != Solidity.PART_SOLID.value:
        # Only a part-solid nodule has a solid part of its own.
        values |= {name: None for name in _SOLID if name not in sent}
    if "center_lps_mm" in values:
        problems |= _place_problems(values["center_lps_mm"], place)
    if values.get("status", "") is None:
        problems["status"] = "a finding is baseline, new, existing or resolved"
    problems |= _size_problems({**image, **values})
    if problems:
        raise FieldsRefused(problems)
    if "center_lps_mm" in values:
        values["key_sop_uid"] = place.key_sop_uid(values["center_lps_mm"])
    return values


def _solid_that_does_not_fit(
    image: Mapping[str, Any], values: Mapping[str, Any], sent: Mapping[str, Any]
) -> Image:
    """Take away a solid part that a new size has made too large, if the reader did not send it."""
    whole, part = values.get("long_mm", image["long_mm"]), image["solid_long_mm"]
    if part is None or whole is None or part <= whole:
        return {}
    return {name: None for name in _SOLID if name not in sent}


def _place_problems(center: Sequence[float] | None, place: Place) -> dict[str, str]:
    if center is None:
        return {"center_lps_mm": "a finding lies somewhere"}
    if place.grid is None:
        return {"series_uid": "the series has no volume: a place on it cannot be checked"}
    if not place.grid.holds(center):
        return {"center_lps_mm": "the centre lies outside the volume"}
    return {}


def _size_problems(new: Image) -> dict[str, str]:
    problems: dict[str, str] = {}
    long_mm, short_mm = new["long_mm"], new["short_mm"]
    if (long_mm is None) != (short_mm is None):
        name = "long_mm" if long_mm is None else "short_mm"
        problems[name] = "both axes are needed"
    elif long_mm is not None and short_mm is not None and short_mm > long_mm:
        problems["short_mm"] = "the short axis is longer than the long axis"
    return problems | _solid_part(new)


def _solid_part(new: Image) -> dict[str, str]:
    problems: dict[str, str] = {}
    part_long, part_short = new["solid_long_mm"], new["solid_short_mm"]
    if new["solidity"] != Solidity.PART_SOLID.value:
        for name in _SOLID:
            if new[name] is not None:
                problems[name] = "only a part-solid nodule has a solid part"
    elif part_long is not None and new["long_mm"] is not None and part_long > new["long_mm"]:
        problems["solid_long_mm"] = "the solid part is larger than the nodule"
    elif part_long is not None and part_short is not None and part_short > part_long:
        problems["solid_short_mm"] = "the short axis is longer than the long axis"
    return problems


def _only_own_fields(body: DecisionIn) -> None:
    sent = body.model_fields_set & _ATTRIBUTES
    if body.decision != "correct":
        sent = {name for name in sent if getattr(body, name) is not None}
    problems: dict[str, str] = {}
    if body.decision == "correct" and not sent:
        problems["decision"] = "a correction says what is corrected"
    if body.decision != "correct":
        problems |= dict.fromkeys(sorted(sent), f"does not belong to {body.decision}")
    if body.decision == "reject" and body.reason is None:
        problems["reason"] = "a rejection says why"
    if body.decision != "reject" and body.reason is not None:
        problems["reason"] = f"does not belong to {body.decision}"
    if problems:
        raise FieldsRefused(problems)


def _retract(image: Mapping[str, Any], standing: Sequence[StandingAct]) -> Decided:
    if not standing:
        raise Conflict("there is no act on this finding to take back", code="nothing_to_do")
    last = standing[-1]
    if last.before is None:
        return Decided({**image, "state": "withdrawn"}, undoes=last.seq)
    return Decided(dict(last.before), undoes=last.seq)


def _reopen(image: Mapping[str, Any], standing: Sequence[StandingAct]) -> Image:
    if image["state"] == "withdrawn":
        return {**image, "state": "added"}
    origin = None
    if standing:
        first = standing[0]
        born = first.before is None or first.before["state"] == "withdrawn"
        origin = first.after if born else first.before
    if origin is None or origin == dict(image):
        raise Conflict("the finding is as it was first", code="nothing_to_do")
    return dict(origin)


def _plain(value: Any) -> Any:
    """Pydantic values to the JSON that rows hold."""
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value.value if isinstance(value, StrEnum) else value
