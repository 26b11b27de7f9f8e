"""What functions cost, by component."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from core.meters import COMPONENTS as ALL
from core.settings import CostSettings
from core.windows import Window
from store.asking import reader
from store.readers.billing import COMPONENTS as USUAL
from store.readers.billing import ESTIMATED, RECORDS
from store.readers.bills import Bill, grounds, places_of, without_provisioned
from store.readers.coverage import Coverage
from store.readers.frames import Grid, rows, to_utc, with_none
from store.readers.measured import KINDS
from store.readers.metered import KEPT, Metering, meter_usage
from store.readers.priced import Amounts, Group, Pricing, Row, Sums, priced, priced_frame
from store.readers.priced import settled as as_grains
from store.readers.prices import read_book
from store.readers.rates import month_rates
from store.readers.series import metrics_read
from store.readers.things import EVERYTHING, Place, Things
from store.store import Filter, Snapshot, Store
from store.tiers import DAY, month_of

__all__ = ["COMPONENTS", "cost_now", "cost_series", "cost_step", "costs"]

COMPONENTS = tuple(name for name in ALL if name != "quarterdeck")
"""Quarterdeck's own calls are no usage of functions: `store.readers.own_spend` has them."""

TOP = 7
STEPS = tuple(timedelta(minutes=m) for m in (5, 10, 15, 30, 60, 120, 360, 720, 1440))
BARS = 14
"""Of a chart at least, where the steps allow: edges cut two of them."""

HOUR = timedelta(hours=1)
OTHER, UNLISTED = "other", "not listed"
TAG = "tag:"
OF_ROWS = ("component", "version", "month", "day")
"""Groups that are not of functions."""


@dataclass(slots=True)
class Sum:
    """Functions that are one group: what their numbers rest on, and what speaks against them."""

    bases: set[str] = field(default_factory=set)
    states: dict[str, int] = field(default_factory=dict)

    def add(self, bill: Bill, components: Sequence[str]) -> None:
        self.bases.add(bill.basis)
        state = bill.seen(components).state()
        if state:
            self.states[state] = self.states.get(state, 0) + 1

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
    settings: CostSettings | None = None,
) -> pd.DataFrame:
    """Per group (`by`: account, region, function, version, runtime, architecture, component, tag:NAME, month,
    day): the group's columns, cost_usd and one column per component (`requests_usd` ...; exact Decimal),
    invocations, basis (`records` or `metrics, estimated`), state. Dearest first. An untagged function's tag
    is "", as is the version of $LATEST and of what no record tells of.

    cost_usd is the exact sum of its components; a component whose price or usage is not known counts as
    nothing and is named in `state`. Prices are list prices of each month (`store.readers.prices`). With
    `settings` there is net_usd too: after free amounts, tiers and savings plan (`core.tiering.RULE`), worked
    out over the whole months of all functions.
    """
    wide = window if settings is None else _months(window, now)
    with store.snapshot(wide, KEPT) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        things = Things.read(snapshot, *KINDS, where=where)
        step = DAY if "day" in by else None
        used = meter_usage(
            snapshot, things, window, where, now=now, step=step, by_version="version" in by, coverage=coverage
        )
        pricing = _pricing(snapshot, used, window, wide, where, settings, now=now)
        unlisted = without_provisioned(snapshot, coverage)
    return _costs(used, pricing, things, coverage, unlisted, by=by, where=where)


def _months(window: Window, now: datetime) -> Window:
    """The whole months that a window touches, as far as they are over."""
    start = month_of(window.start).start
    return Window(start, max(window.end, min(now, month_of(max(window.start, window.end)).end)))


def _pricing(
    snapshot: Snapshot,
    used: Metering,
    window: Window,
    wide: Window,
    where: Filter,
    settings: CostSettings | None,
    *,
    now: datetime,
) -> Pricing:
    book = read_book(snapshot)
    if settings is None:
        return Pricing(book)
    whole = used if wide == window and where == EVERYTHING else None
    return Pricing(book, month_rates(snapshot, wide, settings, now=now, used=whole))


