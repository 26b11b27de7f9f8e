"""The four questions of the store's benchmarks, asked of the store, of SQLite and of VictoriaMetrics.

Q1 the fleet table of a day, Q2 a function's day at one minute, Q3 throttles per function and hour over three
days, Q4 percentiles of duration and the share of cold starts per function and hour over a day.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import load
import numpy as np
import pandas as pd
import pyarrow as pa
from load import METRICS, NOW
from victoria import Victoria

from core.windows import Window
from store.store import Store

DAY, THREE_DAYS = Window(NOW - load.DAY, NOW), Window(NOW - 3 * load.DAY, NOW)
SUMS = ("invocations", "errors", "throttles", "duration_sum_ms", "async_dropped", "log_bytes")
MAXIMA = ("duration_max_ms", "concurrent_max")
HOUR_MS = 3_600_000

_FLEET = ", ".join([*(f"sum({n}) AS {n}" for n in SUMS), *(f"max({n}) AS {n}" for n in MAXIMA)])
_COLD = "init_ms IS NOT NULL"


class OfStore:
    """Through `Store.snapshot`, taken anew for each question."""

    def __init__(self, store: Store, day: Window = DAY, three_days: Window = THREE_DAYS) -> None:
        self._store, self._day, self._three_days = store, day, three_days

    def _frame(self, kind: str, window: Window, sql: str, **params: object) -> pd.DataFrame:
        with self._store.snapshot(window, (kind,)) as snapshot:
            return snapshot.frame(sql, params)

    def _by_hour(self, window: Window, sql: str) -> pd.DataFrame:
        with self._store.snapshot(window, ("metrics",)) as snapshot:
            snapshot.by_hour(window)
            return snapshot.frame(sql, {"s": "function"})

    def fleet(self) -> pd.DataFrame:
        sql = f'SELECT "function", {_FLEET} FROM metrics_by_hour WHERE scope = $s GROUP BY ALL ORDER BY ALL'
        return self._by_hour(self._day, sql)

    def minutes(self, function: str) -> pd.DataFrame:
        sql = f"""SELECT epoch_ms(ts) AS ts, {", ".join(METRICS)} FROM metrics
            WHERE scope = 'function' ORDER BY ts"""
        place = (load.TARGET.account, load.TARGET.region, function)
        with self._store.snapshot(self._day, ("metrics",), place=place) as snapshot:
            return snapshot.frame(sql)

    def throttles(self) -> pd.DataFrame:
        sql = f"""SELECT "function", epoch_ms(ts) // {HOUR_MS} AS hour, sum(throttles) AS throttles
            FROM metrics_by_hour WHERE scope = $s GROUP BY ALL ORDER BY ALL"""
        return self._by_hour(self._three_days, sql)

    def percentiles(self) -> pd.DataFrame:
        sql = f"""SELECT "function", epoch_ms(ts) // {HOUR_MS} AS hour, count(*) AS records,
                quantile_cont(duration_ms, [0.5, 0.95, 0.99])[1] AS p50,
                quantile_cont(duration_ms, [0.5, 0.95, 0.99])[2] AS p95,
                quantile_cont(duration_ms, [0.5, 0.95, 0.99])[3] AS p99,
                count(*) FILTER ({_COLD}) / count(*) AS cold_rate
            FROM invocations GROUP BY ALL ORDER BY ALL"""
        return self._frame("invocations", self._day, sql)


class OfSqlite:
    """One table of wide rows and one of records, each with the index that its questions want."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path)
        names = ", ".join(METRICS)
        self._database.execute(
            f'CREATE TABLE metrics ("function", ts, {names}, PRIMARY KEY ("function", ts)) WITHOUT ROWID'
        )
        self._database.execute('CREATE TABLE invocations ("function", ts, duration_ms, init_ms)')

    def fill(self, kind: str, table: pa.Table) -> None:
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        marks = ", ".join("?" * table.num_columns)
        with self._database:
            self._database.executemany(f"INSERT INTO {kind} VALUES ({marks})", rows)

    def settle(self) -> None:
        self._database.execute(
            'CREATE INDEX by_function ON invocations ("function", ts, duration_ms, init_ms)'
        )
        self._database.execute("ANALYZE")

    def close(self) -> None:
        self._database.close()

    def fleet(self) -> pd.DataFrame:
        sql = f'SELECT "function", {_FLEET} FROM metrics WHERE ts >= ? GROUP BY 1 ORDER BY 1'
        return self._frame(sql, DAY)

    def minutes(self, function: str) -> pd.DataFrame:
        sql = f'SELECT ts, {", ".join(METRICS)} FROM metrics WHERE ts >= ? AND "function" = ? ORDER BY ts'
        return self._frame(sql, DAY, function)

    def throttles(self) -> pd.DataFrame:
        sql = f"""SELECT "function", ts / {HOUR_MS} AS hour, sum(throttles) AS throttles
            FROM metrics WHERE ts >= ? GROUP BY 1, 2 ORDER BY 1, 2"""
        return self._frame(sql, THREE_DAYS)

    def percentiles(self) -> pd.DataFrame:
        sql = f"""WITH ranked AS (
                SELECT "function", ts / {HOUR_MS} AS hour, duration_ms, {_COLD} AS cold,
                    row_number() OVER (each ORDER BY duration_ms) - 1 AS n, count(*) OVER each AS size
                FROM invocations WHERE ts >= ?
                WINDOW each AS (PARTITION BY "function", ts / {HOUR_MS}))
            SELECT "function", hour, count(*) AS records, {_at(0.5)} AS p50, {_at(0.95)} AS p95,
                {_at(0.99)} AS p99, avg(cold) AS cold_rate
            FROM ranked GROUP BY 1, 2 ORDER BY 1, 2"""
        return self._frame(sql, DAY)

    def _frame(self, sql: str, window: Window, *more: str) -> pd.DataFrame:
        return pd.read_sql(sql, self._database, params=(_ms(window.start), *more))


