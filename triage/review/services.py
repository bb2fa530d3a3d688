"""What the review room is given by `wiring`: its whole world, in one frozen object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from triage.settings import Settings
from triage.store.files import Files
from triage.store.session import Store, UnitOfWork
from triage.store.tables import now

Assess: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
Explain: TypeAlias = Callable[[UnitOfWork, str], Mapping[str, Any]]
AfterAct: TypeAlias = Callable[[UnitOfWork, str, str], None]
Probe: TypeAlias = Callable[[], Mapping[str, str]]


def _nothing_to_assess(_inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return None


def _nothing_to_do(_uow: UnitOfWork, _study_uid: str, _kind: str) -> None:
    return None


def _nothing_to_probe() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the API needs, handed in.

    Attributes
    ----------
    store, files, settings
        Database, file store, settings of this installation.
    assess : callable
        ``{study_uid, exam_date, slice_thickness_mm, purpose, context, findings, result} ->
        assessment or None``: a pure function of decided findings and context (rules room).
        `exam_date` is ISO 8601 or None, `slice_thickness_mm` that of the series that was read or
        None, `context` maps field to value, `findings` is a list of the contract's finding dicts
        that are not rejected, dismissed or withdrawn;
        `result` is ``{status, reasons}`` or None. The answer follows the result contract of the
        guideline (``status``, ``guideline``, ``category`` …); None = no assessment exists yet.
    explain : callable or None
        ``(unit of work, study uid or round id) -> dict`` for the plan page, as
        `plan_schema.Account`; None answers 501.
    after_act : callable
        ``(unit of work, study uid, event kind)``, inside the transaction of every reader's act:
        where publication and outbox rows are written with the act that wants them. Kinds:
        ``finding.decision``, ``finding.added``, ``context.set``, ``study.signed``.
    probe : callable
        Part name to "" (ok) or the mend, for ``/api/ready``; the API adds database and files.
    clock : callable
        Now, aware UTC.
    web_root : Path or None
        Folder of the built page (``web/dist``); None serves the API alone.
    """

    store: Store
    files: Files
    settings: Settings
    assess: Assess = _nothing_to_assess
    explain: Explain | None = None
    after_act: AfterAct = _nothing_to_do
    probe: Probe = field(default=_nothing_to_probe)
    clock: Callable[[], datetime] = now
    web_root: Path | None = None
