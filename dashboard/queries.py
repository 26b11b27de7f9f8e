"""What pages ask the store, cached: one computation per question, whoever asks.

Questions are keyed by a rounded window and a filter; `queries_*.py` hold those of other pages.
Frames are copies: a page may change the one it gets. The present (`_at`) is no part of a key: the window says
enough, and an answer that is a minute old is renewed in the background while it is shown.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar

import pandas as pd
import streamlit as st

from core.facts import Target
from core.settings import StoreSettings
from core.windows import MINUTE, Window, floor
from dashboard.launch import store_settings
from store.readers import collection, concurrency, fleet, functions, incidents, totals
from store.readers import names as known_names
from store.store import Filter, Store

P = ParamSpec("P")
R = TypeVar("R")


def cached(ttl_s: int = 60, entries: int = 64) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A cache for one question: old answers are served while a new one is computed, so nobody waits."""
    return st.cache_data(ttl=ttl_s, max_entries=entries, show_spinner=False, refresh_mode="background")


# --- where and when -----------------------------------------------------------------------------------------


@st.cache_resource(show_spinner=False)
def _open(_settings: StoreSettings, path: str) -> Store:
    return Store.open(_settings)


def store() -> Store:
    """The store that `dashboard.launch` named. Raises StoreError in one sentence when it cannot be read."""
    settings = store_settings(os.environ)
    return _open(settings, str(settings.path))


def now() -> datetime:
    """The present, to the minute; `QUARTERDECK_NOW` (ISO 8601) stops it for tests and pictures."""
    fixed = os.environ.get("QUARTERDECK_NOW")
    return floor(datetime.fromisoformat(fixed) if fixed else datetime.now(UTC), MINUTE)


def moment() -> datetime:
    """The present to the second, for what is told as `12 s ago`; stands still where `now` does."""
    return now() if os.environ.get("QUARTERDECK_NOW") else datetime.now(UTC)


def scope() -> Filter:
    """The account and region chosen in the menu."""
    return Filter(account=st.query_params.get("account"), region=st.query_params.get("region"))


def names() -> dict[str, str]:
    """How people call each account: its alias, else its number."""
    known = targets()
    return {
        account: alias or account for account, alias in zip(known["account"], known["alias"], strict=True)
    }


def within(frame: pd.DataFrame, where: Filter) -> pd.DataFrame:
    """The rows of a frame (with account and region columns) that the filter lets through."""
    for column in ("account", "region"):
        value = getattr(where, column)
        if value is not None and column in frame:
            frame = frame[frame[column] == value]
    return frame


# --- shell --------------------------------------------------------------------------------------------------


@cached(ttl_s=15, entries=2)
def freshness(_at: datetime) -> datetime | None:
    return collection.freshness(store(), now=_at)


@cached(ttl_s=60, entries=2)
def targets() -> pd.DataFrame:
    return collection.targets(store())


@cached(ttl_s=15, entries=2)
def open_incidents() -> pd.DataFrame:
    """Incidents that fire now, the worst first; columns of the incident table."""
    return incidents.incidents(store(), open_only=True)


@cached(ttl_s=15, entries=2)
def judged_at() -> datetime | None:
    """When rules were last evaluated."""
    return incidents.judged_at(store())


@cached(ttl_s=15, entries=2)
def all_incidents() -> pd.DataFrame:
    return incidents.incidents(store())


def incidents_of(target: Target, name: str) -> pd.DataFrame:
    """Incidents of one function, open and resolved."""
    mine = within(all_incidents(), Filter(account=target.account, region=target.region))
    return mine[(mine["subject_kind"] == "function") & (mine["subject"] == name)]


@cached(ttl_s=30, entries=2)
def collectors(_at: datetime) -> pd.DataFrame:
    return collection.collectors(store(), now=_at)


@cached(ttl_s=60, entries=16)
def function_names(window: Window, where: Filter) -> pd.DataFrame:
    return known_names.function_names(store(), window, where=where)


@cached(ttl_s=60, entries=16)
def queue_names(window: Window, where: Filter) -> pd.DataFrame:
    return known_names.queue_names(store(), window, where=where)


# --- Overview -----------------------------------------------------------------------------------------------


@cached()
def fleet_table(window: Window, where: Filter, _at: datetime) -> pd.DataFrame:
    return fleet.fleet(store(), window, now=_at, where=where)


@cached()
def fleet_series(window: Window, where: Filter, _at: datetime) -> pd.DataFrame:
    return fleet.fleet_series(store(), window, now=_at, where=where)


@cached()
def sparklines(window: Window, where: Filter, _at: datetime) -> pd.DataFrame:
    return fleet.sparklines(store(), window, now=_at, where=where)


@cached()
def record_totals(window: Window, where: Filter) -> dict[str, float | None]:
    return totals.record_totals(store(), window, where=where)


@cached()
def limits(window: Window, _at: datetime) -> pd.DataFrame:
    return concurrency.limits(store(), window, now=_at)


@cached()
def changes(window: Window) -> pd.DataFrame:
    return functions.changes(store(), window)


# --- Function -----------------------------------------------------------------------------------------------


@cached()
def function_series(target: Target, name: str, window: Window, _at: datetime) -> pd.DataFrame:
    return functions.function_series(store(), target, name, window, now=_at)


@cached()
def function_changes(target: Target, name: str, window: Window) -> pd.DataFrame:
    return functions.changes(store(), window, target=target, function=name)


@cached()
def errors_by_signature(target: Target, name: str, window: Window) -> pd.DataFrame:
    return functions.errors_by_signature(store(), target, name, window)


@cached()
def invocations(target: Target, name: str, window: Window, order: str, limit: int = 50) -> pd.DataFrame:
    return functions.invocations(store(), target, name, window, order=order, limit=limit)


@cached()
def log_lines(target: Target, name: str, request_id: str, window: Window) -> pd.DataFrame:
    return functions.log_lines(store(), target, name, request_id, window)


@cached()
def versions(target: Target, name: str, window: Window) -> pd.DataFrame:
    return functions.versions(store(), target, name, window)


@cached(ttl_s=60)
def triggers(target: Target, name: str) -> pd.DataFrame:
    return functions.triggers(store(), target, name)
