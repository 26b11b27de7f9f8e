"""What free amounts, tiers and plans make of prices in whole months: worked out once, and kept in this
process until usage, prices or settings change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.settings import CostSettings
from core.tiering import Line, Rate
from core.windows import Window
from store import schema
from store.readers.billing import KINDS as OF_BILLS
from store.readers.measured import KINDS
from store.readers.metered import Metering, meter_usage
from store.readers.priced import rates_of
from store.readers.prices import book_revision, read_book
from store.readers.things import EVERYTHING, Things, revisions
from store.revisions import Kept, Part
from store.store import Snapshot
from store.tiers import DAY, months

Rates = Mapping[Line, Rate]

_KEPT = Kept[Rates](limit=64)


def month_rates(
    snapshot: Snapshot, wide: Window, settings: CostSettings, *, now: datetime, used: Metering | None = None
) -> Rates:
    """The rate of every line of the months of `wide`, which are whole as far as they are over. `snapshot` is
    of `metered.KEPT` and holds them; `used`, if it is known already, is all that was used in them."""
    wanted = {_part(snapshot, month, settings): month for month in months(wide)}
    marks = {part: _revision(snapshot, month, now) for part, month in wanted.items()}
    found = _KEPT.of(marks)
    lacking = [month for part, month in wanted.items() if part not in found]
    if lacking:
        span = Window(lacking[0].start, lacking[-1].end)
        whole = used or meter_usage(snapshot, Things.read(snapshot, *KINDS), span, EVERYTHING, now=now)
        made = rates_of(whole, read_book(snapshot), settings, now=now)
        new = {part: _of(made, month) for part, month in wanted.items() if month in lacking}
        _KEPT.keep(marks, new)
        found |= new
    return {line: rate for rates in found.values() for line, rate in rates.items()}


def _of(rates: Rates, month: Window) -> Rates:
    return {line: rate for line, rate in rates.items() if line.month == month.start.date().replace(day=1)}


def _part(snapshot: Snapshot, month: Window, settings: CostSettings) -> Part:
    return snapshot.where, settings.model_dump_json(), month.start.isoformat()


def _revision(snapshot: Snapshot, month: Window, now: datetime) -> str:
    """All that a month's rates rest on, but for what moves by the minute: depths of queues, sizes of logs."""
    c = schema.coverage.c
    start, end = (sa.type_coerce(column, sa.BigInteger) for column in (c.start, c.end))
    sums: list[Any] = [sa.func.count(), sa.func.max(c.id), sa.func.sum(start), sa.func.sum(end)]
    mine = sa.select(*sums).where(
        c.collector.in_(("metrics", "logs")), c.start < month.end, c.end > month.start
    )
    read = [str(row) for rows in snapshot.rows(mine, rows=1) for row in rows]
    known = sorted(revisions(snapshot, OF_BILLS).items())
    until = min(now, month.end + DAY)
    return f"{month.end} {until} {read} {known} {book_revision(snapshot)} {snapshot.mark(month)}"
