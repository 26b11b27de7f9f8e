"""One run and all it learned, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from core.entities import Entity
from core.facts import ACCOUNT, Covered, Fact, Gap, Listed, Run, Target, Usage
from core.telemetry import TELEMETRY, Rows, Telemetry
from core.windows import Window, floor
from store import columns, coverage, entities, gaps, hot, rollup, tiers
from store.schema import hot as hot_table
from store.schema import run as run_table
from store.schema import target as target_table
from store.schema import usage as usage_table

HOUR = timedelta(hours=1)
CHUNK = 50_000
"""Facts held as objects at a time; the rest of a large run waits as Arrow columns."""


@dataclass(slots=True)
class Learned:
    """A run's facts, sorted by what becomes of them."""

    tables: dict[str, list[pa.Table]] = field(default_factory=dict)
    entities: list[Entity] = field(default_factory=list)
    listed: list[Listed] = field(default_factory=list)
    covered: list[Covered] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    count: int = 0


def learn(facts: Iterable[Fact], target: Target) -> Learned:
    """Read all facts: nothing is written yet, so a source that fails leaves no trace."""
    learned = Learned()
    rows: dict[str, list[Telemetry]] = {kind.KIND: [] for kind in TELEMETRY}
    for fact in facts:
        if isinstance(fact, Telemetry):
            rows[fact.KIND].append(fact)
            learned.count += 1
            if len(rows[fact.KIND]) == CHUNK:
                _convert(learned, fact.KIND, rows, target)
        elif isinstance(fact, Rows):
            learned.tables.setdefault(fact.kind.KIND, []).append(columns.from_rows(fact, target))
            learned.count += len(fact)
        elif isinstance(fact, Covered):
            learned.covered.append(fact)
        elif isinstance(fact, Gap):
            learned.gaps.append(fact)
        elif isinstance(fact, Listed):
            learned.listed.append(fact)
        else:
            learned.entities.append(fact)
            learned.count += 1
    for kind in [kind for kind, waiting in rows.items() if waiting]:
        _convert(learned, kind, rows, target)
    return learned


def _convert(learned: Learned, kind: str, rows: dict[str, list[Telemetry]], target: Target) -> None:
    learned.tables.setdefault(kind, []).append(columns.to_table(kind, rows[kind], target))
    rows[kind] = []


def keep(connection: sa.Connection, run: Run, learned: Learned, *, now: datetime) -> None:
    """Write what `learn` read."""
    reached = tiers.reached(connection)
    for kind, tables in learned.tables.items():
        of_kind = reached.get((tiers.COLLECTOR.get(kind, ""), run.target), tiers.UNTOUCHED)
        for hour, table in columns.by_hour(pa.concat_tables(tables)):
            kept = _at_tier(kind, table, run.window, of_kind.period_s(hour))
            if len(kept):
                step = hot.HOUR if hour + HOUR + tiers.SEAL_AFTER <= now else hot.SLICE
                _clear(connection, kind, run.target, hour, kept)
                hot.write(connection, kind, run.target, kept, step=step)
    entities.write(connection, run.target, learned.entities, learned.listed, now=now)
    own = reached.get((run.collector, run.target), tiers.UNTOUCHED)
    _keep_coverage(connection, run, learned, own, now=now)
    see_target(connection, run.target, now=now)
    count(connection, run.target, run.collector, run.usage, now=now)
    _keep_run(connection, run, learned.count)


def _at_tier(kind: str, table: pa.Table, read: Window, period_s: int) -> pa.Table:
    """Rows of an hour at the period that it is kept at by now."""
    return rollup.at_period(kind, tiers.whole(table, read, period_s), period_s) if period_s else table


def _clear(connection: sa.Connection, kind: str, target: Target, hour: datetime, table: pa.Table) -> None:
    """Take shorter rows out of the hot tail of an hour where longer ones come for the same time: they may be
    there beside a file that was lost."""
    if kind not in rollup.KINDS or pc.max(table["period_s"]).as_py() < tiers.FIVE_S:
        return
    c = hot_table.c
    here = (c.kind == kind) & (c.account == target.account) & (c.region == target.region)
    here &= (c.start < hour + HOUR) & (c.end > hour)
    rows = connection.execute(sa.select(c.seq, c.payload).where(here)).all()
    for seq, before in hot.readable(kind, {row.seq: row.payload for row in rows}).items():
        left = rollup.beside(kind, before, table)
        if len(left) < len(before):
            connection.execute(sa.delete(hot_table).where(hot_table.c.seq == seq))
            if len(left):
                hot.write(connection, kind, target, left)


def _keep_coverage(
    connection: sa.Connection, run: Run, learned: Learned, reached: tiers.Tiers, *, now: datetime
) -> None:
    covered: Sequence[Covered] = learned.covered
    if run.outcome == "ok" and not covered and not learned.gaps:
        covered = [Covered("", run.window)]
    covered = tiers.covered(covered, reached, period_s=run.period_s)
    read = coverage.write(connection, run, covered, learned.gaps, now=now)
    whole = [c.window for c in covered if c.scope == ""]
    beside = [c.window for c in covered if c.scope == ACCOUNT]
    gaps.write(connection, run, learned.gaps, read=read, whole=whole, beside=beside, now=now)


def _keep_run(connection: sa.Connection, run: Run, facts: int) -> None:
    connection.execute(
        sa.insert(run_table).values(
            collector=run.collector,
            account=run.target.account,
            region=run.target.region,
            window_start=run.window.start,
            window_end=run.window.end,
            period_s=run.period_s,
            started_at=run.started_at,
            finished_at=run.finished_at,
            outcome=run.outcome,
            error=run.error,
            permission=run.permission,
            facts=run.facts or facts,
            calls=sum(u.calls for u in run.usage),
        )
    )


def see_target(connection: sa.Connection, target: Target, *, now: datetime, alias: str | None = None) -> None:
    """Remember that a target is watched, and its alias if one is given."""
    values = {"last_seen": now} | ({"alias": alias} if alias is not None else {})
    here = (target_table.c.account == target.account) & (target_table.c.region == target.region)
    if connection.execute(sa.update(target_table).where(here).values(**values)).rowcount == 0:
        row = {"account": target.account, "region": target.region, **values}
        connection.execute(sa.insert(target_table).values(**row))


def count(
    connection: sa.Connection, target: Target, collector: str, usage: Sequence[Usage], *, now: datetime
) -> None:
    """Add calls to the bill of the hour."""
    for item in usage:
        key = {
            "hour": floor(now, HOUR),
            "account": target.account,
            "region": target.region,
            "collector": collector,
            "service": item.service,
            "operation": item.operation,
        }
        here = sa.and_(*(usage_table.c[name] == value for name, value in key.items()))
        before = connection.execute(sa.select(usage_table).where(here)).one_or_none()
        values = {"calls": item.calls, "units": item.units, "cost_usd": item.cost_usd}
        if before is None:
            connection.execute(sa.insert(usage_table).values(**key, **values))
            continue
        values["calls"] += before.calls
        values["units"] += before.units
        values["cost_usd"] = _sum_usd(before.cost_usd, item.cost_usd)
        connection.execute(sa.update(usage_table).where(here).values(**values))


def _sum_usd(old: str | None, new: str | None) -> str | None:
    """Unknown plus anything is unknown."""
    return None if old is None or new is None else str(Decimal(old) + Decimal(new))
