"""When a queue is empty: what comes in against what is taken out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

EMPTY, DRAINING, STEADY, GROWING, HELD, UNKNOWN = "empty", "draining", "steady", "growing", "held", "unknown"

STEADY_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Drain:
    """`drains_in_s`: None where it is not in sight, 0 for an empty queue. Rates are messages a second."""

    outlook: str
    drains_in_s: float | None
    in_per_s: float | None
    out_per_s: float | None
    says: str


def drain(depth: float | None, arrived: float | None, deleted: float | None, over: timedelta) -> Drain:
    """Judge a queue that holds `depth` messages by what arrived and was deleted `over` a time. None: not
    known. In a steady queue the two differ by less than a message, or less than a `STEADY_SHARE` of what
    arrived is left: it is under way and not deleted yet."""
    seconds = over.total_seconds()
    if arrived is None or deleted is None or seconds <= 0:
        return Drain(UNKNOWN, None, None, None, "what comes in or goes out is not known")
    come, gone = arrived / seconds, deleted / seconds
    if depth is None:
        return Drain(UNKNOWN, None, come, gone, "what it holds is not known")
    if depth == 0:
        return Drain(EMPTY, 0.0, come, gone, "it is empty")
    if deleted == 0:
        what = f"{arrived:,.0f} came and nothing was taken out" if arrived else "nothing was taken out"
        return Drain(GROWING if arrived else HELD, None, come, gone, what)
    if -1 < arrived - deleted < max(1, STEADY_SHARE * arrived):
        return Drain(STEADY, None, come, gone, "as much comes in as is taken out")
    if arrived > deleted:
        says = f"{(come - gone) * 60:,.1f} messages a minute come in beyond what is taken out"
        return Drain(GROWING, None, come, gone, says)
    left_s = depth / (gone - come)
    return Drain(DRAINING, left_s, come, gone, f"at this rate it is empty in {_long(left_s)}")


def _long(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:,.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:,.0f} min"
    return f"{seconds / 3600:,.1f} h" if seconds < 172_800 else f"{seconds / 86_400:,.0f} days"
