"""Usage times prices: exact sums per group, and floats for charts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from core.metering import COUNTS, Count
from core.meters import METERS
from core.price_book import PriceBook
from core.prices import GRAIN_USD
from core.tiering import DIGITS, Line, Rate
from store.readers.frames import rows
from store.readers.metered import Metering
from store.readers.things import Place
from store.tiers import DAY, month_of

Group = tuple[str, ...]


@dataclass(slots=True)
class Amounts:
    """What a group costs, exactly, by component; `net_usd` only where settings of the bill are known."""

    list_usd: dict[str, Decimal] = field(default_factory=dict)
    net_usd: dict[str, Decimal] = field(default_factory=dict)
    invocations: float = 0.0


class Pricing:
    """The prices of months, and what free amounts, tiers and plans make of them where `rates` are given."""

    def __init__(self, book: PriceBook, rates: Mapping[Line, Rate] | None = None) -> None:
        self._book, self._rates = book, rates
        self._usd: dict[tuple[str, str, str, date], Decimal | None] = {}

    @property
    def has_net(self) -> bool:
        return self._rates is not None

    def usd(self, column: str, region: str, architecture: str, month: date) -> Decimal | None:
        """USD of one of a column, at list price; None: not known."""
        key = column, region, architecture, month
        if key not in self._usd:
            count, last = COUNTS[column], month_of(_start(month)).end - DAY
            price = self._book.of(METERS[count.meter], region, architecture, on=last.date())
            self._usd[key] = None if price is None else price.usd / count.per_unit
        return self._usd[key]

    def factor(self, column: str, account: str, region: str, architecture: str, month: date) -> Decimal:
        """What of the list price is charged."""
        if self._rates is None:
            return Decimal(1)
        rate = self._rates.get(line_of(COUNTS[column], account, region, architecture, month))
        return Decimal(1) if rate is None or rate.factor is None else rate.factor

    def alike(self, months: Sequence[date], places: Iterable[tuple[str, str]]) -> dict[date, date]:
        """Per month the earliest one in which everything in these regions and architectures cost the same."""
        if self.has_net:
            return {month: month for month in months}
        places, found = sorted(set(places)), dict[Any, date]()
        return {
            month: found.setdefault(
                tuple(self.usd(name, *place, month) for place in places for name in COUNTS), month
            )
            for month in sorted(months)
        }


def line_of(count: Count, account: str, region: str, architecture: str, month: date) -> Line:
    by_architecture = METERS[count.meter].by_architecture
    return Line(account, region, architecture if by_architecture else "", count.meter, month)


def _start(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def totals_of(used: Metering) -> dict[Line, Decimal]:
    """What was used of each line, in its meter's units."""
    totals: dict[Line, Decimal] = {}
    with localcontext(prec=DIGITS):
        for row in Sums(used, {}, []).rows():
            for name, quantity in row.quantities.items():
                count = COUNTS[name]
                line = line_of(count, row.account, row.region, row.architecture, row.month)
                totals[line] = totals.get(line, Decimal(0)) + quantity / count.per_unit
    return totals


@dataclass(frozen=True, slots=True)
class Row:
    """Quantities of a group in a place and month."""

    group: int
    account: str
    region: str
    architecture: str
    month: date
    version: str
    step: int
    quantities: Mapping[str, Decimal]
    invocations: float


class Sums:
    """Usage added up by labels of functions, places and months: decimals, so that any grouping has the same
    sum. `apart` are columns of usage that stay apart too (version, step)."""

    def __init__(self, used: Metering, labels: Mapping[Place, int], apart: Sequence[str]) -> None:
        self._used, self._labels, self._apart = used, labels, apart

    @cached_property
    def places(self) -> tuple[list[date], set[tuple[str, str]]]:
        """Months, and regions with architectures, that anything was used in."""
        found = self._used.ask("SELECT DISTINCT month, region, architecture FROM used").to_pylist()
        months = {_month(row["month"]) for row in found}
        return sorted(months), {(row["region"], row["architecture"]) for row in found}

    def rows(self, alike: Mapping[date, date] | None = None) -> Iterator[Row]:
        """`alike` are months that count together."""
        columns = self._used.columns
        exact = ", ".join(f'sum(CAST("{name}" AS DECIMAL(38, 3))) AS "{name}"' for name in columns)
        found = self._asked(alike, f"{exact + ', ' if exact else ''}{self._invocations}")
        lists = {name: found[name].to_pylist() for name in found.schema.names}
        for i in range(len(found)):
            yield Row(
                lists["label"][i],
                lists["account"][i],
                lists["region"][i],
                lists["architecture"][i],
                _month(lists["era"][i]),
                lists["version"][i] if "version" in lists else "",
                lists["step"][i] if "step" in lists else 0,
                {name: value for name in columns if (value := lists[name][i])},
                float(lists["invocations"][i] or 0.0),
            )

    def frame(self, alike: Mapping[date, date] | None = None) -> pd.DataFrame:
        """The same in floats: label, account, region, architecture, era (the month, epoch ms), step and the
        columns of usage."""
        sums = ", ".join(f'sum("{name}") AS "{name}"' for name in self._used.columns)
        frame: pd.DataFrame = self._asked(
            alike, f"{sums + ', ' if sums else ''}{self._invocations}"
        ).to_pandas()
        return frame

    @property
    def _invocations(self) -> str:
        known = "invocations" in self._used.table.schema.names
        return f"{'sum(invocations)' if known else 'CAST(0 AS DOUBLE)'} AS invocations"

    def _asked(self, alike: Mapping[date, date] | None, sums: str) -> pa.Table:
        eras = alike or {month: month for month in self.places[0]}
        apart = "".join(f"{name}, " for name in self._apart)
        return self._used.ask(
            f"""SELECT coalesce(label, -1) AS label, account, region, architecture, era, {apart} {sums}
            FROM used JOIN eras USING (month) LEFT JOIN labels USING (account, region, "function")
            GROUP BY ALL""",
            labels=_labels(self._labels),
            eras=pa.table({"month": [_ms(m) for m in eras], "era": [_ms(m) for m in eras.values()]}, _ERAS),
        )


