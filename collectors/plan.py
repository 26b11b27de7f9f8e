"""What watching will cost, before the first call: calls, billed units and USD per target, collector and API.

Pure: from an inventory and settings. Prices are those of `collectors.meter`: free amounts are not taken off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from collectors import cloudwatch, metric_queries, planning
from collectors.collector import Ask, Collector
from collectors.meter import unit_price_usd
from collectors.shapes import SHAPES, Calls, Shape
from core.entities import Function
from core.facts import Inventory, Target
from core.settings import CollectSettings, RetentionSettings
from core.windows import Window
from store.retention import would_keep

MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One collector on one target: a usual pass, and what its first run reads of older history."""

    target: Target
    collector: str
    what: str
    every: timedelta
    period_s: int
    a_pass: tuple[Calls, ...]
    backfill: tuple[Calls, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passes_a_month(self) -> Decimal:
        return Decimal(str(MONTH / self.every))

    @property
    def usd_a_month(self) -> Decimal:
        """Of all that has a price before; `notes` say what has none."""
        return usd(self.a_pass) * self.passes_a_month


def price(
    known: Mapping[Target, Inventory],
    settings: CollectSettings,
    collectors: Sequence[Collector],
    *,
    retention: RetentionSettings,
    now: datetime,
) -> list[Line]:
    """A line per target and collector, in their order. No history is priced that the store would not keep."""
    return [
        _line(target, each, inventory_, settings, retention, now)
        for target, inventory_ in known.items()
        for each in collectors
    ]


def usd_a_day(
    known: Mapping[Target, Inventory], settings: CollectSettings, collectors: Sequence[Collector]
) -> Decimal:
    """What live reading costs at its usual pace, as far as that is known before."""
    found = Decimal(0)
    for collector in collectors:
        if shape := SHAPES.get(collector.name):
            passes = Decimal(str(timedelta(days=1) / collector.interval(settings)))
            found += passes * sum((usd(shape.a_pass(each, settings)) for each in known.values()), Decimal(0))
    return found


def usd(calls: Sequence[Calls]) -> Decimal:
    """The sum of what has a price."""
    return sum((call.cost_usd or Decimal(0) for call in calls), Decimal(0))


def units(calls: Sequence[Calls]) -> int:
    """Billed units of paid calls."""
    return sum(call.units or 0 for call in calls if unit_price_usd(call.service, call.operation) != 0)


def total_calls(calls: Sequence[Calls]) -> int:
    return sum(call.calls for call in calls)


def _line(
    target: Target,
    collector: Collector,
    known: Inventory,
    settings: CollectSettings,
    retention: RetentionSettings,
    now: datetime,
) -> Line:
    shape = SHAPES.get(collector.name)
    if shape is None:
        ask = Ask(window=Window.last(collector.interval(settings), now=now), known=known, settings=settings)
        a_pass: tuple[Calls, ...] = ()
        notes: tuple[str, ...] = (
            f"up to {collector.estimate_usd(ask):f} USD a pass; its calls are not foreseen",
        )
    else:
        a_pass, notes = added(c for c in shape.a_pass(known, settings) if c.calls), shape.notes
    return Line(
        target=target,
        collector=collector.name,
        what=collector.what,
        every=collector.interval(settings),
        period_s=collector.reach.period_s if collector.reach else 0,
        a_pass=a_pass,
        backfill=_backfill(shape, collector, known, settings, retention, now) if shape else (),
        notes=notes,
    )


def _backfill(
    shape: Shape,
    collector: Collector,
    known: Inventory,
    settings: CollectSettings,
    retention: RetentionSettings,
    now: datetime,
) -> tuple[Calls, ...]:
    """What the first run reads of older history, added up by API."""
    if shape.piece is None or collector.reach is None or not known.functions:
        return ()
    wanted = planning.horizon(
        collector.reach,
        now=now,
        backfill=settings.backfill,
        coarse=settings.backfill_coarse,
        keeps=would_keep(collector.name, retention, now=now),
    )
    pieces = planning.plan(collector.reach, wanted, [], [])
    return added(
        call for window, period_s in pieces for call in shape.piece(known, settings, window, period_s)
    )


def added(calls: Iterable[Calls]) -> tuple[Calls, ...]:
    """Calls of the same API as one."""
    sums: dict[tuple[str, str], Calls] = {}
    for call in calls:
        key = (call.service, call.operation)
        before = sums.get(key)
        unknown = call.units is None or (before is not None and before.units is None)
        sums[key] = Calls(
            service=call.service,
            operation=call.operation,
            calls=call.calls + (before.calls if before else 0),
            units=None if unknown else (call.units or 0) + ((before.units or 0) if before else 0),
        )
    return tuple(sums.values())


def made_up(functions: int) -> Inventory:
    """An inventory of so many plain functions, to price a fleet that is not known."""
    names = [f"function-{n}" for n in range(functions)]
    return Inventory(
        functions=tuple(Function(name=name, arn=f"arn:{name}") for name in names),
        async_settings_of=frozenset(names),
    )


OF_FUNCTION = {"function": 1, "resource": 1, "executed": 1, "mapping": 2}
"""Subjects of metrics that are read at a function's pace, and which of their words names it."""


def read_usd(known: Inventory) -> Mapping[str, Decimal]:
    """What reading the metrics of each function once costs; those of the account are under ""."""
    found: dict[str, int] = dict.fromkeys([function.name for function in known.functions], 0)
    for query in metric_queries.queries(known):
        function = query.subject[OF_FUNCTION[query.subject[0]]] if query.subject[0] in OF_FUNCTION else ""
        found[function] = found.get(function, 0) + 1
    return {function: cloudwatch.estimate_usd(queries) for function, queries in found.items()}
