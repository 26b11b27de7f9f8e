"""Queues that feed or catch functions, and dead letters."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from core.facts import Target
from core.windows import Window
from store.asking import reader
from store.readers.arrivals import PLACES, ways, why_unread
from store.readers.coverage import Coverage
from store.readers.frames import Grid, inside, with_none
from store.readers.letters import (
    DEAD_LETTER,
    LOOK_BACK,
    SOURCE,
    Roles,
    dead_letter_arrivals,
    queue_roles,
    role_and_functions,
    samples,
)
from store.readers.series import fill
from store.readers.states import known
from store.readers.things import Thing, Things
from store.store import Store

__all__ = ["dead_letter_arrivals", "queue_series", "queues", "unread"]

TRAFFIC = ["sent", "received", "deleted"]
MORE_TRAFFIC = ["empty_receives", "sent_bytes"]
LEVELS = ["visible_max", "not_visible_max", "oldest_age_max_s"]
SETTINGS = ("max_receive_count", "visibility_timeout_s", "retention_s")
DEPTHS = ["depth", "visible", "not_visible", "delayed"]
NUMBERS = [*DEPTHS, "oldest_age_s", "retention_left_s", "arrivals", *TRAFFIC, *MORE_TRAFFIC, *SETTINGS]
WHOSE = ["role", "functions", "consumers", "catches", "redrive_target", "is_fifo"]
COLUMNS = ["account", "region", "queue", "arn", *WHOSE, *NUMBERS, "note", "state"]

SAFE_TIMES_TIMEOUT = 6
"""AWS advises a visibility timeout of at least so many times the function's timeout."""


