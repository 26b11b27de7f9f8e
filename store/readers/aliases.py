"""Aliases of a function: which versions they send to, in which shares, as it is now."""

from __future__ import annotations

import pandas as pd

from core.facts import Target
from store.asking import reader
from store.readers.things import Thing, Things
from store.readers.triggers import NOW_ONLY
from store.store import Filter, Store

COLUMNS = ("alias", "version", "asked_share", "resource")


@reader
def aliases(store: Store, target: Target, function: str) -> pd.DataFrame:
    """A row per alias and version that it sends to: alias, version, asked_share (0..1, as the alias is
    configured), resource (what CloudWatch counts that share under: `live`, of a weighted alias `live@12`).
    By alias, the largest share first."""
    where = Filter(target.account, target.region, function)
    with store.snapshot(NOW_ONLY) as snapshot:
        things = [
            t for t in Things.read(snapshot, "alias", where=where).of("alias") if t.function == function
        ]
    lines = [line for thing in things for line in _shares(thing)]
    lines.sort(key=lambda line: (line[0], -line[2], line[1]))
    return pd.DataFrame(lines, columns=pd.Index(COLUMNS)).astype({"asked_share": float})


def _shares(thing: Thing) -> list[tuple[str, str, float, str]]:
    alias, weights = str(thing.body["alias"]), dict(thing.body.get("weights") or {})
    shares = {str(thing.body["version"]): 1 - sum(weights.values()), **weights}
    return [
        (alias, str(version), float(share), f"{alias}@{version}" if weights else alias)
        for version, share in shares.items()
    ]
