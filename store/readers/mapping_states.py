"""Which event source mappings do not work now, as far as we saw them stop."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import sqlalchemy as sa

from core.windows import Window
from store import schema
from store.asking import reader
from store.readers.frames import rows
from store.readers.things import Thing, Things
from store.store import Store

WORKS, OFF, FAILS = "works", "off", "fails"
_EPOCH = datetime.fromtimestamp(0, UTC)
_ON = frozenset({"Enabled", "Enabling", "Creating", "Updating"})
"""https://docs.aws.amazon.com/lambda/latest/api/API_EventSourceMappingConfiguration.html (State)."""


@reader
def mapping_states(store: Store) -> pd.DataFrame:
    """Per event source mapping: account, region, mapping, function, stands (works; off, and we saw it
    switched off; fails: its last result is a problem; None: off since before we watched, which may be meant
    so, or AWS said nothing), says."""
    c = schema.change.c
    query = sa.select(c.account, c.region, c.name).where(c.kind == "mapping", c.field == "state").distinct()
    with store.snapshot(Window(_EPOCH, _EPOCH)) as snapshot:
        things = list(Things.read(snapshot, "mapping").of("mapping"))
        moved = {(r.account, r.region, r.name) for r in rows(snapshot.state(query))}
    lines = [
        (t.account, t.region, t.name, t.function, *_stands(t, (t.account, t.region, t.name) in moved))
        for t in things
    ]
    columns = ["account", "region", "mapping", "function", "stands", "says"]
    return pd.DataFrame(lines, columns=pd.Index(columns), dtype=object)


def _stands(thing: Thing, has_moved: bool) -> tuple[str | None, str]:
    state, result = thing.body.get("state"), str(thing.body.get("last_result") or "")
    if state is None:
        return None, "AWS did not say its state"
    if state in _ON:
        return (FAILS, result) if result.upper().startswith("PROBLEM") else (WORKS, result)
    reason = f": {said}" if (said := thing.body.get("state_reason")) else ""
    return (OFF if has_moved else None), f"{str(state).lower()}{reason}"
