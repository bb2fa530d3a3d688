"""The report tools and the watcher: rows in, one object and its effects out, however often."""

from __future__ import annotations

import threading
from dataclasses import asdict
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from sqlalchemy import select

from tests.engine.toys import wait_until
from tests.outputs import reports
from tests.outputs.reports import SERIES, STUDY, finding_row
from triage.core.work import Call, Cause, Goal, Json
from triage.engine.registry import Registry
from triage.engine.runner import Runner
from triage.engine.worker import Worker
from triage.outputs import sr
from triage.outputs.tools import ReportTool, write_final_sr, write_sr
from triage.pathway import (
    CT_IMAGE_STORAGE,
    PUBLISHED,
    REPORT,
    REPORT_FINAL,
    REPORT_PRELIMINARY,
    REPORT_SIGNED,
    SIGNED,
)
from triage.review.watch import AGAIN_AFTER, ReportWatch
from triage.store import (
    events,
    outbox_rows,
    output_rows,
    reading_rows,
    result_rows,
    work_rows,
)
from triage.store.files import Files
from triage.store.session import Store
from triage.store.tables import (
    Association,
    FindingRow,
    Instance,
    Output,
    Series,
    Study,
    User,
    now,
)

RESULT_ID = "11111111-1111-1111-1111-111111111111"
CALL = Call(STUDY, "plan", "task")


def seed(store: Store, files: Files, tmp_path: Path, **result: Any) -> None:
    """A study with twelve slices and two published marks, as door and detect room leave it."""
    with store.unit_of_work() as uow:
        uow.add(Study(study_uid=STUDY, state="ready", patient_id="PH-1"))
        uow.add(Association(id="a", door="import"))
        uow.flush()
        uow.add(Series(series_uid=SERIES, study_uid=STUDY))
        uow.flush()
        for k in range(12):
            path = reports.write_source(
                tmp_path / "slice.dcm", SOPInstanceUID=reports.sop_uid(k), InstanceNumber=k + 1
            )
            key = files.put(path.read_bytes())
            uow.add(
                Instance(
                    sop_uid=reports.sop_uid(k), series_uid=SERIES, study_uid=STUDY,
                    sop_class=CT_IMAGE_STORAGE, transfer_syntax="1.2.840.10008.1.2.1",
                    digest=key, size=1, header=reports.header(k), association_id="a",
                )
            )  # fmt: skip
    base = {
        "id": RESULT_ID, "study_uid": STUDY, "series_uid": SERIES, "model_digest": "ab" * 32,
        "input_digest": "cd" * 32, "model_name": "nodule-s 0.1.0", "runtime": "openvino",
        "status": "assessed", "reasons": [], "covered_lung_fraction": 1.0, "timings_s": {},
    }  # fmt: skip
    with store.unit_of_work() as uow:
        rows = [] if result.get("status") == "not_assessed" else [1, 2]
        result_rows.add_result(uow, {**base, **result}, [stored(k) for k in rows])
        result_rows.publish(uow, STUDY, RESULT_ID, 1)


def stored(number: int) -> dict[str, Any]:
    row = finding_row(number)
    return {**row, "model_version": "nodule-s 0.1.0"}


def sign(store: Store, revision: int = 1, **changes: Any) -> int:
    """A reader confirms 1 (with changes), rejects 2, and signs; number of the event."""
    with store.unit_of_work() as uow:
        study = reading_rows.study(uow, STUDY, for_change=True)
        one, two = reading_rows.findings_of(uow, study)
        reading_rows.write_image(one, {**reading_rows.image(one), "state": "corrected", **changes})
        reading_rows.write_image(two, {**reading_rows.image(two), "state": "rejected"})
        said = {
            "result_id": study.result_id,
            "findings": [
                {"finding_id": f.finding_id, "number": f.number, **reading_rows.image(f)}
                for f in (one, two)
            ],
            "context": reports.CONTEXT,
            "assessment": reports.CATEGORY_4A,
            "revision": revision,
        }
        if uow.get(User, "reader") is None:
            uow.add(User(name="reader", display_name="R. Reader", role="radiologist"))
        event = events.append(uow, "study.signed", actor="reader", study_uid=STUDY, after=said)
        study.state = "signed"
        return event.seq


