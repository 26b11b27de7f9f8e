"""What the Collection health page says of the month's money and of how each function is watched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

import pandas as pd

from dashboard import numbers
from dashboard.answers import Answer
from dashboard.figures_cost import add
from dashboard.numbers import plain
from store.readers.budget import Budget, Unreached

MODES = {"every": "every invocation", "aggregated": "aggregated", "off": "off"}


def budget_answer(found: Budget) -> Answer:
    """Where the month's cap stands, in one sentence."""
    state = "info"
    if found.cap_usd is not None:
        state = "critical" if found.is_stopped else "warning" if found.slowed else "healthy"
    return Answer(state, f"{plain(found.why)}")


def budget_lines(found: Budget, *, zone: tzinfo, now: datetime) -> list[str]:
    """What else is to be known, in words: the projection, what is slowed, when it would stop."""
    ends = numbers.clock(found.month_ends, zone, now=now)
    said = [f"{numbers.usd(found.today_usd)} today (UTC)"]
    if found.projected_usd is not None:
        said.append(f"{numbers.usd(found.projected_usd)} by the month's end at the pace in force")
    if found.reserved_usd:
        said.append(f"{numbers.usd(found.reserved_usd)} set aside for calls under way")
    for slow in found.slowed:
        every, usual = (numbers.age(timedelta(seconds=s)) for s in (slow.every_s, slow.usual_s))
        said.append(f"{slow.functions:,} {slow.activity} functions: metrics every {every} instead of {usual}")
    if found.others_slower > 1:
        said.append(f"logs, queues and traces run {found.others_slower} times less often")
    if found.stops_at is not None:
        said.append(f"paid reading would stop {numbers.clock(found.stops_at, zone, now=now)}, before {ends}")
    return said


def share_spent(found: Budget) -> float | None:
    """Spent share of the cap, 0..1; None without a cap."""
    if found.cap_usd is None:
        return None
    return min(1.0, float(found.spent_usd / found.cap_usd)) if found.cap_usd else 1.0


def unreached_lines(targets: Sequence[Unreached], *, zone: tzinfo, now: datetime) -> list[str]:
    """A line per target that cannot be reached: which, why, since when, and when it is tried again."""
    return [
        f"**{plain(one.name)}{f' {plain(one.region)}' if one.region else ''}** is not reached since "
        f"{numbers.clock(one.since, zone, now=now)}: {plain(one.why)}. It is tried again at "
        f"{numbers.clock(one.next_try, zone, now=now)}; what was collected before is shown."
        for one in targets
    ]


def backfill_answer(left: pd.DataFrame, *, zone: tzinfo, now: datetime) -> str:
    """How much of the wanted history is read, and what the rest costs, as Markdown; `left` is the `backfill`
    reader's frame."""
    open_ = left[left["left_h"] > 0]
    if open_.empty:
        oldest = numbers.clock(left["oldest_read"].min(), zone, now=now)
        return f"**All the history that was asked for is read**, back to {oldest}."
    wanted, missing = float(left["wanted_h"].sum()), float(left["left_h"].sum())
    price = numbers.usd(add(open_["usd_left"]))
    calls = open_["calls_left"].sum(min_count=1)
    rest = f"{numbers.count(calls)} calls, {price}" if numbers.known(calls) else price
    return f"**{numbers.percent(1 - missing / wanted)} of the history is read**, newest first; left: {rest}."


def by_collector(spend: pd.DataFrame) -> pd.DataFrame:
    """The `spend` reader's frame per collector: collector, calls, units, cost_usd (exact; None when no
    price is known), dearest first."""
    lines = [
        (name, of["calls"].sum(), of["units"].sum(), add(of["cost_usd"]))
        for name, of in spend.groupby("collector", sort=True)
    ]
    frame = pd.DataFrame(lines, columns=pd.Index(["collector", "calls", "units", "cost_usd"]))
    dear = frame["cost_usd"].astype("float64").fillna(0.0)
    return frame.loc[dear.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def mode_rows(modes: pd.DataFrame) -> pd.DataFrame:
    """The `log_modes` reader's frame with the mode in words and amounts as floats."""
    amounts = {name: pd.to_numeric(modes[name], errors="coerce") for name in ("bytes_a_day", "usd_a_month")}
    return modes.assign(mode=[MODES.get(mode, mode) for mode in modes["mode"]], **amounts)


def mode_summary(modes: pd.DataFrame) -> str:
    """How many functions are read how: `38 every invocation, 2 aggregated, 1 off`."""
    counts = modes["mode"].value_counts()
    return ", ".join(f"{counts[mode]:,} {word}" for mode, word in MODES.items() if mode in counts)
