"""The account's own series: what it claims of its concurrency, what is left, what was refused."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from core.windows import Window, lines_step
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import STEP_SQL, Grid, inside, share
from store.readers.series import fill
from store.readers.things import EVERYTHING, Things, sql_where
from store.store import Filter, Store

COUNTS = ["invocations", "errors", "throttles"]
MAXIMA = ["claimed_max", "unreserved_max", "concurrent_max"]
COLUMNS = [
    *("ts", "account", "region", "limit", "unreserved_limit", *MAXIMA, *COUNTS),
    *("error_rate", "utilization", "collected"),
]


@reader
def account_series(
    store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING
) -> pd.DataFrame:
    """Per account and region, whole steps only: ts, account, region, limit and unreserved_limit (as they are
    now; NaN: not known), claimed_max (concurrency that counts against the limit: what is in use unreserved,
    and all that is reserved or provisioned), unreserved_max (in use, unreserved), concurrent_max (in use),
    invocations, errors, throttles, error_rate and utilization (claimed of the limit), both 0..1, collected
    (bool). Counts are 0 where AWS told nothing, maxima NaN; all is NaN where it was not collected."""
    wanted, params = sql_where(Filter(where.account, where.region))
    sums = ", ".join(f"sum({name}) AS {name}" for name in COUNTS)
    most = ", ".join(f"max({name}) AS {name}" for name in MAXIMA)
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        limits = {
            (t.account, t.region): t.body
            for t in Things.read(snapshot, "account_limits").of("account_limits")
        }
        targets = sorted(
            target
            for target in coverage.targets("metrics")
            if where.account in {None, target[0]} and where.region in {None, target[1]}
        )
        grid = Grid(window, lines_step(window, max(1, len(targets)), coverage.coarsest("metrics")))
        found = snapshot.frame(
            f"""SELECT account, region, {STEP_SQL} AS step, {sums}, {most} FROM metrics
            WHERE scope = 'account' AND {wanted} GROUP BY ALL""",
            {"step_ms": grid.step_ms, **params},
        )
    parts = []
    for account, region in targets:
        mine = found[(found["account"] == account) & (found["region"] == region)]
        line = grid.lay(mine.drop(columns=["account", "region"]))
        line["collected"] = inside(coverage.covered("metrics", account, region), grid.starts_ms, grid.step)
        line[MAXIMA] = line[MAXIMA].astype(float)
        fill(line, line["collected"].to_numpy(), counts=COUNTS, measures=MAXIMA)
        body = limits.get((account, region), {})
        line["limit"] = float(body.get("concurrent_limit") or np.nan)
        line["unreserved_limit"] = float(body.get("unreserved_limit") or np.nan)
        parts.append(line.assign(account=account, region=region))
    frame = pd.concat(parts or [_empty(grid)], ignore_index=True)
    frame["error_rate"] = share(frame["errors"], frame["invocations"])
    frame["utilization"] = share(frame["claimed_max"], frame["limit"])
    return frame[COLUMNS]


def _empty(grid: Grid) -> pd.DataFrame:
    names = ["limit", "unreserved_limit", *MAXIMA, *COUNTS]
    frame = pd.DataFrame({"ts": grid.ts[:0], **{name: pd.Series(dtype=float) for name in names}})
    return frame.assign(account="", region="", collected=False)