def _at(share: float) -> str:
    """The percentile between the two rows around it, as DuckDB's quantile_cont has it."""
    place = f"({share} * (size - 1))"
    weight = f"max(0, 1 - abs(n - {place}))"
    return f"sum(duration_ms * {weight})"


class OfVictoria:
    """Over the API. It keeps no records, so Q4 is not asked of it."""

    def __init__(self, victoria: Victoria) -> None:
        self._victoria = victoria

    def fleet(self) -> pd.DataFrame:
        sums = f'sum_over_time({{__name__=~"{"|".join(SUMS)}"}}[24h]) keep_metric_names'
        maxima = f'max_over_time({{__name__=~"{"|".join(MAXIMA)}"}}[24h]) keep_metric_names'
        found = [row for query in (sums, maxima) for row in self._victoria.now(query, _before(DAY.end))]
        cells = [(r["metric"]["function"], r["metric"]["__name__"], float(r["value"][1])) for r in found]
        frame = pd.DataFrame(cells, columns=["function", "name", "value"])
        return frame.pivot(index="function", columns="name", values="value").reset_index()

    def minutes(self, function: str) -> pd.DataFrame:
        """As a dashboard asks: a range at one minute, in which a minute without a point stays empty."""
        query = f'last_over_time({{function="{function}"}}[1m]) keep_metric_names'
        rows = self._victoria.range(query, DAY.start.timestamp() + 59, _before(DAY.end), "1m")
        return self._frame((r["metric"]["__name__"], *zip(*r["values"], strict=True)) for r in rows)

    def exported(self, function: str) -> pd.DataFrame:
        """The same from the interface for bulk, which works out nothing."""
        rows = self._victoria.export(f'{{function="{function}"}}', DAY.start.timestamp(), _before(DAY.end))
        return self._frame(
            (r["metric"]["__name__"], [ms / 1000 for ms in r["timestamps"]], r["values"]) for r in rows
        )

    @staticmethod
    def _frame(series: Iterable[tuple[str, Sequence[float], Sequence[object]]]) -> pd.DataFrame:
        columns = {
            name: pd.Series(np.array(values, dtype=float), index=np.array(at, dtype=float) // 60 * 60_000)
            for name, at, values in series
        }
        return pd.DataFrame(columns).rename_axis("ts").reset_index()

    def throttles(self) -> pd.DataFrame:
        first, last = _before(THREE_DAYS.start + load.HOUR), _before(THREE_DAYS.end)
        rows = self._victoria.range("sum_over_time(throttles[1h])", first, last, "1h")
        cells = [(r["metric"]["function"], int(at) // 3600, float(v)) for r in rows for at, v in r["values"]]
        return pd.DataFrame(cells, columns=["function", "hour", "throttles"])


def _ms(ts: datetime) -> int:
    return int(ts.timestamp() * 1000)


def _before(ts: datetime) -> float:
    """A second before: VictoriaMetrics counts the end of a range and not its start."""
    return ts.timestamp() - 1


def same(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """Raises AssertionError unless the frames say the same, in any order of rows and columns.

    VictoriaMetrics keeps some fifteen digits, hence the tolerance.
    """
    keys = [name for name in ("function", "hour", "ts") if name in ours]
    columns = [name for name in ours if name in theirs]
    lacking = [name for name in ours if name not in theirs and ours[name].notna().any()]
    assert not lacking, f"the other has no {lacking}"
    types = {name: "str" if name == "function" else "float64" for name in columns}
    left, right = (f[columns].astype(types).sort_values(keys).reset_index(drop=True) for f in (ours, theirs))
    pd.testing.assert_frame_equal(left, right, rtol=1e-9, check_names=False)
