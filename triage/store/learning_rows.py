"""Rows of the learning loop: signed decisions as a queue, rounds, models, sealed slices.

The queue is no table: it follows from the last signature of each study, so nothing that was signed
can be missing from it, and an amendment replaces what was signed before by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from triage.core.work import digest_of
from triage.errors import Conflict, NotFound
from triage.store import events
from triage.store.session import UnitOfWork
from triage.store.tables import Event, FindingRow, Model, Round, SealedSlice, Series, Study, now
from triage.store.work_rows import insert_new

SIGNED, PROGRESS = "study.signed", "round.progress"
REAL, PHANTOM, RELEASED = "real", "phantom", "released"
QUEUED, RUNNING, DONE, WAITING = "queued", "running", "done", "waiting"
OPEN_STATES = (QUEUED, RUNNING)
CHAMPION, CHALLENGER, RETIRED = "champion", "challenger", "retired"
PROMOTE = "promote"
#: What the phantom writes as its manufacturer: its studies never mix with those of people.
PHANTOM_MAKER = "Triage phantom"
_POSITIVE = frozenset({"confirmed", "corrected", "added"})
_NEGATIVE = "rejected"
_FEWEST_HEX = 8


# ---------------------------------------------------------------- the queue


@dataclass(frozen=True, slots=True)
class SignedDecision:
    """One decision of a signed study, as it was signed last.

    Attributes
    ----------
    study_uid, series_uid, finding_id : str
    number : int
        Of the finding in its study.
    said : str
        ``confirmed`` | ``corrected`` | ``added`` | ``rejected`` | ``dismissed``.
    reason : str or None
        Why it was rejected.
    center_lps_mm : tuple of float
    long_mm, short_mm : float or None
    population : str
        ``real`` | ``phantom``.
    reader : str
        Who signed.
    """

    study_uid: str
    series_uid: str
    finding_id: str
    number: int
    said: str
    reason: str | None
    center_lps_mm: tuple[float, float, float]
    long_mm: float | None
    short_mm: float | None
    population: str
    reader: str
    signed_at: datetime
    signed_event: int

    @property
    def positive(self) -> bool:
        """Whether it says "a nodule is here"."""
        return self.said in _POSITIVE

    @property
    def negative(self) -> bool:
        """Whether it says "no nodule is here"; dismissed marks say nothing."""
        return self.said == _NEGATIVE

    @property
    def key(self) -> str:
        """What is taught, as a digest: the same decision signed again is the same item."""
        return digest_of(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """What is taught: no reader, no time."""
        plain = asdict(self)
        for name in ("reader", "signed_at", "signed_event", "number"):
            del plain[name]
        plain["center_lps_mm"] = list(self.center_lps_mm)
        return plain


def signed_decisions(
    uow: UnitOfWork, population: str | None = None, up_to: int | None = None
) -> list[SignedDecision]:
    """Every decision of the last signature of every study, oldest signature first.

    Parameters
    ----------
    uow : UnitOfWork
    population : str, optional
        Only ``real`` or only ``phantom`` studies.
    up_to : int, optional
        Signatures up to this event number: what a round froze.
    """
    last = select(func.max(Event.seq)).where(Event.kind == SIGNED).group_by(Event.study_uid)
    if up_to is not None:
        last = last.where(Event.seq <= up_to)
    signings = list(uow.scalars(select(Event).where(Event.seq.in_(last)).order_by(Event.seq)))
    ids = [f["finding_id"] for event in signings for f in (event.after or {})["findings"]]
    series_of = _series_of(uow, ids)
    phantoms = _phantoms(uow, set(series_of.values()))
    found = [
        _decision(event, one, series_of[one["finding_id"]], phantoms)
        for event in signings
        for one in (event.after or {})["findings"]
        if one["finding_id"] in series_of
    ]
    return [one for one in found if population in (None, one.population)]


def _decision(
    event: Event, one: Mapping[str, Any], series_uid: str, phantoms: Collection[str]
) -> SignedDecision:
    x, y, z = one["center_lps_mm"]
    return SignedDecision(
        study_uid=event.study_uid or "",
        series_uid=series_uid,
        finding_id=one["finding_id"],
        number=one["number"],
        said=one["state"],
        reason=one["reject_reason"],
        center_lps_mm=(x, y, z),
        long_mm=one["long_mm"],
        short_mm=one["short_mm"],
        population=PHANTOM if series_uid in phantoms else REAL,
        reader=event.actor,
        signed_at=event.at,
        signed_event=event.seq,
    )


def _series_of(uow: UnitOfWork, finding_ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for begin in range(0, len(finding_ids), 500):
        some = finding_ids[begin : begin + 500]
        query = select(FindingRow.finding_id, FindingRow.series_uid)
        rows = uow.execute(query.where(FindingRow.finding_id.in_(some)))
        found |= {row.finding_id: row.series_uid for row in rows}
    return found


def _phantoms(uow: UnitOfWork, series_uids: Collection[str]) -> set[str]:
    query = select(Series.series_uid).where(Series.manufacturer == PHANTOM_MAKER)
    return set(uow.scalars(query)) & set(series_uids)


def patient_of(uow: UnitOfWork, study_uid: str) -> tuple[str, str]:
    """Patient ID and issuer of a study; empty where the study has none."""
    query = select(Study.patient_id, Study.issuer).where(Study.study_uid == study_uid)
    row = uow.execute(query).one_or_none()
    return (row[0], row[1]) if row else ("", "")


# ---------------------------------------------------------------- rounds


def rounds(uow: UnitOfWork) -> list[Round]:
    """Every round, newest first."""
    return list(uow.scalars(select(Round).order_by(Round.number.desc())))


def round_of(uow: UnitOfWork, round_id: str, *, for_change: bool = False) -> Round:
    """One round.

    Raises
    ------
    NotFound
        No such round.
    """
    row = uow.get(Round, round_id, with_for_update=for_change, populate_existing=for_change)
    if row is None:
        raise NotFound("no such round", code="no_such_round")
    return row


def start_round(uow: UnitOfWork, population: str, order: Mapping[str, Any], *, actor: str) -> Round:
    """Ask for a round; a worker plans it.

    Raises
    ------
    Conflict
        Another round is open, or no signed decision says anything to learn from.
    """
    open_round = uow.scalars(select(Round).where(Round.state.in_(OPEN_STATES))).first()
    if open_round is not None:
        raise Conflict(f"round {open_round.number} is still running", code="round_open")
    taught = [d for d in signed_decisions(uow, population) if d.positive or d.negative]
    if not taught:
        raise Conflict(
            f"no signed decision on a {population} study is in the queue", code="nothing_to_learn"
        )
    number = (uow.scalar(select(func.max(Round.number))) or 0) + 1
    frozen = {**order, "up_to": max(d.signed_event for d in taught)}
    row = Round(
        id=f"round-{uuid.uuid4().hex[:12]}", number=number, population=population, state=QUEUED,
        order=frozen, started_by=actor,
    )  # fmt: skip
    uow.add(row)
    uow.flush()
    after = {"round": number, "population": population, "decisions": len(taught)}
    events.append(uow, "round.started", actor=actor, study_uid=row.id, after=after)
    return row


def queued_rounds(uow: UnitOfWork) -> list[Round]:
    """Rounds that nobody has planned yet."""
    return list(uow.scalars(select(Round).where(Round.state == QUEUED).order_by(Round.number)))


def set_progress(uow: UnitOfWork, round_id: str, progress: Mapping[str, Any]) -> None:
    """Say how far a round is; a line on the page and an event for who follows."""
    row = round_of(uow, round_id, for_change=True)
    if row.state != DONE:
        row.state, row.reason = RUNNING, ""
    row.progress = dict(progress)
    events.append(uow, PROGRESS, study_uid=round_id, after=dict(progress))


def end_round(uow: UnitOfWork, round_id: str, verdict: Mapping[str, Any]) -> None:
    """Record a verdict; the first one stands."""
    row = round_of(uow, round_id, for_change=True)
    if row.state == DONE:
        return
    row.state, row.reason, row.ended_at = DONE, str(verdict["reason"]), now()
    row.verdict, row.progress = dict(verdict), {}
    after = {"round": row.number, "verdict": verdict["verdict"], "reason": verdict["reason"]}
    events.append(uow, "round.judged", study_uid=round_id, after=after)


def halt_round(uow: UnitOfWork, round_id: str, why: str) -> None:
    """Say that a round cannot go on, and why; it goes on by itself when that is mended."""
    row = uow.get(Round, round_id, with_for_update=True, populate_existing=True)
    if row is None or row.state == DONE:
        return
    row.state, row.reason = WAITING, why
    events.append(uow, "round.waits", study_uid=round_id, after={"reason": why})


def take_look(uow: UnitOfWork, round_id: str, sealed: str) -> int:
    """Count the look of a round at a sealed set: 1 for the first; asked again it is the same."""
    row = round_of(uow, round_id, for_change=True)
    if row.look is None or row.sealed != sealed:
        earlier = select(func.count()).select_from(Round)
        earlier = earlier.where(Round.sealed == sealed, Round.look.is_not(None))
        row.sealed, row.look = sealed, uow.execute(earlier).scalar_one() + 1
    return row.look


def used_in(uow: UnitOfWork) -> dict[str, int]:
    """Key of each decision that a round took, and the number of the last such round."""
    query = select(Round.number, Round.items).order_by(Round.number)
    return {key: number for number, items in uow.execute(query) for key in items}


def refused_studies(uow: UnitOfWork) -> dict[str, str]:
    """Studies that hold slices of a test patient, and that patient's label."""
    rows = uow.scalars(select(Round.refused))
    return {one["study_uid"]: one["label"] for refused in rows for one in refused}


