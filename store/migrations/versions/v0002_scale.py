"""Rollups, files that cannot be read, what the size cap removed, leases of several services."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

UtcTime = sa.BigInteger()  # milliseconds since the epoch


def upgrade() -> None:
    op.add_column("file", sa.Column("period_s", sa.Integer(), server_default="0", nullable=False))
    op.add_column("file", sa.Column("crc32", sa.BigInteger(), nullable=True))
    op.add_column("file", sa.Column("unreadable", sa.Text(), nullable=True))
    op.create_table(
        "trimmed",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("until", UtcTime, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "account", "region"),
    )
    op.create_table(
        "rolled",
        sa.Column("collector", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("period_s", sa.Integer(), nullable=False),
        sa.Column("until", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("collector", "account", "region", "period_s"),
    )
    op.create_table(
        "lease",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("since", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("account", "region"),
    )
    op.create_table(
        "member",
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", UtcTime, nullable=False),
        sa.Column("reach", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("holder"),
    )
    op.create_table(
        "live_search",
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("id", "account", "region", "how", "state")
        ),
        sa.Column("functions", sa.JSON(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("text", "said")),
        *(sa.Column(name, UtcTime, nullable=False) for name in ("start", "end", "asked_at", "seen_at")),
        sa.Column("read_from", UtcTime, nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "revision",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "account", "region"),
    )
    op.execute(
        "INSERT INTO revision (kind, account, region, value)"
        f" SELECT DISTINCT kind, account, region, '{uuid.uuid4().hex}' FROM entity"
    )
    meta = sa.table("meta", sa.column("key", sa.String()), sa.column("value", sa.Text()))
    op.bulk_insert(meta, [{"key": "store_id", "value": uuid.uuid4().hex}])  # whose telemetry files these are
    op.execute("UPDATE meta SET value = '2' WHERE key = 'schema_version'")
