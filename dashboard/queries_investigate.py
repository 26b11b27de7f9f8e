"""Cached questions of the pages that look for causes: queues."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from core.facts import Target
from core.windows import Window
from dashboard.queries import cached, store
from store.readers import arrivals as letters
from store.readers import async_events as events
from store.readers import draining, queues, streams
from store.readers import lint as findings
from store.store import Filter


@cached()
def queue_table(window: Window, _at: datetime) -> pd.DataFrame:
    return queues.queues(store(), window, now=_at)


@cached()
def queue_series(target: Target, arn: str, window: Window, _at: datetime) -> pd.DataFrame:
    return queues.queue_series(store(), target, arn, window, now=_at)


@cached(ttl_s=300, entries=4)
def lint(_at: datetime) -> pd.DataFrame:
    return findings.lint(store(), now=_at)


@cached()
def arrivals(window: Window, _at: datetime) -> pd.DataFrame:
    return letters.arrivals(store(), window, now=_at)


@cached()
def async_events(window: Window, where: Filter, _at: datetime) -> pd.DataFrame:
    return events.async_events(store(), window, now=_at, where=where)


@cached()
def mappings(window: Window, where: Filter, _at: datetime) -> pd.DataFrame:
    return streams.mappings(store(), window, now=_at, where=where)


@cached(entries=16)
def drains(where: Filter, _at: datetime) -> pd.DataFrame:
    return draining.drains(store(), now=_at, where=where)
