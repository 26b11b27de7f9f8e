"""Tables as files that people open elsewhere."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(frame: pd.DataFrame) -> str:
    """The frame as CSV: times ISO 8601 in UTC, numbers in full precision, unknown empty.

    A text cell that a spreadsheet would run as a formula (a tag may read so) gets an apostrophe first.
    """
    safe = frame.apply(lambda column: column.map(_safe))
    safe.columns = pd.Index([_safe(name) for name in frame.columns])
    return str(safe.to_csv(index=False, lineterminator="\r\n"))


def _safe(cell: Any) -> Any:
    if isinstance(cell, pd.Timestamp):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if isinstance(cell, str) and cell.startswith(_STARTS_A_FORMULA):
        return "'" + cell
    return cell