def marks(store: Store, files: Files, *nodes: str) -> ReportTool:
    return write_sr(store, files, "TRIAGE", nodes)


def signed_report(store: Store, files: Files, *nodes: str) -> ReportTool:
    return write_final_sr(store, files, "TRIAGE", nodes)


PRELIMINARY: dict[str, Json] = {PUBLISHED: {"result_id": RESULT_ID, "key": "9", "event": 9}}


def outputs(store: Store) -> list[Output]:
    with store.reading() as uow:
        return output_rows.outputs_of(uow, STUDY, sr.KIND)


def document(files: Files, row: Output) -> Any:
    return dcmread(BytesIO(files.read(row.digest)))


def words(written: Any) -> str:
    """Every value of the document in one string."""
    values = (e.value for e in written.iterall() if e.VR != "SQ")
    return "\n".join(f"{value}" for value in values)


# ---------------------------------------------------------------- tools


def test_marks_become_one_object_and_one_effect_for_each_node(
    any_store: Store, files: Files, tmp_path: Path
) -> None:
    seed(any_store, files, tmp_path)
    outcome = marks(any_store, files, "pacs", "backup").run(PRELIMINARY, CALL)
    [row] = outputs(any_store)
    assert outcome.ok, outcome.message
    assert outcome.facts[REPORT] == {
        "sop_uid": row.sop_uid, "digest": row.digest, "status": "preliminary",
    }  # fmt: skip
    assert [effect.key for effect in outcome.effects] == [
        f"store_sr:pacs:{row.sop_uid}",
        f"store_sr:backup:{row.sop_uid}",
    ]
    assert all(len(effect.key) <= 128 for effect in outcome.effects)
    written = document(files, row)
    assert outcome.effects[0].payload == {
        "sop_uid": row.sop_uid, "digest": row.digest, "node": "pacs", "study_uid": STUDY,
        "series_uid": written.SeriesInstanceUID,
    }  # fmt: skip
    assert written.PreliminaryFlag == "PRELIMINARY"


def test_without_a_destination_it_is_written_and_goes_nowhere(
    store: Store, files: Files, tmp_path: Path
) -> None:
    seed(store, files, tmp_path)
    assert marks(store, files).run(PRELIMINARY, CALL).effects == ()
    assert len(outputs(store)) == 1


def test_twice_is_once(any_store: Store, files: Files, tmp_path: Path) -> None:
    seed(any_store, files, tmp_path)
    tool = marks(any_store, files, "pacs")
    assert tool.run(PRELIMINARY, CALL) == tool.run(PRELIMINARY, CALL)
    assert len(outputs(any_store)) == 1
    event = sign(any_store)
    final = signed_report(any_store, files, "pacs")
    fact: dict[str, Json] = {SIGNED: {"event": event, "key": str(event)}}
    assert final.run(fact, CALL) == final.run(fact, CALL)
    # also when the marks are asked for again after the signature
    assert tool.run(PRELIMINARY, CALL).ok
    assert [row.status for row in outputs(any_store)] == ["preliminary", "final"]


def test_a_signature_makes_a_final_that_names_the_marks(
    any_store: Store, files: Files, tmp_path: Path
) -> None:
    seed(any_store, files, tmp_path)
    marks(any_store, files).run(PRELIMINARY, CALL)
    event = sign(any_store, long_mm=12.3)
    outcome = signed_report(any_store, files).run({SIGNED: {"event": event, "key": "k"}}, CALL)
    early, late = outputs(any_store)
    assert outcome.facts[REPORT_FINAL] == {
        "sop_uid": late.sop_uid, "digest": late.digest, "status": "final",
    }  # fmt: skip
    assert late.predecessor_sop_uid == early.sop_uid
    assert late.sop_uid != early.sop_uid
    text = words(document(files, late))
    assert "R. Reader^" in text
    assert "12.3" in text
    assert "1 rejected" in text


