"""What a value is: settled, provisional, silent or not collected, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core.windows import MINUTE, Window, total

SILENT = "silent"
PROVISIONAL = "provisional"
NOT_COLLECTED = "not collected"
NOT_YET = "not yet"
TOO_OLD = "history was not read that far back"

FEEDS = {
    "invocations": "metrics",
    "errors": "metrics",
    "error_rate": "metrics",
    "throttles": "metrics",
    "duration_max_ms": "metrics",
    "max_concurrency": "metrics",
    "last_invocation": "metrics",
    "duration_p50_ms": "logs",
    "duration_p95_ms": "logs",
    "duration_p99_ms": "logs",
    "cold_starts": "logs",
    "cold_start_rate": "logs",
    "init_p50_ms": "logs",
    "init_p95_ms": "logs",
    "max_memory_used_mb": "logs",
    "timeouts": "logs",
    "out_of_memory": "logs",
    "dead_letters": "queues",
    "cost_usd": "cost",
}
"""The collector behind each column of the fleet table; `cost` is logs where they were read, else metrics."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How well one window was read for one thing. `why` is the reason for what is `missing`, `permission` the
    action that is not allowed, if that is why."""

    window: Window
    missing: tuple[Window, ...] = ()
    provisional: bool = False
    why: str = NOT_YET
    permission: str | None = None

    @property
    def complete(self) -> bool:
        return not self.missing

    @property
    def nothing(self) -> bool:
        """Nothing of the window was read as it should be: what is there all the same (a log that holds only
        failures, say) is no fair sample of it."""
        return bool(self.missing) and total(self.missing) >= self.window.duration

    def state(self, *, silent: bool = False) -> str | None:
        """The state beside a value: None for a settled number; `silent` when there is nothing to show."""
        if self.missing:
            return not_collected(self.missing, self.window, self.why)
        if silent:
            return SILENT
        return PROVISIONAL if self.provisional else None


def not_collected(missing: Iterable[Window], window: Window, why: str) -> str:
    lacking, whole = minutes(total(missing)), minutes(window.duration)
    if lacking >= whole:
        return f"{NOT_COLLECTED}: {why}"
    return f"{NOT_COLLECTED}: {lacking} of {whole} minutes: {why}"


def minutes(length: timedelta) -> int:
    """Whole minutes, what is begun counted as one."""
    return -(-length // MINUTE)


def known(value: Any, seen: Seen) -> Any:
    """`value`, but None for a zero that may be wrong."""
    return None if value == 0 and not seen.complete else value
