"""The tools as the engine calls them: real door, real files, both databases where rows matter."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from pydicom.dataset import Dataset
from sqlalchemy import select

from tests.detect import small_chest, small_model
from triage.core.work import (
    Call,
    Cause,
    Effect,
    Facts,
    Json,
    Outcome,
    Tool,
    canonical_json,
    digest_of,
)
from triage.detect import pixels, result_tools, tools
from triage.detect.stored import VolumeCache
from triage.detect.tools import READ_CLASSES
from triage.errors import RuntimeDown
from triage.outputs import volume_stream
from triage.pathway import (
    CHOSEN_SERIES,
    COMPLETENESS,
    DETECTION,
    INSTANCES,
    PROVISIONAL,
    PUBLISH,
    PUBLISHED,
    RESULT,
    SERIES_VERDICTS,
    VOLUME_STREAM,
)
from triage.receive import classes, completeness
from triage.receive.importer import import_paths
from triage.receive.intake import Intake
from triage.settings import Settings
from triage.store import result_rows, watch_rows, work_rows
from triage.store.files import Files
from triage.store.instances import digest_of_instances
from triage.store.session import Store
from triage.store.tables import Event, FindingRow, Instance, Result, Series, Study

COUNT = small_chest.SLICES
DOSE_SR = "1.2.840.10008.5.1.4.1.1.88.67"
SUBJECT = small_chest.STUDY_UID


class House:
    """A store with a door and the tools of the detect room."""

    def __init__(self, store: Store, folder: Path, model: Path) -> None:
        self.store, self.folder = store, folder
        self.files = Files(folder / "objects")
        self.intake = Intake(store, self.files, Files(folder / "quarantine"))
        self.cache = VolumeCache(self.files)
        self.model = model
        folder_of: Callable[[], Path] = lambda: self.model  # noqa: E731
        self.tools: dict[str, Tool] = {
            "assemble": tools.assemble_series(store, self.files),
            "choose": tools.choose_series(self.files),
            "detect": tools.detect_onnx(self.files, folder_of, self.cache),
            "pack": tools.pack_volume(store, self.cache, volume_stream.pack),
            "store": result_tools.store_result(store, self.files),
            "publish": result_tools.publish_result(store, effects),
        }
        self.facts: dict[str, Json] = {}
        self.call = Call(SUBJECT, "", "task")

    def take_in(self, objects: Sequence[Dataset], name: str = "a") -> None:
        import_paths(self.intake, [small_chest.write(self.folder / name, objects)])
        with self.store.reading() as uow:
            found = completeness.evidence(uow, SUBJECT, Settings(), datetime.now(UTC))
        self.facts = dict(found.facts())
        self.supersede()

    def supersede(self) -> None:
        """A new plan in place of the one that runs, as the engine makes it."""
        with self.store.unit_of_work() as uow:
            for row in work_rows.running_plans(uow, SUBJECT):
                work_rows.end_plan(uow, row, work_rows.GIVEN_UP, "superseded")
            made = work_rows.add_plan(
                uow, str(uuid.uuid4()), subject=SUBJECT, goal=PUBLISH.name, why="news",
                facts=self.facts, graph={}, state=work_rows.RUNNING,
            )  # fmt: skip
            self.call = Call(SUBJECT, made.id, "task")

    def run(self, *names: str) -> Outcome:
        """Run tools one after the other on the facts at hand; all but the last must go well."""
        outcome = Outcome()
        for name in names:
            assert outcome.ok, outcome.message
            tool = self.tools[name]
            outcome = tool.run({need: self.facts[need] for need in tool.spec.needs}, self.call)
            if outcome.ok:
                assert set(outcome.facts) == set(tool.spec.gives)
            self.facts |= outcome.facts
        return outcome

    def fact(self, name: str) -> dict[str, Any]:
        value = self.facts[name]
        assert isinstance(value, dict)
        return value

    def rows(self, table: Any) -> list[Any]:
        with self.store.reading() as uow:
            return list(uow.scalars(select(table)))

    def study(self) -> Study:
        (row,) = self.rows(Study)
        assert isinstance(row, Study)
        return row


def effects(study_uid: str, result_id: str) -> tuple[Effect, ...]:
    return (Effect("store_sr", f"{study_uid} {result_id}"),)


ALL = ("assemble", "choose", "detect", "pack", "store", "publish")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model.write(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture(scope="module")
def chest() -> list[Dataset]:
    return small_chest.datasets(small_chest.chest())


@pytest.fixture
def house(store: Store, tmp_path: Path, model: Path) -> House:
    return House(store, tmp_path, model)


@pytest.fixture
def any_house(any_store: Store, tmp_path: Path, model: Path) -> House:
    return House(any_store, tmp_path, model)


def test_a_study_walks_from_the_door_to_the_list(any_house: House, chest: list[Dataset]) -> None:
    house = any_house
    house.take_in(chest)
    outcome = house.run(*ALL)
    assert outcome.ok, outcome.message
    study = house.study()
    assert (study.state, study.state_reason) == ("ready", "")
    assert study.ready_at is not None and study.published_revision == study.revision == COUNT
    (result,) = house.rows(Result)
    assert study.result_id == result.id == house.fact(PUBLISHED)["result_id"]
    assert (result.status, result.model_name, result.runtime) == ("assessed", "small", "onnx-f32")
    assert result.published_at is not None and result.timings_s["model"] > 0
    (series,) = house.rows(Series)
    assert (series.verdict, series.verdict_reasons) == ("run", [])
    assert series.stream_info["sop_uids"] == [small_chest.sop_uid(z) for z in range(COUNT)]
    states = [e.after["state"] for e in house.rows(Event) if e.kind == "study.state"]
    assert states[-2:] == ["running", "ready"]
    assert outcome.effects == effects(SUBJECT, result.id)


def test_findings_are_rows_with_ids_of_their_own(house: House, chest: list[Dataset]) -> None:
    house.take_in(chest)
    house.run("assemble", "choose", "detect", "store")
    findings = sorted(house.rows(FindingRow), key=lambda f: f.number)
    assert [f.number for f in findings] == list(range(1, len(findings) + 1))
    assert all(f.state == "pending" and f.version == 1 for f in findings)
    assert len({f.tracking_uid for f in findings}) == len(findings)
    assert all(f.tracking_uid.startswith("2.25.") and len(f.tracking_uid) <= 64 for f in findings)
    near = min(findings, key=lambda f: np.linalg.norm(np.subtract(f.center_lps_mm, (-55, 0, 0))))
    assert near.long_mm == pytest.approx(14.0, abs=2.0)
    assert near.proposed["long_mm"] == near.long_mm and near.volume_mm3 is not None
    assert near.proposed["volume_mm3"] == near.volume_mm3
    low, high = near.proposed["volume_interval_mm3"]
    assert low < near.volume_mm3 < high
    assert near.model_version.startswith("small ")


def test_each_tool_twice_changes_nothing(any_house: House, chest: list[Dataset]) -> None:
    house = any_house
    house.take_in(chest)
    house.run(*ALL)
    facts = {k: v for k, v in house.facts.items() if k != DETECTION}
    counts = [len(house.rows(t)) for t in (Result, FindingRow, Event)]
    ready_at = house.study().ready_at
    ids = [f.finding_id for f in house.rows(FindingRow)]
    for name in ALL:
        assert house.run(name, name).ok
    assert [len(house.rows(t)) for t in (Result, FindingRow, Event)] == counts
    assert house.study().ready_at == ready_at
    assert [f.finding_id for f in house.rows(FindingRow)] == ids
    assert {k: v for k, v in house.facts.items() if k != DETECTION} == facts


def test_the_packed_pixels_are_the_hounsfield_units(house: House, chest: list[Dataset]) -> None:
    house.take_in(chest)
    house.run("assemble", "choose", "pack")
    (series,) = house.rows(Series)
    stored = house.files.read(series.stream_key)
    offsets = series.stream_info["frame_offsets"]
    planes = zstandard.ZstdDecompressor().decompress(stored[offsets[10] : offsets[11]])
    side = small_chest.SIDE
    back = volume_stream.decode_slice(planes, side, side)
    assert np.array_equal(back, small_chest.chest().hu[10])
    assert house.fact(VOLUME_STREAM)["key"] == series.stream_key


def test_facts_stay_small(house: House, chest: list[Dataset]) -> None:
    house.take_in(chest)
    house.run(*ALL)
    sizes = {name: len(canonical_json(value)) for name, value in house.facts.items()}
    assert max(sizes.values()) < 4000, sizes


def test_the_facts_meet_the_goals_of_the_pathway(house: House, chest: list[Dataset]) -> None:
    given = {fact for tool in house.tools.values() for fact in tool.spec.gives}
    needed = {fact for tool in house.tools.values() for fact in tool.spec.needs}
    assert set(PROVISIONAL.wants) | set(PUBLISH.wants) <= given
    assert needed - given == {INSTANCES, COMPLETENESS}
    names = [tool.spec.name for tool in house.tools.values()]
    assert names == [
        "assemble_series", "choose_series", "detect_onnx", "pack_volume", "store_result",
        "publish_result",
    ]  # fmt: skip


def test_a_provisional_answer_shows_and_is_not_published(
    house: House, chest: list[Dataset]
) -> None:
    house.take_in(chest)
    house.facts[COMPLETENESS] = {"complete": False, "why": "GE01 is sending", "revision": COUNT}
    outcome = house.run(*ALL)
    assert outcome.cause is Cause.INPUT_MISSING and outcome.bad_fact == COMPLETENESS
    assert "GE01 is sending" in outcome.message
    study = house.study()
    assert study.state == "running" and study.ready_at is None and study.published_revision == 0
    (result,) = house.rows(Result)
    assert study.result_id == result.id and result.published_at is None


def test_a_late_slice_supersedes_the_published_answer(house: House, chest: list[Dataset]) -> None:
    house.take_in(chest[:-1])
    house.run(*ALL)
    first = house.study().result_id
    house.take_in(chest[-1:], "late")
    assert house.run("assemble", "choose", "detect", "pack", "store").ok
    # Until the new one is published, the published one stays what is shown.
    assert house.study().result_id == first
    assert house.run("publish").ok
    by_id = {r.id: r for r in house.rows(Result)}
    second = house.study().result_id
    assert len(by_id) == 2 and second != first
    assert by_id[first].superseded_by == second and by_id[second].superseded_by is None
    assert house.study().published_revision == COUNT


@pytest.mark.parametrize(
    ("before", "after", "flags"),
    [
        ("signed", "ready", ["new_result"]),
        ("in_review", "in_review", ["new_result"]),
        ("failed", "ready", []),
    ],
)
def test_what_readers_have_seen_is_not_changed_unseen(
    before: str, after: str, flags: list[str], house: House, chest: list[Dataset]
) -> None:
    house.take_in(chest)
    house.run("assemble", "choose", "detect", "store")
    with house.store.unit_of_work() as uow:
        uow.scalars(select(Study)).one().state = before
    house.run("publish")
    assert house.study().state == after
    assert [f["code"] for f in house.study().flags] == flags


def test_a_superseded_plan_publishes_nothing_and_the_later_one_does(
    any_house: House, chest: list[Dataset]
) -> None:
    house = any_house
    house.take_in(chest)
    house.run("assemble", "choose", "detect", "pack", "store")
    late = house.call
    before = len(house.rows(Event))
    house.supersede()
    current, house.call = house.call, late
    outcome = house.run("publish")
    assert outcome.cause is Cause.SUPERSEDED and not outcome.effects
    study = house.study()
    assert (study.state, study.published_revision, study.ready_at) == ("running", 0, None)
    assert house.rows(Result)[0].published_at is None
    assert len(house.rows(Event)) == before
    house.call = current
    outcome = house.run("publish")
    assert outcome.ok and [e.kind for e in outcome.effects] == ["store_sr"]
    assert house.study().published_revision == COUNT
    assert house.rows(Result)[0].published_at is not None


def test_a_publication_waits_for_the_submission_that_supersedes_it(
    any_house: House, chest: list[Dataset]
) -> None:
    """A submission that has begun is seen to its end: both lock the row of the study first."""
    house = any_house
    house.take_in(chest)
    house.run("assemble", "choose", "detect", "pack", "store")
    said: list[Outcome] = []
    publisher = threading.Thread(target=lambda: said.append(house.run("publish")))
    with house.store.unit_of_work() as uow:
        watch_rows.note_planned(uow, SUBJECT, COUNT)
        publisher.start()
        for row in work_rows.running_plans(uow, SUBJECT):
            work_rows.end_plan(uow, row, work_rows.GIVEN_UP, "superseded")
    publisher.join(timeout=60)
    assert [outcome.cause for outcome in said] == [Cause.SUPERSEDED]
    assert house.study().published_revision == 0


def test_news_since_the_plan_supersedes_it(house: House, chest: list[Dataset]) -> None:
    house.take_in(chest[:-1])
    old = house.facts
    house.take_in(chest[-1:], "late")
    house.facts = old
    outcome = house.run("assemble")
    assert outcome.cause is Cause.SUPERSEDED
    assert house.rows(Series)[0].verdict is None


def test_the_door_and_the_tools_agree_on_the_identity_of_instances(
    any_house: House, chest: list[Dataset]
) -> None:
    house = any_house
    house.take_in(chest)
    sound = house.fact(INSTANCES)
    # What takes no part in volumes counts for neither: a copy that says something else, an SR.
    other = small_chest.slice_dataset(np.zeros((96, 96), np.int16), 3)
    report = small_chest.slice_dataset(
        np.zeros((96, 96), np.int16), 0, SOPInstanceUID="1.2.3.4", SOPClassUID=DOSE_SR,
        SeriesInstanceUID="1.2.3", Modality="SR",
    )  # fmt: skip
    house.take_in([other, report], "more")
    rows = house.rows(Instance)
    assert len(rows) == COUNT + 2
    assert [r.sop_uid for r in rows if r.conflict] == [small_chest.sop_uid(3)]
    told = house.fact(INSTANCES)
    assert told == sound
    house.run("assemble")
    verdicts = house.fact(SERIES_VERDICTS)
    assert verdicts["digest"] == told["digest"]
    with house.store.reading() as uow:
        seen = result_rows.slices_of(uow, SUBJECT, READ_CLASSES)
    series = {uid: {"digest": digest_of_instances(own), "n": len(own)} for uid, own in seen.items()}
    assert series == told["series"] and told["series"][small_chest.SERIES_UID]["n"] == COUNT
    assert set(READ_CLASSES) == set(classes.READ_CLASSES)


UNREADABLE: dict[str, tuple[Callable[[list[Dataset]], list[Dataset]], str]] = {
    "a missing slice": (lambda s: s[:15] + s[16:], "missing_slices"),
    "one slice": (lambda s: s[:1], "one_slice"),
    "too few slices": (lambda s: s[:10], "too_few_slices"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_no_suitable_series_is_an_answer_and_not_a_failure(
    kind: str, house: House, chest: list[Dataset]
) -> None:
    spoil, code = UNREADABLE[kind]
    house.take_in(spoil(chest))
    assert house.run(*ALL).ok
    assert house.fact(CHOSEN_SERIES)["series_uid"] is None
    (result,) = house.rows(Result)
    assert result.status == "not_assessed" and result.series_uid is None
    assert code in [r["code"] for r in result.reasons]
    assert house.rows(FindingRow) == []
    study = house.study()
    assert study.state == "ready" and study.state_reason
    assert house.fact(VOLUME_STREAM)["key"] is None and house.fact(VOLUME_STREAM)["message"]
    assert house.rows(Series)[0].verdict == "refuse"


def test_no_lung_is_not_assessed_and_still_shown(house: House) -> None:
    house.take_in(small_chest.datasets(small_chest.chest((), lungs=False)))
    assert house.run(*ALL).ok
    (result,) = house.rows(Result)
    assert result.status == "not_assessed"
    assert house.fact(VOLUME_STREAM)["key"] is not None


def test_a_stored_file_that_is_gone_is_missing_input(house: House, chest: list[Dataset]) -> None:
    house.take_in(chest)
    house.run("assemble", "choose")
    house.files.path_of(house.fact(CHOSEN_SERIES)["key"]).unlink()
    assert house.run("detect").cause is Cause.INPUT_MISSING


def test_a_model_that_is_not_the_released_one_is_never_served(
    store: Store, tmp_path: Path, chest: list[Dataset]
) -> None:
    broken = small_model.write(tmp_path / "broken")
    (broken / "model.onnx").write_bytes(b"other")
    house = House(store, tmp_path / "house", broken)
    house.take_in(chest)
    assert house.tools["detect"].health().up  # nothing is known against it before it is opened
    outcome = house.run("assemble", "choose", "detect")
    assert outcome.cause is Cause.TOOL_DOWN and "not the released one" in outcome.message
    assert not house.tools["detect"].health().up
    assert house.rows(Result) == []


def test_another_model_is_another_version_of_the_tool(house: House, tmp_path: Path) -> None:
    first = house.tools["detect"].spec.version
    house.model = tmp_path / "nowhere"
    assert house.tools["detect"].spec.version != first
    assert not house.tools["detect"].health().up


def test_a_runtime_that_is_down_lets_the_other_tool_work(
    house: House, chest: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise RuntimeDown("fails its self-test")

    house.take_in(chest)
    monkeypatch.setattr("triage.detect.runtimes.choose", down)
    assert house.run("assemble", "choose", "detect").cause is Cause.TOOL_DOWN
    assert house.tools["detect"].health().message == "fails its self-test"


def test_detection_and_packing_decode_once(
    house: House, chest: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    real = pixels.load_volume

    def counted(*arguments: Any) -> Any:
        calls.append(1)
        return real(*arguments)

    monkeypatch.setattr("triage.detect.stored.load_volume", counted)
    house.take_in(chest)
    house.run("assemble", "choose", "detect", "pack")
    assert len(calls) == 1


def test_every_tool_has_the_same_digest_for_the_same_facts(
    house: House, chest: list[Dataset]
) -> None:
    # The engine finds finished work by the digest of its input: facts must be canonical JSON.
    house.take_in(chest)
    house.run("assemble", "choose")
    once: Facts = dict(house.facts)
    digests = {name: digest_of(value) for name, value in once.items()}
    house.run("assemble", "choose")
    assert {name: digest_of(value) for name, value in house.facts.items()} == digests
    assert RESULT not in once
