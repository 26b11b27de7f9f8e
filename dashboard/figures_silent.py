"""What the Silent stops page says: who stopped, by what it is known, and what nobody is accused of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pandas as pd

from core.silence import (
    DELETED,
    HABIT,
    LEAST_KNOWN,
    LEAST_RUNS,
    RUNS,
    STOPPED,
    TIMES,
    TIMES_IF_UNEVEN,
    UNJUDGED,
    UNKNOWN,
)
from core.windows import MINUTE, Window, ceil, floor
from dashboard import numbers
from dashboard.answers import Answer
from dashboard.numbers import plain
from dashboard.widgets import Card

NEW = timedelta(days=1)
"""What stopped this lately may still be put right in time."""

NO_LINK = "none seen"
NAMED = 5
JUDGED = (
    "A function has stopped when its schedule (EventBridge rule or Scheduler) was due and nothing ran since, "
    f"or when it is silent for more than {TIMES} times the longest pause of an even habit, "
    f"{TIMES_IF_UNEVEN} times that of an uneven one. A habit takes {LEAST_RUNS} runs over "
    f"{LEAST_KNOWN.days} days, eight days if it rests for hours. What runs more seldom is not judged."
)
SURE = (
    "A schedule is AWS's own word. A habit's confidence is 1 - 1 / (steps with runs): the chance that the "
    "next pause is not the longest of all, if pauses come in any order."
)


@dataclass(frozen=True, slots=True)
class Found:
    """The reader's frame by what is said of a function: it ran and stopped, or was never seen to run, ..."""

    stopped: pd.DataFrame
    never_ran: pd.DataFrame
    unknown: pd.DataFrame
    deleted: pd.DataFrame
    runs: int
    not_judged: pd.DataFrame

    @classmethod
    def of(cls, stops: pd.DataFrame) -> Found:
        state, ran = stops["state"], stops["last_invocation"].notna()
        return cls(
            stopped=stops[(state == STOPPED) & ran],
            never_ran=stops[(state == STOPPED) & ~ran],
            unknown=stops[state == UNKNOWN],
            deleted=stops[state == DELETED],
            runs=int((state == RUNS).sum()),
            not_judged=stops[state == UNJUDGED],
        )


def answer(found: Found) -> Answer:
    """Who stopped, or that nobody has as far as is known."""
    if found.stopped.empty:
        return _nothing_stopped(found)
    newest = found.stopped.sort_values("silent_for_s").iloc[0]
    state = "critical" if newest["silent_for_s"] <= NEW.total_seconds() else "warning"
    n, silent = len(found.stopped), numbers.age(newest["silent_for_s"])
    who = f"{plain(newest['function'])} is silent for {silent}"
    text = (
        f"**{_functions(n)} {'has' if n == 1 else 'have'} stopped**: {'the newest, ' if n > 1 else ''}{who}."
    )
    return Answer(state, text, plain(newest["broken"] or "no broken link is seen between its sources and it"))


def _nothing_stopped(found: Found) -> Answer:
    if len(found.unknown):
        text = f"**Nothing is seen to have stopped, but {_functions(len(found.unknown))} cannot be judged.**"
        return Answer("not collected", text, plain(found.unknown["says"].iloc[0]))
    run = f"{_functions(found.runs)} {'runs' if found.runs == 1 else 'run'}"
    text = f"**Nothing has stopped**: {run} as expected."
    rest = len(found.not_judged)
    more = f"{_functions(rest)} without a schedule or a habit {'is' if rest == 1 else 'are'} not judged"
    return Answer("healthy" if found.runs else "info", text, more if rest else "")


