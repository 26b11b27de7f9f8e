"""`quarterdeck plan`: what watching will cost, from the store's inventory, free listings, or a guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from collectors import inventory, plan
from collectors.aws import Aws, connect
from collectors.budget import history_waits
from collectors.cadence import Month, Watched, decide, spoken, steps
from collectors.collector import Ask
from collectors.registry import COLLECTORS, chosen
from core.entities import EventSourceMapping, Function
from core.errors import AwsError, StoreError
from core.facts import ACCOUNT, Inventory, Target
from core.settings import CollectSettings
from core.windows import Window
from quarterdeck.outside import bill_outside
from quarterdeck.pacing import others
from quarterdeck.serving import require_some
from quarterdeck.settings import Settings
from store.readers import collection
from store.readers.frames import rows
from store.store import Store

Document = dict[str, Any]

FREE = (
    "Prices are AWS's list prices: free amounts (a month's first million traces, SQS requests and CloudWatch"
    " calls other than GetMetricData) are not taken off. Calls that fail and are made again come on top."
)


@dataclass(frozen=True, slots=True)
class Basis:
    """What the plan rests on, and how it is known."""

    known: Mapping[Target, Inventory]
    said: str
    unreachable: tuple[str, ...] = ()


def basis(settings: Settings, functions: int | None, *, now: datetime) -> Basis:
    """What there is to watch. Raises AwsError when it must ask AWS, and reaches no target."""
    if functions is not None:
        return guessed(settings, functions)
    return remembered(settings) or listed(settings, now=now)


def guessed(settings: Settings, functions: int) -> Basis:
    """`functions` plain functions in each account and region that the settings name; no call is made."""
    named = [(n, region) for n, t in enumerate(settings.targets) for region in t.regions if region != "all"]
    targets = [Target(settings.targets[n].name or f"target {n + 1}", region) for n, region in named]
    targets = targets or [Target("your account", "your region")]
    said = f"{functions:,} functions in each target, supposed: no call was made"
    return Basis(dict.fromkeys(targets, plan.made_up(functions)), said)


def remembered(settings: Settings) -> Basis | None:
    """The inventory of the store; None when there is none yet."""
    try:
        store = Store.open(settings.store, create=False)
    except StoreError:
        return None
    try:
        targets = [Target(row.account, row.region) for row in rows(collection.targets(store))]
        known = {target: store.inventory(target) for target in targets}
    finally:
        store.close()
    found = {target: each for target, each in known.items() if each.functions}
    return Basis(found, "the store's inventory: no call was made") if found else None


def listed(settings: Settings, *, now: datetime) -> Basis:
    """The functions and mappings that AWS lists, which is free."""
    connected, unreachable = connect(settings.targets, settings.aws)
    require_some(connected, unreachable)
    lost = [str(each.error) for each in unreachable]
    known = {}
    for aws in connected:
        try:
            known[aws.target] = _fetch(aws, settings.collect, now)
        except AwsError as error:
            lost.append(str(error))
        bill_outside(settings.store, aws, "plan", now=now)
    return Basis(known, "AWS's own listing of functions and mappings, which is free", tuple(lost))


def _fetch(aws: Aws, settings: CollectSettings, now: datetime) -> Inventory:
    window = Window.last(timedelta(minutes=1), now=now)
    facts = list(inventory.collect(aws, Ask(window=window, settings=settings)))
    functions = tuple(fact for fact in facts if isinstance(fact, Function))
    return Inventory(
        functions=functions,
        mappings=tuple(fact for fact in facts if isinstance(fact, EventSourceMapping)),
        async_settings_of=frozenset(function.name for function in functions),  # as a rule none has any
    )


def plan_document(settings: Settings, found: Basis, *, now: datetime) -> Document:
    """Lines per target and collector, their sums, and what the cap would make of them."""
    lines = plan.price(
        found.known, settings.collect, chosen(settings.cost), retention=settings.store.retention, now=now
    )
    monthly = sum((line.usd_a_month for line in lines), Decimal(0))
    once = sum((plan.usd(line.backfill) for line in lines), Decimal(0))
    cap = settings.aws.budget_usd_per_month
    return {
        "basis": found.said,
        "unreachable": list(found.unreachable),
        "functions": sum(len(each.functions) for each in found.known.values()),
        "usd_per_month": monthly,
        "backfill_usd": once,
        "cap_usd": None if cap is None else Decimal(str(cap)),
        "verdict": verdict(settings, found.known, monthly, once, now=now),
        "note": FREE,
        "lines": [to_row(line) for line in lines],
    }


def to_row(line: plan.Line) -> Document:
    return {
        "account": line.target.account,
        "region": line.target.region,
        "collector": line.collector,
        "what": line.what,
        "every_s": round(line.every.total_seconds()),
        "period_s": line.period_s,
        "calls_per_pass": plan.total_calls(line.a_pass),
        "units_per_pass": plan.units(line.a_pass),
        "calls_per_month": _whole(plan.total_calls(line.a_pass) * line.passes_a_month),
        "units_per_month": _whole(plan.units(line.a_pass) * line.passes_a_month),
        "usd_per_month": line.usd_a_month,
        "backfill_calls": plan.total_calls(line.backfill),
        "backfill_units": plan.units(line.backfill),
        "backfill_usd": plan.usd(line.backfill),
        "calls": [
            {"service": c.service, "operation": c.operation, "calls": c.calls, "units": c.units}
            for c in line.a_pass
        ],
        "notes": list(line.notes),
    }


def _whole(amount: Decimal) -> int:
    return int(amount.to_integral_value())


def verdict(
    settings: Settings, known: Mapping[Target, Inventory], monthly: Decimal, once: Decimal, *, now: datetime
) -> str:
    """A sentence on what the cap would make of the plan: which pace a whole month would run at."""
    cap = settings.aws.budget_usd_per_month
    if cap is None:
        return "There is no cap: aws.budget_usd_per_month sets one, and collection then stays within it."
    month = Month(
        now=now,
        end=now + plan.MONTH,
        cap_usd=Decimal(str(cap)),
        spent_usd=Decimal(0),
        others_usd_a_day=plan.usd_a_day(known, settings.collect, others(COLLECTORS, paid=True)),
        fixed_usd_a_day=plan.usd_a_day(known, settings.collect, others(COLLECTORS, paid=False)),
    )
    decision = decide(_all_active(known), month, settings.collect)
    if decision.step == 0:
        waits = history_waits(Decimal(str(cap)), Decimal(0), monthly, once)
        later = " Older history is read as far as live reading leaves room for it." if waits else ""
        return f"A month of it fits the cap of {cap} USD.{later}"
    if decision.runs_out:
        days = (decision.runs_out - now) / timedelta(days=1)
        return f"The cap of {cap} USD is too low: paid reading would stop after {days:.1f} days."
    quiet = decide(_all_active(known, quiet=True), month, settings.collect).pace.quiet
    usual = spoken(steps(settings.collect)[0].active)
    return (
        f"The cap of {cap} USD is less than {monthly:.2f}: quiet functions are read every {spoken(quiet)};"
        f" if all were active, each would be read every {spoken(decision.pace.active)} instead of {usual}."
    )


def _all_active(known: Mapping[Target, Inventory], *, quiet: bool = False) -> Sequence[Watched]:
    return [
        Watched(target=target, name=name or ACCOUNT, activity="quiet" if quiet else "active", read_usd=usd)
        for target, each in known.items()
        for name, usd in plan.read_usd(each).items()
    ]
