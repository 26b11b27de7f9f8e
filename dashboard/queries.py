"""What pages ask the store, cached: one computation per question, whoever asks.

Questions are keyed by a rounded window and a filter; `queries_*.py` hold those of other pages.
Frames are copies: a page may change the one it gets; what is `shared` is not. The present (`_at`) is no part
of a key: the window says enough, and an answer that outlives its present is renewed in the background while
it is shown. Those of the next minute are asked before it is shown (`ahead`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

import pandas as pd
import streamlit as st

from core.facts import Target
from core.price_file import own_prices
from core.settings import StoreSettings
from core.windows import MINUTE, Window, floor
from dashboard.ahead import SHOWN, Ahead, Asked, Asking, Present
from dashboard.launch import cost_settings, store_settings
from store.readers import collection, concurrency, fleet, functions, incidents, totals
from store.readers import names as known_names
from store.store import Filter, Store

P = ParamSpec("P")
R = TypeVar("R")


_ASKED = Asked()
_SHARED: list[Question[Any, Any]] = []


@dataclass(frozen=True, slots=True, eq=False)
class Question(Generic[P, R]):
    """A question with its cache: old answers are served while a new one is computed, so nobody waits. What is
    asked of the present is noted, to be asked of the next one before pages do."""

    answers: Any

    def __call__(self, *args: P.args, **words: P.kwargs) -> R:
        if not _fixed():
            _ASKED.note(Asking(self.answers, args, tuple(sorted(words.items()))))
        answer: R = self.answers(*args, **words)
        return answer

    def clear(self) -> None:
        self.answers.clear()


def cached(
    ttl_s: float = SHOWN.total_seconds(), entries: int = 64, *, shared: bool = False
) -> Callable[[Callable[P, R]], Question[P, R]]:
    """Keep answers. Each page gets a copy of its own, or all get the very same (`shared`): that is for large
    answers of frozen records, which no page changes."""
    keep: Any = st.cache_resource if shared else st.cache_data
    kept = keep(ttl=ttl_s, max_entries=entries, show_spinner=False, refresh_mode="background")

    def made(question: Callable[P, R]) -> Question[P, R]:
        asked: Question[P, R] = Question(kept(question))
        if shared:
            _SHARED.append(asked)
        return asked

    return made


def forget() -> None:
    """Ask everything anew."""
    st.cache_data.clear()
    for question in _SHARED:
        question.clear()


# --- where and when -----------------------------------------------------------------------------------------


@st.cache_resource(show_spinner=False)
def _open(_settings: StoreSettings, path: str, prices: Path | None) -> Store:
    return Store.open(_settings, prices=own_prices(prices))


def store() -> Store:
    """The store that `dashboard.launch` named, with one's own prices. Raises StoreError in one sentence when
    it cannot be read, SettingsError when the price file is broken."""
    settings = store_settings(os.environ)
    return _open(settings, str(settings.path), cost_settings(os.environ).prices)


def now() -> datetime:
    """The present of all pages, to the minute: `ahead` moves it. It stands still where it is `_fixed`."""
    return _fixed() or _ahead(str(store_settings(os.environ).path)).present(datetime.now(UTC)).now


def freshness() -> datetime | None:
    """Up to when metrics were read for every target, as of `now`."""
    if fixed := _fixed():
        return _freshness(fixed)
    return _ahead(str(store_settings(os.environ).path)).present(datetime.now(UTC)).fresh


def moment() -> datetime:
    """The present to the second, for what is told as `12 s ago`; stands still where `now` does."""
    return _fixed() or datetime.now(UTC)


def _fixed() -> datetime | None:
    """Where `QUARTERDECK_NOW` (ISO 8601) stops the clock, for tests and pictures."""
    at = os.environ.get("QUARTERDECK_NOW")
    return floor(datetime.fromisoformat(at), MINUTE) if at else None


@st.cache_resource(show_spinner=False)
def _ahead(path: str) -> Ahead:
    return Ahead(_look, _ASKED)


def _look(clock: datetime) -> Present:
    now = floor(clock, MINUTE)
    return Present(now, collection.freshness(store(), now=now))


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
def _freshness(_at: datetime) -> datetime | None:
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
def versions(target: Target, name: str, window: Window, _at: datetime) -> pd.DataFrame:
    return functions.versions(store(), target, name, window, now=_at)


@cached(ttl_s=60)
def triggers(target: Target, name: str) -> pd.DataFrame:
    return functions.triggers(store(), target, name)
