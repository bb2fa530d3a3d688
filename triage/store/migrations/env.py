"""Alembic's entry: runs on the connection that `Store.upgrade` hands over."""

from alembic import context

from triage.store.tables import Base


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    # The workflow library keeps its own tables in the same SQLite file.
    return kind != "table" or (name or "").startswith("triage_")


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    include_name=_ours,
    render_as_batch=True,
    version_table="triage_alembic_version",
)
with context.begin_transaction():
    context.run_migrations()
