"""The log group of every function: how long it keeps lines, how much it holds, who else writes to it."""

from __future__ import annotations

import pandas as pd

from core.windows import Window
from store.asking import reader
from store.readers.held import group_of, log_groups, writers
from store.readers.things import EVERYTHING, Things, matches
from store.store import Filter, Store

COLUMNS = [
    "account",
    "region",
    "function",
    "group",
    "is_known",
    "retention_days",
    "stored_bytes",
    "log_class",
]


@reader
def function_log_groups(store: Store, window: Window, *, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Per function: account, region, function, group (its name), is_known (False: it was not listed, or does
    not exist), retention_days (NaN: it never expires), stored_bytes (NaN: not known), log_class (None: not
    known), writers (how many functions write to it)."""
    with store.snapshot(window, ()) as snapshot:
        things = Things.read(snapshot, "function", "log_group", where=Filter(where.account, where.region))
    known, sharing = log_groups(things), writers(things)
    lines = []
    for thing in things.of("function"):
        if matches(where, *thing.place):
            key = group_of(thing)
            group = known.get(key)
            body = group.body if group and group.gone_at is None else {}
            about = [body.get(name) for name in ("retention_days", "stored_bytes", "log_class")]
            lines.append([*thing.place, key[2], bool(body), *about, len(sharing[key])])
    frame = pd.DataFrame(lines, columns=pd.Index([*COLUMNS, "writers"]))
    numbers = ["retention_days", "stored_bytes", "writers"]
    return frame.assign(**{name: frame[name].astype(float) for name in numbers})
