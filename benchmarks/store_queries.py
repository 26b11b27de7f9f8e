"""Four questions to the store, beside VictoriaMetrics and SQLite that hold the same rows, in one run.

`store_queries.py [functions] [records a day]`: the reference load is 500 functions x 14 metrics x 3 days at
one minute, and two million invocation records a day. Answers are compared before they are timed; a time is
the median of nine into a DataFrame, taken in turns. The store is asked twice: with the last hours in the hot
tail and the day in parts, and packed to days.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

import load
import pyarrow as pa
from clock import Took, calibration, measure
from load import METRICS, NOW, TARGET, Fleet
from questions import DAY, THREE_DAYS, OfSqlite, OfStore, OfVictoria, same
from victoria import MISSING, running

from core.settings import StoreSettings
from store import columns
from store.store import Store

FUNCTIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 500
RECORDS = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000_000
QUESTIONS = ("fleet", "minutes", "throttles", "percentiles")
AIMS = {"VictoriaMetrics": (10.0, 2.0, 2.0, 0.0), "SQLite": (0.0, 0.0, 0.0, 10.0)}


def fill_store(store: Store, fleet: Fleet) -> None:
    """Commit hour by hour, and pack as the service would."""
    for hour in load.hours(THREE_DAYS):
        facts = [fleet.metrics(hour.start)]
        if hour.start >= DAY.start:
            facts.append(fleet.records(hour.start, RECORDS // 24))
        store.commit(load.a_run(hour), facts, now=hour.end)
        if hour.end.hour % 6 == 0:
            store.pack(now=hour.end)
    store.pack(now=NOW + timedelta(minutes=47))


def metrics_of(store: Store) -> pa.Table:
    with store.snapshot(THREE_DAYS, ("metrics",)) as snapshot:
        sql = f'SELECT "function", epoch_ms(ts) AS ts, {", ".join(METRICS)} FROM metrics ORDER BY ALL'
        return pa.Table.from_batches(snapshot.batches(sql, rows=100_000))


def fill_sqlite(sqlite: OfSqlite, points: pa.Table, fleet: Fleet) -> None:
    sqlite.fill("metrics", points)
    for hour in load.hours(DAY):
        table = columns.from_rows(fleet.records(hour.start, RECORDS // 24), TARGET)
        ms = table["ts"].cast(pa.int64())
        wanted = table.select(["function", "duration_ms", "init_ms"]).add_column(1, "ts", ms)
        sqlite.fill("invocations", wanted)
    sqlite.settle()


def asked(of: object, function: str) -> dict[str, Callable[[], object]]:
    """The questions that a store can be asked."""
    found = {name: getattr(of, name) for name in QUESTIONS if hasattr(of, name)}
    return {
        name: (lambda ask=ask: ask(function)) if name == "minutes" else ask for name, ask in found.items()
    }


def compare(layout: str, everyone: dict[str, object], function: str, servers: dict[str, int]) -> None:
    ours = asked(everyone["Quarterdeck"], function)
    for other in list(everyone.values())[1:]:
        for name, ask in asked(other, function).items():
            same(ours[name](), ask())  # type: ignore[arg-type]
    print(f"\n| {layout}: ms (CPU ms) | {' | '.join(everyone)} | times faster (in CPU) |")
    print("| --- |" + " ---: |" * len(everyone) + " --- |")
    for n, name in enumerate(QUESTIONS):
        those = {who: asked(of, function).get(name) for who, of in everyone.items()}
        times = measure({who: ask for who, ask in those.items() if ask is not None}, servers=servers)
        mine = times["Quarterdeck"]
        told = [str(times[who]) if who in times else "-" for who in everyone]
        ratios = [_ratio(who, took, mine, n) for who, took in times.items() if who != "Quarterdeck"]
        print(f"| Q{n + 1} {name} | {' | '.join(told)} | {', '.join(ratios)} |")


def _ratio(who: str, took: Took, mine: Took, question: int) -> str:
    wall, cpu, aim = took.wall_ms / mine.wall_ms, took.cpu_ms / mine.cpu_ms, AIMS[who][question]
    said = f"{who} {wall:.1f} ({cpu:.1f})"
    return f"{said}, aim {aim:.0f}{'' if wall >= aim else ': MISSED'}" if aim else said


def main() -> None:
    fleet = Fleet(FUNCTIONS)
    function = fleet.names[FUNCTIONS // 2]  # one that is called all day
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        victoria = stack.enter_context(running(folder / "victoria"))
        settings = StoreSettings(path=folder / "store", free_space_floor_mb=0)
        store = stack.enter_context(closing(Store.open(settings)))
        sqlite = stack.enter_context(closing(OfSqlite(folder / "rows.db")))
        fill_store(store, fleet)
        points = metrics_of(store)
        fill_sqlite(sqlite, points, fleet)
        everyone: dict[str, object] = {"Quarterdeck": OfStore(store)}
        servers = {"VictoriaMetrics": victoria.pid} if victoria else {}
        if victoria is None:
            print(MISSING)
        else:
            frame = points.to_pandas()
            for n in range(0, len(frame), 200_000):
                victoria.fill(frame[n : n + 200_000], METRICS)
            victoria.settle()
            everyone["VictoriaMetrics"] = of_victoria = OfVictoria(victoria)
            same(OfStore(store).minutes(function), of_victoria.exported(function))
            bulk = measure(
                {"/export": lambda: of_victoria.exported(function)}, servers={"/export": victoria.pid}
            )
            print(f"VictoriaMetrics exports a function's day in {bulk['/export']} ms (CPU ms)")
        everyone["SQLite"] = sqlite
        rows = f"{len(points):,} wide rows, {RECORDS:,} records"
        print(f"{FUNCTIONS} functions, {rows}; the calibration loop takes {calibration()} ms")
        compare("the day in parts", everyone, function, servers)
        store.pack(now=NOW + timedelta(hours=2))
        compare("packed to days", everyone, function, servers)


if __name__ == "__main__":
    main()