def _costs(
    used: Metering,
    pricing: Pricing,
    things: Things,
    coverage: Coverage,
    unlisted: Mapping[tuple[str, str], str],
    *,
    by: Sequence[str],
    where: Filter,
) -> pd.DataFrame:
    named = Names(things)
    places = places_of(things, used, where)
    groups: dict[Group, int] = {}
    labels = {place: groups.setdefault(named.group(place, by), len(groups)) for place in places}
    apart = [name for name in ("version",) if name in by] + (["step"] if "day" in by else [])
    sums, of = Sums(used, labels, apart), list(groups)
    months, regions = sums.places
    alike = {m: m for m in months} if "month" in by else pricing.alike(months, regions)
    told = ((_full(of[row.group], by, row), row) for row in sums.rows(alike))
    amounts, unpriced = priced(told, pricing)
    for place in [] if apart or "month" in by else places:
        amounts.setdefault(of[labels[place]], Amounts())
    bills = grounds(places, used, coverage, unlisted, unpriced)
    shown = _shown(amounts, bills)
    return _frame(amounts, _stated(bills, labels, of, by, shown), by, shown, has_net=pricing.has_net)


def _full(group: Group, by: Sequence[str], row: Row) -> Group:
    """A function's group with what only its usage tells."""
    if not set(by) & {"version", "month", "day"}:
        return group
    day = pd.Timestamp(row.step, unit="ms").strftime("%Y-%m-%d")
    told = {"version": row.version, "month": f"{row.month:%Y-%m}", "day": day}
    return tuple(told.get(part, name) for part, name in zip(by, group, strict=True))


# --- what numbers rest on -----------------------------------------------------------------------------------


def _stated(
    bills: Mapping[Place, Bill],
    labels: Mapping[Place, int],
    of: Sequence[Group],
    by: Sequence[str],
    shown: Sequence[str],
) -> dict[Group, Sum]:
    """By group of functions; with component, by each of them too."""
    found: dict[Group, Sum] = {}
    for place, bill in bills.items():
        group = of[labels[place]]
        for components in [[c] for c in shown] if "component" in by else [COMPONENTS]:
            key = _with_component(group, by, components[0])
            found.setdefault(key, Sum()).add(bill, components)
    return found


def _with_component(group: Group, by: Sequence[str], component: str) -> Group:
    return tuple(component if part == "component" else name for part, name in zip(by, group, strict=True))


def _frame(
    amounts: Mapping[Group, Amounts],
    stated: Mapping[Group, Sum],
    by: Sequence[str],
    shown: Sequence[str],
    *,
    has_net: bool,
) -> pd.DataFrame:
    listed = {name: as_grains(_of(amounts, name)) for name in COMPONENTS}
    net = {name: as_grains(_of(amounts, name, is_net=True)) for name in COMPONENTS}
    lines: list[list[Any]] = []
    for group, mine in amounts.items():
        for names in [[c] for c in shown] if "component" in by else [COMPONENTS]:
            told = {name: listed[name][group] if name in names else Decimal(0) for name in COMPONENTS}
            key, total = _with_component(group, by, names[0]), sum(told.values(), Decimal(0))
            charged = [sum((net[name][group] for name in names), Decimal(0))] if has_net else []
            said = stated.get(_of_functions(key, by), Sum())
            basis = RECORDS if said.bases <= {RECORDS} else ESTIMATED
            lines.append([*key, total, *charged, *told.values(), mine.invocations, basis, said.state])
    lines.sort(key=lambda line: (-line[len(by)], line[: len(by)]))
    columns = [*by, "cost_usd", *(["net_usd"] if has_net else []), *(f"{name}_usd" for name in COMPONENTS)]
    frame = pd.DataFrame(lines, columns=pd.Index([*columns, "invocations", "basis", "state"]))
    return frame.assign(state=with_none(frame["state"]))


def _of(amounts: Mapping[Group, Amounts], name: str, *, is_net: bool = False) -> dict[Group, Decimal]:
    return {
        group: (one.net_usd if is_net else one.list_usd).get(name, Decimal(0))
        for group, one in amounts.items()
    }


def _shown(amounts: Mapping[Group, Amounts], bills: Mapping[Place, Bill]) -> list[str]:
    """Components that get a line of their own: the usual ones, and others where there is any."""
    there = {name for one in amounts.values() for name, usd in one.list_usd.items() if usd}
    there |= {name for bill in bills.values() for name in bill.unknown}
    return [name for name in COMPONENTS if name in there or name in USUAL]


