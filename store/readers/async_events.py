"""Asynchronous invocations: received, dropped, how old, and where failures go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from core.lint_failures import DEFAULT_MAX_AGE_S, DEFAULT_RETRIES
from core.windows import Window
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import rows
from store.readers.records import FUNCTION_POINTS
from store.readers.states import known
from store.readers.things import EVERYTHING, Place, Thing, Things, matches, sql_where
from store.store import Filter, Snapshot, Store

SUMS = ("async_received", "async_dropped", "dead_letter_errors", "destination_failures")
COLUMNS = [
    *("account", "region", "function", "received", "dropped", "age_max_s", "letters_lost"),
    *("destination_failures", "max_retries", "max_age_s", "drops_go_to", "successes_go_to", "note", "state"),
]


@reader
def async_events(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Per function that received asynchronous events in the window, or has settings for them: account,
    region, function, received, dropped (even if a destination or a dead-letter queue took it then),
    age_max_s (NaN when silent), letters_lost (DeadLetterErrors: the dead-letter queue did not take them),
    destination_failures, max_retries and max_age_s (of unqualified events; AWS's defaults where none are
    set), drops_go_to and successes_go_to (lists of ARNs), note (what is lost for good, or ""), state.
    Losses first."""
    with store.snapshot(window, ("metrics",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        things = Things.read(snapshot, "function", "invoke_config", where=where)
        sums = _sums(snapshot, where)
    configs: dict[Place, list[Mapping[str, Any]]] = defaultdict(list)
    for thing in things.of("invoke_config"):
        configs[thing.place].append(thing.body)
    lines = [
        _events(thing, sums.get(thing.place), configs.get(thing.place, []), coverage)
        for thing in things.of("function")
        if matches(where, thing.account, thing.region, thing.function)
    ]
    frame = pd.DataFrame([line for line in lines if line], columns=pd.Index(COLUMNS))
    numbers = ["received", "dropped", "age_max_s", "letters_lost", "destination_failures"]
    frame[numbers] = frame[numbers].astype(float)
    lost = frame["note"] != ""
    order = frame.assign(lost=lost).sort_values(
        ["lost", "dropped", "function"], ascending=[False, False, True]
    )
    return frame.loc[order.index].reset_index(drop=True)


def _sums(snapshot: Snapshot, where: Filter) -> dict[Place, Any]:
    wanted, params = sql_where(where)
    sums = ", ".join(f"sum({name}) AS {name}" for name in SUMS)
    frame = snapshot.frame(
        f"""SELECT account, region, "function", {sums}, max(async_age_max_ms) / 1000 AS age_max_s
        FROM metrics WHERE {FUNCTION_POINTS} AND {wanted} GROUP BY ALL""",
        params,
    )
    return {(row.account, row.region, row.function): row for row in rows(frame)}


def _events(
    thing: Thing, sums: Any, configs: Sequence[Mapping[str, Any]], coverage: Coverage
) -> dict[str, Any] | None:
    """A function's row; None if nothing tells of asynchronous events."""
    counts = {name: _zero(getattr(sums, name, None)) for name in SUMS}
    letters = thing.body.get("dead_letter_arn")
    if not any(counts.values()) and not configs and not letters:
        return None
    seen = coverage.seen("metrics", *thing.place)
    latest = next((c for c in configs if c.get("qualifier") == "$LATEST"), {})
    failures = sorted({arn for arn in (letters, *(c.get("on_failure") for c in configs)) if arn})
    return {
        "account": thing.account,
        "region": thing.region,
        "function": thing.function,
        "received": known(counts["async_received"], seen),
        "dropped": known(counts["async_dropped"], seen),
        "age_max_s": getattr(sums, "age_max_s", None),
        "letters_lost": known(counts["dead_letter_errors"], seen),
        "destination_failures": known(counts["destination_failures"], seen),
        "max_retries": _or(latest.get("max_retries"), DEFAULT_RETRIES),
        "max_age_s": _or(latest.get("max_age_s"), DEFAULT_MAX_AGE_S),
        "drops_go_to": failures,
        "successes_go_to": sorted({arn for c in configs if (arn := c.get("on_success"))}),
        "note": "; ".join(_losses(counts, failures)),
        "state": seen.state(),
    }


def _losses(counts: Mapping[str, float], failures: Sequence[str]) -> Iterator[str]:
    """What is lost for good."""
    if counts["async_dropped"] and not failures:
        yield f"{counted(counts['async_dropped'], 'event')} dropped and kept nowhere"
    if counts["dead_letter_errors"]:
        yield (
            f"{counted(counts['dead_letter_errors'], 'letter')} lost: Lambda could not write to the"
            " dead-letter queue (its permissions, size limit, or it is gone)"
        )
    if counts["destination_failures"]:
        yield f"{counted(counts['destination_failures'], 'record')} that did not reach the destination"


def counted(count: float, noun: str) -> str:
    """`1 event`, `2 events`."""
    return f"{count:,g} {noun}" + ("" if count == 1 else "s")


def _zero(value: Any) -> float:
    return 0.0 if value is None or pd.isna(value) else float(value)


def _or(value: Any, default: int) -> int:
    return default if value is None else int(value)
