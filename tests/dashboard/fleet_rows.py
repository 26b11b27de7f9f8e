"""Hand-made rows of the fleet table, of incidents and of series: what tests of pages' words start from."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd

from core.windows import Window

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=3), NOW)
DENIED = "not collected: the role lacks logs:FilterLogEvents"
NOT_YET = {"invocations": "not collected: not yet"}


def row(function="orders", **values):
    known = {
        "account": "1", "region": "eu", "function": function, "tags": {"team": "shop"},
        "runtime": "python3.13", "architecture": "arm64", "memory_mb": 512.0, "timeout_s": 15.0,
        "reserved": np.nan,
        "invocations": 1800.0, "errors": 18.0, "error_rate": 0.01, "throttles": 0.0, "max_concurrency": 3.0,
        "duration_p95_ms": 300.0, "cold_start_rate": 0.02, "init_p95_ms": 400.0, "cost_usd": Decimal("0.25"),
        "last_invocation": NOW, "states": {},
    }  # fmt: skip
    return known | values


def series(**columns):
    names = (
        "invocations",
        "errors",
        "error_rate",
        "throttles",
        "duration_p95_ms",
        "concurrent_max",
        "cost_usd",
    )
    return pd.DataFrame(dict.fromkeys((*names, "cold_start_rate"), [1.0] * 180) | columns)


def incident(**values):
    known = {
        "id": "i", "account": "1", "region": "eu", "subject_kind": "function", "subject": "orders",
        "severity": "warning", "title": "orders: throttles 46", "text": "Throttles 46: above 5. Raise it.",
        "opened_at": pd.Timestamp(NOW - timedelta(minutes=5)), "resolved_at": pd.NaT, "acked_at": pd.NaT,
        "acked_by": None, "held_back": None, "grouped_under": None,
    }  # fmt: skip
    return known | values


def fleet(*rows):
    return pd.DataFrame(list(rows), columns=list(row()))


def incidents(*rows):
    return pd.DataFrame(list(rows), columns=list(incident()))
