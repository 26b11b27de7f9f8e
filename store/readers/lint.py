"""The live check of triggers, queues and async settings, over what is stored."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from core.facts import Target
from core.lint import Finding, Wiring
from core.lint import lint as findings
from core.windows import Window
from store.asking import reader
from store.readers.collection import targets
from store.readers.frames import rows
from store.readers.records import FUNCTION_POINTS
from store.readers.things import EVERYTHING
from store.store import Filter, Store

LATELY = timedelta(days=7)
"""How far back throttles and dropped events speak against a setting."""

COLUMNS = ["account", "region", *(field.name for field in dataclasses.fields(Finding))]


@reader
def lint(
    store: Store, *, now: datetime, where: Filter = EVERYTHING, lately: timedelta = LATELY
) -> pd.DataFrame:
    """account, region, severity (critical, warning, info), code, where (ARN, UUID or name of the thing),
    function, what, why, change. The worst first. What is not known is not found fault with."""
    sums = _sums(store, Window(now - lately, now))
    found = [
        {"account": target.account, "region": target.region, **dataclasses.asdict(finding)}
        for target in _targets(store, where)
        for finding in findings(_wiring(store, target, sums.get(target, {}), lately))
        if where.function in (None, finding.function)
    ]
    frame = pd.DataFrame(found, columns=pd.Index(COLUMNS))
    rank = frame["severity"].map({"critical": 0, "warning": 1, "info": 2})
    order = frame.assign(rank=rank).sort_values("rank", kind="stable").index
    return frame.loc[order].reset_index(drop=True)


def _targets(store: Store, where: Filter) -> Iterator[Target]:
    for row in rows(targets(store)):
        if where.account in (None, row.account) and where.region in (None, row.region):
            yield Target(row.account, row.region)


def _wiring(store: Store, target: Target, sums: dict[str, Any], lately: timedelta) -> Wiring:
    def of(name: str) -> dict[str, float]:
        return {function: float(v) for function, row in sums.items() if not pd.isna(v := getattr(row, name))}

    return Wiring(
        known=store.inventory(target),
        throttles=of("throttles"),
        async_received=of("received"),
        async_dropped=of("dropped"),
        lately_d=lately / timedelta(days=1),
    )


def _sums(store: Store, window: Window) -> dict[Target, dict[str, Any]]:
    """Per target and function; NaN where no metric tells."""
    with store.snapshot(window, ("metrics",)) as snapshot:
        frame = snapshot.frame(
            f"""SELECT account, region, "function", sum(throttles) AS throttles,
                sum(async_received) AS received, sum(async_dropped) AS dropped
            FROM metrics WHERE {FUNCTION_POINTS} GROUP BY ALL"""
        )
    found: dict[Target, dict[str, Any]] = {}
    for row in rows(frame):
        found.setdefault(Target(row.account, row.region), {})[row.function] = row
    return found
