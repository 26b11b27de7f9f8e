"""What the Logs page says: its answer, its tables, one line in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

import pandas as pd

from core.signatures import without_layout
from core.windows import Window
from dashboard import numbers
from dashboard.answers import Answer
from dashboard.figures import reason
from dashboard.numbers import plain

Row = Mapping[str, Any]


def answer(
    groups: pd.DataFrame, unread: pd.DataFrame, *, window: Window, searched: bool, blind: str | None = None
) -> Answer:
    """How many lines of how many kinds, what is new, and what was not read; `blind` is why what came before
    the window, which tells what is new, cannot be read in full."""
    hole = not_read(unread)
    if groups.empty:
        if searched:
            return Answer("info", "**No kept line fits.**", hole)
        state = "not collected" if hole else "healthy"
        return Answer(state, "**No error line was kept in this window.**", hole)
    count, new = int(groups["count"].sum()), fresh(groups, window)
    kinds = f"{len(groups)} {'message' if len(groups) == 1 else 'messages'}"
    text = f"**{count:,} error {'line' if count == 1 else 'lines'}, {kinds}**"
    first = groups.iloc[0]
    said = [f"most: {plain(first['signature'])} on {plain(first['function'])} ({first['count']:,})", hole]
    if new and blind:
        said.append(f"new ones may be old: before this window {plain(blind)}")
    more = " · ".join(part for part in said if part)
    if new:
        return Answer("critical", f"{text}; **{new} not seen before**.", more)
    return Answer("warning", f"{text}; none is new.", more)


def fresh(groups: pd.DataFrame, window: Window) -> int:
    return int((groups["first_ever"] >= window.start).sum())


def not_read(unread: pd.DataFrame) -> str:
    """Which logs were not read in full, and why of the first."""
    if unread.empty:
        return ""
    many = f"{len(unread)} functions" if len(unread) > 1 else plain(unread["function"].iloc[0])
    return f"not read in full: {many}, {plain(reason(unread['state'].iloc[0]))}"


def group_rows(groups: pd.DataFrame, window: Window) -> pd.DataFrame:
    """The table of messages: the reader's columns with `new` (a list of one word, or none) and `who`."""
    words: dict[str, list[Any]] = {
        "new": [["new"] if first >= window.start else [] for first in groups["first_ever"]],
        "who": [
            _who(list(names), int(places))
            for names, places in zip(groups["functions"], groups["places"], strict=True)
        ],
    }
    return groups.assign(**words)


def _who(names: Sequence[str], places: int) -> str:
    return str(names[0]) if places == 1 else f"{places} functions: {', '.join(map(str, names[:4]))}"


def line_rows(lines: pd.DataFrame) -> pd.DataFrame:
    """The table of lines: `level` as a list of one word, the message on one line."""
    words: dict[str, list[Any]] = {
        "level": [[word] for word in lines["level"]],
        "shown": [without_layout(str(text))[:300] for text in lines["message"]],
    }
    return lines.assign(**words)


def text_of(lines: pd.DataFrame, *, zone: tzinfo, marked: str | None = None) -> str:
    """Lines as text, oldest first, the one whose event is `marked` with an arrow."""
    said = []
    for row in lines.to_dict("records"):
        mark = "▶" if row["event_id"] == marked else " "
        said.append(f"{mark} {moment(row['ts'], zone)}  {row['level']:<7}  {row['message']}")
    return "\n".join(said)


def moment(ts: datetime, zone: tzinfo) -> str:
    return f"{ts.astimezone(zone):%H:%M:%S.%f}"[:12]


def record_words(record: Row) -> str:
    """An invocation record in a line of plain text."""
    init = record["init_ms"] if record["init_ms"] is not None else record["restore_ms"]
    said = [
        f"{record['status']}{' (' + record['error_type'] + ')' if record['error_type'] else ''}",
        f"ran {numbers.ms(record['duration_ms'])}",
        *([f"cold start {numbers.ms(init)}"] if init is not None else []),
        f"used {numbers.megabytes(record['max_memory_mb'])} of {numbers.megabytes(record['memory_mb'])}",
        f"version {record['version'] or 'unknown'}",
    ]
    return " · ".join(said)


def price_words(usd: Decimal | None) -> str:
    """What a search in AWS costs, for a button and beside it."""
    if usd is None:
        return "price not known"
    if usd == 0:
        return "free of charge"
    return f"about {numbers.usd(usd)}" if usd >= Decimal("0.0001") else "less than $0.0001"
