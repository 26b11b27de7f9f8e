"""Budgets, forecasts and cost anomalies of what the store knows. Money is net, as the settings have it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from core import cost_anomalies as found_in
from core.budgets import BudgetState, fits, state, worst_first
from core.cost_anomalies import Changes, CostAnomaly, DayCost
from core.forecast import MOST_DAYS, Forecast
from core.forecast import forecast as foreseen
from core.settings import BudgetSettings, CostSettings
from core.windows import Window, floor
from store.asking import reader
from store.bill import month_start
from store.readers.changes import changes
from store.readers.cost import COMPONENTS, costs
from store.readers.coverage import Coverage
from store.readers.frames import Grid, rows
from store.readers.records import FUNCTION_POINTS
from store.readers.series import metrics_read
from store.readers.things import EVERYTHING, Place
from store.store import Filter, Store

DAY = timedelta(days=1)
BEFORE = 35 * DAY
"""How far back the days lie that an anomaly is held against."""

MEMORY = "memory_mb"


@dataclass(frozen=True, slots=True)
class FunctionAnomaly:
    """An anomaly of one day of one function."""

    place: Place
    found: CostAnomaly


@dataclass(frozen=True, slots=True)
class UnusualDays:
    """Anomalies of one function, the newest first, among `judged` whole days of `days` (UTC): the others were
    not collected in full, or have too few days before them to be held against."""

    found: Sequence[CostAnomaly]
    judged: int
    days: int


@reader
def budgets(store: Store, settings: CostSettings, *, now: datetime) -> list[BudgetState]:
    """Every budget of the settings in the month of `now`, the worst first."""
    if not settings.budgets:
        return []
    parts = tuple(dict.fromkeys(part for one in settings.budgets for part in one.where))
    days = _days(store, _history(now), now=now, by=parts, where=EVERYTHING, settings=settings)
    return worst_first([_state(one, days, settings, now=now) for one in settings.budgets])


@reader
def forecast(
    store: Store, settings: CostSettings, *, now: datetime, where: Filter = EVERYTHING
) -> tuple[Decimal | None, Forecast]:
    """What this month cost so far (None: nothing is known), and what it will by its end."""
    days = _days(store, _history(now), now=now, by=(), where=where, settings=settings)
    spent, _ = _spent(days, now)
    return spent, _forecast(days, spent or Decimal(0), settings, now=now)


@reader
def anomalies(
    store: Store,
    window: Window,
    *,
    now: datetime,
    where: Filter = EVERYTHING,
    settings: CostSettings | None = None,
) -> list[FunctionAnomaly]:
    """Whole days of the window (UTC) that cost a function far more than days like it, dearest first. At list
    price, since free amounts are of the payer; days that were not fully collected are neither found nor held
    against."""
    judged = _judged(store, window, now=now, where=where, settings=settings or CostSettings())
    return sorted(_found(store, judged), key=lambda one: (-one.found.excess_usd, one.place))


@reader
def unusual_days(
    store: Store, window: Window, place: Place, *, now: datetime, settings: CostSettings | None = None
) -> UnusualDays:
    """`anomalies` of one function, and how many whole days of the window could be judged."""
    judged = _judged(store, window, now=now, where=Filter(*place), settings=settings or CostSettings())
    found = sorted((one.found for one in _found(store, judged)), key=lambda one: one.day, reverse=True)
    enough = judged.series.get(place, [])[found_in.LEAST_DAYS :]
    told = sum(day.day >= judged.since for day in enough)
    return UnusualDays(found, told, max(0, (judged.wide.end.date() - judged.since).days))


@reader
def cost_of_days(store: Store, *, now: datetime, settings: CostSettings) -> dict[Place, float | None]:
    """Per function that cost anything in five weeks: by how many USD the newest whole day (UTC) is an anomaly
    (`anomalies`), 0 when it is as usual, None when that day was not fully collected or too few earlier ones
    are known."""
    end = floor(now, DAY)
    newest, wide = (end - DAY).date(), Window(end - DAY - BEFORE, end)
    told = costs(store, wide, now=now, by=("account", "region", "function", "day"), where=EVERYTHING)
    series = _series(told, _read_days(store, wide, now=now, where=EVERYTHING))
    holidays = frozenset(settings.holidays)
    places = zip(told["account"], told["region"], told["function"], strict=True)
    return dict.fromkeys(places) | {place: _excess(days, newest, holidays) for place, days in series.items()}


def _excess(days: Sequence[DayCost], newest: date, holidays: frozenset[date]) -> float | None:
    if not days or days[-1].day != newest or len(days) <= found_in.LEAST_DAYS:
        return None
    found = next(_of_function(days, newest, holidays), None)
    return found.excess_usd if found else 0.0


# --- months -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Days:
    """Net USD per group of `by` parts and day. `whole` are days whose metrics were read in full."""

    usd: Mapping[tuple[tuple[str, ...], date], Decimal]
    whole: Collection[date]
    by: Sequence[str]

    def of(self, where: Mapping[str, str]) -> dict[date, Decimal]:
        """Per day, the sum of the groups that fit."""
        sums: dict[date, Decimal] = {}
        for (group, day), usd in self.usd.items():
            if fits(where, dict(zip(self.by, group, strict=True))):
                sums[day] = sums.get(day, Decimal(0)) + usd
        return sums


def _history(now: datetime) -> Window:
    """Whole days, so that their costs are known as days, up to now."""
    return Window(floor(min(month_start(now), now - MOST_DAYS * DAY), DAY), now)


def _days(
    store: Store,
    window: Window,
    *,
    now: datetime,
    by: Sequence[str],
    where: Filter,
    settings: CostSettings,
) -> _Days:
    told = costs(store, window, now=now, by=(*by, "day"), where=where, settings=settings)
    usd: dict[tuple[tuple[str, ...], date], Decimal] = {}
    for row in told.to_dict("records"):
        day = _day(row["day"])
        group = tuple(str(row[part]) for part in by)
        usd[group, day] = usd.get((group, day), Decimal(0)) + row["net_usd"]
    return _Days(usd, _read_days(store, window, now=now, where=where), by)


def _read_days(store: Store, window: Window, *, now: datetime, where: Filter) -> frozenset[date]:
    """Days of the window, which starts with one, that are over and were read of every target."""
    whole = Window(window.start, max(window.start, floor(window.end, DAY)))
    if not whole.duration:
        return frozenset()
    with store.snapshot(whole, ("metrics",)) as snapshot:
        coverage, grid = Coverage.read(snapshot, whole, now=now), Grid(whole, DAY)
        read = metrics_read(coverage, grid, where)
    return frozenset((whole.start + at * DAY).date() for at, is_read in enumerate(read) if is_read)


def _day(told: Any) -> date:
    return date.fromisoformat(str(told)[:10])


def _state(budget: BudgetSettings, days: _Days, settings: CostSettings, *, now: datetime) -> BudgetState:
    mine = _Days({((), day): usd for day, usd in days.of(budget.where).items()}, days.whole, ())
    # A part that cost nothing so far has no rows, while the whole has: it spent nothing.
    spent, lacks = _spent(mine, now) if mine.usd or not days.usd else (Decimal(0), None)
    return state(budget, spent, _forecast(mine, spent or Decimal(0), settings, now=now), lacks=lacks)


def _spent(days: _Days, now: datetime) -> tuple[Decimal | None, str | None]:
    """This month's sum, and what it lacks."""
    since = month_start(now).date()
    mine = [usd for (_, day), usd in days.usd.items() if day >= since]
    over = [since + n * DAY for n in range((now.date() - since).days)]
    gaps = sum(day not in days.whole for day in over)
    lacks = f"{gaps} of {len(over)} days of this month were not collected in full" if gaps else None
    return (sum(mine, Decimal(0)), lacks) if mine else (None, lacks)


