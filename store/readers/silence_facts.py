"""What telemetry says of functions that may have stopped: their habits, their runs in time, and what became
of what should have invoked them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from core.silence import GRACE, Habit, Link
from core.windows import MINUTE, Window
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import STEP_SQL, inside, milliseconds, rows
from store.readers.letters import LOOK_BACK, samples
from store.readers.records import FUNCTION_POINTS
from store.readers.things import Place, sql_where
from store.readers.wiring import source_name
from store.store import Filter, Snapshot, Store

RUN_STEPS = 40
"""Bars of a sparkline."""
BEFORE = timedelta(days=7)
"""How much of the time before its last run a sparkline shows."""

_AMONG = """(account, region, "function") IN (SELECT (a, r, f) FROM (
    SELECT unnest($accounts) AS a, unnest($regions) AS r, unnest($functions) AS f))"""


def habits(
    snapshot: Snapshot, step: timedelta, *, where: Filter | None = None, among: Sequence[Place] | None = None
) -> dict[Place, Habit]:
    """Per function that was invoked in at least two steps of the snapshot's window: `Habit.of` their
    starts."""
    wanted, params = sql_where(where) if where else ("true", {})
    chosen = "true" if among is None else _AMONG
    frame = snapshot.frame(
        f"""WITH active AS (
            SELECT account, region, "function", list_sort(list(DISTINCT {STEP_SQL})) AS steps
            FROM metrics WHERE {FUNCTION_POINTS} AND invocations > 0 AND {wanted} AND {chosen} GROUP BY ALL
        ), paused AS (
            SELECT *, list_sort(list_transform(range(1, len(steps)),
                lambda i: steps[i + 1] - steps[i])) AS pauses FROM active WHERE len(steps) > 1
        )
        SELECT account, region, "function", len(steps) AS runs, steps[1] AS first, steps[-1] AS last,
            pauses[-1] AS longest, pauses[(len(pauses) + 1) // 2] AS middle FROM paused""",
        {"step_ms": milliseconds(step), **params, **(_lists(among) if among is not None else {})},
    )
    return {
        (row.account, row.region, row.function): Habit(
            int(row.runs), _at(row.first), _at(row.last), _length(row.longest), _length(row.middle)
        )
        for row in rows(frame)
    }