@reader
def queues(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """Per queue: account, region, queue (name), arn, role (dead-letter, source, destination), functions
    (list: whose it is), consumers (list: functions that it feeds), catches (list of phrases: whose
    failures), redrive_target, is_fifo, depth (visible + in flight + delayed, as last asked), visible,
    not_visible (in flight), delayed, oldest_age_s (newest sample's), retention_left_s (until the oldest
    message is deleted; at most, for a standard dead-letter queue's messages keep the age that they came
    with), arrivals (in the window; see `dead_letter_arrivals`), sent, received, deleted, empty_receives,
    sent_bytes, max_receive_count, visibility_timeout_s, retention_s, note (what is wrong with its
    settings, or ""), state (None: settled numbers). Dead-letter queues that hold messages first, by
    depth."""
    reach = Window(window.start - LOOK_BACK, window.end)
    with store.snapshot(reach, ("queue_samples",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        found = samples(snapshot, Coverage.read(snapshot, reach, now=now, only="queues"))
        things = Things.read(snapshot, "function", "mapping", "invoke_config", "queue")
    roles, timeouts = queue_roles(things), {t.place: t.body.get("timeout_s") for t in things.of("function")}
    inside_window = found[found["ts"] >= window.start]
    by_queue = {str(arn): one for arn, one in inside_window.groupby("queue")}
    catches: dict[str, list[str]] = defaultdict(list)
    for way in ways(things):
        catches[way.arn].append(f"{way.via}, {way.place[2]}")
    lines = [
        _queue(t, by_queue.get(t.name), roles, timeouts, coverage) | {"catches": sorted(catches[t.name])}
        for t in things.of("queue")
    ]
    frame = pd.DataFrame(lines, columns=pd.Index(COLUMNS))
    frame[NUMBERS] = frame[NUMBERS].astype(float)
    frame["state"] = with_none(frame["state"])
    holds = (frame["role"] == DEAD_LETTER) & (frame["depth"] > 0)
    order = (
        frame.assign(holds=holds)
        .sort_values(["holds", "depth", "queue"], ascending=[False, False, True])
        .index
    )
    return frame.loc[order].reset_index(drop=True)


def _queue(
    thing: Thing, mine: pd.DataFrame | None, roles: Roles, timeouts: Any, coverage: Coverage
) -> dict[str, Any]:
    body, seen = thing.body, coverage.seen("queues", thing.account, thing.region, thing.name)
    role, functions = role_and_functions(roles, thing.name)
    counts = {
        name: 0.0 if mine is None else float(mine[name].sum())
        for name in ("arrivals", *TRAFFIC, *MORE_TRAFFIC)
    }
    age_s = _newest(mine, "oldest_age_max_s")
    depths = [body.get(name) for name in ("visible", "not_visible", "delayed")]
    return {
        "account": thing.account,
        "region": thing.region,
        "queue": thing.name.rsplit(":", 1)[-1],
        "arn": thing.name,
        "role": role,
        "functions": functions,
        "consumers": sorted({place[2] for place in roles.get(thing.name, {}).get(SOURCE, ())}),
        "redrive_target": body.get("redrive_target"),
        "is_fifo": thing.name.endswith(".fifo"),
        "depth": None if depths[0] is None else sum(depth or 0 for depth in depths),
        "visible": body.get("visible"),
        "not_visible": body.get("not_visible"),
        "delayed": body.get("delayed"),
        "oldest_age_s": age_s,
        "retention_left_s": _left(body.get("retention_s"), age_s, depths),
        **{name: known(value, seen) for name, value in counts.items()},
        **{name: body.get(name) for name in SETTINGS},
        "note": _note(thing, roles, timeouts),
        "state": seen.state(),
    }


def _left(retention_s: int | None, age_s: float, depths: list[int | None]) -> float:
    """Seconds until the oldest message is deleted; NaN where there is none, or its age is not told."""
    if retention_s is None or not any(depths):
        return np.nan
    return max(0.0, retention_s - age_s)


def _newest(mine: pd.DataFrame | None, name: str) -> float:
    """The newest sample that tells `name`."""
    told = mine[name].dropna() if mine is not None else pd.Series(dtype=float)
    return float(told.iloc[-1]) if len(told) else np.nan


def _note(thing: Thing, roles: Roles, timeouts: Any) -> str:
    """What of a source queue's settings loses or repeats work."""
    said = []
    visibility = thing.body.get("visibility_timeout_s")
    for place in sorted(roles.get(thing.name, {}).get(SOURCE, ())):
        timeout = timeouts.get(place)
        if visibility is not None and timeout and visibility < SAFE_TIMES_TIMEOUT * timeout:
            said.append(
                f"visibility timeout {visibility} s is below"
                f" {SAFE_TIMES_TIMEOUT} x the {timeout} s timeout of {place[2]}"
            )
    if SOURCE in roles.get(thing.name, {}) and not thing.body.get("redrive_target"):
        said.append("no dead-letter queue: a message that keeps failing is retried until it expires")
    if thing.body.get("max_receive_count") == 1:
        said.append("one receive and out: a single throttle sends a message to the dead-letter queue")
    return "; ".join(said)


@reader
def unread(store: Store, *, now: datetime) -> pd.DataFrame:
    """Places that functions' configuration names and that are not read: account, region, arn, name, place
    (queue, SNS topic, EventBridge bus ...), role, functions (list), why. Queues of other accounts and
    regions, and those that are gone, are here."""
    with store.snapshot(Window(now, now)) as snapshot:
        things = Things.read(snapshot, "function", "mapping", "invoke_config", "queue")
    read, lines = {t.name for t in things.of("queue")}, []
    for arn, mine in queue_roles(things).items():
        role, functions = role_and_functions({arn: mine}, arn)
        place = sorted(place for places in mine.values() for place in places)[0]
        kind = PLACES.get(arn.split(":")[2] if arn.count(":") > 1 else "", "")
        if arn in read or not kind or (role == SOURCE and kind != "queue"):
            continue
        about = (*place[:2], arn, arn.rsplit(":", 1)[-1], kind, role, functions, why_unread(arn, place))
        lines.append(about)
    names = ("account", "region", "arn", "name", "place", "role", "functions", "why")
    return pd.DataFrame(lines, columns=pd.Index(names)).sort_values(["role", "arn"]).reset_index(drop=True)


@reader
def queue_series(store: Store, target: Target, arn: str, window: Window, *, now: datetime) -> pd.DataFrame:
    """Per `chart_step` (the sampling period at least), whole steps only: ts, visible_max, not_visible_max,
    oldest_age_max_s (NaN when silent), sent, received, deleted, arrivals (0 when silent), collected (bool).
    What was not collected is NaN."""
    reach = Window(window.start - LOOK_BACK, window.end)
    with store.snapshot(reach, ("queue_samples",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        found = samples(snapshot, Coverage.read(snapshot, reach, now=now, only="queues"))
    grid = Grid(window, coverage.step("queues"))
    mine = found[
        (found["queue"] == arn) & (found["account"] == target.account) & (found["region"] == target.region)
    ]
    steps = mine["ts"].astype("int64") // (1000 * grid.step_ms) * grid.step_ms
    counts = ["arrivals", *TRAFFIC]
    summed = mine.groupby(steps.rename("step"))[counts].sum()
    most = mine.groupby(steps.rename("step"))[LEVELS].max()
    frame = grid.lay(summed.join(most).reset_index())
    read = inside(coverage.covered("queues", target.account, target.region, arn), grid.starts_ms, grid.step)
    fill(frame, read, counts=counts, measures=LEVELS)
    frame["collected"] = read
    return frame
