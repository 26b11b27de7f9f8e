"""How much each function logs a day, as CloudWatch counted it lately."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from core.facts import Target
from core.windows import Window, total
from store.asking import reader
from store.coverage import Reading
from store.readers.frames import rows
from store.readers.records import FUNCTION_POINTS
from store.store import Store

DAY = timedelta(days=1)
ENOUGH = timedelta(hours=1)
"""Less than this says nothing about a day."""


@reader
def log_bytes_a_day(store: Store, target: Target, *, until: datetime) -> Mapping[str, float]:
    """Bytes a day by function, from what was read of the day before `until`; a function whose log group is
    shared, or of which nothing is known, is not in it."""
    window = Window(until - DAY, until)
    with store.snapshot(window, ("metrics",)) as snapshot:
        frame = snapshot.frame(
            f"""SELECT "function", sum(log_bytes) AS log_bytes FROM metrics
            WHERE {FUNCTION_POINTS} AND account = $account AND region = $region AND log_bytes IS NOT NULL
            GROUP BY ALL""",
            {"account": target.account, "region": target.region},
        )
    readings = store.readings("metrics", target, since=window.start)
    read = {row.function: _read(readings, row.function, window) for row in rows(frame)}
    return {
        row.function: float(row.log_bytes) * (DAY / read[row.function])
        for row in rows(frame)
        if read[row.function] >= ENOUGH
    }


def _read(readings: Mapping[str, Reading], function: str, window: Window) -> timedelta:
    """How much of the window was read of a function; older stores kept that for a target as a whole."""
    of = [covered for scope in (function, "") if scope in readings for covered, _ in readings[scope].read]
    return total(part for covered in of if (part := covered.overlap(window)))
