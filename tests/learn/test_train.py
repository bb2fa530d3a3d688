"""A run can be stopped and goes on to the same network; nothing it may not see is seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed (extra train)")
import torch

from tests.learn.data import lidc_shaped
from tests.learn.material import NODULE, case_of, cube, scan
from triage.learn import paste, train
from triage.learn.dataset import Sampler
from triage.learn.inserted import plant
from triage.learn.lessons import Lessons
from triage.learn.mining import mine, scan_peaks
from triage.learn.networks import NoduleNet
from triage.learn.scans import Scan, Target

PLAN = train.Plan(steps=4, batch=2)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def donors() -> list[paste.Donor]:
    return paste.make_donors([cube(diameter=9.0)], np.random.default_rng(0))


def flat(network: NoduleNet) -> bytes:
    return b"".join(v.contiguous().numpy().tobytes() for v in network.state_dict().values())


def test_a_stopped_run_goes_on_to_the_same_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "SAVE_EVERY", 2)
    whole = train.fit(PLAN, [scan()], donors(), tmp_path / "whole")
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
        train.fit(PLAN, [scan()], donors(), tmp_path / "stopped")
    monkeypatch.setattr(train, "learn", real)
    resumed = train.fit(PLAN, [scan()], donors(), tmp_path / "stopped")
    assert flat(resumed) == flat(whole)


def test_another_plan_is_not_mixed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "SAVE_EVERY", 1)
    train.fit(replace(PLAN, steps=1), [scan()], donors(), tmp_path)
    with pytest.raises(SystemExit, match="another plan"):
        train.fit(PLAN, [scan()], donors(), tmp_path)


def test_learning_lowers_the_loss_on_one_batch() -> None:
    state = train.begin(replace(PLAN, steps=60), [scan()])
    drawing = Sampler([scan()], donors())
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
    assert mine(Bright(), with_unmarked(mine_it=False)).shape == (0, 3)


def test_planted_nodules_are_seen_where_they_were_put() -> None:
    made = scan()
    planted = plant(made, case_of(made), [cube("P-9", 12.0)], np.random.default_rng(3))
    assert planted.planted == 1
    target = planted.case.nodules[-1]
    zyx = made.prepared.to_zyx(target.center_lps_mm)
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
