"""Kept log lines: search them, count them in time, group them by signature, read around one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from core.errors import StoreError
from core.facts import Target
from core.patterns import why_refused
from core.windows import MINUTE, Window, chart_step
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import STEP_SQL, Grid, milliseconds
from store.readers.things import EVERYTHING, Place, Things, matches, sql_where
from store.store import Filter, Snapshot, Store

LEVELS = ("error", "fatal", "crash", "timeout")
"""Levels of kept lines: what code logged, and how invocations ended."""

NEAR = timedelta(minutes=15)
"""An invocation lasts no longer: lines of one stream further apart tell of different ones."""

SPARK_POINTS = 24

LONGEST_S = 20.0
"""A search that takes longer is stopped: somebody waits for it, and others for the machine."""

LINE = 'account, region, "function", ts, level, message, signature, request_id, stream, version, event_id'


@dataclass(frozen=True, slots=True)
class Search:
    """Which kept lines are wanted. `text` is part of the message (case does not matter unless `is_exact`), or
    with `is_regex` an RE2 pattern; no `places` and no `levels` mean all."""

    text: str = ""
    is_regex: bool = False
    is_exact: bool = False
    where: Filter = EVERYTHING
    places: tuple[Place, ...] = ()
    levels: tuple[str, ...] = ()
    signature: str | None = None
    request_id: str | None = None

    def sql(self) -> tuple[str, dict[str, Any]]:
        """A condition over `log_events`, and its parameters."""
        wanted, where = sql_where(self.where)
        params: dict[str, Any] = dict(where)
        if self.text:
            wanted, params["text"] = f"{wanted} AND {self._part()}", self.text
        if self.places:
            here = "account || '.' || region || '.' || \"function\""
            wanted = f"{wanted} AND list_contains($places, {here})"
            params["places"] = [".".join(place) for place in self.places]
        if self.levels:
            wanted, params["levels"] = f"{wanted} AND list_contains($levels, level)", list(self.levels)
        for name in ("signature", "request_id"):
            if (value := getattr(self, name)) is not None:
                wanted, params[name] = f"{wanted} AND {name} = ${name}", value
        return wanted, params

    def _part(self) -> str:
        if self.is_regex:
            return f"regexp_matches(message, $text, '{'c' if self.is_exact else 'i'}')"
        return "contains(message, $text)" if self.is_exact else "contains(lower(message), lower($text))"


@reader
def log_events(
    store: Store, window: Window, search: Search, *, limit: int = 100, offset: int = 0
) -> pd.DataFrame:
    """Kept lines, newest first: account, region, function, ts, level, message (masked when it was kept),
    signature, request_id, stream, version, event_id. Raises StoreError for a pattern that is none."""
    wanted, params = search.sql()
    sql = f"""SELECT {LINE} FROM log_events WHERE {wanted}
        ORDER BY ts DESC, event_id DESC LIMIT $limit OFFSET $offset"""
    with store.snapshot(window, ("log_events",)) as snapshot:
        return _asked(snapshot, search, sql, {**params, "limit": limit, "offset": offset})


@reader
def log_counts(store: Store, window: Window, search: Search, *, now: datetime) -> pd.DataFrame:
    """Kept lines per `chart_step(window)`: ts, a column per level of `LEVELS`, `other` and `lines` (all of
    them), read (bool: the log of every function asked about was read then). NaN where nothing was found and
    not all was read."""
    wanted, params = search.sql()
    step = chart_step(window)
    sums = ", ".join(f"count(*) FILTER (level = '{level}')::DOUBLE AS {level}" for level in LEVELS)
    sql = f"""SELECT {STEP_SQL} AS step, {sums}, count(*)::DOUBLE AS lines
        FROM log_events WHERE {wanted} GROUP BY ALL"""
    with store.snapshot(window, ("log_events",)) as snapshot:
        found = _asked(snapshot, search, sql, {**params, "step_ms": milliseconds(step)})
        missing = _missing(_coverage(snapshot, window, now), _functions(snapshot, search))
    frame = Grid(window, step).lay(found)
    frame["read"] = ~_within(frame["ts"], step, [part for seen in missing for part in seen.missing])
    counts = [*LEVELS, "lines"]
    frame[counts] = frame[counts].astype(float).fillna(0.0)
    frame["other"] = frame["lines"] - frame[list(LEVELS)].sum(axis=1)
    frame.loc[~frame["read"] & (frame["lines"] == 0), [*counts, "other"]] = np.nan
    return frame


@reader
def log_groups(
    store: Store, window: Window, search: Search, *, since: datetime, limit: int = 200
) -> pd.DataFrame:
    """Kept lines by signature, most first: signature, count, first_seen and last_seen (in the window),
    first_ever (the first stored since `since`), functions (list of names), places (how many account, region
    and function), levels (list), spark (counts in up to `SPARK_POINTS` steps), and of the newest line:
    account, region, function, ts, level, message, request_id, stream, event_id."""
    wanted, params = search.sql()
    ever, _ = Search(where=search.where, places=search.places).sql()
    step = max(MINUTE, window.duration / SPARK_POINTS)
    newest = ", ".join(
        f"arg_max({name}, (ts, event_id)) AS {name}"
        for name in (
            "account",
            "region",
            '"function"',
            "level",
            "message",
            "request_id",
            "stream",
            "event_id",
        )
    )
    inside = "ts >= $start AND ts < $end"
    sql = f"""WITH mine AS (
            SELECT signature, count(*) AS count, min(ts) AS first_seen, max(ts) AS last_seen, max(ts) AS ts,
                list_sort(list(DISTINCT "function")) AS functions,
                count(DISTINCT (account, region, "function")) AS places,
                list_sort(list(DISTINCT level)) AS levels,
                list((epoch_ms(ts) - $start_ms) // $step_ms) AS steps, {newest}
            FROM log_events WHERE {inside} AND {wanted} GROUP BY signature
            ORDER BY count DESC, last_seen DESC, signature LIMIT $limit),
        ever AS (SELECT signature, min(ts) AS first_ever FROM log_events WHERE {ever} GROUP BY signature)
        SELECT * FROM mine JOIN ever USING (signature) ORDER BY count DESC, last_seen DESC, signature"""
    more = {
        "start": window.start,
        "end": window.end,
        "start_ms": round(window.start.timestamp() * 1000),
        "step_ms": milliseconds(step),
        "limit": limit,
    }
    with store.snapshot(Window(min(since, window.start), window.end), ("log_events",)) as snapshot:
        found = _asked(snapshot, search, sql, {**params, **more})
    points = -(-milliseconds(window.duration) // milliseconds(step))
    found["spark"] = [np.bincount(steps, minlength=points).tolist() for steps in found["steps"]]
    return found.drop(columns="steps")


@reader
def log_event(
    store: Store, target: Target, function: str, event_id: str, at: datetime
) -> Mapping[str, Any] | None:
    """One kept line near a moment (columns of `log_events`); None when it is not stored."""
    sql = f"""SELECT {LINE} FROM log_events WHERE account = $account AND region = $region
        AND "function" = $function AND event_id = $event_id"""
    params = {
        "account": target.account,
        "region": target.region,
        "function": function,
        "event_id": event_id,
    }
    with store.snapshot(Window(at - NEAR, at + NEAR), ("log_events",)) as snapshot:
        found = snapshot.frame(sql, params)
    return _only(found)


@reader
def lines_around(
    store: Store, target: Target, function: str, stream: str, at: datetime, *, most: int = 25
) -> pd.DataFrame:
    """Kept lines of one log stream around a moment, oldest first, at most `most` before and after: columns of
    `log_events`."""
    sql = f"""SELECT {LINE} FROM (
            SELECT *, row_number() OVER (PARTITION BY ts < $at ORDER BY abs(epoch_ms(ts) - $at_ms), event_id)
                AS nth
            FROM log_events WHERE account = $account AND region = $region AND "function" = $function
                AND stream = $stream)
        WHERE nth <= $most ORDER BY ts, event_id"""
    params = {
        "account": target.account,
        "region": target.region,
        "function": function,
        "stream": stream,
        "at": at,
        "at_ms": round(at.timestamp() * 1000),
        "most": most,
    }
    with store.snapshot(Window(at - NEAR, at + NEAR), ("log_events",)) as snapshot:
        return snapshot.frame(sql, params)


@reader
def record_of(
    store: Store, target: Target, function: str, request_id: str, at: datetime
) -> Mapping[str, Any] | None:
    """The invocation record of a request near a moment (columns of InvocationRecord); of retries the nearest.
    None when there is none."""
    sql = """SELECT * FROM invocations WHERE account = $account AND region = $region
            AND "function" = $function AND request_id = $request_id
        ORDER BY abs(epoch_ms(ts) - $at_ms), event_id LIMIT 1"""
    params = {
        "account": target.account,
        "region": target.region,
        "function": function,
        "request_id": request_id,
        "at_ms": round(at.timestamp() * 1000),
    }
    with store.snapshot(Window(at - NEAR, at + NEAR), ("invocations",)) as snapshot:
        found = snapshot.frame(sql, params)
    return _only(found)


@reader
def unread_logs(store: Store, window: Window, search: Search, *, now: datetime) -> pd.DataFrame:
    """Functions asked about whose log was not read in full: account, region, function, state (in words)."""
    with store.snapshot(window, ("log_events",)) as snapshot:
        coverage, places = _coverage(snapshot, window, now), _functions(snapshot, search)
    found = [(*place, coverage.seen("logs", *place)) for place in places]
    rows = [(*place, seen.state()) for *place, seen in found if not seen.complete]
    return pd.DataFrame(rows, columns=pd.Index(["account", "region", "function", "state"]))


def _coverage(snapshot: Snapshot, window: Window, now: datetime) -> Coverage:
    return Coverage.read(snapshot, window, now=now, only="logs")


def _functions(snapshot: Snapshot, search: Search) -> list[Place]:
    things = Things.read(snapshot, "function", where=search.where).of("function")
    places = sorted(t.place for t in things if t.gone_at is None and matches(search.where, *t.place))
    return [place for place in places if not search.places or place in search.places]


def _missing(coverage: Coverage, places: list[Place]) -> list[Any]:
    return [seen for place in places if not (seen := coverage.seen("logs", *place)).complete]


def _within(starts: pd.Series[Any], step: timedelta, parts: list[Window]) -> pd.Series[Any]:
    """Per step: whether some of it lies in one of `parts`."""
    hit = pd.Series(False, index=starts.index)
    for part in set(parts):
        hit |= (starts < part.end) & (starts + step > part.start)
    return hit


def _asked(snapshot: Snapshot, search: Search, sql: str, params: Mapping[str, Any]) -> pd.DataFrame:
    why_not = why_refused(search.text) if search.is_regex else None
    if why_not:
        raise StoreError(f"this regular expression is not searched for: {why_not}")
    try:
        return snapshot.frame(sql, params, within_s=LONGEST_S)
    except duckdb.InvalidInputException as error:
        if not (search.is_regex and search.text):
            raise
        why = str(error).partition(": ")[2] or str(error)
        raise StoreError(f"this is no regular expression that can be searched for: {why}") from error


def _only(found: pd.DataFrame) -> Mapping[str, Any] | None:
    """The first row, None without one."""
    return None if found.empty else {str(k): _known(v) for k, v in found.iloc[0].to_dict().items()}


def _known(value: Any) -> Any:
    """None for what a frame has for it; times aware and in UTC."""
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime().astimezone(UTC)
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value
