"""Each function's bill over a window: what it costs at list price, and how well that is known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from core.cost_words import COMPONENT_WORDS
from core.metering import COUNTS
from core.meters import COMPONENTS, METERS
from core.windows import Window, merge, subtract
from store import schema
from store.readers.billing import ESTIMATED, RECORDS
from store.readers.coverage import Coverage
from store.readers.measured import Told
from store.readers.metered import Metering, PlaceUse, meter_usage
from store.readers.priced import Amounts, Group, Pricing, Sums, Unpriced, priced, settled
from store.readers.prices import read_book
from store.readers.states import Seen
from store.readers.things import Place, Things, matches
from store.store import Filter, Snapshot

NOTHING = PlaceUse(is_estimated=False, unknown={})


@dataclass(slots=True)
class Bill:
    """What one function's cost over a window rests on: `unknown` are components whose price or usage is not
    known, or not in full, and why; `read` is how well the window was read. `components` are USD; what is not
    known counts for nothing."""

    basis: str
    read: Seen
    unknown: Mapping[str, str]
    components: dict[str, Decimal] = field(default_factory=dict)

    @property
    def total_usd(self) -> Decimal:
        return sum(self.components.values(), Decimal(0))

    def seen(self, components: Collection[str] = COMPONENTS) -> Seen:
        """How well these components are known: an unknown one is a hole as large as the window."""
        why = [f"{name}: {self.unknown[name]}" for name in components if name in self.unknown]
        if self.read.missing or not why:
            return self.read
        return replace(self.read, missing=(self.read.window,), why="; ".join(why))


def function_bills(
    snapshot: Snapshot,
    things: Things,
    coverage: Coverage,
    where: Filter,
    *,
    now: datetime,
    told: Told | None = None,
) -> dict[Place, Bill]:
    """The bill of every function that exists or was used in the window of `coverage`. `snapshot` is of
    `metered.KEPT`, `things` holds at least `measured.KINDS`; `told` are sums of the window that are known
    already. Together they cost what `cost.costs` says of the window, to the last digit."""
    used = meter_usage(snapshot, things, coverage.window, where, now=now, coverage=coverage, told=told)
    places = places_of(things, used, where)
    labels = {place: n for n, place in enumerate(places)}
    sums, pricing = Sums(used, labels, []), Pricing(read_book(snapshot))
    of: list[Group] = list(places)
    amounts, unpriced = priced(
        ((of[row.group], row) for row in sums.rows(pricing.alike(*sums.places))), pricing
    )
    found = grounds(places, used, coverage, without_provisioned(snapshot, coverage), unpriced)
    _fill(found, amounts)
    return found


def _fill(found: Mapping[Place, Bill], amounts: Mapping[Group, Amounts]) -> None:
    for name in {name for one in amounts.values() for name in one.list_usd}:
        mine = settled({group: one.list_usd[name] for group, one in amounts.items() if name in one.list_usd})
        for (account, region, function), usd in mine.items():
            found[account, region, function].components[name] = usd


def places_of(things: Things, used: Metering, where: Filter) -> dict[Place, None]:
    """Functions that are there, and those that used anything."""
    listed = (t.place for t in things.of("function") if matches(where, *t.place))
    return dict.fromkeys([*listed, *used.places])


# --- what numbers rest on -----------------------------------------------------------------------------------


def grounds(
    places: Iterable[Place],
    used: Metering,
    coverage: Coverage,
    unlisted: Mapping[tuple[str, str], str],
    unpriced: set[Unpriced],
) -> dict[Place, Bill]:
    """The bills of functions without their amounts. `unlisted` is `without_provisioned`, `unpriced` usage
    whose price is not known."""
    shared, whole, priceless = _Readings(coverage), [coverage.window], _priceless(used, unpriced)
    found = {}
    for place in places:
        use, read = used.places.get(place, NOTHING), _logs_read(coverage, place)
        unknown = {**use.unknown, **priceless.get(place, {})}
        if why := unlisted.get(place[:2]):
            unknown["provisioned"] = why
        metrics = coverage.seen("metrics", *place)
        if metrics.missing and read == whole:
            unknown["logs"] = metrics.why
        is_known = read == whole or not metrics.missing
        basis = ESTIMATED if use.is_estimated or not is_known else RECORDS
        found[place] = Bill(basis, shared.read(place, read), unknown)
    return found


def _priceless(used: Metering, unpriced: set[Unpriced]) -> dict[Place, dict[str, str]]:
    """Per function: components whose price is not known, and why."""
    found: dict[Place, dict[str, str]] = {}
    for account, region, architecture, column in sorted(unpriced):
        of = architecture if METERS[COUNTS[column].meter].by_architecture else ""
        component = COUNTS[column].component
        why = f"no price is known for {of or COMPONENT_WORDS[component]} in {region}"
        for place in used.places_of(account, region, architecture, column):
            found.setdefault(place, {})[component] = why
    return found


def _logs_read(coverage: Coverage, place: Place) -> list[Window]:
    """Where records tell of a function: all of the window when at most a young tail is missing."""
    is_whole = coverage.seen("logs", *place).complete
    parts = [coverage.window] if is_whole else coverage.covered("logs", *place)
    sums = coverage.aggregated(*place)
    return [left for part in parts for left in subtract(part, sums)] if sums else parts


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


class _Readings:
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
