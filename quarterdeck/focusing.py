"""Writes cost tables as FOCUS files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from core.errors import QuarterdeckError
from core.focus import focus_csv, focus_months, focus_parquet, to_focus
from core.settings import CostSettings
from core.windows import Window
from quarterdeck.mistakes import UsageMistakeError
from store.readers.cost import costs
from store.store import Filter, Store

ENDINGS = (".csv", ".parquet")


def check_ending(path: Path) -> None:
    """Raises UsageMistakeError for a file that is to be neither."""
    if path.suffix not in ENDINGS:
        raise UsageMistakeError(f"--focus: {path.name} ends neither in .csv nor in .parquet")


def focus_table(
    store: Store,
    window: Window,
    *,
    now: datetime,
    by: Sequence[str],
    where: Filter,
    settings: CostSettings,
) -> pd.DataFrame:
    """Costs per group and component with the columns of FOCUS, month by month."""
    tables = [
        to_focus(costs(store, part, now=now, by=by, where=where), window=part, payer_of=settings.payer_of)
        for part in focus_months(window)
    ]
    return pd.concat(tables, ignore_index=True)


def write_focus(path: Path, frame: pd.DataFrame) -> None:
    """CSV or Parquet, by the name's ending. Raises QuarterdeckError when it cannot be written."""
    data = focus_parquet(frame) if path.suffix == ".parquet" else focus_csv(frame).encode()
    try:
        path.write_bytes(data)
    except OSError as error:
        raise QuarterdeckError(f"cannot write {path}: {error.strerror}") from error
