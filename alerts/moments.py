"""Signals of this moment: one minute, the newest. There is no history of them to judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from alerts.grid import Grid
from alerts.ledger import aliases
from alerts.memory import memory_of
from alerts.rule import Subject
from core.facts import Target
from core.settings import CostSettings
from core.silence import RUNS, STOPPED, UNJUDGED
from core.windows import Window
from store.readers import signals
from store.readers.budgets import budgets, cost_of_days
from store.readers.mapping_states import WORKS, mapping_states
from store.readers.silence import silent_stops
from store.readers.things import Place, Things
from store.store import Store

MINUTE_S = 60
HOUR = timedelta(hours=1)


def _grid(
    window: Window, subjects: Sequence[Subject], known: Sequence[bool], **columns: Sequence[Any]
) -> Grid:
    shape = (len(subjects), 1)
    read = np.array(known, dtype=bool).reshape(shape)
    values = {name: np.array(column, dtype=float).reshape(shape) for name, column in columns.items()}
    flags = {"collected": read, "records_collected": read, "provisional": np.zeros(shape, dtype=bool)}
    return Grid(tuple(subjects), (window.end,), values, flags)


def _collectors(store: Store, window: Window, now: datetime, cost: CostSettings) -> Grid:
    """How long each collector has been failing (0 when its last run went well), and how old its data is."""
    frame, named = signals.collection_state(store, now=now), aliases(store)
    subjects = [
        Subject("collector", account, region, name, alias=named.get(Target(account, region)))
        for account, region, name in zip(frame["account"], frame["region"], frame["collector"], strict=True)
    ]
    failing = [_minutes_since(since, now) for since in frame["failing_since"]]
    ages = [age / MINUTE_S for age in frame["age_s"]]
    return _grid(window, subjects, list(frame["outcome"].notna()), failing_minutes=failing, age_minutes=ages)


def _minutes_since(since: Any, now: datetime) -> float:
    return 0.0 if pd.isna(since) else max((now - since) / timedelta(minutes=1), 0.0)


def _mappings(store: Store, window: Window, now: datetime, cost: CostSettings) -> Grid:
    """1 where a mapping stopped working, 0 where it works; silent where it was off before we watched."""
    frame, named = mapping_states(store), aliases(store)
    rows = frame.to_dict("records")
    subjects = [
        Subject(
            "mapping", r["account"], r["region"], r["mapping"], functions=(r["function"],),
            alias=named.get(Target(r["account"], r["region"])),
        )
        for r in rows
    ]  # fmt: skip
    broken = [np.nan if r["stands"] is None else float(r["stands"] != WORKS) for r in rows]
    return _grid(window, subjects, [True] * len(rows), is_broken=broken)


def _silence(store: Store, window: Window, now: datetime, cost: CostSettings) -> Grid:
    """How long a run is overdue; 0 where it runs as it should; silent where nothing is expected."""
    frame, named = silent_stops(store, now=now, all_functions=True), aliases(store)
    about = _about_functions(store, window)
    rows = [r for r in frame.to_dict("records") if (r["account"], r["region"], r["function"]) in about]
    subjects = [
        Subject(
            "function", r["account"], r["region"], r["function"],
            alias=named.get(Target(r["account"], r["region"])),
            **about[r["account"], r["region"], r["function"]],
        )
        for r in rows
    ]  # fmt: skip
    known = [r["state"] in {STOPPED, RUNS, UNJUDGED} for r in rows]
    return _grid(window, subjects, known, overdue_minutes=[_overdue(r, now) for r in rows])


def _about_functions(store: Store, window: Window) -> dict[tuple[str, str, str], dict[str, Any]]:
    with store.snapshot(window) as snapshot:
        things = Things.read(snapshot, "function")
    return {
        t.place: {"runtime": t.body.get("runtime"), "tags": dict(t.body.get("tags") or {})}
        for t in things.of("function")
    }


def _overdue(row: Mapping[Any, Any], now: datetime) -> float:
    if row["state"] == STOPPED:
        return _minutes_since(row["due"], now)
    return 0.0 if row["state"] == RUNS else float("nan")


# --- cost ---------------------------------------------------------------------------------------------------


def _budgets(store: Store, window: Window, now: datetime, cost: CostSettings) -> Grid:
    """What was spent of each budget, and what the month will end at: worked out every ten minutes."""
    said = cost.model_dump_json()
    found = memory_of(store).keep("budgets", said, lambda: budgets(store, cost, now=now), now=now)
    used, ahead = [_number(one.used) for one in found], [_number(one.forecast_share) for one in found]
    subjects = [Subject("budget", "", "", one.name) for one in found]
    known = [one.used is not None for one in found]
    return _grid(window, subjects, known, used=used, forecast=ahead)


def _anomalies(store: Store, window: Window, now: datetime, cost: CostSettings) -> Grid:
    """By how much the newest whole day cost a function more than days like it; 0 where it did not. It is not
    known where too few days like it are. Worked out every hour."""

    def make() -> Mapping[Place, float | None]:
        return cost_of_days(store, now=now, settings=cost)

    found = memory_of(store).keep("cost of a day", cost.model_dump_json(), make, now=now, at_most=HOUR)
    named, about = aliases(store), _about_functions(store, window)
    places = [place for place in found if place in about]
    subjects = [
        Subject("function", *place, alias=named.get(Target(*place[:2])), **about[place]) for place in places
    ]
    known = [found[place] is not None for place in places]
    return _grid(window, subjects, known, excess_usd=[_number(found[place]) for place in places])


def _number(value: Decimal | float | None) -> float:
    return float("nan") if value is None else float(value)


MOMENTS: Mapping[str, Callable[[Store, Window, datetime, CostSettings], Grid]] = {
    "collector": _collectors,
    "mapping state": _mappings,
    "silence": _silence,
    "budget": _budgets,
    "cost of a day": _anomalies,
}
