"""What functions cost, by component."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from core.windows import Window
from store.asking import reader
from store.readers.billing import COMPONENTS, ESTIMATED, KINDS, RECORDS, Bill, bills, spend
from store.readers.frames import Grid, to_utc, with_none
from store.readers.series import metrics_read
from store.readers.states import Coverage
from store.readers.sums import billed_sums, metric_sums
from store.readers.things import EVERYTHING, Place, Things
from store.readers.usage import Question
from store.store import Filter, Store

__all__ = ["COMPONENTS", "cost_series", "cost_step", "costs"]

TOP = 7
STEPS = tuple(timedelta(minutes=m) for m in (5, 10, 15, 30, 60, 120, 360, 720, 1440))
BARS = 14
"""Of a chart at least, where the steps allow: edges cut two of them."""

OTHER, UNLISTED = "other", "not listed"
TAG = "tag:"

Group = tuple[str, ...]


@dataclass(slots=True)
class Sum:
    """Bills added up. A component that is unknown for one function counts as nothing; `state` says so."""

    components: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(COMPONENTS, Decimal(0)))
    invocations: float = 0.0
    bases: set[str] = field(default_factory=set)
    states: dict[str, int] = field(default_factory=dict)

    def add(self, bill: Bill, components: Sequence[str]) -> None:
        for name in components:
            self.components[name] += bill.components[name] or Decimal(0)
        self.invocations += bill.invocations
        self.bases.add(bill.basis)
        state = bill.seen(components).state()
        if state:
            self.states[state] = self.states.get(state, 0) + 1

    @property
    def total(self) -> Decimal:
        return sum(self.components.values(), Decimal(0))

    @property
    def state(self) -> str | None:
        """What speaks most against the number: holes before lateness, the most frequent of them."""
        return max(self.states, key=lambda s: (s.startswith("not"), self.states[s]), default=None)


@reader
def costs(
    store: Store,
    window: Window,
    *,
    now: datetime,
    by: Sequence[str] = ("function",),
    where: Filter = EVERYTHING,
) -> pd.DataFrame:
    """Per group (`by`: account, region, function, runtime, architecture, component, tag:NAME): the group's
    columns, cost_usd and one column per component (`requests_usd` ...; exact Decimal), invocations, basis
    (`records` or `metrics, estimated`), state. Dearest first. An untagged function's tag is "".

    cost_usd is the exact sum of its components; a component whose price or usage is not known counts as
    nothing and is named in `state`. Prices are first-tier list prices; free tier and savings plans are not
    subtracted.
    """
    with store.snapshot(window, ("metrics", "invocations", "invocation_summaries")) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        things = Things.read(snapshot, *KINDS, where=where)
        metrics, question = metric_sums(snapshot, window, where), Question(window, where, now)
        billed_for = billed_sums(snapshot, window, where)
        billed = bills(snapshot, things, coverage, question, metrics, billed_for)
    named = _Names(things)
    sums: dict[Group, Sum] = {}
    for place, bill in billed.items():
        for components in [[c] for c in COMPONENTS] if "component" in by else [list(COMPONENTS)]:
            group = tuple(named.name(place, part, components[0]) for part in by)
            sums.setdefault(group, Sum()).add(bill, components)
    return _frame(sums, by)


def _frame(sums: Mapping[Group, Sum], by: Sequence[str]) -> pd.DataFrame:
    columns = [*by, "cost_usd", *(f"{name}_usd" for name in COMPONENTS), "invocations", "basis", "state"]
    lines = [
        [*group, total, *one.components.values(), one.invocations, _basis(one.bases), one.state]
        for total, group, one in sorted(
            ((one.total, group, one) for group, one in sums.items()), key=lambda line: (-line[0], line[1])
        )
    ]
    frame = pd.DataFrame(lines, columns=pd.Index(columns))
    return frame.assign(state=with_none(frame["state"]))


def _basis(bases: set[str]) -> str:
    return RECORDS if bases == {RECORDS} else ESTIMATED


class _Names:
    """What a function is called in a group."""

    def __init__(self, things: Things) -> None:
        self._bodies = {t.place: t.body for t in things.of("function", gone=True)}

    def name(self, place: Place, part: str, component: str = "") -> str:
        body: Mapping[str, Any] = self._bodies.get(place, {})
        if part.startswith(TAG):
            return str((body.get("tags") or {}).get(part.removeprefix(TAG), ""))
        known = dict(zip(("account", "region", "function"), place, strict=True)) | {"component": component}
        return str(known[part] if part in known else body.get(part) or "")


def cost_step(window: Window) -> timedelta:
    """The step of a chart of costs: the longest that leaves a dozen bars; five minutes to a day."""
    return max((step for step in STEPS if step * BARS <= window.duration), default=STEPS[0])


@reader
def cost_series(
    store: Store, window: Window, *, now: datetime, by: str = "function", where: Filter = EVERYTHING
) -> pd.DataFrame:
    """Long frame: ts (of a `cost_step`), group (top 7 and `other`), cost_usd (float). Whole steps only; a
    step that was not read is NaN. What functions cost that no inventory lists any more or yet is one group,
    but for regions, which are known all the same."""
    step = cost_step(window)
    with store.snapshot(window, ("metrics", "invocations", "invocation_summaries")) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        grid = Grid(window, step)
        things = Things.read(snapshot, *KINDS, where=where)
        named, question = _Names(things), Question(grid.window, where, now, step)
        spent = spend(snapshot, things, coverage, question, lambda place: named.name(place, by))
    spent["group"] = _groups(spent, by)
    totals = spent.groupby("group")["usd"].sum().sort_values(ascending=False)
    top = list(totals.index[:TOP])
    spent["group"] = spent["group"].where(spent["group"].isin(top), OTHER)
    wide = spent.pivot_table(index="step", columns="group", values="usd", aggfunc="sum")
    wide = wide.reindex(grid.starts_ms).fillna(0.0)
    wide.loc[~metrics_read(coverage, grid, where)] = np.nan
    lines = list(_long(wide, [*top, *([OTHER] if len(totals) > TOP else [])]))
    frame = (
        pd.concat(lines, ignore_index=True)
        if lines
        else pd.DataFrame(columns=pd.Index(["step", "group", "cost_usd"]))
    )
    frame.insert(0, "ts", to_utc(frame.pop("step").astype("int64")))
    return frame


def _groups(spent: pd.DataFrame, by: str) -> pd.Series[str]:
    """What each line is of. Usage without a label is of functions that are not listed; or what they have none
    of is asked for, a tag or a runtime, as listed ones may have none."""
    if by in ("component", "region"):
        return spent[by]
    return spent["label"].fillna("").replace("", UNLISTED if by in ("function", "account") else "")


def _long(wide: pd.DataFrame, groups: Sequence[str]) -> Iterator[pd.DataFrame]:
    for group in groups:
        yield pd.DataFrame({"step": wide.index, "group": group, "cost_usd": wide[group].to_numpy()})
