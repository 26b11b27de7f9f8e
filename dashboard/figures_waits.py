"""What waits for a function, as Markdown: asynchronous events, streams behind, queues, dead letters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboard import numbers
from dashboard.figures import reason
from dashboard.numbers import plain
from store.readers.particulars import Durable

Row = Mapping[Any, Any]

BEHIND_S = 60
"""Streams that are less behind are as live as they get: records are read in batches."""


def waits(
    events: pd.DataFrame, mappings: pd.DataFrame, queues: pd.DataFrame, durable: Durable | None = None
) -> list[str]:
    """Sentences of what waits or was lost, losses first; empty when nothing of it has a way to wait."""
    said = [
        _durable(durable),
        *(_queue(row) for row in queues.to_dict("records")),
        *(_event(row) for row in events.to_dict("records")),
        *(_stream(row) for row in mappings.to_dict("records")),
    ]
    return [text for _, text in sorted((one for one in said if one), key=lambda one: not one[0])]


Said = tuple[bool, str] | None
"""Whether it is bad, and the sentence."""


def _durable(found: Durable | None) -> Said:
    if found is None or not (found.failed or found.timed_out):
        return None
    lost = numbers.count(found.failed + found.timed_out)
    word = "execution" if lost == "1" else "executions"
    started = numbers.count(found.started)
    return True, f"{_bad('sync_problem')} **{lost} durable {word} failed or timed out**; {started} started"


def _event(row: Row) -> Said:
    dropped, received = row["dropped"], row["received"]
    if numbers.known(dropped) and dropped > 0:
        kept = ", ".join(plain(str(arn).rsplit(":", 1)[-1]) for arn in row["drops_go_to"])
        where = f"kept in {kept}" if kept else "nothing catches them"
        word = "event" if dropped == 1 else "events"
        return True, f"{_bad('delete_sweep')} **{numbers.count(dropped)} async {word} dropped**: {where}"
    if not numbers.known(received):
        return False, f"async events not collected: {plain(reason(row['state']) or 'not yet')}"
    oldest = (
        f", the longest wait {numbers.age(float(row['age_max_s']))}"
        if numbers.known(row["age_max_s"])
        else ""
    )
    return (False, f"{numbers.count(received)} async events{oldest}") if received else None


def _stream(row: Row) -> Said:
    behind, source = row["iterator_age_s"], plain(row["source"])
    if not numbers.known(behind):
        return None
    since = f" · {plain(row['hint'])}" if row["hint"] else ""
    if behind >= BEHIND_S:
        return True, f"{_bad('hourglass_bottom')} **{source} is {numbers.age(float(behind))} behind**{since}"
    return False, f"{source} is {numbers.age(float(behind))} behind{since}"


def _queue(row: Row) -> Said:
    depth, name = row["depth"], plain(row["queue"])
    if not numbers.known(depth):
        return False, f"{name}: messages not collected: {plain(reason(row['state']) or 'not yet')}"
    oldest = row["oldest_age_s"]
    age = f", the oldest {numbers.age(float(oldest))} old" if depth and numbers.known(oldest) else ""
    if row["role"] != "dead-letter":
        return False, f"{name}: {numbers.count(depth)} waiting{age}"
    if depth > 0:
        return True, f"{_bad('inbox')} **{name} holds {numbers.count(depth)} dead letters**{age}"
    return False, f"{name}: no dead letter"


def _bad(icon: str) -> str:
    return f":red[:material/{icon}:]"


def queue_rows(queues: pd.DataFrame) -> pd.DataFrame:
    """The table of its queues: the reader's columns with `oldest` in words and a state in words."""
    words: dict[str, list[Any]] = {
        "oldest": [_age(seconds) for seconds in queues["oldest_age_s"]],
        "state": [state if isinstance(state, str) else "settled" for state in queues["state"]],
    }
    return queues.assign(**words)


def event_words(row: Row) -> list[str]:
    """Settings and losses of its asynchronous events, as Markdown lines."""
    goes = [plain(str(arn).rsplit(":", 1)[-1]) for arn in row["drops_go_to"]]
    within = _age(row["max_age_s"]) or "an unknown time"
    settings = (
        f"Retried {numbers.count(row['max_retries'])} times within {within}; what is dropped "
        f"goes to {', '.join(goes) or 'nowhere'}."
    )
    counts = (
        f"**{numbers.count(row['received'])}** received, **{numbers.count(row['dropped'])}** dropped, "
        f"the longest wait **{_age(row['age_max_s']) or numbers.UNKNOWN}**."
    )
    note = [f":orange[:material/warning:] {plain(row['note'])}"] if row["note"] else []
    return [counts, *note, settings]


def _age(seconds: Any) -> str | None:
    return numbers.age(float(seconds)) if numbers.known(seconds) else None
