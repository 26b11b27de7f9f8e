"""What rules look at: minutes of all functions, queues, mappings and accounts at once, with what was and was
not collected."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from core.windows import MINUTE, Window
from store import schema
from store.asking import reader
from store.readers.collection import collectors
from store.readers.coverage import Coverage
from store.readers.frames import Grid, rows
from store.readers.letters import LOOK_BACK, QUEUE, queue_roles, role_and_functions, samples
from store.readers.line_minutes import count_lines, counts_lines
from store.readers.minutes import (
    Marks,
    Minutes,
    Numbers,
    Place,
    ask,
    fields_of,
    finest_s,
    is_count,
    known_only,
    lay,
    period_sql,
    spread,
    total_of,
)
from store.readers.records import COLD, FUNCTION_POINTS
from store.readers.things import Thing, Things
from store.store import Snapshot, Store

RECORDS: Mapping[str, str] = {
    "records": "count(*)",
    "cold_starts": f"count(*) FILTER ({COLD})",
    "timeouts": "count(*) FILTER (status = 'timeout')",
    "out_of_memory": "count(*) FILTER (out_of_memory)",
    "memory_share": "max(max_memory_mb / memory_mb)",
}
"""Columns that come from invocation records."""

OF_FUNCTIONS = fields_of({"function", "log_group", "insights", "resource"}) | fields_of({"function"})
OF_ACCOUNTS, OF_MAPPINGS, OF_QUEUES = (fields_of({scope}) for scope in ("account", "mapping", "queue"))
"""Columns that come from metrics, by the subject that they are about."""

USUAL = frozenset(
    {"invocations", "errors", "throttles", "async_dropped", "duration_p95_ms", "concurrent_max"}
    | {"iterator_age_max_ms", *RECORDS}
)


@reader
def function_minutes(
    store: Store,
    window: Window,
    *,
    now: datetime,
    columns: Collection[str] = USUAL,
    coarse: bool = False,
    step: timedelta = MINUTE,
) -> Minutes:
    """Per known function and minute: `columns` (fields of metrics about functions, those of RECORDS, and
    counts of kept lines named by `lines_with`), collected, records_collected, provisional. About each: tags,
    runtime, timeout_s, memory_mb, architecture, reserved (None: none), provisioned (whether it has any).
    `coarse`: hours count as read, and are spread. `step`: an hour for what whole hours add up to, instead of
    minutes."""
    grid, points = Grid(window, step), [name for name in columns if name in OF_FUNCTIONS]
    reports, lines = [name for name in columns if name in RECORDS], [*filter(counts_lines, columns)]
    kinds = ("metrics", "invocations", *(("log_events",) if lines else ()))
    with store.snapshot(window, kinds) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, finest_s=finest_s(coarse))
        things = Things.read(snapshot, "function", "reserved", "provisioned")
        functions = sorted(things.of("function"), key=lambda t: t.place)
        places = [thing.place for thing in functions]
        values = _points(snapshot, places, points, grid) if points and places else {}
        told = _reports(snapshot, places, reports, grid) if reports and places else {}
        told |= count_lines(snapshot, places, lines, grid) if lines and places else {}
    marks = Marks(coverage, grid)
    read, logged = marks.read("metrics", places), marks.read("logs", places)
    counts = [name for name in points if is_count(OF_FUNCTIONS[name])]
    reported = [name for name in reports if name != "memory_share"]
    return Minutes(
        ("account", "region", "function"),
        tuple(places),
        tuple(_configured(thing, pools) for thing, pools in _with_pools(functions, things)),
        grid.window,
        known_only(_all(values, points, read), read, counts)
        | known_only(_all(told, [*reports, *lines], logged), logged, [*reported, *lines]),
        {
            "collected": read,
            "records_collected": logged,
            "provisional": marks.young("metrics", places) | marks.young("logs", places),
        },
    )


def _all(
    values: Mapping[str, Numbers], names: Collection[str], like: np.ndarray[Any, Any]
) -> dict[str, Numbers]:
    """Every column that was asked for, though nothing was found."""
    return {name: values.get(name, np.full(like.shape, np.nan)) for name in names}


def _points(snapshot: Snapshot, places: list[Place], names: list[str], grid: Grid) -> dict[str, Numbers]:
    own = [name for name in names if OF_FUNCTIONS[name].scope != "resource"]
    beside = [name for name in names if OF_FUNCTIONS[name].scope == "resource"]
    found = dict[str, Numbers]()
    for where, chosen in ((FUNCTION_POINTS, own), ("scope = 'resource'", beside)):
        if chosen:
            totals = [total_of(OF_FUNCTIONS[name]) for name in chosen]
            frame = ask(snapshot, places, "metrics", '"function"', where, totals, period_sql(grid), grid.step)
            found |= lay(frame, len(places), grid, spread(OF_FUNCTIONS, chosen))
    return found


def _reports(snapshot: Snapshot, places: list[Place], names: list[str], grid: Grid) -> dict[str, Numbers]:
    totals = [f"{RECORDS[name]} AS {name}" for name in names]
    found = ask(snapshot, places, "invocations", '"function"', "true", totals, step=grid.step)
    return lay(found, len(places), grid, ())


def _with_pools(functions: list[Thing], things: Things) -> list[tuple[Thing, tuple[int | None, bool]]]:
    reserved = {t.place: t.body.get("reserved") for t in things.of("reserved")}
    provisioned = {t.place for t in things.of("provisioned")}
    return [(t, (reserved.get(t.place), t.place in provisioned)) for t in functions]


def _configured(thing: Thing, pools: tuple[int | None, bool]) -> dict[str, Any]:
    known = {name: thing.body.get(name) for name in ("runtime", "timeout_s", "memory_mb", "architecture")}
    tags = dict(thing.body.get("tags") or {})
    return {"tags": tags, **known, "reserved": pools[0], "provisioned": pools[1]}


@reader
def queue_minutes(
    store: Store,
    window: Window,
    *,
    now: datetime,
    columns: Collection[str] = ("depth", "oldest_age_s", "arrivals"),
    coarse: bool = False,
) -> Minutes:
    """Per known queue (by ARN) and minute: `columns` (depth, oldest_age_s, arrivals, and fields of queue
    samples), collected, provisional. About each: role, functions (list)."""
    reach, grid = Window(window.start - LOOK_BACK, window.end), Grid(window, MINUTE)
    with store.snapshot(reach, ("queue_samples",)) as snapshot:
        coverage = Coverage.read(snapshot, reach, now=now, finest_s=finest_s(coarse))
        things = Things.read(snapshot, "function", "mapping", "invoke_config", "queue")
        found = samples(snapshot, coverage)
    roles = queue_roles(things)
    places = sorted((t.account, t.region, t.name) for t in things.of("queue"))
    described = [role_and_functions(roles, name) for _, _, name in places]
    found["oldest_age_s"] = found["oldest_age_max_s"]
    sums = [*spread(OF_QUEUES, [n for n in columns if n in OF_QUEUES]), "arrivals"]
    marks = Marks(coverage, grid)
    read = marks.read("queues", places)
    return Minutes(
        ("account", "region", "queue"),
        tuple(places),
        tuple({"role": role, "functions": functions} for role, functions in described),
        grid.window,
        known_only(_laid_samples(found, places, list(columns), grid, sums), read, sums),
        {"collected": read, "provisional": marks.young("queues", places)},
    )


def _laid_samples(
    found: pd.DataFrame, places: list[Place], names: list[str], grid: Grid, sums: list[str]
) -> dict[str, Numbers]:
    known = pd.DataFrame(places, columns=pd.Index(QUEUE), dtype="str").assign(place=range(len(places)))
    frame = found[[*QUEUE, "ts", "period_s", *names]].merge(known, on=QUEUE)
    frame["step"] = frame["ts"].astype("int64") // 60_000_000 * 60_000
    how = {name: "sum" if name in sums else "max" for name in names}
    merged = frame.groupby(["place", "step", "period_s"], as_index=False).agg(how)
    return lay(merged[["place", "step", "period_s", *names]], len(places), grid, sums)


@reader
def mapping_minutes(
    store: Store, window: Window, *, now: datetime, columns: Collection[str], coarse: bool = False
) -> Minutes:
    """Per event source mapping (by UUID) and minute: `columns` (fields of its own metrics, where its
    `MetricsConfig` asks for them), collected, provisional. About each: functions (the one that it feeds),
    source."""
    grid, names = Grid(window, MINUTE), list(columns)
    with store.snapshot(window, ("mapping_samples",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, finest_s=finest_s(coarse))
        things = sorted(
            Things.read(snapshot, "mapping").of("mapping"), key=lambda t: (t.account, t.region, t.name)
        )
        places = [(t.account, t.region, t.name) for t in things]
        totals = [total_of(OF_MAPPINGS[name]) for name in names]
        frame = ask(snapshot, places, "mapping_samples", "mapping", "true", totals, "period_s")
    marks = Marks(coverage, grid)
    read = marks.read("metrics", places)
    laid = lay(frame, len(places), grid, spread(OF_MAPPINGS, names))
    return Minutes(
        ("account", "region", "mapping"),
        tuple(places),
        tuple({"functions": [t.function], "source": t.body.get("source_arn")} for t in things),
        grid.window,
        known_only(laid, read, [name for name in names if is_count(OF_MAPPINGS[name])]),
        {"collected": read, "provisional": marks.young("metrics", places)},
    )


@reader
def account_minutes(
    store: Store,
    window: Window,
    *,
    now: datetime,
    columns: Collection[str] = ("claimed_max", "throttles"),
    coarse: bool = False,
) -> Minutes:
    """Per target and minute: `columns` (fields of metrics about the account), collected, provisional. About
    each: limit and unreserved_limit (None: not known), as they are now."""
    grid, names = Grid(window, MINUTE), list(columns)
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, finest_s=finest_s(coarse))
        limits = {
            (t.account, t.region): t.body
            for t in Things.read(snapshot, "account_limits").of("account_limits")
        }
        places = [(account, region, "") for account, region in _targets(snapshot)]
        totals = [total_of(OF_ACCOUNTS[name]) for name in names]
        frame = ask(snapshot, places, "metrics", "''", "scope = 'account'", totals, "period_s")
    marks = Marks(coverage, grid)
    read = marks.read("metrics", places)
    laid = lay(frame, len(places), grid, spread(OF_ACCOUNTS, names))
    return Minutes(
        ("account", "region", "name"),
        tuple(places),
        tuple(_limits(limits.get(place[:2], {})) for place in places),
        grid.window,
        known_only(laid, read, [name for name in names if is_count(OF_ACCOUNTS[name])]),
        {"collected": read, "provisional": marks.young("metrics", places)},
    )


def _limits(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"limit": body.get("concurrent_limit"), "unreserved_limit": body.get("unreserved_limit")}


def _targets(snapshot: Snapshot) -> list[tuple[str, str]]:
    target = schema.target
    query = sa.select(target.c.account, target.c.region).order_by(target.c.account, target.c.region)
    return [(row.account, row.region) for row in rows(snapshot.state(query))]


@reader
def collection_state(store: Store, *, now: datetime) -> pd.DataFrame:
    """Per collector and target: collector, account, region, outcome, data_until, age_s, error, permission,
    failing_since (first failed run after the last that went well; NaT when it works)."""
    columns = ["collector", "account", "region", "outcome", "data_until", "age_s", "error", "permission"]
    return collectors(store, now=now)[[*columns, "failing_since"]]
