"""How a result was made, as the page shows it."""

from __future__ import annotations

import json
from itertools import count
from threading import Event
from typing import Any

from tests.engine.conftest import Live
from tests.engine.toys import (
    DEADLINE_S,
    news,
    renamed,
    settled,
    submitted,
    tasks,
    toy,
    wait_until,
)
from triage.core.work import Call, Cause, Effect, Facts, Health, Json, Outcome
from triage.engine.effects import Outgoing
from triage.engine.explain import explain
from triage.store.tables import PlanVersion


def told(live: Live) -> dict[str, Any]:
    with live.store.reading() as uow:
        answer = explain(uow, live.subject)
    return json.loads(json.dumps(answer))  # type: ignore[no-any-return]  # it is JSON


class Peer:
    kind = "explain_store"

    def already_there(self, payload: Facts) -> dict[str, Json] | None:
        return {"archive": "holds it", "uid": payload["uid"]}

    def send(self, payload: Facts) -> None:
        raise AssertionError("never")

    def confirm(self, payload: Facts) -> dict[str, Json] | None:
        raise AssertionError("never")


def test_a_subject_without_plans_is_told_empty(live: Live) -> None:
    answer = told(live)
    assert (answer["plans"], answer["tasks"], answer["trace"], answer["effects"]) == (
        [],
        [],
        [],
        [],
    )
    assert answer["started_at"] is None


def test_the_whole_story_is_told(live: Live) -> None:
    def mask(facts: Facts, _call: Call) -> Outcome:
        if facts["chosen"] == "abdomen":
            message = "covers 2 % of the chest"
            return Outcome(cause=Cause.CONTRACT_VIOLATED, message=message, bad_fact="chosen")
        return Outcome(facts={"mask": "41 %"})

    def send(_facts: Facts, call: Call) -> Outcome:
        effect = Effect("explain_store", f"sr-{call.subject}", {"uid": "9"})
        return Outcome(facts={"sent": True}, effects=(effect,))

    torch = toy("torch", ("mask",), ("findings",), cost_s=0.5)
    torch.up = Health(False, "not installed here")
    live.use(
        toy("check", ("images",), ("verdicts",)),
        toy("choose", ("verdicts",), ("chosen",), lambda _f, _c: Outcome({"chosen": "abdomen"})),
        toy("choose_next", ("verdicts",), ("chosen",), lambda _f, _c: Outcome({"chosen": "lung"}),
            cost_s=2.0),
        toy("mask", ("chosen",), ("mask",), mask),
        torch,
        toy("onnx", ("mask",), ("findings",)),
        toy("openvino", ("mask",), ("findings",), cost_s=7.0),
        toy("send", ("findings",), ("sent",), send),
    )  # fmt: skip
    submitted(live.runner, news(live.subject, ("sent",), {"images": "i"}, why="study complete"))
    settled(live.store, live.subject)
    Outgoing(live.store, [Peer()], "test:worker-1", live.runner.lease.alive).deliver_due()
    answer = told(live)

    first, second = answer["plans"]
    assert (first["version"], first["state"], first["why"]) == (1, "given_up", "study complete")
    assert (
        first["ended_why"]
        == second["why"]
        == (
            "Back to chosen, results set aside: 1. "
            "Mask (mask): contract violated. covers 2 % of the chest"
        )
    )
    assert (second["state"], second["facts"], second["wants"]) == (
        "done",
        {"images": "i"},
        ["sent"],
    )
    assert second["set_aside"] == {"chosen": ["abdomen"]}
    assert first["because"]["kind"] == "news"
    assert second["because"] == {
        "kind": "back_track",
        "replaces": [1],
        "tool": "mask",
        "cause": "contract_violated",
        "message": "covers 2 % of the chest",
        "fact": "chosen",
        "giver": "choose",
        "set_aside": ["choose"],
    }
    old = {node["tool"]: node for node in first["nodes"]}
    assert {tool: node["state"] for tool, node in old.items()} == {
        "check": "done",
        "choose": "done",
        "mask": "failed",
        "onnx": "not_run",
        "send": "not_run",
    }
    assert old["choose"]["set_aside"] == "covers 2 % of the chest"
    assert old["mask"]["cause"] == "contract_violated"
    new = {node["tool"]: node for node in second["nodes"]}
    assert (new["check"]["state"], new["check"]["reused"]) == ("done", True)
    assert (new["mask"]["outputs"], new["mask"]["reused"]) == ({"mask": "41 %"}, False)
    assert new["onnx"]["depends_on"] == ["mask"]
    assert new["onnx"]["needs"] == ["mask"]
    assert all(node["seconds"] is not None for node in new.values())

    tools = {(t["fact"], t["tool"]): t for t in answer["tools"]}
    assert (tools["findings", "torch"]["verdict"], tools["findings", "torch"]["message"]) == (
        "not_tried",
        "not installed here",
    )
    assert tools["findings", "openvino"]["cause"] == "costlier"
    assert tools["findings", "torch"]["title"] == "Torch"
    assert tools["findings", "onnx"]["verdict"] == "done"
    assert tools["chosen", "choose"]["verdict"] == "set_aside"

    kinds = [(line["kind"], line["tool"] or line["step"]) for line in answer["trace"]]
    assert kinds == [
        ("goal", "goal"),
        ("task", "check"),
        ("task", "choose"),
        ("task", "mask"),
        ("back", "goal"),
        ("goal", "goal"),
        ("reuse", "check"),
        ("task", "choose_next"),
        ("task", "mask"),
        ("task", "onnx"),
        ("task", "send"),
        ("end", "goal"),
        ("effect", f"sr-{live.subject}"),
    ]
    assert [line["at_s"] for line in answer["trace"]] == sorted(
        line["at_s"] for line in answer["trace"]
    )
    (effect,) = answer["effects"]
    assert (effect["state"], effect["receipt"]) == ("done", {"archive": "holds it", "uid": "9"})
    # Which step wanted it, in which plan, and what was sent.
    assert (effect["tool"], effect["plan_version"], effect["what"]) == ("send", 2, {"uid": "9"})
    assert effect["done_at_s"] >= effect["created_at_s"] > 0
    done = next(t for t in answer["tasks"] if t["tool"] == "onnx")
    assert (done["inputs"], done["attempts"], done["state"]) == ({"mask": "41 %"}, 1, "done")


