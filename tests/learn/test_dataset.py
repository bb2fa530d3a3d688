"""What the network is asked: patches, answers, and that the clinic reads answers the same way."""

from __future__ import annotations

import numpy as np
import pytest

from tests.learn.material import NODULE, SHAPE, cube, scan
from triage.detect.decode import DecodeSettings, find_peaks
from triage.learn.dataset import (
    CELLS,
    PATCH,
    Sampler,
    answer,
    clashes,
    disturb,
    finish,
    moved,
)
from triage.learn.insertion.pieces import cut_out_at_sizes
from triage.learn.scans import Scan, Target


def sampler(*scans: Scan) -> Sampler:
    cubes = [cube("P-1", 9.0), cube("P-2", 16.0)]
    return Sampler(scans or (scan(),), cut_out_at_sizes(cubes, np.random.default_rng(0)))


def test_the_same_generator_state_draws_the_same_patch() -> None:
    drawing = sampler()
    first = drawing.draw(np.random.default_rng([1, 7]))
    again = drawing.draw(np.random.default_rng([1, 7]))
    other = drawing.draw(np.random.default_rng([1, 8]))
    assert first.image.tobytes() == again.image.tobytes()
    assert first.heat.tobytes() == again.heat.tobytes()
    assert first.image.tobytes() != other.image.tobytes()


def test_patches_have_the_promised_shape_and_leave_the_scan_alone() -> None:
    made = scan()
    before = made.volume.copy()
    drawing = sampler(made)
    drawn = [drawing.draw(np.random.default_rng(i)) for i in range(40)]
    for example in drawn:
        assert example.image.shape == (PATCH,) * 3
        assert example.image.dtype == np.float32
        assert 0.0 <= example.image.min() <= example.image.max() <= 1.0
        assert example.heat.shape == example.weight.shape == (CELLS,) * 3
        assert example.shape.shape == (4, CELLS, CELLS, CELLS)
    assert np.array_equal(made.volume, before)
    # This scan is so small that its own nodule lies in every patch; others come on top.
    nodules = [int((e.heat == 1).sum()) for e in drawn]
    assert min(nodules) >= 1
    assert max(nodules) >= 2


def test_mined_places_are_visited() -> None:
    made = scan(targets=())
    made.hard = np.array([[70.0, 60.0, 60.0]])
    drawing = sampler(made)
    starts = [drawing._start(made, np.random.default_rng(i)) for i in range(300)]
    near = [np.abs(np.array(s) + PATCH / 2 - made.hard[0]).max() <= 15 for s in starts]
    assert np.mean(near) > 0.3


# Every target the network is taught must come back out of the clinic's decoder.
TAUGHT = [
    ((20.0, 24.0, 28.0), 6.0),
    ((21.7, 26.2, 33.9), 4.5),
    ((30.1, 30.9, 40.2), 12.0),
    ((32.0, 31.0, 29.0), 28.0),
]


@pytest.mark.parametrize(("zyx", "diameter"), TAUGHT)
def test_the_decoder_reads_what_was_taught(
    zyx: tuple[float, float, float], diameter: float
) -> None:
    heat, _, shape = answer([Target(zyx, diameter, True)])
    logit = np.log(np.clip(heat, 1e-6, 1 - 1e-6) / (1 - np.clip(heat, 1e-6, 1 - 1e-6)))
    peaks = find_peaks(np.concatenate([logit[None], shape]), DecodeSettings(threshold=0.9))
    assert len(peaks.probability) == 1
    assert peaks.zyx[0] == pytest.approx(zyx, abs=1e-4)
    assert peaks.diameter_mm[0] == pytest.approx(diameter, rel=1e-5)


def test_nothing_is_taught_at_ignored_places_and_at_the_patch_edge() -> None:
    heat, weight, _ = answer([Target((32.0, 32.0, 32.0), 6.0, False)])
    assert heat.max() == 0.0
    assert weight[8, 8, 8] == weight[8, 8, 9] == 0.0
    assert weight[8, 8, 12] == 1.0
    assert weight[0].max() == weight[:, -1].max() == 0.0


def test_turning_moves_image_and_answer_together() -> None:
    bright = np.zeros((PATCH,) * 3, np.float32)
    bright[20, 28, 44] = 1.0
    for seed in range(8):
        target = Target((20, 28, 44), 6.0, True)
        example = finish(bright.copy(), [target], np.random.default_rng(seed))
        cell = np.unravel_index(int(example.heat.argmax()), example.heat.shape)
        z, y, x = (int(c) for c in cell)
        offset = example.shape[1:, z, y, x]
        voxel = np.unravel_index(int(example.image.argmax()), example.image.shape)
        assert (np.array(cell) + offset) * 4 == pytest.approx(np.array(voxel, float), abs=1e-4)


def test_disturbing_keeps_the_range() -> None:
    rng = np.random.default_rng(4)
    patch = rng.random((PATCH,) * 3, dtype=np.float32)
    for _ in range(12):
        out = disturb(patch, rng)
        assert 0.0 <= out.min() <= out.max() <= 1.0
        assert out.flags.c_contiguous


def test_a_laid_nodule_is_taught_where_it_lies() -> None:
    drawing = sampler(scan(targets=()))
    seen = 0
    for seed in range(40):
        ground = drawing.scans[0].ground.window((16, 8, 16), PATCH)
        before = ground.volume.copy()
        targets = drawing._lay_nodule(ground, [], np.random.default_rng(seed))
        if not targets:
            assert np.array_equal(ground.volume, before)
            continue
        seen += 1
        [target] = targets
        z, y, x = (round(c) for c in target.zyx)
        assert target.positive
        assert ground.volume[z, y, x] - before[z, y, x] > 0.3
    assert seen > 20


def test_twins_change_nothing_that_is_taught_and_keep_clear_of_nodules() -> None:
    made = scan()
    drawing = sampler(made)
    start = (16, 8, 20)
    target = moved(NODULE, start)
    ground = made.ground.window(start, PATCH)
    before = ground.volume.copy()
    for seed in range(30):
        drawing._lay_twin(ground, [target], np.random.default_rng(seed))
    assert not np.array_equal(ground.volume, before)
    grid = np.stack(np.meshgrid(*[np.arange(PATCH)] * 3, indexing="ij"), -1)
    own = np.linalg.norm(grid - np.array(target.zyx), axis=-1) <= target.diameter_mm / 2 + 1.0
    # A cover thins out to nothing; what reaches so far is a thousandth of a grey level.
    assert np.abs(ground.volume[own] - before[own]).max() < 1e-3


def test_clashes_are_told_by_size() -> None:
    center = np.array(NODULE.zyx)
    assert clashes(NODULE, center + np.array([0, 0, 12]), 6.0) is False
    assert clashes(NODULE, center + np.array([0, 0, 10]), 6.0) is True
    assert min(SHAPE) > PATCH
