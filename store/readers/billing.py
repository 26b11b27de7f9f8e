"""What functions cost: usage times prices, by component. Exact decimals over a window, floats over time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from core.prices import FREE_EPHEMERAL_MB, GIB, ListPrices, cost
from core.windows import Window, ceil, floor, merge, subtract
from store import schema
from store.readers.bill_lines import Line, capacity_lines, plain_lines, plain_of, volume_lines
from store.readers.frames import rows
from store.readers.prices import read_book
from store.readers.states import Coverage, Seen
from store.readers.summaries import BIN_MS, billed_places
from store.readers.sums import is_mute, metric_sums, recorded_places
from store.readers.things import PLACE, Place, Things, matches
from store.readers.usage import Question, Read, Sizes, capacity, used, volume
from store.store import Filter, Snapshot

COMPONENTS = ("requests", "duration", "init", "ephemeral", "provisioned", "logs")
KINDS = ("function", "version", "alias", "provisioned")
"""Entities that a bill needs."""

RECORDS = "records"
ESTIMATED = "metrics, estimated"

BIN = timedelta(milliseconds=BIN_MS)
HOUR = timedelta(hours=1)

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

PLACE_SQL = 'account, "function"'
"""A function in SQL; the region is always there."""


@dataclass(slots=True)
class Bill:
    """One function's cost over a window. A component is None when its price or its usage is not known, and
    `unknown` says why; `read` is how well the window was read."""

    basis: str
    read: Seen
    invocations: float
    unknown: Mapping[str, str]
    components: dict[str, Decimal | None]

    @property
    def total_usd(self) -> Decimal | None:
        """The sum of what is known, None when nothing is."""
        known = [usd for usd in self.components.values() if usd is not None]
        return sum(known, Decimal(0)) if known else None

    def seen(self, components: Collection[str] = COMPONENTS) -> Seen:
        """How well these components are known: an unknown one is a hole as large as the window."""
        why = [f"{name}: {self.unknown[name]}" for name in components if name in self.unknown]
        if self.read.missing or not why:
            return self.read
        return replace(self.read, missing=(self.read.window,), why="; ".join(why))


def bills(
    snapshot: Snapshot,
    things: Things,
    coverage: Coverage,
    question: Question,
    metrics: Mapping[Place, Any],
    records: Mapping[Place, Any],
) -> dict[Place, Bill]:
    """The bill of every function that exists or was used. `things` holds at least `KINDS`; `metrics` and
    `records` are the sums of the same window (`sums.metric_sums`, `sums.record_sums`)."""
    read, sizes = usage_read(snapshot, coverage, question, metrics, records), sizes_of(things, coverage)
    plain = plain_of(records, sizes) if read.all_records and read.all_used and not read.summed else {}
    lines: dict[Place, list[Line]] = {
        t.place: [] for t in things.of("function") if matches(question.where, *t.place)
    }
    for place, line in chain(
        volume_lines(metrics, sizes),
        chain.from_iterable(plain_lines(place, row, sizes) for place, row in plain.items()),
        _of_others(snapshot, question, read, sizes, records.keys() - plain.keys(), plain),
        capacity_lines(capacity(snapshot, things, question), sizes, question.where),
    ):
        lines.setdefault(place, []).append(line)
    unlisted, shared = without_provisioned(snapshot, coverage), Readings(coverage)
    listed = _Listed(ListPrices(read_book(snapshot)), question.window.end.date())
    return {
        place: _bill(place, mine, shared, listed, read.windows.get(place, ()), unlisted.get(place[:2]))
        for place, mine in lines.items()
    }


def spend(
    snapshot: Snapshot,
    things: Things,
    coverage: Coverage,
    question: Question,
    label: Callable[[Place], str] = lambda place: "",
) -> pd.DataFrame:
    """label, region, step, component, usd (float; NaN: its price is not known), at list price as of the
    window's end; functions added up by what `label` calls them. Log volume that is not known counts as
    none."""
    metrics = metric_sums(snapshot, question.window, question.where)
    recorded = recorded_places(snapshot, question.window, question.where)
    read = usage_read(snapshot, coverage, question, metrics, recorded)
    sizes = sizes_of(things, coverage, label)
    keys = ["label", "region"]
    # Where steps are whole hours, the view that `metric_sums` had made.
    points = "metrics_by_hour" if question.step is not None and not question.step % HOUR else "metrics"
    parts = [
        *_volume_lines(keys, volume(snapshot, question, sizes, metrics.keys(), points=points)),
        *_compute_lines(keys, used(snapshot, question, read, sizes, by="label")),
        _capacity_lines(keys, list(capacity(snapshot, things, question)), sizes, question.where, label),
    ]
    lines, meter = _joined(parts), ["region", "architecture", "meter"]
    price = lines[meter].drop_duplicates()
    listed = _Listed(ListPrices(read_book(snapshot)), question.window.end.date())
    price["price"] = [_price_per_quantity(listed, row) for row in rows(price)]
    lines = lines.merge(price, on=meter, how="left")
    lines["usd"] = (lines["quantity"] * lines["price"]).where(lines["quantity"] != 0, 0.0)
    return lines[["label", "region", "step", "component", "usd"]]


@dataclass(frozen=True, slots=True)
class _Listed:
    """List prices as of a day."""

    prices: ListPrices
    on: date

    def usd(self, region: str, architecture: str, meter: str) -> Decimal | None:
        usd: Decimal | None = getattr(self.prices.of(region, architecture, on=self.on), meter)
        return usd


def _price_per_quantity(listed: _Listed, row: Any) -> float:
    price = listed.usd(row.region, row.architecture, row.meter)
    return np.nan if price is None else float(price / UNITS[row.meter])


# --- what was read ------------------------------------------------------------------------------------------


def usage_read(
    snapshot: Snapshot,
    coverage: Coverage,
    question: Question,
    metrics: Mapping[Place, Any],
    recorded: Collection[Place],
) -> Read:
    """What usage is known from: records, sums of reports (for steps that hold a whole one), or metrics."""
    read = records_read(coverage, question, metrics, recorded)
    if question.step is not None and question.step < BIN:
        return read
    summed = {place: sums for place in coverage.scopes("logs") if (sums := coverage.aggregated(*place))}
    if not summed:
        return read
    told = billed_places(snapshot, question.window, question.where)
    # Where it is known that sums lack something, metrics tell more.
    lacking = {(key[1], key[2], key[3].partition(" ")[0]) for key in coverage.gap_keys() if key[0] == "logs"}
    bins = {place: _whole_bins(sums) for place, sums in summed.items() if place in told - lacking}
    return replace(read, summed={place: parts for place, parts in bins.items() if parts})


def _whole_bins(parts: Sequence[Window]) -> list[Window]:
    whole = [(ceil(part.start, BIN), floor(part.end, BIN)) for part in parts]
    return [Window(start, end) for start, end in whole if start < end]


def records_read(
    coverage: Coverage, question: Question, metrics: Mapping[Place, Any], recorded: Collection[Place]
) -> Read:
    """What of the window each function's log tells: all of it when at most a young tail is missing, nothing
    when it has no record although invocations ended."""
    found: dict[Place, Sequence[Window]] = {}
    for place in coverage.scopes("logs"):
        if not is_mute(metrics.get(place), has_records=place in recorded):
            is_whole = coverage.seen("logs", *place).complete
            parts = [question.window] if is_whole else coverage.covered("logs", *place)
            sums = coverage.aggregated(*place)  # no records there: metrics tell
            found[place] = [left for part in parts for left in subtract(part, sums)] if sums else parts
    whole = {place for place, parts in found.items() if list(parts) == [question.window]}
    used = {place for place, row in metrics.items() if row.invocations > 0}
    return Read(found, all_records=whole.issuperset(recorded), all_used=whole.issuperset(used))


def without_provisioned(snapshot: Snapshot, coverage: Coverage) -> dict[tuple[str, str], str]:
    """Targets whose provisioned concurrency was never listed, and why."""
    listing, target = schema.listing, schema.target
    query = sa.select(listing.c.account, listing.c.region).where(listing.c.kind == "provisioned")
    known = set(snapshot.state(query).itertuples(index=False, name=None))
    targets = snapshot.state(sa.select(target.c.account, target.c.region))
    return {
        place: coverage.why_not("details", *place)
        for place in targets.itertuples(index=False, name=None)
        if place not in known and not coverage.is_healthy("details", *place)
    }


# --- lines of many, by column -------------------------------------------------------------------------------


def sizes_of(things: Things, coverage: Coverage, label: Callable[[Place], str] = lambda place: "") -> Sizes:
    places = [t.place for t in things.of("function", gone=True)]
    counted = {place for place in places if coverage.seen("metrics", *place).complete}
    return Sizes(things, {place: label(place) for place in places}, counted)


def _of_others(
    snapshot: Snapshot,
    question: Question,
    read: Read,
    sizes: Sizes,
    places: Collection[Place],
    plain: Collection[Place],
) -> Iterator[tuple[Place, Line]]:
    """What is told per version, size and kind of start, of functions that are not `plain`."""
    if plain and not places:
        return
    only = sorted({place[2] for place in places}) if plain else None
    found = used(snapshot, replace(question, functions=only), read, sizes, by=PLACE_SQL)
    for row in rows(_joined(_compute_lines(PLACE, found))):
        place = row.account, row.region, row.function
        if place not in plain:
            yield place, Line(row.region, row.architecture, row.component, row.meter, row.quantity)


def _volume_lines(keys: list[str], volumes: pd.DataFrame) -> list[pd.DataFrame]:
    volumes = volumes.assign(architecture="")
    return [
        _line(keys, volumes, "requests", "request", volumes["requests"]),
        _line(keys, volumes, "logs", "log_ingest", volumes["log_bytes"]),
    ]


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _compute_lines(keys: list[str], used: pd.DataFrame) -> list[pd.DataFrame]:
    memory, billed, init = (used[name].astype(float) for name in ("memory_mb", "billed_ms", "init_ms"))
    billed = billed.where(used["unbilled"] == 0)
    provisioned = used["provisioned"].astype(bool)
    run = (billed - init) * memory
    storage = billed * (used["ephemeral_mb"] - FREE_EPHEMERAL_MB)
    return [
        _line(keys, used, "requests", "request", used["requests"]),
        _line(keys, used[~provisioned], "duration", "duration", run[~provisioned]),
        _line(keys, used[provisioned], "provisioned", "provisioned_duration", run[provisioned]),
        _line(keys, used, "init", "duration", (init * memory).where(billed.notna())),
        _line(keys, used, "ephemeral", "ephemeral", storage),
    ]


def _capacity_lines(
    keys: list[str],
    held: Sequence[Any],
    sizes: Sizes,
    where: Filter,
    label: Callable[[Place], str] = lambda place: "",
) -> pd.DataFrame:
    mine = [one for one in held if matches(where, *one.place)]
    frame = pd.DataFrame([one.place for one in mine], columns=pd.Index(PLACE))
    frame["label"] = [label(one.place) for one in mine]
    frame["step"] = [one.step for one in mine]
    frame["architecture"] = [sizes.architecture(one.place, one.version) for one in mine]
    memory = [sizes.memory_mb(one.place, one.version) or np.nan for one in mine]
    quantity = pd.Series([one.milliseconds * mb for one, mb in zip(mine, memory, strict=True)], dtype=float)
    return _line(keys, frame, "provisioned", "provisioned_capacity", quantity)


def _line(
    keys: list[str], frame: pd.DataFrame, component: str, meter: str, quantity: pd.Series[Any]
) -> pd.DataFrame:
    line = frame[[*keys, "step", "architecture"]].assign(component=component, meter=meter)
    return line.assign(quantity=quantity.astype(float))


# --- one bill -----------------------------------------------------------------------------------------------


class Readings:
    """How well each function's window was read, worked out once for those that were read alike."""

    def __init__(self, coverage: Coverage) -> None:
        self.coverage = coverage
        self._done: dict[tuple[int, int, tuple[Window, ...]], Seen] = {}

    def read(self, place: Place, read: Sequence[Window]) -> Seen:
        """Records count where the log was `read`, metrics elsewhere."""
        metrics, logs = self.coverage.seen("metrics", *place), self.coverage.seen("logs", *place)
        same = id(metrics), id(logs), tuple(read)
        if same not in self._done:
            self._done[same] = self._joined(metrics, logs, read)
        return self._done[same]

    def _joined(self, metrics: Seen, logs: Seen, read: Sequence[Window]) -> Seen:
        missing = tuple(merge(left for part in metrics.missing for left in subtract(part, read)))
        if list(read) == [self.coverage.window]:
            return replace(metrics, missing=missing, provisional=logs.provisional)
        may_change = metrics.provisional or (bool(read) and logs.provisional)
        return replace(metrics, missing=missing, provisional=may_change)


