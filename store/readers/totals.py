"""One number over many functions where adding up would be wrong: percentiles over every record."""

from __future__ import annotations

from core.formulas import rate
from core.windows import Window
from store.asking import reader
from store.readers.fleet import EVERYTHING
from store.readers.records import RECORD_SUMS
from store.readers.summaries import larger, plus, summary_totals
from store.readers.things import sql_where
from store.store import Filter, Store


@reader
def record_totals(store: Store, window: Window, *, where: Filter = EVERYTHING) -> dict[str, float | None]:
    """Over all invocation records of the window: records, duration_p50_ms, duration_p95_ms, duration_p99_ms,
    cold_starts, cold_start_rate (0..1), init_p50_ms, init_p95_ms, max_memory_used_mb, timeouts,
    out_of_memory.

    Only what was collected counts; None where no record says anything. Sums of aggregated logs are added;
    percentiles are None then, as those of parts cannot be joined.
    """
    wanted, params = sql_where(where)
    with store.snapshot(window, ("invocations", "invocation_summaries")) as snapshot:
        frame = snapshot.frame(f"SELECT {RECORD_SUMS} FROM invocations WHERE {wanted}", params)
        more = summary_totals(snapshot, window, where)
    found = {str(name): _known(value) for name, value in frame.iloc[0].items()}
    if more is not None:
        found |= {name: plus(found[name], _known(getattr(more, name))) for name in _COUNTS}
        found |= {"max_memory_used_mb": larger(found["max_memory_used_mb"], _known(more.max_memory_used_mb))}
        found |= {name: None for name in found if "_p" in name}
    return found | {"cold_start_rate": rate(found["cold_starts"], found["records"])}


_COUNTS = ("records", "cold_starts", "timeouts", "out_of_memory")


def _known(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)
