"""Minute frames of the store as matrices: a row per subject, a column per minute; missing is NaN."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alerts.ledger import aliases
from alerts.rule import Subject
from core.facts import Function, Target
from core.windows import MINUTE, Window
from store.readers import signals
from store.store import Store

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FLAGS = ("collected", "records_collected", "provisional")


@dataclass(frozen=True)
class Grid:
    """`values[column][subject, minute]`; a minute is named by its end. A flag that nothing was said about is
    False, except `provisional`, which is True then."""

    subjects: tuple[Subject, ...]
    ends: tuple[datetime, ...]
    values: Mapping[str, Floats]
    flags: Mapping[str, Bools]

    def take(self, rows: Sequence[int], *, newest: int) -> Grid:
        """Only these subjects and the newest so many minutes."""
        at, since = np.asarray(rows, dtype=np.int64), max(len(self.ends) - newest, 0)
        return Grid(
            tuple(self.subjects[row] for row in rows),
            self.ends[since:],
            {name: value[at, since:] for name, value in self.values.items()},
            {name: flag[at, since:] for name, flag in self.flags.items()},
        )


def to_grid(frame: pd.DataFrame, window: Window, subjects: Sequence[Subject], names: str) -> Grid:
    """Place the rows of `frame` (account, region, `names`, ts, numbers, flags) by subject and minute."""
    minutes = int(window.duration / MINUTE)
    rows = {subject.key: at for at, subject in enumerate(subjects)}
    keys = zip(frame["account"], frame["region"], frame[names], strict=True)
    row = np.fromiter((rows.get(key, -1) for key in keys), dtype=np.int64, count=len(frame))
    at = ((frame["ts"] - window.start) // MINUTE).to_numpy(dtype=np.int64)
    inside = (row >= 0) & (at >= 0) & (at < minutes)
    row, at, shape = row[inside], at[inside], (len(subjects), minutes)
    values, flags = dict[str, Floats](), dict[str, Bools]()
    for column in frame.columns:
        if column in FLAGS:
            flag = np.full(shape, column == "provisional")
            flag[row, at] = frame[column].to_numpy(dtype=bool)[inside]
            flags[column] = flag
        elif pd.api.types.is_numeric_dtype(frame[column]):
            value = np.full(shape, np.nan)
            value[row, at] = frame[column].to_numpy(dtype=float, na_value=np.nan)[inside]
            values[column] = value
    ends = tuple(window.start + (step + 1) * MINUTE for step in range(minutes))
    return Grid(tuple(subjects), ends, values, flags)


def read_grid(store: Store, kind: str, window: Window, *, now: datetime) -> Grid:
    """What the store knows about all subjects of `kind` in `window`."""
    return _READ[kind](store, window, now)


def _functions(store: Store, window: Window, now: datetime) -> Grid:
    frame = signals.function_minutes(store, window, now=now)
    known = _configurations(store)
    subjects = [_function(key, known.get(key), known) for key in _keys(frame, "function")]
    grid = to_grid(frame, window, subjects, "function")
    timeouts = [_timeout_ms(known, subject) for subject in subjects]
    share = grid.values["duration_p95_ms"] / np.array(timeouts, dtype=float).reshape(-1, 1)
    return Grid(grid.subjects, grid.ends, {**grid.values, "timeout_share": share}, grid.flags)


Known = Mapping[tuple[str, str, str], tuple[Function, str | None]]


def _configurations(store: Store) -> Known:
    """Configuration and account alias by account, region and function."""
    found = {}
    for target, alias in aliases(store).items():
        for function in store.inventory(target).functions:
            found[(target.account, target.region, function.name)] = (function, alias)
    return found


def _function(key: tuple[str, str, str], found: tuple[Function, str | None] | None, known: Known) -> Subject:
    if found is None:
        return Subject("function", *key)
    function, alias = found
    return Subject("function", *key, alias=alias, runtime=function.runtime, tags=function.tags)


def _timeout_ms(known: Known, subject: Subject) -> float:
    found = known.get(subject.key)
    timeout_s = found[0].timeout_s if found else None
    return timeout_s * 1000 if timeout_s else float("nan")


def _queues(store: Store, window: Window, now: datetime) -> Grid:
    frame = signals.queue_minutes(store, window, now=now)
    named = aliases(store)
    first = frame.drop_duplicates(["account", "region", "queue"])
    subjects = [_queue(row, named) for row in first.to_dict("records")]
    return to_grid(frame, window, subjects, "queue")


def _queue(row: Mapping[Any, Any], named: Mapping[Target, str | None]) -> Subject:
    key = row["account"], row["region"], row["queue"]
    alias = named.get(Target(row["account"], row["region"]))
    return Subject("queue", *key, alias=alias, functions=tuple(row["functions"]), role=row["role"])


def _accounts(store: Store, window: Window, now: datetime) -> Grid:
    frame = signals.account_minutes(store, window, now=now).assign(name="account")
    frame["headroom_share"] = frame["headroom"].astype(float) / frame["limit"].astype(float)
    named = aliases(store)
    subjects = [
        Subject("account", *key, alias=named.get(Target(key[0], key[1]))) for key in _keys(frame, "name")
    ]
    return to_grid(frame, window, subjects, "name")


def _collectors(store: Store, window: Window, now: datetime) -> Grid:
    """One column, now: how long each collector has been failing; 0 when its last run went well."""
    frame = signals.collection_state(store, now=now)
    named = aliases(store)
    end = window.end
    subjects = [
        Subject("collector", *key, alias=named.get(Target(key[0], key[1])))
        for key in _keys(frame, "collector")
    ]
    minute = Window(end - MINUTE, end)
    failing = [_failing_minutes(since, now) for since in frame["failing_since"]]
    ran = frame["outcome"].notna()
    rows = frame.assign(ts=minute.start, failing_minutes=failing, collected=ran, provisional=False)
    return to_grid(rows, minute, subjects, "collector")


def _failing_minutes(since: Any, now: datetime) -> float:
    return 0.0 if pd.isna(since) else max((now - since) / timedelta(minutes=1), 0.0)


def _keys(frame: pd.DataFrame, name: str) -> list[tuple[str, str, str]]:
    return list(frame[["account", "region", name]].drop_duplicates().itertuples(index=False, name=None))


_READ: Mapping[str, Callable[[Store, Window, datetime], Grid]] = {
    "function": _functions,
    "queue": _queues,
    "account": _accounts,
    "collector": _collectors,
}
