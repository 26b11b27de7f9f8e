"""Cached questions of the Overview and the function table: small answers, so that a rerun copies little."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.windows import MINUTE, Window
from dashboard import figures_fleet, queries
from dashboard.compare import earlier
from dashboard.figures_fleet import Digest, Moved
from dashboard.queries import cached, store
from store.readers import functions, incidents
from store.store import Filter

Lines = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sparks:
    """Per function (of `places`: account, region, function) a row of invocations and of errors in time; NaN
    where it was not collected."""

    places: pd.DataFrame
    invocations: Lines
    errors: Lines


@dataclass(frozen=True, slots=True)
class Trend:
    """How the fleet moved against the window before; `p95_before_ms` None when that cannot be compared."""

    moves: dict[str, Moved | None]
    p95_before_ms: float | None


@cached()
def digest(window: Window, where: Filter, _at: datetime) -> Digest:
    return figures_fleet.digest(queries.fleet_table(window, where, _at), queries.names())


@cached()
def trend(window: Window, where: Filter, _at: datetime) -> Trend:
    """Against the same hours yesterday (`compare.earlier`)."""
    before = earlier(window)
    here, there = digest(window, where, _at), digest(before, where, _at)
    moves = figures_fleet.moves(here.rows, there.rows)
    alike = figures_fleet.same_holes(here.rows, there.rows, "duration_p95_ms")
    p95 = queries.record_totals(before, where).get("duration_p95_ms") if alike else None
    return Trend(moves, p95)


@cached()
def sparks(window: Window, where: Filter, _at: datetime) -> Sparks:
    frame = queries.sparklines(window, where, _at)
    lines = (np.array(list(frame[name]), dtype=np.float32) for name in ("invocations", "errors"))
    return Sparks(frame[figures_fleet.KEYS], *lines)


@cached(ttl_s=60, entries=8)
def changes_between(start: datetime, end: datetime) -> pd.DataFrame:
    """What changed in the whole fleet, `end` included."""
    return functions.changes(store(), Window(start, end + timedelta(milliseconds=1)))


@cached(ttl_s=15, entries=8)
def last_resolved(where: Filter, _at: datetime) -> tuple[str, datetime] | None:
    """Title and end of the incident that was resolved last."""
    return incidents.last_resolved(store(), where=where)


def step(window: Window) -> timedelta:
    """The step of the table's sparklines, at least."""
    return max(MINUTE, -(-window.duration // (30 * MINUTE)) * MINUTE)
