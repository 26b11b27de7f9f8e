"""What `quarterdeck budgets` says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from core.budgets import BudgetState
from core.cost_anomalies import METHOD as ANOMALY_METHOD
from core.forecast import METHOD as FORECAST_METHOD
from core.forecast import Forecast
from core.settings import CostSettings
from core.windows import Window
from quarterdeck.answers import window_document
from quarterdeck.output import Column, dollars, share, text
from store.readers.budgets import FunctionAnomaly, anomalies, budgets, forecast
from store.store import Store

Document = dict[str, Any]
LOOKED_BACK = timedelta(days=7)

BUDGETS = (
    Column("budget", "name", text),
    Column("USD a month", "usd_per_month", dollars, right=True),
    Column("spent", "spent_usd", dollars, right=True),
    Column("used", "used", share, right=True),
    Column("month's end", "forecast_usd", dollars, right=True),
    Column("of it", "forecast_share", share, right=True),
    Column("", "says", text),
)
ANOMALIES = (
    Column("day", "day", text),
    Column("function", "function", text),
    Column("cost", "usd", dollars, right=True),
    Column("usual", "expected_usd", dollars, right=True),
    Column("component", "component", text),
    Column("likely cause", "says", text),
)


def budgets_document(store: Store, settings: CostSettings, *, now: datetime) -> Document:
    """`budgets` (worst first), `total` of all that is watched, and `anomalies` of the last week."""
    spent, ahead = forecast(store, settings, now=now)
    window = Window(now - LOOKED_BACK, now)
    found = anomalies(store, window, now=now, settings=settings)
    return {
        "month": f"{now:%Y-%m}",
        "total": {"spent_usd": spent, **_ahead(ahead)},
        "budgets": [_budget(one) for one in budgets(store, settings, now=now)],
        "anomalies_window": window_document(window),
        "anomalies": [_anomaly(one) for one in found],
        "methods": {"forecast": FORECAST_METHOD, "anomalies": ANOMALY_METHOD},
    }


def _ahead(found: Forecast) -> Document:
    return {
        "forecast_low_usd": found.low_usd,
        "forecast_usd": found.usd,
        "forecast_high_usd": found.high_usd,
        "forecast_days": found.days,
        "forecast_unknown": found.why,
    }


def _budget(one: BudgetState) -> Document:
    return {
        "name": one.name,
        "where": dict(one.where),
        "usd_per_month": one.usd_per_month,
        "spent_usd": one.spent_usd,
        "used": one.used,
        "forecast_share": one.forecast_share,
        **_ahead(one.forecast),
        "passed": [{"basis": each.basis, "share": each.share} for each in one.passed],
        "lacks": one.lacks,
        "says": one.says,
    }


def _anomaly(one: FunctionAnomaly) -> Document:
    account, region, function = one.place
    found = one.found
    return {
        "day": found.day.isoformat(),
        "account": account,
        "region": region,
        "function": function,
        "usd": found.usd,
        "expected_usd": found.expected_usd,
        "component": found.component,
        "cause": found.cause,
        "says": found.says,
        "since": found.since,
    }


def total_sentence(document: Document) -> str:
    """The month as a whole, in one sentence."""
    total = document["total"]
    if total["spent_usd"] is None:
        return f"What {document['month']} has cost so far is not known: nothing was collected."
    so_far = f"{dollars(total['spent_usd'])} so far in {document['month']}"
    if total["forecast_usd"] is None:
        return f"{so_far}; where the month will end is not known: {total['forecast_unknown']}."
    low, middle, high = (dollars(total[f"forecast_{name}usd"]) for name in ("low_", "", "high_"))
    return f"{so_far}; the month will end at about {middle} ({low} to {high})."
