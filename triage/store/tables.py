"""Every table of the product. Names carry the prefix ``triage_`` beside those of DBOS.

Times are UTC. JSON columns hold small documents; bulk data lies in `triage.store.files`, named by
its SHA-256. Append-only tables (`Event`, `Quarantine`, `Result`, `PlanVersion`) are never updated
in what they say, only in their bookkeeping columns.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime, also on SQLite, which keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone is ambiguous")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """The present time, UTC, aware."""
    return datetime.now(UTC)


# SQLite gives autoincrementing keys to INTEGER only.
_Seq = BigInteger().with_variant(Integer, "sqlite")
_Uid = String(64)
_Digest = String(64)


class Base(DeclarativeBase):
    """Base of all rows."""

    type_annotation_map: ClassVar = {dict[str, Any]: JSON, list[Any]: JSON, datetime: UtcTime}


# ---------------------------------------------------------------- what arrived (receive)


class Association(Base):
    """One DICOM association, one import run or one STOW request: who sent, from when to when."""

    __tablename__ = "triage_association"
    # Quiet time asks for the last one of a sender.
    __table_args__ = (Index("triage_association_sender", "door", "calling_ae", "closed_at"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    door: Mapped[str] = mapped_column(String(16))  # dimse | stow | import
    calling_ae: Mapped[str] = mapped_column(String(64), default="")
    called_ae: Mapped[str] = mapped_column(String(64), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    process: Mapped[str] = mapped_column(String(64), default="")
    opened_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None] = mapped_column(index=True)
    close_reason: Mapped[str] = mapped_column(String(32), default="")  # released aborted lost
    stored: Mapped[int] = mapped_column(default=0)
    quarantined: Mapped[int] = mapped_column(default=0)


class Study(Base):
    """One imaging study (PS3.3 C.7.2)."""

    __tablename__ = "triage_study"
    # The watch loop asks several times a second which studies have news: few, so index only those.
    __table_args__ = (
        Index(
            "triage_study_news",
            "study_uid",
            sqlite_where=text("revision > published_revision"),
            postgresql_where=text("revision > published_revision"),
        ),
    )
    study_uid: Mapped[str] = mapped_column(_Uid, primary_key=True)
    patient_id: Mapped[str] = mapped_column(String(64), default="", index=True)
    issuer: Mapped[str] = mapped_column(String(64), default="")
    patient_name: Mapped[str] = mapped_column(String(324), default="")
    patient_sex: Mapped[str] = mapped_column(String(16), default="")
    patient_age: Mapped[str] = mapped_column(String(4), default="")
    patient_birth_date: Mapped[str] = mapped_column(String(8), default="")
    accession: Mapped[str] = mapped_column(String(64), default="", index=True)
    study_date: Mapped[str] = mapped_column(String(8), default="")
    study_time: Mapped[str] = mapped_column(String(16), default="")
    description: Mapped[str] = mapped_column(String(64), default="")
    procedure_code: Mapped[str] = mapped_column(String(64), default="")
    referring_physician: Mapped[str] = mapped_column(String(324), default="")
    state: Mapped[str] = mapped_column(String(16), default="receiving", index=True)
    state_reason: Mapped[str] = mapped_column(Text, default="")
    flags: Mapped[list[Any]] = mapped_column(default=list)  # [{code, message}]
    # Raised by one with every new instance; the engine compares it with what it planned for.
    revision: Mapped[int] = mapped_column(default=0)
    planned_revision: Mapped[int] = mapped_column(default=0)
    published_revision: Mapped[int] = mapped_column(default=0)
    first_received_at: Mapped[datetime] = mapped_column(default=now)
    last_received_at: Mapped[datetime] = mapped_column(default=now)
    ready_at: Mapped[datetime | None] = mapped_column()
    signed_at: Mapped[datetime | None] = mapped_column()
    reader: Mapped[str] = mapped_column(String(64), default="")  # who claimed or signed it
    result_id: Mapped[str | None] = mapped_column(String(36))  # the result that is shown
    seen: Mapped[dict[str, Any]] = mapped_column(default=dict)  # lung shown: viewer bookkeeping


class Series(Base):
    """One series (PS3.3 C.7.3)."""

    __tablename__ = "triage_series"
    series_uid: Mapped[str] = mapped_column(_Uid, primary_key=True)
    study_uid: Mapped[str] = mapped_column(ForeignKey("triage_study.study_uid"), index=True)
    modality: Mapped[str] = mapped_column(String(16), default="")
    number: Mapped[int | None] = mapped_column()
    description: Mapped[str] = mapped_column(String(64), default="")
    kernel: Mapped[str] = mapped_column(String(64), default="")
    manufacturer: Mapped[str] = mapped_column(String(64), default="")
    body_part: Mapped[str] = mapped_column(String(16), default="")
    instances: Mapped[int] = mapped_column(default=0)
    verdict: Mapped[str | None] = mapped_column(String(16))
    verdict_reasons: Mapped[list[Any]] = mapped_column(default=list)
    stream_key: Mapped[str | None] = mapped_column(_Digest)  # packed pixels for the viewer
    stream_info: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Instance(Base):
    """One stored SOP Instance, byte for byte as it came.

    The same UID with other content is kept as a second row with ``conflict`` set and takes no part
    in volumes: never overwritten, never silently dropped.
    """

    __tablename__ = "triage_instance"
    __table_args__ = (
        UniqueConstraint("sop_uid", "digest"),
        Index("triage_instance_series", "series_uid", "conflict"),
    )
    id: Mapped[int] = mapped_column(_Seq, primary_key=True, autoincrement=True)
    sop_uid: Mapped[str] = mapped_column(_Uid, index=True)
    series_uid: Mapped[str] = mapped_column(ForeignKey("triage_series.series_uid"))
    study_uid: Mapped[str] = mapped_column(ForeignKey("triage_study.study_uid"), index=True)
    sop_class: Mapped[str] = mapped_column(_Uid)
    transfer_syntax: Mapped[str] = mapped_column(_Uid)
    digest: Mapped[str] = mapped_column(_Digest)  # SHA-256 of the file = its key in files
    size: Mapped[int] = mapped_column(BigInteger)
    conflict: Mapped[bool] = mapped_column(default=False)
    # What geometry and display need, read by the bounded parser at the door.
    header: Mapped[dict[str, Any]] = mapped_column(default=dict)
    association_id: Mapped[str] = mapped_column(ForeignKey("triage_association.id"), index=True)
    received_at: Mapped[datetime] = mapped_column(default=now)


class Quarantine(Base):
    """What could not be understood, kept with the reason a PACS administrator can read."""

    __tablename__ = "triage_quarantine"
    __table_args__ = (UniqueConstraint("digest", "code"),)
    id: Mapped[int] = mapped_column(_Seq, primary_key=True, autoincrement=True)
    digest: Mapped[str] = mapped_column(_Digest)
    size: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str] = mapped_column(String(64))
    message: Mapped[str] = mapped_column(Text)
    dimse_status: Mapped[int] = mapped_column()
    source: Mapped[str] = mapped_column(Text, default="")  # AE and address, or the path
    sop_uid: Mapped[str] = mapped_column(Text, default="")
    study_uid: Mapped[str] = mapped_column(_Uid, default="", index=True)  # as far as it told
    association_id: Mapped[str] = mapped_column(ForeignKey("triage_association.id"))
    times: Mapped[int] = mapped_column(default=1)  # how often the same object came
    received_at: Mapped[datetime] = mapped_column(default=now)
    last_received_at: Mapped[datetime] = mapped_column(default=now)


# ---------------------------------------------------------------- what is to be done (engine)


class PlanVersion(Base):
    """One plan for one subject. News or back-tracking makes a new version."""

    __tablename__ = "triage_plan"
    __table_args__ = (UniqueConstraint("subject", "version"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    subject: Mapped[str] = mapped_column(_Uid, index=True)
    version: Mapped[int] = mapped_column()
    goal: Mapped[str] = mapped_column(String(32))
    why: Mapped[str] = mapped_column(Text)  # the news that made this version
    facts: Mapped[dict[str, Any]] = mapped_column()  # at hand when it was made
    graph: Mapped[dict[str, Any]] = mapped_column()  # nodes, edges, rejected alternatives
    # running done failed given_up waiting
    state: Mapped[str] = mapped_column(String(16), index=True)
    workflow_id: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None] = mapped_column()
    ended_why: Mapped[str] = mapped_column(Text, default="")


class TaskRow(Base):
    """One tool call on one input: the only truth about what was done."""

    __tablename__ = "triage_task"
    __table_args__ = (UniqueConstraint("tool", "tool_version", "input_digest"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    subject: Mapped[str] = mapped_column(_Uid, index=True)
    tool: Mapped[str] = mapped_column(String(64))
    tool_version: Mapped[str] = mapped_column(String(64))
    input_digest: Mapped[str] = mapped_column(_Digest)
    inputs: Mapped[dict[str, Any]] = mapped_column()
    state: Mapped[str] = mapped_column(String(16), index=True)
    outputs: Mapped[dict[str, Any]] = mapped_column(default=dict)
    cause: Mapped[str | None] = mapped_column(String(32))
    message: Mapped[str] = mapped_column(Text, default="")
    bad_fact: Mapped[str | None] = mapped_column(String(64))
    attempts: Mapped[int] = mapped_column(default=0)
    seconds: Mapped[float | None] = mapped_column(Float)
    executor: Mapped[str] = mapped_column(String(64), default="")
    first_plan_id: Mapped[str] = mapped_column(String(36))
    started_at: Mapped[datetime | None] = mapped_column()
    ended_at: Mapped[datetime | None] = mapped_column()


class Outbox(Base):
    """An effect outside this database, written with the result that wants it."""

    __tablename__ = "triage_outbox"
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(_Uid, index=True)
    payload: Mapped[dict[str, Any]] = mapped_column()
    state: Mapped[str] = mapped_column(String(16), default="waiting", index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(default=now, index=True)
    last_error: Mapped[str] = mapped_column(Text, default="")
    receipt: Mapped[dict[str, Any]] = mapped_column(default=dict)
    claimed_by: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    done_at: Mapped[datetime | None] = mapped_column()


class Executor(Base):
    """A living worker process: its lease by the database's clock."""

    __tablename__ = "triage_executor"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    beat: Mapped[float] = mapped_column(Float)  # epoch seconds, database clock
    queues: Mapped[list[Any]] = mapped_column(default=list)


