"""The whole loop walked once: what the tests of it look at."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.detect import small_chest
from tests.learn import tiny
from triage import wiring
from triage.detect import model_folder
from triage.review.api import create_app

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

STUDIES = range(1, 7)


@dataclass
class Walk:
    """A running installation, its API, and the reader and engineer in one local person."""

    inst: tiny.Installation
    client: TestClient
    released: str
    folder: Path
    seen: list[dict[str, Any]] = field(default_factory=list)

    def take_in(self, seed: int, name: str = "", **changes: Any) -> None:
        """Import a study."""
        folder = self.folder / (name or f"study-{seed}")
        small_chest.write(folder, tiny.objects(seed, **changes))
        wiring.import_paths(self.inst.settings, [folder])

    def until_read(self, uid: str) -> dict[str, Any]:
        """Let the engine publish a study."""

        def done() -> bool:
            answer = self.client.get(f"/api/studies/{uid}")
            return answer.status_code == 200 and answer.json()["state"] in ("ready", "failed")

        self.inst.until(done)
        found: dict[str, Any] = self.client.get(f"/api/studies/{uid}").json()
        assert found["state"] == "ready", found
        return found

    def post(self, address: str, body: Any = None, status: int = 200) -> dict[str, Any]:
        """POST, and insist on the status."""
        key = f"test-key-{len(self.seen)}"
        answer = self.client.post(address, json=body, headers={"Idempotency-Key": key})
        assert answer.status_code == status, answer.text
        said: dict[str, Any] = answer.json()
        self.seen.append(said)
        return said

    def get(self, address: str) -> dict[str, Any]:
        answer = self.client.get(address)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    def sign(self, seed: int, uid: str = "") -> None:
        """Reject what is no nodule, add both nodules, and sign."""
        uid = uid or tiny.study_uid(seed)
        for finding in self.until_read(uid)["findings"]:
            self.post(
                f"/api/findings/{finding['finding_id']}/decisions",
                {"decision": "reject", "base_version": finding["version"], "reason": "vessel"},
            )
        for ball in tiny.balls(seed):
            place = {
                "series_uid": f"{uid}.1", "center_lps_mm": list(ball.center_lps_mm),
                "long_mm": ball.diameter_mm, "short_mm": ball.diameter_mm,
            }  # fmt: skip
            self.post(f"/api/studies/{uid}/findings", place, status=201)
        self.post(f"/api/studies/{uid}/sign", {})

    def round(self, population: str = "phantom", steps: int = 60) -> dict[str, Any]:
        """Ask for a round and let it run to its end."""
        asked = self.post(
            "/api/learning/rounds", {"population": population, "steps": steps}, status=201
        )
        address = f"/api/learning/rounds/{asked['id']}"
        self.inst.until(lambda: self.get(address)["state"] in ("done", "waiting"))
        return self.get(address)


@pytest.fixture(scope="session")
def champion_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Released models: one, that was stopped far too early."""
    root = tmp_path_factory.mktemp("released")
    tiny.write_model(root / "nodule-s", tiny.half_trained(5))
    return root


@pytest.fixture
def walk(tmp_path: Path, champion_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    """An installation whose released model is the half-trained one, with nothing in it."""
    monkeypatch.setattr(model_folder, "MODEL_ROOTS", (champion_folder,))
    with tiny.installation(tmp_path, auth="off") as inst:
        client = TestClient(
            create_app(wiring.services(inst.house)), "http://127.0.0.1",
            headers={"X-Triage-Request": "1"}, client=("127.0.0.1", 50000),
        )  # fmt: skip
        released = model_folder.promised_digest(champion_folder / "nodule-s")
        yield Walk(inst, client, released, tmp_path)
