"""One function's row of the fleet table: its numbers, and the state of each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from core.formulas import rate
from store.readers.billing import Bill
from store.readers.letters import Letters
from store.readers.states import FEEDS, SILENT, Coverage, Seen, known
from store.readers.summaries import AGGREGATED, larger, plus
from store.readers.sums import is_mute
from store.readers.things import Place, Thing

TEXTS = ("account", "region", "function", "runtime", "architecture")
CONFIGURATION = ("runtime", "architecture", "memory_mb", "timeout_s")
NUMBERS = (
    "memory_mb",
    "timeout_s",
    "reserved",
    "invocations",
    "errors",
    "error_rate",
    "throttles",
    "duration_p50_ms",
    "duration_p95_ms",
    "duration_p99_ms",
    "duration_max_ms",
    "max_concurrency",
    "cold_starts",
    "cold_start_rate",
    "init_p50_ms",
    "init_p95_ms",
    "max_memory_used_mb",
    "timeouts",
    "out_of_memory",
    "dead_letters",
)
COLUMNS = (
    "account",
    "region",
    "function",
    "runtime",
    "architecture",
    "memory_mb",
    "timeout_s",
    "tags",
    *NUMBERS[2:],
    "cost_usd",
    "last_invocation",
    "states",
)


class FleetRow:
    """One function's row while it is put together."""

    def __init__(
        self, place: Place, coverage: Coverage, metrics: Any, records: Any, summaries: Any = None
    ) -> None:
        self.values: dict[str, Any] = dict(zip(("account", "region", "function"), place, strict=True))
        self.metrics, self.records, self.summaries = metrics, records, summaries
        account, region, function = place
        self.seen: dict[str, Seen] = {
            "metrics": coverage.seen("metrics", account, region, function),
            "logs": records_seen(coverage, place, metrics, records if summaries is None else summaries),
        }
        if self.seen["logs"].nothing:
            self.records = self.summaries = None

    def configure(self, thing: Thing | None, reserved: int | None) -> None:
        body: Mapping[str, Any] = thing.body if thing else {}
        self.values |= {name: body.get(name) for name in CONFIGURATION}
        self.values |= {"tags": dict(body.get("tags") or {}), "reserved": reserved}

    def measure(self, newest: datetime | None) -> None:
        count, of = self._count, self._of
        self.values |= {name: count(name, "metrics") for name in ("invocations", "errors", "throttles")}
        self.values |= {name: count(name, "logs") for name in ("cold_starts", "timeouts", "out_of_memory")}
        self.values |= {name: of(self.metrics, name) for name in ("duration_max_ms", "max_concurrency")}
        aggregated = self.summaries is not None
        self.values |= {name: None if aggregated else of(self.records, name) for name in _PERCENTILES}
        most = [of(facts, "max_memory_used_mb") for facts in (self.records, self.summaries)]
        records = plus(of(self.records, "records"), of(self.summaries, "records"))
        self.values |= {
            "max_memory_used_mb": larger(*most),
            "error_rate": rate(self.values["errors"], self.values["invocations"]),
            "cold_start_rate": rate(self.values["cold_starts"], records),
            "last_invocation": newest,
        }

    def spend(self, bill: Bill | None, letters: Letters) -> None:
        self.seen |= {"queues": letters.seen} | ({"cost": bill.seen()} if bill else {})
        self.values["dead_letters"] = known(letters.arrived, letters.seen)
        self.values["cost_usd"] = known(bill.total_usd, bill.seen()) if bill else None

    def finished(self) -> dict[str, Any]:
        states = {name: self._state(name, collector) for name, collector in FEEDS.items()}
        # An image has no runtime: nothing to say, not unknown.
        states |= {name: SILENT for name in CONFIGURATION if self.values[name] is None}
        return self.values | {"states": {name: state for name, state in states.items() if state}}

    def _state(self, name: str, collector: str) -> str | None:
        seen, value = self.seen.get(collector, self.seen["metrics"]), self.values[name]
        if name == "last_invocation" and value is not None:
            return None  # of all that is stored, not of the window
        if self.summaries is not None and name in _PERCENTILES and seen.complete:
            return AGGREGATED
        return seen.state(silent=value is None)

    def _count(self, name: str, collector: str) -> Any:
        if collector == "metrics":
            return known(self._of(self.metrics, name) or 0.0, self.seen[collector])
        value = plus(self._of(self.records, name), self._of(self.summaries, name))
        return known(value or 0.0, self.seen[collector])

    @staticmethod
    def _of(facts: Any, name: str) -> Any:
        value = getattr(facts, name, None)
        return None if value is None or pd.isna(value) else value


_PERCENTILES = (
    "duration_p50_ms",
    "duration_p95_ms",
    "duration_p99_ms",
    "init_p50_ms",
    "init_p95_ms",
)


def records_seen(coverage: Coverage, place: Place, metrics: Any, records: Any) -> Seen:
    """How well the log was read; a log that was read but tells of no invocation that ended is not
    collected. The log of a function that was not invoked needs no reading: there is nothing in it."""
    seen, counted = coverage.seen("logs", *place), coverage.seen("metrics", *place)
    was_invoked = metrics is not None and metrics.invocations > 0
    if counted.complete and not was_invoked and not seen.complete:
        return counted
    if not is_mute(metrics, has_records=records is not None) or not seen.complete:
        return seen
    why = f"the log has no REPORT record of {metrics.ended:.0f} invocations"
    return Seen(coverage.window, (coverage.window,), seen.provisional, why)
