"""What a usual pass of each collector calls, as far as it can be known before: the basis of the plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from collectors import (
    alarms,
    cloudwatch,
    cost_explorer,
    details,
    inventory,
    layers,
    metric_queries,
    metrics,
    planning,
    queues,
    traces,
)
from collectors.collector import CLOUDWATCH_LAG, HOUR, Ask
from collectors.meter import unit_price_usd
from collectors.parse import default_log_group
from collectors.sources import NOT_FOUND
from core.facts import ACCOUNT, Inventory
from core.settings import CollectSettings
from core.triggers import arn_part
from core.windows import LATENESS, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Calls of one API and what AWS bills for them; `units` None: not known before."""

    service: str
    operation: str
    calls: int
    units: int | None

    @property
    def cost_usd(self) -> Decimal | None:
        """Without free amounts; None when it cannot be known before."""
        price = unit_price_usd(self.service, self.operation)
        if price == 0:
            return price
        return None if price is None or self.units is None else price * self.units


Pass = Callable[[Inventory, CollectSettings], Sequence[Calls]]
Piece = Callable[[Inventory, CollectSettings, Window, int], Sequence[Calls]]


@dataclass(frozen=True, slots=True)
class Shape:
    """A collector's usual pass, and one piece of its history at a period. `notes` say what is left open."""

    a_pass: Pass
    piece: Piece | None = None
    notes: tuple[str, ...] = ()
    is_paid: bool = False


