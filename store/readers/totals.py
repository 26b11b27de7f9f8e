"""One number over many functions where adding up would be wrong: percentiles over every record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.formulas import Numbers, rate
from core.windows import Window
from store.asking import reader
from store.readers.fleet import EVERYTHING
from store.readers.frames import number
from store.readers.records import RECORD_COUNTS
from store.readers.summaries import larger, plus, summary_totals
from store.readers.things import sql_where
from store.store import Filter, Store


@reader
def record_totals(store: Store, window: Window, *, where: Filter = EVERYTHING) -> dict[str, float | None]:
    """Over all invocation records of the window: records, duration_p50_ms, duration_p95_ms, duration_p99_ms,
    cold_starts, cold_start_rate (0..1), init_p50_ms, init_p95_ms, max_memory_used_mb, timeouts,
    out_of_memory.

    Only what was collected counts; None where no record says anything. Sums of aggregated logs are added to
    counts; percentiles are of single records, as those of parts cannot be joined.
    """
    wanted, params = sql_where(where)
    with store.snapshot(window, ("invocations", "invocation_summaries")) as snapshot:
        frame = snapshot.frame(f"SELECT {RECORD_COUNTS} FROM invocations WHERE {wanted}", params)
        durations = snapshot.frame(_DURATIONS.format(wanted=wanted), params)
        more = summary_totals(snapshot, window, where)
    found = {str(name): number(value) for name, value in frame.iloc[0].items()}
    found |= _percentiles(durations)
    if more is not None:
        found |= {name: plus(found[name], number(getattr(more, name))) for name in _COUNTS}
        found |= {"max_memory_used_mb": larger(found["max_memory_used_mb"], number(more.max_memory_used_mb))}
    return found | {"cold_start_rate": rate(found["cold_starts"], found["records"])}


_DURATIONS = """SELECT duration_ms::DOUBLE AS ms, count(*) AS records FROM invocations
    WHERE duration_ms IS NOT NULL AND {wanted} GROUP BY ALL ORDER BY ms"""
"""Durations come in hundredths of a millisecond: of millions of records, a few ten thousand differ."""

_SHARES = {"duration_p50_ms": 0.5, "duration_p95_ms": 0.95, "duration_p99_ms": 0.99}


def weighted(values: Numbers, counts: npt.NDArray[np.int64], shares: Sequence[float]) -> list[float]:
    """What `quantile_cont` of DuckDB says of each value as often as it is counted; `values` in order."""
    upto = np.cumsum(counts)
    found = []
    for share in shares:
        below, rest = divmod(share * float(upto[-1] - 1), 1)
        low, high = values[np.searchsorted(upto, [below, below + (rest > 0)], side="right")]
        found.append(float(low + (high - low) * rest))
    return found


def _percentiles(durations: pd.DataFrame) -> dict[str, float | None]:
    if durations.empty:
        return dict.fromkeys(_SHARES)
    told = weighted(durations["ms"].to_numpy(), durations["records"].to_numpy(), list(_SHARES.values()))
    return dict(zip(_SHARES, told, strict=True))


_COUNTS = ("records", "cold_starts", "timeouts", "out_of_memory")
