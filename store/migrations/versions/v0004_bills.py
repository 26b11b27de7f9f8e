"""Imported bills."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "imported_bill",
        *(sa.Column(word, sa.String(), nullable=False) for word in ("source", "payer", "month", "last_day")),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("read", sa.BigInteger(), nullable=False),
        sa.Column("repeated", sa.BigInteger(), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),  # milliseconds since the epoch
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "payer", "month"),
    )
    op.execute("UPDATE meta SET value = '4' WHERE key = 'schema_version'")