def test_what_a_reader_rejected_before_the_report_is_not_in_it(
    store: Store, files: Files, tmp_path: Path
) -> None:
    seed(store, files, tmp_path)
    with store.unit_of_work() as uow:
        image = {"finding": {"state": "rejected"}}
        act = events.append(
            uow, "finding.decision", study_uid=STUDY, finding_id="f2", before=image, after=image
        )
    late: dict[str, Json] = {PUBLISHED: {"result_id": RESULT_ID, "key": "k", "event": act.seq + 1}}
    marks(store, files).run(late, CALL)
    text = words(document(files, outputs(store)[0]))
    assert "Nodule 1" in text
    assert "Nodule 2" not in text


def test_a_reader_who_resizes_meanwhile_does_not_change_the_marks(
    store: Store, files: Files, tmp_path: Path
) -> None:
    seed(store, files, tmp_path)
    with store.unit_of_work() as uow:
        row = uow.get(FindingRow, "f1")
        assert row is not None
        row.long_mm, row.state = 25.0, "corrected"
    marks(store, files).run(PRELIMINARY, CALL)
    text = words(document(files, outputs(store)[0]))
    assert "9.4" in text
    assert "25.0" not in text


def test_a_study_that_could_not_be_read_is_reported_as_that(
    store: Store, files: Files, tmp_path: Path
) -> None:
    seed(
        store, files, tmp_path, status="not_assessed", reasons=[asdict(reports.THICK)],
        series_uid=None, model_name="", model_digest="", runtime="",
    )  # fmt: skip
    assert marks(store, files).run(PRELIMINARY, CALL).ok
    written = document(files, outputs(store)[0])
    text = words(written)
    assert "Not assessed by the algorithm: slices 5.0 mm, limit 3.0 mm." in text
    assert "no nodule" not in text
    [study] = written.CurrentRequestedProcedureEvidenceSequence
    [series] = study.ReferencedSeriesSequence
    assert len(series.ReferencedSOPSequence) == 12


@pytest.mark.parametrize(
    ("damage", "message"),
    [("no images", "no image of this study is stored"), ("no result", "no such result")],
)
def test_what_is_missing_is_said(
    damage: str, message: str, store: Store, files: Files, tmp_path: Path
) -> None:
    seed(store, files, tmp_path)
    facts = PRELIMINARY
    if damage == "no images":
        with store.unit_of_work() as uow:
            for row in uow.scalars(select(Instance)):
                uow.delete(row)
    else:
        facts = {PUBLISHED: {"result_id": "nothing", "key": "1", "event": 1}}
    outcome = marks(store, files, "pacs").run(facts, CALL)
    assert (outcome.cause, outcome.effects) == (Cause.INPUT_MISSING, ())
    assert message in outcome.message
    assert outputs(store) == []


def test_a_full_disk_is_a_resource_and_leaves_no_row(
    store: Store, files: Files, tmp_path: Path
) -> None:
    seed(store, files, tmp_path)
    full = Files(files.root, reserve_bytes=1 << 60)
    outcome = marks(store, full).run(PRELIMINARY, CALL)
    assert outcome.cause is Cause.RESOURCE
    assert outputs(store) == []


# ---------------------------------------------------------------- the watcher


def planned(store: Store, goal: Goal, facts: Any, state: str) -> str:
    """A plan of a goal as the engine would leave it; its id."""
    with store.unit_of_work() as uow:
        row = work_rows.add_plan(
            uow, f"plan-{goal.name}-{state}", subject=STUDY, goal=goal.name, why="test",
            facts=facts, graph={"facts_digest": "", "nodes": []}, state=work_rows.RUNNING,
            ended_why="",
        )  # fmt: skip
        if state != work_rows.RUNNING:
            work_rows.end_plan(uow, row, state, "test")
        return row.id


