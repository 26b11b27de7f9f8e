"""Whole days of the load put straight into files and catalogue, by the store's own writer and no commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pyarrow as pa
from load import DAY, HOUR, MINUTE, TARGET, Fleet

from core.telemetry import Rows
from core.windows import Window
from store import columns, files, tiers
from store.files import Kept
from store.store import Store


def put(store: Store, window: Window, rows: Sequence[Rows], *, period_s: int = 0) -> None:
    """One file of a kind for a window; `period_s` is that of rolled-up points."""
    kind = rows[0].kind.KIND
    tables: list[pa.Table] = [columns.rounded(kind, columns.from_rows(r, TARGET)) for r in rows]
    path = files.name(kind, TARGET, window)
    count, size, crc32 = files.write(store._lake, path, kind, tables, [])
    with store.transaction() as connection:
        kept = Kept(path, kind, TARGET, window, period_s=period_s, crc32=crc32)
        files.add(connection, kept, count, size, [], now=window.end)


def metrics_at(fleet: Fleet, window: Window, step: timedelta) -> list[Rows]:
    """Points of a window, some hundred thousand rows at a time."""
    length = {MINUTE: HOUR, 5 * MINUTE: DAY, HOUR: DAY}[step]
    return [fleet.metrics(part.start, steps=length // step, step=step) for part in window.chunks(length)]


def put_minutes(store: Store, fleet: Fleet, day: datetime, *, hours: int = 24) -> None:
    """A day at one minute, in files of so many hours."""
    for window in Window(day, day + DAY).chunks(hours * HOUR):
        put(store, window, metrics_at(fleet, window, MINUTE))


def settle(store: Store, five: datetime, hourly: datetime) -> None:
    """Say where the longer periods end, as rolling up would have."""
    with store.transaction() as connection:
        tiers.reach(connection, "metrics", TARGET, tiers.Tiers(five, hourly))
