"""A run can be stopped and goes on to the same network; nothing it may not see is seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed (extra train)")
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.learn.data import lidc_shaped
from tests.learn.material import NODULE, case_of, cube, scan
from triage.learn import checkpoint, train
from triage.learn.data.sums import sha256_of
from triage.learn.dataset import Sampler
from triage.learn.distil import Term
from triage.learn.insertion.pieces import Piece, cut_out, cut_out_at_sizes
from triage.learn.insertion.planted import plant
from triage.learn.lessons import Lessons
from triage.learn.mining import mine, scan_peaks
from triage.learn.networks import NETWORKS, Detector, TeacherNet
from triage.learn.scans import Scan, Target

PLAN = train.Plan(steps=4, batch=2)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def pieces() -> list[Piece]:
    return cut_out_at_sizes([cube(diameter=9.0)], np.random.default_rng(0))


def flat(network: Detector) -> bytes:
    return b"".join(v.contiguous().numpy().tobytes() for v in network.state_dict().values())


TAUGHT = replace(PLAN, teacher="some", terms=tuple(t.value for t in Term))


def begun(plan: train.Plan) -> train.State:
    """A fresh state; a plan with a teacher gets a small one."""
    if not plan.teacher:
        return train.begin(plan, [scan()])
    torch.manual_seed(9)
    return train.begin(plan, [scan()], TeacherNet(16))


@pytest.mark.parametrize("plan", [PLAN, TAUGHT], ids=["alone", "taught"])
def test_a_stopped_run_goes_on_to_the_same_network(
    plan: train.Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "SAVE_EVERY", 2)
    whole = train.fit(begun(plan), pieces(), tmp_path / "whole")
    assert (tmp_path / "whole" / "checkpoint.pt").exists()

    class Stopped(Exception):
        pass

    real = train.learn

    def stops(state: train.State, batch: train.Batch) -> float:
        if state.step == 3:
            raise Stopped
        return real(state, batch)

    monkeypatch.setattr(train, "learn", stops)
    with pytest.raises(Stopped):
        train.fit(begun(plan), pieces(), tmp_path / "stopped")
    monkeypatch.setattr(train, "learn", real)
    resumed = train.fit(begun(plan), pieces(), tmp_path / "stopped")
    assert flat(resumed) == flat(whole)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    digests = [
        checkpoint.finish(
            train.fit(begun(replace(PLAN, seed=seed)), pieces(), tmp_path / name), {},
            tmp_path / name,
        )
        for name, seed in (("one", 0), ("two", 0), ("three", 1))
    ]  # fmt: skip
    assert digests[0] == digests[1] != digests[2]
    about = json.loads((tmp_path / "one" / "run.json").read_text())
    assert about["sha256"] == digests[0] == sha256_of(tmp_path / "one" / "model.safetensors")


def test_curves_are_written_for_tensorboard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "REPORT_EVERY", 2)
    train.fit(begun(TAUGHT), pieces(), tmp_path)
    accumulated = EventAccumulator(str(tmp_path)).Reload()
    names = set(accumulated.Tags()["scalars"])
    assert names == {"loss", "truth", *(t.value for t in Term)}
    assert [e.step for e in accumulated.Scalars("loss")] == [2, 4]


@pytest.mark.parametrize("name", list(NETWORKS))
def test_a_finished_run_is_read_back_as_the_network_it_is(name: str, tmp_path: Path) -> None:
    torch.manual_seed(2)
    made = NETWORKS[name]().eval()
    checkpoint.finish(made, {"network": name}, tmp_path)
    assert flat(checkpoint.network_of(tmp_path)) == flat(made)


def test_another_plan_is_not_mixed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "SAVE_EVERY", 1)
    train.fit(train.begin(replace(PLAN, steps=1), [scan()]), pieces(), tmp_path)
    with pytest.raises(SystemExit, match="another plan"):
        train.fit(train.begin(PLAN, [scan()]), pieces(), tmp_path)


def test_learning_lowers_the_loss_on_one_batch() -> None:
    state = begun(replace(PLAN, steps=60))
    drawing = Sampler([scan()], pieces())
    batch = train.collate([drawing.draw(np.random.default_rng(i)) for i in range(2)])
    losses = []
    for _ in range(24):
        losses.append(train.learn(state, batch))
        state.step += 1
    assert losses[-1] < losses[0] / 2


def test_the_learning_rate_warms_up_and_cools_down() -> None:
    rates = [train.learning_rate(s, 1000) for s in range(1000)]
    assert rates[0] < rates[train.WARM_UP_STEPS] > rates[-1]
    assert max(rates) <= train.LEARNING_RATE
    assert rates[-1] < train.LEARNING_RATE / 50


class Bright(torch.nn.Module):
    """Answers with the mean brightness of each 4 x 4 x 4 block: bright is nodule."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heat = torch.nn.functional.avg_pool3d(x, 4) * 20 - 8
        rest = torch.full_like(heat, 2.0)
        middle = torch.full_like(heat, 0.375)
        return torch.cat([heat, rest, middle, middle, middle], dim=1)


