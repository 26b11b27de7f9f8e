"""What invokes functions, with live state: mappings, grants of resource policies and function URLs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from core.facts import Target
from core.windows import Window
from store.asking import reader
from store.readers.frames import with_none
from store.readers.things import EVERYTHING, Thing, Things, matches
from store.readers.wiring import mapping_row, trigger_row
from store.store import Filter, Store

COLUMNS = (
    "kind",
    "title",
    "source",
    "state",
    "last_result",
    "qualifier",
    "batch_size",
    "enabled",
    "detail",
    "schedule",
    "is_public",
    "targets_function",
    "source_arn",
    "source_account",
    "name",
)
MAY_BE_NONE = (
    "state",
    "last_result",
    "qualifier",
    "batch_size",
    "schedule",
    "targets_function",
    "source_arn",
    "source_account",
)
PLACE = ("account", "region", "function")

NOW_ONLY = Window(*[datetime(1970, 1, 1, tzinfo=UTC)] * 2)
"""For readers of entities alone: no telemetry is asked for."""


@reader
def triggers(store: Store, target: Target, function: str) -> pd.DataFrame:
    """What invokes one function, mappings first: kind (of `core.triggers.KINDS`, or a service's own name),
    title (the kind for people), source (queue, bucket, rule, API, account ...), state (the source's own word;
    None: it has none, or it was not read), last_result (of a mapping), qualifier (None: the function itself),
    batch_size, enabled (bool: False when its state, or a rule without the target, says that it does not
    invoke), detail (a few words), schedule (rate or cron expression), is_public (anyone may invoke),
    targets_function (None: not known), source_arn, source_account, name."""
    return all_triggers(store, where=Filter(target.account, target.region, function))[list(COLUMNS)]


@reader
def all_triggers(store: Store, *, where: Filter = EVERYTHING) -> pd.DataFrame:
    """What invokes the fleet: account, region, function, and the columns of `triggers`. A function without a
    row has no trigger that we know of; an invocation by a role of its own account needs none."""
    with store.snapshot(NOW_ONLY) as snapshot:
        things = Things.read(snapshot, "mapping", "trigger", where=where)
    found = sorted(_rows(things, where), key=lambda row: (*(row[key] for key in PLACE), row["order"]))
    frame = pd.DataFrame(found, columns=pd.Index((*PLACE, *COLUMNS)))
    for column in MAY_BE_NONE:
        frame[column] = with_none(frame[column])
    return frame


def _rows(things: Things, where: Filter) -> Iterator[dict[str, Any]]:
    triggers = [t for t in things.of("trigger") if matches(where, *t.place)]
    urls = {(*t.place, t.body.get("qualifier")) for t in triggers if _is_url(t)}
    for thing in things.of("mapping"):
        if matches(where, *thing.place):
            yield _placed(thing, mapping_row(thing.name, thing.body), 0)
    for thing in triggers:
        is_grant = thing.body["kind"] == "function-url" and not _is_url(thing)
        if is_grant and (*thing.place, thing.body.get("qualifier")) in urls:
            continue  # the URL's own row tells
        row = trigger_row(thing.name, thing.body)
        if is_grant:
            row |= {"enabled": False, "detail": "a grant for a URL that does not exist"}
        yield _placed(thing, row, 1)


def _is_url(thing: Thing) -> bool:
    return thing.body["kind"] == "function-url" and thing.body.get("principal") is None


def _placed(thing: Thing, row: dict[str, Any], first: int) -> dict[str, Any]:
    place = dict(zip(PLACE, thing.place, strict=True))
    return {**place, **row, "order": (first, thing.name)}
