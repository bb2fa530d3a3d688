"""How a result was made, at the API: typed, in words, with what people did; who may ask."""

from __future__ import annotations

import dataclasses
import inspect
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.toys import news, renamed, settled, submitted, toy
from tests.review.conftest import House
from tests.review.seed import Case
from triage import pathway
from triage.core.finding import StudyState
from triage.core.work import Facts, Goal, Outcome
from triage.engine.explain import explain
from triage.engine.registry import Registry
from triage.engine.runner import Runner
from triage.errors import NotFound
from triage.review.api import create_app
from triage.store import events, learning_rows
from triage.store.learning_rows import PHANTOM
from triage.store.session import Store
from triage.store.tables import Round, Study


@pytest.fixture
def explained(house: House) -> House:
    """The house with the engine's own account."""
    services = dataclasses.replace(house.services, explain=explain)
    return dataclasses.replace(house, app=create_app(services), services=services, clients={})


@pytest.fixture(scope="module")
def engine(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store in which a real runner has walked a small plan for the subject ``1.2.3``."""
    path = tmp_path_factory.mktemp("made") / "triage.sqlite"
    shutil.copy(empty_database, path)
    store = Store(f"sqlite:///{path}")
    registry = Registry()

    def publish(_facts: Facts, _call: Any) -> Outcome:
        return Outcome({pathway.PUBLISHED: {"state": "ready"}}, message="the study is ready")

    registry.add(toy("publish", (pathway.INSTANCES,), (pathway.PUBLISHED,), publish, by="ours"))
    runner = Runner(store, registry, executor_id="test:worker-1", lease_s=5.0, poll_s=0.05)
    runner.prepare()
    runner.launch()
    asked = news("1.2.3", (pathway.PUBLISHED,), {pathway.INSTANCES: {"digest": "d"}})
    submitted(runner, renamed(asked, pathway.PUBLISH.name))
    settled(store, "1.2.3")
    submitted(runner, news("1.2.3", (pathway.REPORT,), {}, replaces=()))
    runner.stop()
    yield store
    store.close()


@pytest.fixture
def walked(house: House, engine: Store) -> Any:
    """The plan of a ready study that the runner has walked, as a role sees it."""
    services = dataclasses.replace(house.services, store=engine, explain=explain)
    there = dataclasses.replace(house, app=create_app(services), services=services, clients={})
    with engine.unit_of_work() as uow:
        if uow.get(Study, "1.2.3") is None:
            uow.add(Study(study_uid="1.2.3", patient_name="Phantom^A", patient_id="PH-1",
                          state="ready"))  # fmt: skip
    client = there.as_("pacs_admin", f"pacs-{uuid.uuid4().hex[:8]}")
    return client.get("/api/studies/1.2.3/plan").json()


def test_a_walked_plan_is_told_with_names_for_people(walked: Any) -> None:
    assert walked["study"]["patient_name"] == "Phantom^A"
    first, second = walked["plans"]
    assert (first["state"], first["because"]["kind"]) == ("done", "news")
    (step,) = first["nodes"]
    assert (step["state"], step["message"], step["by"]) == ("done", "the study is ready", "ours")
    assert second["state"] == "waiting"
    assert second["missing"] == [{"fact": "report", "wanted_by": "goal", "givers": []}]
    assert walked["titles"]["facts"]["published"] == "the published result"
    assert walked["titles"]["goals"]["publish"] == "result of the complete study"


def test_a_person_stands_between_publication_and_signature(walked: Any) -> None:
    (person,) = walked["people"]
    assert (person["needs"], person["gives"]) == (["published"], ["signed"])
    assert (person["state"], person["missing"][-1]) == ("waiting", "Sign")


def test_a_study_that_was_never_planned_for_is_told_empty(explained: House) -> None:
    study_uid = explained.study(Case("Phantom^N", "PH-1", StudyState.RECEIVING, status=None))
    answer = explained.reader.get(f"/api/studies/{study_uid}/plan")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["plans"], told["trace"], told["effects"], told["people"]) == ([], [], [], [])
    assert (told["started_at"], told["last_image_at_s"], told["round"]) == (None, None, None)


def test_what_is_left_to_the_reader_is_said(explained: House) -> None:
    told = explained.reader.get(f"/api/studies/{explained.study()}/plan").json()
    assert told["people"][0]["missing"][0] == "Decide 2 findings"
    assert told["people"][0]["by"] is None


def test_a_signature_is_a_step_with_its_reader_and_time(explained: House) -> None:
    study_uid = explained.study(Case("Phantom^S", "PH-2", StudyState.SIGNED))
    with explained.store.unit_of_work() as uow:
        events.append(uow, "study.signed", actor="reader", study_uid=study_uid, after={})
    (person,) = explained.reader.get(f"/api/studies/{study_uid}/plan").json()["people"]
    assert (person["state"], person["by"], person["missing"]) == ("done", "reader", [])
    assert person["at"] is not None


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("radiologist", 200), ("adjudicator", 200), ("pacs_admin", 200), ("auditor", 200),
        ("admin", 200), ("ml_engineer", 403),
    ],
)  # fmt: skip
def test_who_may_ask_for_a_study(explained: House, role: str, status: int) -> None:
    answer = explained.as_(role).get(f"/api/studies/{explained.study()}/plan")
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("role", "status"),
    [("radiologist", 200), ("ml_engineer", 200), ("auditor", 200), ("pacs_admin", 403)],
)
def test_who_may_ask_for_a_round(explained: House, role: str, status: int) -> None:
    assert explained.as_(role).get(
        f"/api/learning/rounds/{a_round(explained)}/plan"
    ).status_code == (status)


def a_round(house: House, **verdict: Any) -> str:
    """A round whose challenger may be promoted when its verdict says so."""
    with house.store.unit_of_work() as uow:
        learning_rows.register_released(uow, "a" * 64, "nodule-s", "0.1.0", {})
        row = Round(
            id=f"round-{uuid.uuid4().hex[:12]}", number=1, population=PHANTOM, state="done",
            started_by="admin", challenger="b" * 64, verdict=verdict,
        )  # fmt: skip
        uow.add(row)
        uow.flush()
        learning_rows.register_challenger(
            uow,
            {"digest": "b" * 64, "name": "nodule-s", "version": "0.1.0+round.1", "folder": "m",
             "parent": "a" * 64, "evidence": PHANTOM, "round_id": row.id, "manifest": {}},
        )  # fmt: skip
        return row.id


def test_a_round_names_itself_and_waits_for_promotion(explained: House) -> None:
    there = a_round(explained, verdict="promote")
    told = explained.as_("ml_engineer").get(f"/api/learning/rounds/{there}/plan").json()
    assert (told["round"]["number"], told["round"]["population"]) == (1, "phantom")
    assert told["study"] is None
    assert told["people"][0]["missing"] == ["Promote nodule-s 0.1.0+round.1, or leave it"]


def test_a_round_that_was_refused_asks_nobody(explained: House) -> None:
    there = a_round(explained, verdict="refuse")
    told = explained.as_("auditor").get(f"/api/learning/rounds/{there}/plan").json()
    assert told["people"] == []


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/api/studies/1.2.3/plan", 404, "no_such_study"),
        ("/api/studies/x;y/plan", 422, "invalid_fields"),
        ("/api/learning/rounds/round-0123456789ab/plan", 404, "no_such_round"),
        ("/api/learning/rounds/1/plan", 422, "invalid_fields"),
    ],
)
def test_unknown_subjects(explained: House, address: str, status: int, code: str) -> None:
    answer = explained.reader.get(address)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_without_an_engine_it_is_not_built(house: House) -> None:
    assert house.reader.get(f"/api/studies/{house.study()}/plan").status_code == 501


def test_the_engines_own_refusal_keeps_its_words(house: House) -> None:
    def nothing(_uow: object, _subject: str) -> dict[str, Any]:
        raise NotFound("the plans of this study are gone", code="no_plan")

    services = dataclasses.replace(house.services, explain=nothing)
    client = dataclasses.replace(house, app=create_app(services), clients={}).as_("auditor")
    answer = client.get(f"/api/studies/{house.study()}/plan")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_plan")


def test_every_fact_and_goal_of_the_pathway_has_a_title() -> None:
    named = dict(inspect.getmembers(pathway))
    facts = {
        v for k, v in named.items() if k.isupper() and isinstance(v, str) and "STORAGE" not in k
    }
    goals = {v.name for v in named.values() if isinstance(v, Goal)}
    assert facts == set(pathway.FACT_TITLES)
    assert goals == set(pathway.GOAL_TITLES)
    for title in (*pathway.FACT_TITLES.values(), *pathway.GOAL_TITLES.values()):
        assert title and "_" not in title
