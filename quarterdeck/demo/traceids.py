"""Which invocations X-Ray saw, and under which ids."""

from __future__ import annotations

from quarterdeck.demo.simulate import Day, Flags

SAMPLED_SHARE = 0.1
"""The account's sampling rule: a fixed rate without a reservoir."""


def sampled(day: Day) -> Flags:
    """Whether each invocation was traced; all False for functions without active tracing."""
    return (day.draws[:, 4] >= 1 - SAMPLED_SHARE) & day.spec.tracing


def trace_id(day: Day, index: int) -> str:
    high, low = (int(part) for part in day.ids[index])
    return f"1-{int(day.start_ms[index]) // 1000:08x}-{(high ^ (low << 7)) % 2**32:08x}{low % 2**64:016x}"


def segment_id(day: Day, index: int) -> str:
    high, low = (int(part) for part in day.ids[index])
    return f"{(high * 31 + low) % 2**64:016x}"
