"""Cost of a fleet over 15 months by tag, beside a plain DuckDB sum over the same rows.

`cost.py [functions] [days]`: by default 2,000 functions and 455 days. Usage is filed as `store.metering`
files it: hours of the last month, days of older ones. Both are asked warm, in turns; the plain sum adds up
four columns by tag, over the same files, without prices, states or anything not filed yet.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from clock import calibration, measure

from core.entities import Function
from core.facts import Listed, Run, Target
from core.settings import StoreSettings
from core.windows import Window, floor
from store.lake import read_files
from store.readers.billing import RECORDS
from store.readers.cost import cost_series, costs
from store.store import Store
from store.telemetry import SCHEMAS
from store.tiers import month_of

FUNCTIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
DAYS = int(sys.argv[2]) if len(sys.argv) > 2 else 455
TARGET = Target("111111111111", "eu-west-1")
NOW = datetime(2026, 11, 18, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WHOLE = Window(NOW - DAYS * DAY, NOW)
NAMES = [f"service-{n // 10:03d}-{n % 10}" for n in range(FUNCTIONS)]
USED = ("requests", "duration_mb_ms", "init_mb_ms", "log_ingest_bytes")
AIM_MS = 300


def usage(window: Window, step: timedelta) -> pa.Table:
    """A row per function and step, the same each time."""
    starts = [round(part.start.timestamp() * 1000) for part in window.chunks(step)]
    chance, count = np.random.default_rng(starts[0] // 1000), len(starts) * FUNCTIONS
    requests = chance.integers(1, 10_000, count).astype(float)
    columns = {
        "account": pa.repeat(TARGET.account, count),
        "region": pa.repeat(TARGET.region, count),
        "function": pa.array(np.repeat(NAMES, len(starts))),
        "version": pa.repeat("", count),
        "architecture": pa.repeat("arm64", count),
        "memory_mb": pa.repeat(512.0, count),
        "ts": pa.array(np.tile(starts, FUNCTIONS)).cast(SCHEMAS["metered"].field("ts").type),
        "period_s": pa.array(np.full(count, int(step.total_seconds()), dtype=np.int32)),
        "basis": pa.repeat(RECORDS, count),
        "invocations": requests,
        "requests": requests,
        "duration_mb_ms": requests * 512 * 37,
        "init_mb_ms": np.floor(requests / 100) * 512 * 210,
        "log_ingest_bytes": requests * 412,
    }
    rest = {f.name: pa.nulls(count, f.type) for f in SCHEMAS["metered"] if f.name not in columns}
    return pa.table(columns | rest).select(SCHEMAS["metered"].names).cast(SCHEMAS["metered"])


def parts() -> Iterator[tuple[Window, timedelta]]:
    start = WHOLE.start
    while start < NOW:
        month = month_of(start)
        is_old = month.end <= floor(NOW - 30 * DAY, DAY)
        end = month.end if is_old else min(start + DAY, NOW)
        yield Window(start, end), DAY if is_old else HOUR
        start = end


def fill(store: Store) -> int:
    about = {"target": TARGET, "window": WHOLE, "period_s": 3600, "outcome": "ok"}
    run = {**about, "started_at": NOW + HOUR, "finished_at": NOW + HOUR}
    arn = f"arn:aws:lambda:{TARGET.region}:{TARGET.account}:function"
    functions = [
        Function(
            name=name,
            arn=f"{arn}:{name}",
            memory_mb=512,
            architecture="arm64",
            tags={"team": f"team-{n % 20}"},
        )
        for n, name in enumerate(NAMES)
    ]
    store.commit(Run(collector="inventory", **run), [*functions, Listed("function")], now=NOW + HOUR)  # type: ignore[arg-type]
    store.commit(Run(collector="details", **run), [], now=NOW + HOUR)  # type: ignore[arg-type]
    store.commit(Run(collector="metrics", **run), [], now=NOW + HOUR)  # type: ignore[arg-type]
    rows = 0
    for window, step in parts():
        table = usage(window, step)
        store.file("metered", TARGET, window, table, replaced=[], note=lambda connection: None, now=NOW)
        rows += len(table)
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(StoreSettings(path=Path(folder)))
        rows = fill(store)
        files = [store.path / "telemetry" / kept.path for kept in store.filed("metered", TARGET)]
        size = sum(file.stat().st_size for file in files)
        print(f"{FUNCTIONS:,} functions, {DAYS} days: {rows:,} rows in {len(files)} files")
        print(f"{size / rows:.0f} bytes a row")
        plain = duckdb.connect(config={"threads": 2})
        plain.execute("CREATE TABLE team AS SELECT unnest($1) AS \"function\", unnest($2) AS team", [
            NAMES, [f"team-{n % 20}" for n in range(FUNCTIONS)]])  # fmt: skip
        sums = ", ".join(f"sum({name})" for name in USED)
        sql = f'SELECT team, {sums} FROM {read_files(files)} JOIN team USING ("function") GROUP BY team'
        by_tag = costs(store, WHOLE, now=NOW, by=("tag:team",))
        assert len(by_tag) == 20
        assert sum(by_tag["cost_usd"]) > Decimal(0)
        took = measure(
            {
                "plain DuckDB sum": lambda: plain.sql(sql).fetchall(),
                "costs by tag": lambda: costs(store, WHOLE, now=NOW, by=("tag:team",)),
                "costs by function": lambda: costs(store, WHOLE, now=NOW, by=("function",)),
                "costs by component and month": lambda: costs(
                    store, WHOLE, now=NOW, by=("component", "month")
                ),
                "bars by tag": lambda: cost_series(store, WHOLE, now=NOW, by="tag:team"),
            },
            rounds=5,
        )
        loop = calibration()
        print(f"calibration loop: {loop} ms (CPU ms)")
        for name, one in took.items():
            ratio = one.wall_ms / took["plain DuckDB sum"].wall_ms
            print(f"| {name} | {one} | {ratio:.1f} | {one.cpu_ms / loop.cpu_ms:.1f} |")
        store.close()


if __name__ == "__main__":
    main()
