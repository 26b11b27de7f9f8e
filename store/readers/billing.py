"""What functions cost: usage times prices, by component. Exact decimals over a window, floats over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from core.prices import FREE_EPHEMERAL_MB, GIB, cost, prices
from core.windows import Window, merge, subtract
from store import schema
from store.readers.frames import rows
from store.readers.records import FUNCTION_POINTS
from store.readers.states import Coverage, Seen
from store.readers.things import Place, Things, matches
from store.readers.usage import Intervals, capacity, compute, log_volume, provisioned_versions
from store.store import Filter, Snapshot

COMPONENTS = ("requests", "duration", "init", "ephemeral", "provisioned", "logs")
KINDS = ("function", "version", "alias", "provisioned")
"""Entities that a bill needs."""

RECORDS = "records"
ESTIMATED = "metrics, estimated"

MB_MS = 1024 * 1000
"""Megabyte-milliseconds in a GB-second."""

UNITS = {
    "request": 1,
    "duration": MB_MS,
    "ephemeral": MB_MS,
    "provisioned_capacity": MB_MS,
    "provisioned_duration": MB_MS,
    "log_ingest": GIB,
}
"""Per meter (a field of `core.prices.Prices`): how much of a line's quantity makes one unit of its price."""

PLACE = ["account", "region", "function"]
LINE = [*PLACE, "step", "component", "meter", "architecture", "quantity"]


@dataclass(slots=True)
class Bill:
    """One function's cost over a window. A component is None when its price or its usage is not known: `seen`
    says why."""

    basis: str
    seen: Seen
    invocations: float
    components: dict[str, Decimal | None] = field(
        default_factory=lambda: dict.fromkeys(COMPONENTS, Decimal(0))
    )

    @property
    def total_usd(self) -> Decimal | None:
        """The sum of what is known, None when nothing is."""
        known = [usd for usd in self.components.values() if usd is not None]
        return sum(known, Decimal(0)) if known else None


def bills(
    snapshot: Snapshot, things: Things, coverage: Coverage, window: Window, *, now: datetime, where: Filter
) -> dict[Place, Bill]:
    """The bill of every function that exists or was used. `things` holds at least `KINDS`."""
    read = records_read(snapshot, coverage, window)
    lines = _lines(snapshot, things, coverage, read, window, now=now, where=where)
    by_place: dict[Place, list[Any]] = {
        t.place: [] for t in things.of("function") if matches(where, *t.place)
    }
    for line in rows(lines):
        by_place.setdefault((line.account, line.region, line.function), []).append(line)
    unlisted = _without_provisioned(snapshot, coverage)
    return {
        place: _bill(place, mine, coverage, read.get(place, ()), unlisted.get(place[:2]))
        for place, mine in by_place.items()
    }


def spend(
    snapshot: Snapshot,
    things: Things,
    coverage: Coverage,
    window: Window,
    *,
    now: datetime,
    where: Filter,
    step: timedelta,
) -> pd.DataFrame:
    """account, region, function, step, component, usd (float; NaN: its price or usage is not known)."""
    read = records_read(snapshot, coverage, window)
    lines = _lines(snapshot, things, coverage, read, window, now=now, where=where, step=step)
    keys = ["region", "architecture", "meter"]
    price = lines[keys].drop_duplicates()
    price["price"] = [_price_per_quantity(row) for row in rows(price)]
    lines = lines.merge(price, on=keys, how="left")
    lines["usd"] = (lines["quantity"] * lines["price"]).where(lines["quantity"] != 0, 0.0)
    return lines[[*PLACE, "step", "component", "usd"]]


def _price_per_quantity(row: Any) -> float:
    price = getattr(prices(row.region, row.architecture), row.meter)
    return np.nan if price is None else float(price / UNITS[row.meter])


# --- what was read -----------------------------------------------------------------------------------------------


def records_read(snapshot: Snapshot, coverage: Coverage, window: Window) -> Intervals:
    """What of the window each function's log tells: all of it when at most a young tail is missing, nothing when
    the log was read but has no record although invocations ended."""
    mute, found = _mute(snapshot, window), {}
    for place in coverage.scopes("logs") - mute:
        whole = coverage.seen("logs", *place).complete
        found[place] = [window] if whole else coverage.covered("logs", *place)
    return found


