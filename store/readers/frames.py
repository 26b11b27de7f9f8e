"""Frames and time grids that every reader needs: a step without data is a row of NaN, never a missing row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.windows import Window, ceil, floor, merge

Flags = npt.NDArray[np.bool_]

STEP_SQL = "(epoch_ms(ts) // $step_ms) * $step_ms"
"""The start of the step a row falls in, as milliseconds since the epoch; wants the parameter `step_ms`."""


def rows(frame: pd.DataFrame) -> Iterator[Any]:
    """Rows with their columns as attributes."""
    return frame.itertuples(index=False)


def milliseconds(step: timedelta) -> int:
    return step // timedelta(milliseconds=1)


def to_utc(epoch_ms: pd.Series[Any] | npt.NDArray[Any]) -> pd.Series[Any]:
    """Milliseconds since the epoch as aware times."""
    return pd.Series(pd.to_datetime(epoch_ms, unit="ms", utc=True)).dt.as_unit("us")


class Grid:
    """The whole steps inside a window: a step cut by an edge, the unfinished last one too, is left out."""

    def __init__(self, window: Window, step: timedelta) -> None:
        first, end = ceil(window.start, step), floor(window.end, step)
        self.window = Window(first, max(first, end))
        self.step, self.step_ms = step, milliseconds(step)
        self.starts_ms: npt.NDArray[np.int64] = np.arange(
            epoch_ms(first), epoch_ms(self.window.end), self.step_ms, dtype=np.int64
        )

    def __len__(self) -> int:
        return len(self.starts_ms)

    @property
    def ts(self) -> pd.Series[Any]:
        return to_utc(self.starts_ms)

    def lay(self, frame: pd.DataFrame) -> pd.DataFrame:
        """`frame` (with a `step` in epoch milliseconds) as one row per step, `step` replaced by `ts`."""
        full = frame.set_index("step").reindex(pd.Index(self.starts_ms, name="step")).reset_index(drop=True)
        full.insert(0, "ts", self.ts)
        return full


def epoch_ms(ts: datetime) -> int:
    return round(ts.timestamp() * 1000)


def inside(windows: Sequence[Window], grid: npt.NDArray[np.int64], step: timedelta) -> Flags:
    """Per step of `grid`: whether one of `windows` holds all of it."""
    merged = merge(windows)
    if not merged:
        return np.zeros(len(grid), dtype=bool)
    starts = np.array([epoch_ms(w.start) for w in merged])
    ends = np.array([epoch_ms(w.end) for w in merged])
    at = np.searchsorted(starts, grid, side="right") - 1
    return (at >= 0) & (grid + milliseconds(step) <= ends[np.maximum(at, 0)])


def touched(windows: Sequence[Window], grid: npt.NDArray[np.int64], step: timedelta) -> Flags:
    """Per step of `grid`: whether one of `windows` holds some of it."""
    flags = np.zeros(len(grid), dtype=bool)
    for window in merge(windows):
        first = np.searchsorted(grid, epoch_ms(window.start) - milliseconds(step), side="right")
        last = np.searchsorted(grid, epoch_ms(window.end), side="left")
        flags[first:last] = True
    return flags


def with_none(column: pd.Series[Any]) -> pd.Series[Any]:
    """The column with None where nothing is said, whatever its type."""
    return column.astype(object).where(column.notna(), None)


def number(value: Any) -> float | None:
    """One value of a frame: None where nothing is said."""
    return None if value is None or value != value else float(value)


def share(part: pd.Series[Any], whole: pd.Series[Any]) -> pd.Series[Any]:
    """`part / whole` as 0..1; NaN where `whole` is 0 or unknown."""
    return part.astype(float) / whole.astype(float).where(whole > 0)
