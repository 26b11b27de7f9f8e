"""What watching will cost, before the first call: calls, billed units and USD per target, collector and API.

Pure: from an inventory and settings. Prices are those of `collectors.meter`: free amounts are not taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from collectors import cloudwatch, details, inventory, metric_queries, planning, queues, traces
from collectors.collector import CLOUDWATCH_LAG, Ask, Collector
from collectors.meter import unit_price_usd
from collectors.parse import default_log_group
from core.facts import Function, Inventory, Target
from core.settings import CollectSettings
from core.windows import LATENESS, Window

MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Calls of one API and what AWS bills for them; `cost_usd` None: not known before."""

    service: str
    operation: str
    calls: int
    units: int | None

    @property
    def cost_usd(self) -> Decimal | None:
        price = unit_price_usd(self.service, self.operation)
        if price == 0:
            return price
        return None if price is None or self.units is None else price * self.units


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


@dataclass(frozen=True, slots=True)
class Shape:
    """How a collector's pass looks, and its backfill of older windows at a period."""

    a_pass: Callable[[Inventory, CollectSettings], Sequence[Calls]]
    window: Callable[[Inventory, CollectSettings, Window, int], Sequence[Calls]] | None = None
    notes: tuple[str, ...] = field(default=())
    is_paid: bool = False


def price(
    known: Mapping[Target, Inventory],
    settings: CollectSettings,
    collectors: Sequence[Collector],
    *,
    now: datetime,
) -> list[Line]:
    """A line per target and collector, in their order."""
    return [
        _line(target, each, inventory_, settings, now)
        for target, inventory_ in known.items()
        for each in collectors
    ]


def usd(calls: Sequence[Calls]) -> Decimal:
    """The sum of what has a price."""
    return sum((call.cost_usd or Decimal(0) for call in calls), Decimal(0))


def units(calls: Sequence[Calls]) -> int:
    """Billed units of paid calls."""
    return sum(call.units or 0 for call in calls if unit_price_usd(call.service, call.operation) != 0)


def total_calls(calls: Sequence[Calls]) -> int:
    return sum(call.calls for call in calls)


def _line(
    target: Target, collector: Collector, known: Inventory, settings: CollectSettings, now: datetime
) -> Line:
    shape = SHAPES.get(collector.name)
    if shape is None:
        ask = Ask(window=Window.last(collector.interval(settings), now=now), known=known, settings=settings)
        a_pass: tuple[Calls, ...] = ()
        notes: tuple[str, ...] = (
            f"up to {collector.estimate_usd(ask):f} USD a pass; its calls are not foreseen",
        )
    else:
        a_pass, notes = tuple(c for c in shape.a_pass(known, settings) if c.calls), shape.notes
    return Line(
        target=target,
        collector=collector.name,
        what=collector.what,
        every=collector.interval(settings),
        period_s=collector.reach.period_s if collector.reach else 0,
        a_pass=a_pass,
        backfill=_backfill(shape, collector, known, settings, now) if shape else (),
        notes=notes,
    )


def _backfill(
    shape: Shape, collector: Collector, known: Inventory, settings: CollectSettings, now: datetime
) -> tuple[Calls, ...]:
    """What the first run reads of older history, added up by API."""
    if shape.window is None or collector.reach is None or not known.functions:
        return ()
    wanted = planning.horizon(
        collector.reach, now=now, backfill=settings.backfill, coarse=settings.backfill_coarse
    )
    pieces = planning.plan(collector.reach, wanted, [], [], now=now)
    return added(
        call for window, period_s in pieces for call in shape.window(known, settings, window, period_s)
    )


def added(calls: Iterator[Calls] | Sequence[Calls]) -> tuple[Calls, ...]:
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


