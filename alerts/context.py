"""What a person asks first about a new incident: what changed, which error, and what is normal here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import pandas as pd

from alerts.rule import Rule, Subject
from alerts.wording import top_error
from core.errors import QuarterdeckError
from core.facts import Target
from core.settings import CostSettings
from core.windows import Window, floor
from store.readers import budgets, functions, pools, signals
from store.store import Filter, Store

DEPLOYS_BACK = timedelta(days=3)
ERRORS_BACK = timedelta(minutes=30)
NORMAL = DAY = timedelta(hours=24)
MAX_ERROR_CHARS = 400

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """None: not known, or there is none. `deploy` is a sentence, `error` a masked message with its count,
    `headroom` a sentence on the pool of concurrency that the function draws from,
    `because` one on where a budget stands, or on what made a day dear."""

    deploy: str | None = None
    deployed_at: datetime | None = None
    error: str | None = None
    normal: float | None = None
    headroom: str | None = None
    because: str | None = None


def gather(
    store: Store,
    rule: Rule,
    subject: Subject,
    opened_at: datetime,
    *,
    now: datetime,
    cost: CostSettings | None = None,
) -> Context:
    """Ask the store about one incident. A question that fails is left unanswered: the notice matters more."""
    if subject.kind == "collector":
        return Context(error=_answer(lambda: _collector_error(store, subject, now)))
    if subject.kind == "budget":
        return Context(because=_answer(lambda: _budget(store, subject.name, cost, now)))
    if subject.kind != "function":
        return Context()
    target = Target(subject.account, subject.region)
    deploy = _answer(lambda: _last_deploy(store, target, subject.name, opened_at))
    return Context(
        deploy=deploy[0] if deploy else None,
        deployed_at=deploy[1] if deploy else None,
        error=_answer(lambda: _top_error(store, target, subject.name, Window(opened_at - ERRORS_BACK, now))),
        headroom=_answer(lambda: headroom(store, target, subject.name, now)),
        normal=_answer(lambda: _normal(store, target, subject.name, rule, opened_at, now)),
        because=_answer(lambda: _dear(store, subject, cost, now)) if rule.signal == "cost_anomaly" else None,
    )


def _budget(store: Store, name: str, cost: CostSettings | None, now: datetime) -> str | None:
    found = budgets.budgets(store, cost or CostSettings(), now=now)
    return next((one.says for one in found if one.name == name), None)


def _dear(store: Store, subject: Subject, cost: CostSettings | None, now: datetime) -> str | None:
    """What made the newest whole day of a function dear: the component and the likely cause."""
    end, only = floor(now, DAY), Filter(subject.account, subject.region, subject.name)
    days = budgets.anomalies(store, Window(end - DAY, end), now=now, where=only, settings=cost)
    return next((f"{one.found.component}: {one.found.says}" for one in days), None)


def _answer(question: Callable[[], T]) -> T | None:
    try:
        return question()
    except QuarterdeckError:
        return None


def _last_deploy(store: Store, target: Target, name: str, opened_at: datetime) -> tuple[str, datetime] | None:
    window = Window(opened_at - DEPLOYS_BACK, opened_at)
    changes = functions.changes(store, window, target=target, function=name)
    deploys = changes[changes["kind"] == "deploy"].sort_values("ts")
    if deploys.empty:
        return None
    newest = deploys.iloc[-1]
    return str(newest["what"]), newest["ts"].to_pydatetime()


def _top_error(store: Store, target: Target, name: str, window: Window) -> str | None:
    found = functions.errors_by_signature(store, target, name, window)
    if found.empty:
        return None
    top = found.iloc[0]
    return f"{int(top['count'])}x {top_error(top['example'], top['signature'])[:MAX_ERROR_CHARS]}"


def headroom(store: Store, target: Target, name: str, now: datetime) -> str | None:
    """Its own reservation if it has one, else the account's limit."""
    found = pools.time_to_exhaustion(store, now=now, where=Filter(target.account, target.region))
    for pool in (name, pools.ACCOUNT):
        mine = found[(found["pool"] == pool) & found["headroom"].notna()]
        if not mine.empty:
            whose = "its own reservation" if pool == name else "the account"
            return f"{whose}: {mine.iloc[0]['says']}"
    return None


def _collector_error(store: Store, subject: Subject, now: datetime) -> str | None:
    rows = signals.collection_state(store, now=now)
    keys = (rows["collector"] == subject.name) & (rows["account"] == subject.account)
    said = rows[keys & (rows["region"] == subject.region)]["error"].dropna()
    return None if said.empty else str(said.iloc[0])[:MAX_ERROR_CHARS]


def _normal(
    store: Store, target: Target, name: str, rule: Rule, opened_at: datetime, now: datetime
) -> float | None:
    """The signal over the day before the rule's window began."""
    measure = _NORMAL.get(rule.signal or "")
    if measure is None:
        return None
    end = opened_at - timedelta(minutes=rule.reach_minutes)
    series = functions.function_series(store, target, name, Window(end - NORMAL, end), now=now)
    value = float(measure(series, rule.over_minutes))
    return None if pd.isna(value) else value


def _ratio(of: str, per: str) -> Callable[[pd.DataFrame, int], float]:
    def measure(series: pd.DataFrame, over: int) -> float:
        both = series[[of, per]].astype(float).dropna()
        return both[of].sum() / both[per].sum() if both[per].sum() else float("nan")

    return measure


def _per_window(column: str) -> Callable[[pd.DataFrame, int], float]:
    """What `over` minutes hold on average, of the time that was collected."""

    def measure(series: pd.DataFrame, over: int) -> float:
        known = series[column].astype(float).dropna()
        step = series["ts"].diff().min() / timedelta(minutes=1) if len(series) > 1 else float("nan")
        return float(known.mean()) / step * over

    return measure


def _median(column: str) -> Callable[[pd.DataFrame, int], float]:
    return lambda series, over: float(series[column].astype(float).median())


_NORMAL: Mapping[str, Callable[[pd.DataFrame, int], float]] = {
    "error_rate": _ratio("errors", "invocations"),
    "errors": _per_window("errors"),
    "invocations": _per_window("invocations"),
    "throttles": _per_window("throttles"),
    "duration_p95": _median("duration_p95_ms"),
    "cold_start_rate": _median("cold_start_rate"),
    "iterator_age": _median("iterator_age_max_ms"),
}
