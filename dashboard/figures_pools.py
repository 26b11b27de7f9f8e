"""Words and rows about pools of concurrency: throttles and their limits, what was forgotten, the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

import pandas as pd

from core.exhaustion import CLEAR, FULL
from core.throttled_work import LETTERS, LOST
from dashboard import numbers
from dashboard.numbers import plain

NOT_SOON = "> 24 h"
BAD = (LOST, LETTERS)
"""What may have become of throttled work that somebody has to look after."""


def runs_out(row: Mapping[str, Any] | pd.Series[Any]) -> str | None:
    """When a pool is full, in short; None: not known."""
    if row["outlook"] == "unknown":
        return None
    if row["outlook"] == FULL:
        return "full"
    if not numbers.known(row["exhausted_at"]):
        return NOT_SOON
    return f"in {numbers.age(row['headroom'] / row['per_minute'] * 60)}"


def sure(confidence: float) -> str | None:
    """How sure a trend is, in words."""
    if not numbers.known(confidence):
        return None
    return "clear trend" if confidence >= CLEAR else "no clear trend" if confidence > 0 else "not growing"


# --- throttles ----------------------------------------------------------------------------------------------


def throttled(bursts: pd.DataFrame) -> pd.DataFrame:
    """A row for each function and limit, most refused first, but those whose work needs somebody before all:
    its first burst, with `refused` (all tries), `bursts`, `is_bad`, and the worst `consequence`."""
    keys = ["account", "region", "function", "cause"]
    marked = bursts.assign(is_bad=bursts["fate"].isin(BAD))
    told = marked.sort_values("is_bad", ascending=False, kind="stable").drop_duplicates(keys)
    sums = marked.groupby(keys, sort=False).agg(refused=("throttles", "sum"), bursts=("throttles", "size"))
    rows = marked.drop_duplicates(keys).drop(columns=["consequence", "is_bad"])
    rows = rows.merge(told[[*keys, "consequence", "is_bad"]], on=keys).merge(sums.reset_index(), on=keys)
    return rows.sort_values(["is_bad", "refused"], ascending=False, kind="stable")


def throttled_line(row: Mapping[Any, Any], places: Mapping[tuple[str, str], str]) -> tuple[str, str]:
    """Who was throttled by what: a state and a sentence for a row of `throttled`."""
    n = row["bursts"]
    place = places.get((row["account"], row["region"]), f"{row['account']} · {row['region']}")
    return "critical" if row["is_bad"] else "warning", (
        f"**{plain(row['function'])}** was throttled {numbers.count(row['refused'])} times "
        f"in {n} {'burst' if n == 1 else 'bursts'}: **{plain(row['cause'])}**, "
        f"{plain(row['evidence'])}. "
        f":small[:gray[{plain(_sentence(row['consequence']))} · {plain(place)}]]"
    )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def burst_rows(bursts: pd.DataFrame) -> pd.DataFrame:
    """Bursts as a table shows them: with `lasted` in words."""
    lasted = [numbers.age(end - start) for start, end in zip(bursts["start"], bursts["end"], strict=True)]
    return bursts.assign(lasted=lasted, state=None)


# --- what was forgotten -------------------------------------------------------------------------------------

FORGOTTEN = ["kind", "account", "region", "function", "what", "why", "do", "since", "usd_month", "state"]


def forgotten(caps: pd.DataFrame, idle: pd.DataFrame) -> pd.DataFrame:
    """Reservations with something wrong, then provisioned concurrency that serves nobody."""
    reservations = caps.assign(
        kind=caps["verdict"],
        what=[f"reserved {n:,.0f}" for n in caps["reserved"]],
        why=caps["says"],
        usd_month=float("nan"),
    )
    held = idle.assign(
        kind="serves nobody",
        what=[f"{n:,.0f} provisioned on {q}" for n, q in zip(idle["held"], idle["qualifier"], strict=True)],
        do="remove it, or send traffic there",
        since=pd.Series(pd.NaT, index=idle.index, dtype="datetime64[us, UTC]"),
        usd_month=idle["usd_month"].astype(float),
    )
    parts = [part[FORGOTTEN] for part in (reservations, held) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else reservations[FORGOTTEN]


# --- the ledger ---------------------------------------------------------------------------------------------


def with_outlook(frame: pd.DataFrame, outlooks: pd.DataFrame) -> pd.DataFrame:
    """Rows of accounts, or of functions' pools, with `runs_out`: of the account where they share it."""
    known = {(row["account"], row["region"], row["pool"]): runs_out(row) for row in _records(outlooks)}
    if "pool" in frame:
        own = frame["function"].where(frame["pool"] == "reserved", "(account)")
    else:
        own = pd.Series("(account)", index=frame.index)
    keys = zip(frame["account"], frame["region"], own, strict=True)
    return frame.assign(runs_out=pd.Series([known.get(key) for key in keys], index=frame.index, dtype=object))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def provisioned_rows(pools: pd.DataFrame) -> pd.DataFrame:
    """The `provisioned_use` frame with `note`: what to know of each pool first."""
    return pools.assign(note=[_pool_note(row) for row in _records(pools)])


