"""When each function was last invoked, in all that is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from core.windows import MINUTE, Window
from store.asking import reader
from store.readers.frames import rows
from store.readers.records import FUNCTION_POINTS
from store.readers.things import Place
from store.store import Store

STAGES = (timedelta(days=1), timedelta(days=15), timedelta(days=455))
"""How far back to look: further only for functions that nothing nearer was found of."""


@reader
def last_invocations(
    store: Store, places: Iterable[Place], window: Window, known: Mapping[Place, datetime], *, now: datetime
) -> dict[Place, datetime]:
    """Per function: the newest record, or the newest minute with invocations if that is later. `known` are
    those of `window`: they are the newest of all if nothing can be stored after it."""
    is_newest = window.end >= now - MINUTE
    found = dict(known) if is_newest else {}
    wanted, end = set(places) - found.keys(), window.start if is_newest else now + MINUTE
    for reach in STAGES:
        start = now - reach
        if not wanted or start >= end:
            continue
        found |= {place: ts for place, ts in _newest(store, Window(start, end)).items() if place in wanted}
        wanted, end = wanted - found.keys(), start
    return found


def _newest(store: Store, window: Window) -> dict[Place, datetime]:
    with store.snapshot(window, ("metrics", "invocations")) as snapshot:
        frame = snapshot.frame(
            f"""SELECT account, region, "function", max(ts) AS ts FROM (
                SELECT account, region, "function", ts FROM invocations
                UNION ALL
                SELECT account, region, "function", ts FROM metrics
                WHERE {FUNCTION_POINTS} AND invocations > 0
            ) GROUP BY ALL"""
        )
    return {(row.account, row.region, row.function): row.ts.to_pydatetime() for row in rows(frame)}
