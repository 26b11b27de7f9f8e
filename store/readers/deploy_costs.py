"""What a thousand invocations cost before and after each deploy of a function."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from core.facts import Target
from core.windows import MINUTE, Window, ceil, floor
from store.asking import reader
from store.readers.changes import changes
from store.readers.cost import COMPONENTS, costs
from store.store import Filter, Store

DEPLOY = "deploy"
NEAR = timedelta(hours=24)
"""How far before and after a deploy is looked at, if no other deploy is nearer."""

MOST = 6
COLUMNS = (
    *("ts", "what", "who", "before", "after", "before_invocations", "after_invocations"),
    *("before_per_thousand_usd", "after_per_thousand_usd", "most", "most_usd", "state"),
)


@reader
def deploy_costs(
    store: Store, target: Target, function: str, window: Window, *, now: datetime
) -> pd.DataFrame:
    """The newest deploys of the window, newest first: ts, what, who; before and after (the windows that are
    compared: up to a day, no further than the next deploy); invocations and USD per thousand of each (exact;
    None: nothing was invoked); most and most_usd: the component whose cost per thousand moved most; state of
    the worse of the two."""
    found = changes(store, window, target=target, function=function)
    deploys = found[found["kind"] == DEPLOY].head(MOST).to_dict("records")
    moments = sorted(row["ts"].to_pydatetime() for row in found[found["kind"] == DEPLOY].to_dict("records"))
    where = Filter(target.account, target.region, function)
    lines = [_line(store, row, moments, window, where, now=now) for row in deploys]
    return pd.DataFrame(lines, columns=pd.Index(COLUMNS), dtype=object)


def _line(
    store: Store, row: Any, moments: Sequence[datetime], window: Window, where: Filter, *, now: datetime
) -> list[Any]:
    at = row["ts"].to_pydatetime()
    before, after = around(at, moments, end=min(window.end, now))
    was, now_is = _cost(store, before, where, now=now), _cost(store, after, where, now=now)
    most, most_usd = _most(was, now_is)
    states = [one["state"] for one in (was, now_is) if one is not None and isinstance(one["state"], str)]
    return [
        at, row["what"], row["who"], before, after, _invocations(was), _invocations(now_is),
        per_thousand(was), per_thousand(now_is), most, most_usd, next(iter(states), None),
    ]  # fmt: skip


def around(at: datetime, moments: Sequence[datetime], *, end: datetime) -> tuple[Window, Window]:
    """The windows before and after a deploy, in whole minutes, without its own minute."""
    last = max((one for one in moments if one < at), default=at - NEAR)
    following = min((one for one in moments if one > at), default=end)
    until, since = floor(at, MINUTE), ceil(at, MINUTE)
    start, stop = ceil(max(last, at - NEAR), MINUTE), floor(min(following, at + NEAR, end), MINUTE)
    return Window(min(start, until), until), Window(since, max(since, stop))


def _cost(store: Store, window: Window, where: Filter, *, now: datetime) -> Any:
    if window.start == window.end:
        return None
    found = costs(store, window, now=now, by=("function",), where=where)
    return found.to_dict("records")[0] if len(found) else None


def _invocations(one: Any) -> float | None:
    return None if one is None else one["invocations"]


def per_thousand(one: Any, name: str = "cost_usd") -> Decimal | None:
    """USD per thousand invocations of a row of `costs`."""
    if one is None or not one["invocations"] or one[name] is None:
        return None
    return Decimal(one[name] / Decimal(str(one["invocations"])) * 1000)


def _most(was: Any, now_is: Any) -> tuple[str | None, Decimal | None]:
    moved = {
        name: after - before
        for name in COMPONENTS
        if (before := per_thousand(was, f"{name}_usd")) is not None
        and (after := per_thousand(now_is, f"{name}_usd")) is not None
    }
    return max(moved.items(), key=lambda one: abs(one[1])) if moved else (None, None)
