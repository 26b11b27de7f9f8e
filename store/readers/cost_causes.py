"""What was done to functions while their cost moved: deploys and other changes, per group of costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.windows import Window
from store.asking import reader
from store.readers.changes import changes
from store.readers.cost import Names
from store.readers.frames import rows
from store.readers.things import EVERYTHING, Things, matches
from store.store import Filter, Store

KINDS = frozenset({"deploy", "configuration", "concurrency", "appeared"})
"""Changes that may change what an invocation costs, or what is held ready."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one function: `what` is a sentence such as `Deploy v3 → v4`."""

    ts: datetime
    function: str
    kind: str
    what: str


@reader
def changes_by(
    store: Store, window: Window, *, by: str, where: Filter = EVERYTHING
) -> Mapping[str, Sequence[Change]]:
    """Per group of `costs` (by account, function, tag:NAME ...) the changes of its functions in the window,
    the newest first."""
    with store.snapshot(window) as snapshot:
        names = Names(Things.read(snapshot, "function", where=where))
    found: dict[str, list[Change]] = {}
    for row in rows(changes(store, window)):
        place = row.account, row.region, row.function
        if row.kind in KINDS and row.function and matches(where, *place):
            change = Change(row.ts.to_pydatetime(), row.function, row.kind, row.what)
            found.setdefault(names.name(place, by), []).append(change)
    return found
