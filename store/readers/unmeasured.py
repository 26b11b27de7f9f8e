"""What of functions' usage is not known, and why; and the traits that make a function's usage special."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa

from store import schema
from store.readers.beside import unread_queues, untold_traces
from store.readers.coverage import Coverage
from store.readers.held import infrequent, is_charged_snapshot, is_java, log_groups, writers
from store.readers.things import PLACE, Place, Things, once
from store.store import Snapshot

NO_BILLED = "the records lack memory or Billed Duration"

REASONS: Mapping[str, str] = {
    "no_billed": "; ".join(f"{part}: {NO_BILLED}" for part in ("duration", "init", "ephemeral")),
    "no_memory": "provisioned: the memory of its version is not known",
    "no_volume": "logs: the volume of its log group is not known, or shared",
    "no_storage": "log storage: the size of its log group is not known, or shared",
    "no_restores": "snapstart: restores are in records only, which were not read",
    "no_tenants": "tenancy: new environments of tenants are in records only, which were not read",
    "no_queue": "queues: the metrics of a queue were not read",
    "no_traces": "tracing: X-Ray's traces were not read, or go to CloudWatch Logs",
    "no_instances": "instances: AWS publishes no hours of Managed Instances",
}
"""Columns that say what is not known: `core.telemetry.Metered.unknown` of each."""


@dataclass(frozen=True, slots=True)
class Traits:
    """Functions whose usage is charged in a way of its own: replicas at the edge, those on Managed Instances,
    those that isolate tenants, have snapshots that are charged, or would have free ones (Java), and those
    with a log group of the infrequent access class."""

    replicas: Collection[Place]
    on_instances: Collection[Place]
    tenants: Collection[Place]
    snapshots: Collection[Place]
    free_snapshots: Collection[Place]
    infrequent: Collection[Place]

    @classmethod
    def of(cls, things: Things) -> Traits:
        return _traits(things)


@once
def _traits(things: Things) -> Traits:
    bodies = [(t.place, t.body) for t in things.of("function", gone=True)]
    return Traits(
        replicas={place for place, body in bodies if body.get("edge_master_arn")},
        on_instances={place for place, body in bodies if body.get("capacity_provider_arn")},
        tenants={place for place, body in bodies if body.get("tenancy") == "PER_TENANT"},
        snapshots={t.place for t in things.of("version", gone=True) if is_charged_snapshot(t.body)},
        free_snapshots={place for place, body in bodies if is_java(body)},
        infrequent=infrequent(things),
    )


def flags(snapshot: Snapshot, things: Things, coverage: Coverage) -> dict[str, set[Place]]:
    """Functions of which something is not known, whatever they did."""
    return {
        "no_storage": _unstored(snapshot, things, coverage),
        "no_queue": unread_queues(things, coverage),
        "no_traces": untold_traces(things, coverage),
    }


def flagged(rows: pd.DataFrame, unknown: Mapping[str, Collection[Place]]) -> pd.DataFrame:
    """The rows, which say of each function what is not known of it."""
    keys = list(zip(*(rows[name].tolist() for name in PLACE), strict=True))
    said = {flag: [key in places for key in keys] for flag, places in unknown.items() if places}
    return rows.assign(**said)


def _unstored(snapshot: Snapshot, things: Things, coverage: Coverage) -> set[Place]:
    """Functions whose log group is shared or has no size, or lies where log groups could not be listed."""
    c = schema.listing.c
    listed = sa.select(c.account, c.region).where(c.kind == "log_group")
    read = set(snapshot.state(listed).itertuples(index=False, name=None))
    known, found = log_groups(things), set[Place]()
    for key, places in writers(things).items():
        group = known.get(key)
        is_sized = group is not None and group.body.get("stored_bytes") is not None and len(places) == 1
        is_absent = group is None and (key[:2] in read or coverage.is_healthy("details", *key[:2]))
        found |= set() if is_sized or is_absent else places
    return found


def reasons(rows: pd.DataFrame) -> pd.Series[Any]:
    """Per row what is not known and why, as `core.telemetry.Metered.unknown` has it."""
    said = pd.Series("", index=rows.index, dtype=object)
    for flag, words in REASONS.items():
        if rows[flag].any():
            said = said.where(~rows[flag], said + "; " + words)
    told = {text: text.removeprefix("; ") or None for text in said.unique()}
    return pd.Series([told[text] for text in said], index=rows.index, dtype=object)
