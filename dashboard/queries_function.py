"""Cached questions of a function's page: its configuration and how it changed, its invocations, what waits
for it, what it costs, its traces."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from core.facts import Target
from core.windows import Window
from dashboard import queries
from dashboard.queries import cached, store
from dashboard.queries_investigate import queue_table
from store.readers import aliases as routing
from store.readers import async_events as events
from store.readers import (
    cold,
    cold_groups,
    cost,
    distributions,
    lifecycle,
    resources,
    revisions,
    slow,
    streams,
    tracing,
)
from store.readers import completeness as logs
from store.readers import configuration as settings
from store.readers import version_diff as versions
from store.readers.log_search import Search, log_events
from store.readers.nature import Load, Nature
from store.readers.nature import load as instance_load
from store.readers.nature import nature as how_it_runs
from store.readers.no_trace import NoTrace
from store.readers.particulars import Particulars
from store.readers.particulars import particulars as only_of_some
from store.readers.revisions import Diff
from store.store import Filter


def _only(target: Target, name: str) -> Filter:
    return Filter(target.account, target.region, name)


@cached(ttl_s=60)
def configuration(target: Target, name: str, _at: datetime) -> pd.DataFrame:
    return settings.configuration(store(), target, name, now=_at)


@cached(ttl_s=300)
def nature(target: Target, name: str, _at: datetime) -> Nature:
    return how_it_runs(store(), target, name)


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


# --- what changed -------------------------------------------------------------------------------------------


@cached()
def diff(target: Target, name: str, before: datetime, after: datetime) -> Diff:
    return revisions.configuration_diff(store(), target, name, before, after)


@cached()
def version_diff(target: Target, name: str, version: str) -> pd.DataFrame:
    return versions.version_diff(store(), target, name, version)


# --- invocations --------------------------------------------------------------------------------------------


@cached()
def calls(target: Target, name: str, window: Window, order: str, limit: int = 50) -> pd.DataFrame:
    return slow.slow_invocations(store(), window, where=_only(target, name), order=order, limit=limit)


@cached()
def reading(target: Target, name: str, window: Window, _at: datetime) -> str | None:
    return slow.reading(store(), window, now=_at, where=_only(target, name))


@cached()
def durations(target: Target, name: str, window: Window) -> pd.DataFrame:
    return distributions.duration_histogram(store(), target, name, window)


@cached()
def memory(target: Target, name: str, window: Window) -> pd.DataFrame:
    return distributions.memory_histogram(store(), target, name, window)


@cached()
def memory_use(target: Target, name: str, window: Window, _at: datetime) -> pd.DataFrame:
    return distributions.memory_use(store(), window, now=_at, where=_only(target, name))


@cached()
def kept_lines(target: Target, name: str, window: Window, limit: int = 50) -> pd.DataFrame:
    return log_events(store(), window, Search(where=_only(target, name)), limit=limit)


@cached()
def cold_starts(target: Target, name: str, window: Window, _at: datetime) -> pd.DataFrame:
    return cold.cold_starts(store(), window, now=_at, where=_only(target, name))


@cached()
def cold_splits(target: Target, name: str, window: Window, _at: datetime) -> pd.DataFrame:
    by = ("version", "start", "memory_mb")
    return cold_groups.cold_groups(store(), window, now=_at, by=by, where=_only(target, name))


# --- versions and pools -------------------------------------------------------------------------------------


@cached()
def aliases(target: Target, name: str, _at: datetime) -> pd.DataFrame:
    return routing.aliases(store(), target, name)


@cached()
def by_resource(target: Target, name: str, window: Window, _at: datetime) -> pd.DataFrame:
    return resources.resources(store(), target, name, window, now=_at)


@cached()
def resource_series(target: Target, name: str, window: Window, _at: datetime) -> pd.DataFrame:
    return resources.resource_series(store(), target, name, window, now=_at)


def shared_pool(target: Target, window: Window, at: datetime) -> float | None:
    """The unreserved concurrency of the function's account and region; None if it is not known."""
    found = queries.limits(window, at)
    mine = found[(found["account"] == target.account) & (found["region"] == target.region)]
    return None if mine.empty else float(mine["unreserved"].iloc[0])


# --- what waits ---------------------------------------------------------------------------------------------


@cached()
def async_events(target: Target, name: str, window: Window, _at: datetime) -> pd.DataFrame:
    return events.async_events(store(), window, now=_at, where=_only(target, name))


@cached()
def mappings(target: Target, name: str, window: Window, _at: datetime) -> pd.DataFrame:
    return streams.mappings(store(), window, now=_at, where=_only(target, name))


def queues(target: Target, name: str, window: Window, at: datetime) -> pd.DataFrame:
    """Queues that feed the function or catch what it fails; of the table that all pages share."""
    found = queue_table(window, at)
    here = (found["account"] == target.account) & (found["region"] == target.region)
    of = [
        name in {*functions, *consumers}
        for functions, consumers in zip(found["functions"], found["consumers"], strict=True)
    ]
    return found[here & pd.Series(of, index=found.index, dtype=bool)].reset_index(drop=True)


@cached()
def particulars(target: Target, name: str, window: Window, _at: datetime) -> Particulars:
    return only_of_some(store(), target, name, window, now=_at)


@cached()
def load(target: Target, name: str, provider_arn: str, window: Window, _at: datetime) -> Load:
    return instance_load(store(), target, name, provider_arn, window, now=_at)


# --- what it costs ------------------------------------------------------------------------------------------


@cached()
def cost_parts(target: Target, name: str, window: Window, _at: datetime) -> pd.DataFrame:
    return cost.costs(store(), window, now=_at, by=("component",), where=_only(target, name))


# --- traces -------------------------------------------------------------------------------------------------


@cached()
def traces(target: Target, name: str, window: Window, order: str) -> pd.DataFrame:
    return tracing.traces(store(), window, where=_only(target, name), order=order)


@cached()
def trace(target: Target, trace_id: str, _at: datetime) -> tracing.TraceView | None:
    return tracing.trace(store(), target, trace_id, now=_at)


@cached()
def trace_lacks(target: Target, trace_id: str, _at: datetime) -> str | None:
    return tracing.trace_lacks(store(), target, trace_id, now=_at)


@cached()
def why_no_trace(target: Target, name: str, window: Window, _at: datetime) -> NoTrace:
    return tracing.why_no_trace(store(), target, name, now=_at, within=_at - window.start)
