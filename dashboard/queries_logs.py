"""Cached questions of the Logs page; and what a person asks the logs in AWS, through the store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from core.facts import Target
from core.windows import Window
from dashboard.queries import cached, store
from store.readers import log_search, lost, no_trace
from store.readers.log_search import Search
from store.readers.log_volume import log_bytes_a_day
from store.readers.no_trace import NoTrace
from store.store import Filter

HISTORY = timedelta(days=30)
"""How far back a message is looked for to tell whether it is new."""


@cached()
def lines(window: Window, search: Search, limit: int, offset: int) -> pd.DataFrame:
    return log_search.log_events(store(), window, search, limit=limit, offset=offset)


@cached()
def counts(window: Window, search: Search, _at: datetime) -> pd.DataFrame:
    return log_search.log_counts(store(), window, search, now=_at)


@cached()
def groups(window: Window, search: Search) -> pd.DataFrame:
    return log_search.log_groups(store(), window, search, since=window.end - HISTORY)


@cached()
def unread(window: Window, search: Search, _at: datetime) -> pd.DataFrame:
    return log_search.unread_logs(store(), window, search, now=_at)


@cached()
def line(target: Target, function: str, event_id: str, at: datetime) -> Mapping[str, Any] | None:
    return log_search.log_event(store(), target, function, event_id, at)


@cached()
def around(target: Target, function: str, stream: str, at: datetime) -> pd.DataFrame:
    return log_search.lines_around(store(), target, function, stream, at)


@cached()
def record(target: Target, function: str, request_id: str, at: datetime) -> Mapping[str, Any] | None:
    return log_search.record_of(store(), target, function, request_id, at)


@cached()
def why_no_trace(target: Target, function: str, request_id: str, _at: datetime) -> NoTrace:
    return no_trace.why_no_trace(store(), target, function, request_id, now=_at)


@cached()
def lacking_around(target: Target, at: datetime) -> str | None:
    """Why a line near a moment, or its invocation, may be stored and not be shown."""
    window = Window(at - log_search.NEAR, at + log_search.NEAR)
    return lost.lacking(store(), window, ("log_events", "invocations"), where=_whole(target))


@cached()
def lacking_before(window: Window, where: Filter) -> str | None:
    """Why a message that is shown as new may be an old one."""
    return lost.lacking(store(), Window(window.end - HISTORY, window.start), ("log_events",), where=where)


def _whole(target: Target) -> Filter:
    return Filter(target.account, target.region)


@cached(ttl_s=300)
def volumes(target: Target, _at: datetime) -> Mapping[str, float]:
    """Bytes that each function logs a day."""
    return log_bytes_a_day(store(), target, until=_at)


def instant() -> datetime:
    """The present, to the moment: questions are answered while somebody looks."""
    fixed = os.environ.get("QUARTERDECK_NOW")
    return datetime.fromisoformat(fixed) if fixed else datetime.now(UTC)
