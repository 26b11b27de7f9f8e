"""A folder beside S3 (moto's server, in this process): the fleet table of a day and a function's day at one
minute.

`store_s3.py [functions]`: one day of metrics at one minute in hourly files. Cold is the first question of a
machine without a copy, warm the median of nine taken in turns.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import load
from clock import calibration, measure
from load import Fleet
from moto_s3 import ENVIRONMENT, start, url_of
from questions import DAY, OfStore, same

from core.settings import StoreSettings
from store.store import Store

FUNCTIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 500
PREFIX = "s3://fleet/quarterdeck"


def fill(store: Store, fleet: Fleet) -> float:
    """Seconds that packing takes."""
    took = 0.0
    for hour in load.hours(DAY):
        store.commit(load.a_run(hour), [fleet.metrics(hour.start)], now=hour.end)
        began = time.perf_counter()
        store.pack(now=hour.end + timedelta(minutes=48))
        took += time.perf_counter() - began
    return took


def main() -> None:
    os.environ.update(ENVIRONMENT)
    fleet = Fleet(FUNCTIONS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = start()
        stack.callback(server.stop)
        settings = {
            "folder": StoreSettings(path=folder / "folder"),
            "s3": StoreSettings(path=folder / "s3", telemetry=PREFIX, telemetry_endpoint_url=url_of(server)),
        }
        stores = {name: stack.enter_context(closing(Store.open(s))) for name, s in settings.items()}
        for name, store in stores.items():
            print(f"{name}: packed in {fill(store, fleet):.1f} s")
        compare(stores, fleet, folder / "s3" / "cache")


def compare(stores: dict[str, Store], fleet: Fleet, cache: Path) -> None:
    asked = {name: OfStore(store) for name, store in stores.items()}
    same(asked["folder"].fleet(), asked["s3"].fleet())
    size = sum(file.stat().st_size for file in cache.rglob("*.parquet"))
    shutil.rmtree(cache)
    began = time.perf_counter()
    asked["s3"].fleet()
    print(f"cold: {(time.perf_counter() - began) * 1000:.0f} ms for {size / 2**20:.1f} MiB")
    print("Q1 fleet table 24 h, warm:", measure({name: of.fleet for name, of in asked.items()}))
    minutes = {name: partial(of.minutes, fleet.names[0]) for name, of in asked.items()}
    print("Q2 one function 24 h, warm:", measure(minutes))
    print("calibration loop:", calibration())


if __name__ == "__main__":
    main()
