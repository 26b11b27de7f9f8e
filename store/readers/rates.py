"""What free amounts, tiers and plans make of prices in whole months: usage is added up once, and kept in this
process until more of it is read or functions change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from core.settings import CostSettings
from core.tiering import Line, Rate, effective_rates
from core.windows import LATENESS, Window, floor
from store import schema
from store.readers.billing import KINDS as OF_BILLS
from store.readers.measured import KINDS
from store.readers.metered import Metering, meter_usage
from store.readers.priced import totals_of
from store.readers.prices import book_revision, read_book
from store.readers.things import EVERYTHING, Things, revisions
from store.revisions import Kept, Part
from store.store import Snapshot
from store.tiers import months

Totals = Mapping[Line, Decimal]
Rates = Mapping[Line, Rate]

HOUR = timedelta(hours=1)
_TOTALS = Kept[Totals](limit=256)
_RATES = Kept[Rates](limit=64)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of a month that is counted at once; `mark` tells one state of its usage from all others."""

    part: Part
    window: Window
    mark: str


def month_rates(
    snapshot: Snapshot, wide: Window, settings: CostSettings, *, now: datetime, used: Metering | None = None
) -> Rates:
    """The rate of every line of the months of `wide`, which are whole as far as they are over. `snapshot` is
    of `metered.KEPT` and holds them; `used`, if it is known already, is all that was used in them."""
    known, book = str(sorted(revisions(snapshot, OF_BILLS).items())), book_revision(snapshot)
    pieces = {_part(snapshot, m, settings): list(_pieces(snapshot, m, known, now)) for m in months(wide)}
    marks = {part: f"{book} {[piece.mark for piece in of]}" for part, of in pieces.items()}
    found = _RATES.of(marks)
    lacking = {part: of for part, of in pieces.items() if part not in found}
    if lacking:
        totals = totals_of(used) if used else _added(snapshot, lacking.values(), now)
        made = effective_rates(totals, read_book(snapshot), settings, until=now)
        new = {part: _of_month(made, of[0].window) for part, of in lacking.items()}
        _RATES.keep(marks, new)
        found |= new
    return {line: rate for rates in found.values() for line, rate in rates.items()}


def month_totals(snapshot: Snapshot, wide: Window, *, now: datetime) -> Totals:
    """What was used in the months of `wide`, by line: of all payers; `snapshot` is of `metered.KEPT`."""
    known = str(sorted(revisions(snapshot, OF_BILLS).items()))
    return _added(snapshot, (list(_pieces(snapshot, month, known, now)) for month in months(wide)), now)


def _part(snapshot: Snapshot, month: Window, settings: CostSettings) -> Part:
    return snapshot.where, settings.model_dump_json(), month.start.isoformat()


def _of_month(rates: Rates, month: Window) -> Rates:
    return {line: rate for line, rate in rates.items() if line.month == month.start.date().replace(day=1)}


# --- what was used ------------------------------------------------------------------------------------------


def _pieces(snapshot: Snapshot, month: Window, known: str, now: datetime) -> Iterator[_Piece]:
    """The hours of a month that are settled, and the rest of it."""
    edge = min(max(month.start, floor(now - LATENESS, HOUR)), month.end)
    for name, window in (("settled", Window(month.start, edge)), ("rest", Window(edge, month.end))):
        if window.duration:
            part = snapshot.where, month.start.isoformat(), name
            yield _Piece(part, window, _mark(snapshot, window, known, now))


def _added(snapshot: Snapshot, wanted: Iterable[Sequence[_Piece]], now: datetime) -> Totals:
    """What was used in these months: only pieces that are not known yet are counted."""
    pieces = {piece.part: piece for of in wanted for piece in of}
    marks = {part: piece.mark for part, piece in pieces.items()}
    found = _TOTALS.of(marks)
    if lacking := [piece for part, piece in pieces.items() if part not in found]:
        things = Things.read(snapshot, *KINDS)
        new = {
            piece.part: totals_of(meter_usage(snapshot, things, piece.window, EVERYTHING, now=now))
            for piece in lacking
        }
        _TOTALS.keep(marks, new)
        found |= new
    lines = dict.fromkeys(line for totals in found.values() for line in totals)
    return {line: sum((each.get(line, Decimal(0)) for each in found.values()), Decimal(0)) for line in lines}


def _mark(snapshot: Snapshot, piece: Window, known: str, now: datetime) -> str:
    """All that usage rests on, but for what moves by the minute: depths of queues, sizes of logs."""
    c = schema.coverage.c
    first, last = (round(ts.timestamp() * 1000) for ts in (piece.start, piece.end))
    start, end = (sa.type_coerce(column, sa.BigInteger) for column in (c.start, c.end))
    sums: list[Any] = [
        sa.func.count(),
        sa.func.sum(sa.case((start < first, first), else_=start)),
        sa.func.sum(sa.case((end > last, last), else_=end)),
    ]
    mine = sa.select(*sums).where(
        c.collector.in_(("metrics", "logs")), c.start < piece.end, c.end > piece.start
    )
    read = [str(row) for rows in snapshot.rows(mine, rows=1) for row in rows]
    return f"{piece} {min(now, piece.end)} {read} {known} {snapshot.mark(piece)}"