_ERAS = pa.schema([("month", pa.int64()), ("era", pa.int64())])
_LABELS = pa.schema(
    [("account", pa.string()), ("region", pa.string()), ("function", pa.string()), ("label", pa.int64())]
)


def _labels(labels: Mapping[Place, int]) -> pa.Table:
    columns = [[place[i] for place in labels] for i in range(3)]
    return pa.table([*columns, list(labels.values())], schema=_LABELS)


def _ms(month: date) -> int:
    return round(_start(month).timestamp() * 1000)


def _month(epoch_ms: int) -> date:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).date()


# --- exact --------------------------------------------------------------------------------------------------


def priced(told: Iterable[tuple[Group, Row]], pricing: Pricing) -> tuple[dict[Group, Amounts], set[Unpriced]]:
    """What each group costs, and usage whose price is not known. Nothing is rounded: products of decimals are
    exact, so that sums do not depend on how they are grouped."""
    found: dict[Group, Amounts] = {}
    unpriced: set[Unpriced] = set()
    with localcontext(prec=DIGITS):
        for group, row in told:
            mine = found.setdefault(group, Amounts())
            mine.invocations += row.invocations
            for name, quantity in row.quantities.items():
                usd = pricing.usd(name, row.region, row.architecture, row.month)
                if usd is None:
                    unpriced.add((row.account, row.region, row.architecture, name))
                    continue
                component, listed = COUNTS[name].component, quantity * usd
                mine.list_usd[component] = mine.list_usd.get(component, Decimal(0)) + listed
                if pricing.has_net:
                    factor = pricing.factor(name, row.account, row.region, row.architecture, row.month)
                    mine.net_usd[component] = mine.net_usd.get(component, Decimal(0)) + listed * factor
    return found, unpriced


Unpriced = tuple[str, str, str, str]
"""Account, region, architecture and column."""


def settled(amounts: Mapping[Group, Decimal], grain: Decimal = GRAIN_USD) -> dict[Group, Decimal]:
    """Exact amounts as whole grains, so that they add up to the rounded sum of all: what rounding down leaves
    goes to the largest remainders."""
    if not any(amounts.values()):
        return dict.fromkeys(amounts, Decimal(0))
    with localcontext(prec=DIGITS):
        whole = {key: usd // grain for key, usd in amounts.items()}
        rest = {key: usd - whole[key] * grain for key, usd in amounts.items()}
        # Half a grain goes up: to the even one, it would depend on what the groups have whole.
        left = int((sum(rest.values(), Decimal(0)) / grain).to_integral_value(ROUND_HALF_UP))
        for key in sorted(rest, key=lambda k: (-rest[k], k))[:left]:
            whole[key] += 1
        return {key: count * grain for key, count in whole.items()}


# --- for charts ---------------------------------------------------------------------------------------------


def priced_frame(frame: pd.DataFrame, pricing: Pricing, columns: Iterable[str]) -> pd.DataFrame:
    """A `Sums.frame` as a line per component: the same columns less quantities, component and usd (NaN: its
    price is not known)."""
    keys = [name for name in frame.columns if name not in COUNTS and name != "invocations"]
    lines = [frame[keys].iloc[:0].assign(component="", usd=0.0)]
    place = ["region", "architecture", "era"]
    for name in columns:
        mine = frame[frame[name].fillna(0.0) != 0]
        if mine.empty:
            continue
        rate = mine[place].drop_duplicates()
        usd = [pricing.usd(name, row.region, row.architecture, _month(row.era)) for row in rows(rate)]
        rate["rate"] = [np.nan if one is None else float(one) for one in usd]
        paid = mine[[*keys, name]].merge(rate, on=place, how="left")
        component = COUNTS[name].component
        lines.append(paid[keys].assign(component=component, usd=paid[name].astype(float) * paid["rate"]))
    return pd.concat(lines, ignore_index=True)
