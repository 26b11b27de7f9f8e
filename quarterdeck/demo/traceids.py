"""Under which ids X-Ray knows an invocation."""

from __future__ import annotations

from quarterdeck.demo.model import Day


def trace_id(day: Day, index: int) -> str:
    high, low = (int(part) for part in day.ids[index])
    return f"1-{int(day.start_ms[index]) // 1000:08x}-{(high ^ (low << 7)) % 2**32:08x}{low % 2**64:016x}"


def segment_id(day: Day, index: int) -> str:
    high, low = (int(part) for part in day.ids[index])
    return f"{(high * 31 + low) % 2**64:016x}"