UNMARKED = Target((24.0, 60.0, 30.0), 10.0, True)


def with_unmarked(*, mine_it: bool) -> Scan:
    made = scan(targets=(NODULE, UNMARKED), mine=mine_it)
    made.targets = (NODULE,)
    return made


def test_mining_finds_what_is_wrong_and_never_a_marked_nodule() -> None:
    found = mine(Bright(), with_unmarked(mine_it=True))
    gaps = np.linalg.norm(found - np.array(UNMARKED.zyx), axis=1)
    assert gaps[0] < 6.0
    assert np.abs(found - np.array(NODULE.zyx)).max(axis=1).min() > 8.0


def test_a_scan_that_may_hold_unmarked_nodules_is_not_mined() -> None:
    made = with_unmarked(mine_it=False)
    assert mine(Bright(), made).shape == (0, 3)
    made.no_nodules = np.array([[30.0, 30.0, 30.0]])
    assert np.array_equal(mine(Bright(), made), made.no_nodules)


def test_what_readers_called_no_nodule_stays_among_the_hard_places() -> None:
    made = with_unmarked(mine_it=True)
    made.no_nodules = np.array([[30.0, 30.0, 30.0]])
    found = mine(Bright(), made)
    assert np.array_equal(found[0], made.no_nodules[0])
    assert len(found) > 1


def test_planted_nodules_are_seen_where_they_were_put() -> None:
    made = scan()
    piece = cut_out(cube("P-9", 12.0))
    planted = plant(made.ground, made.targets, [piece], np.random.default_rng(3), twins=False)
    [planting] = planted.plantings
    zyx = np.array(planting.target.zyx)
    peaks = scan_peaks(Bright(), planted.volume, made)
    assert np.linalg.norm(peaks.zyx - zyx, axis=1).min() < 6.0
    assert not np.array_equal(planted.volume, made.volume)
    assert np.linalg.norm(zyx - np.array(NODULE.zyx)) > 15.0


def test_one_command_trains_on_lidc_alone_and_names_what_it_cannot_read(tmp_path: Path) -> None:
    """No cubes, one whole scan, one scan in which no lung is found."""
    squares = [lidc_shaped.roi(lidc_shaped.sop_uid(1, z), lidc_shaped.SQUARE) for z in (10, 11)]
    seen = [lidc_shaped.session(lidc_shaped.nodule(*squares))] * 3
    whole = lidc_shaped.write_series(tmp_path / "lidc", "LIDC-IDRI-0003")
    (whole / "a.xml").write_text(lidc_shaped.message(*lidc_shaped.reading(*seen)))
    blank = lidc_shaped.write_series(
        tmp_path / "lidc", "LIDC-IDRI-0004", 2, RescaleSlope=0.001, RescaleIntercept=0
    )
    text = lidc_shaped.message(*lidc_shaped.reading(), series=lidc_shaped.series_uid(2))
    (blank / "a.xml").write_text(text)
    out = tmp_path / "run"
    train.main(out, data=[f"lidc:{tmp_path / 'lidc'}"], steps=1, batch=1)
    said = json.loads((out / "run.json").read_text())
    assert said["patients"] == ["LIDC-IDRI-0003"]
    assert said["series_uids"] == [lidc_shaped.series_uid(1)]
    assert said["split"] == said["split_digest"]
    assert "left out: LIDC-IDRI-0004" in (out / "log.txt").read_text()
    assert (out / "model.safetensors").exists()
    assert not (out / "scans").exists()


def test_the_description_names_everyone_trained_on() -> None:
    taught = Lessons((case_of(scan()),), (cube("P-1"),), "5b6b", ("P-2",))
    said = train.describe(PLAN, taught)
    assert said["scans"] == ["made"]
    assert said["patients"] == ["P-made"]
    assert said["series_uids"] == ["1.2.3"]
    assert said["cube_patients"] == ["P-1"]
    assert said["select_patients"] == ["P-2"]
    assert said["split_digest"] == "5b6b"
    assert said["steps"] == 4
