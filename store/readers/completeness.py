"""Why numbers that come from logs are incomplete: a sentence per reason and function, none when complete."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.facts import Target
from core.windows import MINUTE, Window, subtract, total
from store import schema
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import rows
from store.readers.states import not_collected
from store.readers.summaries import plus, summary_sums
from store.readers.sums import ended_counts, record_counts
from store.readers.things import EVERYTHING, Place, Things, matches
from store.store import Filter, Snapshot, Store

COLUMNS = ("account", "region", "function", "mode", "records", "invocations", "share", "reasons")
INFREQUENT = "INFREQUENT_ACCESS"

Body = Mapping[str, Any]


@reader
def completeness(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """account, region, function, mode (how its log is read: every, aggregated, off; None: not chosen yet),
    records (those of aggregated logs included), invocations (of metrics, that must have ended in the
    window), share (records of invocations, 0..1; NaN without any), reasons (list of sentences why numbers
    from its log are incomplete, [] when they are not)."""
    kinds = ("metrics", "invocations", "invocation_summaries")
    with store.snapshot(window, kinds) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        things = Things.read(snapshot, "function", "log_mode", "log_group", where=where)
        invocations = ended_counts(snapshot, window, where)
        records, sums = record_counts(snapshot, window, where), summary_sums(snapshot, window, where)
        gaps = _gaps(snapshot, window)
    modes = {(t.account, t.region, t.name): t.body for t in things.of("log_mode")}
    groups = {(t.account, t.region, t.name): t.body for t in things.of("log_group")}
    found = []
    for thing in sorted(things.of("function"), key=lambda t: t.place):
        place, body = thing.place, thing.body
        if not matches(where, *place):
            continue
        mode = modes.get(place, {})
        group = groups.get((*place[:2], str(body.get("log_group"))), {})
        told, ended = records.get(place, 0.0), invocations.get(place, 0.0)
        if place in sums:
            told = float(plus(told, sums[place].records))
        reasons = [
            *_of_mode(mode),
            *_of_function(body),
            *_of_group(group, coverage, place),
            *_of_gaps(gaps.get(place, ()), coverage.window),
            *_of_numbers(told, ended, coverage, place),
        ]
        share = told / ended if ended else float("nan")
        found.append((*place, mode.get("mode"), told, ended, share, list(dict.fromkeys(reasons))))
    return pd.DataFrame(found, columns=pd.Index(COLUMNS))


@reader
def why_incomplete(
    store: Store, target: Target, function: str, window: Window, *, now: datetime
) -> list[str]:
    """The reasons of one function, [] when numbers from its log are complete (or it is not known)."""
    where = Filter(target.account, target.region, function)
    frame = completeness(store, window, now=now, where=where)
    return [reason for reasons in frame["reasons"] for reason in reasons]


def _of_mode(mode: Body) -> Iterator[str]:
    if mode.get("mode") == "off":
        yield f"its log is not read: {mode.get('why')}"
    elif mode.get("mode") == "aggregated":
        yield (
            "its log is aggregated: sums per 5 minutes, no single invocations, and of errors the newest 200"
            f" lines of a reading ({mode.get('why')})"
        )


def _of_function(body: Body) -> Iterator[str]:
    if body.get("log_format") != "JSON":
        return
    if body.get("system_log_level") == "WARN":
        yield "its system log level is WARN: reports of successful invocations are not written"
    if body.get("application_log_level") == "FATAL":
        yield "its application log level is FATAL: errors below that are not written"


def _of_group(group: Body, coverage: Coverage, place: Place) -> Iterator[str]:
    if group.get("log_class") == INFREQUENT:
        yield f"its log group is of class {INFREQUENT}, which only Logs Insights can read"
    days = group.get("retention_days")
    if days is None:
        return
    kept_from = coverage.now - timedelta(days=days)
    gone = Window(coverage.window.start, max(coverage.window.start, min(kept_from, coverage.window.end)))
    if subtract(gone, coverage.covered("logs", *place)):
        yield f"its log group keeps {days} days: what is older was gone before it was read"


def _of_gaps(gaps: Any, window: Window) -> Iterator[str]:
    """One sentence per reason, with the minutes it is about."""
    of_reason: dict[str, list[Window]] = defaultdict(list)
    for part, why in gaps:
        of_reason[why].append(part)
    for why, parts in of_reason.items():
        minutes = -(-total(parts) // MINUTE)
        yield why if total(parts) >= window.duration else f"{minutes:,} minutes: {why}"


def _of_numbers(records: float, ended: float, coverage: Coverage, place: Place) -> Iterator[str]:
    """Whether fewer reports were read than invocations ended; and what was not read at all."""
    seen = coverage.seen("logs", *place)
    if ended and seen.missing and not coverage.covered("logs", *place):
        yield not_collected(seen.missing, coverage.window, seen.why)
    if coverage.seen("metrics", *place).complete and records < ended:
        yield f"records cover {records:,.0f} of {ended:,.0f} invocations ({_percent(records / ended)})"


def _percent(share: float) -> str:
    """As people read it: never 100 when something is missing."""
    return f"{min(99, round(share * 100))}%"


def _gaps(snapshot: Snapshot, window: Window) -> dict[Place, list[tuple[Window, str]]]:
    """What of logs could not be read or was not written, per function; newest first."""
    gap = schema.gap
    query = (
        sa.select(gap)
        .where(gap.c.collector == "logs", gap.c.start < window.end, gap.c.end > window.start)
        .order_by(gap.c.seen_at.desc())
    )
    found: dict[Place, list[tuple[Window, str]]] = defaultdict(list)
    for row in rows(snapshot.state(query)):
        part = Window(row.start.to_pydatetime(), row.end.to_pydatetime()).overlap(window)
        if part:
            function = row.scope.partition(" ")[0]  # beside it may stand what of its log it is about
            found[row.account, row.region, function].append((part, str(row.why)))
    return found