def _of_functions(key: Group, by: Sequence[str]) -> Group:
    """The group without what only usage tells."""
    return tuple(
        "" if part in ("version", "month", "day") else name for part, name in zip(by, key, strict=True)
    )


class Names:
    """What a function is called in a group."""

    def __init__(self, things: Things) -> None:
        self._bodies = {t.place: t.body for t in things.of("function", gone=True)}

    def group(self, place: Place, by: Sequence[str]) -> Group:
        return tuple("" if part in OF_ROWS else self.name(place, part) for part in by)

    def name(self, place: Place, part: str) -> str:
        body: Mapping[str, Any] = self._bodies.get(place, {})
        if part.startswith(TAG):
            return str((body.get("tags") or {}).get(part.removeprefix(TAG), ""))
        known = dict(zip(("account", "region", "function"), place, strict=True))
        return str(known[part] if part in known else body.get(part) or "")


# --- over time ----------------------------------------------------------------------------------------------


def cost_step(window: Window) -> timedelta:
    """The step of a chart of costs: the longest that leaves a dozen bars; five minutes to a day."""
    return max((step for step in STEPS if step * BARS <= window.duration), default=STEPS[0])


@reader
def cost_series(
    store: Store, window: Window, *, now: datetime, by: str = "function", where: Filter = EVERYTHING
) -> pd.DataFrame:
    """Long frame: ts (of a `cost_step`), group (top 7 and `other`), cost_usd (float). Whole steps only; a
    step that was not read is NaN. At list price. What functions cost that
    no inventory lists any more or yet is one group, but for regions, which are known all the same."""
    step = cost_step(window)
    with store.snapshot(window, KEPT) as snapshot:
        grid = Grid(window, step)
        coverage = Coverage.read(snapshot, grid.window, now=now)
        things = Things.read(snapshot, *KINDS, where=where)
        used = meter_usage(snapshot, things, grid.window, where, now=now, step=step, coverage=coverage)
        spent = _spent(used, Pricing(read_book(snapshot)), things, by)
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


def _label(name: Any, place: Place, by: str) -> str:
    return "" if by in OF_ROWS else str(name(place, by))


def _spent(used: Metering, pricing: Pricing, things: Things, by: str) -> pd.DataFrame:
    """label (None: not listed), region, step, component, usd (NaN: its price is not known)."""
    names, named = dict[str, int](), Names(things)
    labels = {
        t.place: names.setdefault(_label(named.name, t.place, by), len(names))
        for t in things.of("function", gone=True)
    }
    sums = Sums(used, labels, ["step"])
    lines = priced_frame(sums.frame(pricing.alike(*sums.places)), pricing, used.columns)
    return lines.assign(label=lines["label"].map(dict(enumerate(names))))


def _groups(spent: pd.DataFrame, by: str) -> pd.Series[str]:
    """What each line is of. Usage without a label is of functions that are not listed; or what they have none
    of is asked for, a tag or a runtime, as listed ones may have none."""
    if by in ("component", "region"):
        return spent[by]
    return spent["label"].fillna("").replace("", UNLISTED if by in ("function", "account") else "")


def _long(wide: pd.DataFrame, groups: Sequence[str]) -> Iterator[pd.DataFrame]:
    for group in groups:
        yield pd.DataFrame({"step": wide.index, "group": group, "cost_usd": wide[group].to_numpy()})


# --- now ----------------------------------------------------------------------------------------------------


@reader
def cost_now(
    store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING
) -> dict[Place, float | None]:
    """USD per hour of each function over a short window that ends now, at list price; None: the window was
    not read, or usage or a price of a usual component is not known. Of others what is known counts."""
    found = costs(store, window, now=now, by=("account", "region", "function", "component"), where=where)
    hours, rates = window.duration / HOUR, dict[Place, float | None]()
    for row in rows(found):
        place = row.account, row.region, row.function
        so_far, is_hole = rates.get(place, 0.0), row.component in USUAL and _is_hole(row.state)
        rates[place] = None if so_far is None or is_hole else so_far + float(row.cost_usd) / hours
    return rates


def _is_hole(state: Any) -> bool:
    return isinstance(state, str) and state.startswith("not")
