"""The size of logs without writing them.

Every template of `loglines` has one length but for its numbers, so bytes are counted from those digits.
"""

from __future__ import annotations

import numpy as np

from quarterdeck.demo.loglines import lines
from quarterdeck.demo.model import (
    Day,
    Floats,
    Ints,
    all_begin_beside,
    all_drop_logs,
    all_hand_back,
    failures_of,
)

EVENT_OVERHEAD_BYTES = 26
"""What CloudWatch Logs adds to the size of each event."""


def log_events(day: Day) -> Ints:
    """How many events each invocation writes."""
    spec, failed = day.spec, day.failed.astype(np.int64)
    fixed = spec.log_lines + failed + _init_events(day) * day.cold
    if spec.log_format == "JSON":
        platform = failed if spec.system_level == "WARN" else 2
        return np.asarray(fixed + platform + all_drop_logs(day), dtype=np.int64)
    errors = [index for index, known in enumerate(failures_of(spec)) if known.kind == "error"]
    own = np.isin(day.failure, errors) if spec.logger else np.zeros(len(day), dtype=np.bool_)
    return np.asarray(fixed + 3 + all_hand_back(day) + all_begin_beside(day) + own, dtype=np.int64)


def _init_events(day: Day) -> int:
    """How many events tell of a cold start."""
    spec = day.spec
    if spec.log_format == "JSON":
        return int(spec.system_level != "WARN" and not spec.provider)
    return 2 if spec.snap_start else int(spec.runtime is not None)


def log_bytes(day: Day) -> Ints:
    """The bytes that CloudWatch Logs counts for each invocation: its `lines` and the overhead of each.

    One invocation of every kind (cold or not, each failure, each version) is written out; others of that kind
    differ from it by the digits of their numbers.
    """
    if not len(day):
        return np.empty(0, dtype=np.int64)
    kind = day.failure + 1 + 1000 * day.cold + 10_000 * day.version + 100_000_000 * (day.memory_mb % 1000)
    kind = (
        kind
        + 10**12 * all_hand_back(day)
        + 2 * 10**12 * all_drop_logs(day)
        + 4 * 10**12 * all_begin_beside(day)
    )
    _, examples, which = np.unique(kind, return_index=True, return_inverse=True)
    digits = _digits(day)
    base = np.array([_size(day, int(example)) for example in examples], dtype=np.int64) - digits[examples]
    return np.asarray(base[which] + digits, dtype=np.int64)


def _size(day: Day, index: int) -> int:
    return sum(len(line.message.encode()) + EVENT_OVERHEAD_BYTES for line in lines(day, index))


def _digits(day: Day) -> Ints:
    """How many digits the numbers of the REPORT record take, and X-Ray's word for sampled."""
    if day.spec.provider:
        return _length(day.duration_ms)
    total = _length(day.duration_ms) + _length(day.billed_ms) + _length(day.used_mb)
    init = _length(day.init_ms) * (2 if day.spec.snap_start else 1)
    restored = (
        _length(np.floor(day.init_ms / 4)) if day.spec.snap_start else np.zeros(len(day), dtype=np.int64)
    )
    word = (
        ~day.sampled if day.spec.tracing and day.spec.log_format == "Text" else np.zeros(len(day), np.bool_)
    )
    digits = total + np.where(day.cold, init + restored, 0) + word
    return np.asarray(digits * day.failed if day.spec.system_level == "WARN" else digits, dtype=np.int64)


def _length(number: Ints | Floats) -> Ints:
    """Digits before the point, as printed with two decimals."""
    whole = np.floor(np.round(number, 2)).astype(np.int64)
    return np.asarray(1 + sum((whole >= 10**power).astype(np.int64) for power in range(1, 9)), dtype=np.int64)
