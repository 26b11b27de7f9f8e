"""How each function is watched: how its log is read, and how often its metrics."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from core.windows import Window
from store.asking import reader
from store.readers.things import EVERYTHING, Thing, Things, matches
from store.store import Filter, Store

_NOTHING = Window(datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC))


@reader
def log_modes(store: Store, *, where: Filter = EVERYTHING) -> pd.DataFrame:
    """account, region, function, mode (every, aggregated, off), why (a sentence), bytes_a_day, usd_a_month
    (None: not known). Functions that are read least first."""
    lines = [
        (*_place(thing), *(thing.body.get(name) for name in _MODE)) for thing in _of(store, "log_mode", where)
    ]
    frame = pd.DataFrame(lines, columns=pd.Index([*_PLACE, *_MODE]))
    rank = frame["mode"].map({mode: i for i, mode in enumerate(_LEAST_FIRST)}).fillna(-1)
    order = frame.assign(rank=rank).sort_values(["rank", "bytes_a_day"], ascending=[True, False])
    return order.drop(columns="rank").reset_index(drop=True)


@reader
def cadences(store: Store, *, where: Filter = EVERYTHING) -> pd.DataFrame:
    """account, region, function (`core.facts.ACCOUNT`: what belongs to none), every_s, why: the pace of their
    metrics."""
    lines = [(*_place(t), t.body["every_s"], t.body["why"]) for t in _of(store, "cadence", where)]
    frame = pd.DataFrame(lines, columns=pd.Index([*_PLACE, "every_s", "why"]))
    return frame.sort_values(["every_s", *_PLACE], ascending=[False, True, True, True]).reset_index(drop=True)


_PLACE = ("account", "region", "function")
_MODE = ("mode", "why", "bytes_a_day", "usd_a_month")
_LEAST_FIRST = ("off", "aggregated", "every")


def _place(thing: Thing) -> tuple[str, str, str]:
    """Both kinds are named after their function."""
    return thing.account, thing.region, thing.name


def _of(store: Store, kind: str, where: Filter) -> list[Any]:
    with store.snapshot(_NOTHING) as snapshot:
        things = Things.read(snapshot, kind, where=where)
    return [thing for thing in things.of(kind) if matches(where, *_place(thing))]