def test_a_publication_wants_the_marks_and_a_signature_the_final(
    any_store: Store, files: Files, tmp_path: Path
) -> None:
    watch = ReportWatch(any_store)
    assert list(watch.due()) == []
    seed(any_store, files, tmp_path)
    [news] = watch.due()
    assert (news.subject, news.goal) == (STUDY, REPORT_PRELIMINARY)
    assert news.replaces == ("report", "report_final"), "never another goal's plan"
    event = sign(any_store)
    [news] = watch.due()
    assert news.goal == REPORT_SIGNED
    assert news.facts == {SIGNED: {"key": str(event), "event": event}}


@pytest.mark.parametrize(
    ("state", "due"),
    [
        (work_rows.RUNNING, False),
        (work_rows.DONE, False),
        (work_rows.GIVEN_UP, True),
        (work_rows.WAITING, False),
        (work_rows.FAILED, False),
    ],
)
def test_what_was_planned_is_not_planned_again_unless_it_was_superseded(
    state: str, due: bool, any_store: Store, files: Files, tmp_path: Path
) -> None:
    seed(any_store, files, tmp_path)
    [news] = ReportWatch(any_store).due()
    planned(any_store, news.goal, news.facts, state)
    fresh = ReportWatch(any_store)  # as after a restart: everything follows from rows
    assert bool(list(fresh.due())) is due
    with any_store.unit_of_work() as uow:
        assert news.guard is not None
        assert news.guard(uow) is due


def test_a_report_that_failed_is_tried_again_later(
    store: Store, files: Files, tmp_path: Path
) -> None:
    seed(store, files, tmp_path)
    watch = ReportWatch(store)
    [news] = watch.due()
    plan_id = planned(store, news.goal, news.facts, work_rows.WAITING)
    assert list(watch.due()) == []
    with store.unit_of_work() as uow:
        row = work_rows.plan(uow, plan_id)
        assert row is not None
        row.ended_at = now() - AGAIN_AFTER - timedelta(seconds=1)
    [again] = watch.due()
    assert (again.goal, again.again) == (REPORT_PRELIMINARY, True)


def test_only_the_last_word_on_a_study_counts(store: Store, files: Files, tmp_path: Path) -> None:
    seed(store, files, tmp_path)
    sign(store)
    last = sign(store, revision=2)
    [news] = ReportWatch(store).due()
    assert news.facts == {SIGNED: {"key": str(last), "event": last}}


# ---------------------------------------------------------------- with the engine


def test_from_events_to_outbox_by_the_engine_itself(
    store: Store, files: Files, tmp_path: Path
) -> None:
    seed(store, files, tmp_path)
    registry = Registry()
    registry.add(marks(store, files, "pacs"))
    registry.add(signed_report(store, files, "pacs"))
    runner = Runner(store, registry, executor_id="test:1")
    runner.prepare()
    stop = threading.Event()
    worker = Worker(runner, [ReportWatch(store)], watch_s=0.05)
    thread = threading.Thread(target=worker.work, args=(stop,))
    thread.start()
    try:
        wait_for(store, 1)
        sign(store, long_mm=12.3)
        wait_for(store, 2)
    finally:
        stop.set()
        thread.join(30)
    with store.reading() as uow:
        sent = outbox_rows.effects_of(uow, STUDY)
    assert [row.payload["sop_uid"] for row in sent] == [row.sop_uid for row in outputs(store)]
    assert [row.state for row in sent] == ["waiting", "waiting"]


def wait_for(store: Store, count: int) -> None:
    def enough() -> bool:
        with store.reading() as uow:
            return len(outbox_rows.effects_of(uow, STUDY)) == count

    wait_until(enough, f"{count} effects", 60)