# ---------------------------------------------------------------- sealed slices


def seal(uow: UnitOfWork, hashes: Iterable[str], label: str, set_name: str) -> None:
    """Keep slices from ever being trained on; sealing twice is sealing once."""
    for digest in sorted(set(hashes)):
        values = {"pixel_sha256": digest, "label": label, "set_name": set_name, "sealed_at": now()}
        insert_new(uow, SealedSlice, values)


def sealed_among(uow: UnitOfWork, hashes: Collection[str]) -> dict[str, list[str]]:
    """Which of these slices are sealed, by label."""
    found: dict[str, list[str]] = {}
    ordered = sorted(set(hashes))
    for begin in range(0, len(ordered), 500):
        some = ordered[begin : begin + 500]
        query = select(SealedSlice.label, SealedSlice.pixel_sha256)
        for label, digest in uow.execute(query.where(SealedSlice.pixel_sha256.in_(some))):
            found.setdefault(label, []).append(digest)
    return found


# ---------------------------------------------------------------- models


def models(uow: UnitOfWork) -> list[Model]:
    """Every registered model, newest first."""
    return list(uow.scalars(select(Model).order_by(Model.made_at.desc(), Model.digest)))


def champion(uow: UnitOfWork) -> Model | None:
    """The promoted model that reads studies; None while it is the released one."""
    return uow.scalars(select(Model).where(Model.state == CHAMPION)).one_or_none()


