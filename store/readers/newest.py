"""When each function was last invoked, in all that is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from core.windows import MINUTE, Window
from store.asking import reader
from store.losses import Loss
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
    those of `window`: they are the newest of all if nothing can be stored after it. A function that may have
    been invoked in rows that cannot be read is left out."""
    is_newest = window.end >= now - MINUTE
    found = dict(known) if is_newest else {}
    wanted, end = set(places) - found.keys(), window.start if is_newest else now + MINUTE
    for reach in STAGES:
        start = now - reach
        if not wanted or start >= end:
            continue
        newest, lost = _newest(store, Window(start, end))
        found |= {
            place: ts for place, ts in newest.items() if place in wanted and not _later(place, ts, lost)
        }
        wanted -= found.keys() | {place for place in wanted if _later(place, newest.get(place), lost)}
        end = start
    return found


def _newest(store: Store, window: Window) -> tuple[dict[Place, datetime], Sequence[Loss]]:
    """The newest of each function in a window, and what of the window cannot be read."""
    with store.snapshot(window, ("metrics", "invocations")) as snapshot:
        snapshot.by_hour(window)
        frame = snapshot.frame(
            f"""SELECT account, region, "function", max(ts) AS ts FROM (
                SELECT account, region, "function", ts FROM invocations
                UNION ALL
                SELECT account, region, "function", newest FROM metrics_by_hour
                WHERE {FUNCTION_POINTS} AND invocations > 0
            ) GROUP BY ALL"""
        )
        newest = {(row.account, row.region, row.function): row.ts.to_pydatetime() for row in rows(frame)}
        return newest, tuple(snapshot.lost)


def _later(place: Place, ts: datetime | None, lost: Iterable[Loss]) -> bool:
    """Whether something after `ts` is lost that may be the function's."""
    here = (loss for loss in lost if (loss.target.account, loss.target.region) == place[:2])
    return any(ts is None or loss.window.end > ts for loss in here)