def _mute(snapshot: Snapshot, window: Window) -> set[Place]:
    frame = snapshot.frame(
        f"""SELECT account, region, "function" FROM metrics
        WHERE {FUNCTION_POINTS} AND invocations > 0 AND ts >= $start
            AND epoch_ms(ts) + period_s * 1000 <= $ended_ms
        EXCEPT SELECT account, region, "function" FROM invocations WHERE ts >= $start AND ts < $end""",
        {"start": window.start, "end": window.end, "ended_ms": ended_ms(window)},
    )
    return set(frame.itertuples(index=False, name=None))


def ended_ms(window: Window) -> int:
    """An invocation that started before this has ended within the window: none is longer than 15 minutes."""
    return round((window.end - timedelta(minutes=15)).timestamp() * 1000)


def _without_provisioned(snapshot: Snapshot, coverage: Coverage) -> dict[tuple[str, str], str]:
    """Targets whose provisioned concurrency was never listed, and why."""
    listing, target = schema.listing, schema.target
    listed = snapshot.state(
        sa.select(listing.c.account, listing.c.region).where(listing.c.kind == "provisioned")
    )
    known = set(listed.itertuples(index=False, name=None))
    targets = snapshot.state(sa.select(target.c.account, target.c.region)).itertuples(index=False, name=None)
    return {
        place: coverage.why_not("details", *place)
        for place in targets
        if place not in known and not coverage.is_healthy("details", *place)
    }


# --- lines -------------------------------------------------------------------------------------------------------


def _lines(
    snapshot: Snapshot,
    things: Things,
    coverage: Coverage,
    read: Intervals,
    window: Window,
    *,
    now: datetime,
    where: Filter,
    step: timedelta | None = None,
) -> pd.DataFrame:
    """What is billed, a line per function, step, component and meter: columns of `LINE`."""
    sizes = _Sizes(things)
    used = sizes.describe(compute(snapshot, window, read, where=where, step=step))
    kept = capacity(snapshot, things, window, now=now, step=step)
    reserved = pd.DataFrame(
        [(*place, start, version, ms) for place, start, version, ms in kept if matches(where, *place)],
        columns=pd.Index([*PLACE, "step", "version", "billed_ms"]),
    )
    volume = log_volume(snapshot, window, where=where, step=step).assign(architecture="")
    volume["log_bytes"] = volume["log_bytes"].where(volume["invocations"] > 0, volume["log_bytes"].fillna(0))
    parts = [
        *_request_lines(used, volume, coverage),
        *_compute_lines(used),
        _line(sizes.describe(reserved), "provisioned", "provisioned_capacity", "mb_ms"),
        _line(volume, "logs", "log_ingest", "log_bytes"),
    ]
    return pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)


def _request_lines(used: pd.DataFrame, counted: pd.DataFrame, coverage: Coverage) -> list[pd.DataFrame]:
    """Requests as CloudWatch counted them, which is what AWS bills; of functions whose metrics were not all read,
    as their log tells."""
    places = {*_places(used), *_places(counted)}
    complete = {place for place in places if coverage.seen("metrics", *place).complete}
    by_metrics = np.array([place in complete for place in _places(counted)], dtype=bool)
    by_records = np.array([place not in complete for place in _places(used)], dtype=bool)
    return [
        _line(counted[by_metrics], "requests", "request", "invocations"),
        _line(used[by_records], "requests", "request", "requests"),
    ]


def _places(frame: pd.DataFrame) -> Iterator[Place]:
    return frame[PLACE].itertuples(index=False, name=None)


def _compute_lines(used: pd.DataFrame) -> list[pd.DataFrame]:
    used = used.assign(
        init_mb_ms=used["init_ms"] * used["memory_mb"],
        run_mb_ms=(used["billed_ms"] - used["init_ms"]) * used["memory_mb"],
        ephemeral_mb_ms=used["billed_ms"] * (used["ephemeral_mb"] - FREE_EPHEMERAL_MB),
    )
    used.loc[used["unbilled"] > 0, ["init_mb_ms", "run_mb_ms", "ephemeral_mb_ms"]] = np.nan
    provisioned = used["provisioned"].astype(bool)
    return [
        _line(used[~provisioned], "duration", "duration", "run_mb_ms"),
        _line(used[provisioned], "duration", "provisioned_duration", "run_mb_ms"),
        _line(used, "init", "duration", "init_mb_ms"),
        _line(used, "ephemeral", "ephemeral", "ephemeral_mb_ms"),
    ]


def _line(frame: pd.DataFrame, component: str, meter: str, quantity: str) -> pd.DataFrame:
    line = frame[[*PLACE, "step", "architecture"]].assign(component=component, meter=meter)
    return line.assign(quantity=frame[quantity].astype(float))[LINE]


