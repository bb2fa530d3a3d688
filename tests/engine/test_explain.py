"""How a result was made, as the page shows it."""

from __future__ import annotations

import json
from typing import Any

from tests.engine.conftest import Live
from tests.engine.toys import news, settled, submitted, toy
from triage.core.work import Call, Cause, Effect, Facts, Health, Json, Outcome
from triage.engine.effects import Outgoing
from triage.engine.explain import explain


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
    done = next(t for t in answer["tasks"] if t["tool"] == "onnx")
    assert (done["inputs"], done["attempts"], done["state"]) == ({"mask": "41 %"}, 1, "done")


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
