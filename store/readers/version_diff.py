"""What a published version has that the one before it had not, even if it is older than our watch."""

from __future__ import annotations

import pandas as pd

from core.facts import Target
from store.asking import reader
from store.bodies import BOOKKEEPING
from store.readers.revisions import COLUMNS
from store.readers.things import Thing, Things
from store.readers.triggers import NOW_ONLY
from store.readers.words import name_of, value_of
from store.store import Filter, Store

OF_ITSELF = {"function", "version", "published", "snap_start_status"} | BOOKKEEPING
"""Fields that differ between any two versions, and what Lambda still does to one."""


@reader
def version_diff(store: Store, target: Target, function: str, version: str) -> pd.DataFrame:
    """Fields in which a version differs from the one published before it: columns of `configuration_diff`. A
    version keeps code, memory, timeout, runtime and so on as they were published. Empty when nothing that is
    kept differs, and when no earlier version is known."""
    where = Filter(target.account, target.region, function)
    with store.snapshot(NOW_ONLY) as snapshot:
        things = Things.read(snapshot, "version", where=where)
        known = {
            int(thing.body["version"]): thing
            for thing in things.of("version", gone=True)
            if thing.function == function and str(thing.body["version"]).isdecimal()
        }
    number = int(version) if version.isdecimal() else 0
    earlier = max((other for other in known if other < number), default=None)
    if number not in known or earlier is None:
        return pd.DataFrame(columns=pd.Index(COLUMNS), dtype=object)
    return _differences(known[earlier], known[number], f"Version {earlier} → {number}")


def _differences(old: Thing, new: Thing, title: str) -> pd.DataFrame:
    lines = []
    for field in sorted({*old.body, *new.body} - OF_ITSELF):
        before, after = old.body.get(field), new.body.get(field)
        if before != after:
            label, was, now = name_of(field), value_of(field, before), value_of(field, after)
            says = f"{title}: {label} {was} → {now}"
            lines.append((new.kind, new.name, title, field, label, was, now, says))
    return pd.DataFrame(lines, columns=pd.Index(COLUMNS), dtype=object)
