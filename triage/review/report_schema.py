"""What the API answers for the report of a study: sections of lines of values with their source."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from triage.review.schema import Model


class ReportSource(Model):
    """What a value of the report was made of.

    Attributes
    ----------
    kind : {'finding', 'context', 'result', 'assessment'}
    name : str or None
        Finding id, or field of the context.
    field : str or None
        Field of the finding.
    """

    kind: Literal["finding", "context", "result", "assessment"]
    name: str | None
    field: str | None


class ReportSpan(Model):
    """Words of a line; those with a source are values."""

    text: str
    source: ReportSource | None


class ReportLine(Model):
    """One line; a line that describes a nodule names it."""

    spans: list[ReportSpan]
    finding_id: str | None
    number: int | None


class ReportSection(Model):
    """A part of the report. A part with nothing to say is not there."""

    name: Literal["examination", "findings", "assessment", "recommendation", "reading"]
    title: str
    lines: list[ReportLine]


class ReportView(Model):
    """The report in words: what the signed SR says, or would say if it were signed now.

    Attributes
    ----------
    stage : {'preliminary', 'final'}
        Preliminary until signed, and again from the first act after a signature.
    amendment : int
        0 for the first report; n for the n-th amendment, made or in the making.
    undecided : int
        Marks that nobody has decided; they are in no finding of the text.
    text : str
        All of it as plain text, for a clipboard.
    seq : int
        Number of the last event of the study this text knows of.
    """

    study_uid: str
    stage: Literal["preliminary", "final"]
    amendment: int
    heading: str
    sections: list[ReportSection]
    undecided: int
    text: str
    signed_by: str | None
    signed_at: datetime | None
    seq: int
