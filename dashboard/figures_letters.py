"""What the Queues page says of lost work: where letters arrived and how that was counted, what to change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from dashboard import numbers
from dashboard.answers import total
from dashboard.numbers import plain

Row = Mapping[Any, Any]

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A mapping's name, which says nothing to people."""


def finding(row: Row, place: str) -> str:
    """One finding of the lint as Markdown: what, where, why it matters and what to change."""
    thing = name(row["where"])
    parts = row["function"], "" if thing == row["function"] or _UUID.fullmatch(thing) else thing, place
    about = " · ".join(plain(text) for text in parts if text)
    what, why, change = (plain(_capital(str(row[name]))) for name in ("what", "why", "change"))
    return f"**{what}** :small[:gray[{about}]]  \n:small[{why}. :gray[{change}.]]"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def name(where: Any) -> str:
    """What people call the thing of an ARN; a UUID or a name as it is."""
    return str(where or "").rsplit(":", 1)[-1]


def found(lint: pd.DataFrame) -> str:
    """How many findings there are: `2 critical, 5 warning, 1 info`."""
    counts = lint["severity"].value_counts()
    order = ("critical", "warning", "info")
    return ", ".join(f"{counts[word]:,} {word}" for word in order if word in counts)


def caveats(arrivals: pd.DataFrame) -> list[str]:
    """What each way of counting misses, once per way that was used."""
    used = arrivals.dropna(subset=["method"]).drop_duplicates("method")
    return [
        f"**{plain(row['method'])}**: {plain(row['caveat'])}."
        for row in used.to_dict("records")
        if row["caveat"]
    ]


def letters(arrivals: pd.DataFrame, queues: pd.DataFrame) -> pd.DataFrame:
    """The table of arrivals: the reader's columns with `goes_to` and `shared` in words, and `age` and
    `expires` of the oldest letter from the `queues` reader's frame. Most arrivals first, then what holds
    most."""
    known = queues.set_index("arn")[["oldest_age_s", "retention_left_s"]]
    there = known[~known.index.duplicated()].reindex(arrivals["arn"])
    goes_to = [
        str(row["queue"]) if row["place"] == "queue" else f"{row['queue']} ({row['place']})"
        for row in arrivals.to_dict("records")
    ]
    words: dict[str, list[Any]] = {
        "goes_to": goes_to,
        "shared": [", ".join(map(str, names)) for names in arrivals["shared_with"]],
        "age": [age(seconds) for seconds in there["oldest_age_s"]],
        "expires": [age(seconds) for seconds in there["retention_left_s"]],
    }
    order = arrivals.sort_values(
        ["arrived", "depth", "function", "via"], ascending=[False, False, True, True]
    )
    return arrivals.assign(**words).loc[order.index]


def events(frame: pd.DataFrame) -> pd.DataFrame:
    """The table of asynchronous events: `goes_to` where drops go (`nowhere` when nothing catches them) and
    ages in words."""
    words: dict[str, list[Any]] = {
        "goes_to": [", ".join(name(arn) for arn in arns) or "nowhere" for arns in frame["drops_go_to"]],
        "age": [age(seconds) for seconds in frame["age_max_s"]],
        "kept_for": [age(seconds) for seconds in frame["max_age_s"]],
    }
    return frame.assign(**words)


def lost(frame: pd.DataFrame) -> str:
    """From the `async_events` reader's frame: `3 events lost for good`, "" when none is known to be."""
    nowhere = frame.loc[[len(arns) == 0 for arns in frame["drops_go_to"]], "dropped"]
    count = sum(total(each) or 0 for each in (nowhere, frame["letters_lost"], frame["destination_failures"]))
    return f"{numbers.many(round(count), 'event', 'events')} lost for good" if count else ""


def streams(frame: pd.DataFrame) -> pd.DataFrame:
    """The table of mappings of streams, from the `mappings` reader's frame: ages in words."""
    frame = frame[frame["shared"] > 0]
    words: dict[str, list[Any]] = {
        "age": [age(seconds) for seconds in frame["iterator_age_s"]],
        "age_max": [age(seconds) for seconds in frame["iterator_age_max_s"]],
    }
    return frame.assign(**words)


def age(seconds: Any) -> str | None:
    return numbers.age(float(seconds)) if numbers.known(seconds) else None
