"""What Cost Explorer told of each day, and a month of it as a bill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from core import billed
from core.bill_formats import kind_of, to_free
from core.billed import Bill, Billed, What, add
from core.billed import Line as BillLine
from core.entities import Charge, ChargedDay
from store import schema
from store.bills import Imported
from store.readers.things import EVERYTHING
from store.store import Filter, Store

EXPLORER = "cost explorer"
"""The source of these lines, beside the formats of imported files."""


@dataclass(frozen=True, slots=True)
class Explored:
    """A day of an account in a region. `seen` is when it was last read; `is_estimated`: it may change."""

    account: str
    region: str
    day: date
    charges: tuple[Charge, ...]
    is_estimated: bool
    seen: datetime


def explored(store: Store, where: Filter = EVERYTHING, month: str = "") -> list[Explored]:
    """All days that were read, or those of a month (2026-11); the oldest first."""
    c = schema.entity.c
    query = sa.select(c.account, c.region, c.name, c.body, c.last_seen)
    query = query.where(c.kind == ChargedDay.KIND, c.name.startswith(month)).order_by(c.name)
    if where.account:
        query = query.where(c.account == where.account)
    if where.region:
        query = query.where(c.region == where.region)
    with store.engine.connect() as connection:
        return [_explored(*row) for row in connection.execute(query)]


def _explored(account: str, region: str, name: str, body: Mapping[str, Any], seen: datetime) -> Explored:
    charges = tuple(Charge(*each) for each in body["charges"])
    return Explored(account, region, date.fromisoformat(name), charges, body["is_estimated"], seen)


def to_bill(days: Iterable[Explored]) -> Bill:
    """Cost Explorer tells neither resources nor list prices; its costs are unblended, so what a Savings Plan
    covers is at list price, and a negation takes it back."""
    bill: Bill = {}
    for one in days:
        for charge in one.charges:
            what, line = _to_line(one, charge)
            add(bill, BillLine(one.account, one.day.replace(day=1), what, line))
    return bill


def _to_line(one: Explored, charge: Charge) -> tuple[What, Billed]:
    quantity, usd = Decimal(charge.quantity), Decimal(charge.usd)
    kind = to_free(kind_of(charge.kind), quantity, usd, None)
    quantity = quantity if kind in billed.USED else Decimal(0)
    what = What(one.day, one.account, one.region, charge.service, charge.usage_type, "", kind)
    return what, Billed(quantity, None, usd, usd)


def as_imported(days: Sequence[Explored], month: str) -> list[Imported]:
    """Per account, what was read and when, in the words of imported bills; `files` are regions."""
    found = []
    for account in sorted({one.account for one in days}):
        mine = [one for one in days if one.account == account]
        used = [one.day for one in mine if one.charges]
        found.append(
            Imported(
                source=EXPLORER,
                payer=account,
                month=month,
                files=tuple(sorted({one.region for one in mine})),
                read=sum(len(one.charges) for one in mine),
                repeated=0,
                last_day=max(used).isoformat() if used else "",
                imported_at=max(one.seen for one in mine),
            )
        )
    return found
