"""What a function's page says of changes: which stretch a change's diff covers, and the diff as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pandas as pd

from core.windows import Window
from dashboard import numbers
from dashboard.numbers import plain
from store.readers.changes import PUBLISH_TAKES

Row = Mapping[Any, Any]

JUST_BEFORE = timedelta(milliseconds=1)
UNWATCHED = "before we watched"
DIFF_COLUMNS = ["thing", "setting", "before", "after"]


def span(changes: pd.DataFrame) -> Window:
    """From before the change(s) of one moment until after them. A deploy's code is uploaded, its version
    published and its alias moved within `PUBLISH_TAKES`: they belong together."""
    ts = changes["ts"].iloc[0].to_pydatetime()
    takes = PUBLISH_TAKES if (changes["kind"] == "deploy").any() else JUST_BEFORE
    return Window(ts - takes, ts + (takes if takes is PUBLISH_TAKES else timedelta()))


def at(changes: pd.DataFrame, asked: str) -> pd.DataFrame:
    """The changes of the moment that an address names; empty if there are none, or it names none."""
    try:
        moment = datetime.fromisoformat(asked)
    except ValueError:
        return changes.iloc[:0]
    return changes[changes["ts"] == moment] if moment.tzinfo and not changes.empty else changes.iloc[:0]


def diff_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a diff as a table: thing, setting, before, after. A thing that appeared or went says so."""
    whole = rows["field"] == ""
    return pd.DataFrame(
        {
            "thing": rows["title"],
            "setting": rows["label"].where(~whole, "itself"),
            "before": rows["old"]
            .where(~whole, "there")
            .where(~whole | (rows["new"] != "appeared"), "not there"),
            "after": rows["new"],
        },
        columns=pd.Index(DIFF_COLUMNS),
    ).astype(object)


def runtimes(changes: pd.DataFrame) -> pd.DataFrame:
    """The rows of runtime updates among changes, with both ARNs whole: an ARN is what a rollback names."""
    found = changes[changes["kind"] == "runtime"]
    rows = [("Runtime", f"on {row['version']}", row["old"], row["new"]) for row in found.to_dict("records")]
    return pd.DataFrame(rows, columns=pd.Index(DIFF_COLUMNS), dtype=object)


def uncalled(kind: str) -> str:
    """Why nobody is named for a change."""
    if kind == "runtime":
        return "by Lambda itself, as far as is known: it updates runtimes unless their management is manual"
    return "who called for it is not known: CloudTrail has no such call, or is not read"


def both(published: Sequence[pd.DataFrame], rows: pd.DataFrame) -> pd.DataFrame:
    """What published versions differ in, then what else differs: a field that both tell of is told once."""
    told = {str(field) for one in published for field in one["field"]}
    again = rows["kind"].isin(["function", "version"]) & rows["field"].isin(told)
    return pd.concat([*published, rows[~again]], ignore_index=True)


def nothing(span: Window, known_since: datetime | None) -> str:
    """Why a diff is empty: nothing that is kept differs, or nobody watched then."""
    if known_since is None or known_since > span.start:
        return "What this changed is not known: the function was not watched then."
    return "No field that is kept here differs."


def compared(span: Window, known_since: datetime | None, *, zone: tzinfo, now: datetime) -> str:
    """Which two moments a diff compares, as Markdown, and what it cannot know."""
    said = f"Configuration at {_second(span.start, zone, now)} against {_second(span.end, zone, now)}."
    if known_since is not None and known_since > span.start:
        since = plain(numbers.clock(known_since, zone, now=now))
        said += f" It is watched since {since}: what changed earlier is not known, only that it did."
    return said


def _second(ts: datetime, zone: tzinfo, now: datetime) -> str:
    return f"{plain(numbers.clock(ts, zone, now=now))}\\:{ts.astimezone(zone):%S}"


def changed_text(changed_at: pd.Series[Any], *, zone: tzinfo) -> list[str]:
    """When each setting last changed, in words: `before we watched` where no change was seen."""
    return [
        f"{ts.astimezone(zone).day} {ts.astimezone(zone):%b %Y, %H:%M}" if numbers.known(ts) else UNWATCHED
        for ts in changed_at
    ]


def watched(settings: pd.DataFrame, known_since: datetime | None, *, zone: tzinfo, now: datetime) -> str:
    """What `before we watched` means for this function, with the date that AWS gives."""
    aws = settings.loc[settings["field"] == "last_modified", "value"]
    said = (
        f"Watched since {plain(numbers.clock(known_since, zone, now=now))}" if known_since else "Not watched"
    )
    if aws.empty or not str(aws.iloc[0])[:1].isdecimal():
        return f"{said}."
    return f"{said}. AWS dates the last change of its code or configuration {plain(aws.iloc[0])}."
