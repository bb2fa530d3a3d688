"""One study: everything on one answer, honest about what was not looked at; plan, seen, outputs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.review.conftest import House
from tests.review.seed import Case, uid
from triage.core.finding import ResultStatus, StudyState
from triage.review.study import merged
from triage.store.tables import (
    Association,
    FindingRow,
    Outbox,
    Output,
    Quarantine,
    Result,
    Series,
    Study,
)

# contract.md, "finding": these names are relied on.
CONTRACT_FINDING = {
    "finding_id", "version", "series_uid", "center_lps_mm", "long_mm", "short_mm", "volume_mm3",
    "solid_long_mm", "solid_short_mm", "solidity", "calcification", "margin",
    "juxtapleural_shape", "lobe", "probability", "state", "status", "prior_tracking_uid",
    "tracking_uid", "model_version", "key_sop_uid",
}  # fmt: skip
CONTRACT_STUDY = {
    "series", "result", "context", "findings", "assessment", "timings_s", "model", "outputs",
    "state",
}  # fmt: skip
CONTRACT_ROW = {
    "study_uid", "patient_name", "patient_id", "accession", "study_date", "state",
    "result_status", "questions", "priority", "why", "wait_s", "lung_rads", "largest_mm",
    "findings", "prior", "reader",
}  # fmt: skip


def test_the_names_of_the_contract(house: House) -> None:
    study = house.get(house.study())
    assert study.keys() >= CONTRACT_STUDY
    assert all(finding.keys() >= CONTRACT_FINDING for finding in study["findings"])
    assert study["result"].keys() >= {"status", "reasons", "covered_lung_fraction"}
    worklist = house.reader.get("/api/worklist").json()
    assert worklist.keys() >= {"items", "next", "total"}
    assert worklist["items"][0].keys() >= CONTRACT_ROW


def test_findings_come_in_order_with_what_is_known_and_null_for_the_rest(house: House) -> None:
    one, two = house.get(house.study())["findings"]
    assert (one["number"], one["probability"]) == (1, 0.97)
    assert (two["number"], two["probability"], two["solidity"]) == (2, 0.38, None)
    assert (two["long_mm"], two["short_mm"], two["mean_mm"]) == (6.0, 4.5, 5.3)
    assert one["volume_mm3"] is None and one["decided_by"] is None


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (ResultStatus.NOT_ASSESSED, {"code": "slices_too_thick", "message": "slices 5.0 mm"}),
        (ResultStatus.PARTLY_ASSESSED, {"code": "lung_not_covered", "message": "bases cut off"}),
    ],
)
def test_what_was_not_looked_at_is_said_with_its_reason(
    house: House, status: ResultStatus, reason: dict[str, str]
) -> None:
    study = house.get(house.study(Case("P", "1", status=status, reasons=(reason,))))
    assert study["result"]["status"] == status.value
    assert study["result"]["reasons"] == [reason | {"series_uid": None}]
    assert study["result"]["covered_lung_fraction"] is None


def test_a_study_without_a_result_has_none(house: House) -> None:
    study = house.get(house.study(Case("P", "1", StudyState.RUNNING, None)))
    assert study["result"] is None and study["model"] is None and study["timings_s"] == {}
    assert study["findings"] == [] and study["assessment"] is None


def test_a_result_is_provisional_until_published(house: House) -> None:
    study = house.get(house.study(Case("P", "1", StudyState.RUNNING, published=False)))
    assert study["provisional"] and not study["result"]["published"]


def test_series_carry_verdict_reasons_and_which_was_read(house: House) -> None:
    study_uid = house.study()
    with house.store.unit_of_work() as uow:
        uow.add(
            Series(
                series_uid=uid(), study_uid=study_uid, modality="CT", number=1, verdict="refuse",
                verdict_reasons=[{"code": "localiser", "message": "localiser, not read"}],
            )
        )  # fmt: skip
    one, two = house.get(study_uid)["series"]
    assert (one["verdict"], one["chosen"], one["volume"]) == ("refuse", False, None)
    assert one["reasons"][0]["message"] == "localiser, not read"
    assert (two["verdict"], two["chosen"]) == ("run", True)


def test_added_marks_stay_when_a_new_result_replaces_the_old(house: House) -> None:
    study_uid = house.study()
    series = house.get(study_uid)["series"][0]["series_uid"]
    body = {"series_uid": series, "center_lps_mm": [-16.0, 0.0, -250.0]}
    house.reader.post(f"/api/studies/{study_uid}/findings", json=body)
    with house.store.unit_of_work() as uow:
        uow.add(
            Result(
                id="new", study_uid=study_uid, series_uid=series, model_name="m",
                model_digest="1" * 64, input_digest="2" * 64, status="assessed",
            )
        )  # fmt: skip
        uow.flush()
        row = uow.get(Study, study_uid)
        assert row is not None
        row.result_id = "new"
    assert [f["state"] for f in house.get(study_uid)["findings"]] == ["added"]
    with house.store.reading() as uow:
        assert uow.query(FindingRow).count() == 3  # nothing was deleted


# ---------------------------------------------------------------- outputs


@pytest.mark.parametrize(
    ("state", "receipt", "delivery"),
    [
        ("waiting", {}, "waiting"),
        ("claimed", {}, "waiting"),
        ("done", {"found": True}, "sent"),
        ("failed", {}, "failed"),
        ("something new", {}, "waiting"),
    ],
)
def test_sent_is_said_only_with_a_receipt(
    house: House, state: str, receipt: dict[str, Any], delivery: str
) -> None:
    study_uid, sop_uid = house.study(), uid()
    with house.store.unit_of_work() as uow:
        uow.add(
            Output(
                sop_uid=sop_uid, study_uid=study_uid, kind="sr3d", revision="0" * 64,
                status="preliminary", digest="0" * 64,
            )
        )  # fmt: skip
        uow.add(
            Outbox(
                key=sop_uid, kind="store_sr", subject=study_uid, payload={"sop_uid": sop_uid},
                state=state, receipt=receipt,
            )
        )  # fmt: skip
    [output] = house.get(study_uid)["outputs"]
    assert (output["delivery"], output["receipt"]) == (delivery, receipt)


def test_an_object_nobody_sends_is_not_waiting(house: House) -> None:
    study_uid = house.study()
    with house.store.unit_of_work() as uow:
        uow.add(
            Output(
                sop_uid=uid(), study_uid=study_uid, kind="sr3d", revision="0" * 64,
                status="final", digest="0" * 64,
            )
        )  # fmt: skip
    assert house.get(study_uid)["outputs"][0]["delivery"] == "none"


# ---------------------------------------------------------------- what was on screen


def put_seen(house: House, study_uid: str, series: str, *ranges: list[int]) -> Any:
    body = {"series_uid": series, "slices": list(ranges)}
    return house.reader.put(f"/api/studies/{study_uid}/seen", json=body)


def test_what_was_shown_is_kept_per_reader_and_only_grows(house: House) -> None:
    study_uid = house.study()
    series = house.get(study_uid)["series"][0]["series_uid"]
    assert house.get(study_uid)["seen"] == {"series_uid": None, "slices": []}
    put_seen(house, study_uid, series, [10, 20])
    answer = put_seen(house, study_uid, series, [18, 25], [0, 2])
    assert answer.json()["slices"] == [[0, 2], [10, 25]]
    assert house.get(study_uid)["seen"]["slices"] == [[0, 2], [10, 25]]
    other = house.as_("radiologist", "b-reader").get(f"/api/studies/{study_uid}").json()
    assert other["seen"]["slices"] == []


def test_another_series_starts_anew(house: House) -> None:
    study_uid = house.study()
    put_seen(house, study_uid, "1.2.3", [0, 5])
    assert put_seen(house, study_uid, "1.2.4", [7, 7]).json()["slices"] == [[7, 7]]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12))
def test_union_of_ranges(ranges: list[tuple[int, int]]) -> None:
    united = merged(ranges)
    slices = {z for a, b in ranges for z in range(min(a, b), max(a, b) + 1)}
    assert {z for a, b in united for z in range(a, b + 1)} == slices
    assert all(b + 1 < c for (_, b), (c, _) in pairwise(united))


# ---------------------------------------------------------------- quarantine


def test_quarantine_is_readable_for_the_pacs_administrator(house: House) -> None:
    with house.store.unit_of_work() as uow:
        uow.add(Association(id="a", door="dimse", calling_ae="CT-2"))
        uow.flush()
        for i in range(5):
            uow.add(
                Quarantine(
                    digest=f"{i}" * 64, size=0, code="not_dicom", dimse_status=0xC000,
                    message="no DICM prefix, 0 bytes", source="CT-2", association_id="a",
                )
            )  # fmt: skip
    client = house.as_("pacs_admin")
    first = client.get("/api/admin/quarantine", params={"limit": 3}).json()
    assert first["total"] == 5 and len(first["items"]) == 3
    item = first["items"][0]
    assert (item["dimse_status"], item["message"]) == ("0xC000", "no DICM prefix, 0 bytes")
    rest = client.get("/api/admin/quarantine", params={"limit": 3, "before": first["next"]}).json()
    assert [len(rest["items"]), rest["next"]] == [2, None]
    ids = [i["id"] for i in first["items"] + rest["items"]]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == 5
