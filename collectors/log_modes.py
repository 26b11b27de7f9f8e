"""How each function's log is read (every invocation, aggregated, off): a pure choice by volume and budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase

from collectors.meter import unit_price_usd
from collectors.parse import default_log_group
from core.entities import Function, LogGroup, LogMode
from core.facts import Inventory
from core.settings import LogSettings

EVERY, AGGREGATED, OFF = "every", "aggregated", "off"

SCANS = 2
"""Logs Insights scans a stretch once for the sums and once for the error lines."""

DAYS_A_MONTH = 30.4375
MB = 10**6
STICKY = 0.8
"""A function that is aggregated stays so until its volume falls this far below the limit."""

INFREQUENT = "INFREQUENT_ACCESS"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Volume:
    """What a function logs (its share of a shared group). `bytes_a_day` None: not known."""

    bytes_a_day: float | None
    log_class: str | None = None

    @property
    def usd_a_month(self) -> float | None:
        """What aggregating it costs."""
        return None if self.bytes_a_day is None else float(scan_usd(self.bytes_a_day * DAYS_A_MONTH))


def scan_usd(size_bytes: float) -> Decimal:
    """What Logs Insights charges for reading a stretch that holds so many bytes."""
    return (unit_price_usd("logs", "StartQuery") or Decimal(0)) * SCANS * round(size_bytes)


def choose(
    known: Inventory, settings: LogSettings, volumes: Mapping[str, float], *, now: datetime
) -> dict[str, LogMode]:
    """The mode of every known function. `volumes` are bytes a day by function, as metrics tell them.

    What the settings name is done, whatever it costs; what is left of `insights_usd_per_month` goes to the
    functions of `auto` that log too much to read every invocation, those aggregated before and small ones
    first.
    """
    found, asked = _volumes(known, volumes, now=now), {}
    chosen: dict[str, LogMode] = {}
    before = {mode.name: mode.mode for mode in known.log_modes}
    for function in known.functions:
        asked[function.name], why = reading(function.name, settings)
        if asked[function.name] != "auto":
            chosen[function.name] = _as_set(function.name, asked[function.name], found[function.name], why)
    left = settings.insights_usd_per_month - sum(m.usd_a_month or 0 for m in chosen.values())
    undecided = [f.name for f in known.functions if asked[f.name] == "auto"]
    for name in sorted(undecided, key=lambda n: (before.get(n) != AGGREGATED, found[n].bytes_a_day or 0, n)):
        chosen[name] = _automatic(name, found[name], settings, before=before.get(name), left=left)
        left -= chosen[name].usd_a_month or 0
    return chosen


def reading(function: str, settings: LogSettings) -> tuple[str, str]:
    """What the settings ask for, and where they do."""
    for pattern, mode in settings.functions.items():
        if fnmatchcase(function, pattern):
            return mode, f"set for `{pattern}` in collect.logs.functions"
    return settings.mode, "set in collect.logs.mode"


def _as_set(name: str, mode: str, volume: Volume, why: str) -> LogMode:
    if mode == EVERY and volume.log_class == INFREQUENT:
        mode, why = OFF, f"{why}, but a log group of class {INFREQUENT} can only be aggregated"
    return _mode(name, mode, why, volume)


def _automatic(
    name: str, volume: Volume, settings: LogSettings, *, before: str | None, left: float
) -> LogMode:
    size, limit_mb = volume.bytes_a_day, settings.every_up_to_mb_per_day
    limit = limit_mb * MB * (STICKY if before in (AGGREGATED, OFF) else 1)
    must = volume.log_class == INFREQUENT
    if size is None and must:
        return _mode(
            name, OFF, f"{INFREQUENT} can only be aggregated, and its volume is not known yet", volume
        )
    if size is None:
        return _mode(name, EVERY, "its volume is not known yet", volume)
    said = f"logs {size / MB:,.0f} MB a day"
    if size <= limit and not must:
        return _mode(name, EVERY, f"{said}; up to {limit_mb:,.0f} MB every invocation is read", volume)
    over = f"its log group's class is {INFREQUENT}" if must else f"more than {limit_mb:,.0f} MB"
    cost = volume.usd_a_month or 0
    if cost <= left:
        return _mode(name, AGGREGATED, f"{said}, {over}; Insights costs {cost:.2f} USD a month", volume)
    return _mode(
        name,
        OFF,
        f"{said}, {over}; Insights would cost {cost:.2f} USD a month, and {max(left, 0):.2f} of"
        f" collect.logs.insights_usd_per_month ({settings.insights_usd_per_month:g}) is left",
        volume,
    )


def _mode(name: str, mode: str, why: str, volume: Volume) -> LogMode:
    cost = volume.usd_a_month if mode == AGGREGATED else 0.0
    return LogMode(name=name, mode=mode, why=why, bytes_a_day=volume.bytes_a_day, usd_a_month=cost)


def group_of(function: Function) -> str:
    return function.log_group or default_log_group(function.name)


def shared_groups(known: Inventory) -> frozenset[str]:
    """Log groups that several functions write to, also ones that are not read now."""
    writers = Counter(map(group_of, known.functions))
    return frozenset(group for group, count in writers.items() if count > 1)


def _volumes(known: Inventory, volumes: Mapping[str, float], *, now: datetime) -> dict[str, Volume]:
    groups = {group.name: group for group in known.log_groups}
    sharing = Counter(group_of(function) for function in known.functions)
    found = {}
    for function in known.functions:
        group = groups.get(group_of(function))
        size = volumes.get(function.name)
        if size is None and group is not None:
            size = _stored_a_day(group, now=now, sharing=sharing[group.name])
        found[function.name] = Volume(size, group.log_class if group else None)
    return found


def _stored_a_day(group: LogGroup, *, now: datetime, sharing: int) -> float | None:
    """What a group came to hold a day, over its age or its retention; None when it is younger than a day."""
    if group.stored_bytes is None or group.created is None:
        return None
    age = now - group.created
    if group.retention_days is not None:
        age = min(age, timedelta(days=group.retention_days))
    return group.stored_bytes / (age / DAY) / sharing if age >= DAY else None


def due(chosen: Sequence[LogMode], known: Inventory, *, since: datetime, until: datetime) -> list[LogMode]:
    """The modes to keep: new and changed ones, and all of them once a day (their volume moves)."""
    before = {mode.name: mode.mode for mode in known.log_modes}
    is_new_day = since.date() != until.date()
    return [mode for mode in chosen if is_new_day or before.get(mode.name) != mode.mode]
