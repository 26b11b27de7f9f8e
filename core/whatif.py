"""What one function would have cost, and how long its callers would have waited, set up differently: its
recorded invocations are run through environments once more, at both ends of what is not known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from core.cpu_model import SURE, AtMemory, Ratio, slowdown
from core.prices import FREE_EPHEMERAL_MB, Prices, cost, gb_seconds
from core.provisioned import MONTH
from core.replay import Arrivals, Codes, Flags, Habits, Placed, Times, arrivals, fit_idle, place
from core.units import billed

Numbers = npt.NDArray[np.float64]

ARM_DIFFERS = 0.1
"""The same code may take so much longer or shorter on the other architecture: supposed, not measured."""

P95 = 0.95
LEAST_RECORDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How a function is set up, as far as that changes its cost and its speed."""

    memory_mb: float
    architecture: str = "x86_64"
    units: int = 0
    timeout_s: float = 900.0
    ephemeral_mb: float = FREE_EPHEMERAL_MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Invocations in order of `start_ms`, when each arrived. `duration_ms` is of the handler, `waited_ms` and
    `init_billed_ms` of its cold start (NaN: it was warm), `memory_mb` what it ran with; `counted` are in the
    window of this `length`, the others lead to it. `timed_out` were ended: how long they would have run is
    not known. `life` is how long environments live at most (None: not seen)."""

    start_ms: Times
    duration_ms: Numbers
    waited_ms: Numbers
    init_billed_ms: Numbers
    memory_mb: Numbers
    version: Codes
    timed_out: Flags
    counted: Flags
    length: timedelta
    life: timedelta | None = None

    def __len__(self) -> int:
        return len(self.start_ms)

    @property
    def cold_starts(self) -> int:
        return int((self.counted & ~np.isnan(self.waited_ms)).sum())

    def sizes(self) -> list[AtMemory]:
        """Warm invocations that were not ended, by the memory they ran with."""
        plain = np.isnan(self.waited_ms) & ~self.timed_out
        found = []
        for memory_mb in np.unique(self.memory_mb[plain]):
            logs = np.log(np.maximum(self.duration_ms[plain & (self.memory_mb == memory_mb)], 0.01))
            spread = float(logs.std(ddof=1)) if len(logs) > 1 else 0.0
            found.append(AtMemory(float(memory_mb), float(len(logs)), float(logs.mean()), spread))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Of one replay. Money is of a month and None where a price is not known; `ended` would reach the
    timeout, those that did when recorded left out."""

    usd: Decimal | None
    p95_ms: float
    cold_starts: int
    cold_start_rate: float
    ended: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """A setup, replayed at both ends (`low` and `high`, which hold the error of the replay too), and in
    between: as fitted, or half-way where only the ends are known."""

    setup: Setup
    low: Outcome
    middle: Outcome
    high: Outcome
    is_fitted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """`now` and `then` are replayed alike, so that they can be compared; `recorded` cold starts stand beside
    those of `now`. `habits` are those of environments that come nearest to what was recorded."""

    now: Forecast
    then: Forecast
    records: int
    recorded_cold: int
    recorded_p95_ms: float
    habits: Habits
    length: timedelta
    sizes: Sequence[AtMemory] = field(default_factory=tuple)

    @property
    def replay_error(self) -> float:
        """By how much the replay misses the recorded cold starts, as a share of them, chance included."""
        return _cold_error(self.now.middle.cold_starts, self.recorded_cold)

    @property
    def saves_usd(self) -> tuple[Decimal, Decimal] | None:
        """A month, at least and at most. What the replay misses, it misses in both: ends are compared with
        the same ends."""
        pairs = [
            (self.now.low.usd, self.then.low.usd),
            (self.now.middle.usd, self.then.middle.usd),
            (self.now.high.usd, self.then.high.usd),
        ]
        saved = [was - will for was, will in pairs if was is not None and will is not None]
        return (min(saved), max(saved)) if len(saved) == len(pairs) else None


PricesOf = Callable[[str], Prices]


def what_if(told: Recorded, now: Setup, then: Setup, *, prices: PricesOf) -> WhatIf | None:
    """None when there is nothing to replay."""
    if not told.counted.any():
        return None
    base = _placed(told, np.ones(len(told)))
    recorded = told.cold_starts
    habits = Habits(fit_idle(base, told.counted, recorded, life=told.life, units=now.units), told.life)
    replayed = int((base.cold(habits) & told.counted & (base.number >= now.units)).sum())
    error = _cold_error(replayed, recorded)
    sizes, spread = told.sizes(), _rank_spread(told)
    one, other = (
        _forecast(
            told, base, setup, now, sizes=sizes, habits=habits, error=error, spread=spread, prices=prices
        )
        for setup in (now, then)
    )
    return WhatIf(
        now=one,
        then=other,
        records=int(told.counted.sum()),
        recorded_cold=recorded,
        recorded_p95_ms=float(np.quantile(told.duration_ms[told.counted], P95)),
        habits=habits,
        length=told.length,
        sizes=sizes,
    )


def ratios(told: Recorded, to: Setup, was: Setup, sizes: Sequence[AtMemory]) -> tuple[Numbers, ...]:
    """How each duration changes, at least, in between and at most."""
    arm = 0.0 if to.architecture == was.architecture else ARM_DIFFERS
    found = np.ones((3, len(told)))
    for memory_mb in np.unique(told.memory_mb):
        ratio = slowdown(sizes, float(memory_mb), to.memory_mb)
        mine = told.memory_mb == memory_mb
        for row, value in enumerate((ratio.low * (1 - arm), _between(ratio), ratio.high * (1 + arm))):
            found[row, mine] = value
    return tuple(found)


