"""What the Cold starts page says in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from core.formulas import rate
from dashboard import numbers
from dashboard.answers import incomplete, total
from dashboard.compare import changed
from dashboard.figures import PROVISIONAL, spark
from dashboard.widgets import Card

Totals = Mapping[str, float | None]
About = Mapping[str, Any]


def cards(
    functions: pd.DataFrame, before: pd.DataFrame, series: pd.DataFrame, records: Totals, was: Totals
) -> list[Card]:
    """`functions` and `before` as `cold_starts` returns them, `records` and `was` as `record_totals` does."""
    about: About = {
        "provisional": bool((functions["state"] == PROVISIONAL).any()),
        "partial": incomplete(functions) > 0,
    }
    return [
        _share(functions, before, series, about),
        _count(functions, before, series, about),
        Card(
            label="Init p95",
            value=numbers.ms(records.get("init_p95_ms")),
            help="95 of 100 cold starts initialized faster; over every cold record of the window.",
            points=spark(series["init_p95_ms"], "max"),
            **about,
            **changed(records.get("init_p95_ms"), was.get("init_p95_ms")),
        ),
        _waited(functions, before, about),
        _cost(functions, before, about),
        _kinds(functions, about),
    ]


def _share(functions: pd.DataFrame, before: pd.DataFrame, series: pd.DataFrame, about: About) -> Card:
    here, there = (rate(total(f["cold_starts"]), total(f["records"])) for f in (functions, before))
    return Card(
        label="Started cold",
        value=numbers.percent(here),
        help="Cold starts divided by invocation records of the window.",
        points=spark(series["cold_start_rate"], "max"),
        **about,
        **changed(here, there, kind="rate"),
    )


def _count(functions: pd.DataFrame, before: pd.DataFrame, series: pd.DataFrame, about: About) -> Card:
    here, there = total(functions["cold_starts"]), total(before["cold_starts"])
    return Card(
        label="Cold starts",
        value=numbers.count(here),
        help="Records with an Init Duration or a Restore Duration; provisioned environments left out.",
        points=spark(series["cold_starts"], "sum"),
        kind="bar",
        **about,
        **changed(here, there),
    )


def _waited(functions: pd.DataFrame, before: pd.DataFrame, about: About) -> Card:
    here, there = total(functions["waited_s"]), total(before["waited_s"])
    return Card(
        label="Callers waited",
        value=numbers.age(here),
        help="The sum of the initialization and restore times that a caller waited for.",
        **about,
        **changed(here, there),
    )


def _cost(functions: pd.DataFrame, before: pd.DataFrame, about: About) -> Card:
    here, there = total(functions["init_cost_usd"]), total(before["init_cost_usd"])
    return Card(
        label="Init cost",
        value=numbers.usd(here),
        help="Billed beyond the rounded-up handler time of cold invocations, at the GB-second price.",
        **about,
        **changed(here, there),
    )


def _kinds(functions: pd.DataFrame, about: About) -> Card:
    return Card(
        label="SnapStart restores",
        value=numbers.count(total(functions["snap_start"])),
        help="Cold starts that restored a snapshot instead of initializing.",
        delta=f"{numbers.count(total(functions['on_demand']))} on demand",
        arrow="off",
        **about,
    )
