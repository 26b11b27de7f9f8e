"""What Collection health says of the services: which live, what each watches, and what happened to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

import pandas as pd

from dashboard import numbers
from dashboard.numbers import plain
from store.journal import Entry
from store.readers.services import Living


def alone_lines(watches: pd.DataFrame, names: dict[str, str]) -> list[str]:
    """A line per target that nobody watches now; `watches` is the reader's frame."""
    return [
        f"**{plain(names.get(row['account'], row['account']))} {row['region']}** is watched by no service: "
        "nothing new of it is collected. A living service takes it over within 30 seconds; else start one "
        "with `quarterdeck service`."
        for row in watches[~watches["is_alive"].astype(bool)].to_dict("records")
    ]


def trouble_lines(happened: Sequence[Entry], *, zone: tzinfo, now: datetime) -> list[str]:
    """A line per job that fails now."""
    return [
        f"**{plain(entry.what)}** on {plain(entry.host)} fails since "
        f"{numbers.clock(entry.since, zone, now=now)}: {plain(entry.text)}. It is tried again at its turn."
        for entry in happened
        if entry.until is None
    ]


def over_lines(happened: Sequence[Entry], *, zone: tzinfo, now: datetime) -> list[str]:
    """A line per trouble that is over, and per takeover."""
    said = []
    for entry in happened:
        began = numbers.clock(entry.since, zone, now=now)
        if entry.until == entry.since:
            said.append(f"{began}: {plain(entry.text)}.")
        elif entry.until is not None:
            ended = numbers.clock(entry.until, zone, now=now)
            said.append(
                f"{began} to {ended}: {plain(entry.what)} on {plain(entry.host)}: {plain(entry.text)}."
            )
    return said


def service_rows(found: Sequence[Living]) -> pd.DataFrame:
    """host, targets, duty, last_beat, state (in words) and service per service."""
    rows = [
        (
            each.host,
            each.targets,
            "alerts, actions, pace" if each.is_on_duty else "",
            each.last_beat,
            "lives" if each.is_alive else "no sign of life",
            each.holder,
        )
        for each in found
    ]
    return pd.DataFrame(rows, columns=pd.Index(["host", "targets", "duty", "last_beat", "state", "service"]))
