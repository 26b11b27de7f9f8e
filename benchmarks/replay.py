"""One million invocations replayed: where each ran, the idle time that fits, and a whole what-if.

As ratios to a NumPy pass over the same arrivals: how many ran at once when each arrived, and the mean gap.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import numpy as np

from core.prices import prices
from core.replay import Habits, arrivals, fit_idle, place
from core.whatif import Recorded, Setup, what_if

INVOCATIONS = 1_000_000
ROUNDS = 3
WEEK = timedelta(days=7)
LONGEST_MS = 900_000
"""Lambda ends what runs longer."""


def recorded(busy_ms: float) -> Recorded:
    """A week of arrivals by a daily rhythm; each thousandth record starts cold. `busy_ms` is typical."""
    chance = np.random.default_rng(7)
    day_ms = 86_400_000
    hours = chance.normal(14, 4, INVOCATIONS) % 24
    days = chance.integers(0, 7, INVOCATIONS)
    start = np.sort(days * day_ms + (hours * day_ms / 24).astype(np.int64))
    waited = np.full(INVOCATIONS, np.nan)
    waited[::1000] = 400.0
    return Recorded(
        start_ms=start,
        duration_ms=np.minimum(chance.lognormal(np.log(busy_ms), 0.7, INVOCATIONS), LONGEST_MS),
        waited_ms=waited,
        init_billed_ms=waited,
        memory_mb=np.full(INVOCATIONS, 1024.0),
        version=np.zeros(INVOCATIONS, dtype=np.int64),
        timed_out=np.zeros(INVOCATIONS, dtype=np.bool_),
        counted=np.ones(INVOCATIONS, dtype=np.bool_),
        length=WEEK,
        life=timedelta(hours=2),
    )


def numpy_pass(told: Recorded) -> tuple[int, float]:
    """The least that any answer has to look at: sorted ends beside sorted starts."""
    end = np.sort(told.start_ms + told.duration_ms.astype(np.int64))
    at_once = np.arange(1, len(end) + 1) - np.searchsorted(end, told.start_ms, side="right")
    return int(at_once.max()), float(np.diff(told.start_ms).mean())


def replay(told: Recorded) -> int:
    """What one setup takes: environments, and which arrivals start cold."""
    end = told.start_ms + told.duration_ms
    placed = place(arrivals(told.start_ms, end, told.version))
    return int(placed.cold(Habits(timedelta(minutes=7), told.life)).sum())


def fitted(told: Recorded) -> timedelta:
    """The same, with the idle time that reproduces the recorded cold starts."""
    placed = place(arrivals(told.start_ms, told.start_ms + told.duration_ms, told.version))
    return fit_idle(placed, told.counted, told.cold_starts, life=told.life)


def whole(told: Recorded) -> object:
    """`quarterdeck whatif --memory 512 --provisioned 5`: three replays and the fit, and their bands."""
    now = Setup(memory_mb=1024.0)
    then = Setup(memory_mb=512.0, units=5)
    return what_if(told, now, then, prices=lambda kind: prices("us-east-1", kind))


WORK: dict[str, Callable[[Recorded], object]] = {
    "replay": replay,
    "with the idle time fitted": fitted,
    "what-if, both setups, bands": whole,
}


def best_s(work: Callable[[Recorded], object], told: Recorded) -> float:
    """CPU time, which other work on the machine lengthens less than the wall's."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work(told)
        times.append(time.process_time() - began)
    return min(times)


def main() -> None:
    print(f"{INVOCATIONS:,} invocations{'':22}{'CPU s':>7} {'x NumPy':>8}")
    for busy_ms, about in ((100, "some at once"), (5_000, "dozens at once"), (60_000, "hundreds at once")):
        told = recorded(busy_ms)
        floor_s = best_s(numpy_pass, told)
        print(f"{busy_ms:,} ms each, {about} (most {numpy_pass(told)[0]:,})")
        print(f"  {'NumPy pass':36} {floor_s:7.2f} {1:8.1f}")
        for name, work in WORK.items():
            took_s = best_s(work, told)
            print(f"  {name:36} {took_s:7.2f} {took_s / floor_s:8.1f}")


if __name__ == "__main__":
    main()