# ---------------------------------------------------------------- what was seen and said (review)


class Result(Base):
    """The machine's answer for a study from one input by one model."""

    __tablename__ = "triage_result"
    __table_args__ = (UniqueConstraint("study_uid", "model_digest", "input_digest"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    study_uid: Mapped[str] = mapped_column(ForeignKey("triage_study.study_uid"), index=True)
    series_uid: Mapped[str | None] = mapped_column(_Uid)
    model_name: Mapped[str] = mapped_column(String(64))
    model_digest: Mapped[str] = mapped_column(_Digest)
    runtime: Mapped[str] = mapped_column(String(32), default="")
    input_digest: Mapped[str] = mapped_column(_Digest)
    status: Mapped[str] = mapped_column(String(16))
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    covered_lung_fraction: Mapped[float | None] = mapped_column(Float)
    timings_s: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    published_at: Mapped[datetime | None] = mapped_column()
    superseded_by: Mapped[str | None] = mapped_column(String(36))


class FindingRow(Base):
    """One finding in its present state; how it came there stands in `Event`."""

    __tablename__ = "triage_finding"
    __table_args__ = (UniqueConstraint("result_id", "number"),)
    finding_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    study_uid: Mapped[str] = mapped_column(ForeignKey("triage_study.study_uid"), index=True)
    series_uid: Mapped[str] = mapped_column(_Uid)
    result_id: Mapped[str | None] = mapped_column(ForeignKey("triage_result.id"))
    number: Mapped[int] = mapped_column()  # 1 = most suspicious; added ones follow
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(16), default="pending")
    reject_reason: Mapped[str | None] = mapped_column(String(32))
    center_lps_mm: Mapped[list[Any]] = mapped_column()
    long_mm: Mapped[float | None] = mapped_column(Float)
    short_mm: Mapped[float | None] = mapped_column(Float)
    long_axis_lps_mm: Mapped[list[Any] | None] = mapped_column(JSON)
    short_axis_lps_mm: Mapped[list[Any] | None] = mapped_column(JSON)
    volume_mm3: Mapped[float | None] = mapped_column(Float)
    solid_long_mm: Mapped[float | None] = mapped_column(Float)
    solid_short_mm: Mapped[float | None] = mapped_column(Float)
    solidity: Mapped[str | None] = mapped_column(String(16))
    calcification: Mapped[str | None] = mapped_column(String(32))
    margin: Mapped[str | None] = mapped_column(String(32))
    juxtapleural_shape: Mapped[str | None] = mapped_column(String(32))
    lobe: Mapped[str | None] = mapped_column(String(32))
    probability: Mapped[float | None] = mapped_column(Float)
    status: Mapped[str] = mapped_column(String(16), default="baseline")
    prior_tracking_uid: Mapped[str | None] = mapped_column(_Uid)
    tracking_uid: Mapped[str] = mapped_column(_Uid)
    model_version: Mapped[str] = mapped_column(String(128), default="")
    key_sop_uid: Mapped[str | None] = mapped_column(_Uid)
    proposed: Mapped[dict[str, Any]] = mapped_column(default=dict)  # as the machine said it


class Context(Base):
    """What is known about the examination; every value carries its source."""

    __tablename__ = "triage_context"
    study_uid: Mapped[str] = mapped_column(ForeignKey("triage_study.study_uid"), primary_key=True)
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {field: {value, source}}
    version: Mapped[int] = mapped_column(default=0)


class Assessment(Base):
    """A category by a guideline from one set of decided findings, with its trace."""

    __tablename__ = "triage_assessment"
    __table_args__ = (UniqueConstraint("study_uid", "guideline", "input_digest"),)
    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    study_uid: Mapped[str] = mapped_column(ForeignKey("triage_study.study_uid"), index=True)
    guideline: Mapped[str] = mapped_column(String(32))
    input_digest: Mapped[str] = mapped_column(_Digest)
    outcome: Mapped[dict[str, Any]] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(default=now)


class Event(Base):
    """Everything that happened, in order: acts of readers and changes of studies. Append-only."""

    __tablename__ = "triage_event"
    seq: Mapped[int] = mapped_column(_Seq, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(default=now)
    kind: Mapped[str] = mapped_column(String(32), index=True)
    actor: Mapped[str] = mapped_column(String(64))  # user name, or "system"
    study_uid: Mapped[str | None] = mapped_column(_Uid, index=True)
    finding_id: Mapped[str | None] = mapped_column(String(36), index=True)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    idempotency_key: Mapped[str | None] = mapped_column(String(128), unique=True)
    undoes: Mapped[int | None] = mapped_column(BigInteger)


class Output(Base):
    """An object made for another system (SR, SEG ...), content-addressed."""

    __tablename__ = "triage_output"
    sop_uid: Mapped[str] = mapped_column(_Uid, primary_key=True)
    study_uid: Mapped[str] = mapped_column(ForeignKey("triage_study.study_uid"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    revision: Mapped[str] = mapped_column(_Digest)
    predecessor_sop_uid: Mapped[str | None] = mapped_column(_Uid)
    status: Mapped[str] = mapped_column(String(16))  # preliminary final
    digest: Mapped[str] = mapped_column(_Digest)
    created_at: Mapped[datetime] = mapped_column(default=now)


# ---------------------------------------------------------------- who may (review, guard)


class User(Base):
    """An account."""

    __tablename__ = "triage_user"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    display_name: Mapped[str] = mapped_column(String(64), default="")
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(Text, default="")  # argon2id; empty = none yet
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Credential(Base):
    """A session cookie, a bearer token or a first-login link; only its SHA-256 is kept."""

    __tablename__ = "triage_credential"
    digest: Mapped[str] = mapped_column(_Digest, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))  # session token first_login
    user_name: Mapped[str] = mapped_column(ForeignKey("triage_user.name"), index=True)
    label: Mapped[str] = mapped_column(String(64), default="")
    expires_at: Mapped[datetime | None] = mapped_column()
    used_at: Mapped[datetime | None] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(default=now)


# ---------------------------------------------------------------- what is learned (learn)


class Model(Base):
    """A model of this installation: what it came from, and whether it reads studies."""

    __tablename__ = "triage_model"
    digest: Mapped[str] = mapped_column(_Digest, primary_key=True)  # SHA-256 of the network
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(64))
    folder: Mapped[str] = mapped_column(Text)  # of a released model its name, else under data
    parent: Mapped[str | None] = mapped_column(_Digest)
    state: Mapped[str] = mapped_column(String(16), index=True)  # champion challenger retired
    evidence: Mapped[str] = mapped_column(String(16))  # released | real | phantom
    round_id: Mapped[str | None] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(default=now)
    promoted_at: Mapped[datetime | None] = mapped_column()
    promoted_by: Mapped[str] = mapped_column(String(64), default="")
    replaced: Mapped[str | None] = mapped_column(_Digest)  # the champion before: rollback's aim
    manifest: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Round(Base):
    """One round of learning: decisions in, a challenger and a verdict out."""

    __tablename__ = "triage_round"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    population: Mapped[str] = mapped_column(String(16))  # real | phantom, never mixed
    state: Mapped[str] = mapped_column(String(16), index=True)  # queued running done waiting
    reason: Mapped[str] = mapped_column(Text, default="")
    order: Mapped[dict[str, Any]] = mapped_column(default=dict)  # steps, seed
    champion: Mapped[str] = mapped_column(_Digest, default="")
    challenger: Mapped[str | None] = mapped_column(_Digest)
    dataset: Mapped[str | None] = mapped_column(_Digest)
    sealed: Mapped[str | None] = mapped_column(_Digest, index=True)  # set that was looked at
    look: Mapped[int | None] = mapped_column()
    items: Mapped[list[Any]] = mapped_column(default=list)  # keys of the decisions it took
    refused: Mapped[list[Any]] = mapped_column(default=list)  # [{study_uid, label, slices}]
    progress: Mapped[dict[str, Any]] = mapped_column(default=dict)
    verdict: Mapped[dict[str, Any]] = mapped_column(default=dict)
    started_by: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None] = mapped_column()


class SealedSlice(Base):
    """A slice of a test patient, by what it shows: nothing that holds it is ever trained on."""

    __tablename__ = "triage_sealed_slice"
    pixel_sha256: Mapped[str] = mapped_column(_Digest, primary_key=True)
    label: Mapped[str] = mapped_column(String(64))
    set_name: Mapped[str] = mapped_column(String(64))
    sealed_at: Mapped[datetime] = mapped_column(default=now)