def model(uow: UnitOfWork, digest: str, *, for_change: bool = False) -> Model:
    """A model by its digest or the first eight or more digits of it.

    Raises
    ------
    NotFound
        No such model, or more than one begins so.
    """
    query = select(Model).where(Model.digest.startswith(digest, autoescape=True))
    found = list(uow.scalars(query.with_for_update() if for_change else query))
    if len(digest) < _FEWEST_HEX or len(found) != 1:
        raise NotFound("no such model", code="no_such_model")
    return found[0]


def register_released(
    uow: UnitOfWork, digest: str, name: str, version: str, manifest: Mapping[str, Any]
) -> None:
    """Register the model that came with this software; it is champion if nobody else is."""
    state = RETIRED if champion(uow) is not None else CHAMPION
    values = {
        "digest": digest, "name": name, "version": version, "folder": name, "parent": None,
        "state": state, "evidence": RELEASED, "round_id": None, "made_at": now(),
        "promoted_at": None, "promoted_by": "", "replaced": None, "manifest": dict(manifest),
    }  # fmt: skip
    insert_new(uow, Model, values)


def register_challenger(uow: UnitOfWork, values: Mapping[str, Any]) -> None:
    """Register what a round made; the same weights again belong to the later round."""
    fresh = {"state": CHALLENGER, "made_at": now(), "promoted_by": "", **values}
    if insert_new(uow, Model, fresh):
        return
    row = uow.get(Model, values["digest"], with_for_update=True)
    if row is not None and row.state == CHALLENGER:  # judged anew: the later verdict counts
        row.round_id, row.parent = values["round_id"], values["parent"]
        row.evidence, row.manifest = values["evidence"], values["manifest"]


