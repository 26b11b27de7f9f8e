"""What pages ask of the store, as ratios to the same rows in one SQLite table.

A day of 300 functions (or as many as the first argument says) at one minute, 432,000 wide rows: the fleet's
sums, one function's minutes, throttles per function and hour; with the whole day in the hot tail, and packed.
Then what one pass of five minutes costs. Both answers are compared before they are timed.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from core.facts import MetricPoint, Run, Target
from core.settings import StoreSettings
from core.windows import MINUTE, Window
from store.store import Store

FUNCTIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 300
NOW = datetime(2026, 7, 2, tzinfo=UTC)
DAY = Window(NOW - timedelta(days=1), NOW)
TARGET = Target("111111111111", "eu-west-1")
ROUNDS = 7

QUESTIONS = {
    "fleet, 24 h": (
        "SELECT function, sum(invocations) AS i, sum(errors) AS e, max(duration_max_ms) AS d"
        " FROM metrics GROUP BY function ORDER BY function"
    ),
    "one function, 24 h": (
        "SELECT {epoch} AS t, invocations, errors, duration_max_ms FROM metrics"
        " WHERE function = 'f7' ORDER BY ts"
    ),
    "throttles by hour": (
        "SELECT function, {epoch} // 3600000 AS hour, sum(throttles) AS n"
        " FROM metrics GROUP BY 1, 2 ORDER BY 1, 2"
    ),
}


def points(window: Window) -> Iterator[MetricPoint]:
    chance = random.Random(window.start.timestamp())
    for minute in window.chunks(MINUTE):
        for n in range(FUNCTIONS):
            calls = float(int(chance.expovariate(1 / (1 + n))))
            yield MetricPoint(
                scope="function",
                function=f"f{n}",
                ts=minute.start,
                period_s=60,
                invocations=calls,
                errors=float(chance.random() < 0.01),
                throttles=float(chance.random() < 0.001),
                duration_max_ms=round(chance.lognormvariate(4, 1), 2) if calls else None,
                concurrent_max=float(int(calls / 10) + 1) if calls else None,
            )


def a_run(window: Window) -> Run:
    return Run(
        collector="metrics",
        target=TARGET,
        window=window,
        period_s=60,
        started_at=window.end,
        finished_at=window.end,
        outcome="ok",
    )


def fill_sqlite(path: Path, facts: list[MetricPoint]) -> sqlite3.Connection:
    """The same wide rows, keyed by function and time."""
    database = sqlite3.connect(path)
    names = [name for name in MetricPoint.__slots__ if name not in ("scope", "resource")]
    database.execute(f"CREATE TABLE metrics ({', '.join(names)}, PRIMARY KEY (function, ts)) WITHOUT ROWID")
    rows = ([getattr(f, n) if n != "ts" else int(f.ts.timestamp() * 1000) for n in names] for f in facts)
    database.executemany(f"INSERT INTO metrics VALUES ({', '.join('?' * len(names))})", rows)
    database.commit()
    return database


def from_store(store: Store, sql: str) -> pd.DataFrame:
    with store.snapshot(DAY, ("metrics",)) as snapshot:
        return snapshot.frame(sql.format(epoch="epoch_ms(ts)"))


def median_ms(ask: Callable[[], object]) -> float:
    ask()
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def compare(store: Store, database: sqlite3.Connection, where: str) -> None:
    for name, sql in QUESTIONS.items():
        in_sqlite = sql.format(epoch="ts").replace("//", "/")
        ours, theirs = from_store(store, sql), pd.read_sql(in_sqlite, database)
        assert ours.astype(object).to_csv() == theirs.astype(object).to_csv(), f"{name}: the answers differ"
        mine = median_ms(lambda sql=sql: from_store(store, sql))  # type: ignore[misc]
        other = median_ms(lambda sql=in_sqlite: pd.read_sql(sql, database))  # type: ignore[misc]
        print(
            f"{name:20} {where:8} {mine:7.1f} ms   SQLite {other:7.1f} ms   {other / mine:5.1f} times faster"
        )


def timed(what: str, do: Callable[[], object]) -> None:
    began = time.perf_counter()
    do()
    print(f"{what:40} {(time.perf_counter() - began) * 1000:7.0f} ms")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(StoreSettings(path=Path(folder) / "store", free_space_floor_mb=0))
        facts = list(points(DAY))
        timed(f"commit a day, {len(facts):,} rows", lambda: store.commit(a_run(DAY), facts, now=NOW))
        database = fill_sqlite(Path(folder) / "rows.db", facts)
        compare(store, database, "hot")
        timed("pack it", lambda: store.pack(now=NOW + timedelta(hours=2)))
        compare(store, database, "packed")
        size = sum(path.stat().st_size for path in store.path.rglob("*.parquet"))
        print(f"{size / len(facts) / 14:.2f} bytes a point (14 to a row)")
        pass_ = Window(NOW - timedelta(minutes=23), NOW)
        again = list(points(pass_))
        timed(
            f"one pass, {len(again):,} rows, 23 minutes", lambda: store.commit(a_run(pass_), again, now=NOW)
        )
        store.close()
        database.close()


if __name__ == "__main__":
    main()
