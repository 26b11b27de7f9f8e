"""What usage is read from, and what it costs over steps shorter than an hour, by component, in floats."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from core.prices import FREE_EPHEMERAL_MB, GIB, ListPrices
from core.windows import Window, ceil, floor, subtract
from store.readers.capacity import capacity
from store.readers.coverage import Coverage
from store.readers.frames import rows
from store.readers.prices import read_book
from store.readers.summaries import BIN_MS, billed_places
from store.readers.sums import is_mute, metric_sums, recorded_places
from store.readers.things import PLACE, Place, Things, matches
from store.readers.usage import Question, Read, Sizes, used, volume
from store.store import Filter, Snapshot

COMPONENTS = ("requests", "duration", "init", "ephemeral", "provisioned", "logs")
KINDS = ("function", "version", "alias", "provisioned")
"""Entities that tell what was billed alike."""

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
    held = capacity(snapshot, things, question.window, now=question.now, step=question.step)
    parts = [
        *_volume_lines(keys, volume(snapshot, question, sizes, metrics.keys(), points=points)),
        *_compute_lines(keys, used(snapshot, question, read, sizes, by="label")),
        _capacity_lines(keys, list(held), sizes, question.where, label),
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


# --- lines of many, by column -------------------------------------------------------------------------------


def sizes_of(things: Things, coverage: Coverage, label: Callable[[Place], str] = lambda place: "") -> Sizes:
    places = [t.place for t in things.of("function", gone=True)]
    counted = {place for place in places if coverage.seen("metrics", *place).complete}
    return Sizes(things, {place: label(place) for place in places}, counted)


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
