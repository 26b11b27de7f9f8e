"""What cold starts are decided on: how functions are set up to start, and their arrivals one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from core.facts import Target
from core.windows import Window, total
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import rows, with_none
from store.readers.lifecycle import provisioned
from store.readers.proactive import proactive_starts
from store.readers.records import COLD, INIT_BILLED_MS, WAITED_MS
from store.readers.things import EVERYTHING, PLACE, Place, Things, matches, sql_where
from store.store import Filter, Snapshot, Store

MIB = 2**20
CRASHED = "(status = 'timeout' OR out_of_memory OR coalesce(error_type, '') LIKE 'Runtime.Exit%')"
"""The invocation ended its environment."""

SETTINGS = [
    *("account", "region", "function", "package_type", "package_mb", "ephemeral_mb", "has_file_system"),
    *("snap_start", "crashes", "units", "orphan"),
]


@reader
def start_settings(
    store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING
) -> pd.DataFrame:
    """Per function there is: account, region, function, package_type, package_mb, ephemeral_mb (None or NaN:
    not told), has_file_system, snap_start (on for published versions), crashes (records that ended their
    environment: timeouts, memory, exits), units (of provisioned concurrency now) and orphan (why nothing
    reaches them; None: something does)."""
    with store.snapshot(window, ("invocations",)) as snapshot:
        things = Things.read(snapshot, "function", where=where)
        crashes = _crashes(snapshot, where)
    pools = _pools(provisioned(store, window, where=where))
    found = [
        [
            *thing.place,
            *_setting(thing.body),
            crashes.get(thing.place, 0.0),
            *pools.get(thing.place, (0, None)),
        ]
        for thing in things.of("function")
        if matches(where, *thing.place)
    ]
    frame = pd.DataFrame(found, columns=pd.Index(SETTINGS))
    for name in ("package_type", "orphan"):
        frame[name] = with_none(frame[name])
    return frame


def _setting(body: Mapping[str, Any]) -> list[Any]:
    size = body.get("code_size_bytes")
    return [
        body.get("package_type"),
        size / MIB if size is not None else None,
        body.get("ephemeral_mb"),
        bool(body.get("file_system_arn")),
        body.get("snap_start") == "PublishedVersions",
    ]


def _crashes(snapshot: Snapshot, where: Filter) -> dict[Place, float]:
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", count(*)::DOUBLE AS crashes FROM invocations
        WHERE {CRASHED} AND {wanted} GROUP BY ALL""",
        params,
    )
    return {(row.account, row.region, row.function): row.crashes for row in rows(frame)}


def _pools(frame: pd.DataFrame) -> dict[Place, tuple[int, str | None]]:
    """Units of each function, and why nothing reaches them if that holds for all."""
    found: dict[Place, tuple[int, str | None]] = {}
    for place, mine in frame.groupby(PLACE):
        why = mine["orphan"].dropna()
        orphan = str(why.iloc[0]) if len(why) == len(mine) else None
        found[_place(place)] = (int(mine["requested"].sum()), orphan)
    return found


def _place(key: Any) -> Place:
    account, region, function = key
    return str(account), str(region), str(function)


# --- arrivals -----------------------------------------------------------------------------------------------

LEAD = timedelta(hours=1)
MOST = 100_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """Invocations of one function, one by one. `frame`: start_ms (epoch; the end less the duration and what
    the caller waited for an environment), end_ms, version, duration_ms, waited_ms (NaN: it was warm, or ready
    long before), init_billed_ms (NaN: nobody waited, or not told), memory_mb, timed_out, is_counted (it ended
    in `window`; the others only tell which environments were there when it began). `oldest` is the longest
    that an environment was seen at work, `read` how much of `window` its log was read for."""

    frame: pd.DataFrame = field(repr=False)
    window: Window
    state: str | None
    has_lead: bool
    is_cut: bool
    oldest: timedelta | None
    read: timedelta = timedelta()

    @property
    def counted(self) -> pd.DataFrame:
        return self.frame[self.frame["is_counted"]]


