"""Bytes on the disk per metric point, invocation record and kept log line, after real commits and packing.

`store_size.py [functions]`: three days of the reference load (500 functions x 14 metrics at one minute), and
of the last day 50 records and 5 lines a function and hour. A nominal point is one of a function, metric and
minute, whether the function was called in it or not.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import load
import pandas as pd
import sqlalchemy as sa
from load import DAY, METRICS, NOW, Fleet

from core.settings import StoreSettings
from core.windows import Window
from store import schema
from store.store import Store

FUNCTIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 500
WINDOW = Window(NOW - 3 * DAY, NOW)
AIM = 2.1


def fill(store: Store, fleet: Fleet) -> None:
    for hour in load.hours(WINDOW):
        facts = [fleet.metrics(hour.start)]
        if hour.start >= NOW - DAY:
            facts += [fleet.records(hour.start, 50 * FUNCTIONS), fleet.lines(hour.start, 5 * FUNCTIONS)]
        store.commit(load.a_run(hour), facts, now=hour.end)


def hot(store: Store) -> pd.DataFrame:
    columns = schema.hot.c
    return _by_kind(store, sa.func.sum(sa.func.length(columns.payload)), columns.kind, columns.rows)


def filed(store: Store) -> pd.DataFrame:
    columns = schema.file.c
    size = sa.func.sum(columns.bytes)
    return _by_kind(store, size, columns.kind, columns.rows, columns.replaced_at.is_(None))


def _by_kind(
    store: Store,
    size: sa.ColumnElement[int],
    kind: sa.Column[str],
    rows: sa.Column[int],
    *where: sa.ColumnElement[bool],
) -> pd.DataFrame:
    query = sa.select(kind, size, sa.func.sum(rows), sa.func.count()).where(*where).group_by(kind)
    with store.engine.connect() as connection:
        found = connection.execute(query).all()
    return pd.DataFrame(found, columns=["kind", "bytes", "rows", "files"]).set_index("kind")


def with_value(store: Store) -> int:
    counts = " + ".join(f"count({name})" for name in METRICS)
    with store.snapshot(WINDOW, ("metrics",)) as snapshot:
        return int(snapshot.frame(f"SELECT {counts} AS n FROM metrics")["n"][0])


def tell(where: str, sizes: pd.DataFrame, points: dict[str, int]) -> None:
    for what, count in points.items():
        print(f"| {where} | {what} | {sizes['bytes']['metrics'] / count:.2f} |")
    for kind, what in (("invocations", "invocation record"), ("log_events", "log line")):
        print(f"| {where} | {what} | {sizes['bytes'][kind] / sizes['rows'][kind]:.1f} |")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(StoreSettings(path=Path(folder) / "store", free_space_floor_mb=0))
        fill(store, Fleet(FUNCTIONS))
        points = {
            "nominal metric point": FUNCTIONS * 14 * 3 * 1440,
            "metric point with a value": with_value(store),
        }
        print(f"{FUNCTIONS} functions, {points}\n\n| where | of | bytes |\n| --- | --- | ---: |")
        tell("hot tail", hot(store), points)
        store.pack(now=NOW + timedelta(minutes=47))
        print(f"the newest day is in {len(list(store.path.rglob('date=2026-07-03/*.parquet')))} files")
        store.pack(now=NOW + timedelta(hours=2))
        sizes = filed(store)
        tell("files", sizes, points)
        store.close()
    mine = sizes["bytes"]["metrics"] / points["nominal metric point"]
    print(f"aim {AIM} bytes a nominal point: {'met' if mine <= AIM else 'MISSED'}")


if __name__ == "__main__":
    main()
