"""The columns of the fleet table: every function's numbers at once, and the states of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from store.readers.bills import Bill
from store.readers.coverage import Coverage
from store.readers.frames import with_none
from store.readers.letters import Letters
from store.readers.states import FEEDS, SILENT, Seen, known
from store.readers.summaries import AGGREGATED
from store.readers.sums import is_mute
from store.readers.things import Place, Thing

TEXTS = ("account", "region", "function", "runtime", "architecture")
CONFIGURATION = ("runtime", "architecture", "memory_mb", "timeout_s")
COLUMNS = (
    "account",
    "region",
    "function",
    "runtime",
    "architecture",
    "memory_mb",
    "timeout_s",
    "tags",
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
    "cost_usd",
    "last_invocation",
    "states",
)
PERCENTILES = (
    "duration_p50_ms",
    "duration_p95_ms",
    "duration_p99_ms",
    "init_p50_ms",
    "init_p95_ms",
)
NO_LETTERS = Letters()

Numbers = npt.NDArray[np.float64]


class FleetTable:
    """Some functions' rows, in the order of `places`, while they are put together column by column."""

    def __init__(
        self,
        places: Sequence[Place],
        coverage: Coverage,
        metrics: Mapping[Place, Any],
        records: Mapping[Place, Any],
        summaries: Mapping[Place, Any],
    ) -> None:
        self.places, self.values = places, dict[str, Any]()
        self._metrics = [metrics.get(place) for place in places]
        told = [records.get(place) for place in places]
        summed = [summaries.get(place) for place in places]
        self.seen: dict[str, list[Seen]] = {
            "metrics": [coverage.seen("metrics", *place) for place in places],
            "logs": [
                records_seen(coverage, place, counted, one if more is None else more)
                for place, counted, one, more in zip(places, self._metrics, told, summed, strict=True)
            ],
        }
        unread = [seen.nothing for seen in self.seen["logs"]]
        self._records = [None if no else row for row, no in zip(told, unread, strict=True)]
        self._summaries = [None if no else row for row, no in zip(summed, unread, strict=True)]
        self._aggregated = np.array([row is not None for row in self._summaries], dtype=bool)

    def configure(self, things: Mapping[Place, Thing | None], reserved: Mapping[Place, int | None]) -> None:
        bodies: list[Mapping[str, Any]] = [t.body if (t := things[place]) else {} for place in self.places]
        self.values |= {name: [body.get(name) for body in bodies] for name in CONFIGURATION}
        self.values["tags"] = [dict(body.get("tags") or {}) for body in bodies]
        self.values["reserved"] = [reserved.get(place) for place in self.places]

    def measure(self, newest: Mapping[Place, datetime]) -> None:
        values = self.values
        for name in ("invocations", "errors", "throttles"):
            values[name] = self._known(_column(self._metrics, name), "metrics")
        for name in ("cold_starts", "timeouts", "out_of_memory"):
            values[name] = self._known(self._told(name), "logs")
        for name in ("duration_max_ms", "max_concurrency"):
            values[name] = _column(self._metrics, name)
        for name in PERCENTILES:
            values[name] = np.where(self._aggregated, np.nan, _column(self._records, name))
        most = [_column(facts, "max_memory_used_mb") for facts in (self._records, self._summaries)]
        values["max_memory_used_mb"] = np.fmax(*most)
        values["error_rate"] = _rates(values["errors"], values["invocations"])
        values["cold_start_rate"] = _rates(values["cold_starts"], self._told("records"))
        values["last_invocation"] = [newest.get(place) for place in self.places]

    def spend(self, billed: Mapping[Place, Bill], letters: Mapping[Place, Letters]) -> None:
        bills = [billed.get(place) for place in self.places]
        arrived = [letters.get(place, NO_LETTERS) for place in self.places]
        self.seen["queues"] = [one.seen for one in arrived]
        self.seen["cost"] = [
            bill.seen() if bill else counted
            for bill, counted in zip(bills, self.seen["metrics"], strict=True)
        ]
        self.values["dead_letters"] = [known(one.arrived, one.seen) for one in arrived]
        self.values["cost_usd"] = [
            known(bill.total_usd, seen) if bill else None
            for bill, seen in zip(bills, self.seen["cost"], strict=True)
        ]

    def finished(self) -> pd.DataFrame:
        """The columns `COLUMNS` as a frame."""
        places = zip(*self.places, strict=True) if self.places else ((), (), ())
        values = {
            **dict(zip(("account", "region", "function"), map(list, places), strict=True)),
            **self.values,
        }
        values["states"] = self._states()
        return pd.DataFrame({name: _series(name, values[name]) for name in COLUMNS})

    def _told(self, name: str) -> Numbers:
        """What records and sums of the log count together; NaN where there is neither."""
        one, more = _column(self._records, name), _column(self._summaries, name)
        return np.where(np.isnan(one), more, np.where(np.isnan(more), one, one + more))

    def _known(self, counts: Numbers, collector: str) -> Numbers:
        """Counts are 0 where nothing was said; a zero that may be wrong is not known."""
        complete = np.array([seen.complete for seen in self.seen[collector]], dtype=bool)
        counts = np.nan_to_num(counts)
        return np.where((counts == 0) & ~complete, np.nan, counts)

    def _states(self) -> list[dict[str, str]]:
        """Worked out once for all functions that are alike."""
        names = [*FEEDS, *CONFIGURATION]
        absent = np.column_stack([pd.isna(np.asarray(self.values[n], dtype=object)) for n in names])
        seen = [self.seen[collector] for collector in ("metrics", "logs", "queues", "cost")]
        same = zip(*([id(one) for one in of] for of in seen), np.packbits(absent, axis=1), strict=True)
        done: dict[Any, dict[str, str]] = {}
        found = []
        for at, (*ids, bits) in enumerate(same):
            key = (*ids, bits.tobytes(), bool(self._aggregated[at]))
            if key not in done:
                done[key] = self._state_of(at, dict(zip(names, absent[at].tolist(), strict=True)))
            found.append(dict(done[key]))
        return found

    def _state_of(self, at: int, is_absent: Mapping[str, bool]) -> dict[str, str]:
        found = {name: self._state(at, name, feed, is_absent[name]) for name, feed in FEEDS.items()}
        # An image has no runtime: nothing to say, not unknown.
        found |= {name: SILENT for name in CONFIGURATION if is_absent[name]}
        return {name: state for name, state in found.items() if state}

    def _state(self, at: int, name: str, collector: str, is_absent: bool) -> str | None:
        seen = self.seen[collector][at]
        if name == "last_invocation" and not is_absent:
            return None  # of all that is stored, not of the window
        if self._aggregated[at] and name in PERCENTILES and seen.complete:
            return AGGREGATED
        return seen.state(silent=is_absent)


def _column(facts: Sequence[Any], name: str) -> Numbers:
    return np.array([np.nan if row is None else getattr(row, name, np.nan) for row in facts], dtype=float)


def _rates(part: Numbers, whole: Numbers) -> Numbers:
    """`core.formulas.rate` of each."""
    return np.where(whole > 0, part, np.nan) / np.where(whole > 0, whole, np.nan)


def _series(name: str, values: Any) -> pd.Series[Any]:
    if name in TEXTS:
        return pd.Series(values, dtype="str")
    if name in ("tags", "states"):
        return pd.Series(values, dtype=object)
    if name == "cost_usd":
        return with_none(pd.Series(values, dtype=object))
    if name == "last_invocation":
        return pd.to_datetime(pd.Series(values, dtype=object), utc=True).dt.as_unit("us")
    return pd.Series(np.asarray(values, dtype=float))


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
