"""The tables of the state database. Telemetry has schemas of its own, in `telemetry.py`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, String, Table, Text

SCHEMA_VERSION = 4
"""Raised with every migration (`migrations/versions/`): a change here needs one. A higher one is refused."""


class UtcTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC time, kept as milliseconds since the epoch."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time reached the store: {value}")
        return round(value.timestamp() * 1000)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


metadata = sa.MetaData()
Seq = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts rows only in an INTEGER key

meta = Table("meta", metadata, Column("key", String, primary_key=True), Column("value", Text, nullable=False))

target = Table(
    "target",
    metadata,
    Column("account", String, primary_key=True),
    Column("region", String, primary_key=True),
    Column("alias", String),
    Column("last_seen", UtcTime, nullable=False),
)

entity = Table(
    "entity",
    metadata,
    Column("kind", String, primary_key=True),
    Column("account", String, primary_key=True),
    Column("region", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("function", String),
    Column("body", sa.JSON, nullable=False),
    Column("first_seen", UtcTime, nullable=False),
    Column("last_seen", UtcTime, nullable=False),
    Column("gone_at", UtcTime),
)

revision = Table(
    "revision",  # changes with the entities of a kind and target: what is made of them is kept until then
    metadata,
    Column("kind", String, primary_key=True),
    Column("account", String, primary_key=True),
    Column("region", String, primary_key=True),
    Column("value", String, nullable=False),  # a UUID: never the same twice, in any store
)

listing = Table(
    "listing",
    metadata,
    Column("kind", String, primary_key=True),
    Column("account", String, primary_key=True),
    Column("region", String, primary_key=True),
    Column("function", String, primary_key=True),  # "" when the whole target was listed; may have /part
    Column("first_at", UtcTime, nullable=False),
    Column("last_at", UtcTime, nullable=False),
)

change = Table(
    "change",
    metadata,
    Column("id", Seq, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("name", String, nullable=False),
    Column("function", String),
    Column("field", String, nullable=False),  # "" when the thing itself appeared or went
    Column("old", sa.JSON),
    Column("new", sa.JSON),
    Column("ts", UtcTime, nullable=False),  # when AWS says it changed, else when we saw it
    Column("seen_at", UtcTime, nullable=False),
    Index("change_by_function", "account", "region", "function", "ts"),
)

run = Table(
    "run",
    metadata,
    Column("id", Seq, primary_key=True, autoincrement=True),
    Column("collector", String, nullable=False),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("window_start", UtcTime, nullable=False),
    Column("window_end", UtcTime, nullable=False),
    Column("period_s", Integer, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime, nullable=False),
    Column("outcome", String, nullable=False),
    Column("error", Text),
    Column("permission", String),
    Column("facts", Integer, nullable=False),
    Column("calls", Integer, nullable=False),
    Index("run_by_time", "collector", "account", "region", "finished_at"),
)

coverage = Table(
    "coverage",
    metadata,
    Column("id", Seq, primary_key=True, autoincrement=True),
    Column("collector", String, nullable=False),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("period_s", Integer, nullable=False),
    Column("start", UtcTime, nullable=False),
    Column("end", UtcTime, nullable=False),
    Column("settled", Boolean, nullable=False),
    Index("coverage_by_scope", "collector", "account", "region", "scope"),
)

gap = Table(
    "gap",
    metadata,
    Column("id", Seq, primary_key=True, autoincrement=True),
    Column("collector", String, nullable=False),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("start", UtcTime, nullable=False),
    Column("end", UtcTime, nullable=False),
    Column("why", Text, nullable=False),
    Column("permission", String),
    Column("seen_at", UtcTime, nullable=False),
    Index("gap_by_scope", "collector", "account", "region", "scope"),
)

usage = Table(
    "usage",
    metadata,
    Column("hour", UtcTime, primary_key=True),
    Column("account", String, primary_key=True),
    Column("region", String, primary_key=True),
    Column("collector", String, primary_key=True),
    Column("service", String, primary_key=True),
    Column("operation", String, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("cost_usd", String),  # exact decimal as text; null: price unknown
)

hot = Table(
    "hot",
    metadata,
    Column("seq", Seq, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("start", UtcTime, nullable=False),
    Column("end", UtcTime, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # Arrow IPC stream, zstd
    Index("hot_by_kind", "kind", "start"),
    sqlite_autoincrement=True,  # a seq is never used twice: readers cache by it
)

file = Table(
    "file",
    metadata,
    Column("path", String, primary_key=True),  # below the telemetry folder
    Column("kind", String, nullable=False),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("start", UtcTime, nullable=False),
    Column("end", UtcTime, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("replaced_at", UtcTime),  # set: readers skip it; unlinked after a grace time
    Column("period_s", Integer, nullable=False, server_default="0"),  # of rolled-up rows; 0: as they came
    Column("crc32", BigInteger),  # of its bytes; null: written before this was kept
    Column("unreadable", Text),  # why; set: readers go on without it, and say so
    Index("file_by_kind", "kind", "start"),
)

trimmed = Table(
    "trimmed",  # what the size cap removed: everything of the kind before `until`
    metadata,
    Column("kind", String, primary_key=True),
    Column("account", String, primary_key=True),
    Column("region", String, primary_key=True),
    Column("until", UtcTime, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("bytes", BigInteger, nullable=False),  # removed so far
)

rolled = Table(
    "rolled",  # up to when the points that a collector brings are kept at a longer period
    metadata,
    Column("collector", String, primary_key=True),
    Column("account", String, primary_key=True),
    Column("region", String, primary_key=True),
    Column("period_s", Integer, primary_key=True),
    Column("until", UtcTime, nullable=False),
)

lease = Table(
    "lease",  # which service watches a target; account and region "" stand for alerts and pacing
    metadata,
    Column("account", String, primary_key=True),
    Column("region", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("beat", BigInteger, nullable=False),  # of the holder when it took it
    Column("since", UtcTime, nullable=False),
)

member = Table(
    "member",  # services that share this store
    metadata,
    Column("holder", String, primary_key=True),
    Column("host", String, nullable=False),
    Column("beat", BigInteger, nullable=False),  # counts up while it lives
    Column("seen_at", UtcTime, nullable=False),  # by its own clock, for people
    Column("reach", sa.JSON, nullable=False),  # [account, region] of every target that it can watch
)

live_search = Table(
    "live_search",  # what a person asked the logs in AWS themselves; a service answers here, and forgets soon
    metadata,
    Column("id", String, primary_key=True),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("how", String, nullable=False),  # events, query, tail
    Column("functions", sa.JSON, nullable=False),
    Column("text", Text, nullable=False),
    Column("start", UtcTime, nullable=False),
    Column("end", UtcTime, nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),  # when somebody last looked: nobody looks, nothing is read
    Column("state", String, nullable=False),  # asked, running, done, failed, cancelled
    Column("said", Text, nullable=False),
    Column("read_from", UtcTime),  # all that the window holds since then was read
    Column("lines", sa.JSON, nullable=False),  # masked; newest first
    Column("calls", Integer, nullable=False),
    Column("cost_usd", String),  # exact decimal as text; null: not known yet
)

rule_state = Table(
    "rule_state",
    metadata,
    Column("rule", String, primary_key=True),
    Column("account", String, primary_key=True),
    Column("region", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("state", String, nullable=False),  # ok, firing, unknown
    Column("since", UtcTime, nullable=False),
    Column("evaluated_at", UtcTime, nullable=False),
    Column("value", Float),
    Column("reason", Text),
)

incident = Table(
    "incident",
    metadata,
    Column("id", String, primary_key=True),
    Column("rule", String, nullable=False),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("subject_kind", String, nullable=False),  # function, queue, account
    Column("subject", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("resolved_at", UtcTime),
    Column("acked_at", UtcTime),
    Column("acked_by", String),
    Column("value", Float),
    Column("threshold", Float),
    Column("grouped_under", String),  # the incident that tells this one too; null: it tells itself
    Column("cause", sa.JSON),  # {"kind", "text", "evidence": [...]}: why they belong together; null: alone
    Column("assignee", String),
    Column("verdict", String),  # what people say afterwards: real, noise; null: nobody said
    Column("tags", sa.JSON),  # of the subject, when it opened
    Column("labels", sa.JSON),  # of the rule, then
    Column("definition", sa.JSON),  # the rule, as it was then; null: it could not be told
    Index("incident_open", "resolved_at"),
)

marked_outage = Table(
    "marked_outage",  # trouble that people know of: backtests are compared with it
    metadata,
    Column("id", Seq, primary_key=True, autoincrement=True),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("start", UtcTime, nullable=False),
    Column("end", UtcTime, nullable=False),
    Column("who", String, nullable=False),
    Column("text", Text, nullable=False),
)

incident_event = Table(
    "incident_event",
    metadata,
    Column("id", Seq, primary_key=True, autoincrement=True),
    Column("incident", String, nullable=False),
    Column("ts", UtcTime, nullable=False),
    Column(
        "what", String, nullable=False
    ),  # opened, resolved, acknowledged, notice, delivered, held back, action ...
    Column("who", String),
    Column("text", Text, nullable=False),
    Index("incident_event_by_incident", "incident", "id"),
)

silence = Table(
    "silence",
    metadata,
    Column("id", Seq, primary_key=True, autoincrement=True),
    Column("rule", String),  # null matches any
    Column("account", String),
    Column("region", String),
    Column("subject", String),
    Column("start", UtcTime, nullable=False),
    Column("end", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("author", String, nullable=False),
    Column("matchers", sa.JSON),  # [{"name", "is": "=" "!=" "=~" "!~", "value"}], all must hold; null: none
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", String, primary_key=True),  # incident + reason + channel: a notice is queued once
    Column("seq", Integer, nullable=False),  # order within an incident and channel
    Column("incident", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("reason", String, nullable=False),  # firing, resolved, repeat
    Column("notice", sa.JSON, nullable=False),
    Column("state", String, nullable=False),  # queued, delivered, dead
    Column("attempts", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("delivered_at", UtcTime),
    Column("error", Text),
    Column("folded_into", String),  # the digest that tells this one; state is then `folded`
    Index("outbox_due", "state", "next_at"),
)

thread = Table(
    "thread",  # what a channel needs to answer or edit what it posted about an incident
    metadata,
    Column("incident", String, primary_key=True),
    Column("channel", String, primary_key=True),
    Column("ref", sa.JSON, nullable=False),
    Column("at", UtcTime, nullable=False),
)

channel_state = Table(
    "channel_state",  # the channels of the settings, and whether they take what they are sent
    metadata,
    Column("channel", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),  # unused, working, failing, dead
    Column("since", UtcTime, nullable=False),
    Column("said", Text, nullable=False),
    Column("failures", Integer, nullable=False),  # in a row
    Column("target", String, nullable=False),  # changes with the channel's settings; tells nothing of them
    Column("reported_at", UtcTime),  # through another channel
)

audit = Table(
    "audit",
    metadata,
    Column("id", String, primary_key=True),
    Column("ts", UtcTime, nullable=False),
    Column("who", String, nullable=False),
    Column("action", String, nullable=False),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("incident", String),
    Column("mode", String, nullable=False),  # dry run, apply
    Column("plan", sa.JSON, nullable=False),
    Column("outcome", String, nullable=False),  # planned, applied, failed, held back
    Column("answer", Text),
    Column("request_id", String),
)

action_request = Table(
    "action_request",  # what is asked of the service: it plans, and carries out what was approved
    metadata,
    Column("id", String, primary_key=True),
    Column("asked_at", UtcTime, nullable=False),
    Column("who", String, nullable=False),
    Column("action", sa.JSON, nullable=False),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("subject_kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("incident", String),
    Column("rule", String),
    Column("undo_of", String),  # the held change that it would restore
    Column("state", String, nullable=False),  # asked, planned, approved, declined, expired, applied, failed
    Column("plan", sa.JSON),
    Column("said", Text, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("decided_at", UtcTime),
    Column("decided_by", String),
    Index("action_request_by_state", "state"),
)

approval_link = Table(
    "approval_link",  # single use; the token itself is only in the message
    metadata,
    Column("hash", String, primary_key=True),  # SHA-256 of the token
    Column("request", String, nullable=False),
    Column("channel", String, nullable=False),  # that it was sent to
    Column("made_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Column("used_by", String),
)

held_change = Table(
    "held_change",  # a change in AWS that is on a lease: it is verified, and restored when it expires
    metadata,
    Column("id", String, primary_key=True),  # the audit's id of what was applied
    Column("who", String, nullable=False),
    Column("action", sa.JSON, nullable=False),
    Column("account", String, nullable=False),
    Column("region", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("incident", String),
    Column("rule", String),
    Column("what", String, nullable=False),  # the setting that was changed: reserved concurrency ...
    Column("thing", String, nullable=False),  # whose: a function, an alias, a mapping's UUID
    Column("before", sa.JSON),
    Column("after", sa.JSON),
    Column("applied_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),  # null: it stays
    Column("verify_by", UtcTime),  # null: nothing to verify
    Column("verified_at", UtcTime),
    Column("next_at", UtcTime),  # when a restoration that failed is tried again
    Column("state", String, nullable=False),  # applying, held, restoring, restored, kept, failed
    Column("said", Text, nullable=False),
    Index("held_change_by_state", "state"),
)

person = Table(
    "person",  # who signed in, and what they may
    metadata,
    Column("name", String, primary_key=True),  # e-mail, or the subject of the login
    Column("role", String, nullable=False),  # viewer, operator, admin
    Column("source", String, nullable=False),  # list, claim, default, anyone: what gave the role
    Column("why", Text, nullable=False),  # the same in words: which pattern, which value of the claim
    Column("seen_at", UtcTime, nullable=False),  # of a claim: when the provider gave its word
)

imported_bill = Table(
    "imported_bill",  # a payer's month as a file told it; a newer version takes its place
    metadata,
    Column("source", String, primary_key=True),  # cur, focus
    Column("payer", String, primary_key=True),
    Column("month", String, primary_key=True),  # 2026-10
    Column("files", sa.JSON, nullable=False),  # [{"name", "sha256"}]
    Column("read", BigInteger, nullable=False),  # lines of the files that are of this month
    Column("repeated", BigInteger, nullable=False),  # of those, found twice and counted once
    Column("last_day", String, nullable=False),  # 2026-10-31: up to when there is use
    Column("imported_at", UtcTime, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # sums per day, account ...: Arrow IPC stream, zstd
)
