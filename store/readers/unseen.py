"""Changes from before we watched: CloudTrail remembers that they were made, not what they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from store import schema
from store.readers.callers import Call, Callers
from store.readers.frames import rows
from store.readers.things import Place
from store.store import Snapshot

TOLD: Mapping[str, tuple[str, str]] = {
    "CreateAlias": ("alias", "Alias {} was made"),
    "CreateEventSourceMapping": ("mapping", "A trigger was added"),
    "CreateFunctionUrlConfig": ("mapping", "A function URL was added"),
    "DeleteAlias": ("alias", "Alias {} was deleted"),
    "DeleteEventSourceMapping": ("mapping", "A trigger was removed"),
    "DeleteFunctionConcurrency": ("concurrency", "Reserved concurrency was removed"),
    "DeleteFunctionUrlConfig": ("mapping", "A function URL was removed"),
    "DeleteProvisionedConcurrencyConfig": ("concurrency", "Provisioned concurrency of {} was removed"),
    "PutFunctionConcurrency": ("concurrency", "Reserved concurrency was set"),
    "PutFunctionEventInvokeConfig": ("configuration", "Async settings were changed"),
    "PutProvisionedConcurrencyConfig": ("concurrency", "Provisioned concurrency of {} was set"),
    "UpdateAlias": ("alias", "Alias {} was changed"),
    "UpdateEventSourceMapping": ("mapping", "A trigger was changed"),
    "UpdateFunctionCode": ("deploy", "New code in $LATEST"),
    "UpdateFunctionConfiguration": ("configuration", "Configuration was changed"),
    "UpdateFunctionEventInvokeConfig": ("configuration", "Async settings were changed"),
    "UpdateFunctionUrlConfig": ("mapping", "A function URL was changed"),
}
"""Kind of change and sentence per call; published versions tell of themselves."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """A change that only CloudTrail tells of."""

    place: Place
    kind: str
    what: str
    call: Call


def watched_since(snapshot: Snapshot) -> Mapping[tuple[str, str], datetime]:
    """Per account and region: when its functions were first listed."""
    c = schema.listing.c
    query = sa.select(c.account, c.region, c.first_at).where(c.kind == "function", c.function == "")
    return {(row.account, row.region): row.first_at.to_pydatetime() for row in rows(snapshot.state(query))}


def unseen(callers: Callers, since: Mapping[tuple[str, str], datetime]) -> Iterator[Unseen]:
    """Calls that changed something before the function's account and region were watched."""
    for place, call in callers.all():
        began = since.get(place[:2])
        if call.action in TOLD and place[2] and began is not None and call.ts < began:
            kind, what = TOLD[call.action]
            yield Unseen(place, kind, what.format(_named(call.resource)), call)


def _named(resource: Any) -> str:
    return resource if isinstance(resource, str) and resource else "(not named)"
