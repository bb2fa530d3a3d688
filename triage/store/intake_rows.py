"""Rows of what arrives: associations, studies, series, instances, quarantine.

All in the caller's unit of work. One instance is one transaction; on PostgreSQL locks are taken in
one order (the object's UID, then its study), so two senders of one study never meet half way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias, cast

from sqlalchemy import Table, exc, func, literal_column, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from triage.errors import ClassNotSupported, IdentityMismatch, OutOfResources
from triage.store import events
from triage.store.session import Store, UnitOfWork
from triage.store.tables import Association, Base, Instance, Quarantine, Series, Study, now

Values: TypeAlias = dict[str, Any]
_OTHER_CLASS = ClassNotSupported.dimse_status


class Recorded(StrEnum):
    """What became of an object that was understood."""

    STORED = "stored"
    DUPLICATE = "duplicate"  # the same object again: nothing changed
    CONFLICT = "conflict"  # the same UID with other content: both kept, the second set aside


@dataclass(frozen=True, slots=True)
class Entry:
    """One instance as it goes into rows.

    Attributes
    ----------
    study, series, instance : dict
        Column values of `Study`, `Series` and `Instance`.
    is_read : bool
        Whether its class is one that the product reads: only those are news for the engine.
    """

    study: Values
    series: Values
    instance: Values
    is_read: bool


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """One object that could not be understood."""

    digest: str
    size: int
    code: str
    message: str
    dimse_status: int
    association_id: str
    source: str = ""
    sop_uid: str = ""
    study_uid: str = ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What one association brought to one study."""

    study_uid: str
    instances: int
    series: int = field(default=0)


@contextmanager
def writing(store: Store) -> Iterator[UnitOfWork]:
    """A unit of work of a door: a database that cannot write now is `OutOfResources`.

    The sender keeps its copy and tries again (0xA700); nothing half done stays.
    """
    try:
        with store.unit_of_work() as uow:
            yield uow
    except (exc.OperationalError, exc.TimeoutError) as error:
        raise OutOfResources(f"the database cannot write now: {_first_line(error)}") from error


@contextmanager
def looking(store: Store) -> Iterator[UnitOfWork]:
    """A reading view of a door, with the same refusal as `writing`."""
    try:
        with store.reading() as uow:
            yield uow
    except (exc.OperationalError, exc.TimeoutError) as error:
        raise OutOfResources(f"the database cannot be read now: {_first_line(error)}") from error


# ---------------------------------------------------------------- associations


def open_association(uow: UnitOfWork, row: Values) -> None:
    """Write that a sender has come; `row` holds the columns of `Association`."""
    uow.add(Association(**row))


def close_association(uow: UnitOfWork, association_id: str, reason: str) -> list[Arrived]:
    """Write that a sender has gone, once; a second call changes nothing.

    Parameters
    ----------
    uow : UnitOfWork
    association_id : str
    reason : str
        ``released``, ``aborted`` or ``lost``.

    Returns
    -------
    list of Arrived
        The studies it brought something to; one event each.
    """
    association = uow.get(Association, association_id, with_for_update=True)
    if association is None or association.closed_at is not None:
        return []
    association.closed_at = now()
    association.close_reason = reason
    arrived = _arrived(uow, association_id)
    for one in arrived:
        events.append(
            uow,
            "study.received",
            study_uid=one.study_uid,
            after={
                "door": association.door,
                "sender": association.calling_ae,
                "association": association_id,
                "instances": one.instances,
                "series": one.series,
                "reason": reason,
            },
        )
    return arrived


def close_left_open(uow: UnitOfWork, is_dead: Callable[[str], bool]) -> int:
    """Close as ``lost`` what a dead process left open.

    Parameters
    ----------
    uow : UnitOfWork
    is_dead : callable
        Whether the process of that name (column `process`) is gone for certain.

    Returns
    -------
    int
        How many were closed.
    """
    query = select(Association.id, Association.process).where(Association.closed_at.is_(None))
    left = [row.id for row in uow.execute(query) if is_dead(row.process)]
    for association_id in left:
        close_association(uow, association_id, "lost")
    return len(left)


def _arrived(uow: UnitOfWork, association_id: str) -> list[Arrived]:
    query = (
        select(Instance.study_uid, func.count(), func.count(Instance.series_uid.distinct()))
        .where(Instance.association_id == association_id)
        .group_by(Instance.study_uid)
        .order_by(Instance.study_uid)
    )
    return [Arrived(uid, count, series) for uid, count, series in uow.execute(query)]


# ---------------------------------------------------------------- instances


def check_identity(uow: UnitOfWork, entry: Entry) -> None:
    """Refuse what contradicts what is stored: another patient, another study.

    Raises
    ------
    IdentityMismatch
        ``other_patient``: the study is another patient's; ``other_study``: the series is another
        study's.
    """
    study = uow.get(Study, entry.study["study_uid"])
    if study is not None and not _same_patient(study, entry.study):
        raise IdentityMismatch(
            "(0010,0020) Patient ID differs from that of the same study here; "
            "one study never holds two patients",
            code="other_patient",
        )
    series = uow.get(Series, entry.series["series_uid"])
    if series is not None and series.study_uid != entry.study["study_uid"]:
        raise IdentityMismatch(
            "(0020,000E) Series Instance UID is already in use by another study here",
            code="other_study",
        )