def cards(found: Found) -> list[Card]:
    silent, n = found.stopped["silent_for_s"], len(found.stopped)
    named = int(found.stopped["broken"].notna().sum())
    return [
        _card("Stopped", numbers.count(n), JUDGED, "now"),
        _card("Newest stop", _age(silent.min() if n else None), "Since its last run.", "silent for"),
        _card("Longest silent", _age(silent.max() if n else None), "Since its last run.", "silent for"),
        _card(
            "Cause named",
            f"{named} of {n}" if n else numbers.UNKNOWN,
            "A rule, mapping, permission or limit between its sources and it is seen to be broken.",
            "of the stopped",
        ),
        _card("Run as expected", numbers.count(found.runs), JUDGED, "by schedule or habit"),
        _card(
            "Cannot be judged",
            numbers.count(len(found.unknown)),
            "What they did since they were due was not collected; the reasons are below.",
            f"and {len(found.not_judged):,} with no habit",
        ),
    ]


def _card(label: str, value: str, help: str, under: str) -> Card:
    return Card(label=label, value=value, help=help, delta=under, arrow="off")


def rows(stops: pd.DataFrame, zone: tzinfo, now: datetime) -> pd.DataFrame:
    """The table: the reader's columns with `link`, `silent`, `known_by` and `change` (when the link broke,
    else when it last ran) in words, and `bars` without what was not collected: bars have no gaps."""
    words: dict[str, list[Any]] = {
        "link": [text or NO_LINK for text in stops["broken"]],
        "silent": [_age(seconds) for seconds in stops["silent_for_s"]],
        "known_by": [known_by(row) for row in stops.to_dict("records")],
        "change": [
            numbers.clock(at, zone, now=now) if (at := changed_at(row)) is not None else None
            for row in stops.to_dict("records")
        ],
        "bars": [
            [float(n) for n in bars if numbers.known(n)] if isinstance(bars, list) else []
            for bars in stops["runs"]
        ],
    }
    return stops.assign(**words)


def known_by(row: Mapping[Any, Any]) -> str:
    """`schedule`, or how sure the habit is."""
    if row["expected_by"] == HABIT:
        return f"learned, {numbers.percent(row['confidence'])} sure"
    return "schedule" if row["expected_by"] else "reserved 0"


def changed_at(row: Mapping[Any, Any]) -> datetime | None:
    """When what stopped it happened, as near as is known."""
    for at in (row["broken_since"], row["last_invocation"]):
        if numbers.known(at):
            return pd.Timestamp(at).to_pydatetime()
    return None


def expected(row: Mapping[Any, Any], place: str, zone: tzinfo, now: datetime) -> str:
    """What was expected of one function and what was seen, as Markdown."""
    due, last = (numbers.clock(row[name], zone, now=now) for name in ("due", "last_invocation"))
    about = f"**{plain(row['function'])}** :small[:gray[{plain(place)}]]  \n"
    if row["expected_by"] == HABIT:
        what = f"Learned from its history ({known_by(row)}): {plain(row['expected'])}. Due by {due}"
    elif row["expected_by"]:
        what = f"By its schedule {plain(row['expected'])} it was due by {due}"
    else:
        what = "It has neither schedule nor habit, and may not run"
    if not numbers.known(row["last_invocation"]):
        return f"{about}{what}; no run of it is known."
    return f"{about}{what}; it last ran {last}, {_age(row['silent_for_s'])} ago."


def around(row: Mapping[Any, Any], now: datetime) -> Window:
    """From a week before its last run until now: rounded, so that viewers share answers."""
    last = row["last_invocation"]
    start = (pd.Timestamp(last).to_pydatetime() if numbers.known(last) else now) - timedelta(days=7)
    return Window(floor(start, 60 * MINUTE), ceil(now, 5 * MINUTE))


def because(frame: pd.DataFrame) -> list[str]:
    """Why functions cannot be judged, the commonest reason first, as Markdown."""
    counts = Counter(str(says) for says in frame["says"])
    said = []
    for says, n in counts.most_common():
        names = [plain(name) for name in frame[frame["says"] == says]["function"]]
        more = f" and {n - NAMED:,} more" if n > NAMED else ""
        said.append(f"**{_functions(n)}**: {plain(says)}. :gray[{', '.join(names[:NAMED])}{more}]")
    return said


def _functions(n: int) -> str:
    return f"{n:,} {'function' if n == 1 else 'functions'}"


def _age(seconds: Any) -> str:
    return numbers.age(float(seconds)) if numbers.known(seconds) else numbers.UNKNOWN
