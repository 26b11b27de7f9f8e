"""Is everything in order: store, credentials, clock and every permission; each answer is a sentence."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path

from collectors.aws import Aws, connect
from collectors.collector import Collector
from collectors.registry import chosen
from collectors.translate import LACKS
from core.entities import Function
from core.errors import AccessDeniedError, AwsError, StoreError
from core.settings import CostSettings
from quarterdeck.outside import bill_outside
from quarterdeck.probes import PROBES, Known, refused, what_to_name
from quarterdeck.settings import Settings
from quarterdeck.watchers import alive_here, watchers
from store.readers.budget import Budget, budget
from store.readers.room import room, sentences
from store.readers.services import services
from store.store import Store

CLOCK_OFF = timedelta(minutes=5)
"""AWS refuses requests whose time is this far from its own."""

CLOCK_LATE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Check:
    """`outcome` is ok, warning, failed or skipped; `text` is a sentence that says what to do about it."""

    name: str
    outcome: str
    text: str


def examine(settings: Settings, files: Sequence[Path], *, now: datetime) -> Iterator[Check]:
    """Every check, as it is made."""
    yield Check(
        "settings", "ok", f"read {_listed(files)}" if files else "no settings file: the defaults apply"
    )
    yield from _store(settings, now=now)
    connected, unreachable = connect(settings.targets, settings.aws)
    for missing in unreachable:
        yield Check("target", "failed", str(missing.error))
    for aws in connected:
        yield from _target(aws, settings.cost, now=now)
        bill_outside(settings.store, aws, "doctor", now=now)


def examine_service(settings: Settings, *, now: datetime) -> Iterator[Check]:
    """Only whether a service of this host lives; AWS is asked nothing. For a container's health check."""
    try:
        store = Store.open(settings.store, create=False)
        found = services(store, now=now)
        store.close()
    except StoreError as error:
        yield Check("store", "failed", str(error))
        return
    alive = alive_here(found)
    text = "a service of this host lives" if alive else "no service of this host gives a sign of life"
    yield Check("services", "ok" if alive else "failed", text)


def _listed(files: Sequence[Path]) -> str:
    return " and ".join(str(file) for file in files)


def _store(settings: Settings, *, now: datetime) -> Iterator[Check]:
    folder = settings.store.path
    try:
        store = Store.open(settings.store)
    except StoreError as error:
        yield Check("store", "failed", str(error))
        return
    money = budget(store, now=now, cap_usd=_cap_usd(settings))
    troubles = store.telemetry_troubles()
    size = room(store, now=now)
    living = [Check("services", outcome, text) for outcome, text in watchers(store, now=now)]
    store.close()
    free_mb = shutil.disk_usage(folder).free // 2**20
    floor = settings.store.free_space_floor_mb
    if free_mb < floor:
        low = f"{folder} has {free_mb:,} MB free, and collection pauses below {floor:,} MB"
        yield Check("store", "failed", f"{low}: free some, or lower store.free_space_floor_mb")
    else:
        yield Check("store", "ok", f"{folder} is writable and of this version, with {free_mb:,} MB free")
    yield Check("store size", "warning" if size.is_over else "ok", " ".join(sentences(size)))
    if settings.store.telemetry is not None:
        yield from _telemetry(settings.store.telemetry, troubles)
    yield from living
    yield Check("budget", budget_outcome(money), f"{money.why} {money.spent_usd:.4f} USD this month so far.")


def _telemetry(url: str, troubles: Sequence[str]) -> Iterator[Check]:
    for trouble in troubles:
        yield Check("telemetry", "failed", trouble)
    if not troubles:
        yield Check("telemetry", "ok", f"{url} can be listed, read, written and tidied up")


def _cap_usd(settings: Settings) -> Decimal | None:
    cap = settings.aws.budget_usd_per_month
    return None if cap is None else Decimal(str(cap))


def budget_outcome(money: Budget) -> str:
    """Stopped for the cap is a failure: numbers are missing. Slowed is not."""
    if money.is_stopped:
        return "failed"
    return "warning" if money.stops_at else "ok"


def _target(aws: Aws, cost: CostSettings, *, now: datetime) -> Iterator[Check]:
    where = aws.where
    try:
        identity = aws.client("sts").get_caller_identity()
    except AwsError as error:
        yield Check("identity", "failed", f"{where}: {error}")
        return
    if aws.also:
        yield Check(
            "target", "warning", f"{where} is named twice (also {', '.join(aws.also)}): it is read once"
        )
    endpoint = aws.client("lambda").meta.endpoint_url
    yield Check("identity", "ok", f"{where}: signed in as {identity['Arn']}, over {endpoint}")
    yield clock(identity["ResponseMetadata"]["HTTPHeaders"].get("date"), where, now=now)
    names = what_to_name(aws, _a_function(aws), now=now)
    for collector in chosen(cost):
        yield _permissions(aws, collector, names, where)


def clock(date: str | None, where: str, *, now: datetime) -> Check:
    """Compare our time with the `Date` header of AWS's answer."""
    if not date:
        return Check("clock", "skipped", f"{where}: the endpoint does not tell the time")
    off = abs(now - parsedate_to_datetime(date))
    said = f"{where}: this clock is {off.total_seconds():,.0f} s off AWS's"
    if off >= CLOCK_OFF:
        return Check("clock", "failed", f"{said}, and AWS refuses such requests: set the time, e.g. with NTP")
    if off >= CLOCK_LATE:
        return Check("clock", "warning", f"{said}: windows are wrong by as much")
    return Check("clock", "ok", f"{where}: this clock agrees with AWS's")


def _a_function(aws: Aws) -> Function | None:
    """Some function's name and log group, for the calls that need one."""
    try:
        answer = aws.client("lambda").list_functions(MaxItems=1)
    except AwsError:
        return None
    for raw in answer.get("Functions", []):
        group = raw.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{raw['FunctionName']}"
        return Function(name=raw["FunctionName"], arn=raw["FunctionArn"], log_group=group)
    return None


def _permissions(aws: Aws, collector: Collector, names: Known, where: str) -> Check:
    """Try every permission of one collector: one that fails leaves the others."""
    missing, untried, broken = list[AccessDeniedError](), list[str](), list[str]()
    for action in collector.permissions:
        if action not in PROBES:
            untried.append(action)
            continue
        try:
            if refusal := refused(aws, action, names):
                missing.append(refusal)
        except AwsError as error:
            broken.append(str(error))
    if missing:
        return Check(collector.name, "failed", f"{where}: {to_sentence(missing)}")
    if broken:
        return Check(collector.name, "failed", f"{where}: {broken[0]}")
    note = f" (not tried: {', '.join(untried)})" if untried else ""
    return Check(collector.name, "ok", f"{where}: allowed{note}")


def to_sentence(missing: Sequence[AccessDeniedError]) -> str:
    """The exact actions that are missing; a whole sentence where another policy than the role's denies."""
    lacking = [error.permission or "a permission" for error in missing if LACKS in str(error)]
    others = [str(error) for error in missing if LACKS not in str(error)]
    named = [f"the role lacks {', '.join(lacking)} (see docs/iam.md)"] if lacking else []
    return "; ".join([*named, *others])
