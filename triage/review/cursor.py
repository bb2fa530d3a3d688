"""Where a page of the worklist ended, as an opaque text that a caller may keep and bring back."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, FiniteFloat, StringConstraints
from pydantic import ValidationError as Invalid

from triage.errors import Unprocessable
from triage.store.worklist_rows import After, Row

_KINDS: Final[dict[str, str]] = {
    "priority": "number",
    "largest": "number",
    "findings": "number",
    "wait": "moment",
    "signed": "moment",
}


class Cursor(BaseModel):
    """The last row of a page, and the moment by which waits were judged.

    Attributes
    ----------
    sort : str
        The order it was made for, with its leading ``-``.
    number, text, moment
        The sort value of the last row, in the one that fits the order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sort: str
    number: FiniteFloat | None = None
    text: Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")] | None = None
    moment: AwareDatetime | None = None
    since: AwareDatetime
    study_uid: Annotated[str, StringConstraints(pattern=r"^[0-9.]{1,64}$")]
    judged_at: AwareDatetime

    def after(self) -> After:
        """Return the place the next page starts behind."""
        value = getattr(self, _kind(self.sort))
        return After(value, self.since, self.study_uid)


def _kind(sort: str) -> str:
    return _KINDS.get(sort.removeprefix("-"), "text")


def written(row: Row, sort: str, judged_at: datetime) -> str:
    """Make the cursor behind a row."""
    value: dict[str, Any] = {_kind(sort): row.value}
    cursor = Cursor(
        sort=sort,
        since=row.since,
        study_uid=row.study.study_uid,
        judged_at=judged_at,
        **value,
    )
    packed = cursor.model_dump_json(exclude_none=True).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read(text: str, sort: str) -> Cursor:
    """Read a cursor back.

    Raises
    ------
    Unprocessable
        Not one of ours, or made for another order.
    """
    try:
        padded = text + "=" * (-len(text) % 4)
        cursor = Cursor.model_validate_json(base64.urlsafe_b64decode(padded))
    except (Invalid, binascii.Error, ValueError) as error:
        raise _refused() from error
    if cursor.sort != sort or getattr(cursor, _kind(sort)) is None:
        raise _refused()
    return cursor


def _refused() -> Unprocessable:
    return Unprocessable(
        "cursor: not one of ours for this order; start again without it", code="bad_cursor"
    )
