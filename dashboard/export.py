"""Tables as files that people open elsewhere."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_text(frame: pd.DataFrame) -> str:
    """The frame as CSV: times ISO 8601 in UTC, numbers in full precision, unknown empty.

    A text cell that a spreadsheet would run as a formula (a tag may read so) gets an apostrophe first.
    """
    safe = frame.apply(lambda column: column.map(_safe))
    safe.columns = pd.Index([_safe(name) for name in frame.columns])
    return str(safe.to_csv(index=False, lineterminator="\r\n"))


def flat(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the columns that hold a line of numbers per row: they are drawn, not read."""
    return frame[[name for name in frame.columns if not _is_drawn(frame[name])]]


def _is_drawn(column: pd.Series[Any]) -> bool:
    """Whether it holds lists of numbers, by the first that is not empty."""
    if column.dtype != object:
        return False
    filled = (cell for cell in column if isinstance(cell, list) and cell)
    first = next(filled, None)
    return first is not None and not isinstance(first[0], str)


def _safe(cell: Any) -> Any:
    if isinstance(cell, list | tuple):
        cell = "; ".join(str(one) for one in cell)
    if isinstance(cell, pd.Timestamp):
        return cell.isoformat() if cell == cell else None
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if isinstance(cell, str) and cell.startswith(_STARTS_A_FORMULA):
        return "'" + cell
    return cell
