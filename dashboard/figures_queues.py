"""What the Queues page says in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from core.draining import DRAINING, GROWING, HELD, STEADY
from dashboard import numbers
from dashboard.answers import total
from dashboard.seen import seen
from dashboard.widgets import Card

ARRIVALS = (
    "An arrival counts even if it was drained at once: the larger of what was sent, and what the depth "
    "grew by plus what was deleted. SQS itself does not count a redrive as sent."
)

DRAINS = (
    "From the last 30 minutes: messages there / (deleted - arrived) a second. `grows`: more comes in than is "
    "taken out; `held`: nothing comes in and nobody takes out."
)
EXPIRES = "When SQS deletes the oldest message, at the latest: a dead letter keeps the age it came with."


def cards(queues: pd.DataFrame) -> list[Card]:
    """From the `queues` reader's frame."""
    dead, source = queues[queues["role"] == "dead-letter"], queues[queues["role"] == "source"]
    return [
        _card(
            "In dead-letter queues",
            numbers.count(total(dead["depth"])),
            "Messages there now, in flight too.",
            dead,
        ),
        _card(
            "Dead-letter arrivals", numbers.count(total(dead["arrivals"])), ARRIVALS, dead, "in this window"
        ),
        _card(
            "Oldest dead letter", _oldest(dead), "Age of the oldest message, as SQS reports it.", dead, "now"
        ),
        _card(
            "Waiting in sources",
            numbers.count(total(source["visible"])),
            "Messages that wait for a function.",
            source,
        ),
        _card(
            "Oldest waiting",
            _oldest(source),
            "Age of the oldest message that waits for a function.",
            source,
            "now",
        ),
        _card(
            "In minus out",
            balance(source),
            "Messages sent to source queues minus those deleted from them: above zero, work piles up.",
            source,
            "in this window",
        ),
    ]


def settings(row: Mapping[str, Any] | pd.Series[Any]) -> str:
    """How the queue is set, in a line; what is not known is left out."""
    known = {
        "messages are kept": _age(row["retention_s"]),
        "hidden while in flight": _age(row["visibility_timeout_s"]),
        "receives before the dead-letter queue": numbers.count(row["max_receive_count"]),
    }
    said = " · ".join(
        f"{what}: {value}" for what, value in known.items() if value not in (None, numbers.UNKNOWN)
    )
    rest = "A dead letter keeps the age that it had in its source queue."
    return f"{said[0].upper()}{said[1:]}. {rest}" if said else rest


def balance(source: pd.DataFrame) -> str:
    sent, deleted = total(source["sent"]), total(source["deleted"])
    return numbers.UNKNOWN if sent is None or deleted is None else f"{sent - deleted:+,.0f}"


def rows(queues: pd.DataFrame, drains: pd.DataFrame) -> pd.DataFrame:
    """The table: the reader's columns with `owner`, `age`, `expires` and (from the `drains` reader) `drains`
    in words, None when unknown."""
    rows = drains[["arn", "outlook", "drains_in_s"]].to_dict("records")
    outlook = {row["arn"]: drains_in(row) for row in rows}
    words: dict[str, list[Any]] = {
        "arrivals": list(queues["arrivals"].where(queues["role"] == "dead-letter")),
        "owner": [", ".join(map(str, names)) for names in queues["functions"]],
        "age": [_age(seconds) for seconds in queues["oldest_age_s"]],
        "expires": [_age(seconds) for seconds in queues["retention_left_s"]],
        "drains": [outlook.get(arn) for arn in queues["arn"]],
    }
    return queues.assign(**words)


def drains_in(row: Mapping[Any, Any]) -> str | None:
    """How long until a queue is empty, or why that is not in sight; None when it is empty or not known."""
    if row["outlook"] == DRAINING:
        return _age(round(row["drains_in_s"]))
    return {GROWING: "grows", HELD: "held", STEADY: "steady"}.get(row["outlook"])


def outlook(drains: pd.DataFrame, arn: str) -> str:
    """What is said of one queue's next hours, as Markdown; empty when nothing is."""
    mine = drains[drains["arn"] == arn]
    if mine.empty:
        return ""
    return f"In the last 30 minutes: {numbers.plain(mine['says'].iloc[0])}."


def _card(label: str, value: str, help: str, queues: pd.DataFrame, under: str | None = None) -> Card:
    about = seen(queues, ["arn"])
    return Card(
        label=label,
        value=value,
        help=about.help(help, "queues"),
        delta=under or f"{len(queues)} {'queue' if len(queues) == 1 else 'queues'}",
        arrow="off",
        **about.marks(),
    )


def _oldest(queues: pd.DataFrame) -> str:
    known = [float(age) for age in queues["oldest_age_s"] if numbers.known(age)]
    return numbers.age(max(known)) if known else numbers.UNKNOWN


def _age(seconds: float | None) -> str | None:
    return numbers.age(float(seconds)) if seconds is not None and numbers.known(seconds) else None
