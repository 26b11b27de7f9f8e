"""The names of things that are known, for choosing among them."""

from __future__ import annotations

import pandas as pd

from core.windows import Window
from store.asking import reader
from store.readers.things import EVERYTHING, PLACE, Things
from store.store import Filter, Store


@reader
def function_names(store: Store, window: Window, *, where: Filter = EVERYTHING) -> pd.DataFrame:
    """account, region, function of those that exist, sorted by name."""
    with store.snapshot(window) as snapshot:
        found = Things.read(snapshot, "function", where=where).of("function")
    places = sorted((t.place for t in found if t.gone_at is None), key=lambda place: place[::-1])
    return pd.DataFrame(places, columns=pd.Index(PLACE))


@reader
def queue_names(store: Store, window: Window, *, where: Filter = EVERYTHING) -> pd.DataFrame:
    """account, region, arn, queue of those that exist, sorted by name."""
    with store.snapshot(window) as snapshot:
        found = Things.read(snapshot, "queue", where=where).of("queue")
    rows = sorted((t.name.rpartition(":")[2], t.name, t.region, t.account) for t in found)
    frame = pd.DataFrame(rows, columns=pd.Index(["queue", "arn", "region", "account"]))
    return frame[["account", "region", "arn", "queue"]]