class _Sizes:
    """Memory, storage and architecture of functions and their versions."""

    def __init__(self, things: Things) -> None:
        self._functions = {t.place: t.body for t in things.of("function", gone=True)}
        self._versions = {(t.place, t.body["version"]): t.body for t in things.of("version", gone=True)}
        self._provisioned = provisioned_versions(things)

    def describe(self, used: pd.DataFrame) -> pd.DataFrame:
        """Adds architecture, memory_mb where it lacks, ephemeral_mb, mb_ms and provisioned."""
        keys = used[[*PLACE, "version"]].drop_duplicates()
        found = [self._of((r.account, r.region, r.function), r.version) for r in rows(keys)]
        names = ["architecture", "own_memory_mb", "ephemeral_mb", "has_provisioned"]
        keys[names] = pd.DataFrame(found, columns=pd.Index(names), index=keys.index)
        used = used.merge(keys, on=[*PLACE, "version"], how="left")
        memory = used.get("memory_mb", pd.Series(np.nan, index=used.index)).astype(float)
        used["memory_mb"] = memory.fillna(used["own_memory_mb"].astype(float))
        used["ephemeral_mb"] = used["ephemeral_mb"].astype(float)
        used["mb_ms"] = used["billed_ms"] * used["memory_mb"]
        if "init_type" in used:
            used["provisioned"] = _is_provisioned(used)
        return used

    def _of(self, place: Place, version: str | None) -> tuple[str, float, float, bool]:
        function: Mapping[str, Any] = self._functions.get(place, {})
        own: Mapping[str, Any] = self._versions.get((place, version), {})
        architecture = own.get("architecture") or function.get("architecture") or ""
        memory = own.get("memory_mb") or function.get("memory_mb") or np.nan
        ephemeral = function.get("ephemeral_mb") or FREE_EPHEMERAL_MB
        return architecture, memory, ephemeral, version in self._provisioned.get(place, set())


def _is_provisioned(used: pd.DataFrame) -> pd.Series[Any]:
    """Ran in a provisioned environment, as far as the log tells: it says so, or the version has provisioned
    concurrency and this was no cold start."""
    return (used["init_type"] == "provisioned-concurrency") | (
        used["has_provisioned"].astype(bool) & ~used["cold"].astype(bool)
    )


# --- one bill ----------------------------------------------------------------------------------------------------


def _bill(
    place: Place, lines: Sequence[Any], coverage: Coverage, read: Sequence[Window], unlisted: str | None
) -> Bill:
    invocations = sum(line.quantity for line in lines if line.component == "requests")
    bill = Bill(RECORDS if list(read) == [coverage.window] else ESTIMATED, Seen(coverage.window), invocations)
    unknown: dict[str, str] = defaultdict(str)
    for line in lines:
        price = getattr(prices(line.region, line.architecture), line.meter)
        quantity = None if np.isnan(line.quantity) else Decimal(str(line.quantity)) / UNITS[line.meter]
        usd, so_far = cost(quantity, price), bill.components[line.component]
        if usd is None:
            unknown[line.component] = _reason(line)
        elif so_far is not None:
            bill.components[line.component] = so_far + usd
    if unlisted:
        unknown["provisioned"] = unlisted
    bill.components |= dict.fromkeys(unknown)
    bill.seen = _seen(place, coverage, read, unknown)
    return bill


def _reason(line: Any) -> str:
    if not np.isnan(line.quantity):
        return f"no price is known for {line.architecture or 'it'} in {line.region}"
    if line.component == "logs":
        return "the volume of its log group is not known, or shared"
    return "the records lack memory or Billed Duration"


def _seen(place: Place, coverage: Coverage, read: Sequence[Window], unknown: Mapping[str, str]) -> Seen:
    metrics, logs = coverage.seen("metrics", *place), coverage.seen("logs", *place)
    whole = list(read) == [coverage.window]
    missing = [left for part in metrics.missing for left in subtract(part, read)]
    provisional = logs.provisional if whole else metrics.provisional or (bool(read) and logs.provisional)
    why = dict(unknown)
    if metrics.missing and whole:
        why["logs"] = metrics.why
    if missing:
        return Seen(coverage.window, tuple(merge(missing)), provisional, metrics.why)
    if why:
        text = "; ".join(f"{name}: {reason}" for name, reason in why.items())
        return Seen(coverage.window, (coverage.window,), provisional, text)
    return Seen(coverage.window, (), provisional)
