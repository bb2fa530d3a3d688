"""Real CTs from dcmtk's sender to findings on the API, by themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.way.product import Product, truth_of, unpack, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]
CASES = ("LIDC-IDRI-0001", "LIDC-IDRI-0050", "LUNGx-CT003")


def study_when_ready(client: Any, patient: str) -> dict[str, Any]:
    def ready() -> dict[str, Any] | None:
        items = client.get("/api/worklist", params={"state": "all"}).raise_for_status().json()
        for item in items["items"]:
            if item["patient_id"] == patient and item["state"] in ("ready", "failed"):
                found: dict[str, Any] = item
                return found
        return None

    item = until(f"{patient} ready", ready, 300)
    study: dict[str, Any] = (
        client.get(f"/api/studies/{item['study_uid']}").raise_for_status().json()
    )
    return study


@pytest.mark.parametrize("case", CASES)
def test_a_real_ct_walks_from_the_door_to_the_page(
    product: Callable[..., Product], shared_data: Path, tmp_path: Path, case: str
) -> None:
    series_uid, truth = truth_of(shared_data, case)
    running = product(TRIAGE_QUIET_S="2")
    folder = unpack(shared_data / truth["file"], tmp_path / "send")
    running.dcmsend(folder, options=("--no-uid-checks",))
    with running.client() as client:
        study = study_when_ready(client, truth["patient"])
        assert study["state"] == "ready"
        [series] = [s for s in study["series"] if s["series_uid"] == series_uid]
        assert series["verdict"] in ("run", "run_flagged")
        assert study["result"]["status"] in ("assessed", "partly_assessed")
        # The released model has seen two of these patients in training, so this says that the walk
        # is whole, in patient coordinates; how good the model is stands in its card.
        for nodule in truth["nodules"]:
            if nodule["label"] == "positive":
                within = max(nodule["diameter_mm"], 5.0) / 2
                distances = [
                    float(np.linalg.norm(np.subtract(f["center_lps_mm"], nodule["center_mm"])))
                    for f in study["findings"]
                ]
                assert min(distances) <= within
        # httpx cannot decode a body of many zstd frames; browsers can (tests/web).
        plain = {"Accept-Encoding": "gzip"}
        volume = client.get(f"/api/series/{series_uid}/volume", headers=plain)
        assert volume.status_code == 200
        assert len(volume.content) >= 2 * np.prod(truth["shape_zyx"])
    assert running.run("verify").returncode == 0