def pages(things: int, a_page: int) -> int:
    """How many pages a listing has: an empty one has one."""
    return max(1, -(-things // a_page))


def _one_each(service: str, operation: str, calls: int) -> Calls:
    return Calls(service=service, operation=operation, calls=calls, units=calls)


# --- what each collector calls ------------------------------------------------------------------------------


def _inventory(known: Inventory, settings: CollectSettings) -> list[Calls]:
    tagged = sum(bool(function.tags) for function in known.functions)
    return [
        _one_each("lambda", "ListFunctions", pages(len(known.functions), inventory.FUNCTIONS_A_PAGE)),
        _one_each("lambda", "ListEventSourceMappings", pages(len(known.mappings), inventory.MAPPINGS_A_PAGE)),
        _one_each("lambda", "GetAccountSettings", 1),
        _one_each("resourcegroupstaggingapi", "GetResources", pages(tagged, inventory.TAGS_A_PAGE)),
    ]


def _details(known: Inventory, settings: CollectSettings) -> list[Calls]:
    functions, groups = len(known.functions), details.log_groups_of(known)
    published = {version.function for version in known.versions}
    prefixes = details.prefixes(groups)
    at_home = sum(group.startswith(default_log_group("")) for group in groups)
    listed = pages(at_home, details.PAGE) * (at_home > 0) + len(prefixes) - (at_home > 0)
    return [
        _one_each("lambda", "ListFunctions", pages(functions + len(known.versions), details.PAGE)),
        _one_each("lambda", "ListAliases", functions),
        _one_each("lambda", "GetFunctionConcurrency", functions),
        _one_each("lambda", "ListProvisionedConcurrencyConfigs", len(published)),
        _one_each("lambda", "ListFunctionEventInvokeConfigs", functions),
        _one_each("logs", "DescribeLogGroups", listed),
    ]


def _metrics(known: Inventory, settings: CollectSettings) -> list[Calls]:
    return _metric_data(metric_queries.queries(known), *_usual(settings.metrics_every))


def _metrics_of(known: Inventory, settings: CollectSettings, window: Window, period_s: int) -> list[Calls]:
    return _metric_data(metric_queries.queries(known), window, period_s)


def _usual(every: timedelta) -> tuple[Window, int]:
    """The window of a usual pass: what came since the last, and what was still provisional."""
    epoch = datetime.fromtimestamp(0).astimezone()
    return Window(epoch, epoch + LATENESS + every - CLOUDWATCH_LAG), planning.FINE_S


def _metric_data(queries: Sequence[cloudwatch.Query], window: Window, period_s: int) -> list[Calls]:
    calls = cloudwatch.calls_needed(len(queries), window, period_s)
    return [Calls(service="cloudwatch", operation="GetMetricData", calls=calls, units=len(queries))]


def _queue_arns(known: Inventory) -> list[str]:
    return sorted(set(queues.queue_arns(known)) | queues.redrive_targets(known.queues))


def _queues(known: Inventory, settings: CollectSettings) -> list[Calls]:
    arns = _queue_arns(known)
    found = _metric_data(queues.queries(arns), *_usual(settings.queues_every))
    return [*found, _one_each("sqs", "GetQueueAttributes", len(arns))]


def _queues_of(known: Inventory, settings: CollectSettings, window: Window, period_s: int) -> list[Calls]:
    return _metric_data(queues.queries(_queue_arns(known)), window, period_s)


def _logs(known: Inventory, settings: CollectSettings) -> list[Calls]:
    groups = {function.log_group or default_log_group(function.name) for function in known.functions}
    return [_one_each("logs", "FilterLogEvents", len(groups))]


def _logs_of(known: Inventory, settings: CollectSettings, window: Window, period_s: int) -> list[Calls]:
    return _logs(known, settings)


def _traces(known: Inventory, settings: CollectSettings) -> list[Calls]:
    most = settings.max_traces_per_run
    read = -(-most // traces.TRACES_A_CALL)
    return [
        Calls(service="xray", operation="GetTraceSummaries", calls=1, units=None),
        Calls(service="xray", operation="BatchGetTraces", calls=read, units=most),
    ]


def _traces_of(known: Inventory, settings: CollectSettings, window: Window, period_s: int) -> list[Calls]:
    return _traces(known, settings)


SHAPES: Mapping[str, Shape] = {
    "inventory": Shape(_inventory),
    "details": Shape(_details),
    "metrics": Shape(_metrics, _metrics_of, is_paid=True),
    "queues": Shape(_queues, _queues_of, ("the first pass asks for each queue's URL too",), is_paid=True),
    "logs": Shape(_logs, _logs_of, ("a call per log group and page; busy groups have more pages",)),
    "traces": Shape(
        _traces,
        _traces_of,
        ("at most; traces that summaries scan are billed too, and known only afterwards",),
        is_paid=True,
    ),
}


def made_up(functions: int) -> Inventory:
    """An inventory of so many plain functions, to price a fleet that is not known."""
    return Inventory(
        functions=tuple(Function(name=f"function-{n}", arn=f"arn:{n}") for n in range(functions))
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
