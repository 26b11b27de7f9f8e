"""What units of provisioned concurrency would have done for one function: from its records, without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from core.prices import Prices
from core.replay import Flags, Habits, Placed, arrivals, fit_idle, place
from core.units import Ran, Step, enough, paying, steps
from core.windows import Window
from store.readers.starts import Recorded

WHOLE = 0.9
"""An environment that was seen at work for so much of the time may have lived longer: who knows its end?"""

ALIKE = 0.2
"""The replay may miss the recorded cold starts by so much and still count as telling the same."""

LATEST = "$LATEST"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """The answer and all it rests on. `recorded` cold starts stand beside `replayed` ones, with the units
    that there are; `wait_s` is None where none was recorded."""

    steps: Sequence[Step]
    units_now: int
    invocations: int
    recorded: int
    replayed: int
    habits: Habits
    is_fitted: bool
    wait_s: float | None
    memory_mb: float | None
    prices: Prices
    window: Window
    state: str | None
    has_lead: bool
    is_cut: bool
    versions: tuple[str, ...]

    @property
    def is_alike(self) -> bool:
        return abs(self.replayed - self.recorded) <= max(ALIKE * self.recorded, 2)

    @property
    def enough(self) -> Step | None:
        return enough(self.steps)

    @property
    def paying(self) -> Step | None:
        return paying(self.steps)

    def step(self, units: int | None) -> Step | None:
        """The step with so many units; the one that is enough when none or an unknown number is asked for."""
        return next((one for one in self.steps if one.units == units), self.enough)


def what_if(
    told: Recorded, *, prices: Prices, units_now: int, idle: timedelta | None = None
) -> WhatIf | None:
    """`idle` is how long environments are kept without work; None: what reproduces the recorded cold starts
    best. None when there is no record to replay."""
    frame = told.frame.sort_values("start_ms", kind="stable")
    counted: Flags = frame["is_counted"].to_numpy(dtype=bool)
    if not counted.any():
        return None
    placed = place(arrivals(frame["start_ms"], frame["end_ms"], frame["version"].tolist()))
    mine = frame[counted]
    recorded = int(mine["waited_ms"].notna().sum())
    life = _life(told)
    kept = idle or fit_idle(placed, counted, recorded, life=life, units=units_now)
    habits = Habits(kept, life)
    cold = placed.cold(habits)
    ran = _ran(placed, cold, counted, mine)
    memory_mb = _newest(mine["memory_mb"])
    return WhatIf(
        steps=steps(ran, length=told.window.duration, memory_mb=memory_mb, prices=prices),
        units_now=units_now,
        invocations=len(mine),
        recorded=recorded,
        replayed=int((cold & counted & (placed.number >= units_now)).sum()),
        habits=habits,
        is_fitted=idle is None,
        wait_s=ran.wait_s,
        memory_mb=memory_mb,
        prices=prices,
        window=told.window,
        state=told.state,
        has_lead=told.has_lead,
        is_cut=told.is_cut,
        versions=tuple(mine["version"].unique()),
    )


def _ran(placed: Placed, cold: Flags, counted: Flags, mine: pd.DataFrame) -> Ran:
    return Ran(
        number=placed.number[counted],
        is_cold=cold[counted],
        duration_ms=mine["duration_ms"].to_numpy(dtype=np.float64),
        wait_s=_mean(mine["waited_ms"], 1000),
        init_ms=_mean(mine["init_billed_ms"], 1),
    )


def _mean(values: pd.Series[float], unit: float) -> float | None:
    known = values.dropna()
    return float(known.mean()) / unit if len(known) else None


def _newest(values: pd.Series[float]) -> float | None:
    known = values.dropna()
    return float(known.iloc[-1]) if len(known) else None


def _life(told: Recorded) -> timedelta | None:
    """How long environments live, if some were seen to end."""
    longest = told.oldest
    return longest if longest and longest < WHOLE * told.window.duration else None
