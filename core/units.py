"""What N units of provisioned concurrency would have spared callers and cost, from a replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from core.prices import Prices, cost, gb_seconds
from core.replay import Flags, Times

ROUNDED = timedelta(minutes=5)
"""Units are billed in steps of five minutes."""

MOST_STEPS = 40
ENOUGH = 0.9


@dataclass(frozen=True, slots=True)
class Ran:
    """Counted arrivals of a replay: the environment of each, whether it starts cold without units, and how
    long its handler ran. `wait_s` and `init_ms` are what one cold start takes of a caller, and is billed for,
    on average (None: no cold start was recorded that says so)."""

    number: Times
    is_cold: Flags
    duration_ms: npt.NDArray[np.float64]
    wait_s: float | None
    init_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """With `units`: what is left and what it costs. Money is of the window and None where a price is not
    known; `net_usd` is capacity and provisioned duration less what the same invocations cost on demand."""

    units: int
    cold_starts: int
    avoided: int
    spared_s: float | None
    served: int
    use: float | None
    capacity_usd: Decimal | None
    duration_usd: Decimal | None
    on_demand_usd: Decimal | None

    @property
    def net_usd(self) -> Decimal | None:
        parts = (self.capacity_usd, self.duration_usd, self.on_demand_usd)
        if any(part is None for part in parts):
            return None
        capacity, duration, before = (part or Decimal(0) for part in parts)
        return capacity + duration - before


def steps(ran: Ran, *, length: timedelta, memory_mb: float | None, prices: Prices) -> list[Step]:
    """From no unit to as many as ran at once, at most MOST_STEPS of them and those evenly apart."""
    peak = int(ran.number.max()) + 1 if len(ran.number) else 0
    wanted = sorted({round(peak * i / MOST_STEPS) for i in range(MOST_STEPS + 1)})
    return [step(ran, units, length=length, memory_mb=memory_mb, prices=prices) for units in wanted]


def step(ran: Ran, units: int, *, length: timedelta, memory_mb: float | None, prices: Prices) -> Step:
    served = ran.number < units
    avoided = int((ran.is_cold & served).sum())
    handler_ms = float(np.ceil(ran.duration_ms[served]).sum())
    busy_ms = float(ran.duration_ms[served].sum())
    init_ms = None if ran.init_ms is None and avoided else avoided * (ran.init_ms or 0.0)
    before_ms = None if init_ms is None else handler_ms + init_ms
    capacity_ms = units * billed(length) / timedelta(milliseconds=1)
    return Step(
        units=units,
        cold_starts=int((ran.is_cold & ~served).sum()),
        avoided=avoided,
        spared_s=None if ran.wait_s is None and avoided else avoided * (ran.wait_s or 0.0),
        served=int(served.sum()),
        use=busy_ms / (units * length / timedelta(milliseconds=1)) if units else None,
        capacity_usd=_cost(capacity_ms, memory_mb, prices.provisioned_capacity),
        duration_usd=_cost(handler_ms, memory_mb, prices.provisioned_duration),
        on_demand_usd=_cost(before_ms, memory_mb, prices.duration),
    )


def billed(length: timedelta) -> timedelta:
    """The length that capacity is billed for."""
    return -(-length // ROUNDED) * ROUNDED


def _cost(milliseconds: float | None, memory_mb: float | None, price: Decimal | None) -> Decimal | None:
    if milliseconds is None or memory_mb is None:
        return None
    return cost(gb_seconds(milliseconds, memory_mb), price)


def break_even_use(prices: Prices) -> float | None:
    """The share of the time that a unit must be at work to cost no more than on demand (cold starts aside);
    None when a price is not known."""
    known = prices.provisioned_capacity, prices.duration, prices.provisioned_duration
    if any(price is None for price in known):
        return None
    capacity, on_demand, provisioned = (float(price or 0) for price in known)
    return capacity / (on_demand - provisioned) if on_demand > provisioned else None


def enough(found: Sequence[Step], share: float = ENOUGH) -> Step | None:
    """The least step that avoids `share` of the cold starts; None when there are none to avoid."""
    most = max((one.avoided for one in found), default=0)
    return next((one for one in found if one.avoided >= share * most), None) if most else None


def paying(found: Sequence[Step]) -> Step | None:
    """The most units that cost no more than on demand; None when even one costs more, or that is unknown."""
    free = [one for one in found if one.units and one.net_usd is not None and one.net_usd <= 0]
    return max(free, key=lambda one: one.units, default=None)
