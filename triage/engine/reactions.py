"""What a failed task leads to: the critic's table put into effect, in one unit of work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from triage.core.work import Cause, Json
from triage.engine.critic import Reaction, judge, pause_s
from triage.engine.plans import NoPlan
from triage.engine.versions import Because, Versions, View, goal_of, node_of
from triage.store import work_rows
from triage.store.session import UnitOfWork
from triage.store.tables import PlanVersion, TaskRow

_REPLANS = frozenset({Reaction.BACK_TRACK, Reaction.OTHER_TOOL})
_ENDED: dict[str, Json] = {"next": "ended"}


@dataclass(frozen=True)
class _Failure:
    """A task that failed, and the plan in which it did.

    Attributes
    ----------
    done : mapping of str to str
        Tool to task id, of the nodes of the plan that are done.
    """

    uow: UnitOfWork
    view: View
    plan: PlanVersion
    task: TaskRow
    done: Mapping[str, str]

    @property
    def cause(self) -> Cause:
        return Cause(self.task.cause or Cause.SUPERSEDED)

    @property
    def node(self) -> dict[str, Any]:
        return node_of(self.plan, self.task.tool)

    @property
    def giver(self) -> str | None:
        """The tool that gave the fact that is to blame, if a tool of this plan did."""
        giver = self.node["takes"].get(self.task.bad_fact)
        return giver if giver in self.done else None

    @property
    def words(self) -> str:
        cause = self.cause.value.replace("_", " ")
        return f"{self.node['title']} ({self.task.tool}): {cause}. {self.task.message}"


def react(
    versions: Versions,
    uow: UnitOfWork,
    view: View,
    plan_id: str,
    *,
    task_id: str,
    done: Mapping[str, str],
) -> dict[str, Json]:
    """Decide what a failed task leads to, and do it.

    Parameters
    ----------
    versions : Versions
    uow : UnitOfWork
    view : View
        The tools as they are now, asked outside this unit of work.
    plan_id, task_id : str
    done : mapping of str to str
        Tool to task id, of the nodes of this plan that are done.

    Returns
    -------
    dict
        ``{"next": "retry", "pause_s": …}`` or ``{"next": "ended"}``. Asking twice gives the same
        answer and does nothing twice.
    """
    known = work_rows.plan(uow, plan_id)
    if known is None or not task_id:
        return _ENDED
    work_rows.lock_subject(uow, known.subject)
    plan = work_rows.plan(uow, plan_id, lock=True)
    task = work_rows.task(uow, task_id, lock=True)
    if plan is None or task is None or plan.state != work_rows.RUNNING:
        return _ENDED
    failure = _Failure(uow, view, plan, task, done)
    if not work_rows.is_barred(task):  # decided already, and the answer was lost
        return _retry(failure)
    return _follow(versions, failure)


def _retry(failure: _Failure) -> dict[str, Json]:
    return {"next": "retry", "pause_s": pause_s(failure.cause, failure.task.attempts)}


def _follow(versions: Versions, failure: _Failure) -> dict[str, Json]:
    reactions = judge(
        failure.cause,
        attempts=failure.task.attempts,
        attempts_allowed=failure.node["attempts"],
        can_back_track=failure.giver is not None,
    )
    spent = versions.spent(failure.uow, failure.plan)
    for reaction in reactions:
        if reaction is Reaction.RETRY:
            work_rows.reopen(failure.uow, failure.task)
            return _retry(failure)
        if reaction in _REPLANS and spent is None and _replan(versions, failure, reaction):
            return _ENDED
    why = f"{failure.words}. {spent or 'No other way is left'}."
    versions.end(failure.uow, failure.plan, work_rows.WAITING, why)
    return _ENDED


def _replan(versions: Versions, failure: _Failure, reaction: Reaction) -> bool:
    """Make the next version without what failed; False, and nothing changed, if there is no way."""
    uow, plan = failure.uow, failure.plan
    why = failure.words
    taken_back: tuple[str, ...] = ()
    with uow.begin_nested() as attempt:
        if reaction is Reaction.BACK_TRACK:
            taken_back = _take_back(failure)
            count = len(taken_back)
            why = f"Back to {failure.task.bad_fact}, results set aside: {count}. {why}"
        drawn = versions.draw(uow, failure.view, plan.subject, goal_of(plan), plan.facts)
        if isinstance(drawn, NoPlan):
            attempt.rollback()
            return False
    work_rows.end_plan(uow, plan, work_rows.GIVEN_UP, why)
    versions.note(uow, "plan.ended", plan)
    because = _because(failure, reaction, taken_back)
    versions.write(uow, drawn, plan.subject, plan.facts, why=why, because=because)
    return True


def _because(failure: _Failure, reaction: Reaction, taken_back: tuple[str, ...]) -> Because:
    back = reaction is Reaction.BACK_TRACK
    return Because(
        reaction.value,
        (failure.plan.id,),
        tool=failure.task.tool,
        cause=failure.cause.value,
        message=failure.task.message,
        fact=(failure.task.bad_fact or "") if back else "",
        giver=(failure.giver or "") if back else "",
        set_aside=taken_back,
    )


def _take_back(failure: _Failure) -> tuple[str, ...]:
    """Set aside the task that gave the bad fact, and what was built on that fact; which tools."""
    task, giver = failure.task, failure.giver
    bad_fact = task.bad_fact
    if giver is None or bad_fact is None:
        return ()
    taken_back: dict[str, str | None] = {giver: bad_fact}
    taken_back |= dict.fromkeys(built_on(failure.plan, giver, bad_fact))
    found: list[str] = []
    for tool, fact in taken_back.items():
        row = work_rows.task(failure.uow, failure.done.get(tool, ""), lock=True)
        if row is not None:
            about = task.message if fact else f"built on {bad_fact}, which was set aside"
            work_rows.set_aside(failure.uow, row, task.cause or "", about, fact)
            found.append(tool)
    return tuple(found)


def built_on(row: PlanVersion, giver: str, fact: str) -> list[str]:
    """Tools of a plan that used a fact of a tool, directly or through what others made of it."""
    tainted = {(giver, fact)}
    found: list[str] = []
    for node in row.graph["nodes"]:  # givers come before users
        if any((tool, need) in tainted for need, tool in node["takes"].items()):
            found.append(node["tool"])
            tainted |= {(node["tool"], given) for given in node["gives"]}
    return found
