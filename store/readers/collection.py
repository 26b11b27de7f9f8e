"""Can the numbers be believed: runs, freshness, coverage, gaps, spend and size."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.windows import Window
from store import schema
from store.asking import reader
from store.bill import month_start
from store.history import Left, noted
from store.readers.coverage import HEALTHY, WINDOWED, Coverage, newest_runs
from store.readers.frames import rows, with_none
from store.readers.things import Things
from store.store import Snapshot, Store

DAY = timedelta(days=1)
WORST_FIRST = ("denied", "failed", "skipped", "partial", "ok")
TARGET = ["collector", "account", "region"]


@reader
def targets(store: Store) -> pd.DataFrame:
    """account, region, alias (None: it has none), last_seen."""
    target = schema.target
    found = _state(store, sa.select(target).order_by(target.c.account, target.c.region))
    return found.assign(alias=with_none(found["alias"]))


@reader
def collectors(store: Store, *, now: datetime) -> pd.DataFrame:
    """Per collector, account, region that ever ran: collector, account, region, outcome (of the last run),
    last_run, last_ok, data_until (end of coverage; NaT for collectors without a window), age_s (of the data,
    else of the last good run), error, permission, runs_24h, failed_24h, failing_since (first failed run after
    the last good one; NaT when it works). Failing first."""
    with store.snapshot(_instant(now)) as snapshot:
        newest = newest_runs(snapshot)
        healthy = newest_runs(snapshot, healthy=True)
        ends = snapshot.state(_ends())
        counts = snapshot.state(_counts(now))
        failing = snapshot.state(_failing())
    frame = newest.rename(columns={"finished_at": "last_run"})[
        [*TARGET, "outcome", "last_run", "error", "permission"]
    ]
    last_ok = healthy.rename(columns={"finished_at": "last_ok"})[[*TARGET, "last_ok"]]
    for other in (last_ok, ends, counts, failing):
        frame = frame.merge(other, on=TARGET, how="left")
    frame.loc[frame["outcome"].isin(HEALTHY), "failing_since"] = pd.NaT
    frame[["runs_24h", "failed_24h"]] = frame[["runs_24h", "failed_24h"]].fillna(0).astype(int)
    believed = frame["data_until"].fillna(frame["last_ok"])
    frame["age_s"] = (pd.Timestamp(now) - believed).dt.total_seconds().clip(lower=0.0)
    rank = frame["outcome"].map({name: i for i, name in enumerate(WORST_FIRST)}).rename("rank")
    order = frame.assign(rank=rank).sort_values(["rank", *TARGET]).index
    return frame.loc[order, list(_COLLECTORS)].reset_index(drop=True)


_COLLECTORS = (
    *TARGET,
    "outcome",
    "last_run",
    "last_ok",
    "data_until",
    "age_s",
    "error",
    "permission",
    "runs_24h",
    "failed_24h",
    "failing_since",
)


def _ends() -> sa.Select[Any]:
    """Per collector and target: the end of what was read."""
    c = schema.coverage.c
    end = sa.type_coerce(sa.func.max(c.end), schema.UtcTime).label("data_until")
    return sa.select(c.collector, c.account, c.region, end).group_by(c.collector, c.account, c.region)


def _counts(now: datetime) -> sa.Select[Any]:
    """Per collector and target: runs of the last 24 hours, and how many of them failed."""
    c = schema.run.c
    failed = sa.func.sum(sa.case((c.outcome.in_(HEALTHY), 0), else_=1)).label("failed_24h")
    return (
        sa.select(c.collector, c.account, c.region, sa.func.count().label("runs_24h"), failed)
        .where(c.finished_at > now - DAY)
        .group_by(c.collector, c.account, c.region)
    )


def _failing() -> sa.Select[Any]:
    """Per collector and target: the first run after the last good one."""
    c = schema.run.c
    first = sa.type_coerce(sa.func.min(c.finished_at), schema.UtcTime).label("failing_since")
    since = schema.run.alias()
    newest_good = (
        sa.select(sa.func.max(since.c.finished_at))
        .where(
            since.c.collector == c.collector,
            since.c.account == c.account,
            since.c.region == c.region,
            since.c.outcome.in_(HEALTHY),
        )
        .scalar_subquery()
    )
    later = sa.or_(newest_good.is_(None), c.finished_at > newest_good)
    return (
        sa.select(c.collector, c.account, c.region, first)
        .where(c.outcome.not_in(HEALTHY), later)
        .group_by(c.collector, c.account, c.region)
    )


@reader
def runs(store: Store, window: Window) -> pd.DataFrame:
    """Columns of the run table, newest first; those that ended in the window."""
    run = schema.run
    inside = run.c.finished_at >= window.start, run.c.finished_at < window.end
    return _state(store, sa.select(run).where(*inside).order_by(run.c.finished_at.desc(), run.c.id.desc()))


@reader
def gaps(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """collector, account, region, scope, start, end, minutes, why, permission: what of the window was not
    read, or cannot be read any more. Newest first; the newest minutes behind a collector that works are no
    gap."""
    with store.snapshot(window) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, lost=store.lost())
        found = list(_gaps(coverage, snapshot))
    frame = pd.DataFrame(found, columns=pd.Index(_GAPS))
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("us")
    return frame.sort_values(["end", *TARGET, "scope"], ascending=[False] + [True] * 4).reset_index(drop=True)


_GAPS = (*TARGET, "scope", "start", "end", "minutes", "why", "permission")


def _gaps(coverage: Coverage, snapshot: Snapshot) -> Iterator[tuple[Any, ...]]:
    target = schema.target
    functions = [t.place for t in Things.read(snapshot, "function").of("function")]
    places = [(r.account, r.region, "") for r in rows(snapshot.state(sa.select(target)))]
    wanted = [(name, place) for name in WINDOWED for place in (functions if name == "logs" else places)]
    wanted += [(key[0], key[1:]) for key in coverage.gap_keys() if key[0] != "logs" and key[3]]
    for collector, place in wanted:
        seen = coverage.seen(collector, *place)
        for part in seen.missing:
            minutes = part.duration / timedelta(minutes=1)
            yield collector, *place, part.start, part.end, minutes, seen.why, seen.permission


@reader
def freshness(store: Store, *, now: datetime) -> datetime | None:
    """Up to when metrics were read for every target that they were ever read for; None before the first
    run."""
    ends = _state(store, _ends())
    metrics = ends[ends["collector"] == "metrics"]["data_until"]
    return None if metrics.empty else min(metrics.min().to_pydatetime(), now)


@reader
def backfill(store: Store, now: datetime) -> pd.DataFrame:
    """How far older history is read, per collector and target whose first run was begun: collector, account,
    region, wanted_from, oldest_read (NaT: nothing yet), things (functions, queues ... with coverage of their
    own), wanted_h and left_h (hours times things), read_share (0..1), pieces_left, calls_left (NaN: not
    foreseen), usd_left (Decimal), why (what holds it back; None when nothing does), noted_at. Least done
    first."""
    oldest = _state(store, _oldest()).set_index(TARGET)["oldest"]
    lines = [
        _backfill(left, oldest.get((left.collector, left.account, left.region))) for left in noted(store)
    ]
    frame = pd.DataFrame(lines, columns=pd.Index(_BACKFILL))
    for name in ("wanted_from", "oldest_read", "noted_at"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("us")
    frame["calls_left"] = frame["calls_left"].astype(float)
    return frame.sort_values(["read_share", *TARGET]).reset_index(drop=True)


_BACKFILL = (
    *TARGET,
    "wanted_from",
    "oldest_read",
    "things",
    "wanted_h",
    "left_h",
    "read_share",
    "pieces_left",
    "calls_left",
    "usd_left",
    "why",
    "noted_at",
)


def _backfill(left: Left, oldest: Any) -> tuple[Any, ...]:
    place = left.collector, left.account, left.region
    share = 1.0 - left.left_h / left.wanted_h if left.wanted_h else 1.0
    amounts = left.things, left.wanted_h, left.left_h, min(1.0, max(0.0, share)), left.pieces, left.calls
    read = pd.NaT if oldest is None else oldest
    noted_at = datetime.fromisoformat(left.noted_at)
    wanted_from = datetime.fromisoformat(left.wanted_from)
    return *place, wanted_from, read, *amounts, Decimal(left.usd), left.why, noted_at


def _oldest() -> sa.Select[Any]:
    """Per collector and target: the oldest minute that was read."""
    c = schema.coverage.c
    start = sa.type_coerce(sa.func.min(c.start), schema.UtcTime).label("oldest")
    return sa.select(c.collector, c.account, c.region, start).group_by(c.collector, c.account, c.region)


@reader
def spend(store: Store, *, now: datetime) -> pd.DataFrame:
    """Month to date per collector, service, operation: calls, units, cost_usd (Decimal, None: price unknown).
    Dearest first. What the month will come to is `store.readers.budget`'s to say."""
    usage = schema.usage
    found = _state(store, sa.select(usage).where(usage.c.hour >= month_start(now)))
    lines = [
        (*keys, of["calls"].sum(), of["units"].sum(), _usd(of))
        for keys, of in found.groupby(["collector", "service", "operation"])
    ]
    frame = pd.DataFrame(lines, columns=pd.Index(_SPEND), dtype=object)
    frame[["calls", "units"]] = frame[["calls", "units"]].astype(int)
    dear = frame["cost_usd"].map(lambda usd: Decimal(0) if usd is None else usd)
    return frame.loc[dear.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


_SPEND = ("collector", "service", "operation", "calls", "units", "cost_usd")


def _usd(of: pd.DataFrame) -> Decimal | None:
    known = [text for text in of["cost_usd"] if isinstance(text, str)]
    return sum(map(Decimal, known), Decimal(0)) if len(known) == len(of) else None


@reader
def size(store: Store) -> pd.DataFrame:
    """kind, files, rows, bytes; the state database and the hot tail (per kind, `hot: metrics`) included."""
    file, hot = schema.file.c, schema.hot.c
    packed = sa.select(
        file.kind,
        sa.func.count().label("files"),
        sa.func.sum(file.rows).label("rows"),
        sa.func.sum(file.bytes).label("bytes"),
    )
    tail = sa.select(
        sa.literal("hot: ").concat(hot.kind).label("kind"),
        sa.literal(0).label("files"),
        sa.func.sum(hot.rows).label("rows"),
        sa.func.sum(sa.func.length(hot.payload)).label("bytes"),
    )
    files, size = store.state_size()
    state = {"kind": "state", "files": files, "rows": None, "bytes": size}
    frames = [
        _state(store, packed.where(file.replaced_at.is_(None)).group_by(file.kind).order_by(file.kind)),
        _state(store, tail.group_by(hot.kind).order_by(hot.kind)),
        pd.DataFrame([state]),
    ]
    return pd.concat([f.astype({"rows": float}) for f in frames if len(f)], ignore_index=True)


@reader
def lost(store: Store) -> pd.DataFrame:
    """Stored facts that readers go without, since a file cannot be read: kind, account, region, start, end,
    why. Their time counts as not collected. Oldest first."""
    found = [
        (loss.kind, loss.target.account, loss.target.region, loss.window.start, loss.window.end, loss.why)
        for loss in store.lost()
    ]
    frame = pd.DataFrame(found, columns=pd.Index(_LOST))
    for name in ("start", "end"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("us")
    return frame.sort_values(["start", "kind"], ignore_index=True)


_LOST = ("kind", "account", "region", "start", "end", "why")


def _instant(now: datetime) -> Window:
    return Window(now, now)


def _state(store: Store, query: sa.Select[*tuple[Any, ...]]) -> pd.DataFrame:
    with store.snapshot(_instant(datetime.fromtimestamp(0, UTC))) as snapshot:
        return snapshot.state(query)
