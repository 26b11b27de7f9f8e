"""Cold starts by what they may depend on, and before and after each deploy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from core.buckets import package_size
from core.facts import Target
from core.windows import Window
from store.asking import reader
from store.readers.changes import changes
from store.readers.coverage import Coverage
from store.readers.frames import rows, share, with_none
from store.readers.proactive import less, proactive_starts
from store.readers.records import (
    COLD,
    INIT_BILLED_MS,
    INIT_PERCENTILES,
    PERCENTILES,
    RESTORE_PERCENTILES,
    START,
    TOLD,
    WAITED_MS,
)
from store.readers.things import EVERYTHING, PLACE, Place, Things, sql_where
from store.store import Filter, Snapshot, Store

OF_RECORD = {"start": START, "told": TOLD, "memory_mb": "memory_mb"}
"""Groups that records tell themselves."""

TAG = "tag:"
COUNTS = ["records", "cold_starts", "provisioned_inits"]
MEASURES = [
    *("init_p50_ms", "init_p95_ms", "init_max_ms", "restore_p50_ms", "restore_p95_ms"),
    *("waited_s", "init_gb_s"),
]


@reader
def cold_groups(
    store: Store, window: Window, *, now: datetime, by: Sequence[str], where: Filter = EVERYTHING
) -> pd.DataFrame:
    """Per group: the columns of `by` (account, region, function, version, runtime, architecture,
    package_type, package_size, memory_mb, start, told (start, as far as logs say), tag:NAME; None: not
    known), records, cold_starts, cold_start_rate (0..1), provisioned_inits (initializations that kept nobody
    waiting), proactive (cold starts that did not either, see `proactive_starts`), restores (cold starts from
    a snapshot), init_p50_ms, init_p95_ms, init_max_ms, restore_p50_ms, restore_p95_ms (of cold starts),
    waited_s (of callers, for initialization and restore), init_gb_s (billed initialization; NaN: a cold start
    lacks its billed time), functions (how many), unread (how many of them whose log was not read in full).
    Most waited for first. What a function, or the version that ran, is configured with is as it is now."""
    wanted, params = sql_where(where)
    proactive = proactive_starts(store, window, where=where)
    with store.snapshot(window, ("invocations",)) as snapshot:
        ran = _ran(snapshot, where)
        names = Names(Things.read(snapshot, "function", "version", where=where))
        labels = [tuple(names.of(part)(*one) for part in by if part not in OF_RECORD) for one in ran]
        ids = {label: i for i, label in enumerate(dict.fromkeys(labels))}
        extra = {part: OF_RECORD[part] for part in by if part in OF_RECORD}
        found = snapshot.frame(
            _grouped(extra, wanted),
            {**params, "keys": [" ".join(one) for one in ran], "ids": [ids[label] for label in labels]},
        )
        coverage = Coverage.read(snapshot, window, now=now, only="logs")
    of_ran = {one: ids[label] for one, label in zip(ran, labels, strict=True)}
    keys = proactive[[*PLACE, "version"]].itertuples(index=False, name=None)
    found = _spared(found, proactive.assign(id=[of_ran.get(key, -1) for key in keys]), by)
    unread = {place for place in {one[:3] for one in ran} if not coverage.seen("logs", *place).complete}
    return _frame(found, by, list(ids), unread)


def _ran(snapshot: Snapshot, where: Filter) -> list[tuple[str, str, str, str]]:
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT DISTINCT account, region, "function", coalesce(version, '') AS version FROM invocations
        WHERE {wanted} ORDER BY ALL""",
        params,
    )
    return list(frame.itertuples(index=False, name=None))


def _grouped(extra: Mapping[str, str], wanted: str) -> str:
    also = "".join(f", {sql} AS by_{name}" for name, sql in extra.items())
    return f"""WITH labels AS (SELECT unnest($keys::VARCHAR[]) AS key, unnest($ids::INT[]) AS id)
        SELECT id{also}, count(*)::DOUBLE AS records, count(*) FILTER ({COLD})::DOUBLE AS cold_starts,
            count(*) FILTER (init_type = 'provisioned-concurrency'
                AND (init_ms IS NOT NULL OR restore_ms IS NOT NULL))::DOUBLE AS provisioned_inits,
            count(*) FILTER ({COLD} AND restore_ms IS NOT NULL)::DOUBLE AS restores,
            {RESTORE_PERCENTILES},
            {INIT_PERCENTILES}, max(init_ms) FILTER ({COLD}) AS init_max_ms,
            coalesce(sum({WAITED_MS}) FILTER ({COLD}), 0) / 1000 AS waited_s,
            CASE WHEN bool_and(billed_ms IS NOT NULL AND memory_mb IS NOT NULL OR NOT {COLD})
                THEN coalesce(sum({INIT_BILLED_MS} * memory_mb), 0) / 1024000 END AS init_gb_s,
            list(DISTINCT (account, region, "function")) AS places
        FROM invocations JOIN labels
            ON key = concat_ws(' ', account, region, "function", coalesce(version, ''))
        WHERE {wanted} GROUP BY ALL"""


