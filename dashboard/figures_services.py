"""What Collection health says of the services: which live, what each watches, and what happened to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

import pandas as pd

from dashboard import numbers
from dashboard.answers import Trouble
from dashboard.numbers import plain
from store.journal import Entry
from store.readers.budget import Budget, Unreached
from store.readers.services import Living


def troubles(
    *,
    watches: pd.DataFrame,
    unreached: Sequence[Unreached],
    budget: Budget,
    happened: Sequence[Entry],
    lost: pd.DataFrame,
) -> list[Trouble]:
    """What is wrong beside the collectors, worst first; arguments are what readers of these names give."""
    alone = int((~watches["is_alive"].astype(bool)).sum())
    failing = sum(entry.until is None for entry in happened)
    found = [
        (alone, "critical", f"{numbers.many(alone, 'target is', 'targets are')} watched by no service"),
        (
            len(budget.stopped),
            "critical",
            f"the budget is spent, and reading {plain(' and '.join(budget.stopped))} has stopped",
        ),
        (
            len(unreached),
            "critical",
            f"{numbers.many(len(unreached), 'target is', 'targets are')} not reached",
        ),
        (failing, "warning", f"{numbers.many(failing, 'job of a service fails', 'jobs of services fail')}"),
        (len(lost), "warning", f"{numbers.many(len(lost), 'file', 'files')} of the store cannot be read"),
    ]
    return [Trouble(state, text) for count, state, text in found if count]


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
