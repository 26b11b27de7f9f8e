"""Causes of incidents, threads, asked and held changes, who signed in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

UtcTime = sa.BigInteger()  # milliseconds since the epoch
Seq = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name in ("grouped_under", "assignee", "verdict"):
        op.add_column("incident", sa.Column(name, sa.String(), nullable=True))
    for name in ("cause", "tags", "labels", "definition"):
        op.add_column("incident", sa.Column(name, sa.JSON(), nullable=True))
    op.add_column("silence", sa.Column("matchers", sa.JSON(), nullable=True))
    op.add_column("outbox", sa.Column("folded_into", sa.String(), nullable=True))
    _table(
        "marked_outage",
        ["account", "region", "subject", "who"],
        texts=["text"],
        times=["start", "end"],
        key=["id"],
        more=[sa.Column("id", Seq, autoincrement=True, nullable=False)],
    )
    _table("thread", ["incident", "channel"], times=["at"], more=[_json("ref", nullable=False)])
    _table(
        "channel_state",
        ["channel", "kind", "state", "target"],
        texts=["said"],
        times=["since"],
        maybe_times=["reported_at"],
        key=["channel"],
        more=[sa.Column("failures", sa.Integer(), nullable=False)],
    )
    _table(
        "action_request",
        ["id", "who", "account", "region", "subject_kind", "subject", "state"],
        maybe=["incident", "rule", "undo_of", "decided_by"],
        texts=["said"],
        times=["asked_at", "expires_at"],
        maybe_times=["decided_at"],
        key=["id"],
        more=[_json("action", nullable=False), _json("plan")],
    )
    op.create_index("action_request_by_state", "action_request", ["state"])
    _table(
        "approval_link",
        ["hash", "request", "channel"],
        maybe=["used_by"],
        times=["made_at", "expires_at"],
        maybe_times=["used_at"],
        key=["hash"],
    )
    _table(
        "held_change",
        ["id", "who", "account", "region", "subject", "what", "thing", "state"],
        maybe=["incident", "rule"],
        texts=["said"],
        times=["applied_at"],
        maybe_times=["expires_at", "verify_by", "verified_at", "next_at"],
        key=["id"],
        more=[_json("action", nullable=False), _json("before"), _json("after")],
    )
    op.create_index("held_change_by_state", "held_change", ["state"])
    _table("person", ["name", "role", "source"], texts=["why"], times=["seen_at"], key=["name"])
    op.execute("UPDATE meta SET value = '3' WHERE key = 'schema_version'")


def _table(
    name: str,
    words: Sequence[str],
    *,
    maybe: Sequence[str] = (),
    texts: Sequence[str] = (),
    times: Sequence[str] = (),
    maybe_times: Sequence[str] = (),
    key: Sequence[str] | None = None,
    more: Sequence[sa.Column[Any]] = (),
) -> None:
    """A table of words and times; its key is all of `words` unless said otherwise."""
    op.create_table(
        name,
        *(sa.Column(word, sa.String(), nullable=False) for word in words),
        *(sa.Column(word, sa.String(), nullable=True) for word in maybe),
        *(sa.Column(text, sa.Text(), nullable=False) for text in texts),
        *(sa.Column(time, UtcTime, nullable=False) for time in times),
        *(sa.Column(time, UtcTime, nullable=True) for time in maybe_times),
        *more,
        sa.PrimaryKeyConstraint(*(key or words)),
    )


def _json(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON(), nullable=nullable)