def _forecast(days: _Days, spent: Decimal, settings: CostSettings, *, now: datetime) -> Forecast:
    whole = dict.fromkeys(days.whole, Decimal(0)) | {d: u for d, u in days.of({}).items() if d in days.whole}
    return foreseen(whole, spent, now=now, holidays=frozenset(settings.holidays))


# --- anomalies ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Judged:
    """Days of each function since five weeks before `since`, and what they are judged by."""

    series: Mapping[Place, list[DayCost]]
    since: date
    wide: Window
    holidays: frozenset[date]


def _judged(store: Store, window: Window, *, now: datetime, where: Filter, settings: CostSettings) -> _Judged:
    start, end = floor(window.start, DAY), floor(min(window.end, now), DAY)
    wide = Window(start - BEFORE, max(start - BEFORE, end))
    told = costs(store, wide, now=now, by=("account", "region", "function", "day"), where=where)
    series = _series(told, _read_days(store, wide, now=now, where=where))
    return _Judged(series, start.date(), wide, frozenset(settings.holidays))


def _series(told: pd.DataFrame, whole: Collection[date]) -> dict[Place, list[DayCost]]:
    """Days of each function in their order, as far as they were read. A day without use cost nothing."""
    found: dict[Place, dict[date, DayCost]] = {}
    for row in told.to_dict("records"):
        parts = {name: float(row[f"{name}_usd"]) for name in COMPONENTS if row[f"{name}_usd"]}
        place, day = (row["account"], row["region"], row["function"]), _day(row["day"])
        if day in whole:
            found.setdefault(place, {})[day] = DayCost(day, parts, float(row["invocations"]))
    return {place: list(_from_first(days, whole)) for place, days in found.items()}


