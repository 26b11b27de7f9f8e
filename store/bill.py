"""The month's bill of watching: what was spent, and what runs under way have reserved of the budget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from core.facts import Target, Usage
from core.windows import floor
from store import commit
from store.schema import usage

RESERVED = ("budget", "reserved")
"""Service and operation of reservations: of runs under way, or killed before they told what they used."""


def month_start(now: datetime) -> datetime:
    """The first instant of the month, in UTC, as AWS bills."""
    return datetime(now.year, now.month, 1, tzinfo=UTC)


def next_month(now: datetime) -> datetime:
    return month_start(month_start(now) + timedelta(days=32))


def spent_usd(connection: sa.Connection, now: datetime) -> Decimal:
    """Spent this month, reservations included; calls whose price is not known are not in it."""
    c = usage.c
    query = sa.select(c.cost_usd).where(
        c.hour >= month_start(now), c.cost_usd.is_not(None), c.cost_usd != "0"
    )
    return sum((Decimal(text) for text in connection.execute(query).scalars()), Decimal(0))


def reserve(
    connection: sa.Connection,
    target: Target,
    collector: str,
    usd: Decimal,
    *,
    cap_usd: Decimal | None,
    now: datetime,
) -> bool:
    """Set `usd` aside for a run; False, and nothing done, if the month would pass `cap_usd` (None: anyway).

    Within a write transaction, so that runs side by side, also of other processes, cannot both have the rest.
    """
    if cap_usd is not None and spent_usd(connection, now) + usd > cap_usd:
        return False
    service, operation = RESERVED
    line = Usage(service=service, operation=operation, calls=0, units=0, cost_usd=f"{usd:f}")
    commit.count(connection, target, collector, [line], now=now)
    return True


def release(
    connection: sa.Connection, target: Target, collector: str, usd: Decimal, *, now: datetime
) -> None:
    """Give back what `reserve` set aside at `now`: the run has told what it used."""
    hour, c = floor(now, timedelta(hours=1)), usage.c
    here = sa.and_(
        c.hour == hour,
        c.account == target.account,
        c.region == target.region,
        c.collector == collector,
        c.service == RESERVED[0],
        c.operation == RESERVED[1],
    )
    text = connection.execute(sa.select(c.cost_usd).where(here)).scalar_one_or_none()
    left = Decimal(text or 0) - usd
    if left > 0:
        connection.execute(sa.update(usage).where(here).values(cost_usd=f"{left:f}"))
    else:
        connection.execute(sa.delete(usage).where(here))
