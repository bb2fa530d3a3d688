"""Accounts and credentials. Only digests of tokens come in here; plain ones never do."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from triage.errors import Conflict, NotFound
from triage.store import events
from triage.store.session import UnitOfWork
from triage.store.tables import Credential, User

FIRST_ADMIN = "admin"
SESSION, TOKEN, FIRST_LOGIN = "session", "token", "first_login"


def user(uow: UnitOfWork, name: str) -> User | None:
    """Find an account by name."""
    return uow.get(User, name)


def users(uow: UnitOfWork) -> list[User]:
    """All accounts by name."""
    return list(uow.scalars(select(User).order_by(User.name)))


def add_user(
    uow: UnitOfWork, name: str, role: str, *, display_name: str, password_hash: str, actor: str
) -> User:
    """Make an account.

    Raises
    ------
    Conflict
        The name is taken.
    """
    if uow.get(User, name) is not None:
        raise Conflict(f"an account named {name} exists", code="user_exists")
    row = User(name=name, role=role, display_name=display_name, password_hash=password_hash)
    uow.add(row)
    uow.flush()
    events.append(uow, "user.added", actor=actor, after={"user": name, "role": role})
    return row


def set_password(uow: UnitOfWork, name: str, password_hash: str, *, actor: str) -> None:
    """Give an account a new password; every session of it ends.

    Raises
    ------
    NotFound
        No such account.
    """
    row = uow.get(User, name)
    if row is None:
        raise NotFound(f"no account named {name}", code="no_such_user")
    row.password_hash = password_hash
    uow.execute(delete(Credential).where(Credential.user_name == name, Credential.kind == SESSION))
    events.append(uow, "user.password", actor=actor, after={"user": name})


def add_credential(
    uow: UnitOfWork,
    kind: str,
    user_name: str,
    digest: str,
    *,
    expires_at: datetime | None,
    label: str = "",
) -> None:
    """Remember the digest of a new session, token or first-login link."""
    uow.add(
        Credential(
            digest=digest, kind=kind, user_name=user_name, label=label, expires_at=expires_at
        )
    )
    uow.flush()


def holder(uow: UnitOfWork, kind: str, digest: str, at: datetime) -> User | None:
    """Find whose valid credential this is; None when unknown, used up, expired or disabled."""
    row = uow.get(Credential, digest)
    if row is None or row.kind != kind:
        return None
    if row.expires_at is not None and row.expires_at <= at:
        return None
    if kind == FIRST_LOGIN and row.used_at is not None:
        return None
    found = uow.get(User, row.user_name)
    return None if found is None or found.disabled else found


def use_up(uow: UnitOfWork, digest: str, at: datetime) -> None:
    """Mark a one-time credential as used."""
    row = uow.get(Credential, digest)
    if row is not None:
        row.used_at = at


def end_session(uow: UnitOfWork, digest: str) -> None:
    """Forget a session."""
    uow.execute(delete(Credential).where(Credential.digest == digest, Credential.kind == SESSION))


def forget_expired(uow: UnitOfWork, at: datetime) -> None:
    """Remove what has expired."""
    uow.execute(delete(Credential).where(Credential.expires_at <= at))


def offer_first_login(uow: UnitOfWork, digest: str, at: datetime, *, hours: float = 24.0) -> bool:
    """Prepare the one-time first login of the administrator.

    Parameters
    ----------
    digest : str
        SHA-256 of a fresh token (`triage.guard.credentials.new_token`).
    at : datetime
        Now.
    hours : float
        How long the link is valid.

    Returns
    -------
    bool
        False when somebody has a password already: then there is no first login, and nothing was
        written. Earlier links stop working.
    """
    named = select(func.count()).select_from(User).where(User.password_hash != "")
    if uow.execute(named).scalar_one():
        return False
    if uow.get(User, FIRST_ADMIN) is None:
        add_user(
            uow, FIRST_ADMIN, "admin", display_name="", password_hash="", actor="system"
        )  # fmt: skip
    uow.execute(delete(Credential).where(Credential.kind == FIRST_LOGIN))
    expires = at + timedelta(hours=hours)
    add_credential(uow, FIRST_LOGIN, FIRST_ADMIN, digest, expires_at=expires)
    return True