def pages(things: int, a_page: int) -> int:
    """How many pages a listing has: an empty one has one."""
    return max(1, -(-things // a_page))


def _calls(service: str, operation: str, calls: int) -> Calls:
    return Calls(service=service, operation=operation, calls=calls, units=calls)


def _inventory(known: Inventory, settings: CollectSettings) -> list[Calls]:
    tagged = sum(bool(function.tags) for function in known.functions)
    return [
        _calls("lambda", "ListFunctions", pages(len(known.functions), inventory.FUNCTIONS_A_PAGE)),
        _calls("lambda", "ListEventSourceMappings", pages(len(known.mappings), inventory.MAPPINGS_A_PAGE)),
        _calls("lambda", "GetAccountSettings", 1),
        _calls("resourcegroupstaggingapi", "GetResources", pages(tagged, inventory.TAGS_A_PAGE)),
    ]


def _details(known: Inventory, settings: CollectSettings) -> list[Calls]:
    functions, groups = len(known.functions), details.log_groups_of(known)
    published = {version.function for version in known.versions}
    at_home = sum(group.startswith(default_log_group("")) for group in groups)
    elsewhere = len(details.prefixes(groups)) - (at_home > 0)
    listed = pages(at_home, details.PAGE) if at_home else 0
    return [
        _calls("lambda", "ListFunctions", pages(functions + len(known.versions), details.PAGE)),
        _calls("lambda", "ListAliases", functions),
        _calls("lambda", "GetFunctionConcurrency", functions),
        _calls("lambda", "ListProvisionedConcurrencyConfigs", len(published)),
        _calls("lambda", "ListFunctionEventInvokeConfigs", functions),
        _calls("logs", "DescribeLogGroups", listed + elsewhere),
    ]


def _triggers(known: Inventory, settings: CollectSettings) -> list[Calls]:
    functions, sources = len(known.functions), {t.source_arn or "" for t in known.triggers}
    gone = {t.source_arn for t in known.triggers if t.state == NOT_FOUND}
    rules = {arn for arn in sources if arn_part(arn, 2) == "events" and ":rule/" in arn and "*" not in arn}
    schedules = sum(arn_part(arn, 2) == "scheduler" and "*" not in arn for arn in sources)
    accounts = {arn_part(function.arn, 4) for function in known.functions}
    ask = Ask(window=_usual(HOUR)[0], known=known)
    own = [layer for layer in layers.layers_of(ask) if arn_part(layer, 4) in accounts]
    return [
        _calls("lambda", "ListFunctionUrlConfigs", functions),
        _calls("lambda", "GetPolicy", functions + len(known.aliases)),
        _calls("lambda", "ListLayerVersions", len(own)),
        _calls("lambda", "ListCapacityProviders", 1),
        _calls("events", "DescribeRule", len(rules)),
        _calls("events", "ListTargetsByRule", len(rules - gone)),
        _calls("scheduler", "GetSchedule", schedules),
    ]


def _metrics(known: Inventory, settings: CollectSettings) -> list[Calls]:
    return _metrics_of(known, settings, *_usual(settings.metrics_every))


def _metrics_of(known: Inventory, settings: CollectSettings, window: Window, period_s: int) -> list[Calls]:
    """Capacity reports every five minutes, so it is asked for apart."""
    found = metric_queries.queries(known)
    slow = [query for query in found if query.subject[0] in metrics.CAPACITY]
    quick = [query for query in found if query.subject[0] not in metrics.CAPACITY]
    return [*_metric_data(quick, window, period_s), *_metric_data(slow, window, max(period_s, 300))]


def _usual(every: timedelta) -> tuple[Window, int]:
    """The window of a usual pass: what came since the last, and what was still provisional."""
    epoch = datetime.fromtimestamp(0).astimezone()
    return Window(epoch, epoch + LATENESS + every - CLOUDWATCH_LAG), planning.FINE_S


def _metric_data(queries: Sequence[cloudwatch.Query], window: Window, period_s: int) -> list[Calls]:
    calls = cloudwatch.calls_needed(len(queries), window, period_s)
    return [Calls(service="cloudwatch", operation="GetMetricData", calls=calls, units=len(queries))]


def _queue_arns(known: Inventory) -> list[str]:
    return [scope for scope in queues.scopes(known) if scope != ACCOUNT]


def _queues(known: Inventory, settings: CollectSettings) -> list[Calls]:
    found = _queues_of(known, settings, *_usual(settings.queues_every))
    return [*found, _calls("sqs", "GetQueueAttributes", len(_queue_arns(known)))]


def _queues_of(known: Inventory, settings: CollectSettings, window: Window, period_s: int) -> list[Calls]:
    return _metric_data(queues.queries(_queue_arns(known)), window, period_s)


def _logs(known: Inventory, settings: CollectSettings) -> list[Calls]:
    """Groups that are added up by Logs Insights cost what their volume does."""
    modes = {mode.name: mode for mode in known.log_modes}
    read = {
        function.log_group or default_log_group(function.name)
        for function in known.functions
        if function.name not in modes or modes[function.name].mode == "every"
    }
    added = [mode for mode in known.log_modes if mode.mode == "aggregated"]
    usd = sum((Decimal(str(mode.usd_a_month or 0)) for mode in added), Decimal(0))
    price = unit_price_usd("logs", "StartQuery") or Decimal(1)
    scanned = round(usd / price / Decimal(str(timedelta(days=30) / settings.logs_every)))
    queries = Calls(service="logs", operation="StartQuery", calls=len(added), units=scanned)
    return [_calls("logs", "FilterLogEvents", len(read)), queries]


def _logs_of(known: Inventory, settings: CollectSettings, window: Window, period_s: int) -> list[Calls]:
    return [call for call in _logs(known, settings) if call.operation == "FilterLogEvents"]


def _traces(known: Inventory, settings: CollectSettings) -> list[Calls]:
    window = _usual(settings.traces_every)[0]
    settings_calls = [_calls("xray", "GetTraceSegmentDestination", 1), _calls("xray", "GetIndexingRules", 1)]
    return [*_traces_of(known, settings, window, 0), *settings_calls]


def _traces_of(known: Inventory, settings: CollectSettings, window: Window, period_s: int) -> list[Calls]:
    """At most. How many traces summaries scan is what the newest run found; before the first it is open."""
    most, told = settings.max_traces_per_run, known.trace_settings
    scanned = None if told is None or told.scanned_per_hour is None else told.scanned_per_hour
    units = None if scanned is None else round(scanned * (window.duration / HOUR))
    return [
        Calls(service="xray", operation="GetTraceSummaries", calls=1, units=units),
        Calls(service="xray", operation="BatchGetTraces", calls=-(-most // traces.TRACES_A_CALL), units=most),
    ]


def _alarms(known: Inventory, settings: CollectSettings) -> list[Calls]:
    return [_calls("cloudwatch", "DescribeAlarms", pages(len(known.alarms), alarms.PAGE))]


def _charges(known: Inventory, settings: CollectSettings) -> list[Calls]:
    return [_calls("ce", "GetCostAndUsage", len(cost_explorer.QUESTIONS))]


def _changes(known: Inventory, settings: CollectSettings) -> list[Calls]:
    return [_calls("cloudtrail", "LookupEvents", 1)]


def _changes_of(known: Inventory, settings: CollectSettings, window: Window, period_s: int) -> list[Calls]:
    return _changes(known, settings)


SHAPES: Mapping[str, Shape] = {
    "inventory": Shape(_inventory),
    "details": Shape(_details),
    "triggers": Shape(_triggers),
    "metrics": Shape(_metrics, _metrics_of, is_paid=True),
    "queues": Shape(_queues, _queues_of, ("the first pass asks for each queue's URL too",), is_paid=True),
    "logs": Shape(_logs, _logs_of, ("a call per log group; busy groups have more pages",)),
    "traces": Shape(
        _traces,
        _traces_of,
        ("at most; traces that summaries scan are known after the first pass",),
        is_paid=True,
    ),
    "changes": Shape(_changes, _changes_of, ("busy accounts have more pages",)),
    "charges": Shape(_charges, None, ("a page of many usage types costs as a request",), is_paid=True),
    "alarms": Shape(_alarms, None, ("alarms that are not about Lambda are listed too",), is_paid=True),
}
