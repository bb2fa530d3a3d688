"""Text that knows where each of its values comes from.

The same words make a text item of the SR, a line of the plain text and a line of the reading page;
the page also uses the source, so that a reader can go from a value to what it was made of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class From(StrEnum):
    """What kind of thing a value was taken from."""

    FINDING = "finding"
    CONTEXT = "context"
    RESULT = "result"
    ASSESSMENT = "assessment"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from.

    Attributes
    ----------
    kind : From
    name : str or None
        Finding id, or field of the context.
    field : str or None
        Field of the finding, as in the HTTP contract.
    """

    kind: From
    name: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line; without a source it is only words between values."""

    text: str
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the report; those that describe a nodule name it."""

    spans: tuple[Span, ...]
    finding_id: str | None = None
    number: int | None = None

    @property
    def text(self) -> str:
        """The line as it is copied."""
        number = "" if self.number is None else f"{self.number}. "
        return number + plain(self.spans)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report; `name` is stable, `title` is printed."""

    name: str
    title: str
    lines: tuple[Line, ...]


def plain(spans: Iterable[Span]) -> str:
    """The words alone."""
    return "".join(span.text for span in spans)


def joined(spans: Iterable[Span], between: str) -> list[Span]:
    """Spans with words between each two of them."""
    out: list[Span] = []
    for span in spans:
        out += [Span(between), span] if out else [span]
    return out
