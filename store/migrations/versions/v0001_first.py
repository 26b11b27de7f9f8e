"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.schema import meta, metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata.create_all(op.get_bind())
    op.execute(sa.insert(meta).values(key="schema_version", value="1"))
