"""The month's money: the cap, what is spent and projected, what is slowed for it and when all would stop."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.windows import floor
from store import bill, schema
from store.asking import reader
from store.store import Store

PACE_KEY = "budget.pace"
UNREACHED_KEY = "service.unreached"


@dataclass(frozen=True, slots=True)
class Slowed:
    """Functions of one activity (firing, active, quiet) that are read less often than usual."""

    activity: str
    functions: int
    every_s: int
    usual_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`cap_usd` None: no cap. `projected_usd` is for the whole month at the pace in force; `stops_at` is when
    paid reading would stop at that pace, None when the month ends before. `stopped` are the collectors whose
    newest run, on some target, was held back by the cap. `decided_at` None: no service has set a pace yet, so
    nothing is projected.
    """

    cap_usd: Decimal | None
    spent_usd: Decimal
    today_usd: Decimal
    reserved_usd: Decimal
    projected_usd: Decimal | None
    usd_a_day: Decimal | None
    month_ends: datetime
    stops_at: datetime | None
    stopped: tuple[str, ...]
    step: int
    slowed: tuple[Slowed, ...] = ()
    others_slower: int = 1
    decided_at: datetime | None = None

    @property
    def is_stopped(self) -> bool:
        return bool(self.stopped)

    @property
    def why(self) -> str:
        """One sentence on where the budget stands."""
        return sentence(self)


@dataclass(frozen=True, slots=True)
class Unreached:
    """A target of the settings that the service cannot reach: since when, why, and when it is tried again."""

    name: str
    region: str | None
    why: str
    since: datetime
    next_try: datetime


@reader
def budget(store: Store, *, now: datetime, cap_usd: Decimal | None = None) -> Budget:
    """Where the month stands. `cap_usd` is that of the settings; left out, the one the service works with."""
    pace = _noted(store, PACE_KEY)
    cap = cap_usd if cap_usd is not None else _decimal(pace.get("cap_usd"))
    is_of_month = bool(pace) and datetime.fromisoformat(pace["decided_at"]) >= bill.month_start(now)
    pace = pace if is_of_month else {}
    with store.engine.connect() as connection:
        spent, reserved = bill.spent_usd(connection, now), _reserved(connection, now)
        today, stopped = _since(connection, floor(now, timedelta(days=1))), _held_back(connection, now)
    a_day = _decimal(pace.get("usd_a_day"))
    ends = bill.next_month(now)
    return Budget(
        cap_usd=cap,
        spent_usd=spent,
        today_usd=today,
        reserved_usd=reserved,
        projected_usd=None
        if a_day is None
        else spent + a_day * Decimal(str((ends - now) / timedelta(days=1))),
        usd_a_day=a_day,
        month_ends=ends,
        stops_at=_moment(pace.get("runs_out")),
        stopped=stopped,
        step=int(pace.get("step", 0)),
        slowed=tuple(Slowed(**each) for each in pace.get("slowed", ())),
        others_slower=int(pace.get("others", 1)),
        decided_at=_moment(pace.get("decided_at")),
    )


@reader
def others_slower(store: Store) -> int:
    """How many times less often than usual paid collectors other than metrics run at the pace in force."""
    return int(_noted(store, PACE_KEY).get("others", 1))


def sentence(found: Budget) -> str:
    """Where the budget stands, and what that means, in one sentence."""
    if found.cap_usd is None:
        return "There is no cap: set aws.budget_usd_per_month to have one."
    places = 2 if found.cap_usd >= 1 else 4
    used = f"{found.spent_usd:.{places}f} of {found.cap_usd:.{places}f} USD are spent"
    if found.is_stopped:
        names = " and ".join(found.stopped)
        return (
            f"{used}, and reading {names} has stopped until {found.month_ends:%d %B}: raise the cap to go on."
        )
    if found.slowed:
        parts = [f"{s.functions} {s.activity} functions every {s.every_s // 60} min" for s in found.slowed]
        slow = f"{used}; to last the month, metrics are read more slowly: {', '.join(parts)}"
        return (
            f"{slow}, and paid reading would stop on {found.stops_at:%d %B %H:%M} UTC."
            if found.stops_at
            else f"{slow}."
        )
    if found.decided_at is None:
        return f"{used}; no service has set a pace this month."
    return f"{used}; everything is read at its usual pace."


def unpriced(spend: pd.DataFrame) -> str | None:
    """What of the calls of `collection.spend` is in no sum, since we do not know its price, in one sentence;
    None if all have one."""
    left = spend[spend["cost_usd"].isna()]
    if left.empty:
        return None
    names = ", ".join(sorted(set(left["service"] + " " + left["operation"])))
    calls = int(left["calls"].sum())
    return f"{calls:,} calls have no price that we know ({names}): they are counted, and in no sum."


@reader
def unreached(store: Store) -> list[Unreached]:
    """Targets of the settings that some running service could not reach when it last tried."""
    told = _noted(store, UNREACHED_KEY).get("targets", ())
    found = {(each["name"], each["region"]): each for each in told}.values()
    return [
        Unreached(
            each["name"],
            each["region"],
            each["why"],
            datetime.fromisoformat(each["since"]),
            datetime.fromisoformat(each["next_try"]),
        )
        for each in found
    ]


def _noted(store: Store, key: str) -> Mapping[str, Any]:
    with store.engine.connect() as connection:
        return noted(connection, key)


def noted(connection: sa.Connection, key: str) -> Mapping[str, Any]:
    """What a service left under a key; empty if nothing."""
    text = connection.execute(sa.select(schema.meta.c.value).where(schema.meta.c.key == key)).scalar()
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}


def _decimal(text: Any) -> Decimal | None:
    return None if text is None else Decimal(str(text))


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _since(connection: sa.Connection, start: datetime) -> Decimal:
    c = schema.usage.c
    query = sa.select(c.cost_usd).where(c.hour >= start, c.cost_usd.is_not(None))
    return sum((Decimal(text) for text in connection.execute(query).scalars()), Decimal(0))


def _reserved(connection: sa.Connection, now: datetime) -> Decimal:
    c = schema.usage.c
    mine = c.service == bill.RESERVED[0], c.operation == bill.RESERVED[1]
    query = sa.select(c.cost_usd).where(c.hour >= bill.month_start(now), *mine)
    return sum((Decimal(text or 0) for text in connection.execute(query).scalars()), Decimal(0))


def _held_back(connection: sa.Connection, now: datetime) -> tuple[str, ...]:
    """Collectors whose newest run of this month was skipped for the budget."""
    c = schema.run.c
    newest = (sa.select(sa.func.max(c.id)).where(c.finished_at >= bill.month_start(now))).group_by(
        c.collector, c.account, c.region
    )
    query = sa.select(c.collector).where(
        c.id.in_(newest), c.outcome == "skipped", c.error.startswith("the budget of")
    )
    return tuple(connection.execute(query.distinct().order_by(c.collector)).scalars())
