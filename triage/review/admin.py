"""For administrators: what is in quarantine and why, and accounts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from triage.guard.credentials import hash_password
from triage.review.requests import NewUser
from triage.review.schema import QuarantineItem, QuarantineList, Users, UserView
from triage.review.session import Who, World
from triage.store import account_rows, reading_rows
from triage.store.tables import Quarantine, User

router = APIRouter(tags=["admin"])


@router.get("/api/admin/quarantine")
def quarantine(
    _who: Who,
    world: World,
    before: Annotated[int | None, Query(ge=1)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> QuarantineList:
    """Objects that could not be understood, newest first; `next` is the next `before`."""
    with world.store.reading() as uow:
        rows, total = reading_rows.quarantined(uow, before, limit)
    return QuarantineList(
        items=[_quarantined(row) for row in rows],
        total=total,
        next=rows[-1].id if len(rows) == limit else None,
    )


def _quarantined(row: Quarantine) -> QuarantineItem:
    return QuarantineItem(
        id=row.id,
        digest=row.digest,
        size=row.size,
        code=row.code,
        message=row.message,
        dimse_status=f"0x{row.dimse_status:04X}",
        source=row.source,
        sop_uid=row.sop_uid,
        times=row.times,
        received_at=row.received_at,
        last_received_at=row.last_received_at,
    )


@router.get("/api/admin/users")
def users(_who: Who, world: World) -> Users:
    """All accounts."""
    with world.store.reading() as uow:
        return Users(items=[_user(row) for row in account_rows.users(uow)])


@router.post("/api/admin/users", status_code=201)
def add_user(body: NewUser, who: Who, world: World) -> UserView:
    """Make an account."""
    password_hash = hash_password(body.password)
    with world.store.unit_of_work() as uow:
        row = account_rows.add_user(
            uow,
            body.name,
            body.role,
            display_name=body.display_name,
            password_hash=password_hash,
            actor=who.name,
        )
        return _user(row)


def _user(row: User) -> UserView:
    return UserView(
        name=row.name,
        display_name=row.display_name,
        role=row.role,
        disabled=row.disabled,
        has_password=bool(row.password_hash),
        created_at=row.created_at,
    )
