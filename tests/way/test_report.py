"""From the door to the archive: PRELIMINARY, then what was signed, once, whatever dies meanwhile.

One product and one archive for the module: starting them is what costs. Every test makes its own
correction, so none depends on another.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import highdicom.sr as hd
import httpx
import numpy as np
import pytest
from pydicom.dataset import Dataset

from tests.peers.gate import STORE, Gate
from tests.peers.orthanc import Orthanc
from tests.way.product import Product, until
from triage.outputs import codes
from triage.phantom.chest import make_chest
from triage.phantom.dicom import write_series

pytestmark = [pytest.mark.orthanc, pytest.mark.timeout(600)]
CONTEXT = {
    "purpose": "screening_ldct", "prior_ct": "none", "lungs_fully_evaluable": True,
    "inflammatory_infectious_suspected": False, "known_lung_cancer": False,
}  # fmt: skip


@dataclass
class House:
    """A product with one study, and an archive behind a gate."""

    product: Product
    archive: Orthanc
    gate: Gate
    client: httpx.Client
    study_uid: str
    sizes: Iterator[float]

    def study(self) -> dict[str, Any]:
        found: dict[str, Any] = (
            self.client.get(f"/api/studies/{self.study_uid}").raise_for_status().json()
        )
        return found

    def output(self, sop_uid: str) -> dict[str, Any]:
        return next(one for one in self.study()["outputs"] if one["sop_uid"] == sop_uid)

    def decide(self, finding: dict[str, Any], decision: str, **more: Any) -> None:
        self.client.post(
            f"/api/findings/{finding['finding_id']}/decisions",
            json={"decision": decision, "base_version": finding["version"], **more},
            headers={"Idempotency-Key": f"{finding['finding_id']}-{finding['version']}"},
        ).raise_for_status()

    def resize_and_sign(self) -> tuple[float, str]:
        """Give finding 1 a size of its own, decide the rest, sign; size and UID of the report."""
        long_mm = next(self.sizes)
        before = {one["sop_uid"] for one in self.study()["outputs"]}
        first, *rest = self.study()["findings"]
        self.decide(first, "correct", **axes(first, long_mm), solidity="solid")
        for finding in rest:
            if finding["state"] == "pending":
                self.decide(finding, "confirm" if finding is rest[0] else "reject",
                            **({} if finding is rest[0] else {"reason": "vessel"}))  # fmt: skip
        self.client.put(f"/api/studies/{self.study_uid}/context", json=CONTEXT).raise_for_status()
        self.client.post(f"/api/studies/{self.study_uid}/sign", json={}).raise_for_status()

        def made() -> Any:
            return [o for o in self.study()["outputs"] if o["sop_uid"] not in before]

        [output] = until("the report is written", made, 120)
        return long_mm, str(output["sop_uid"])

    def sent(self, sop_uid: str) -> dict[str, Any]:
        """Wait until the product says that a report is in the archive."""
        found: dict[str, Any] = until(
            f"{sop_uid} is sent",
            lambda: (o := self.output(sop_uid))["delivery"] == "sent" and o,
            120,
        )
        return found

    def held(self, sop_uid: str) -> list[Dataset]:
        """What the archive holds under a UID."""
        return [one for one in self.archive.instances() if one.SOPInstanceUID == sop_uid]


def axes(finding: dict[str, Any], long_mm: float) -> dict[str, Any]:
    """Axes of that length on the slice of the finding, the short one 6 mm."""
    x, y, z = finding["center_lps_mm"]
    return {
        "long_axis_lps_mm": [[x - long_mm / 2, y, z], [x + long_mm / 2, y, z]],
        "short_axis_lps_mm": [[x, y - 3, z], [x, y + 3, z]],
    }


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("report")
    archive = Orthanc(folder / "orthanc", {"TRIAGE": 11112})
    archive.start()
    gate = Gate(archive.dicom_port)
    chest = make_chest(3, nodules=4, slices=110, matrix=160)
    write_series(chest, folder / "phantom", seed=3, patient_name="体模^甲")
    data = folder / "data"
    data.mkdir()
    (data / "triage.toml").write_text(archive.toml("pacs", gate.port))
    product = Product(data, TRIAGE_QUIET_S="1", TRIAGE_LEASE_S="3")
    try:
        product.start()
        assert product.process is not None
        assert product.process.poll() is None, "\n".join(product.lines[-40:])
        assert product.run("import", str(folder / "phantom")).returncode == 0
        with product.client() as client:
            [item] = until("ready", lambda: ready(client), 300)
            sizes = iter(np.arange(9.5, 30.0, 0.4).round(1).tolist())
            yield House(product, archive, gate, client, item["study_uid"], sizes)
    finally:
        product.stop()
        gate.end()
        archive.stop()


def ready(client: httpx.Client) -> list[dict[str, Any]]:
    items = client.get("/api/worklist", params={"state": "all"}).raise_for_status().json()["items"]
    return [one for one in items if one["state"] == "ready"]


def sizes_of(document: Dataset) -> dict[str, float]:
    """Long axis in mm by tracking identifier; a finding nobody measured has none."""
    content: Any = hd.Comprehensive3DSR.from_dataset(document).content
    sizes = {}
    for group in content.get_volumetric_roi_measurement_groups():
        for measurement in group.get_measurements(name=codes.LONG_AXIS):
            sizes[group.tracking_identifier] = measurement.value
    return sizes


def test_the_marks_then_what_was_signed(house: House) -> None:
    first = until("a report", lambda: house.study()["outputs"], 120)[0]
    receipt = house.sent(first["sop_uid"])["receipt"]
    assert receipt["sop_uid"] == first["sop_uid"]
    [early] = house.held(first["sop_uid"])
    assert (early.PreliminaryFlag, early.CompletionFlag) == ("PRELIMINARY", "PARTIAL")
    assert str(early.PatientName) == "体模^甲"
    marks = house.study()["findings"]
    assert len(sizes_of(early)) == len(marks) >= 2

    long_mm, sop_uid = house.resize_and_sign()
    output = house.sent(sop_uid)
    assert (output["status"], output["predecessor_sop_uid"]) == ("final", first["sop_uid"])
    [signed] = house.held(sop_uid)
    assert (signed.PreliminaryFlag, signed.CompletionFlag) == ("FINAL", "COMPLETE")
    # the corrected one with its new size, the confirmed one as it was, the rejected ones not at all
    sizes = sizes_of(signed)
    assert set(sizes) == {"Nodule 1", "Nodule 2"}
    assert sizes["Nodule 1"] == long_mm
    assert sizes["Nodule 2"] == marks[1]["long_mm"]
    [study] = signed.PredecessorDocumentsSequence
    [series] = study.ReferencedSeriesSequence
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == first["sop_uid"]
    assert house.gate.asked[:3] == ["find", "store", "find"], "looked, sent, found"


def test_an_amendment_is_a_new_object_that_names_the_one_before(house: House) -> None:
    _, before = house.resize_and_sign()
    long_mm, sop_uid = house.resize_and_sign()
    output = house.sent(sop_uid)
    assert output["predecessor_sop_uid"] == before
    [amended] = house.held(sop_uid)
    assert sizes_of(amended)["Nodule 1"] == long_mm
    [earlier] = house.held(house.sent(before)["sop_uid"])
    assert amended.InstanceNumber == earlier.InstanceNumber + 1
    assert house.product.run("verify").returncode == 0


def test_an_archive_that_is_down_gets_it_when_it_is_up(house: House) -> None:
    house.archive.stop()
    try:
        long_mm, sop_uid = house.resize_and_sign()
        tried = until("a failed try", lambda: house.output(sop_uid)["last_error"], 120)
        assert house.output(sop_uid)["delivery"] == "waiting"
        assert "pacs (ORTHANC at 127.0.0.1" in tried
    finally:
        house.archive.start()
    house.sent(sop_uid)
    [held] = house.held(sop_uid)
    assert sizes_of(held)["Nodule 1"] == long_mm


def test_a_worker_killed_between_send_and_receipt_sends_once(house: House) -> None:
    house.gate.close_after_next_store()
    stores = house.gate.asked.count(STORE)
    _, sop_uid = house.resize_and_sign()
    assert house.gate.holding.wait(120), "the look after the store waits at the gate"
    assert house.held(sop_uid), "it is in the archive, and the product does not know it yet"
    assert house.output(sop_uid)["delivery"] == "waiting"
    [worker] = house.product.pids("work")
    os.kill(worker, signal.SIGKILL)
    house.gate.open()
    receipt = house.sent(sop_uid)["receipt"]
    assert receipt["sop_uid"] == sop_uid
    assert len(house.held(sop_uid)) == 1
    assert house.gate.asked.count(STORE) == stores + 1, "looked first, and did not send again"
    # Another worker may have finished the sending before this one is back.
    until("the worker is back", lambda: house.product.pids("work") not in ([], [worker]), 120)
