"""Event source mappings: age and lag of what they read, what their pollers did, and which are stuck."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from core.stuck import Moment, Stuck, stuck
from core.windows import Window
from core.wiring import label, service
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import rows
from store.readers.records import FUNCTION_POINTS
from store.readers.silence_links import changed
from store.readers.things import EVERYTHING, Place, Thing, Things, matches, sql_where
from store.store import Filter, Snapshot, Store

STREAMS = frozenset({"kinesis", "dynamodb", "kafka", "kafka-cluster", "docdb", "rds", ""})
"""Event sources (the service in their ARN; self-managed Kafka has none) that Lambda tells an age or a lag
of."""

MAPPING_SUMS = (
    "polled",
    "filtered_out",
    "invoked",
    "failed_invoke",
    "dropped",
    "sent_to_destination",
    "deleted",
    "committed",
    "polling_errors",
    "invoke_errors",
    "destination_errors",
)
MAPPING_MAXIMA = ("max_offset_lag", "sum_offset_lag")

MAPPING_COLUMNS = [
    *("account", "region", "mapping", "function", "kind", "source", "arn", "mapping_state", "state_since"),
    "last_result",
    *("iterator_age_s", "iterator_age_max_s", "offset_lag", "shared", "hint", "stuck_since", "growth"),
    *MAPPING_SUMS,
    *MAPPING_MAXIMA,
    *("partition", "metered", "state"),
]


@reader
def mappings(
    store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING, streams_only: bool = False
) -> pd.DataFrame:
    """Per event source mapping: account, region, mapping (UUID), function, kind (the source's service),
    source, arn, mapping_state, state_since (at the latest), last_result, iterator_age_s (newest told) and
    iterator_age_max_s, offset_lag, shared (how many stream mappings the function has: CloudWatch tells age
    and lag per function), hint (what a growing age looks like, or ""), stuck_since, growth (seconds a
    second), sums of what its pollers did (NaN unless `metered`), max_offset_lag and sum_offset_lag, partition
    (the topics read: neither CloudWatch nor Lambda tells a shard), metered (its own metrics are switched on),
    state. Stuck ones first."""
    with store.snapshot(window, ("metrics", "mapping_samples")) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        things = Things.read(snapshot, "mapping", where=where)
        ages = _ages(snapshot, where)
        sums = _mapping_sums(snapshot)
        moved = changed(snapshot)
    found = [
        t
        for t in things.of("mapping")
        if matches(where, t.account, t.region, t.function) and (is_stream(t) or not streams_only)
    ]
    shared = Counter(t.place for t in found if is_stream(t))
    lines = [
        _mapping(t, ages.get(t.place, []), sums.get(t.name), shared[t.place], coverage)
        | {
            "state_since": moved.get(("mapping", t.name, "state")) or _modified(t),
        }
        for t in found
    ]
    frame = pd.DataFrame(lines, columns=pd.Index(MAPPING_COLUMNS))
    for name in ("stuck_since", "state_since"):
        frame[name] = pd.to_datetime(frame[name], utc=True).astype("datetime64[us, UTC]")
    numbers = ["iterator_age_s", "iterator_age_max_s", "offset_lag", "growth", *MAPPING_SUMS, *MAPPING_MAXIMA]
    frame[numbers] = frame[numbers].astype(float)
    calm = frame["hint"] == ""
    order = frame.assign(calm=calm).sort_values(
        ["calm", "iterator_age_s", "function", "mapping"], ascending=[True, False, True, True]
    )
    return frame.loc[order.index].reset_index(drop=True)


def _modified(mapping: Thing) -> datetime | None:
    """When AWS says that it, or its state, last changed."""
    told = mapping.body.get("last_modified")
    return None if told is None else datetime.fromisoformat(str(told))


def is_stream(mapping: Thing) -> bool:
    return service(mapping.body.get("source_arn")) in STREAMS


def _ages(snapshot: Snapshot, where: Filter) -> dict[Place, list[Any]]:
    """Points of functions that were told an age or a lag, in order of time."""
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", ts, iterator_age_max_ms, offset_lag_max, invocations, errors
        FROM metrics WHERE {FUNCTION_POINTS} AND {wanted} AND (account, region, "function") IN (
            SELECT (account, region, "function") FROM metrics
            WHERE iterator_age_max_ms IS NOT NULL OR offset_lag_max IS NOT NULL
        ) ORDER BY ts""",
        params,
    )
    found: dict[Place, list[Any]] = defaultdict(list)
    for row in rows(frame):
        found[row.account, row.region, row.function].append(row)
    return found


def _mapping_sums(snapshot: Snapshot) -> dict[str, Any]:
    sums = ", ".join(f"sum({name}) AS {name}" for name in MAPPING_SUMS)
    maxima = ", ".join(f"max({name}) AS {name}" for name in MAPPING_MAXIMA)
    frame = snapshot.frame(f"SELECT mapping, {sums}, {maxima} FROM mapping_samples GROUP BY ALL")
    return {row.mapping: row for row in rows(frame)}


def _mapping(
    thing: Thing, points: Sequence[Any], sums: Any, shared: int, coverage: Coverage
) -> dict[str, Any]:
    body, arn = thing.body, thing.body.get("source_arn")
    seen = coverage.seen("metrics", *thing.place)
    is_one = is_stream(thing)
    ages = [p.iterator_age_max_ms / 1000 for p in points if is_one and not pd.isna(p.iterator_age_max_ms)]
    lags = [p.offset_lag_max for p in points if is_one and not pd.isna(p.offset_lag_max)]
    looks = looks_stuck(points) if is_one else None
    return {
        "account": thing.account,
        "region": thing.region,
        "mapping": thing.name,
        "function": thing.function,
        "kind": service(arn) or "self-managed",
        "source": source_name(arn, body.get("topics") or ()),
        "arn": arn,
        "mapping_state": body.get("state"),
        "last_result": body.get("last_result"),
        "iterator_age_s": ages[-1] if ages else None,
        "iterator_age_max_s": max(ages, default=None),
        "offset_lag": lags[-1] if lags else None,
        "shared": shared if is_one else 0,
        "hint": looks.says if looks else "",
        "stuck_since": looks.since if looks else None,
        "growth": looks.growth if looks else None,
        **{name: getattr(sums, name, None) for name in (*MAPPING_SUMS, *MAPPING_MAXIMA)},
        "partition": ", ".join(body.get("topics") or ()) or None,
        "metered": bool(body.get("metrics")),
        "state": seen.state(silent=is_one and not ages and not lags),
    }


def looks_stuck(points: Sequence[Any]) -> Stuck | None:
    """What the age over `points` (iterator_age_max_ms, invocations, errors, in order of time) looks like."""
    return stuck(
        [
            Moment(p.ts.to_pydatetime(), _told(p.iterator_age_max_ms), _told(p.invocations), _told(p.errors))
            for p in points
        ]
    )


def source_name(arn: str | None, topics: Sequence[str]) -> str:
    """A stream's, table's or queue's name; a cluster's topics stand for it."""
    if topics:
        return ", ".join(topics)
    if not arn:
        return ""
    parts = label(arn).split("/") if service(arn) == "sqs" else arn.split(":", 5)[-1].split("/")
    return parts[1] if len(parts) > 1 else parts[0]


def _told(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