def promote(uow: UnitOfWork, digest: str, *, actor: str, phantom: bool = False) -> Model:
    """Make a challenger the champion.

    Parameters
    ----------
    uow : UnitOfWork
    digest : str
    actor : str
    phantom : bool
        The caller knows that the verdict rests on phantoms, and wants it all the same.

    Raises
    ------
    NotFound
        No such model.
    Conflict
        It is champion already, its round did not say ``promote``, the champion it was compared
        with is another one by now, or its evidence is of phantoms only.
    """
    row = model(uow, digest, for_change=True)
    before = champion(uow)
    if row.state == CHAMPION:
        raise Conflict("it is the champion already", code="is_champion")
    _refuse_without_verdict(uow, row, before)
    if row.evidence == PHANTOM and not phantom:
        raise Conflict(
            "its verdict rests on phantoms, which is no clinical evidence; say so to promote it",
            code="phantom_evidence",
        )
    assert before is not None
    return _crown(uow, row, before, "model.promoted", actor)


def _refuse_without_verdict(uow: UnitOfWork, row: Model, before: Model | None) -> None:
    judged = None if row.round_id is None else uow.get(Round, row.round_id)
    said = None if judged is None else judged.verdict.get("verdict")
    if said != PROMOTE:
        told = f"its verdict is {said}" if said else "it has no verdict"
        raise Conflict(f"only a verdict of promote allows it; {told}", code="no_promote_verdict")
    if before is None or before.digest != row.parent:
        raise Conflict(
            "it was compared with another champion; run a new round", code="other_champion"
        )


def rollback(uow: UnitOfWork, digest: str, *, actor: str) -> Model:
    """Take the champion back, and make the one it replaced the champion again.

    Raises
    ------
    NotFound
        No such model.
    Conflict
        It is not the champion, or it replaced none.
    """
    row = model(uow, digest, for_change=True)
    if row.state != CHAMPION:
        raise Conflict("only the champion can be rolled back", code="not_champion")
    if row.replaced is None:
        raise Conflict("there is no earlier champion", code="no_earlier_champion")
    earlier = model(uow, row.replaced, for_change=True)
    replaced = earlier.replaced
    crowned = _crown(uow, earlier, row, "model.rolled_back", actor)
    crowned.replaced = replaced  # a second rollback goes further back, not to and fro
    return crowned


def _crown(uow: UnitOfWork, row: Model, before: Model, kind: str, actor: str) -> Model:
    before.state = RETIRED
    uow.flush()
    row.state, row.promoted_at, row.promoted_by = CHAMPION, now(), actor
    row.replaced = before.digest
    said = {"digest": row.digest, "version": row.version, "round_id": row.round_id}
    was = {"digest": before.digest, "version": before.version}
    events.append(uow, kind, actor=actor, before=was, after=said)
    return row
