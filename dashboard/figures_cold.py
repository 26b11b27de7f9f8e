"""What the Cold starts page says in numbers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import pandas as pd

from core.environments import AHEAD
from core.formulas import rate
from core.remedies import Starts, remedy
from core.windows import Window
from dashboard import numbers
from dashboard.answers import total
from dashboard.figures import spark
from dashboard.seen import Seen, seen
from dashboard.widgets import Card

HOUR = timedelta(hours=1)
KEYS = ("account", "region", "function")
PROACTIVE = f"ready {numbers.age(AHEAD)} or longer before their first request, so that nobody waited"
PROACTIVE_HELP = f"Cold starts {PROACTIVE}; of a log whose first lines were not read none can be seen."


@dataclass(frozen=True)
class Cold:
    """One window: the `cold_starts` frame, what `record_totals` says, how much was seen."""

    functions: pd.DataFrame
    records: Mapping[str, float | None]

    @cached_property
    def seen(self) -> Seen:
        return seen(self.functions, KEYS)

    def total(self, column: str) -> float | None:
        return total(self.functions[column])

    @property
    def share(self) -> float | None:
        return rate(self.total("cold_starts"), self.total("records"))


def advised(functions: pd.DataFrame, settings: pd.DataFrame, window: Window) -> pd.DataFrame:
    """The `cold_starts` frame with `remedy` and `why`, and from the `start_settings` frame what a reader may
    want beside them: package_mb, has_snap_start, units and crashes."""
    keys = list(KEYS)
    joined = functions.merge(settings.rename(columns={"snap_start": "has_snap_start"}), on=keys, how="left")
    hours = window.duration / HOUR
    found = [remedy(_starts(row, hours)) for row in joined.to_dict("records")]
    joined["remedy"], joined["why"] = [one.what for one in found], [one.why for one in found]
    return joined.drop(columns=["package_type", "ephemeral_mb", "has_file_system", "orphan"])


def _starts(row: Mapping[Hashable, Any], hours: float) -> Starts:
    cold, waited_s = known(row["cold_starts"]), known(row["waited_s"])
    cold = None if cold is None else cold - row["proactive"]
    return Starts(
        records=known(row["records"]),
        cold_starts=cold,
        waited_ms=waited_s * 1000 / cold if cold and waited_s is not None else None,
        hours=hours,
        crashes=known(row["crashes"]) or 0.0,
        runtime=known(row["runtime"]),
        package_type=known(row["package_type"]),
        package_mb=known(row["package_mb"]),
        ephemeral_mb=known(row["ephemeral_mb"]),
        has_file_system=known(row["has_file_system"]) is True,
        snap_start=known(row["has_snap_start"]) is True,
        units=int(known(row["units"]) or 0),
        orphan=known(row["orphan"]),
    )


def counted(functions: pd.DataFrame, *, shown: int) -> str:
    """How many functions were waited for, how many not, and of how many that is not known."""
    unknown = int(functions["records"].isna().sum())
    waiting = int((functions["waited_s"].fillna(0) > 0).sum())
    first = f"the first {shown:,} of {waiting:,} waited for" if shown < waiting else f"{waiting:,} waited for"
    rest = [(len(functions) - waiting - unknown, "not"), (unknown, "not known")]
    return " · ".join([first, *(f"{count:,} {word}" for count, word in rest if count > 0)])


def known(value: Any) -> Any:
    """None for what is not known."""
    return value if numbers.known(value) else None


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
            "Initialization and restore times of cold starts, less those of proactive ones. "
            + proactive(now.total("proactive")),
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


def proactive(count: float | None) -> str:
    """What is known of cold starts that nobody waited for."""
    seen = numbers.count(count) if count else "None of these"
    return f"{seen} {'was' if count == 1 else 'were'} seen to be proactive: {PROACTIVE}."


def _share(now: Cold, before: Cold, series: pd.DataFrame) -> Card:
    return Card(
        label="Started cold",
        value=numbers.percent(now.share),
        help=now.seen.help(f"Cold starts divided by invocation records of the window.{_waited_for(now)}"),
        points=spark(series["cold_start_rate"], "max"),
        **now.seen.marks(),
        **now.seen.moved(before.seen, now.share, before.share, kind="rate"),
    )


def _waited_for(now: Cold) -> str:
    """The share that a caller waited for, where some of them did not."""
    ahead, cold = now.total("proactive"), now.total("cold_starts")
    if not ahead or cold is None:
        return ""
    share = numbers.percent(rate(cold - ahead, now.total("records")))
    return f" Without the {numbers.count(ahead)} proactive ones, for which nobody waited: {share}."


def _count(now: Cold, before: Cold, series: pd.DataFrame) -> Card:
    here, there = now.total("cold_starts"), before.total("cold_starts")
    return Card(
        label="Cold starts",
        value=numbers.count(here),
        help=now.seen.help(
            "Records with an Init or Restore Duration, of provisioned environments left out. "
            + proactive(now.total("proactive"))
        ),
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
