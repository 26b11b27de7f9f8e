"""Whether queues drain, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from core.draining import drain
from core.windows import Window
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import with_none
from store.readers.letters import LOOK_BACK, SOURCE, queue_roles, role_and_functions, samples
from store.readers.states import known
from store.readers.things import EVERYTHING, Thing, Things
from store.store import Filter, Store

OVER = timedelta(minutes=30)
"""As much of the newest minutes as tells how a queue goes on."""

COLUMNS = [
    *("account", "region", "queue", "arn", "role", "functions", "depth", "arrived", "deleted"),
    *("in_per_s", "out_per_s", "outlook", "drains_in_s", "says", "state"),
]


@reader
def drains(
    store: Store, *, now: datetime, over: timedelta = OVER, where: Filter = EVERYTHING
) -> pd.DataFrame:
    """Per queue: account, region, queue (name), arn, role, functions (list: whose it is), depth (the newest
    told: visible, in flight and delayed; NaN: not told), arrived and deleted (in the last `over`; of a source
    queue what was sent, since a depth that sways from minute to minute adds up to arrivals; NaN: not
    collected), in_per_s and out_per_s, outlook (empty, draining, steady, growing, held: messages that nobody
    takes out; unknown), drains_in_s (NaN: not in sight), says (a sentence), state (None: settled numbers).
    Growing and held ones first, the deepest first."""
    window = Window.last(over, now=now)
    reach = Window(window.start - LOOK_BACK, window.end)
    with store.snapshot(reach, ("queue_samples",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="queues")
        found = samples(snapshot, Coverage.read(snapshot, reach, now=now, only="queues"))
        things = Things.read(snapshot, "function", "mapping", "invoke_config", "queue")
    roles = queue_roles(things)
    lines = []
    for thing in things.of("queue"):
        role, functions = role_and_functions(roles, thing.name)
        in_scope = where.account in {None, thing.account} and where.region in {None, thing.region}
        if in_scope and (where.function is None or where.function in functions):
            mine = found[(found["queue"] == thing.name) & (found["ts"] >= window.start)]
            lines.append(_row(thing, mine, coverage, role) | {"functions": functions})
    frame = pd.DataFrame(lines, columns=pd.Index(COLUMNS))
    numbers = ["depth", "arrived", "deleted", "in_per_s", "out_per_s", "drains_in_s"]
    frame[numbers] = frame[numbers].astype(float)
    frame["state"] = with_none(frame["state"])
    rank = frame["outlook"].map({"growing": 0, "held": 0, "draining": 1, "steady": 1, "unknown": 2}).fillna(3)
    keys = frame.assign(rank=rank).sort_values(["rank", "depth", "queue"], ascending=[True, False, True])
    return frame.loc[keys.index].reset_index(drop=True)


def _row(thing: Thing, mine: pd.DataFrame, coverage: Coverage, role: str) -> dict[str, Any]:
    seen = coverage.seen("queues", thing.account, thing.region, thing.name)
    came = "sent" if role == SOURCE and mine["sent"].sum() > 0 else "arrivals"
    arrived, deleted = (known(float(mine[name].sum()), seen) for name in (came, "deleted"))
    depth = _depth(thing, mine)
    told = drain(depth, arrived, deleted, coverage.window.duration)
    return {
        "account": thing.account,
        "region": thing.region,
        "queue": thing.name.rsplit(":", 1)[-1],
        "arn": thing.name,
        "role": role,
        "depth": depth,
        "arrived": arrived,
        "deleted": deleted,
        "in_per_s": told.in_per_s,
        "out_per_s": told.out_per_s,
        "outlook": told.outlook,
        "drains_in_s": told.drains_in_s,
        "says": told.says,
        "state": seen.state(),
    }


def _depth(thing: Thing, mine: pd.DataFrame) -> float | None:
    """As the queue was last asked; else its newest sample."""
    told = [thing.body.get(name) for name in ("visible", "not_visible", "delayed")]
    if told[0] is not None:
        return float(sum(count or 0 for count in told))
    sampled = mine["depth"].dropna()
    return float(sampled.iloc[-1]) if len(sampled) else None
