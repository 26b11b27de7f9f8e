"""From frames to a page's numbers and words: pure, so that what a page says is tested without one."""

from __future__ import annotations

import re
from typing import Any, Literal

import pandas as pd

NOT_COLLECTED, PROVISIONAL = "not collected", "provisional"

SPARK_POINTS = 40
_PART = re.compile(r"^\d+ of \d+ minutes: ")


def reason(state: str | None) -> str | None:
    """Why a value is missing: `not collected: 40 of 180 minutes: WHY` reads WHY; other states read None."""
    if not state or not state.startswith(NOT_COLLECTED):
        return None
    return _PART.sub("", state.removeprefix(NOT_COLLECTED).removeprefix(": ")) or "not yet"


def spark(series: pd.Series[Any], how: Literal["sum", "mean", "max"] = "mean") -> list[float]:
    """At most `SPARK_POINTS` points of a series; a step that is unknown stays NaN."""
    per = -(-len(series) // SPARK_POINTS) or 1
    groups = series.reset_index(drop=True).groupby(lambda at: at // per)
    grouped = groups.sum(min_count=1) if how == "sum" else groups.agg(how)
    return [float(value) for value in grouped]