def _between(ratio: Ratio) -> float:
    return ratio.likely if ratio.likely is not None else (ratio.low + ratio.high) / 2


def _forecast(
    told: Recorded,
    base: Placed,
    setup: Setup,
    was: Setup,
    *,
    sizes: Sequence[AtMemory],
    habits: Habits,
    error: float,
    spread: tuple[float, float],
    prices: PricesOf,
) -> Forecast:
    factors = max(0.0, 1 - error), 1.0, 1 + error
    runs = _runs(told, base, setup, ratios(told, setup, was, sizes), habits)
    low, middle, high = (
        _outcome(told, run, setup, price=prices(setup.architecture), cold_factor=factor)
        for run, factor in zip(runs, factors, strict=True)
    )
    return Forecast(
        setup,
        replace(low, p95_ms=low.p95_ms * spread[0]),
        middle,
        replace(high, p95_ms=high.p95_ms * spread[1]),
        setup.memory_mb == was.memory_mb or len(sizes) > 1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What one replay adds up to, before the error of cold starts: milliseconds on demand and on units, and
    those that one cold start is billed."""

    p95_ms: float
    cold_starts: int
    ended: int
    own_ms: float
    on_units_ms: float
    init_ms: float


def _runs(
    told: Recorded, base: Placed, setup: Setup, scales: Sequence[Numbers], habits: Habits
) -> Iterator[_Run]:
    """A replay for each; ends that are the same are replayed once."""
    before: tuple[Numbers, _Run] | None = None
    for scale in scales:
        if before is None or not np.array_equal(scale, before[0]):
            placed = _placed(told, scale, setup.timeout_s * 1000, base)
            before = scale, _run(told, placed, setup, scale, habits)
        yield before[1]


def _rank_spread(told: Recorded) -> tuple[float, float]:
    """The 95 % band of a p95 of so many records, as factors of it: by the ranks that chance allows."""
    durations = told.duration_ms[told.counted]
    n = len(durations)
    step = SURE * math.sqrt(n * P95 * (1 - P95)) / n
    least, p95, most = np.quantile(durations, [max(0.0, P95 - step), P95, min(1.0, P95 + step)])
    return (float(least / p95), float(most / p95)) if p95 > 0 else (1.0, 1.0)


def _cold_error(replayed: int, recorded: int) -> float:
    """What the replay misses, and what chance would."""
    if not recorded:
        return 1.0 if replayed else 0.0
    return min(1.0, abs(replayed - recorded) / recorded + SURE / math.sqrt(recorded))


def _placed(told: Recorded, scale: Numbers, limit_ms: float = math.inf, base: Placed | None = None) -> Placed:
    """An arrival keeps its environment busy for its cold start too, if it had one. `base` is where they ran
    when recorded, which holds for whatever takes no shorter and no longer."""
    if base is not None and (scale == 1).all() and not (told.duration_ms > limit_ms).any():
        return base
    busy = np.minimum(told.duration_ms * scale, limit_ms) + np.nan_to_num(told.waited_ms) * scale
    order: Arrivals = arrivals(told.start_ms, told.start_ms + busy, told.version)
    return place(order)


def _run(told: Recorded, placed: Placed, to: Setup, scale: Numbers, habits: Habits) -> _Run:
    limit_ms, counted = to.timeout_s * 1000, told.counted
    served = placed.number < to.units
    wanted = told.duration_ms * scale
    duration = np.minimum(wanted, limit_ms)
    billed_ms, init = np.ceil(duration), told.init_billed_ms[counted]
    return _Run(
        p95_ms=float(np.quantile(duration[counted], P95)),
        cold_starts=int((placed.cold(habits) & counted & ~served).sum()),
        ended=int((counted & (wanted > limit_ms) & ~told.timed_out).sum()),
        own_ms=float(billed_ms[counted & ~served].sum()),
        on_units_ms=float(billed_ms[counted & served].sum()),
        init_ms=0.0 if np.isnan(init).all() else float(np.nanmean(init)) * float(scale[counted].mean()),
    )


def _outcome(told: Recorded, run: _Run, to: Setup, *, price: Prices, cold_factor: float) -> Outcome:
    n = int(told.counted.sum())
    cold = min(n, round(run.cold_starts * cold_factor))
    return Outcome(
        usd=_usd(told, run, to, n, cold, price=price),
        p95_ms=run.p95_ms,
        cold_starts=cold,
        cold_start_rate=cold / n,
        ended=run.ended,
    )


def _usd(told: Recorded, run: _Run, to: Setup, n: int, cold: int, *, price: Prices) -> Decimal | None:
    """Requests, duration, initialization, /tmp and units of a month; logs and the rest do not change."""
    own = run.own_ms + run.init_ms * cold
    extra_mb = max(0.0, to.ephemeral_mb - FREE_EPHEMERAL_MB)
    held_ms = to.units * (billed(told.length) / timedelta(milliseconds=1))
    parts = (
        cost(float(n), price.request),
        cost(gb_seconds(own, to.memory_mb), price.duration),
        cost(gb_seconds(run.on_units_ms, to.memory_mb), price.provisioned_duration),
        cost(gb_seconds(held_ms, to.memory_mb), price.provisioned_capacity),
        cost(gb_seconds(own + run.on_units_ms, extra_mb), price.ephemeral),
    )
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return sum(known, Decimal(0)) * Decimal(str(MONTH / told.length))
