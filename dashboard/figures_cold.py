"""What the Cold starts page says in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from core.formulas import rate
from dashboard import numbers
from dashboard.answers import total
from dashboard.figures import spark
from dashboard.seen import Seen, seen
from dashboard.widgets import Card

KEYS = ("account", "region", "function")


@dataclass(frozen=True, slots=True)
class Cold:
    """One window: the `cold_starts` frame, what `record_totals` says, how much was seen."""

    functions: pd.DataFrame
    records: Mapping[str, float | None]

    @property
    def seen(self) -> Seen:
        return seen(self.functions, KEYS)

    def total(self, column: str) -> float | None:
        return total(self.functions[column])

    @property
    def share(self) -> float | None:
        return rate(self.total("cold_starts"), self.total("records"))


def cards(now: Cold, before: Cold, series: pd.DataFrame) -> list[Card]:
    """`series` as the `cold_series` reader returns it for the window of `now`."""
    return [
        _share(now, before, series),
        _count(now, before, series),
        _init(now, before, series),
        _sum(
            now,
            before,
            "waited_s",
            "Callers waited",
            "Initialization and restore times that a caller waited for.",
        ),
        _sum(
            now,
            before,
            "init_cost_usd",
            "Init cost",
            "Billed beyond the rounded-up handler time of cold invocations.",
        ),
        _kinds(now),
    ]


def _share(now: Cold, before: Cold, series: pd.DataFrame) -> Card:
    return Card(
        label="Started cold",
        value=numbers.percent(now.share),
        help=now.seen.help("Cold starts divided by invocation records of the window."),
        points=spark(series["cold_start_rate"], "max"),
        **now.seen.marks(),
        **now.seen.moved(before.seen, now.share, before.share, kind="rate"),
    )


def _count(now: Cold, before: Cold, series: pd.DataFrame) -> Card:
    here, there = now.total("cold_starts"), before.total("cold_starts")
    return Card(
        label="Cold starts",
        value=numbers.count(here),
        help=now.seen.help("Records with an Init or Restore Duration; provisioned environments left out."),
        points=spark(series["cold_starts"], "sum"),
        kind="bar",
        **now.seen.marks(),
        **now.seen.moved(before.seen, here, there),
    )


def _init(now: Cold, before: Cold, series: pd.DataFrame) -> Card:
    here, there = now.records.get("init_p95_ms"), before.records.get("init_p95_ms")
    return Card(
        label="Init p95",
        value=numbers.ms(here),
        help=now.seen.help("95 of 100 cold starts initialized faster; over every cold record of the window."),
        points=spark(series["init_p95_ms"], "max"),
        **now.seen.marks(),
        **now.seen.moved(before.seen, here, there),
    )


def _sum(now: Cold, before: Cold, column: str, label: str, formula: str) -> Card:
    here, there = now.total(column), before.total(column)
    return Card(
        label=label,
        value=numbers.usd(here) if column.endswith("_usd") else numbers.age(here),
        help=now.seen.help(formula),
        **now.seen.marks(),
        **now.seen.moved(before.seen, here, there),
    )


def _kinds(now: Cold) -> Card:
    return Card(
        label="SnapStart restores",
        value=numbers.count(now.total("snap_start")),
        help=now.seen.help("Cold starts that restored a snapshot instead of initializing."),
        delta=f"{numbers.count(now.total('on_demand'))} on demand",
        arrow="off",
        **now.seen.marks(),
    )
