"""A function's configuration in words, and when each of its settings last changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.facts import Target
from core.runtimes import lifecycle
from store import schema
from store.asking import reader
from store.readers.frames import rows
from store.readers.things import Thing, Things
from store.readers.triggers import NOW_ONLY
from store.readers.words import name_of, value_of
from store.store import Filter, Snapshot, Store

COLUMNS = ("group", "name", "value", "field", "changed_at")
GROUPS: Mapping[str, tuple[str, ...]] = {
    "Code": (
        "runtime",
        "runtime_version_arn",
        "custom_runtime_arn",
        "package_type",
        "architecture",
        "handler",
        "code_size_bytes",
        "layers",
        "snap_start",
        "last_modified",
        "edge_master_arn",
    ),
    "Limits": ("memory_mb", "timeout_s", "ephemeral_mb", "accelerator_gb", "tenancy"),
    "Network and rights": ("role", "vpc_id", "subnet_ids", "security_group_ids", "file_system_arn"),
    "Logs and traces": (
        "log_group",
        "log_format",
        "system_log_level",
        "application_log_level",
        "tracing_mode",
    ),
    "Failures": ("dead_letter_arn",),
    "Managed Instances": ("capacity_provider_arn", "environment_concurrency", "memory_gib_per_vcpu"),
    "Durable executions": ("durable_execution_timeout_s", "durable_retention_days"),
}
"""Fields of a function in the order a person reads them."""

MAY_LACK = {"Managed Instances", "Durable executions"}
"""Groups that most functions have nothing of: left out when all of them is unknown."""

BESIDE: Mapping[str, tuple[str, str]] = {
    "reserved": ("Limits", "reserved"),
    "provisioned": ("Limits", "requested"),
    "invoke_config": ("Failures", ""),
    "log_group": ("Logs and traces", ""),
}
"""Entities beside the function: their group, and the one field that is told of them (all, if "")."""


@reader
def configuration(store: Store, target: Target, function: str, *, now: datetime) -> pd.DataFrame:
    """One row per setting: group, name, value (text with its unit; `none`: not set or not known), field,
    changed_at (when it was last seen to change; NaT: not since we watch). Tags, reserved and provisioned
    concurrency, async settings, the log group's retention and size, and the runtime's end are among them.
    Empty for a function that is not known."""
    with store.snapshot(NOW_ONLY) as snapshot:
        things = Things.read(
            snapshot, "function", *BESIDE, where=Filter(target.account, target.region, function)
        )
        changed = _changed(snapshot, target)
    mine = next((thing for thing in things.of("function") if thing.name == function), None)
    found = [] if mine is None else [*_own(mine, now), *_beside(things, mine)]
    frame = pd.DataFrame(
        [(*row[:4], changed.get(row[4:])) for row in found], columns=pd.Index(COLUMNS), dtype=object
    )
    frame["changed_at"] = pd.to_datetime(frame["changed_at"], utc=True).dt.as_unit("us")
    return frame


Row = tuple[str, str, str, str, str, str, str]
"""Group, name, value, field; then kind and name of the entity, and the field that its changes have."""


def _own(thing: Thing, now: datetime) -> Iterator[Row]:
    body = thing.body
    for group, fields in GROUPS.items():
        if group in MAY_LACK and all(body.get(field) is None for field in fields):
            continue
        for field in fields:
            yield _row(group, name_of(field), field, body.get(field), thing)
        if group == "Code":
            said = lifecycle(body.get("runtime"), now.date()).said
            yield group, "Support of the runtime", said, "runtime_support", "function", thing.name, "runtime"
    for key, value in sorted((body.get("tags") or {}).items()):
        yield "Tags", key, value, "tags", "function", thing.name, "tags"


def _beside(things: Things, mine: Thing) -> Iterator[Row]:
    group = mine.body.get("log_group")
    for kind, (title, only) in BESIDE.items():
        for thing in things.of(kind):
            if thing.function != mine.name and (kind != "log_group" or thing.name != group):
                continue
            qualifier = thing.body.get("qualifier")
            suffix = f" of {qualifier}" if qualifier and qualifier != "$LATEST" else ""
            fields = [only] if only else [f for f in thing.body if f not in {"function", "qualifier"}]
            for field in fields:
                name = f"Log group: {name_of(field).lower()}" if kind == "log_group" else name_of(field)
                yield _row(title, name + suffix, field, thing.body.get(field), thing)


def _row(group: str, name: str, field: str, value: Any, thing: Thing) -> Row:
    return group, name, value_of(field, value), field, thing.kind, thing.name, field


def _changed(snapshot: Snapshot, target: Target) -> Mapping[tuple[str, ...], datetime]:
    """When each field of each entity last changed."""
    c = schema.change.c
    query = (
        sa.select(c.kind, c.name, c.field, sa.func.max(c.ts).label("ts"))
        .where(c.account == target.account, c.region == target.region)
        .where(c.kind.in_(("function", *BESIDE)))
        .group_by(c.kind, c.name, c.field)
    )
    return {(row.kind, row.name, row.field): row.ts for row in rows(snapshot.state(query))}
