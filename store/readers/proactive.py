"""Cold starts that nobody waited for: environments that their logs show to have been ready long before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd

from core.environments import AHEAD
from core.windows import Window
from store.asking import reader
from store.readers.frames import milliseconds
from store.readers.records import COLD, START, TOLD
from store.readers.things import EVERYTHING, Place, sql_where
from store.store import Filter, Snapshot, Store

AROUND = timedelta(hours=2)
"""How far around a window an environment's other lines are looked for: longer than one that idles is kept."""

STREAM = 'account, region, "function", stream'
"""What names an environment: one stream is one, however often it tries to initialize."""


@reader
def proactive_starts(
    store: Store, window: Window, *, where: Filter = EVERYTHING, place: Place | None = None
) -> pd.DataFrame:
    """The window's cold starts (`records.COLD`) of environments that were ready `core.environments.AHEAD` or
    longer before the invocation that reports them began: account, region, function, version (""), stream,
    event_id, ts, init_ms, memory_mb, start and told (as in `cold_groups`). With a `place`, those of one
    function.

    An Init Duration is reported by an environment's first invocation, so that nothing read later changes
    this. What has no first line (images, aggregated logs, what was collected before first lines were read) is
    not among them, proactive or not."""
    wide = Window(window.start - AROUND, window.end)
    with store.snapshot(wide, ("environment_starts", "invocations"), place=place) as snapshot:
        found = _begun_long_before(snapshot, window, where)
        if len(found):
            found = _first_ones(snapshot, found)
    return found.drop(columns=["began", "duration_ms"])


def _begun_long_before(snapshot: Snapshot, window: Window, where: Filter) -> pd.DataFrame:
    wanted, params = sql_where(where)
    return snapshot.frame(
        f"""WITH begun AS (SELECT {STREAM}, ts AS began FROM environment_starts
            WHERE stream <> '' AND {wanted})
        SELECT {STREAM}, coalesce(version, '') AS version, event_id, ts, duration_ms, init_ms,
            memory_mb, {START} AS start, {TOLD} AS told, max(began) AS began
        FROM invocations JOIN begun USING ({STREAM})
        WHERE {COLD} AND init_ms IS NOT NULL AND restore_ms IS NULL AND began <= ts
            AND ts >= $start AND ts < $end
        GROUP BY ALL
        HAVING epoch_ms(ts) - duration_ms - init_ms - epoch_ms(max(began)) > $ahead_ms ORDER BY ALL""",
        {**params, "start": window.start, "end": window.end, "ahead_ms": milliseconds(AHEAD)},
    )


def _first_ones(snapshot: Snapshot, found: pd.DataFrame) -> pd.DataFrame:
    """Without those whose environment had worked already: it was made anew for the request, unlogged."""
    keys = [name.strip('"') for name in STREAM.split(", ")]
    worked = snapshot.frame(
        f"""WITH found AS (SELECT unnest($account::VARCHAR[]) AS account,
            unnest($region::VARCHAR[]) AS region, unnest($function::VARCHAR[]) AS "function",
            unnest($stream::VARCHAR[]) AS stream, unnest($event_id::VARCHAR[]) AS found_id,
            unnest($began::TIMESTAMPTZ[]) AS began, unnest($ts::TIMESTAMPTZ[]) AS until)
        SELECT DISTINCT found_id FROM invocations JOIN found USING ({STREAM})
        WHERE ts >= began AND ts < until""",
        {name: found[name].tolist() for name in (*keys, "event_id", "began", "ts")},
    )
    is_first = ~found["event_id"].isin(worked["found_id"])
    return found[is_first].reset_index(drop=True)


def less(waited_s: pd.Series[Any], ahead_s: pd.Series[Any]) -> pd.Series[Any]:
    """What callers waited, of sums over all cold starts and over the proactive ones (NaN: none): to a
    microsecond, for where nobody waited the rest of two sums would be a little more or less than nothing."""
    return waited_s.where(ahead_s.isna(), (waited_s - ahead_s).round(6).clip(lower=0.0))