def test_another_tool_is_told_with_the_failure_that_led_to_it(live: Live) -> None:
    down = Outcome(cause=Cause.TOOL_DOWN, message="the self-test differs by 0.21")
    quick = toy("quick", ("mask",), ("findings",), lambda _f, _c: down, by="INT8")
    slow = toy("slow", ("mask",), ("findings",), cost_s=3.0, by="fp32")
    live.use(quick, slow)
    submitted(live.runner, news(live.subject, ("findings",), {"mask": 1}))
    settled(live.store, live.subject)
    answer = told(live)
    first, second = answer["plans"]
    assert (first["state"], second["state"]) == ("given_up", "done")
    assert {k: second["because"][k] for k in ("kind", "replaces", "tool", "cause", "giver")} == {
        "kind": "other_tool",
        "replaces": [1],
        "tool": "quick",
        "cause": "tool_down",
        "giver": "",
    }
    tried = {one["tool"]: (one["by"], one["verdict"]) for one in answer["tools"]}
    assert tried == {"quick": ("INT8", "failed"), "slow": ("fp32", "done")}


def test_a_plan_made_again_says_that_somebody_asked(live: Live) -> None:
    live.use(toy("one"))
    for again in (False, True):
        submitted(live.runner, news(live.subject, ("out",), {}, again=again))
        settled(live.store, live.subject)
    assert [plan["because"]["kind"] for plan in told(live)["plans"]] == ["news", "again"]


def test_what_an_older_version_wrote_is_told_without_parts(live: Live) -> None:
    live.use(toy("one"))
    submitted(live.runner, news(live.subject, ("out",)))
    row = settled(live.store, live.subject)
    with live.store.unit_of_work() as uow:
        stored = uow.get(PlanVersion, row.id)
        assert stored is not None
        stored.graph = {k: v for k, v in stored.graph.items() if k != "because"}
    (plan,) = told(live)["plans"]
    assert plan["because"] is None and plan["nodes"][0]["state"] == "done"


def test_a_result_that_an_earlier_plan_ended_meanwhile_is_told_in_both(live: Live) -> None:
    """Two plans run one tool on one input; the result of the first to end stands for both."""
    begun, gates = [Event(), Event()], [Event(), Event()]
    numbers = count()

    def slow(_facts: Facts, _call: Call) -> Outcome:
        number = next(numbers)
        begun[number].set()
        assert gates[number].wait(DEADLINE_S)
        return Outcome({"out": "the same"}, message="it is made")

    live.use(toy("slow", ("in",), ("out",), slow))
    asked = news(live.subject, ("out",), {"in": 1})
    submitted(live.runner, renamed(asked, "early"))
    assert begun[0].wait(DEADLINE_S)
    submitted(live.runner, renamed(asked, "late"))
    assert begun[1].wait(DEADLINE_S)
    gates[0].set()
    wait_until(lambda: tasks(live.store, live.subject)["slow"].state == "done", "the first ends")
    gates[1].set()
    settled(live.store, live.subject)
    first, second = told(live)["plans"]
    assert (first["state"], second["state"]) == ("given_up", "done")
    for plan, reused in ((first, False), (second, True)):
        (node,) = plan["nodes"]
        assert (node["state"], node["message"], node["reused"]) == ("done", "it is made", reused)


def test_a_goal_that_waits_says_for_what_and_who_would_give_it(live: Live) -> None:
    torch = toy("torch", ("mask",), ("findings",))
    torch.up = Health(False, "not installed here")
    live.use(torch)
    submitted(live.runner, news(live.subject, ("findings",), {"mask": 1}))
    answer = told(live)
    (plan,) = answer["plans"]
    assert plan["state"] == "waiting"
    assert plan["ended_why"] == "findings (for goal) is missing: torch: not installed here"
    assert plan["missing"][0]["givers"][0]["message"] == "not installed here"
    assert answer["tools"][0]["verdict"] == "not_tried"


def test_what_cannot_be_had_names_the_facts_that_are_lacking(live: Live) -> None:
    live.use(toy("find", ("mask",), ("findings",)))
    submitted(live.runner, news(live.subject, ("findings",), {}))
    (plan,) = told(live)["plans"]
    (giver,) = plan["missing"][0]["givers"]
    assert (giver["why"], giver["lacks"], giver["title"]) == ("needs_missing", ["mask"], "Find")
    assert plan["missing"][1] == {"fact": "mask", "wanted_by": "find", "givers": []}
