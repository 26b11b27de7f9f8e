"""Cached questions of a function's page: its configuration, what ages, its traces."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from core.facts import Target
from core.windows import Window
from dashboard.queries import cached, store
from store.readers import completeness as logs
from store.readers import configuration as settings
from store.readers import lifecycle, tracing
from store.readers.no_trace import NoTrace
from store.store import Filter


def _only(target: Target, name: str) -> Filter:
    return Filter(target.account, target.region, name)


@cached(ttl_s=60)
def configuration(target: Target, name: str, _at: datetime) -> pd.DataFrame:
    return settings.configuration(store(), target, name, now=_at)


@cached(ttl_s=300)
def runtime(target: Target, name: str, _at: datetime) -> pd.DataFrame:
    return lifecycle.runtimes(store(), now=_at, where=_only(target, name))


@cached(ttl_s=300)
def layers(target: Target, name: str, _at: datetime) -> pd.DataFrame:
    return lifecycle.layers(store(), now=_at, where=_only(target, name))


@cached()
def provisioned(target: Target, name: str, window: Window) -> pd.DataFrame:
    return lifecycle.provisioned(store(), window, where=_only(target, name))


@cached()
def completeness(target: Target, name: str, window: Window, _at: datetime) -> pd.DataFrame:
    return logs.completeness(store(), window, now=_at, where=_only(target, name))


@cached()
def traces(target: Target, name: str, window: Window, order: str) -> pd.DataFrame:
    return tracing.traces(store(), window, where=_only(target, name), order=order)


@cached()
def trace(target: Target, trace_id: str, _at: datetime) -> tracing.TraceView | None:
    return tracing.trace(store(), target, trace_id, now=_at)


@cached()
def why_no_trace(target: Target, name: str, window: Window, _at: datetime) -> NoTrace:
    return tracing.why_no_trace(store(), target, name, now=_at, within=_at - window.start)