@reader
def recorded_arrivals(
    store: Store, target: Target, function: str, window: Window, *, now: datetime, most: int = MOST
) -> Recorded:
    """Invocations of the window and of the hour before it; of more than `most` the newest, and `window` is
    then what they fill. `state` is the log's over the window (None: settled); `has_lead` says whether the
    hour before was read in full, without which the first use of each environment looks cold."""
    wide = Window(window.start - LEAD, window.end)
    place = (target.account, target.region, function)
    ahead = proactive_starts(store, wide, where=Filter(*place), place=place)
    with store.snapshot(wide, ("invocations",), place=place) as snapshot:
        found = snapshot.frame(_ARRIVALS, _params(place, most))
        oldest = snapshot.frame(_OLDEST, _params(place, most))["oldest_ms"].iloc[0]
        lead = Coverage.read(snapshot, Window(wide.start, window.start), now=now, only="logs")
        whole = Coverage.read(snapshot, window, now=now, only="logs")
    is_cut = len(found) > most
    found = _unwaited(found.head(most), set(ahead["event_id"]))
    kept = _kept(found, window) if is_cut else window
    ended = pd.to_datetime(found["end_ms"], unit="ms", utc=True)
    return Recorded(
        frame=found.assign(is_counted=(ended >= kept.start) & (ended < kept.end)),
        window=kept,
        state=whole.seen("logs", *place).state(),
        has_lead=is_cut or lead.seen("logs", *place).complete,
        is_cut=is_cut,
        oldest=None if pd.isna(oldest) else timedelta(milliseconds=float(oldest)),
        read=total(part for each in whole.covered("logs", *place) if (part := each.overlap(kept))),
    )


def _unwaited(found: pd.DataFrame, ahead: set[str]) -> pd.DataFrame:
    """Records of environments that were ready long before: they arrived when their handler began."""
    is_ahead = found["event_id"].isin(ahead)
    start_ms = found["start_ms"] + found["waited_ms"].where(is_ahead, 0).round().astype("int64")
    waits = {name: found[name].mask(is_ahead) for name in ("waited_ms", "init_billed_ms")}
    return found.assign(start_ms=start_ms, **waits).drop(columns=["event_id"])


def _params(place: Place, most: int) -> dict[str, Any]:
    return dict(zip(("account", "region", "function"), place, strict=True)) | {"most": most + 1}


def _kept(found: pd.DataFrame, window: Window) -> Window:
    """What the records at hand fill, less an hour (or half of them) that only leads to it."""
    first = pd.to_datetime(found["end_ms"].min(), unit="ms", utc=True).to_pydatetime()
    lead = min(LEAD, (window.end - first) / 2)
    return Window(max(window.start, first + lead), window.end)


_MINE = 'account = $account AND region = $region AND "function" = $function'

_ARRIVALS = f"""SELECT event_id, epoch_ms(ts) AS end_ms, coalesce(version, '') AS version, duration_ms,
        memory_mb,
        (epoch_ms(ts) - duration_ms - CASE WHEN {COLD} THEN {WAITED_MS} ELSE 0 END)::BIGINT AS start_ms,
        CASE WHEN {COLD} THEN {WAITED_MS} END AS waited_ms,
        CASE WHEN {COLD} THEN {INIT_BILLED_MS} END AS init_billed_ms, status = 'timeout' AS timed_out
    FROM invocations WHERE {_MINE} ORDER BY ts DESC, event_id LIMIT $most"""

_OLDEST = f"""WITH newest AS (SELECT * FROM invocations WHERE {_MINE} ORDER BY ts DESC LIMIT $most),
    lives AS (SELECT epoch_ms(max(ts)) - epoch_ms(min(ts)) AS life_ms FROM newest GROUP BY stream)
    SELECT max(life_ms) AS oldest_ms FROM lives"""
