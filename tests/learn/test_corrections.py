"""What is taught where: only decided places, and the champion's word everywhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.detect import small_chest
from tests.learn import tiny
from triage.core.finding import RejectReason
from triage.detect.prepare import Prepared, prepare
from triage.learn.corrections import (
    LessonSampler,
    Mark,
    Piece,
    _weights,
    at_least_a_patch,
    mark_of,
    pieces_of,
)
from triage.learn.dataset import PATCH
from triage.pathway import NEGATIVE_WEIGHT
from triage.store.learning_rows import SignedDecision

MIDDLE = (32.0, 32.0, 32.0)


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return prepare(small_chest.chest(tiny.balls(1), seed=1))


def decision(said: str, reason: str | None = None, size: float | None = 10.0) -> SignedDecision:
    [one, _] = tiny.decisions(tiny.balls(1), 1)
    return replace(one, said=said, reason=reason, long_mm=size, short_mm=size)


@pytest.mark.parametrize("said", ["confirmed", "corrected", "added"])
def test_a_nodule_is_taught_with_its_size(prepared: Prepared, said: str) -> None:
    mark = mark_of(decision(said), prepared)
    assert (mark.positive, mark.weight, mark.diameter_mm) == (True, 1.0, 10.0)
    back = prepared.to_lps_mm(mark.zyx)
    assert np.allclose(back, tiny.balls(1)[0].center_lps_mm)


def test_a_nodule_without_a_size_is_not_taught(prepared: Prepared) -> None:
    assert mark_of(decision("confirmed", size=None), prepared).weight == 0.0


@pytest.mark.parametrize("reason", list(RejectReason))
def test_every_reason_has_its_weight(prepared: Prepared, reason: RejectReason) -> None:
    mark = mark_of(decision("rejected", reason.value), prepared)
    assert not mark.positive
    assert mark.weight == NEGATIVE_WEIGHT[reason]


def test_dismissed_is_never_a_negative(prepared: Prepared) -> None:
    assert mark_of(decision("dismissed"), prepared).weight == 0.0
    pieces = pieces_of(prepared, [decision("dismissed")], np.random.default_rng(0))
    with pytest.raises(ValueError, match="nothing to teach"):
        LessonSampler(pieces)


def test_only_around_decided_places_is_anything_taught() -> None:
    weight = _weights([Mark(MIDDLE, 8.0, 1.0, positive=True)])
    assert weight[8, 8, 8] == 1.0
    assert weight[0, 0, 0] == weight[15, 8, 8] == 0.0
    assert 0 < (weight > 0).sum() < 0.1 * weight.size


def test_a_rejection_counts_by_its_weight_and_never_over_a_nodule() -> None:
    rejected = Mark((32.0, 32.0, 50.0), 8.0, 0.5, positive=False)
    weight = _weights([rejected, Mark(MIDDLE, 8.0, 1.0, positive=True)])
    assert weight[8, 8, 8] == 1.0
    assert weight[8, 8, 13] == 0.5


def test_silence_around_a_dismissed_mark_but_not_in_the_middle_of_a_nodule() -> None:
    dismissed = Mark((32.0, 32.0, 41.0), 8.0, 0.0, positive=False)
    weight = _weights([dismissed, Mark(MIDDLE, 8.0, 1.0, positive=True)])
    assert weight[8, 8, 8] == 1.0
    assert weight[8, 8, 10] == 0.0
    assert _weights([replace(dismissed, zyx=MIDDLE), Mark(MIDDLE, 8.0, 1.0, True)])[8, 8, 8] == 1.0


def test_the_anchor_holds_exactly_where_nobody_decided() -> None:
    sampler = tiny.lessons([1])
    for seed in range(6):
        lesson = sampler.draw(np.random.default_rng(seed))
        assert not ((lesson.anchor > 0) & (lesson.example.weight > 0)).any()
        assert lesson.anchor[0].sum() == 0  # faces are nobody's
        assert lesson.anchor.sum() > 0


def test_the_answer_lies_on_the_nodule_whatever_way_it_was_turned() -> None:
    sampler = tiny.lessons([1, 2])
    seen = 0
    for seed in range(12):
        example = sampler.draw(np.random.default_rng(seed)).example
        for z, y, x in np.argwhere((example.heat > 0.999) & (example.weight > 0)):
            here = example.image[z * 4 : z * 4 + 2, y * 4 : y * 4 + 2, x * 4 : x * 4 + 2]
            assert here.mean() > 0.5  # a ball of 40 HU in lung of -850 HU
            seen += 1
    assert seen > 3


def test_the_same_state_draws_the_same_lesson() -> None:
    sampler = tiny.lessons([1])
    first, again = (sampler.draw(np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first.example.image, again.example.image)
    assert np.array_equal(first.anchor, again.anchor)


def test_a_small_volume_is_continued_to_a_patch() -> None:
    small = np.zeros((40, 96, 8), np.float32)
    assert at_least_a_patch(small).shape == (PATCH, 96, PATCH)


def test_a_piece_knows_every_mark_in_it(prepared: Prepared) -> None:
    both = tiny.decisions(tiny.balls(1), 1)
    pieces: list[Piece] = pieces_of(prepared, both, np.random.default_rng(0))
    assert len(pieces) == 4
    assert all(len(piece.marks) >= 2 for piece in pieces)
    assert all(min(piece.values.shape) >= PATCH for piece in pieces)
