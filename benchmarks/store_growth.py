"""How the four questions grow with functions, days and files: an exponent each, fitted over CPU times.

`store_growth.py [functions]` (2,000): a day with an eighth, a quarter, half and all of the functions; with a
quarter of them 1, 3 and 14 days; with a quarter of them a day in files of 1, 3, 6 and 24 hours. 1 is in
proportion, 0 not at all; Q2 is one function, so that it should not grow with the fleet.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from clock import Took, calibration, exponent, measure
from filing import put, put_minutes
from load import DAY, HOUR, NOW, Fleet
from questions import OfStore

from core.settings import StoreSettings
from core.windows import Window
from store.store import Store

FUNCTIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
RECORDS_A_FUNCTION = 1000


@contextmanager
def filled(functions: int, days: int, hours: int) -> Iterator[tuple[Store, Fleet]]:
    fleet = Fleet(functions)
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(StoreSettings(path=Path(folder), free_space_floor_mb=0))
        for n in range(days):
            day = NOW - (n + 1) * DAY
            put_minutes(store, fleet, day, hours=hours)
            for window in Window(day, day + DAY).chunks(hours * HOUR):
                each = functions * RECORDS_A_FUNCTION // 24
                put(store, window, [fleet.records(part.start, each) for part in window.chunks(HOUR)])
        yield store, fleet
        store.close()


def asked(store: Store, fleet: Fleet, window: Window) -> Mapping[str, Callable[[], object]]:
    ours, function = OfStore(store, window, window), fleet.names[len(fleet.names) // 2]
    return {
        "Q1 fleet": ours.fleet,
        "Q2 minutes": lambda: ours.minutes(function),
        "Q3 throttles": ours.throttles,
        "Q4 percentiles": ours.percentiles,
    }


def grow(what: str, sizes: Mapping[int, tuple[int, int, int]]) -> None:
    """Time the questions at each size (functions, days, hours a file) and print how they grow."""
    found: dict[str, list[Took]] = {}
    for functions, days, hours in sizes.values():
        with filled(functions, days, hours) as (store, fleet):
            for name, took in measure(asked(store, fleet, Window(NOW - days * DAY, NOW)), rounds=5).items():
                found.setdefault(name, []).append(took)
    print(f"\n| {what}: ms (CPU ms) | {' | '.join(map(str, sizes))} | exponent |")
    print("| --- |" + " ---: |" * (len(sizes) + 1))
    for name, times in found.items():
        grows = exponent(list(sizes), [took.cpu_ms for took in times])
        print(f"| {name} | {' | '.join(map(str, times))} | {grows:.2f} |", flush=True)


def main() -> None:
    quarter = FUNCTIONS // 4
    print(f"the calibration loop takes {calibration()} ms")
    grow("functions", {n: (n, 1, 24) for n in (FUNCTIONS // 8, quarter, FUNCTIONS // 2, FUNCTIONS)})
    grow(f"days of {quarter} functions", {n: (quarter, n, 24) for n in (1, 3, 14)})
    grow(f"files of a day of {quarter} functions", {24 // n: (quarter, 1, n) for n in (24, 6, 3, 1)})


if __name__ == "__main__":
    main()