def _bill(
    place: Place,
    lines: Sequence[Line],
    shared: Readings,
    listed: _Listed,
    read: Sequence[Window],
    unlisted: str | None,
) -> Bill:
    components: dict[str, Decimal | None] = dict.fromkeys(COMPONENTS, Decimal(0))
    unknown = {"provisioned": unlisted} if unlisted else {}
    for line in lines:
        if line.quantity == 0:
            continue  # nothing costs nothing, whatever the price
        usd, so_far = _usd(line, listed), components[line.component]
        if usd is None:
            unknown[line.component] = _reason(line)
        elif so_far is not None:
            components[line.component] = so_far + usd
    is_whole = list(read) == [shared.coverage.window]
    metrics = shared.coverage.seen("metrics", *place)
    if metrics.missing and is_whole:
        unknown["logs"] = metrics.why
    invocations = sum(line.quantity for line in lines if line.component == "requests")
    basis = RECORDS if is_whole or not (invocations or metrics.missing) else ESTIMATED
    return Bill(basis, shared.read(place, read), invocations, unknown, components | dict.fromkeys(unknown))


def _usd(line: Line, listed: _Listed) -> Decimal | None:
    price = listed.usd(line.region, line.architecture, line.meter)
    quantity = None if np.isnan(line.quantity) else Decimal(str(line.quantity)) / UNITS[line.meter]
    return cost(quantity, price)


def _reason(line: Line) -> str:
    if not np.isnan(line.quantity):
        return f"no price is known for {line.architecture or 'it'} in {line.region}"
    if line.component == "logs":
        return "the volume of its log group is not known, or shared"
    return "the records lack memory or Billed Duration"