def _from_first(days: Mapping[date, DayCost], whole: Collection[date]) -> Iterator[DayCost]:
    """Since the first day with any use: before it the function may not have been there."""
    for day in sorted(day for day in whole if day >= min(days)):
        yield days.get(day, DayCost(day, {}, 0.0))


def _of_function(days: Sequence[DayCost], since: date, holidays: frozenset[date]) -> Iterator[CostAnomaly]:
    for at, day in enumerate(days):
        if day.day >= since and day.components:
            one = found_in.anomaly(days[:at], day, holidays=holidays)
            if one is not None:
                yield one


def _found(store: Store, judged: _Judged) -> Iterator[FunctionAnomaly]:
    for place, days in judged.series.items():
        for one in _of_function(days, judged.since, judged.holidays):
            yield _explained(store, FunctionAnomaly(place, one), judged)


def _explained(store: Store, one: FunctionAnomaly, judged: _Judged) -> FunctionAnomaly:
    """The same with what only a closer look tells: failed invocations, deploys and changes of memory."""
    errors = _errors(store, one.place, judged.wide)
    days = judged.series[one.place]
    closer = [DayCost(d.day, d.components, d.invocations, errors.get(d.day)) for d in days]
    day = next(d for d in closer if d.day == one.found.day)
    before = [d for d in closer if d.day < day.day]
    changed = _changes(store, one.place, day.day)
    again = found_in.anomaly(before, day, holidays=judged.holidays, changes=changed)
    return FunctionAnomaly(one.place, again or one.found)


def _errors(store: Store, place: Place, window: Window) -> dict[date, float]:
    with store.snapshot(window, ("metrics",), place=place) as snapshot:
        frame = snapshot.frame(
            f"""SELECT (ts AT TIME ZONE 'UTC')::DATE AS day, sum(errors) AS errors FROM metrics
            WHERE {FUNCTION_POINTS} AND account = $account AND region = $region AND "function" = $function
                AND ts >= $start AND ts < $end GROUP BY ALL""",
            dict(zip(("account", "region", "function"), place, strict=True))
            | {"start": window.start, "end": window.end},
        )
    return {_day(row.day): float(row.errors) for row in rows(frame) if row.errors == row.errors}


def _changes(store: Store, place: Place, day: date) -> Changes:
    first, last = found_in.around(day)
    window = Window(_midnight(first), _midnight(last) + DAY)
    told = changes(store, window, function=place[2])
    mine = [r for r in rows(told) if (r.account, r.region) == place[:2]]
    return Changes(
        deploys=_times(row.ts for row in mine if row.kind == "deploy"),
        memory=_times(row.ts for row in mine if row.field == MEMORY),
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _times(told: Iterable[pd.Timestamp]) -> tuple[datetime, ...]:
    return tuple(sorted(ts.to_pydatetime() for ts in told))