def _pool_note(row: Mapping[str, Any]) -> str:
    if numbers.known(row["orphan"]):
        return str(row["orphan"])
    if numbers.known(row["spillover"]) and row["spillover"] > 0:
        n = row["spillover"]
        return f"full: {numbers.count(n)} {'invocation' if n == 1 else 'invocations'} ran on demand instead"
    if not numbers.known(row["invocations"]):
        return ""
    if row["invocations"] == 0:
        return "served nothing in this window"
    worked, even = row["worked_share"], row["break_even"]
    if numbers.known(worked) and numbers.known(even) and worked < even:
        return "costs more than on demand: what is bought is the wait that it spares"
    return ""


def unread(limits: pd.DataFrame) -> list[str]:
    """Accounts whose reservations were not all read, in words; `limits` with `place`."""
    return [
        f"{plain(row['place'])}: {row['reserved']:,.0f} are reserved, of which {row['reserved_read']:,.0f} "
        "are known by function: the details collector has not read the others yet, or may not."
        for row in limits.to_dict("records")
        if numbers.known(row["reserved"]) and row["reserved"] > row["reserved_read"]
    ]


def code_storage(limits: pd.DataFrame) -> str:
    """How much of each region's code storage is used, the fullest first; "" where nothing tells. `limits`
    with `place`."""
    shared = limits.assign(share=limits["code_bytes"] / limits["code_limit_bytes"])
    known = shared.dropna(subset=["share"]).sort_values("share", ascending=False)
    if known.empty:
        return ""
    said = [
        f"{plain(row['place'])} {numbers.size(row['code_bytes'])} of {numbers.size(row['code_limit_bytes'])}"
        f" ({numbers.percent(row['share'])})"
        for row in known.head(STORED).to_dict("records")
    ]
    more = f"; {len(known) - STORED:,} more in the file" if len(known) > STORED else ""
    mark = ":orange[:material/warning:] " if known["share"].iloc[0] >= NEARLY else ""
    return f"{mark}Code that functions, versions and layers store: {', '.join(said)}{more}."


STORED, NEARLY = 4, 0.8
"""Regions whose code storage is told, and the share of it at which deploys may soon be refused."""


def outlook_sentence(outlooks: pd.DataFrame, account: str, region: str) -> str:
    """When the account's limit is met, and how fast one function alone could do it."""
    mine = outlooks[
        (outlooks["account"] == account) & (outlooks["region"] == region) & (outlooks["pool"] == "(account)")
    ]
    if mine.empty or not numbers.known(mine.iloc[0]["soonest_s"]):
        return "When this limit is met is not known: nothing was claimed in the last 30 minutes, or not read."
    row = mine.iloc[0]
    alone = f"{row['soonest_s']:,.1f} s" if row["soonest_s"] >= 0.1 else "a tenth of a second"
    how = f" ({words})" if (words := sure(row["confidence"])) else ""
    fast = f"One function alone may take what is left in {alone}: Lambda adds up to 1,000 per 10 s to each."
    return f"{plain(row['says'])}{how}. {fast}"


def minute(at: datetime | None, users: pd.DataFrame, zone: tzinfo, *, now: datetime, chosen: bool) -> str:
    """Which minute the users are of."""
    if at is None or users.empty:
        return "No function's concurrency was told for this time."
    which = "the chosen time's busiest minute" if chosen else "the busiest minute of this window"
    together = users["concurrent_max"].sum() / users["share"].sum()
    when = numbers.clock(at, zone, now=now)
    return (
        f"At {when}, {which}: all functions together used {numbers.count(round(together))}. "
        "Who took most above the usual comes first."
    )