def _spared(found: pd.DataFrame, proactive: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """`found` with `proactive` of each group, less what nobody waited for. Both have `id`."""
    names = {part: f"by_{part}" for part in by if part in OF_RECORD}
    keys = ["id", *names.values()]
    told = proactive.rename(columns=names).groupby(keys, dropna=False)["init_ms"]
    spared = told.agg(proactive="size", ahead_ms="sum").reset_index()
    for name in names.values():
        spared[name] = spared[name].astype(found[name].dtype)
    joined = found.merge(spared, on=keys, how="left")
    waited_s = less(joined["waited_s"].astype(float), joined["ahead_ms"] / 1000)
    return joined.assign(proactive=joined["proactive"].fillna(0.0), waited_s=waited_s)


def _frame(
    found: pd.DataFrame, by: Sequence[str], labels: Sequence[tuple[Any, ...]], unread: set[Place]
) -> pd.DataFrame:
    of_function = [part for part in by if part not in OF_RECORD]
    for at, part in enumerate(of_function):
        found[part] = with_none(
            pd.Series([labels[i][at] for i in found["id"]], index=found.index, dtype=object)
        )
    for part in set(by) - set(of_function):
        found[part] = with_none(found[f"by_{part}"])
    places = [[tuple(place.values()) for place in told] for told in found["places"]]
    found["functions"] = [len(told) for told in places]
    found["unread"] = [sum(place in unread for place in told) for told in places]
    found[MEASURES] = found[MEASURES].astype(float)
    found["cold_start_rate"] = share(found["cold_starts"], found["records"])
    keys = ["waited_s", "records"]
    order = found.sort_values(keys, ascending=[False, False], kind="stable").reset_index(drop=True)
    return order[
        [
            *by,
            "records",
            "cold_starts",
            "cold_start_rate",
            "provisioned_inits",
            "proactive",
            "restores",
            *MEASURES,
            "functions",
            "unread",
        ]
    ]


class Names:
    """What a function's version is called in a group."""

    def __init__(self, things: Things) -> None:
        self._functions = {t.place: t.body for t in things.of("function", gone=True)}
        self._versions = {(*t.place, str(t.body["version"])): t.body for t in things.of("version", gone=True)}

    def of(self, part: str) -> Callable[[str, str, str, str], Any]:
        if part.startswith(TAG):
            return lambda a, r, f, v: (self._body(a, r, f).get("tags") or {}).get(part.removeprefix(TAG), "")
        if part == "package_size":
            return lambda a, r, f, v: package_size(self._told("code_size_bytes", a, r, f, v))
        if part in {"account", "region", "function", "version"}:
            at = ("account", "region", "function", "version").index(part)
            return lambda *place: place[at] or None
        return lambda a, r, f, v: self._told(part, a, r, f, v)

    def _body(self, account: str, region: str, function: str) -> Mapping[str, Any]:
        return self._functions.get((account, region, function), {})

    def _told(self, field: str, account: str, region: str, function: str, version: str) -> Any:
        """The version's own; where that is not told, the function's."""
        own = self._versions.get((account, region, function, version), {}).get(field)
        return self._body(account, region, function).get(field) if own is None else own


# --- before and after a deploy ------------------------------------------------------------------------------

REACH = timedelta(days=1)
NEWEST = 20
SIDES = ("before", "after")
NUMBERS = (
    "records",
    "cold_start_rate",
    "init_p50_ms",
    "init_p95_ms",
    "duration_p50_ms",
    "duration_p95_ms",
    "error_rate",
)
COLUMNS = [
    "ts",
    "version",
    "what",
    "who",
    "side_s",
    *(f"{side}_{name}" for side in SIDES for name in (*NUMBERS, "state")),
]


@reader
def deploy_effects(
    store: Store, target: Target, function: str, window: Window, *, now: datetime, reach: timedelta = REACH
) -> pd.DataFrame:
    """Per deploy of the window, the newest first (at most 20): ts, version, what, who (None: not told),
    side_s (how long each side is), and of invocation records before and after it: before_records,
    before_cold_start_rate (0..1), before_init_p50_ms, before_init_p95_ms (of cold starts),
    before_duration_p50_ms, before_duration_p95_ms, before_error_rate (status other than success, 0..1),
    before_state (of its log; None: settled numbers), and the same with after_. Both sides are as long as the
    shorter of them, a day (`reach`) at most, and no further than the deploy beside it. NaN: no records. It
    compares times, not versions: with an alias that was moved later, see `versions`."""
    wide = Window(window.start - reach, min(now, window.end + reach))
    told = changes(store, wide, target=target, function=function)
    deploys = told[told["kind"] == "deploy"].sort_values("ts").reset_index(drop=True)
    times = [ts.to_pydatetime() for ts in deploys["ts"]]
    stretches = [_sides(times, i, wide, reach) for i in range(len(times))]
    place = (target.account, target.region, function)
    with store.snapshot(wide, ("invocations",)) as snapshot:
        sums = _sums(snapshot, place, [side for sides in stretches for side in sides])
        whole = [Coverage.read(snapshot, side, now=now, only="logs") for sides in stretches for side in sides]
    states = [None if c.window.duration == timedelta(0) else c.seen("logs", *place).state() for c in whole]
    lines = []
    for i, row in enumerate(rows(deploys)):
        if row.ts.to_pydatetime() in window:
            lines.append(
                [
                    row.ts,
                    row.version,
                    row.what,
                    row.who,
                    stretches[i][0].duration.total_seconds(),
                    *sums[2 * i],
                    states[2 * i],
                    *sums[2 * i + 1],
                    states[2 * i + 1],
                ]
            )
    frame = pd.DataFrame(lines[::-1][:NEWEST], columns=pd.Index(COLUMNS))
    frame["ts"] = pd.to_datetime(frame["ts"], utc=True).astype("datetime64[us, UTC]")
    numbers = [f"{side}_{name}" for side in SIDES for name in NUMBERS]
    frame[["side_s", *numbers]] = frame[["side_s", *numbers]].astype(float)
    for name in ("who", "before_state", "after_state"):
        frame[name] = with_none(frame[name])
    return frame


def _sides(times: Sequence[datetime], at: int, wide: Window, reach: timedelta) -> tuple[Window, Window]:
    """The stretches before and after a deploy, up to the ones beside it: both as long as the shorter one."""
    ts = times[at]
    before = ts - (times[at - 1] if at else wide.start)
    after = (times[at + 1] if at + 1 < len(times) else wide.end) - ts
    length = max(timedelta(0), min(reach, before, after))
    return Window(ts - length, ts), Window(ts, ts + length)


def _sums(snapshot: Snapshot, place: Place, stretches: Sequence[Window]) -> list[list[float]]:
    """The numbers of each stretch, in order."""
    account, region, function = place
    found = snapshot.frame(
        f"""WITH stretches AS (SELECT unnest($nth::INT[]) AS nth, unnest($starts::TIMESTAMPTZ[]) AS since,
                unnest($ends::TIMESTAMPTZ[]) AS until),
            mine AS (SELECT * FROM invocations
                WHERE account = $account AND region = $region AND "function" = $function)
        SELECT nth, count(*)::DOUBLE AS records, count(*) FILTER ({COLD}) / count(*) AS cold_start_rate,
            {INIT_PERCENTILES}, {PERCENTILES},
            count(*) FILTER (status <> 'success') / count(*) AS error_rate
        FROM stretches JOIN mine ON mine.ts >= since AND mine.ts < until GROUP BY nth""",
        {
            "account": account,
            "region": region,
            "function": function,
            "nth": list(range(len(stretches))),
            "starts": [side.start for side in stretches],
            "ends": [side.end for side in stretches],
        },
    )
    known = {int(row.nth): [float(getattr(row, name)) for name in NUMBERS] for row in rows(found)}
    nothing = [0.0, *[float("nan")] * (len(NUMBERS) - 1)]
    return [known.get(i, nothing) for i in range(len(stretches))]
