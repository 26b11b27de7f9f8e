"""What metrics and records say of each function over one window."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from core.windows import Window
from store.readers.frames import rows
from store.readers.portions import by_function
from store.readers.records import BILLED, FUNCTION_POINTS, PERCENTILES, RECORD_COUNTS
from store.readers.things import Place, sql_where
from store.store import Filter, Snapshot

LONGEST = timedelta(minutes=15)
"""No invocation is longer."""

LONGEST_PERIOD = timedelta(hours=1)
"""No row stands for more: of what began before that, no row's own period has to be looked at."""

_ENDED = "sum(invocations) FILTER (ts < $surely OR epoch_ms(ts) + period_s * 1000 <= $ended_ms)"


def _ended_by(window: Window) -> dict[str, Any]:
    """The parameters of `_ENDED`."""
    latest = window.end - LONGEST
    return {"surely": latest - LONGEST_PERIOD, "ended_ms": round(latest.timestamp() * 1000)}


def metric_sums(snapshot: Snapshot, window: Window, where: Filter) -> dict[Place, Any]:
    """Per function: what CloudWatch counted; log_bytes is null where no volume is known; `ended` are
    invocations that must have ended within the window."""
    wanted, params = sql_where(where)
    snapshot.by_hour(window, until=window.end - LONGEST)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", sum(invocations) AS invocations, sum(errors) AS errors,
            sum(throttles) AS throttles, sum(log_bytes) AS log_bytes,
            sum(durable_operations) AS durable_operations,
            sum(durable_written_bytes) AS durable_written_bytes, max(duration_max_ms) AS duration_max_ms,
            max(concurrent_max) AS max_concurrency,
            {_ENDED} AS ended, max(newest) AS newest
        FROM metrics_by_hour WHERE {FUNCTION_POINTS} AND {wanted} GROUP BY ALL""",
        {**_ended_by(window), **params},
    )
    return _by_place(frame)


def record_sums(snapshot: Snapshot, window: Window, where: Filter) -> dict[Place, Any]:
    """Per function with records in the window: counts, exact percentiles and maxima, and what it was billed
    for (`records.BILLED`)."""
    wanted, params = sql_where(where)
    frame = by_function(
        snapshot,
        window,
        f"""SELECT account, region, "function", {RECORD_COUNTS}, {PERCENTILES}, max(ts) AS newest, {BILLED}
        FROM invocations WHERE ts >= $start AND ts < $end AND {{some}} AND {wanted} GROUP BY ALL""",
        {"start": window.start, "end": window.end, **params},
    )
    return _by_place(frame)


def billed_sums(snapshot: Snapshot, window: Window, where: Filter) -> dict[Place, Any]:
    """Per function with records in the window: how many, and what they were billed for."""
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", count(*) AS records, {BILLED}
        FROM invocations WHERE ts >= $start AND ts < $end AND {wanted} GROUP BY ALL""",
        {"start": window.start, "end": window.end, **params},
    )
    return _by_place(frame)


def record_counts(snapshot: Snapshot, window: Window, where: Filter) -> dict[Place, float]:
    """Per function with records in the window: how many."""
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", count(*) AS records
        FROM invocations WHERE ts >= $start AND ts < $end AND {wanted} GROUP BY ALL""",
        {"start": window.start, "end": window.end, **params},
    )
    return _told(frame, "records")


def ended_counts(snapshot: Snapshot, window: Window, where: Filter) -> dict[Place, float]:
    """Per function that metrics tell of: invocations that must have ended within the window; NaN where no
    row is old enough to tell."""
    wanted, params = sql_where(where)
    snapshot.by_hour(window, until=window.end - LONGEST)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", {_ENDED} AS ended
        FROM metrics_by_hour WHERE {FUNCTION_POINTS} AND {wanted} GROUP BY ALL""",
        {**_ended_by(window), **params},
    )
    return _told(frame, "ended")


def _told(frame: pd.DataFrame, name: str) -> dict[Place, float]:
    places = zip(*(frame[key].tolist() for key in ("account", "region", "function")), strict=True)
    return dict(zip(places, frame[name].astype(float).tolist(), strict=True))


def newest_of(*sums: Mapping[Place, Any]) -> dict[Place, datetime]:
    """When each function was last invoked, as far as these sums tell."""
    found: dict[Place, datetime] = {}
    for place, row in (item for told in sums for item in told.items()):
        if not pd.isna(row.newest):
            ts = row.newest.to_pydatetime()
            found[place] = max(ts, found.get(place, ts))
    return found


def _by_place(frame: pd.DataFrame) -> dict[Place, Any]:
    return {(row.account, row.region, row.function): row for row in rows(frame)}


def recorded_places(snapshot: Snapshot, window: Window, where: Filter) -> set[Place]:
    """Functions with records in the window."""
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT DISTINCT account, region, "function" FROM invocations
        WHERE ts >= $start AND ts < $end AND {wanted}""",
        {"start": window.start, "end": window.end, **params},
    )
    return set(frame.itertuples(index=False, name=None))


def is_mute(metrics: Any, *, has_records: bool) -> bool:
    """Whether the log tells of no invocation although some ended."""
    return not has_records and metrics is not None and bool(metrics.ended > 0)
