"""Learning from the command line: a real worker process, the released model, honest exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.detect import small_chest
from tests.learn import tiny
from triage import wiring
from triage.rounds import progress_line
from triage.settings import Settings
from triage.store import events
from triage.store.session import Store
from triage.store.tables import FindingRow


def cli(data: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TRIAGE_")}
    return subprocess.run(
        [sys.executable, "-m", "triage.cli", *words],
        env={**kept, "TRIAGE_DATA": str(data), **more},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def signed_study(data: Path, scratch: Path) -> None:
    """A study of somebody, as if a reader had added its nodules and signed."""
    settings = Settings(data=data)
    small_chest.write(scratch, tiny.objects(1, maker="A Maker"))
    wiring.import_paths(settings, [scratch])
    uid = tiny.study_uid(1)
    findings: list[dict[str, Any]] = []
    store = Store(settings.url)
    with store.unit_of_work() as uow:
        for number, ball in enumerate(tiny.balls(1), start=1):
            place = list(ball.center_lps_mm)
            uow.add(
                FindingRow(
                    finding_id=f"f{number}", study_uid=uid, series_uid=f"{uid}.1", number=number,
                    center_lps_mm=place, tracking_uid="2.25.1", state="added",
                )
            )  # fmt: skip
            size = {"long_mm": ball.diameter_mm, "short_mm": ball.diameter_mm}
            said = {"state": "added", "reject_reason": None, "center_lps_mm": place, **size}
            findings.append({"finding_id": f"f{number}", "number": number, **said})
        after = {"findings": findings, "revision": 1}
        events.append(uow, "study.signed", actor="reader", study_uid=uid, after=after)
    store.close()


def trained_steps(data: Path) -> list[tuple[int, int]]:
    """Steps done and wanted, from the events of the first round."""
    store = Store(Settings(data=data).url)
    with store.reading() as uow:
        told = [e.after or {} for e in events.after(uow, 0) if e.kind == "round.progress"]
    store.close()
    return [(one["done"], one["of"]) for one in told if one.get("stage") == "training"]


@pytest.mark.timeout(400)
def test_a_round_from_the_command_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    signed_study(data, tmp_path / "files")
    done = cli(data, "finetune", "--steps", "2", "--json")
    assert done.returncode == 1, done.stderr  # the verdict is not "promote"
    said = json.loads(done.stdout)
    assert (said["round"], said["state"]) == (1, "done")
    assert said["verdict"] == "not_enough_evidence"
    assert "TRIAGE_SEALED" in said["reason"]
    # The terminal shows what it sees when it looks; the events hold every step.
    assert "round 1: done" in done.stderr
    assert trained_steps(data)[-1] == (2, 2)
    models = json.loads(cli(data, "models", "--json").stdout)
    states = {m["digest"]: (m["state"], m["intact"]) for m in models}
    assert states[said["challenger"]] == ("challenger", "ok")
    assert ("champion", "ok") in states.values()
    refused = cli(data, "promote", said["challenger"][:12])
    assert refused.returncode == 1
    assert "not_enough_evidence" in refused.stderr
    assert cli(data, "verify").returncode == 0


def test_nothing_to_learn_and_nothing_to_go_back_to(tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = cli(data, "finetune", "--phantom")
    assert (done.returncode, "in the queue" in done.stderr) == (1, True)
    back = cli(data, "rollback")
    assert (back.returncode, "no earlier champion" in back.stderr) == (1, True)
    unknown = cli(data, "promote", "0123456789ab")
    assert (unknown.returncode, "no such model" in unknown.stderr) == (1, True)
    [released] = json.loads(cli(data, "models", "--json").stdout)
    assert (released["state"], released["intact"]) == ("champion", "ok")


def test_a_pinned_model_refuses_promotion_and_rollback(tmp_path: Path) -> None:
    for words in (("promote", "0123456789ab"), ("rollback",)):
        done = cli(tmp_path / "data", *words, TRIAGE_MODEL="nodule-s")
        assert done.returncode == 1
        assert "TRIAGE_MODEL pins nodule-s" in done.stderr


@pytest.mark.parametrize(
    ("state", "progress", "line"),
    [
        ("queued", {}, "round 3: queued"),
        ("running", {"stage": "preparing scans"}, "round 3: preparing scans"),
        (
            "running",
            {"stage": "training", "done": 2, "of": 8, "loss": 0.51234, "left_s": 90.0},
            "round 3: training, 2 of 8, loss 0.512, 1.5 min left",
        ),
    ],
)
def test_how_far_a_round_is(state: str, progress: dict[str, Any], line: str) -> None:
    assert progress_line(3, state, progress) == line