def last_runs(snapshot: Snapshot, where: Filter) -> dict[Place, datetime]:
    """The start of the newest point with invocations, per function that has one."""
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", epoch_ms(max(ts)) AS last FROM metrics
        WHERE {FUNCTION_POINTS} AND invocations > 0 AND {wanted} GROUP BY ALL""",
        params,
    )
    return {(row.account, row.region, row.function): _at(row.last) for row in rows(frame)}


def _lists(places: Sequence[Place]) -> dict[str, Any]:
    return {name: [p[i] for p in places] for i, name in enumerate(("accounts", "regions", "functions"))}


def _at(ms: Any) -> datetime:
    return datetime.fromtimestamp(int(ms) / 1000, UTC)


def _length(ms: Any) -> timedelta:
    return timedelta(milliseconds=int(ms))


@reader
def since_last_run(
    store: Store, last: Mapping[Place, datetime], sources: Mapping[Place, Sequence[str]], *, now: datetime
) -> dict[Place, list[Link]]:
    """What explains a stop and is seen in numbers only: requests that were all throttled, a queue that nobody
    fills or nobody empties. `sources`: ARNs of what mappings read for it."""
    if not last:
        return {}
    found: dict[Place, list[Link]] = {place: [] for place in last}
    window = Window(min(last.values()), now)
    reach = Window(window.start - LOOK_BACK, now)
    with store.snapshot(reach, ("metrics", "queue_samples")) as snapshot:
        for place, link in _throttled(snapshot, last):
            found[place].append(link)
        queues = sorted({arn for place in last for arn in sources.get(place, ()) if ":sqs:" in arn})
        if queues:
            coverage = Coverage.read(snapshot, window, now=now, only="queues")
            before = Coverage.read(snapshot, reach, now=now, only="queues")
            frame = samples(snapshot, before, queues)
            for place, start in last.items():
                found[place] += _queues(frame, sources.get(place, ()), place, start, coverage)
    return found


def _throttled(snapshot: Snapshot, last: Mapping[Place, datetime]) -> Iterable[tuple[Place, Link]]:
    places = list(last)
    frame = snapshot.frame(
        f"""SELECT m.account, m.region, m."function", sum(throttles) AS throttles, min(ts) AS first
        FROM metrics AS m JOIN (SELECT unnest($accounts) AS a, unnest($regions) AS r,
            unnest($functions) AS f, unnest($last) AS last) AS l
            ON m.account = l.a AND m.region = l.r AND m."function" = l.f
        WHERE {FUNCTION_POINTS} AND throttles > 0 AND epoch_ms(ts) > l.last GROUP BY ALL""",
        _lists(places) | {"last": [round(last[place].timestamp() * 1000) for place in places]},
    )
    for row in rows(frame):
        says = f"throttled: {row.throttles:,.0f} requests since it last ran, none got through"
        yield (row.account, row.region, row.function), Link(says, True, row.first.to_pydatetime())


def _queues(
    frame: pd.DataFrame, sources: Sequence[str], place: Place, start: datetime, coverage: Coverage
) -> Iterable[Link]:
    """Of each queue that is known to have been silent, or to hold what nobody takes."""
    for arn in sources:
        mine = frame[frame["queue"] == arn]
        missing = coverage.seen("queues", *place[:2], arn).missing
        if mine.empty or any(part.end > start + MINUTE for part in missing):
            continue
        since = mine[mine["ts"] > start]
        if float(since["sent"].sum()) == 0 and float(since["depth"].max() or 0) == 0:
            yield Link(f"its queue {source_name(arn)} is silent: nothing was sent there since", True)
        elif len(since) and float(since["depth"].iloc[-1] or 0) > 0:
            held = float(since["depth"].iloc[-1])
            yield Link(f"{held:,.0f} messages wait in {source_name(arn)} and are not taken", True)


@reader
def runs(
    store: Store, last: Mapping[Place, datetime | None], *, now: datetime
) -> dict[Place, list[float | None]]:
    """Invocations of each function in `RUN_STEPS` equal steps from `BEFORE` its last run (or before now) to
    now; None where that was not collected."""
    if not last:
        return {}
    starts = {place: (at or now) - BEFORE for place, at in last.items()}
    places, window = list(starts), Window(min(starts.values()), now)
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        frame = snapshot.frame(
            f"""SELECT account, region, "function", (epoch_ms(ts) - l.start) // l.width AS step,
                sum(invocations) AS invocations
            FROM metrics AS m JOIN (SELECT unnest($accounts) AS a, unnest($regions) AS r,
                unnest($functions) AS f, unnest($starts) AS start, unnest($widths) AS width) AS l
                ON m.account = l.a AND m.region = l.r AND m."function" = l.f
            WHERE {FUNCTION_POINTS} AND epoch_ms(ts) >= l.start GROUP BY ALL""",
            _lists(places)
            | {
                "starts": [round(starts[place].timestamp() * 1000) for place in places],
                "widths": [milliseconds(_width(starts[place], now)) for place in places],
            },
        )
        counted = {(r.account, r.region, r.function, int(r.step)): float(r.invocations) for r in rows(frame)}
        return {place: _steps(place, start, now, counted, coverage) for place, start in starts.items()}


def _width(start: datetime, now: datetime) -> timedelta:
    return -(-(now - start) // (RUN_STEPS * MINUTE)) * MINUTE


def _steps(
    place: Place,
    start: datetime,
    now: datetime,
    counted: Mapping[tuple[str, str, str, int], float],
    coverage: Coverage,
) -> list[float | None]:
    width = _width(start, now)
    grid = np.array([round((start + i * width).timestamp() * 1000) for i in range(RUN_STEPS)])
    newest = Window(now - GRACE, now + width)
    read = inside([*coverage.covered("metrics", *place), newest], grid, width)
    sums = [counted.get((*place, i)) for i in range(RUN_STEPS)]
    return [value if value is not None else 0.0 if ok else None for value, ok in zip(sums, read, strict=True)]
