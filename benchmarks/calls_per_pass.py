"""Calls per pass over the demo account, as its endpoint counts them. The least is in docs/performance.md."""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from collectors.aws import Aws, connect
from collectors.registry import COLLECTORS
from collectors.runner import collect_due
from core.settings import CollectSettings, StoreSettings
from quarterdeck.demo.server import DemoServer, FrozenClock
from quarterdeck.demo.settings import demo_settings, environment
from quarterdeck.settings import Settings
from store.store import Store

SINCE = timedelta(hours=3)


def one_pass(targets: list[Aws], store: Store, now: datetime, since: timedelta | None) -> float:
    began = time.monotonic()
    for aws in targets:
        for collector in COLLECTORS:
            collect_due(collector, aws, store, CollectSettings(), now=now, since=since)
    return time.monotonic() - began


def counted(endpoint: str, seen: int) -> tuple[Counter[str], int]:
    """Calls by operation since `seen`, and how many there are now."""
    calls: list[dict[str, Any]] = httpx.get(f"{endpoint}/demo/calls", timeout=60).json()
    return Counter(f"{c['service']}:{c['operation']}" for c in calls[seen:]), len(calls)


def main() -> None:
    now = datetime.now(UTC).replace(second=30, microsecond=0)
    clock = FrozenClock(now)
    with tempfile.TemporaryDirectory() as folder, DemoServer(Path(folder), clock=clock) as server:
        os.environ |= environment(server.endpoint, "")
        settings = Settings.model_validate(demo_settings(server.endpoint))
        store = Store.open(StoreSettings(path=Path(folder) / "store", free_space_floor_mb=0))
        targets, _ = connect(settings.targets, settings.aws)
        passes: dict[str, Counter[str]] = {}
        seen = counted(server.endpoint, 0)[1]
        for name, at in (("first 3 h", now), ("a minute later", now + timedelta(minutes=1))):
            clock.now = at
            took = one_pass(targets, store, at, SINCE)
            passes[name], seen = counted(server.endpoint, seen)
            print(f"{name}: {passes[name].total()} calls in {took:.1f} s")
        functions = sum(len(store.inventory(aws.target).functions) for aws in targets)
        store.close()
    print(f"{functions} functions in {len(targets)} targets\n")
    print(f"{'call':<42}" + "".join(f"{name:>16}" for name in passes))
    for operation in sorted(set().union(*passes.values())):
        print(f"{operation:<42}" + "".join(f"{found[operation]:>16}" for found in passes.values()))


if __name__ == "__main__":
    main()
