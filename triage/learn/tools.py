"""The tools of a round for the engine; each is one step of the round's plan.

ROUND → SEALED_SET → TRAINING_SET → TUNED → CHALLENGER → COMPARISON → VERDICT. Nothing of torch is
imported before a tool runs that needs it, so a base install plans a round and says what is missing.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from triage.core.work import (
    Call,
    Cause,
    Facts,
    Health,
    Json,
    Outcome,
    Queue,
    ToolSpec,
    canonical_json,
)
from triage.detect import runtimes
from triage.detect.champion import FOLDER, Champion
from triage.detect.model_folder import ModelFolder, open_model, promised_digest
from triage.detect.nodule import Detector
from triage.detect.prepare import prepare
from triage.detect.stored import DetectTool, Work, mapping
from triage.errors import DataRefused, ModelRefused, ReadingError
from triage.learn import compare, frozen, gate
from triage.learn.sealed import Population, SealedCase, hashes_of, set_digest, trained_on
from triage.pathway import (
    CHALLENGER,
    COMPARISON,
    ROUND,
    SEALED_SET,
    TRAINING_SET,
    TUNED,
    VERDICT,
)
from triage.settings import RuntimeChoice
from triage.store import learning_rows
from triage.store.files import Files
from triage.store.session import Store

TRAIN_TIMEOUT_S = 12 * 3600.0
NO_TORCH = "training needs torch: run `make setup-train`, then restart the workers"
_TOLD_EVERY_S = 2.0


@dataclass(frozen=True)
class Bench:
    """What the tools of a round work with.

    Attributes
    ----------
    store, files : Store, Files
    data : Path
        The data folder: challengers under ``models``, checkpoints under ``rounds``.
    champion : Champion
    populations : mapping
        Kind (``real``, ``phantom``) to the sealed cases of that kind.
    runtime : RuntimeChoice
    """

    store: Store
    files: Files
    data: Path
    champion: Champion
    populations: Mapping[str, Population]
    runtime: RuntimeChoice = RuntimeChoice.AUTO

    def served(self, folder: Path) -> Detector:
        """Open a model and start a runtime for it."""
        model = open_model(folder)
        return Detector(model, runtimes.choose(self.runtime, model))

    def champion_of(self, facts: Facts) -> Path:
        """Folder of the champion a round began with.

        Raises
        ------
        ModelRefused
            Another model is champion by now.
        """
        folder = self.champion.folder()
        if promised_digest(folder) != mapping(facts[ROUND])["champion"]:
            raise ModelRefused("the champion has changed since this round began; start a new one")
        return folder


@dataclass
class Progress:
    """Tells how far a round is, a few times a minute."""

    store: Store
    round_id: str
    _last: float = field(default=0.0)
    _stage: str = ""

    def tell(self, stage: str, **numbers: Json) -> None:
        """Write a line unless one of this stage was written a moment ago."""
        fresh = stage != self._stage or time.monotonic() - self._last >= _TOLD_EVERY_S
        if not fresh and numbers.get("done") != numbers.get("of", -1):
            return
        self._stage, self._last = stage, time.monotonic()
        with self.store.unit_of_work() as uow:
            learning_rows.set_progress(uow, self.round_id, {"stage": stage, **numbers})


def round_tools(bench: Bench) -> list[DetectTool]:
    """Every tool of a round."""
    return [
        seal_test_set(bench),
        collect_training_set(bench),
        finetune(bench),
        export_challenger(bench),
        evaluate_challenger(bench),
        judge_challenger(bench),
    ]


def _tool(
    spec: tuple[str, str, tuple[str, ...], str], cost_s: float, work: Work,
    check: Callable[[], Health] = lambda: Health(up=True),
) -> DetectTool:  # fmt: skip
    name, title, needs, gives = spec
    described = ToolSpec(
        name, "1", title, needs, (gives,), cost_s, Queue.TRAIN, timeout_s=TRAIN_TIMEOUT_S
    )
    return DetectTool(lambda: described, work, check)


def torch_health() -> Health:
    """Whether the extra `train` is installed; nothing is loaded."""
    there = all(find_spec(name) is not None for name in ("torch", "onnx", "safetensors"))
    return Health(there, "" if there else NO_TORCH)


# ---------------------------------------------------------------- what is tested on, and trained on


def seal_test_set(bench: Bench) -> DetectTool:
    """ROUND → SEALED_SET ``{population, digest, labels, set_aside}``: test patients, sealed.

    A case that an ancestor of the champion was trained on is no test for it, and is set aside.
    """

    def work(facts: Facts, call: Call) -> Outcome:
        asked = mapping(facts[ROUND])
        Progress(bench.store, call.subject).tell("sealing the test set")
        try:
            hashes = hashes_of(bench.populations[asked["population"]].cases())
        except (ReadingError, DataRefused) as error:
            return Outcome(cause=Cause.INPUT_BAD, message=f"sealed set: {error.message}")
        known = _ancestral_hashes(bench, asked["champion"])
        seen = sorted(label for label, own in hashes.items() if known & set(own))
        fresh = {label: own for label, own in hashes.items() if label not in seen}
        with bench.store.unit_of_work() as uow:
            for label, own in fresh.items():
                learning_rows.seal(uow, own, label, asked["population"])
        fact: dict[str, Json] = {
            "population": asked["population"],
            "digest": set_digest(fresh),
            "labels": [*sorted(fresh)],
            "set_aside": [*seen],
        }
        said = f"{len(fresh)} test patients sealed"
        if seen:
            said += f", {len(seen)} set aside: the champion was trained on them"
        return Outcome(facts={SEALED_SET: fact}, message=said)

    return _tool(("seal_test_set", "Seal test set", (ROUND,), SEALED_SET), 30.0, work)


def _ancestral_hashes(bench: Bench, digest: str | None) -> set[str]:
    """Slices that a model or one of its ancestors was trained on in a round of ours."""
    found: set[str] = set()
    with bench.store.reading() as uow:
        parents = {row.digest: (row.parent, row.manifest) for row in learning_rows.models(uow)}
    while digest in parents:
        parent, manifest = parents.pop(digest)
        if key := manifest.get("dataset"):
            for one in frozen.from_json(json.loads(bench.files.read(key))):
                found |= set(one.hashes)
        digest = parent
    return found


def collect_training_set(bench: Bench) -> DetectTool:
    """ROUND, SEALED_SET → TRAINING_SET ``{digest, series, decisions, unreadable}``.

    A series that holds a slice of a test patient, under whatever name, ends the round: that
    patient must leave the queue or the test set, and a person has to know. From then on the study
    is out of the queue.
    """

    def work(facts: Facts, call: Call) -> Outcome:
        asked = mapping(facts[ROUND])
        Progress(bench.store, call.subject).tell("collecting signed decisions")
        with bench.store.reading() as uow:
            barred = learning_rows.refused_studies(uow)
            everything = learning_rows.signed_decisions(uow, asked["population"], asked["up_to"])
        taken = [d for d in everything if d.study_uid not in barred]
        series, unreadable = frozen.freeze(bench.store, bench.files, taken)
        if refused := frozen.refuse_sealed(bench.store, series):
            return _refuse(bench, call, refused)
        taught = [d for one in series for d in one.decisions if d.positive or d.negative]
        if not taught:
            why = "; ".join(unreadable.values()) or "no signed decision is left to learn from"
            return Outcome(cause=Cause.INPUT_MISSING, message=why)
        digest = bench.files.put(frozen.to_bytes(asked["population"], series))
        with bench.store.unit_of_work() as uow:
            row = learning_rows.round_of(uow, call.subject, for_change=True)
            row.dataset, row.items = digest, sorted(d.key for d in taught)
        fact: dict[str, Json] = {
            "digest": digest,
            "series": len(series),
            "positives": sum(d.positive for d in taught),
            "negatives": sum(d.negative for d in taught),
            "unreadable": dict(unreadable),
        }
        said = (
            f"{len(series)} series, {fact['positives']} decisions that mark a nodule, "
            f"{fact['negatives']} that reject one"
        )
        if unreadable:
            said += f"; {len(unreadable)} series could not be read"
        return Outcome(facts={TRAINING_SET: fact}, message=said)

    spec = ("collect_training_set", "Freeze decisions", (ROUND, SEALED_SET))
    return _tool((*spec, TRAINING_SET), 20.0, work)


def _refuse(bench: Bench, call: Call, refused: list[dict[str, Any]]) -> Outcome:
    named = "; ".join(
        f"{one['slices']} slices of test patient {one['label']} in study {one['study_uid']}"
        for one in refused
    )
    message = f"A test patient was in the training set, by pixels: {named}"
    with bench.store.unit_of_work() as uow:
        row = learning_rows.round_of(uow, call.subject, for_change=True)
        row.refused = refused
        said = {"verdict": gate.Verdict.REFUSE.value, "reason": message, "refused": refused}
        learning_rows.end_round(uow, call.subject, said)
    return Outcome(cause=Cause.INPUT_BAD, message=message)


# ---------------------------------------------------------------- the challenger


def finetune(bench: Bench) -> DetectTool:
    """ROUND, TRAINING_SET → TUNED ``{key, steps}``; resumes from its checkpoint when killed."""

    def work(facts: Facts, call: Call) -> Outcome:
        from triage.learn import corrections
        from triage.learn.finetune import TunePlan, tune

        asked, dataset = mapping(facts[ROUND]), mapping(facts[TRAINING_SET])
        champion = open_model(bench.champion_of(facts))
        progress = Progress(bench.store, call.subject)
        progress.tell("preparing scans")
        rng = np.random.default_rng([asked["seed"], 5])
        pieces = [
            piece
            for one in _series(bench, dataset["digest"])
            if not one.set_aside
            for piece in corrections.pieces_of(
                prepare(frozen.volume_of(one.slices, bench.files)), one.decisions, rng
            )
        ]
        if not any(p.marks[0].weight for p in pieces):
            message = "no decision left to train on has a place and a size that can be taught"
            return Outcome(cause=Cause.INPUT_MISSING, message=message)
        plan = TunePlan(
            champion.digest, dataset["digest"], asked["steps"], asked["batch"], asked["seed"]
        )

        def told(step: int, loss: float, left_s: float) -> None:
            progress.tell(
                "training", done=step, of=plan.steps, loss=round(loss, 4), left_s=round(left_s, 1)
            )

        folder = bench.data / "rounds" / call.subject
        weights = tune(plan, champion.onnx, pieces, folder, told)
        fact: dict[str, Json] = {"key": bench.files.put(weights), "steps": plan.steps}
        return Outcome(facts={TUNED: fact}, message=f"{plan.steps} steps of training")

    spec = ("finetune", "Fine-tune", (ROUND, TRAINING_SET), TUNED)
    return _tool(spec, 600.0, work, torch_health)


def _series(bench: Bench, digest: str) -> list[frozen.FrozenSeries]:
    return frozen.from_json(json.loads(bench.files.read(digest)))


def export_challenger(bench: Bench) -> DetectTool:
    """ROUND, TRAINING_SET, TUNED → CHALLENGER ``{digest, version}``: a self-tested model folder."""

    def work(facts: Facts, call: Call) -> Outcome:
        from triage.learn.challenger import SetAside, make_folder

        asked, dataset = mapping(facts[ROUND]), mapping(facts[TRAINING_SET])
        Progress(bench.store, call.subject).tell("exporting the challenger")
        folder = bench.champion_of(facts)
        champion = bench.served(folder)
        aside = [
            SetAside(frozen.volume_of(one.slices, bench.files), one.decisions)
            for one in _series(bench, dataset["digest"])
            if one.set_aside
        ]
        provenance = _provenance(asked, dataset, call.subject)
        provenance["trained_on"] = sorted(trained_on(folder))
        weights = bench.files.read(mapping(facts[TUNED])["key"])
        models = bench.data / FOLDER
        digest = make_folder(weights, champion, aside, provenance, models)
        challenger = bench.served(models / digest).model  # its runtime passed the self-test
        _register(bench, challenger, provenance, call.subject)
        fact = {"digest": digest, "version": challenger.version}
        said = f"{challenger.name} {challenger.version}, its self-test passed"
        return Outcome(facts={CHALLENGER: fact}, message=said)

    spec = ("export_challenger", "Make challenger", (ROUND, TRAINING_SET, TUNED), CHALLENGER)
    return _tool(spec, 20.0, work, torch_health)


def _provenance(
    asked: Mapping[str, Any], dataset: Mapping[str, Any], round_id: str
) -> dict[str, Any]:
    return {
        "parent": asked["champion"],
        "dataset": dataset["digest"],
        "round": asked["number"],
        "round_id": round_id,
        "population": asked["population"],
        "series": dataset["series"],
        "positives": dataset["positives"],
        "negatives": dataset["negatives"],
        "steps": asked["steps"],
        "batch": asked["batch"],
        "seed": asked["seed"],
    }


def _register(
    bench: Bench, model: ModelFolder, provenance: Mapping[str, Any], round_id: str
) -> None:
    values = {
        "digest": model.digest,
        "name": model.name,
        "version": model.version,
        "folder": f"{FOLDER}/{model.digest}",
        "parent": provenance["parent"],
        "evidence": provenance["population"],
        "round_id": round_id,
        "manifest": dict(provenance),
    }
    with bench.store.unit_of_work() as uow:
        learning_rows.register_challenger(uow, values)
        learning_rows.round_of(uow, round_id, for_change=True).challenger = model.digest


# ---------------------------------------------------------------- the verdict


def evaluate_challenger(bench: Bench) -> DetectTool:
    """ROUND, SEALED_SET, CHALLENGER → COMPARISON ``{key, cases}``: both read the sealed cases."""

    def work(facts: Facts, call: Call) -> Outcome:
        sealed = mapping(facts[SEALED_SET])
        progress = Progress(bench.store, call.subject)
        cases = _sealed_cases(bench, sealed)
        if set_digest(hashes_of(cases)) != sealed["digest"]:
            message = "the sealed cases are not those that were sealed at the start of the round"
            return Outcome(cause=Cause.INPUT_BAD, message=message, bad_fact=SEALED_SET)
        folder = bench.data / FOLDER / mapping(facts[CHALLENGER])["digest"]
        both = compare.Both(bench.served(bench.champion_of(facts)), bench.served(folder))

        def done(number: int) -> None:
            progress.tell("comparing on sealed cases", done=number, of=len(cases))

        rows = compare.compare(cases, both, done)
        key = bench.files.put(canonical_json([*compare.to_json(rows)]).encode())
        said = f"both models read {len(rows)} sealed cases"
        return Outcome(facts={COMPARISON: {"key": key, "cases": len(rows)}}, message=said)

    spec = ("evaluate_challenger", "Compare models")
    return _tool((*spec, (ROUND, SEALED_SET, CHALLENGER), COMPARISON), 60.0, work)


def _sealed_cases(bench: Bench, sealed: Mapping[str, Any]) -> list[SealedCase]:
    wanted = set(sealed["labels"])
    population = bench.populations[sealed["population"]]
    return [one for one in population.cases() if one.label in wanted]


def judge_challenger(bench: Bench) -> DetectTool:
    """ROUND, SEALED_SET, COMPARISON → VERDICT ``{verdict, reason, look}``; the round's end."""

    def work(facts: Facts, call: Call) -> Outcome:
        sealed = mapping(facts[SEALED_SET])
        rows = compare.from_json(json.loads(bench.files.read(mapping(facts[COMPARISON])["key"])))
        with bench.store.unit_of_work() as uow:
            look = learning_rows.take_look(uow, call.subject, sealed["digest"])
        judged = gate.judge(rows, look)
        said = judged.as_json() | {
            "population": sealed["population"],
            "sealed_set": sealed["digest"],
            "set_aside": sealed["set_aside"],
        }
        if sealed["population"] == learning_rows.REAL and not sealed["labels"]:
            said["reason"] += "; set TRIAGE_SEALED to a folder of sealed series"
        with bench.store.unit_of_work() as uow:
            learning_rows.end_round(uow, call.subject, said)
        fact: dict[str, Json] = {k: said[k] for k in ("verdict", "reason", "look")}
        said_word = str(said["verdict"]).replace("_", " ")
        return Outcome(facts={VERDICT: fact}, message=f"{said_word}: {said['reason']}")

    spec = ("judge_challenger", "Judge", (ROUND, SEALED_SET, COMPARISON), VERDICT)
    return _tool(spec, 5.0, work)


def be_nice() -> None:
    """Let reading go before training on this machine: for a process that only trains."""
    os.nice(10)
