"""Alembic's entry: upgrades the connection that it is handed, in that connection's own transaction."""

from __future__ import annotations

from alembic import context

from store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
