"""Event source mappings that are off or fail, with what waits behind them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from dashboard import numbers
from dashboard.figures_letters import age
from dashboard.figures_wiring import FINE
from store.readers.wiring import RUNNING

FAILING, OFF = "failing", "off"


def troubled(mappings: pd.DataFrame, queues: pd.DataFrame) -> pd.DataFrame:
    """Rows of the `mappings` reader that hand nothing over, failing ones first, with `standing` (failing,
    off), `since` (it is off, at the latest, or its stream is stuck; NaT: not known), `waiting` (messages in
    the queue it reads; NaN: it reads none, or that is not known) and `age` (of the oldest one, else how far
    it is behind in its stream) in words."""
    columns = (mappings[name].to_numpy() for name in ("mapping_state", "last_result"))
    standings: list[Any] = [_standing(*row) for row in zip(*columns, strict=True)]
    marked = mappings.assign(standing=standings)
    found = marked[marked["standing"].notna()]
    known = queues.set_index("arn")[["visible", "oldest_age_s"]]
    there = known[~known.index.duplicated()].reindex(found["arn"])
    ages = [
        behind if numbers.known(behind) else oldest
        for behind, oldest in zip(found["iterator_age_s"], there["oldest_age_s"], strict=True)
    ]
    words: list[Any] = [age(seconds) for seconds in ages]
    since = found["state_since"].where(found["standing"] == OFF, found["stuck_since"])
    rows = found.assign(since=since, waiting=there["visible"].to_numpy(float), age=words)
    return rows.sort_values(
        ["standing", "waiting", "function", "mapping"], ascending=[True, False, True, True]
    )


def _standing(state: Any, result: Any) -> str | None:
    if numbers.known(state) and state not in RUNNING:
        return OFF
    return FAILING if numbers.known(result) and str(result) not in FINE else None


def told(troubled: pd.DataFrame) -> str:
    """`1 mapping fails, 2 are off`; empty when all hand over."""
    failing, off = (int((troubled["standing"] == what).sum()) for what in (FAILING, OFF))
    parts = [f"{failing:,} {'mapping fails' if failing == 1 else 'mappings fail'}"] if failing else []
    if off:
        is_off = "is off" if off == 1 else "are off"
        parts.append(f"{off:,} {is_off}" if failing else f"{off:,} mapping{'s' if off > 1 else ''} {is_off}")
    return ", ".join(parts)