def record(uow: UnitOfWork, entry: Entry) -> Recorded:
    """Write one instance with its study and series.

    Parameters
    ----------
    uow : UnitOfWork
        Its commit is the one commit of this instance.
    entry : Entry
        Its file is already durable.

    Returns
    -------
    Recorded

    Raises
    ------
    IdentityMismatch
        As `check_identity`; the unit of work must then be left.
    """
    _lock_object(uow, entry.instance["sop_uid"])
    study_uid = entry.study["study_uid"]
    study = uow.get(Study, study_uid, with_for_update=True)
    is_new_study = study is None and _insert_if_absent(uow, Study, entry.study)
    study = study or uow.get_one(Study, study_uid, with_for_update=True)
    check_identity(uow, entry)
    if uow.get(Series, entry.series["series_uid"]) is None:
        _insert_if_absent(uow, Series, entry.series)
        check_identity(uow, entry)
    others = _others(uow, entry)
    if entry.instance["digest"] in others:
        return Recorded.DUPLICATE
    conflict = bool(others)
    uow.add(Instance(**entry.instance, conflict=conflict))
    _count(uow, entry, study, conflict=conflict)
    if is_new_study:
        _flag_set_aside(uow, study_uid)
        events.append(
            uow,
            "study.state",
            study_uid=study.study_uid,
            after={"state": study.state, "reason": study.state_reason},
        )
    return Recorded.CONFLICT if conflict else Recorded.STORED


def _count(uow: UnitOfWork, entry: Entry, study: Study, *, conflict: bool) -> None:
    """What one more instance changes on the rows above it."""
    study.last_received_at = now()
    if entry.is_read:
        study.revision += 1
        study.state_reason = "" if study.state == "receiving" else study.state_reason
        _flag_other_details(study, entry.study)
    if conflict:
        _flag(
            study,
            "same_uid_other_content",
            "an object came again under the same UID with other content; the first is used, "
            "both are kept",
        )
    else:
        one_more = {"instances": Series.instances + 1}
        where = Series.series_uid == entry.series["series_uid"]
        uow.execute(update(Series).where(where).values(one_more))
    _count_on_association(uow, entry.instance["association_id"], "stored")


def _flag_other_details(study: Study, came: Values) -> None:
    for column in ("patient_name", "patient_birth_date", "patient_sex"):
        if getattr(study, column) != came[column]:
            _flag(
                study,
                "patient_details_differ",
                "name, birth date or sex differ between images of this study; "
                "those of the first image are shown",
            )


def _flag(study: Study, code: str, message: str) -> None:
    if all(flag["code"] != code for flag in study.flags):
        study.flags = [*study.flags, {"code": code, "message": message}]


def _others(uow: UnitOfWork, entry: Entry) -> set[str]:
    query = select(Instance.digest).where(Instance.sop_uid == entry.instance["sop_uid"])
    return set(uow.scalars(query))


def _same_patient(study: Study, came: Values) -> bool:
    """By ID, and by issuer where both name one; without an ID, by name and birth date."""
    if study.patient_id or came["patient_id"]:
        issuers = {study.issuer, came["issuer"]} - {""}
        return study.patient_id == came["patient_id"] and len(issuers) < 2
    return (study.patient_name, study.patient_birth_date) == (
        came["patient_name"],
        came["patient_birth_date"],
    )


# ---------------------------------------------------------------- quarantine


def record_quarantine(uow: UnitOfWork, entry: QuarantineEntry) -> int:
    """Write why an object was set aside; the same object again only counts.

    Returns
    -------
    int
        How often it has come, this time included.
    """
    values = {k: getattr(entry, k) for k in QuarantineEntry.__dataclass_fields__}
    is_new = _insert_if_absent(uow, Quarantine, values)
    where = (Quarantine.digest == entry.digest) & (Quarantine.code == entry.code)
    if not is_new:
        again = {"times": Quarantine.times + 1, "last_received_at": now()}
        uow.execute(update(Quarantine).where(where).values(again))
    _flag_set_aside(uow, entry.study_uid)
    _count_on_association(uow, entry.association_id, "quarantined")
    return int(uow.scalars(select(Quarantine.times).where(where)).one())


def _flag_set_aside(uow: UnitOfWork, study_uid: str) -> None:
    """Say on the study that something of it lies in quarantine, whichever of the two came first.

    Other modalities are not missed: their class is none that is taken in.
    """
    of_study = (Quarantine.study_uid == study_uid) & (Quarantine.dimse_status != _OTHER_CLASS)
    study = uow.get(Study, study_uid, with_for_update=True) if study_uid else None
    if study is not None and uow.scalar(select(Quarantine.id).where(of_study).limit(1)) is not None:
        _flag(
            study,
            "object_set_aside",
            "an object that says it belongs to this study was set aside (see quarantine); "
            "the study may be incomplete",
        )


# ---------------------------------------------------------------- both databases


def _count_on_association(uow: UnitOfWork, association_id: str, column: str) -> None:
    one_more = {column: getattr(Association, column) + 1}
    uow.execute(update(Association).where(Association.id == association_id).values(one_more))


def _insert_if_absent(uow: UnitOfWork, table: type[Base], values: Values) -> bool:
    """Insert unless the key is there; True when this call made the row."""
    insert = postgresql.insert if _is_postgresql(uow) else sqlite.insert
    # The table, not the class: the mapper's bulk path costs milliseconds on the way of every image.
    absent = insert(cast(Table, table.__table__)).values(values).on_conflict_do_nothing()
    return uow.execute(absent.returning(literal_column("1"))).first() is not None


def _lock_object(uow: UnitOfWork, sop_uid: str) -> None:
    """One at a time per object; SQLite has one writer anyway."""
    if _is_postgresql(uow):
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:uid, 7341003))")
        uow.execute(lock, {"uid": sop_uid})


def _is_postgresql(uow: UnitOfWork) -> bool:
    return uow.get_bind().dialect.name == "postgresql"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
