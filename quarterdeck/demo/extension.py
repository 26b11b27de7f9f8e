"""What the Lambda Insights extension measures of each invocation, and the time that it takes itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from quarterdeck.demo.metrics import OfDay, Samples, of_invocations
from quarterdeck.demo.model import Day, Floats


def _received(day: Day) -> Floats:
    return 2048.0 + (day.ids[:, 0] % 9000).astype(np.float64)


def _sent(day: Day) -> Floats:
    return 512.0 + (day.ids[:, 1] % 3000).astype(np.float64)


def _of_each(value: Callable[[Day], Floats]) -> OfDay:
    return lambda day: of_invocations(day.start_ms, np.asarray(value(day), dtype=np.float64), day.end_ms)


def _init(day: Day) -> Samples:
    """Written on cold starts only."""
    return of_invocations(day.start_ms[day.cold], day.init_ms[day.cold], day.end_ms[day.cold])


OF_INSIGHTS: dict[str, OfDay] = {
    "cpu_total_time": _of_each(lambda day: day.duration_ms * 0.35 + 12),
    "init_duration": _init,
    "memory_utilization": _of_each(lambda day: 100.0 * day.used_mb / day.memory_mb),
    "rx_bytes": _of_each(_received),
    "tx_bytes": _of_each(_sent),
    "total_network": _of_each(lambda day: _received(day) + _sent(day)),
    "total_memory": _of_each(lambda day: day.memory_mb.astype(np.float64)),
    "used_memory_max": _of_each(lambda day: day.used_mb.astype(np.float64)),
}
"""Metrics of the namespace LambdaInsights."""

OF_EXTENSIONS: dict[str, OfDay] = {
    "PostRuntimeExtensionsDuration": _of_each(lambda day: 0.05 + (day.ids[:, 0] % 40) / 100.0)
}
"""Metrics of Lambda's own for functions with an extension."""
