"""Data that came late: how far back rules must be judged again, and what is history and not late."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import get_args

import numpy as np
import sqlalchemy as sa

from alerts.grid import Grid
from alerts.notices import length, moment
from alerts.signals import SubjectKind
from alerts.subject import Subject
from core.windows import MINUTE, floor
from store import schema
from store.readers.coverage import HEALTHY
from store.store import Store

LOOKBACK = timedelta(minutes=45)
"""How far back every minute is judged again and again: what may change (18 min) and some failed runs."""
LATEST = timedelta(hours=24)
"""Data that is later than this is drawn on pages, and judged by nobody but backtests."""
MARGIN = timedelta(minutes=10)
"""A run is kept a little after it ended: so much earlier than the last evaluation may be what that missed."""

IN_TIME = timedelta(minutes=20)
"""What is told so long after it began is told in time: points settle within 18 minutes."""

READS = ("metrics", "logs", "queues")
Began = Mapping[tuple[str, str], datetime]


def judge_from(store: Store, *, now: datetime) -> datetime:
    """The first minute that must be judged now: LOOKBACK ago, or where data begins that was read since rules
    were judged last, up to LATEST ago."""
    run, usual = schema.run.c, floor(now, MINUTE) - LOOKBACK
    with store.engine.connect() as connection:
        judged_at = connection.execute(sa.select(sa.func.max(schema.rule_state.c.evaluated_at))).scalar()
        if judged_at is None:
            return usual
        query = sa.select(run.account, run.region, sa.func.min(run.window_start).label("start")).where(
            run.finished_at > judged_at - MARGIN,
            run.finished_at <= now,
            run.window_start < usual,
            run.window_end > run.window_start,
            run.collector.in_(READS),
            run.outcome.in_(HEALTHY),
        )
        late = connection.execute(query.group_by(run.account, run.region)).all()
    if not late:
        return usual
    began = watched_since(store)
    starts = [max(row.start, began.get((row.account, row.region), now)) for row in late]
    return max(min([usual, *(floor(start, MINUTE) for start in starts)]), floor(now, MINUTE) - LATEST)


def watched_since(store: Store) -> Began:
    """When the first run of each account and region ended: what lies before was read as history."""
    run = schema.run.c
    query = sa.select(run.account, run.region, sa.func.min(run.finished_at).label("began"))
    with store.engine.connect() as connection:
        rows = connection.execute(
            query.where(run.collector.in_(READS)).group_by(run.account, run.region)
        ).all()
    return {(row.account, row.region): row.began for row in rows}


def without_history(grid: Grid, began: Began, *, usual: datetime) -> Grid:
    """`grid`, where of minutes up to `usual` none counts as collected that was over before its account and
    region was watched."""
    ends = np.array([end.timestamp() for end in grid.ends])
    firsts = np.array([_first(began.get((s.account, s.region))) for s in grid.subjects]).reshape(-1, 1)
    is_history = (ends[None, :] <= usual.timestamp()) & (ends[None, :] <= firsts)
    if not is_history.any():
        return grid
    flags = {name: flag if name == "provisional" else flag & ~is_history for name, flag in grid.flags.items()}
    return Grid(grid.subjects, grid.ends, grid.values, flags)


def told_late(connection: sa.Connection, subject: Subject, opened_at: datetime, now: datetime) -> str:
    """`Told 3 h 10 min late: the minutes were collected at ...`; "" when it is told in time, or when what is
    told late was collected in time."""
    if now - opened_at <= IN_TIME:
        return ""
    run = schema.run.c
    healthy = run.outcome.in_(HEALTHY), run.account == subject.account, run.region == subject.region
    first = sa.select(sa.func.min(run.finished_at)).where(run.collector.in_(READS), *healthy)
    covers = (
        run.window_start < opened_at,
        run.window_end >= opened_at,
        run.collector == _READ_BY[subject.kind],
    )
    began = connection.execute(first).scalar()
    collected = connection.execute(
        sa.select(sa.func.min(run.finished_at)).where(*covers, *healthy, run.finished_at <= now)
    ).scalar()
    if collected is None or began is None or opened_at <= began or collected - opened_at <= IN_TIME:
        return ""
    return f"Told {length(now - opened_at)} late: the minutes were collected at {moment(collected)}."


_READ_BY: Mapping[str, str] = dict.fromkeys(get_args(SubjectKind), "metrics") | {"queue": "queues"}


def _first(began: datetime | None) -> float:
    return -np.inf if began is None else began.timestamp()
