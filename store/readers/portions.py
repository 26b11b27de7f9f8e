"""Exact percentiles of more records than fit in memory: DuckDB keeps every value of a group until it is asked
for, so that a question is put to some of the rows at a time, and to all of them where they are few."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pandas as pd

from core.windows import Window
from store.lake import during
from store.readers.frames import Grid, rows
from store.store import Snapshot

MOST_ROWS = 8_000_000
"""Records whose durations DuckDB holds beside everything else in its gigabyte, for two questions at once."""

KIND = "invocations"


def by_step(snapshot: Snapshot, grid: Grid, sql: str, params: Mapping[str, Any]) -> pd.DataFrame:
    """What `sql` says of the records of a grid; `{some}` is among its conditions, and each of its groups is
    of one step."""
    found = (during(part) for part in _pieces(snapshot, grid.window, grid.step))
    return _joined(snapshot.frame(sql.format(some=some), params) for some in found)


def _pieces(snapshot: Snapshot, window: Window, step: timedelta) -> Iterator[Window]:
    steps = window.duration // step
    if steps < 2 or snapshot.rows_in(KIND, window) <= MOST_ROWS:
        yield window
        return
    middle = window.start + steps // 2 * step
    for half in (Window(window.start, middle), Window(middle, window.end)):
        yield from _pieces(snapshot, half, step)


def by_function(snapshot: Snapshot, window: Window, sql: str, params: Mapping[str, Any]) -> pd.DataFrame:
    """What `sql` says of the records of a window; `{some}` is among its conditions, and each of its groups is
    of one function's name."""
    if snapshot.rows_in(KIND, window) <= MOST_ROWS:
        return snapshot.frame(sql.format(some="true"), params)
    some = sql.format(some='"function" BETWEEN $first AND $last')
    spans = _spans(snapshot)
    return _joined(snapshot.frame(some, {**params, "first": first, "last": last}) for first, last in spans)


def _spans(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """The first and last name of functions that have so many records together; a busier one is alone."""
    counted = snapshot.frame(
        f'SELECT "function", count(*) AS records FROM {KIND} GROUP BY ALL ORDER BY "function"'
    )
    names: list[str] = []
    held = 0
    for row in rows(counted):
        if names and held + row.records > MOST_ROWS:
            yield names[0], names[-1]
            names, held = [], 0
        names.append(row.function)
        held += row.records
    yield (names[0], names[-1]) if names else ("", "")


def _joined(frames: Iterator[pd.DataFrame]) -> pd.DataFrame:
    """As one frame; of frames without rows the first, whose columns know no types."""
    told = list(frames)
    return pd.concat([frame for frame in told if len(frame)] or told[:1], ignore_index=True)
